"""A study's table: means and standard deviations over seeds, as text, CSV and Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vqa_ensemble.files.table import csv_text

# How a figure is laid out: a panel a column, with the rows one below the other or, where the
# labels are numbers, along an axis; or a curve a column, in a panel for each beginning of a label.
ROWS, AXIS, CURVES = "rows", "axis", "curves"


@dataclass(frozen=True)
class Column:
    """A column of figures.

    Attributes
    ----------
    name : str
        With the unit, where it has one.
    digits : int
        Decimals shown.
    score : bool
        Whether it is a score, of which more is better.
    """

    name: str
    digits: int = 2
    score: bool = False


@dataclass(frozen=True)
class TableRow:
    """One row.

    Attributes
    ----------
    label : str
    values : mapping of str to list of float
        The figures by column, one a seed; the seeds that failed are left out.
    talk : mapping of str to float
        The talk's figures by column.
    reference : str
        Label of the row that it is compared with; none if empty.
    seeds : sequence of int
        Of the figures, in their order: rows are compared seed by seed.
    """

    label: str
    values: Mapping[str, list[float]]
    talk: Mapping[str, float] = field(default_factory=dict)
    reference: str = ""
    seeds: Sequence[int] = ()


@dataclass(frozen=True)
class Table:
    """What a study found.

    Attributes
    ----------
    study, title : str
    head : str
        What the labels are.
    columns : tuple of Column
    rows : list of TableRow
    notes : list of str
        What a reader has to know: differences between rows, conditions, mixed versions.
    failures : list of str
        Runs that failed, and why.
    layout : str
        Of the figure: ``ROWS``, ``AXIS`` or ``CURVES``.
    """

    study: str
    title: str
    head: str
    columns: tuple[Column, ...]
    rows: list[TableRow]
    notes: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    layout: str = ROWS

    @property
    def talk_columns(self) -> list[str]:
        """Columns for which the talk has figures."""
        return list(dict.fromkeys(name for row in self.rows for name in row.talk))

    def to_dict(self) -> dict[str, Any]:
        """What ``--json`` prints: every seed's figures."""
        return {
            "study": self.study,
            "title": self.title,
            "columns": [column.name for column in self.columns],
            "rows": [
                {
                    "label": row.label,
                    "seeds": list(row.seeds),
                    "values": dict(row.values),
                    "talk": dict(row.talk),
                }
                for row in self.rows
            ],
            "notes": self.notes,
            "failures": self.failures,
        }


def mean(values: Sequence[float]) -> float | None:
    """The mean, or None of nothing."""
    return statistics.fmean(values) if values else None


def deviation(values: Sequence[float]) -> float | None:
    """The sample standard deviation, or None of fewer than two."""
    return statistics.stdev(values) if len(values) > 1 else None


def spread_of_seeds(seeds: int) -> str:
    """What the ± of a row is, in words."""
    if seeds == 1:
        return "One seed a row: what differs between rows may be chance."
    return f"± is the standard deviation over {seeds} seeds."


def show(values: Sequence[float], digits: int) -> str:
    """Mean and standard deviation as text.

    Examples
    --------
    >>> show([68.0, 69.0], 2), show([3.14159], 1), show([], 2)
    ('68.50 ± 0.71', '3.1', '')
    """
    if not values:
        return ""
    text = f"{mean(values):,.{digits}f}"
    spread = deviation(values)
    return text if spread is None else f"{text} ± {spread:,.{digits}f}"


def differences(table: Table) -> tuple[list[str], list[list[str]]]:
    """Heads and rows of text: what rows gain in score over their references.

    Gains are taken over the seeds that both rows have, and given with half of their 95 %
    confidence interval (Student's t). A gain whose interval lacks zero has a star.
    """
    by_label = {row.label: row for row in table.rows}
    scores = [column.name for column in table.columns if column.score]
    rows = [
        [f"{row.label}, over {row.reference}"]
        + [_gain(row, by_label[row.reference], name) for name in scores]
        for row in table.rows
        if row.reference
    ]
    return ["gain", *scores], rows


def _gain(row: TableRow, reference: TableRow, column: str) -> str:
    theirs = dict(zip(reference.seeds, reference.values[column], strict=True))
    ours = zip(row.seeds, row.values[column], strict=True)
    gains = [figure - theirs[seed] for seed, figure in ours if seed in theirs]
    if not gains:
        return ""
    spread = deviation(gains)
    if spread is None:
        return f"{gains[0]:+.2f}"
    from scipy.stats import t

    margin = float(t.ppf(0.975, len(gains) - 1)) * spread / len(gains) ** 0.5
    gain = statistics.fmean(gains)
    return f"{gain:+.2f} ± {margin:.2f}{' *' if abs(gain) > margin else ''}"


def cells(table: Table) -> tuple[list[str], list[list[str]]]:
    """Heads and rows of text; the talk's figures come last."""
    heads = [table.head, *(column.name for column in table.columns)]
    heads += [f"talk: {name}" for name in table.talk_columns]
    rows = []
    for row in table.rows:
        figures = [show(row.values.get(column.name, []), column.digits) for column in table.columns]
        talk = [_as_in_the_talk(row.talk.get(name)) for name in table.talk_columns]
        rows.append([row.label, *figures, *talk])
    return heads, rows


def _as_in_the_talk(figure: float | None) -> str:
    """Scores and hours have two decimals, MiB none."""
    if figure is None:
        return ""
    return f"{figure:,.0f}" if figure >= 1000 else f"{figure:.2f}"


def to_csv(table: Table) -> str:
    """One line a row: mean, standard deviation and number of seeds of every column."""
    heads = [table.head]
    for column in table.columns:
        heads += [column.name, f"{column.name} sd"]
    heads += ["runs", *(f"talk: {name}" for name in table.talk_columns)]
    lines = []
    for row in table.rows:
        line: list[Any] = [row.label]
        for column in table.columns:
            values = row.values.get(column.name, [])
            line += [_rounded(mean(values)), _rounded(deviation(values))]
        runs = max((len(values) for values in row.values.values()), default=0)
        lines.append([*line, runs, *(row.talk.get(name, "") for name in table.talk_columns)])
    return csv_text(heads, lines)


def to_markdown(table: Table, command: str) -> str:
    """The table as Markdown, with the command that made it, the gains and the notes."""
    lines = [f"# {table.title}", "", "```sh", command, "```", "", *_lines(*cells(table)), ""]
    heads, rows = differences(table)
    if rows:
        lines += [*_lines(heads, rows), ""]
    lines += [f"![{table.title}]({table.study}.png)", ""]
    lines += [f"- {note}" for note in [*table.notes, *table.failures]]
    return "\n".join(lines) + "\n"


def _lines(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [_line(heads), _line(["---", *["---:"] * (len(heads) - 1)]), *map(_line, rows)]


def _line(texts: Sequence[str]) -> str:
    return "| " + " | ".join(text.replace("|", "\\|") for text in texts) + " |"


def _rounded(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
