"""Turn answers into the file that a leaderboard takes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vqa_ensemble.errors import InputError, at
from vqa_ensemble.files.atomic import is_stream
from vqa_ensemble.files.text import check_own_ending
from vqa_ensemble.leaderboards.check import Problem, check_submission, is_acceptable
from vqa_ensemble.leaderboards.files import LEADERBOARDS, make_rows, write_rows
from vqa_ensemble.predictions.files import read_predictions
from vqa_ensemble.questions.benchmarks import BenchmarkQuestions, read_benchmark_questions
from vqa_ensemble.questions.vqa import read_submission

QuestionId = int | str


@dataclass(frozen=True)
class ExportReport:
    """What an export did.

    Attributes
    ----------
    output : str or None
        The file written; None if the leaderboard would refuse it.
    leaderboard : str
    ok : bool
        Whether the leaderboard would take it, as far as is known.
    answers : int
        Answers written.
    filled : int
        How many of them stand for questions that had none.
    problems : list of Problem
        What the leaderboard would refuse or doubt.
    """

    output: str | None
    leaderboard: str
    ok: bool
    answers: int
    filled: int
    problems: list[Problem]


def export_answers(
    source: str,
    output: str | os.PathLike[str],
    leaderboard: str,
    *,
    questions: str | None = None,
    fill: str | None = None,
    multiple_choice: str | None = None,
) -> ExportReport:
    """Write a submission, or a member's most confident answers, for a leaderboard.

    Parameters
    ----------
    source : str
        VQA submission (.json) or prediction file (.parquet).
    output : path-like
    leaderboard : str
        One of :data:`~vqa_ensemble.leaderboards.files.LEADERBOARDS`.
    questions : str, optional
        The questions to answer; what is written is checked against them. Gives VizWiz the names
        of images.
    fill : str, optional
        The answer to questions that have none.
    multiple_choice : str, optional
        A second source with the options chosen, for A-OKVQA.

    Raises
    ------
    InputError
        Naming the file and the question: unreadable, an answer that cannot be written.
    """
    board = LEADERBOARDS[leaderboard]
    if multiple_choice is not None and not board.optional_key:
        raise InputError(
            f"{leaderboard} takes no multiple-choice answers", fix="Leave out --multiple-choice."
        )
    if fill is not None and questions is None:
        raise InputError("to fill in answers, the questions must be known", fix="Give --questions.")
    if not is_stream(output):
        check_own_ending(output, board.endings)
    answers = _read_answers(source)
    known = None if questions is None else read_benchmark_questions(questions).like(answers)
    filled = 0 if fill is None or known is None else _fill_in(answers, known, fill)
    ids: Sequence[QuestionId] = list(answers)
    wanted: Sequence[QuestionId] = [] if known is None else known.question_ids
    if board.id_key == "image":
        with at(source):
            ids = _images_of(ids, known, leaderboard)
        wanted = [] if known is None else [str(image) for image in known.images]
    if board.id_type is str:
        wanted = [*map(str, wanted)]
    chosen = None if multiple_choice is None else _read_answers(multiple_choice)
    rows = make_rows(board, ids, list(answers.values()), chosen, known)
    problems = []
    if known is not None:
        problems = check_submission(rows, wanted, leaderboard=board, questions=known)
    ok = is_acceptable(problems)
    if ok:
        write_rows(output, board, rows)
    written = os.fspath(output) if ok else None
    return ExportReport(written, leaderboard, ok, len(rows), filled, problems)


def _fill_in(answers: dict[QuestionId, str], known: BenchmarkQuestions, fill: str) -> int:
    """Answer in place the questions that have no answer; how many these are."""
    given = {str(question) for question in answers}
    lacking = [question for question in known.question_ids if str(question) not in given]
    answers.update(dict.fromkeys(lacking, fill))
    return len(lacking)


def _images_of(
    questions: Sequence[QuestionId], known: BenchmarkQuestions | None, leaderboard: str
) -> Sequence[QuestionId]:
    """The image of each question, for a leaderboard that names images; ids that are names stay."""
    if known is not None:
        image_of = dict(zip(map(str, known.question_ids), known.images, strict=True))
        return [image_of.get(str(question), question) for question in questions]
    if not all(isinstance(question, str) for question in questions):
        raise InputError(
            f"{leaderboard} names images, not questions",
            fix="Give --questions with the image of each question.",
        )
    return questions


def _read_answers(path: str) -> dict[QuestionId, str]:
    if Path(path).suffix == ".parquet":
        predictions = read_predictions(path)
        return dict(zip(predictions.question_ids.tolist(), predictions.top(), strict=True))
    submission = read_submission(path)
    return dict(zip(submission.question_ids.tolist(), submission.answers, strict=True))
