"""What every combiner is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

import numpy as np

from vqa_ensemble import ragged
from vqa_ensemble.arrays import Floats, Ints
from vqa_ensemble.learning.combiners.candidates import Candidates
from vqa_ensemble.learning.questions import Questions
from vqa_ensemble.voting.methods import METHODS, load
from vqa_ensemble.voting.question_types import QuestionTypes


class Combiner(ABC):
    """Scores candidate answers; the best score wins.

    A fitted combiner knows its members by name and its types by name; it is scored on the
    members it was fitted with, in alphabetical order.
    """

    method: ClassVar[str]

    @abstractmethod
    def fit(self, questions: Questions) -> Self:
        """Learn from questions whose answers are known."""

    @abstractmethod
    def score(self, candidates: Candidates, types: QuestionTypes) -> Floats:
        """A score for every candidate, shape (C,); only the order within a question counts."""

    def right(self, questions: Questions) -> Floats:
        """How right its choices are, question by question, shape (Q,).

        Raises
        ------
        FloatingPointError
            If it scores a candidate by what is not a finite number.
        """
        scores = self.score(questions.candidates, questions.types)
        if not np.isfinite(scores).all():
            raise FloatingPointError("scores that are not finite")
        return questions.targets[choose(questions.candidates, scores)]

    def votes(self, candidates: Candidates, scores: Floats) -> Floats:
        """What the scores count in a vote, shape (C,): at most 1 a question."""
        return softmax(candidates, scores)

    def confidences(self, candidates: Candidates, scores: Floats) -> Floats:
        """How sure the scores are, for a student, shape (C,); here they are sums of votes."""
        return parts_of(candidates, scores, ragged.sums(candidates.starts, scores))

    def like(self, other: Self) -> Self:
        """Before a fit: keep what a fit on other members chose and need not choose again."""
        return self

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """What was learned, as plain numbers, strings, lists and dictionaries."""

    @classmethod
    @abstractmethod
    def from_dict(cls, fitted: dict[str, Any]) -> Self:
        """The combiner that :meth:`to_dict` described."""


def combiner_class(name: str) -> type[Combiner]:
    """The combiner of that name, one of :data:`vqa_ensemble.voting.methods.COMBINERS`."""
    place = METHODS[name].combiner
    assert place is not None
    kind: type[Combiner] = load(place)
    return kind


def make_combiner(name: str, seed: int) -> Combiner:
    """A fresh combiner of that name; one that draws takes the seed."""
    return combiner_class(name)(**METHODS[name].options({"seed": seed}))


def softmax(candidates: Candidates, scores: Floats) -> Floats:
    """Every candidate's exp(score) as a part of its question's, shape (C,)."""
    highest = ragged.maxima(candidates.starts, scores)
    weights = np.exp(scores - highest[candidates.questions])
    return parts_of(candidates, weights, ragged.sums(candidates.starts, weights))


def parts_of(candidates: Candidates, scores: Floats, totals: Floats) -> Floats:
    """Every candidate's score as a part of its question's total; 0 where that is 0; (C,)."""
    parts: Floats = scores / np.where(totals > 0, totals, 1)[candidates.questions]
    return parts


def choose(candidates: Candidates, scores: Floats) -> Ints:
    """Each question's best candidate, shape (Q,): score, then summed confidence, then alphabet.

    Scores are compared to nine digits, so that rounding in the last bit, which depends on the
    order in which a library adds, cannot decide.
    """
    rounded = np.round(scores, 9)
    return ragged.argmax(candidates.starts, [rounded, candidates.summed])[0]
