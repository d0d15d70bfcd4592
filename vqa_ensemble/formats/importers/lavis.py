"""LAVIS results: VQA rows, A-OKVQA rows with ``pred_ans``, and A-OKVQA dictionaries.

A dictionary is what the A-OKVQA leaderboard takes: ``{question_id: {"direct_answer": …,
"multiple_choice": …}}``; the direct answer is the vote, and the multiple choice where there is
no direct answer. Every rank of a distributed run leaves a partial file ``…_rank0.json`` beside
the one that they are merged into, which is the one to read (see ``merged_file``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from vqa_ensemble.errors import InputError
from vqa_ensemble.formats.importers.base import ImportOptions, Votes, id_from_text, read_answer
from vqa_ensemble.formats.importers.records import read_document, rows_of
from vqa_ensemble.formats.importers.vqa import votes_of

_PARTIAL = re.compile(r"_rank\d+\.json$")
_KINDS = ("direct_answer", "multiple_choice")


def recognizes(row: Mapping[str, Any]) -> bool:
    """Whether a file's first row is of this format."""
    return "question_id" in row and "pred_ans" in row


def recognizes_document(document: Any) -> bool:
    """Whether a JSON document is a dictionary for the A-OKVQA leaderboard."""
    first = next(iter(document.values()), None) if isinstance(document, dict) else None
    return isinstance(first, dict) and any(kind in first for kind in _KINDS)


def merged_file(path: str) -> str | None:
    """The file that the results of a single rank are merged into; None of any other file.

    Examples
    --------
    >>> merged_file("result/val_vqa_result_rank0.json"), merged_file("result/val_vqa_result.json")
    ('result/val_vqa_result.json', None)
    """
    return _PARTIAL.sub(".json", path) if _PARTIAL.search(path) else None


def read(path: str, options: ImportOptions) -> Iterator[Votes]:
    """The votes of a results file.

    Raises
    ------
    InputError
        Naming the file and the row.
    """
    document = read_document(path)
    if recognizes_document(document):
        yield from _dictionary(document, path)
        return
    for where, row in rows_of(document, path):
        yield votes_of(
            row, "question_id", "pred_ans" if "pred_ans" in row else "answer", path, where
        )


def _dictionary(document: dict[str, Any], path: str) -> Iterator[Votes]:
    for question, answered in document.items():
        where = f"question {question}"
        if not isinstance(answered, dict):
            raise InputError(
                "is not an object",
                path=path,
                where=where,
                fix=f"Write {' and '.join(_KINDS)} in one.",
            )
        answers = [read_answer(answered.get(kind), kind, path, where) for kind in _KINDS]
        yield Votes(id_from_text(question), [(answers[0] or answers[1], None)], where)
