"""MMF (Pythia) reports: VQA rows, with ``topk`` answers and scores from some data sets.

``topk`` is a list of ``[answer, score]``. MMF's VQA models train with a logistic loss on each
answer, so scores are logits: a sigmoid makes confidences of them (``--activation none`` if they
are confidences already). CSV reports are text tables: import them as ``table``.
"""

from __future__ import annotations

from typing import Any

from vqa_ensemble.errors import InputError, shown
from vqa_ensemble.files.records import Record, as_number, as_text
from vqa_ensemble.importers.base import (
    ImportOptions,
    Ranked,
    Votes,
    by_row,
    one_answer,
    sigmoid,
    softmax,
)


def recognizes(row: Record) -> bool:
    """Whether a file's first row is of this format."""
    return "question_id" in row and "topk" in row


def votes(row: Record, options: ImportOptions) -> Votes:
    """The votes of a row."""
    if "topk" not in row:
        return one_answer(row, options, "question_id", "answer")
    return Votes(row.id("question_id"), _answers(row["topk"], options.activation), row.where)


read = by_row(votes)


def _answers(pairs: Any, activation: str | None) -> Ranked:
    if not isinstance(pairs, list) or not all(
        isinstance(pair, list) and len(pair) == 2 for pair in pairs
    ):
        raise InputError(f"'topk' is {shown(pairs)}", fix="It must be a list of [answer, score].")
    names = [as_text(answer, "topk") for answer, _ in pairs]
    scores = [as_number(score, "topk") for _, score in pairs]
    if activation == "softmax" and scores:
        scores = softmax(scores)
    elif activation in (None, "sigmoid"):
        scores = [sigmoid(score) for score in scores]
    return list(zip(names, scores, strict=True))
