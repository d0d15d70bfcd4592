"""Logs of Inspect (``inspect_ai``), as JSON: ``{"eval", "samples": [{"id", "epoch", "output"}]}``.

The answer is in the ``completion``: scores of "C" and "I" mean correct and incorrect. Epochs are
samples of one question. A sample with an error, or cut off, is no vote.
"""

from __future__ import annotations

from collections.abc import Iterator

from vqa_ensemble.errors import InputError, shown
from vqa_ensemble.files.records import Record, as_text
from vqa_ensemble.importers.base import ImportOptions, Votes, by_row, content_text, sampled
from vqa_ensemble.importers.reading import unfinished

_ATTACHED = "attachment://"


def recognizes(row: Record) -> bool:
    """Whether a file's first row is of this format."""
    return {"id", "epoch", "output"} <= row.keys()


def votes(row: Record, options: ImportOptions) -> Votes:
    """The vote of one epoch of a sample."""
    question, output = row.id("id"), row["output"]
    if row.get("error") or not isinstance(output, dict):
        return Votes(question, [], row.where, missing="the sample failed")
    choices = output.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else {}
    choice = choice if isinstance(choice, dict) else {}
    cut = unfinished(choice.get("stop_reason")) if options.extract != "none" else ""
    message = choice.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    text = content_text(content) or as_text(output.get("completion"), "completion")
    answers = [] if cut else [(_attached(text, row), None)]
    return Votes(question, answers, row.where, missing=cut, prompt=_prompt(row.get("input")))


def read(path: str, options: ImportOptions) -> Iterator[Votes]:
    """The votes of a log; InputError names it and the row."""
    return sampled(_rows(path, options))


_rows = by_row(votes, uses="output")


def _prompt(given: object) -> str:
    return given if isinstance(given, str) else ""


def _attached(text: str, row: Record) -> str:
    """The text, which the log may keep apart from where it belongs."""
    if not text.startswith(_ATTACHED):
        return text
    attachments = row.get("attachments")
    found = attachments.get(text.removeprefix(_ATTACHED)) if isinstance(attachments, dict) else None
    if not isinstance(found, str):
        raise InputError(
            f"its answer is {shown(text)}, which is not in the log",
            fix="Write the log again with its attachments.",
        )
    return found
