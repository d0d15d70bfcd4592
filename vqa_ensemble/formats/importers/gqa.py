"""GQA results: ``[{"questionId", "prediction"}, …]`` (Hudson and Manning, CVPR 2019).

Question ids are strings there, some with leading zeros, and are kept as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vqa_ensemble.formats.importers.base import ImportOptions, Votes
from vqa_ensemble.formats.importers.records import read_records
from vqa_ensemble.formats.importers.vqa import votes_of


def recognizes(row: Mapping[str, Any]) -> bool:
    """Whether a file's first row is of this format."""
    return "questionId" in row and "prediction" in row


def read(path: str, options: ImportOptions) -> Iterator[Votes]:
    """The votes of a results file.

    Raises
    ------
    InputError
        Naming the file and the row.
    """
    for where, row in read_records(path):
        yield votes_of(row, "questionId", "prediction", path, where)
