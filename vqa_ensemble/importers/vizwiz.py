"""VizWiz results: ``[{"image", "answer"}, …]``; an image has one question, and is its id."""

from __future__ import annotations

from vqa_ensemble.files.records import Record
from vqa_ensemble.importers.base import ImportOptions, Votes, by_row, one_answer


def recognizes(row: Record) -> bool:
    """Whether a file's first row is of this format."""
    return "image" in row and "answer" in row and "question_id" not in row


def votes(row: Record, options: ImportOptions) -> Votes:
    """The vote of a row."""
    return one_answer(row, "image", "answer")


read = by_row(votes)
