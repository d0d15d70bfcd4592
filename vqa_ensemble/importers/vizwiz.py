"""VizWiz results: ``[{"image", "answer"}, …]``; an image has one question, and is its id."""

from __future__ import annotations

from vqa_ensemble.files.records import Record
from vqa_ensemble.importers.base import ImportOptions, Votes, by_row, one_answer

# A row with an id of its own is of a data set with several questions an image.
_IDS = frozenset({"question_id", "questionId", "qid", "id", "uid", "index"})


def recognizes(row: Record) -> bool:
    """Whether a file's first row is of this format."""
    return "image" in row and "answer" in row and not _IDS & row.keys()


def votes(row: Record, options: ImportOptions) -> Votes:
    """The vote of a row."""
    return one_answer(row, options, "image", "answer")


read = by_row(votes)
