"""Tables of answers with named columns; see :mod:`vqa_ensemble.questions.answer_table`."""

from __future__ import annotations

from collections.abc import Iterator

from vqa_ensemble.files.records import Record
from vqa_ensemble.importers.base import ImportOptions, Votes
from vqa_ensemble.questions.answer_table import read_answers


def recognizes(row: Record, options: ImportOptions) -> bool:
    """Whether a file's first row has the columns that the options name."""
    return options.columns.question_id in row and options.columns.answer in row


def read(path: str, options: ImportOptions) -> Iterator[Votes]:
    """The votes of a table; InputError names it and the row."""
    return (Votes(*answered) for answered in read_answers(path, options.columns))
