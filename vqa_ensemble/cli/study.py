"""vqa-ensemble study"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vqa_ensemble.cli.common import (
    choice,
    console,
    device_options,
    given_arguments,
    new_table,
    output_folder,
    output_options,
    print_json,
    progress,
)
from vqa_ensemble.cli.train import require_torch
from vqa_ensemble.errors import InputError
from vqa_ensemble.studies.names import SCALE_NAMES, STUDY_NAMES

if TYPE_CHECKING:
    from vqa_ensemble.studies.tables import Table


@click.command("study")
@click.argument("name", type=click.Choice(STUDY_NAMES))
@click.option("--dataset", default="shapes", show_default=True, help="As recipes call it.")
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Runs of every row; each member of an ensemble has one.",
)
@choice("--scale", SCALE_NAMES, "Train as the data set's recipe says, or a smaller model.")
@click.option("--epochs", type=click.IntRange(min=1), help="Instead of the recipe's.")
@output_folder("Folder for the table, and for runs, which studies share.", "studies")
@click.option("--fresh", is_flag=True, help="Train again what is done already.")
@device_options
@output_options
def command(
    name: str,
    data_root: str | None,
    output: Path,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    **options: Any,
) -> None:
    """Measure one of the talk's tables on your own data.

    Every row is a recipe, or an ensemble, trained with several seeds, each in a process of its
    own so that its memory and time are its own. The table of means and standard deviations is
    written as OUTPUT/NAME.csv, .md and .png. Runs that are done are kept: an interrupted study
    goes on when the command is given again. Scores are the official VQA accuracy on the
    validation split. The study toy-counting, the counting paper's own task, makes its data
    itself, on the CPU: it ignores --dataset, --data-root, --epochs and --device.

    \b
    Example:
      vqa-ensemble prepare shapes -o shapes
      vqa-ensemble study counter --data-root shapes --seeds 5 --scale small -o studies
    """
    require_torch()
    from vqa_ensemble.studies.design import Options
    from vqa_ensemble.studies.study import run_study, save_study

    with progress(quiet=quiet) as bar:
        task = bar.add_task(name, total=1)

        def tell(what: str, share: float) -> None:
            bar.update(task, completed=share, description=f"{name}: {what}")
            if share == 1 and not quiet:
                bar.console.print(f"{what} is done")

        table = run_study(name, output, Options(root=data_root, **options), tell)
    paths = save_study(table, output, f"vqa-ensemble {shlex.join(given_arguments())}")
    if as_json:
        print_json({**table.to_dict(), "files": [str(path) for path in paths]})
    else:
        _print(table)
        if not quiet:
            console().print(f"Wrote {', '.join(map(str, paths))}")
    if table.failures:
        raise InputError(
            f"{len(table.failures)} runs failed and are left out: {table.failures[0]}",
            fix="The others are kept; give the command again to try again.",
        )


def _print(table: Table) -> None:
    from vqa_ensemble.studies.tables import cells, differences

    out = console()
    for title, (heads, rows) in ((table.title, cells(table)), ("", differences(table))):
        shown = new_table(*heads, title=title, title_justify="left")
        for row in rows:
            shown.add_row(*row)
        if rows:
            out.print(shown)
    for note in table.notes:
        out.print(f"- {note}")
