"""Results of Gemini's batches: ``{"key", "response": {"candidates": […]}}``, a line a request.

Thoughts among the parts are left out. The question id is the ``key``, see
:mod:`vqa_ensemble.importers.batch`. A request that failed or was blocked, and a text that was cut
off (``finishReason``), is no vote.
"""

from __future__ import annotations

from vqa_ensemble.errors import InputError
from vqa_ensemble.files.records import Record
from vqa_ensemble.importers.base import ImportOptions, Votes, content_text
from vqa_ensemble.importers.batch import by_request, one_text


def recognizes(row: Record) -> bool:
    """Whether a file's first row is of this format."""
    return "key" in row and ("response" in row or "error" in row)


def votes(row: Record, options: ImportOptions) -> Votes:
    """The vote of a request."""
    if row.get("error"):
        return Votes(row.text("key"), [], row.where, missing="the request failed")
    try:
        candidates = row["response"].get("candidates") or [{"finishReason": "SAFETY"}]
        text = content_text((candidates[0].get("content") or {}).get("parts"))
        reason = candidates[0].get("finishReason")
    except (IndexError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"has no response of a kind that is known ({error!r})", fix="Save the batch's results."
        ) from error
    return one_text(row, "key", text, reason, options)


read = by_request(votes)
