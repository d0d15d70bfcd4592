"""vqa-ensemble evaluate"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vqa_ensemble.cli.common import (
    choice,
    console,
    key_file,
    key_options,
    metric_option,
    new_table,
    output_options,
    print_json,
    status,
    warn,
    warn_of_none_right,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from vqa_ensemble.leaderboards.evaluate import FileScores
    from vqa_ensemble.learning.evaluation.bootstrap import Comparison
    from vqa_ensemble.scoring.metric import Metric


_BEST = " *"
_MEAN = "mean of types"


@click.command("evaluate")
@click.argument("files", nargs=-1, required=True, type=click.Path())
@click.option(
    "--annotations",
    multiple=True,
    required=True,
    type=click.Path(),
    help="Annotations of VQA, GQA, VizWiz, TextVQA, DocVQA or A-OKVQA, or a table of answers "
    "(FILE:COLUMN for another column than answer); those of VQA may be given several times.",
)
@metric_option
@click.option(
    "--against",
    type=click.Path(),
    help="File that the others are compared with, question by question; by default the best.",
)
@click.option(
    "--by",
    type=click.Choice(["answer_type", "question_type"]),
    help="What the table breaks scores down by: answer types, unless there is one only or "
    "--question-types is given; --json has both.",
)
@click.option(
    "--question-types",
    metavar="FILE[:COLUMN]",
    help="Table with every question's type, in place of the annotations' own.",
)
@choice(
    "--missing",
    ["error", "wrong"],
    "When a file lacks annotated questions: refuse it, or score these 0.",
)
@click.option(
    "--wordnet",
    metavar="FOLDER",
    envvar="WNSEARCHDIR",
    show_envvar=True,
    help="WordNet's index.noun and data.noun, for WUPS; by default /usr/share/wordnet (Debian's "
    "wordnet-base), then NLTK's data.",
)
@key_options
@output_options
def command(
    files: tuple[str, ...],
    annotations: tuple[str, ...],
    metric: str | None,
    against: str | None,
    by: str | None,
    question_types: str | None,
    missing: str,
    wordnet: str | None,
    id_column: str,
    type_column: str,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Score submissions and prediction files.

    FILES are submissions (.json) or prediction files (.parquet), of which each question's most
    confident answer is scored. Figures are percent. VQA accuracy equals the official
    evaluator's; the other metrics equal those of their benchmarks' own scripts, or say where not:
    the page Metrics lists what each needs, and with what it was compared. Several files are
    compared with the best of them, or with --against, on the same questions, with a 95 %
    bootstrap interval.

    \b
    Examples:
      vqa-ensemble evaluate submission.json preds/val/*.parquet --annotations val.json
      vqa-ensemble evaluate preds/testdev/*.parquet --metric gqa \\
          --annotations testdev_balanced_questions.json
    """
    from vqa_ensemble.leaderboards.evaluate import evaluate
    from vqa_ensemble.scoring.metric import read_metric

    if against is not None and against not in files:
        files = (*files, against)
    with status(f"Scoring {len(files)} files", quiet=quiet):
        keys = [key_file(annotation, id_column, type_column) for annotation in annotations]
        ready = read_metric(keys, metric, question_types=question_types, wordnet=wordnet)
        scores = evaluate(files, ready, missing=missing)
    known = ready.annotations
    pairs = _pair(scores, against, ready)
    for note in ready.notes:
        warn(note)
    for score in scores:
        if not score.accuracy.any():
            warn_of_none_right(score.file, ready.name)
    if as_json:
        print_json(
            {
                "annotations": list(annotations),
                "metric": ready.name,
                "questions": int(ready.counted.sum()),
                "files": [_as_json(score, pairs.get(score.file)) for score in scores],
            }
        )
        return
    if by is None:
        typed = question_types or len(known.answer_type_names) == 1 < len(known.question_type_names)
        by = "question_type" if typed else "answer_type"
    _print(scores, ready, by, pairs)


def _as_json(score: FileScores, pair: tuple[str, Comparison] | None) -> dict[str, Any]:
    content = score.to_dict()
    if pair is not None:
        figures = {name: round(figure, 4) for name, figure in vars(pair[1]).items()}
        content["against"] = {"file": pair[0], **figures}
    return content


