"""vqa-ensemble evaluate"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vqa_ensemble.cli.common import console, json_option, output_options, print_json, status

if TYPE_CHECKING:
    from vqa_ensemble.formats.vqa_json import Annotations
    from vqa_ensemble.scoring.vqa_accuracy import HumanAnswers, Scores

# Answer types in the order of the leaderboard; any others follow alphabetically.
_USUAL_TYPES = ("yes/no", "number", "other")


@click.command("evaluate")
@click.argument("files", nargs=-1, required=True, type=click.Path())
@click.option(
    "--annotations",
    multiple=True,
    required=True,
    type=click.Path(),
    help="Annotations JSON; may be given several times (train and val).",
)
@click.option(
    "--by",
    type=click.Choice(["answer_type", "question_type"]),
    default="answer_type",
    show_default=True,
    help="What the table breaks scores down by; --json has both.",
)
@click.option(
    "--missing",
    type=click.Choice(["error", "wrong"]),
    default="error",
    show_default=True,
    help="When a file lacks annotated questions: refuse it, or score these 0.",
)
@json_option
@output_options
def command(
    files: tuple[str, ...],
    annotations: tuple[str, ...],
    by: str,
    missing: str,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Score submissions and prediction files by the official VQA accuracy.

    FILES are submissions (.json) or prediction files (.parquet), of which each question's most
    confident answer is scored. Figures are percent, and equal to the official evaluator's.

    \b
    Example:
      vqa-ensemble evaluate submission.json preds/val/*.parquet --annotations val.json
    """
    from vqa_ensemble.formats.vqa_json import read_annotations
    from vqa_ensemble.scoring.vqa_accuracy import HumanAnswers

    with status(f"Scoring {len(files)} files", quiet=quiet):
        humans = HumanAnswers.prepare(read_annotations(annotations))
        scores = [_score(path, humans, missing) for path in files]
    if as_json:
        print_json(
            {
                "annotations": list(annotations),
                "questions": len(humans.annotations),
                "files": [
                    {
                        "file": path,
                        "overall": score.overall,
                        "per_answer_type": score.per_answer_type,
                        "per_question_type": score.per_question_type,
                        "missing": len(humans.annotations) - score.answered,
                    }
                    for path, score in zip(files, scores, strict=True)
                ],
            }
        )
    elif by == "answer_type":
        _print_by_answer_type(files, scores, humans.annotations)
    else:
        _print_by_question_type(files, scores, humans.annotations)


def _score(path: str, humans: HumanAnswers, missing: str) -> Scores:
    from vqa_ensemble.scoring.vqa_accuracy import score_answers

    question_ids: Any
    if Path(path).suffix == ".parquet":
        from vqa_ensemble.formats.predictions import read_predictions

        predictions = read_predictions(path)
        question_ids, answers = predictions.question_ids, predictions.top()
    else:
        from vqa_ensemble.formats.vqa_json import read_submission

        submission = read_submission(path)
        question_ids, answers = submission.question_ids, submission.answers
    return score_answers(humans, question_ids, answers, missing=missing, path=path)


def _print_by_answer_type(
    files: tuple[str, ...], scores: list[Scores], annotations: Annotations
) -> None:
    from rich.markup import escape
    from rich.table import Table

    names = annotations.answer_type_names
    types = [name for name in _USUAL_TYPES if name in names]
    types += sorted(set(names) - set(types))
    counts = dict(zip(names, _counts(annotations.answer_types, names), strict=True))

    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("file", overflow="fold")
    for name in ("overall", *types):
        table.add_column(escape(name), justify="right")
    for path, score in zip(files, scores, strict=True):
        figures = (score.overall, *(score.per_answer_type[name] for name in types))
        table.add_row(escape(path), *(f"{figure:.2f}" for figure in figures))
    totals = (len(annotations), *(counts[name] for name in types))
    table.add_row("questions", *(f"{total:,}" for total in totals), style="dim")
    console().print(table)


def _print_by_question_type(
    files: tuple[str, ...], scores: list[Scores], annotations: Annotations
) -> None:
    from rich.markup import escape
    from rich.table import Table

    names = annotations.question_type_names
    counts = _counts(annotations.question_types, names)
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("question type")
    table.add_column("questions", justify="right")
    for path in files:
        table.add_column(escape(Path(path).stem), justify="right", overflow="fold")
    for name, count in sorted(zip(names, counts, strict=True), key=lambda row: (-row[1], row[0])):
        figures = (score.per_question_type[name] for score in scores)
        table.add_row(escape(name), f"{count:,}", *(f"{figure:.2f}" for figure in figures))
    table.add_row("overall", f"{len(annotations):,}", *(f"{score.overall:.2f}" for score in scores))
    console().print(table)


def _counts(codes: Any, names: list[str]) -> list[int]:
    import numpy as np

    counts: list[int] = np.bincount(codes, minlength=len(names)).tolist()
    return counts
