"""vqa-ensemble train"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from vqa_ensemble.cli.common import (
    choice,
    console,
    output_options,
    print_json,
    progress,
    status,
    training_options,
)
from vqa_ensemble.elections.options import ENGINES
from vqa_ensemble.errors import InputError, need

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn

    from vqa_ensemble.training.recipe import Recipe
    from vqa_ensemble.training.session import Outcome, RunOptions
    from vqa_ensemble.training.trainer import TrainingProgress


def require_torch() -> None:
    """Stop with what to install where torch is missing; else make it a good neighbour.

    By default the threads of a small step spin while they wait for each other. When other
    programs want the cores too, that makes training over ten times slower; sleeping costs
    next to nothing when they do not. It has to be said before torch is imported.

    Raises
    ------
    InputError
        If torch is missing.
    """
    if importlib.util.find_spec("torch") is None:
        raise InputError(
            "training and prediction need torch",
            fix="Install it: pip install 'vqa-ensemble[train]'.",
        )
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@click.command("train")
@click.argument("recipes", nargs=-1, required=True)
@training_options
@choice(
    "--engine",
    ENGINES,
    "Train on this machine one after another, or side by side as Ray tasks (needs the extra "
    "[ray]).",
)
@click.option("--address", help="Ray cluster to use; Ray's own default if not given.")
@output_options
def command(
    recipes: tuple[str, ...],
    seed: int | None,
    data_root: str | None,
    engine: str,
    address: str | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    **run: Any,
) -> None:
    """Train members and write their prediction files.

    RECIPES are names of recipes that ship with the package, or paths of TOML files. A member
    that fails does not stop the others; the exit code is then 1. A run that was interrupted
    goes on where it was when the command is given again. With --engine ray every member is a
    task with --threads cores (1 by default) and the recipe's training.gpus; all machines must see
    the data and the folders. Under torchrun every member is trained by all its processes together.

    \b
    Example:
      vqa-ensemble train easy-vqa-butd easy-vqa-ban --split test
      torchrun --nproc-per-node 2 -m vqa_ensemble train easy-vqa-ban
    """
    require_torch()
    from vqa_ensemble.training.session import RunOptions

    members, outcomes = _read_recipes(recipes, seed, data_root)
    if int(os.environ.get("RANK", "0")):
        quiet, as_json = True, False  # rank 0 speaks for all that torchrun has started
    say = console().print if not (quiet or as_json) else _nothing
    for outcome in outcomes:
        say_failure(outcome, verbose)

    def finished(outcome: Outcome) -> None:
        if outcome.error:
            say_failure(outcome, verbose)
        else:
            say(describe(outcome))

    if engine == "ray":
        with need("--engine ray needs Ray", extra="ray"):
            from vqa_ensemble.training.ray_session import train_members_on_ray
        with status(f"Training {len(members)} members", quiet=quiet):
            outcomes += train_members_on_ray(
                members, RunOptions(**run), address=address, finished=finished
            )
    else:
        outcomes += train_here(members, RunOptions(**run), finished, quiet)
    if as_json:
        print_json([outcome.to_dict() for outcome in outcomes])
    failed = [outcome.member for outcome in outcomes if outcome.error]
    if failed:
        others = "; the others are done" if len(failed) < len(outcomes) else ""
        raise InputError(
            f"{len(failed)} of {len(outcomes)} members failed: {', '.join(failed)}",
            fix=f"Mend what is said above and give the command again{others}.",
        )


def train_here(
    members: list[Recipe], run: RunOptions, finished: Callable[[Outcome], None], quiet: bool
) -> list[Outcome]:
    """Train members on this machine, one after another."""
    from vqa_ensemble.training.distributed import joined
    from vqa_ensemble.training.session import train_members

    with joined(run.device) as chosen, progress(*bar_columns(), quiet=quiet) as bar:
        return train_members(
            members,
            replace(run, device=str(chosen)),
            report=bar_updater(bar),
            finished=finished,
            say=_nothing if quiet else bar.console.print,
        )


def _read_recipes(
    names: tuple[str, ...], seed: int | None, data_root: str | None
) -> tuple[list[Recipe], list[Outcome]]:
    """Recipes that can be read, and the failures of those that cannot, known at once.

    Under torchrun the first failure ends the run.
    """
    from vqa_ensemble.training.recipe import read_recipe, recipe_name
    from vqa_ensemble.training.session import Outcome

    recipes, failures = [], []
    for name in names:
        try:
            recipes.append(read_recipe(name).with_seed(seed).with_root(data_root))
        except InputError as error:
            if int(os.environ.get("WORLD_SIZE", "1")) > 1:
                raise
            failures.append(Outcome(recipe_name(name), error=str(error)))
    return recipes, failures


def bar_columns() -> list[ProgressColumn]:
    """Who, how far and how long yet; then the rest, in several lines on a narrow terminal."""
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.table import Column

    return [
        TextColumn("{task.description}"),
        BarColumn(10, table_column=Column(no_wrap=True)),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[details]}", table_column=Column()),
    ]


def bar_updater(bar: Progress) -> Callable[[TrainingProgress], None]:
    """What moves the bar of a member; it has the columns of :func:`bar_columns`."""
    tasks: dict[str, Any] = {}

    def update(now: TrainingProgress) -> None:
        if now.member not in tasks:
            tasks[now.member] = bar.add_task(
                now.member, total=now.updates, completed=now.update, details=""
            )
        bar.update(
            tasks[now.member],
            completed=now.update,
            details=f"loss {now.loss:.3f}, score {100 * now.score:.1f} %, "
            f"{now.examples_per_second:,.0f} examples/s, {now.memory / 1e9:.1f} GB, "
            f"waiting for data {100 * now.data_wait:.0f} %",
        )

    return update


def describe(outcome: Outcome) -> str:
    """A member's result in a line, and what there is to note."""
    scores = "".join(
        f", {split} {100 * score:.2f} %"
        for split, score in outcome.scores.items()
        if score is not None
    )
    files = ", ".join(str(path) for path in outcome.files.values())
    line = (
        f"{outcome.member}: {outcome.parameters:,} parameters, {outcome.seconds:.0f} s{scores} → "
        f"{files}"
    )
    return "\n".join([line, *outcome.notes])


def say_failure(outcome: Outcome, verbose: bool) -> None:
    """Say on standard error why a member failed."""
    click.echo(f"{outcome.member} failed: {outcome.error}", err=True)
    if verbose and outcome.details:
        click.echo(outcome.details, err=True)


def _nothing(message: str) -> None:
    """Say nothing."""