def _pair(
    scores: Sequence[FileScores], against: str | None, metric: Metric
) -> dict[str, tuple[str, Comparison]]:
    """Each file's difference in percent to the one named, else to the best, which has none."""
    import numpy as np

    from vqa_ensemble.learning.evaluation.bootstrap import compare_paired

    names, copies = [score.file for score in scores], metric.benchmark.groups
    other = scores[names.index(against)] if against else max(scores, key=_overall)
    groups = np.arange(len(metric.counted))
    if copies is not None:
        groups = np.unique([str(copy) for copy in copies], return_inverse=True)[1]
    groups = groups[metric.counted]
    return {
        score.file: (
            other.file,
            compare_paired(100 * score.accuracy, 100 * other.accuracy, groups),
        )
        for score in scores
        if score is not other
    }


def _overall(score: FileScores) -> float:
    return score.scores.overall


def _print(
    scores: Sequence[FileScores],
    metric: Metric,
    by: str,
    pairs: dict[str, tuple[str, Comparison]],
) -> None:
    ordered = sorted(scores, key=_overall, reverse=True)
    best = ordered[0].scores.overall if len(ordered) > 1 else None
    rows = [(s.file + _BEST * (_overall(s) == best), s) for s in ordered]
    if by == "answer_type":
        table = _by_answer_type(rows, metric)
    else:
        table = _by_question_type(rows, metric)
    out = console()
    out.print(table)
    if pairs:
        _print_pairs(out, rows, pairs)
    own = metric.benchmark.metric
    whose = "the benchmark's own metric" if own == metric.name else f"not by the benchmark's {own}"
    out.print(
        f"Scored by {metric.name}, {whose}." + (" * is the best." if best is not None else "")
    )


def _print_pairs(
    out: Console,
    rows: Sequence[tuple[str, FileScores]],
    pairs: dict[str, tuple[str, Comparison]],
) -> None:
    other = next(iter(pairs.values()))[0]
    table = new_table("file", f"less {other}", "95 % interval", title_justify="left")
    for label, score in rows:
        if score.file in pairs:
            _, pair = pairs[score.file]
            interval = f"{pair.low:+.2f} to {pair.high:+.2f}"
            table.add_row(label, f"{pair.difference:+.2f}", interval)
    out.print(table)


def _by_answer_type(rows: Sequence[tuple[str, FileScores]], metric: Metric) -> Table:
    """A row a file; a single type would repeat the overall figure."""
    from vqa_ensemble.answers.rule import in_usual_order

    known, counted = metric.annotations, metric.counted
    names = known.answer_type_names
    types = in_usual_order(names) if len(names) > 1 else []
    counts = dict(zip(names, _counts(known.answer_types[counted], names), strict=True))

    more = list(rows[0][1].more)
    mean = [_MEAN] if types else []
    table = new_table("file", "overall", *more, *types, *mean)
    table.columns[0].overflow = "fold"
    for label, score in rows:
        figures = [score.scores.overall, *(score.more[name] for name in more)]
        figures += [score.scores.per_answer_type.get(name) for name in types]
        figures += [score.scores.mean_of_answer_types] * len(mean)
        table.add_row(label, *map(_figure, figures))
    totals = [f"{counted.sum():,}", *[""] * len(more), *(f"{counts[name]:,}" for name in types)]
    table.add_row("questions", *totals, *[""] * len(mean), style="dim")
    return table


def _by_question_type(rows: Sequence[tuple[str, FileScores]], metric: Metric) -> Table:
    """A column a file; a single type would repeat the overall figure."""
    known, counted = metric.annotations, metric.counted
    names = known.question_type_names
    counts = _counts(known.question_types[counted], names)
    table = new_table("question type", "questions")
    for label, _ in rows:
        stem = Path(label.removesuffix(_BEST)).stem + _BEST * label.endswith(_BEST)
        table.add_column(stem, justify="right", overflow="fold")
    types = sorted(zip(names, counts, strict=True), key=lambda row: (-row[1], row[0]))
    for name, count in types if len(names) > 1 else ():
        figures = (score.scores.per_question_type.get(name) for _, score in rows)
        table.add_row(name, f"{count:,}", *map(_figure, figures))
    overall = (score.scores.overall for _, score in rows)
    table.add_row("overall", f"{counted.sum():,}", *map(_figure, overall))
    if len(names) > 1:
        means = (score.scores.mean_of_question_types for _, score in rows)
        table.add_row(_MEAN, "", *map(_figure, means))
    for name in rows[0][1].more:
        table.add_row(name, "", *(_figure(score.more[name]) for _, score in rows))
    return table


def _figure(figure: float | None) -> str:
    return "n/a" if figure is None else f"{figure:.2f}"


def _counts(codes: Any, names: list[str]) -> list[int]:
    import numpy as np

    counts: list[int] = np.bincount(codes, minlength=len(names)).tolist()
    return counts
