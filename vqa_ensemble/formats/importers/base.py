"""What every importer gives: the votes of one question at a time."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from vqa_ensemble.errors import InputError, shown

QuestionId = int | str

_WHOLE_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,17}")


class Votes(NamedTuple):
    """A model's answers to one question.

    Attributes
    ----------
    question : int, str or None
        None where the file only tells the place in the data set: ``position`` then says which.
    answers : sequence of (str, float or None)
        Answers with their confidences; None is an answer whose confidence the file does not
        tell. Empty if the model gave no answer.
    where : str
        The place in the file, for messages.
    position : int, optional
        Counted from 0 in the order of the data set.
    missing : str
        Why there is no answer.
    """

    question: QuestionId | None
    answers: Sequence[tuple[str, float | None]]
    where: str
    position: int | None = None
    missing: str = ""


@dataclass(frozen=True)
class ImportOptions:
    """What a user may say about the files; each importer looks at what it needs.

    Attributes
    ----------
    question_ids : tuple of int or str, optional
        All questions in the order of the data set.
    question_id_column, answer_column, confidence_column : str
        Columns of tables.
    vocabulary : str, optional
        File with the answers that the columns of logits stand for.
    activation : {"none", "sigmoid", "softmax"}, optional
        How scores become confidences; each importer has its own default.
    top_k : int
        How many answers a question to keep.
    by_position : bool
        Let the place in the data set be the id of questions that have none.
    """

    question_ids: tuple[QuestionId, ...] | None = None
    question_id_column: str = "question_id"
    answer_column: str = "answer"
    confidence_column: str = "confidence"
    vocabulary: str | None = None
    activation: str | None = None
    top_k: int = 10
    by_position: bool = False

    @cached_property
    def known_ids(self) -> frozenset[QuestionId]:
        """The questions to look an id up in; empty if they are not known."""
        return frozenset(self.question_ids or ())


def id_from_text(text: str) -> QuestionId:
    """A question id from a file in which everything is text: an integer if it is written as one.

    Examples
    --------
    >>> id_from_text("262148000"), id_from_text("02930152"), id_from_text("img_3")
    (262148000, '02930152', 'img_3')
    """
    return int(text) if _WHOLE_NUMBER.fullmatch(text) else text


def read_id(value: Any, name: str, path: str, where: str) -> QuestionId:
    """A question id as JSON has it: an integer or a string.

    Raises
    ------
    InputError
        If it is neither.
    """
    if isinstance(value, str) and value.strip():
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise InputError(
        f"'{name}' is {shown(value)}",
        path=path,
        where=where,
        fix="It must be an integer or a string.",
    )


def read_answer(value: Any, name: str, path: str, where: str) -> str:
    """An answer as text; numbers and truth values are written out, null and NaN are empty.

    Raises
    ------
    InputError
        If it is a list or an object.

    Examples
    --------
    >>> read_answer(2, "answer", "", ""), read_answer(True, "answer", "", "")
    ('2', 'true')
    """
    # pandas writes NaN where a table has no value.
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"{value:g}" if isinstance(value, float) else str(value)
    raise InputError(f"'{name}' is {shown(value)}", path=path, where=where, fix="It must be text.")


def read_confidence(value: Any, name: str, path: str, where: str) -> float:
    """A number.

    Raises
    ------
    InputError
        If it is none.
    """
    try:
        if isinstance(value, bool):
            raise ValueError
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if math.isnan(number):
        raise InputError(
            f"'{name}' is {shown(value)}, not a number",
            path=path,
            where=where,
            fix="Correct it, or leave it out where the model gave no confidence.",
        )
    return number


def shares(answers: Iterable[str]) -> list[tuple[str, float | None]]:
    """Answers sampled several times, each with its share of the samples.

    A single sample says nothing about its confidence.

    Examples
    --------
    >>> shares(["cat", "dog", "cat", "cat"])
    [('cat', 0.75), ('dog', 0.25)]
    >>> shares(["cat"])
    [('cat', None)]
    """
    counts = Counter(answer.strip() for answer in answers)
    total = counts.total()
    return [(answer, n / total if total > 1 else None) for answer, n in counts.items()]


def softmax(scores: Sequence[float]) -> list[float]:
    """Probabilities in proportion to e to the scores.

    Examples
    --------
    >>> softmax([0.0, 0.0])
    [0.5, 0.5]
    """
    most = max(scores)
    weights = [math.exp(score - most) for score in scores]
    return [weight / sum(weights) for weight in weights]


def sigmoid(score: float) -> float:
    """1 / (1 + e^-score), for any score.

    Examples
    --------
    >>> sigmoid(0.0), sigmoid(-1000.0)
    (0.5, 0.0)
    """
    return 1 / (1 + math.exp(-score)) if score > -700 else 0.0
