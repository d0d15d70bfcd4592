"""GQA results: ``[{"questionId", "prediction"}, …]`` (Hudson and Manning, CVPR 2019).

Question ids are strings there, some with leading zeros, and are kept as they are.
"""

from __future__ import annotations

from vqa_ensemble.files.records import Record
from vqa_ensemble.importers.base import ImportOptions, Votes, by_row, one_answer


def recognizes(row: Record) -> bool:
    """Whether a file's first row is of this format."""
    return "questionId" in row and "prediction" in row


def votes(row: Record, options: ImportOptions) -> Votes:
    """The vote of a row."""
    return one_answer(row, "questionId", "prediction")


read = by_row(votes)
