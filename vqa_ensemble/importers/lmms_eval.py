"""lmms-eval samples: ``<date>_samples_<task>.jsonl``, and the older ``.json`` with ``logs``.

The answer is ``filtered_resps`` (``resps`` where there is none): a string, a list or a list of
lists, by version; in the form that the tool submits, where it logs ``submission``. Several
generations of one question become answers with their share of the generations. Log-likelihood
tasks log a pair (log-likelihood, is greedy) for each option, as text: the answers are then the
options' letters, with the softmax of the log-likelihoods. Most of the tool's models log the loss
instead, which is positive, and the tool takes the least; the sign tells.

The question id is, in this order:

1. ``question_id`` or ``questionId`` of ``submission``, of another result logged as an object, of
   ``doc`` or of the row;
2. the ``image`` of a VizWiz or OK-VQA submission, ``<question id>.jpg`` (see ``_image_id``);
3. the place ``doc_id`` in the data set (VQA v2 validation logs no id): needs ``--questions``
   in the order of the data set, or ``--by-position``.
"""

from __future__ import annotations

import re
from string import ascii_uppercase
from typing import Any

from vqa_ensemble.answers.extraction import extract_answer
from vqa_ensemble.answers.normalize import normalize_answer
from vqa_ensemble.errors import InputError, shown
from vqa_ensemble.files.records import Record, as_id, as_number, as_text
from vqa_ensemble.importers.base import (
    ImportOptions,
    QuestionId,
    Ranked,
    Votes,
    by_row,
    shares,
    softmax,
)

_ID_NAMES = ("question_id", "questionId")
# As versions from 0.7 log a pair: its repr.
_PAIR = re.compile(r"\(([^,]+), (?:True|False)\)")


def recognizes(row: Record) -> bool:
    """Whether a file's first row is of this format."""
    return "doc_id" in row and any(
        name in row for name in ("filtered_resps", "resps", "submission")
    )


def votes(row: Record, options: ImportOptions) -> Votes:
    """The votes of a sample."""
    position = row.id("doc_id")
    if isinstance(position, str):
        position = int(position) if position.isdecimal() else -1
    if position < 0:
        raise InputError(
            f"doc_id is {shown(row['doc_id'])}",
            fix="It must be the row's place in the data set, from 0.",
        )
    return Votes(_question_id(row, options), _answers(row), row.where, position)


read = by_row(votes, uses="filtered_resps")


def _question_id(row: Record, options: ImportOptions) -> QuestionId | None:
    submission = row.get("submission")
    for result in (submission, *row.values(), row):
        for name in _ID_NAMES:
            if isinstance(result, dict) and result.get(name) is not None:
                return as_id(result[name], name)
    if isinstance(submission, dict) and isinstance(submission.get("image"), str):
        return _image_id(submission["image"], options)
    return None


def _image_id(image: str, options: ImportOptions) -> QuestionId:
    """The id that lmms-eval made an image's name of, by putting ``.jpg`` after it.

    Of "42.jpg" (OK-VQA) it is 42; of "VizWiz_val_00000000.jpg.jpg" the name of the image.
    """
    stem = image.removesuffix(".jpg")
    if stem.isdecimal():
        return int(stem)
    known = options.known_ids
    if stem.endswith(".jpg") or (stem in known and image not in known):
        return stem
    return image


def _answers(row: Record) -> Ranked:
    response = _response(row)
    if not isinstance(response, list):
        return [(_as_submitted(as_text(response, "filtered_resps"), row), None)]
    if scores := _scores(response, row):
        return _letters(scores)
    flat = [part for one in response for part in (one if isinstance(one, list) else [one])]
    return shares(as_text(part, "filtered_resps") for part in flat)


def _response(row: Record) -> Any:
    """What the model gave; else what the tool submits."""
    submission = row.get("submission")
    response = row.get("filtered_resps", row.get("resps"))
    if response is None and isinstance(submission, dict):
        response = Record(submission, row.where)["answer"]
    # One question, one request: the lists around its answer hold nothing else.
    while isinstance(response, list) and len(response) == 1:
        response = response[0]
    return response


def _as_submitted(text: str, row: Record) -> str:
    """What the tool made of the model's text, if it submits that."""
    submission = row.get("submission")
    # Beside "pred", or if it is another, it is the right answer.
    if isinstance(submission, dict) and "pred" not in submission:
        said = submission.get("answer")
        if isinstance(said, str) and _are_one(said, text):
            return said
    return text


def _scores(response: list[Any], row: Record) -> list[float]:
    """The log-likelihood of each option, or its loss; empty if the response is of texts."""
    options = [response] if _likelihood(response) is not None else response
    logged = str(row.get("resps"))
    of_pairs = "True" in logged or "False" in logged
    likelihoods = [_likelihood(one, of_pairs=of_pairs) for one in options]
    if None in likelihoods:
        return []
    return [as_number(one, "filtered_resps") for one in likelihoods]


def _letters(scores: list[float]) -> Ranked:
    """The options' letters, with the softmax of their log-likelihoods."""
    if len(scores) > len(ascii_uppercase):
        raise InputError(
            f"has {len(scores)} options", fix="The letters A to Z stand for at most 26."
        )
    return list(zip(ascii_uppercase, softmax(_log_likelihoods(scores)), strict=False))


def _are_one(said: str, text: str) -> bool:
    return normalize_answer(said) == normalize_answer(extract_answer(text).answer) and said != ""


def _log_likelihoods(scores: list[float]) -> list[float]:
    """The scores of the options so that the likeliest is the largest: losses turn their sign."""
    if all(score >= 0 for score in scores):
        return [-score for score in scores]
    if any(score > 0 for score in scores):
        raise InputError(
            f"log-likelihoods of both signs ({', '.join(map(str, scores[:5]))})",
            fix="Losses are positive, log-likelihoods negative; log one of them for all options.",
        )
    return scores


def _likelihood(value: Any, *, of_pairs: bool = False) -> Any:
    """The number of a pair (log-likelihood, is greedy), or of a log-likelihood alone, else None.

    A negative decimal that is text is an answer, unless ``resps`` has pairs.
    """
    if isinstance(value, str) and (pair := _PAIR.fullmatch(value)):
        return pair[1] if _is_number(pair[1]) else None
    if isinstance(value, list):
        paired = len(value) == 2 and str(value[1]) in ("True", "False") and _is_number(value[0])
        return value[0] if paired else None
    alone = isinstance(value, float) or of_pairs
    alone = alone and _is_number(value) and str(value).startswith("-") and "." in str(value)
    return value if alone else None


def _is_number(value: Any) -> bool:
    return re.fullmatch(r"-?(\d+(\.\d*)?([eE][-+]?\d+)?|inf)", str(value)) is not None
