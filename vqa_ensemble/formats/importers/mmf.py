"""MMF (Pythia) reports: VQA rows, with ``topk`` answers and scores from some data sets.

``topk`` is a list of ``[answer, score]``. MMF's VQA models train with a logistic loss on each
answer, so scores are logits: a sigmoid makes confidences of them (``--activation none`` if they
are confidences already). CSV reports are text tables: import them as ``table``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vqa_ensemble.errors import InputError, shown
from vqa_ensemble.formats.importers.base import (
    ImportOptions,
    Votes,
    read_answer,
    read_confidence,
    read_id,
    sigmoid,
    softmax,
)
from vqa_ensemble.formats.importers.records import read_records, value_of
from vqa_ensemble.formats.importers.vqa import votes_of


def recognizes(row: Mapping[str, Any]) -> bool:
    """Whether a file's first row is of this format."""
    return "question_id" in row and "topk" in row


def read(path: str, options: ImportOptions) -> Iterator[Votes]:
    """The votes of a report.

    Raises
    ------
    InputError
        Naming the file and the row.
    """
    for where, row in read_records(path):
        if "topk" not in row:
            yield votes_of(row, "question_id", "answer", path, where)
            continue
        question = read_id(value_of(row, "question_id", path, where), "question_id", path, where)
        yield Votes(question, _answers(row["topk"], options.activation, path, where), where)


def _answers(
    pairs: Any, activation: str | None, path: str, where: str
) -> list[tuple[str, float | None]]:
    if not isinstance(pairs, list) or not all(
        isinstance(pair, list) and len(pair) == 2 for pair in pairs
    ):
        raise InputError(
            f"'topk' is {shown(pairs)}",
            path=path,
            where=where,
            fix="It must be a list of [answer, score].",
        )
    names = [read_answer(answer, "topk", path, where) for answer, _ in pairs]
    scores = [read_confidence(score, "topk", path, where) for _, score in pairs]
    if activation == "softmax" and scores:
        scores = softmax(scores)
    elif activation in (None, "sigmoid"):
        scores = [sigmoid(score) for score in scores]
    return list(zip(names, scores, strict=True))
