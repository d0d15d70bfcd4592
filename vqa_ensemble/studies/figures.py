"""A study's table as a picture."""

from __future__ import annotations

import os
from typing import Any

from vqa_ensemble.errors import need
from vqa_ensemble.files.atomic import atomic_path
from vqa_ensemble.studies.tables import AXIS, CURVES, Column, Table, TableRow, deviation, mean

_BLUE, _GREY, _LIGHT = "#2463a8", "#555555", "#9dbfe3"
_CURVE_COLORS = ("#8a8a8a", "#2463a8", "#d1662b", "#4a9a5b")


def draw(table: Table, path: str | os.PathLike[str]) -> None:
    """Draw one panel a column: means with their standard deviations, and every seed's dot.

    Raises
    ------
    InputError
        If matplotlib is missing, or ``path`` cannot be written.
    """
    require_matplotlib()
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    drawn = [
        column for column in table.columns if any(row.values.get(column.name) for row in table.rows)
    ]
    panels = {AXIS: _draw_axis, CURVES: _draw_curves}.get(table.layout, _draw_rows)
    with plt.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = panels(plt, table, drawn)
        # The title stands on the left, above everything.
        figure.suptitle(table.title, x=0.01, ha="left", fontsize=11, fontweight="bold")
        with atomic_path(path) as temporary:
            figure.savefig(temporary, format="png", dpi=110)
        plt.close(figure)


def require_matplotlib() -> None:
    """Stop with what to install if matplotlib is missing."""
    with need("figures need matplotlib", extra="study"):
        import matplotlib  # noqa: F401


def _draw_rows(plt: Any, table: Table, columns: list[Column]) -> Any:
    """Rows from top to bottom, panels side by side."""
    size = (2.2 + 1.75 * len(columns), 1.3 + 0.34 * len(table.rows))
    figure, axes = plt.subplots(
        1, len(columns), sharey=True, squeeze=False, figsize=size, layout="constrained"
    )
    places = list(range(len(table.rows)))
    for axis, column in zip(axes[0], columns, strict=True):
        for place, row in zip(places, table.rows, strict=True):
            values = row.values.get(column.name, [])
            axis.plot(values, [place] * len(values), "o", color=_LIGHT, markersize=4, zorder=2)
            if values:
                spread = deviation(values) or 0.0
                axis.errorbar(
                    mean(values), place, xerr=spread, fmt="o", color=_BLUE, markersize=5.5,
                    elinewidth=1.4, capsize=2.5, zorder=3,
                )  # fmt: skip
        axis.set_xlabel(column.name)
        axis.margins(x=0.12)
        axis.grid(axis="x", color="#e4e4e4", zorder=0)
        axis.tick_params(axis="y", length=0)
        axis.xaxis.set_major_locator(plt.MaxNLocator(4))
    axes[0, 0].set_yticks(places, [row.label for row in table.rows])
    axes[0, 0].set_ylim(len(table.rows) - 0.5, -0.5)
    return figure


def _draw_axis(plt: Any, table: Table, columns: list[Column]) -> Any:
    """Labels are numbers along the x axis: a line a panel, three panels side by side."""
    across = min(3, len(columns))
    down = -(-len(columns) // across)
    figure, axes = plt.subplots(
        down, across, squeeze=False, figsize=(3.1 * across, 0.5 + 2.3 * down), layout="constrained"
    )
    for axis in axes.flat[len(columns) :]:
        axis.set_visible(False)
    for axis, column in zip(axes.flat, columns, strict=False):
        points = [(float(row.label), row) for row in table.rows]
        _draw_curve(axis, points, column.name, _BLUE, seeds=True)
        axis.set_title(column.name, loc="left", fontsize=9, color=_GREY)
        axis.set_xticks([at for at, _ in points])
        axis.grid(axis="y", color="#e4e4e4", zorder=0)
        axis.set_xlabel(table.head)
    return figure


def _draw_curves(plt: Any, table: Table, columns: list[Column]) -> Any:
    """A label ends with its place on the x axis; what is before it names the panel."""
    panels: dict[str, list[tuple[float, TableRow]]] = {}
    for row in table.rows:
        panel, _, at = row.label.rpartition(" ")
        panels.setdefault(panel, []).append((float(at), row))
    figure, axes = plt.subplots(
        1, len(panels), sharey=True, squeeze=False, figsize=(2.6 * len(panels), 3.2),
        layout="constrained",
    )  # fmt: skip
    for axis, (panel, points) in zip(axes[0], panels.items(), strict=True):
        for column, color in zip(columns, _CURVE_COLORS, strict=False):
            _draw_curve(axis, points, column.name, color)
        axis.set_title(panel, loc="left", fontsize=9, color=_GREY)
        axis.grid(axis="y", color="#e4e4e4", zorder=0)
        axis.set_xlabel(panel.rpartition(" ")[2])
    axes[0, 0].set_ylabel("right counts (%)")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    return figure


def _draw_curve(
    axis: Any, points: list[tuple[float, TableRow]], column: str, color: str, *, seeds: bool = False
) -> None:
    there = [(at, row.values[column]) for at, row in points if row.values.get(column)]
    for at, values in there if seeds else ():
        axis.plot([at] * len(values), values, "o", color=_LIGHT, markersize=3.5, zorder=2)
    axis.errorbar(
        [at for at, _ in there],
        [mean(values) for _, values in there],
        yerr=[deviation(values) or 0.0 for _, values in there],
        fmt="o-", color=color, label=column, markersize=4.5, linewidth=1.4, elinewidth=1.2,
        capsize=2.5, zorder=3,
    )  # fmt: skip
