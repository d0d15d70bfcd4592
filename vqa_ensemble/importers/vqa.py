"""VQA results, as visualqa.org and EvalAI take them: ``[{"question_id", "answer"}, …]``.

VQA v1 and v2, OK-VQA, TextVQA and most later leaderboards share the format; DocVQA and
InfographicVQA write ``questionId``. A row's
``confidence`` is used if it has one; anything else beside the two is ignored.
"""

from __future__ import annotations

from vqa_ensemble.files.records import Record
from vqa_ensemble.importers.base import ImportOptions, Votes, by_row, one_answer


def recognizes(row: Record) -> bool:
    """Whether a file's first row is of this format."""
    return _id_name(row) in row and "answer" in row


def votes(row: Record, options: ImportOptions) -> Votes:
    """The vote of a row."""
    return one_answer(row, options, _id_name(row), "answer")


read = by_row(votes)


def _id_name(row: Record) -> str:
    return "questionId" if "questionId" in row and "question_id" not in row else "question_id"
