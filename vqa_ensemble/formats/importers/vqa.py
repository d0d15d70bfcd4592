"""VQA results, as visualqa.org and EvalAI take them: ``[{"question_id", "answer"}, …]``.

VQA v1 and v2, OK-VQA, TextVQA and most later leaderboards share the format. A row's
``confidence`` is used if it has one; anything else beside the two is ignored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vqa_ensemble.formats.importers.base import (
    ImportOptions,
    Votes,
    read_answer,
    read_confidence,
    read_id,
)
from vqa_ensemble.formats.importers.records import read_records, value_of


def recognizes(row: Mapping[str, Any]) -> bool:
    """Whether a file's first row is of this format."""
    return "question_id" in row and "answer" in row


def read(path: str, options: ImportOptions) -> Iterator[Votes]:
    """The votes of a results file.

    Raises
    ------
    InputError
        Naming the file and the row.
    """
    for where, row in read_records(path):
        yield votes_of(row, "question_id", "answer", path, where)


def votes_of(
    row: Mapping[str, Any], id_name: str, answer_name: str, path: str, where: str
) -> Votes:
    """One answer to one question, with the row's ``confidence`` if it has one."""
    question = read_id(value_of(row, id_name, path, where), id_name, path, where)
    answer = read_answer(value_of(row, answer_name, path, where), answer_name, path, where)
    confidence = row.get("confidence")
    if confidence is not None:
        confidence = read_confidence(confidence, "confidence", path, where)
    return Votes(question, [(answer, confidence)], where)
