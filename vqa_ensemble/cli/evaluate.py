"""vqa-ensemble evaluate"""

from __future__ import annotations

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
)

if TYPE_CHECKING:
    from vqa_ensemble.leaderboards.evaluate import FileScores
    from vqa_ensemble.questions.vqa import Annotations


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
@choice(
    "--by",
    ["answer_type", "question_type"],
    "What the table breaks scores down by; --json has both.",
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
    by: str,
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
    evaluator's; the other metrics are those of their benchmarks: exact match in VQA normal form,
    GQA accuracy, VizWiz accuracy and average precision of unanswerable questions, TDIUC's means
    per type, multiple-choice accuracy, ANLS for text in images, and WUPS at 0.9 and 0.0, which
    credits answers that WordNet has near the right one.

    \b
    Examples:
      vqa-ensemble evaluate submission.json preds/val/*.parquet --annotations val.json
      vqa-ensemble evaluate preds/testdev/*.parquet --metric gqa \\
          --annotations testdev_balanced_questions.json
    """
    from vqa_ensemble.leaderboards.evaluate import evaluate
    from vqa_ensemble.scoring.metric import read_metric

    with status(f"Scoring {len(files)} files", quiet=quiet):
        keys = [key_file(annotation, id_column, type_column) for annotation in annotations]
        ready = read_metric(keys, metric, wordnet=wordnet)
        scores = evaluate(files, ready, missing=missing)
    known = ready.annotations
    for note in ready.notes:
        warn(note)
    if as_json:
        print_json(
            {
                "annotations": list(annotations),
                "metric": ready.name,
                "questions": len(known),
                "files": [score.to_dict() for score in scores],
            }
        )
        return
    if by == "answer_type":
        _print_by_answer_type(scores, known)
    else:
        _print_by_question_type(scores, known)
    own = ready.benchmark.metric
    console().print(
        f"Scored by {ready.name}, "
        + ("the benchmark's own metric." if own == ready.name else f"not by the benchmark's {own}.")
    )


def _print_by_answer_type(scores: list[FileScores], annotations: Annotations) -> None:
    from rich.markup import escape

    from vqa_ensemble.answers.rule import in_usual_order

    names = annotations.answer_type_names
    types = in_usual_order(names)
    counts = dict(zip(names, _counts(annotations.answer_types, names), strict=True))

    more = list(scores[0].more)
    table = new_table("file", *map(escape, ("overall", *more, *types)))
    table.columns[0].overflow = "fold"
    for score in scores:
        figures = [score.scores.overall, *(score.more[name] for name in more)]
        figures += [score.scores.per_answer_type.get(name) for name in types]
        table.add_row(escape(score.file), *map(_figure, figures))
    totals = [f"{len(annotations):,}", *[""] * len(more), *(f"{counts[name]:,}" for name in types)]
    table.add_row("questions", *totals, style="dim")
    console().print(table)


def _print_by_question_type(scores: list[FileScores], annotations: Annotations) -> None:
    from rich.markup import escape

    names = annotations.question_type_names
    counts = _counts(annotations.question_types, names)
    table = new_table("question type", "questions")
    for score in scores:
        table.add_column(escape(Path(score.file).stem), justify="right", overflow="fold")
    for name, count in sorted(zip(names, counts, strict=True), key=lambda row: (-row[1], row[0])):
        figures = (score.scores.per_question_type.get(name) for score in scores)
        table.add_row(escape(name), f"{count:,}", *map(_figure, figures))
    overall = (score.scores.overall for score in scores)
    table.add_row("overall", f"{len(annotations):,}", *map(_figure, overall))
    for name in scores[0].more:
        table.add_row(escape(name), "", *(_figure(score.more[name]) for score in scores))
    console().print(table)


def _figure(figure: float | None) -> str:
    return "n/a" if figure is None else f"{figure:.2f}"


def _counts(codes: Any, names: list[str]) -> list[int]:
    import numpy as np

    counts: list[int] = np.bincount(codes, minlength=len(names)).tolist()
    return counts
