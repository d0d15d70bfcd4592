"""The report's charts, as Plotly figures in plain data.

A colour is the name of a variable of the page's style sheet (``--one``), which the page's script
looks up when it draws, so that charts follow the light and the dark scheme. Member and type names
are escaped: Plotly reads tags in text.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from vqa_ensemble.learning.fit import BEST_SINGLE
from vqa_ensemble.report.contents import Contents, best_member

Figure = dict[str, Any]

_LINES = ("--one", "--two", "--three")
# Bins with fewer questions say nothing.
LEAST_IN_BIN = 10
_ROW_HEIGHT = 22
_CATEGORIES = {"type": "category", "automargin": True, "dtick": 1}
_LEGEND = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}


def make_charts(contents: Contents) -> dict[str, Figure]:
    """Every chart that these contents allow, by the name that the page asks for."""
    charts = {
        "sizes": _sizes(contents),
        "contributions": _contributions(contents),
        "reliability": _reliability(contents),
        "oracle": _oracle(contents),
    }
    if contents.changes:
        charts["changes"] = _changes(contents)
    if contents.comparison.contributions_of is None:
        del charts["contributions"]
    return charts


def _figure(traces: list[Figure], **layout: Any) -> Figure:
    return {"data": traces, "layout": layout}


def _sizes(contents: Contents) -> Figure:
    traces = []
    sizes = contents.comparison.sizes or {}
    curves = {m: p for m, p in sizes.items() if m != BEST_SINGLE}
    for colour, (method, points) in zip(_LINES, curves.items(), strict=False):
        best = [(point.best_first, point.best_first_error) for point in points]
        random = [(point.random, point.random_spread) for point in points]
        for label, dash, figures in (
            ("best first", "solid", best),
            ("random members", "dot", random),
        ):
            traces.append(
                {
                    "type": "scatter",
                    "mode": "lines+markers",
                    "name": f"{method}, {label}",
                    "x": [point.size for point in points],
                    "y": [_percent(score) for score, _ in figures],
                    "error_y": {
                        "array": [_percent(error) for _, error in figures],
                        "color": colour,
                        "thickness": 1,
                        "width": 2,
                    },
                    "line": {"color": colour, "dash": dash, "width": 2},
                    "marker": {"color": colour, "size": 6},
                    "hovertemplate": "%{x} members: %{y:.2f} %",
                }
            )
    most = len(contents.comparison.members)
    return _figure(
        traces,
        height=380,
        xaxis={"title": {"text": "members"}, "range": [0.5, most + 0.5], "tickformat": "d"},
        yaxis={"title": {"text": "accuracy, %"}},
        legend=_LEGEND,
    )


def _contributions(contents: Contents) -> Figure:
    members = contents.comparison.members
    rows = [(m.contribution, m.member) for m in members if m.contribution is not None]
    rows.sort(key=lambda row: row[0].difference)
    added = [contribution for contribution, _ in rows]
    points = [_percent(a.difference) for a in added]
    return _figure(
        [
            {
                "type": "scatter",
                "mode": "markers",
                "x": points,
                "y": [_escape(member) for _, member in rows],
                "error_x": {
                    "symmetric": False,
                    "array": [_percent(a.high - a.difference) for a in added],
                    "arrayminus": [_percent(a.difference - a.low) for a in added],
                    "color": "--quiet",
                    "thickness": 1.5,
                    "width": 3,
                },
                "marker": {
                    "size": 9,
                    "color": [
                        "--good" if a.low > 0 else "--bad" if a.high < 0 else "--quiet"
                        for a in added
                    ],
                },
                "hovertemplate": "%{y}: %{x:+.2f} points<extra></extra>",
            }
        ],
        height=90 + _ROW_HEIGHT * len(rows),
        xaxis={"title": {"text": "points that the member adds"}, "zeroline": True},
        yaxis=_CATEGORIES,
        showlegend=False,
    )


def _reliability(contents: Contents) -> Figure:
    traces: list[Figure] = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": "as right as sure",
            "x": [0, 100],
            "y": [0, 100],
            "line": {"color": "--quiet", "dash": "dash", "width": 1},
            "hoverinfo": "skip",
        }
    ]
    best = best_member(contents).member
    curves = {"the ensemble": contents.own_reliability, best: contents.reliability[best]}
    for colour, (name, found) in zip(_LINES, curves.items(), strict=False):
        bins = [b for b in found.bins if b.questions >= LEAST_IN_BIN] or list(found.bins)
        most = max(b.questions for b in bins)
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": _escape(name),
                "x": [_percent(b.confidence) for b in bins],
                "y": [_percent(b.score) for b in bins],
                "text": [f"{b.questions:,}" for b in bins],
                "line": {"color": colour, "width": 2},
                # The area tells how many questions.
                "marker": {
                    "color": colour,
                    "size": [round(5 + 15 * (b.questions / most) ** 0.5, 1) for b in bins],
                },
                "hovertemplate": "%{x:.0f} % sure, %{y:.0f} % right, %{text} questions",
            }
        )
    return _figure(
        traces,
        height=420,
        xaxis={"title": {"text": "how sure, %"}, "range": [0, 103]},
        yaxis={"title": {"text": "how right, %"}, "range": [0, 103]},
        legend=_LEGEND,
    )


def _oracle(contents: Contents) -> Figure:
    rows = oracle_gaps(contents)[::-1]
    names = [_escape(row["type"]) for row in rows]
    reached = [_percent(row["ensemble"]) for row in rows]
    missed = [_percent(row["oracle"] - row["ensemble"]) for row in rows]

    def bars(name: str, colour: str, values: Sequence[float]) -> Figure:
        return {
            "type": "bar",
            "orientation": "h",
            "name": name,
            "x": values,
            "y": names,
            "marker": {"color": colour},
            "hovertemplate": "%{y}: %{x:.2f} points",
        }

    return _figure(
        [bars("ensemble", "--one", reached), bars("some member knew", "--four", missed)],
        barmode="stack",
        height=130 + _ROW_HEIGHT * len(rows),
        xaxis={"title": {"text": "accuracy, %"}, "range": [0, 100]},
        yaxis=_CATEGORIES,
        legend={**_LEGEND, "traceorder": "normal"},
    )


def oracle_gaps(contents: Contents) -> list[dict[str, Any]]:
    """The ensemble and the best of the members' votes, over all questions and by type."""
    row, bound = contents.method(contents.row), contents.comparison.oracle["voted"]
    rows = [{"type": "all questions", "ensemble": row.accuracy, "oracle": bound.accuracy}]
    rows += [
        {"type": name, "ensemble": score, "oracle": bound.by_type[name]}
        for name, score in row.by_type.items()
    ]
    return rows


