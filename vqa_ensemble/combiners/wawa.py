"""Worker agreement with aggregate: members weigh as much as they agree with the majority.

The method "Wawa" of crowdsourcing; described by Ustalov, Pavlichenko and Tseitlin 2024, "Learning
from Crowds with Crowd-Kit" (JOSS 9(96), 6227).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from vqa_ensemble.combiners.base import QuestionTypes, choose
from vqa_ensemble.combiners.candidates import Candidates
from vqa_ensemble.combiners.member_votes import agreement_with, by_name, vote_rows, weighted_sum

Array = npt.NDArray[np.float64]


@dataclass
class Wawa:
    """One vote a member, weighted by its skill; needs no right answers.

    skill_m = share of the member's votes that are the majority's.

    Attributes
    ----------
    skills : dict of str to float
        In [0, 1].

    Examples
    --------
    >>> from vqa_ensemble.combiners.candidates import gather_candidates
    >>> from vqa_ensemble.voting.ballots import ballots_from_votes
    >>> candidates = gather_candidates(ballots_from_votes({
    ...     "a": [("4", 0.9)], "b": [("5", 0.6)], "c": [("5", 0.2)]}))
    >>> Wawa().fit(candidates, np.zeros(2), QuestionTypes.none(1), np.array([0])).skills
    {'a': 0.0, 'b': 1.0, 'c': 1.0}
    """

    method: ClassVar[str] = "wawa"
    supervised: ClassVar[bool] = False

    skills: dict[str, float] = field(default_factory=dict)

    def fit(
        self,
        candidates: Candidates,
        targets: Array,
        types: QuestionTypes,
        groups: npt.NDArray[np.int64],
    ) -> Self:
        """Measure the agreement with the majority; ``targets`` are not looked at."""
        majority = choose(candidates, candidates.votes.sum(axis=1).astype(np.float64))
        skills = agreement_with(vote_rows(candidates), majority)
        self.skills = by_name(candidates.names, skills)
        return self

    def score(self, candidates: Candidates, types: QuestionTypes) -> Array:
        """Summed skill of those who vote for the candidate, shape (C,)."""
        return weighted_sum(
            candidates.votes, np.array([self.skills[name] for name in candidates.names])
        )

    def to_dict(self) -> dict[str, Any]:
        """The skills."""
        return {"skills": dict(self.skills)}

    @classmethod
    def from_dict(cls, fitted: dict[str, Any]) -> Self:
        """The combiner that :meth:`to_dict` described."""
        return cls({name: float(skill) for name, skill in fitted["skills"].items()})
