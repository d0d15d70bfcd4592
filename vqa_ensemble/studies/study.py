"""A study from its name to its files."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from vqa_ensemble.files.atomic import atomic_write
from vqa_ensemble.studies.bench import Bench
from vqa_ensemble.studies.catalog import STUDIES
from vqa_ensemble.studies.design import SCALES, Options, base_recipe
from vqa_ensemble.studies.figures import draw, require_matplotlib
from vqa_ensemble.studies.names import TOY
from vqa_ensemble.studies.recipe_study import MEMORY
from vqa_ensemble.studies.tables import Table, spread_of_seeds, to_csv, to_markdown
from vqa_ensemble.studies.toy_counting import toy_counting


def run_study(
    name: str,
    folder: str | os.PathLike[str],
    options: Options,
    tell: Callable[[str, float], object] = lambda what, share: None,
) -> Table:
    """Train what a study asks for and is not done yet, and make its table.

    Parameters
    ----------
    name : str
        One of ``STUDIES``, or ``toy-counting``.
    folder : path-like
        Runs are kept in here, and shared by studies of the same data set.
    options : Options
    tell : callable
        Told what is being trained, and how much of it is done: 1 once when it is kept.

    Raises
    ------
    InputError
        If the data or a recipe is wrong, or matplotlib is missing, which is needed in the end.
    """
    require_matplotlib()
    if name == TOY:
        return toy_counting(name, Path(folder), options, tell=tell)
    bench = Bench(base_recipe(options), Path(folder), options, tell=tell)
    table = STUDIES[name](name, bench)
    compared = options.seeds > 1 and any(row.reference for row in table.rows)
    starred = [
        "Gains are over the same seeds, ± half of their 95 % confidence interval; * marks those "
        "whose interval lacks zero, as one in twenty does by chance."
    ]
    notes = [
        *(starred if compared else []),
        *table.notes,
        *_conditions(table, bench, options),
        *bench.mixtures(),
    ]
    return replace(table, notes=notes)


def save_study(table: Table, folder: str | os.PathLike[str], command: str) -> list[Path]:
    """Write the table as ``<study>.csv``, ``.md`` and ``.png``; the paths.

    Raises
    ------
    InputError
        If a file cannot be written.
    """
    paths = [Path(folder, f"{table.study}{ending}") for ending in (".csv", ".md", ".png")]
    atomic_write(paths[0], to_csv(table).encode())
    atomic_write(paths[1], to_markdown(table, command).encode())
    draw(table, paths[2])
    return paths


def _conditions(table: Table, bench: Bench, options: Options) -> list[str]:
    """What the figures were measured on, in words."""
    changed = ", ".join(f"{key} = {value}" for key, value in SCALES[options.scale].items())
    scale = f"scale {options.scale}" + (f" ({changed})" if changed else "")
    epochs = bench.base.training.epochs
    notes = [
        f"Data set {bench.base.data.dataset}, recipe {bench.base.member.name}, {scale}: "
        f"{epochs} epoch{'' if epochs == 1 else 's'} of {bench.questions['train']:,} questions. "
        f"Scores are on the {bench.questions['validation']:,} questions of the validation split."
    ]
    if not any(note.startswith("±") for note in table.notes):
        notes.append(spread_of_seeds(options.seeds))
    on_cpu = any(run.record.made_by["device"] == "cpu" for run in bench.runs.values())
    if on_cpu and any(column.name.startswith(MEMORY) for column in table.columns):
        notes.append(
            "On a CPU, time is the processor's and memory what the process grows by; the talk's "
            "are of a GPU."
        )
    return notes
