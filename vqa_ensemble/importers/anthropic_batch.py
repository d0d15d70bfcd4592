"""Results of Anthropic's message batches: ``{"custom_id", "result": {"type", "message"}}``.

Of the message's content the text counts, not the thinking. The question id is the ``custom_id``,
see :mod:`vqa_ensemble.importers.batch`. A request that did not succeed, and a text that was cut
off (``stop_reason``), is no vote.
"""

from __future__ import annotations

from vqa_ensemble.errors import InputError
from vqa_ensemble.files.records import Record
from vqa_ensemble.importers.base import ImportOptions, Votes, content_text
from vqa_ensemble.importers.batch import by_request, one_text


def recognizes(row: Record) -> bool:
    """Whether a file's first row is of this format."""
    return "custom_id" in row and "result" in row


def votes(row: Record, options: ImportOptions) -> Votes:
    """The vote of a request."""
    try:
        result = row["result"]
        if result["type"] != "succeeded":
            missing = f"the request {result['type']}"
            return Votes(row.text("custom_id"), [], row.where, missing=missing)
        text, reason = content_text(result["message"]["content"]), result["message"]["stop_reason"]
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"has no result of a kind that is known ({error!r})", fix="Save the batch's results."
        ) from error
    return one_text(row, "custom_id", text, reason, options)


read = by_request(votes)
