"""What every combiner is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import numpy.typing as npt

from vqa_ensemble import ragged
from vqa_ensemble.combiners.candidates import Candidates

NO_TYPE = -1


@dataclass(frozen=True)
class QuestionTypes:
    """The type of every question: Q questions, T types.

    Attributes
    ----------
    names : tuple of str, length T
        In alphabetical order; empty if there are no types.
    of : ndarray of int64, shape (Q,)
        Indices into ``names``; NO_TYPE where unknown.
    """

    names: tuple[str, ...]
    of: npt.NDArray[np.int64]

    @classmethod
    def none(cls, n_questions: int) -> QuestionTypes:
        """No types at all."""
        return cls((), np.full(n_questions, NO_TYPE))

    def select(self, questions: npt.NDArray[np.integer]) -> QuestionTypes:
        """The types of some questions, in the order given."""
        return QuestionTypes(self.names, self.of[questions])

    def renamed(self, names: tuple[str, ...]) -> QuestionTypes:
        """The same types as indices into other names; those not among them are unknown."""
        code = np.array([names.index(n) if n in names else NO_TYPE for n in self.names] + [NO_TYPE])
        return QuestionTypes(names, code[self.of])


class Combiner(Protocol):
    """Scores candidate answers; the best score wins.

    A fitted combiner knows its members by name and its types by name; it is scored on the
    members it was fitted with, in alphabetical order.
    """

    method: ClassVar[str]

    def fit(
        self,
        candidates: Candidates,
        targets: npt.NDArray[np.float64],
        types: QuestionTypes,
        groups: npt.NDArray[np.int64],
    ) -> Self:
        """Learn from questions whose answers are known.

        Parameters
        ----------
        candidates : Candidates
        targets : ndarray of float64, shape (C,)
            How right each candidate is, in [0, 1]: its VQA accuracy, or 0 and 1.
        types : QuestionTypes
        groups : ndarray of int64, shape (Q,)
            Questions of one group (copies of one question) are never split by a
            cross-validation inside.
        """

    def score(self, candidates: Candidates, types: QuestionTypes) -> npt.NDArray[np.float64]:
        """A score for every candidate, shape (C,); only the order within a question counts."""

    def to_dict(self) -> dict[str, Any]:
        """What was learned, as plain numbers, strings, lists and dictionaries."""

    @classmethod
    def from_dict(cls, fitted: dict[str, Any]) -> Self:
        """The combiner that :meth:`to_dict` described."""


def choose(candidates: Candidates, scores: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Each question's best candidate, shape (Q,): score, then summed confidence, then alphabet.

    Scores are compared to nine digits, so that rounding in the last bit, which depends on the
    order in which a library adds, cannot decide.
    """
    rounded = np.round(scores, 9)
    total = np.round(candidates.confidences.sum(axis=1, dtype=np.float64), 9)
    return ragged.argmax(candidates.starts, [rounded, total])[0]


def accuracy(
    candidates: Candidates,
    scores: npt.NDArray[np.float64],
    targets: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """How right the chosen answer is, question by question, shape (Q,)."""
    return targets[choose(candidates, scores)]


def group_folds(groups: npt.NDArray[np.int64], n_folds: int, seed: int) -> npt.NDArray[np.int64]:
    """A fold for every question, shape (Q,); the questions of a group share one.

    For cross-validation inside a combiner; :mod:`vqa_ensemble.evaluation.folds` also balances
    the types.
    """
    distinct, group = np.unique(groups, return_inverse=True)
    return (np.random.default_rng(seed).permutation(len(distinct)) % n_folds)[group]
