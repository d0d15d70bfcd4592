"""Output of OpenAI-style batches.

The endpoints are ``/v1/chat/completions``, ``/v1/completions`` and ``/v1/responses``. The question
id is the ``custom_id``; with ``--questions``, its only number ("request-42") if the whole is no
question, see :mod:`vqa_ensemble.importers.batch`. With token log-probabilities, an answer's
confidence is e to the mean log-probability of its tokens: the geometric mean of their
probabilities. A log-probability of -9999 (OpenAI's stand-in for "very unlikely") is as good as
none, and is left out of the mean. Several choices become answers with their share of the choices.
A request that failed, or that the model refused, or a text that was cut off (``finish_reason``),
is no vote.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from vqa_ensemble.errors import InputError
from vqa_ensemble.files.records import Record
from vqa_ensemble.importers.base import ImportOptions, Ranked, Votes, content_text, shares
from vqa_ensemble.importers.batch import by_request
from vqa_ensemble.importers.reading import unfinished

MISSING_LOGPROB = -9999.0


def recognizes(row: Record) -> bool:
    """Whether a file's first row is of this format."""
    return "custom_id" in row and "response" in row


def votes(row: Record, options: ImportOptions) -> Votes:
    """The votes of a request."""
    question = row.text("custom_id")
    try:
        response = dict(row)["response"] or {}
        if row.get("error") or response.get("status_code", 200) != 200:
            return Votes(question, [], row.where, missing="the request failed")
        told = [*_choices(response.get("body", response))]
        cut = [choice.cut for choice in told if choice.cut and options.extract != "none"]
        answers = _answers([choice for choice in told if not (cut and choice.cut)])
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise InputError(
            f"has no response of a kind that is known ({error!r})",
            fix="Known are chat completions, completions and responses.",
        ) from error
    return Votes(question, answers, row.where, missing=cut[0] if cut else "the model refused")


read = by_request(votes)


class _Choice(NamedTuple):
    """Text and token log-probabilities; the text is None if it was refused."""

    text: str | None
    logprobs: list[float | None]
    cut: str = ""


def _answers(choices: list[_Choice]) -> Ranked:
    told = [(text, logprobs) for text, logprobs, _ in choices if text is not None]
    if len(told) == 1:
        text, logprobs = told[0]
        return [(text, sequence_confidence(logprobs))]
    return shares(text for text, _ in told)


def sequence_confidence(logprobs: list[float | None]) -> float | None:
    """The geometric mean of token probabilities; None if no token has one.

    Examples
    --------
    >>> round(sequence_confidence([math.log(0.9), math.log(0.4), -9999.0]), 6)
    0.6
    >>> sequence_confidence([-9999.0]) is None
    True
    """
    known = [p for p in logprobs if p is not None and p > MISSING_LOGPROB]
    return math.exp(min(0.0, sum(known) / len(known))) if known else None


def _choices(body: Any) -> Iterator[_Choice]:
    if "output" in body:
        cut = unfinished((body.get("incomplete_details") or {}).get("reason"))
        for item in body["output"]:
            for part in item.get("content") or [] if item["type"] == "message" else []:
                refused = part["type"] == "refusal"
                text = None if refused else part["text"]
                yield _Choice(text, _token_logprobs(part.get("logprobs")), cut)
        if cut:  # before it said anything
            yield _Choice(None, [], cut)
        return
    for choice in body["choices"]:
        logprobs = choice.get("logprobs") or {}
        cut = unfinished(choice.get("finish_reason"))
        if "message" in choice:
            text = content_text(choice["message"].get("content"))
            yield _Choice(text, _token_logprobs(logprobs.get("content")), cut)
        else:
            yield _Choice(choice["text"], logprobs.get("token_logprobs") or [], cut)


def _token_logprobs(tokens: Any) -> list[float | None]:
    return [token["logprob"] for token in tokens or []]
