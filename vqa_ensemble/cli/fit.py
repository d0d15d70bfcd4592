"""vqa-ensemble fit"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from vqa_ensemble.cli.common import (
    OutputFile,
    console,
    labelled_options,
    new_table,
    output_options,
    print_json,
    read_labelled,
    status,
)

if TYPE_CHECKING:
    from vqa_ensemble.learning.fit import Fit


@click.command("fit")
@click.argument("predictions", nargs=-1, required=True, type=click.Path())
@labelled_options
@click.option(
    "-o",
    "--output",
    required=True,
    type=OutputFile(".toml", ".json", only=True),
    help="Ensemble: .toml or .json.",
)
@click.option(
    "--method",
    default="auto",
    show_default=True,
    help="auto, or one of the methods that 'compare' lists.",
)
@click.option(
    "--specialist",
    "specialists",
    multiple=True,
    metavar="MEMBER=TYPE[,TYPE]",
    help="Hear a member on questions of these types only; repeat.",
)
@output_options
def command(
    predictions: tuple[str, ...],
    output: str,
    method: str,
    specialists: tuple[str, ...],
    seed: int,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    **labelled_by: Any,
) -> None:
    """Learn how to weigh members, from predictions whose answers are known.

    PREDICTIONS are parquet files of a validation split, one a member. Every method is scored by
    cross-validation; 'auto' takes the best, or equal votes unless it is surely better than them.
    The ensemble is a text file to be read, compared and given to 'vote --ensemble'.

    \b
    Example:
      vqa-ensemble fit preds/val/*.parquet --annotations val_annotations.json \\
          --map vqa-v2 -o ensemble.toml
    """
    from vqa_ensemble.learning.ensemble_file import write_ensemble
    from vqa_ensemble.learning.fit import fit

    with status(f"Fitting {len(predictions)} members", quiet=quiet):
        labelled = read_labelled(predictions, **labelled_by)
        fitted = fit(labelled, method=method, specialists=_parse(specialists), seed=seed)
        write_ensemble(output, fitted.ensemble.to_file())
    if as_json:
        record = dict(fitted.ensemble.fit)
        print_json({"method": fitted.ensemble.method, "output": output, **record})
    elif not quiet:
        _print(fitted, output)


def _parse(specialists: tuple[str, ...]) -> dict[str, list[str]]:
    trusted = {}
    for entry in specialists:
        name, equals, types = entry.partition("=")
        if not equals or not name or not types:
            raise click.UsageError(f"--specialist is '{entry}': give it as MEMBER=TYPE[,TYPE]")
        trusted[name] = types.split(",")
    return trusted


def _print(fitted: Fit, output: str) -> None:
    table = new_table("method", "accuracy")
    chosen = fitted.ensemble.method
    for name, score in sorted(fitted.scores.items(), key=lambda pair: -pair[1]):
        table.add_row(f"{name} *" if name == chosen else name, f"{100 * score:.2f}")
    out = console()
    out.print(table)
    for name, reason in fitted.failures.items():
        out.print(f"{name} could not be fitted: {reason}")
    if fitted.choice is not None:
        out.print(f"Chosen: {chosen} ({fitted.choice.reason})")
    if fitted.ensemble.fit["metric"] is not None:
        out.print(f"Scored by {fitted.ensemble.fit['metric']}.")
    out.print(f"Wrote {output}")
