"""LAVIS results: VQA rows, A-OKVQA rows with ``pred_ans``, and A-OKVQA dictionaries.

A dictionary is what the A-OKVQA leaderboard takes: ``{question_id: {"direct_answer": …,
"multiple_choice": …}}``; the direct answer is the vote, and the multiple choice where there is
no direct answer; ``--answer-column multiple_choice`` takes that only. Every rank of a
distributed run leaves a partial file ``…_rank0.json`` beside
the one that they are merged into, which is the one to read (see ``merged_file``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from vqa_ensemble.errors import InputError, at
from vqa_ensemble.files.records import Record, as_text, ending, id_from_text, read_document
from vqa_ensemble.importers.base import ImportOptions, Votes, by_row, one_answer

_PARTIAL = re.compile(r"_rank\d+\.json$")
_KINDS = ("direct_answer", "multiple_choice")


def recognizes(row: Record) -> bool:
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
    """The votes of a results file; InputError names it and the row."""
    document = read_document(path) if ending(path) == ".json" else None
    with at(path):
        if isinstance(document, dict) and recognizes_document(document):
            for question, answered in document.items():
                with at(None, f"question {question}"):
                    yield _of_dictionary(question, answered, options)
        else:
            yield from _of_rows(path, options)


def _of_row(row: Record, options: ImportOptions) -> Votes:
    return one_answer(row, options, "question_id", "pred_ans" if "pred_ans" in row else "answer")


_of_rows = by_row(_of_row, uses="pred_ans")


def _of_dictionary(question: str, answered: Any, options: ImportOptions) -> Votes:
    if not isinstance(answered, dict):
        raise InputError("is not an object", fix=f"Write {' and '.join(_KINDS)} in one.")
    kinds = (options.answer_column,) if options.answer_column else _KINDS
    if not set(kinds) <= set(_KINDS) or options.question_id_column or options.confidence_column:
        raise InputError(
            f"has {' and '.join(answered)}, no other columns",
            fix=f"Give --answer-column {' or '.join(_KINDS)}, or leave columns out.",
        )
    text = next(filter(None, (as_text(answered.get(kind), kind) for kind in kinds)), "")
    return Votes(id_from_text(question), [(text, None)], f"question {question}")