def _changes(contents: Contents) -> Figure:
    changes = [asdict(change) for change in contents.changes]
    outcomes = {"gained": "--good", "lost": "--bad", "neutral": "--quiet"}
    types = [change["type"] or "changed" for change in changes]
    totals = {outcome: sum(change[outcome] for change in changes) for outcome in outcomes}
    flows = [
        (t, len(changes) + o, change[outcome], colour)
        for t, change in enumerate(changes)
        for o, (outcome, colour) in enumerate(outcomes.items())
        if change[outcome]
    ]
    source, target, value, colours = zip(*flows, strict=True)
    return _figure(
        [
            {
                "type": "sankey",
                "arrangement": "fixed",
                "node": {
                    "label": [
                        *(_escape(name) for name in types),
                        *(f"{outcome} {n:,}" for outcome, n in totals.items()),
                    ],
                    "color": ["--one"] * len(types) + list(outcomes.values()),
                    "pad": 14,
                    "thickness": 14,
                    "line": {"width": 0},
                },
                "link": {
                    "source": source,
                    "target": target,
                    "value": value,
                    "color": [f"{colour}-flow" for colour in colours],
                    "hovertemplate": "%{source.label} → %{target.label}: %{value}<extra></extra>",
                },
            }
        ],
        height=max(240, 60 + 30 * len(types)),
    )


def _percent(share: float) -> float:
    return round(100 * share, 3)


def _escape(text: str) -> str:
    return html.escape(text, quote=False)
