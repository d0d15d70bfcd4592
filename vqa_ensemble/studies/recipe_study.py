"""Studies whose rows are recipes: each is trained with every seed, and what was measured shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from vqa_ensemble.answers.rule import in_usual_order
from vqa_ensemble.errors import InputError
from vqa_ensemble.studies.bench import Bench, Run
from vqa_ensemble.studies.design import Row, change_recipe
from vqa_ensemble.studies.measuring import OVERALL
from vqa_ensemble.studies.tables import ROWS, Column, Table, TableRow

_HOUR = 3600.0

MEMORY, TIME, PARAMETERS, LATENCY = "memory", "time", "parameters", "latency"


@dataclass(frozen=True)
class RecipeStudy:
    """A study that compares recipes.

    Attributes
    ----------
    title, head : str
        Of the table, and of its labels.
    rows : callable
        The rows for a bench's base recipe and device.
    costs : tuple of str
        What the table shows beside the scores: memory, time, parameters, latency.
    layout : str
        Of the figure; see :class:`vqa_ensemble.studies.tables.Table`.
    note : str
        What a reader has to know of the rows.
    """

    title: str
    head: str
    rows: Callable[[Bench], Sequence[Row]]
    costs: tuple[str, ...] = ()
    layout: str = ROWS
    note: str = ""

    def __call__(self, name: str, bench: Bench) -> Table:
        """Train what is not trained yet, and make the table; what fails is left out and told.

        Raises
        ------
        InputError
            If everything fails.
        """
        rows = self.rows(bench)
        failures: list[str] = []
        runs: dict[str, list[Run]] = {row.label: [] for row in rows}
        for seed in bench.seeds:
            for row in rows:
                try:
                    recipe = change_recipe(bench.base, row.changes)
                    runs[row.label].append(bench.train(recipe, seed, row.label))
                except InputError as error:
                    failures.append(f"{row.label}, seed {seed}: {error}")
        if not any(runs.values()):
            raise InputError(
                f"all {len(failures)} runs failed; the first: {failures[0]}",
                fix="Mend that and give the command again.",
            )
        columns, values = measure(runs, self.costs)
        found = [
            TableRow(
                row.label,
                values[row.label],
                row.talk,
                row.reference,
                [run.recipe.member.seed for run in runs[row.label]],
            )
            for row in rows
        ]
        return Table(
            name,
            self.title,
            self.head,
            columns,
            found,
            notes=[self.note] if self.note else [],
            failures=failures,
            layout=self.layout,
        )


def measure(
    runs: Mapping[str, Sequence[Run]], costs: Sequence[str] = ()
) -> tuple[tuple[Column, ...], dict[str, dict[str, list[float]]]]:
    """The columns of scores and costs, and every row's figures by column."""
    everything = [run for some in runs.values() for run in some]
    types = {kind for run in everything for kind in run.record.scores} - {OVERALL}
    figures: dict[Column, Callable[[Run], float]] = {
        Column(kind, score=True): lambda run, kind=kind: run.record.scores[kind]  # type: ignore[misc]
        for kind in (OVERALL, *in_usual_order(types))
    }
    for cost in costs:
        column, figure = _cost(cost, everything)
        figures[column] = figure
    values = {
        label: {column.name: [figure(run) for run in some] for column, figure in figures.items()}
        for label, some in runs.items()
    }
    return tuple(figures), values


def _cost(cost: str, runs: Sequence[Run]) -> tuple[Column, Callable[[Run], float]]:
    if cost == MEMORY:
        return Column("memory (MiB)", 0), lambda run: run.record.memory
    if cost == PARAMETERS:
        return Column("parameters (M)", 3), lambda run: run.record.parameters / 1e6
    if cost == LATENCY:
        return Column("latency (ms)", 2), lambda run: run.record.latency
    if max(map(training_time, runs), default=0) < _HOUR:
        return Column("time (s)", 1), training_time
    return Column("time (h)", 2), lambda run: training_time(run) / _HOUR


def training_time(run: Run) -> float:
    """Seconds by the clock on a GPU; of the processor on a CPU, where others use it too."""
    record = run.record
    on_cpu = record.made_by.get("device") == "cpu"
    return record.processor_seconds if on_cpu else record.seconds
