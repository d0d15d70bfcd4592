"""Turn answers into the file that a leaderboard takes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from vqa_ensemble.errors import InputError
from vqa_ensemble.formats.benchmarks import read_benchmark_questions
from vqa_ensemble.formats.leaderboards import LEADERBOARDS, make_rows, write_rows
from vqa_ensemble.formats.predictions import read_predictions
from vqa_ensemble.formats.vqa_json import read_submission
from vqa_ensemble.scoring.submission_check import Problem, check_submission

QuestionId = int | str


@dataclass(frozen=True)
class ExportReport:
    """What an export did.

    Attributes
    ----------
    answers : int
        Answers written.
    filled : int
        How many of them stand for questions that had none.
    problems : list of Problem
        What the leaderboard would refuse or doubt; with an error among them nothing is written.
    """

    answers: int
    filled: int
    problems: list[Problem]

    @property
    def ok(self) -> bool:
        """Whether the leaderboard would take it, as far as is known."""
        return all(problem.level != "error" for problem in self.problems)


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
        One of :data:`~vqa_ensemble.formats.leaderboards.LEADERBOARDS`.
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
    answers = _read_answers(source)
    known = None if questions is None else read_benchmark_questions(questions)
    filled = 0
    if known is not None and fill is not None:
        given = {str(question) for question in answers}
        lacking = [question for question in known.question_ids if str(question) not in given]
        answers.update(dict.fromkeys(lacking, fill))
        filled = len(lacking)
    ids: list[QuestionId] = list(answers)
    wanted = [] if known is None else known.question_ids
    if board.id_key == "image":
        if known is not None:
            image_of = dict(zip(map(str, known.question_ids), known.images, strict=True))
            ids = [image_of.get(str(question), question) for question in answers]
            wanted = [str(image) for image in known.images]
        elif not all(isinstance(question, str) for question in ids):
            raise InputError(
                f"{leaderboard} names images, not questions",
                path=source,
                fix="Give --questions with the image of each question.",
            )
    rows = make_rows(
        board,
        ids,
        list(answers.values()),
        None if multiple_choice is None else _read_answers(multiple_choice),
    )
    problems = (
        [] if known is None else check_submission(rows, wanted, leaderboard=board, questions=known)  # type: ignore[arg-type]
    )
    report = ExportReport(len(rows), filled, problems)
    if report.ok:
        write_rows(output, board, rows)
    return report


def _read_answers(path: str) -> dict[QuestionId, str]:
    if Path(path).suffix == ".parquet":
        predictions = read_predictions(path)
        return dict(zip(predictions.question_ids.tolist(), predictions.top(), strict=True))
    submission = read_submission(path)
    return dict(zip(submission.question_ids.tolist(), submission.answers, strict=True))
