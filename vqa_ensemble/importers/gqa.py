"""GQA results: ``[{"questionId", "prediction"}, …]`` (Hudson and Manning, CVPR 2019).

Question ids are strings there, some with leading zeros, and are kept as they are.
"""

from __future__ import annotations

from vqa_ensemble.files.records import Record, as_id
from vqa_ensemble.importers.base import ImportOptions, Votes, by_row, one_answer


def recognizes(row: Record) -> bool:
    """Whether a file's first row is of this format."""
    return "questionId" in row and "prediction" in row


def votes(row: Record, options: ImportOptions) -> Votes:
    """The vote of a row."""
    question = row[options.question_id_column or "questionId"]
    vote = one_answer(row, options, "questionId", "prediction")
    return vote._replace(question=as_id(question, "questionId"))


read = by_row(votes, uses="prediction")
