"""What the combiners that weigh members share: sums of votes, and how right each member is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from vqa_ensemble import ragged
from vqa_ensemble.arrays import Bools, Floats, Ints
from vqa_ensemble.learning.combiners.base import Combiner, parts_of
from vqa_ensemble.learning.combiners.candidates import Candidates
from vqa_ensemble.voting.question_types import QuestionTypes


def weighted_sum(
    support: Bools | npt.NDArray[np.floating], weights: Floats, types: Ints | None = None
) -> Floats:
    """Add up the members' support for every candidate, each member by its weight.

    Parameters
    ----------
    support : ndarray, shape (C, M)
        Votes or confidences.
    weights : ndarray of float64, shape (M,), or (T + 1, M) with ``types``
        One row a type and, last, one for questions of no type.
    types : ndarray of int64, shape (C,), optional
        The type of each candidate's question; NO_TYPE reads the last row.

    Examples
    --------
    >>> weighted_sum(np.array([[True, False], [False, True]]), np.array([0.5, 0.75])).tolist()
    [0.5, 0.75]
    """
    total = np.zeros(len(support))
    # Member by member: no (C, M) matrix of floats, and no library decides the order of sums.
    for m in range(support.shape[1]):
        weight = weights[m] if types is None else weights[:, m][types]
        total += support[:, m] * weight
    return total


def member_accuracy(candidates: Candidates, targets: Floats) -> Floats:
    """How right every member's vote is, shape (Q, M); 0 where it has none.

    Examples
    --------
    >>> from vqa_ensemble.learning.combiners.candidates import gather_candidates
    >>> from vqa_ensemble.voting.ballots import ballots_from_votes
    >>> candidates = gather_candidates(ballots_from_votes({
    ...     "a": [("cat", 0.5), ("dog", 0.25)], "b": [("dog", 0.75)]}))
    >>> member_accuracy(candidates, np.array([1.0, 0.3])).tolist()
    [[1.0, 0.3]]
    """
    votes = candidates.votes
    right = np.empty(candidates.present.shape)
    for m in range(votes.shape[1]):
        right[:, m] = ragged.sums(candidates.starts, np.where(votes[:, m], targets, 0.0))
    return right


def vote_rows(candidates: Candidates) -> Ints:
    """The row of the candidate that each member votes for, shape (Q, M); -1 where it has none."""
    rows = np.full(candidates.present.shape, -1, dtype=np.int64)
    voted, members = np.nonzero(candidates.votes)
    rows[candidates.questions[voted], members] = voted
    return rows


def agreement_with(rows: Ints, chosen: Ints) -> Floats:
    """Share of each member's votes that are for the chosen candidate, shape (M,).

    Parameters
    ----------
    rows : ndarray of int64, shape (Q, M)
        See :func:`vote_rows`.
    chosen : ndarray of int64, shape (Q,)
        Row of every question's chosen candidate.
    """
    cast = (rows >= 0).sum(axis=0)
    same: Floats = (rows == chosen[:, None]).sum(axis=0) / np.maximum(cast, 1)
    return same


def by_name(members: tuple[str, ...], weights: Floats) -> dict[str, float]:
    """Weights as plain numbers under the members' names."""
    return dict(zip(members, weights.tolist(), strict=True))


def of_members(weights: Mapping[str, float], candidates: Candidates) -> Floats:
    """The candidates' members' weights, shape (M,)."""
    return np.array([weights[name] for name in candidates.names])


def floats(weights: Mapping[str, Any]) -> dict[str, float]:
    """Weights from a file."""
    return {name: float(weight) for name, weight in weights.items()}


class NumberAMember(Combiner):
    """What combiners share that learn a number for each member."""

    learned: ClassVar[str]

    def to_dict(self) -> dict[str, Any]:
        """The numbers."""
        return {self.learned: dict(getattr(self, self.learned))}

    @classmethod
    def from_dict(cls, fitted: dict[str, Any]) -> Self:
        """The combiner that :meth:`to_dict` described."""
        return cls(**{cls.learned: floats(fitted[cls.learned])})


class MeanConfidence(Combiner):
    """What combiners share that take a mean of confidences."""

    def weights_of(self, candidates: Candidates) -> Floats:
        """The members' weights, shape (M,): equal ones."""
        n_members = len(candidates.names)
        return np.full(n_members, 1 / n_members)

    def score(self, candidates: Candidates, types: QuestionTypes) -> Floats:
        """Mean confidence, shape (C,)."""
        return weighted_sum(candidates.confidences, self.weights_of(candidates))

    def confidences(self, candidates: Candidates, scores: Floats) -> Floats:
        """The mean over the members that have the question; the others have added nothing."""
        return parts_of(candidates, scores, candidates.present @ self.weights_of(candidates))


@dataclass
class SkillWeighted(NumberAMember):
    """What combiners share that find a skill for each member and then weigh its vote by it."""

    learned: ClassVar[str] = "skills"

    skills: dict[str, float] = field(default_factory=dict)

    def score(self, candidates: Candidates, types: QuestionTypes) -> Floats:
        """Summed skill of those who vote for the candidate, shape (C,)."""
        return weighted_sum(candidates.votes, of_members(self.skills, candidates))
