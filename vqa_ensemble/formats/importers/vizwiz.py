"""VizWiz results: ``[{"image", "answer"}, …]``; an image has one question, and is its id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vqa_ensemble.formats.importers.base import ImportOptions, Votes
from vqa_ensemble.formats.importers.records import read_records
from vqa_ensemble.formats.importers.vqa import votes_of


def recognizes(row: Mapping[str, Any]) -> bool:
    """Whether a file's first row is of this format."""
    return "image" in row and "answer" in row and "question_id" not in row


def read(path: str, options: ImportOptions) -> Iterator[Votes]:
    """The votes of a results file.

    Raises
    ------
    InputError
        Naming the file and the row.
    """
    for where, row in read_records(path):
        yield votes_of(row, "image", "answer", path, where)
