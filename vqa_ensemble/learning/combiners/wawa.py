"""Worker agreement with aggregate: members weigh as much as they agree with the majority.

The method "Wawa" of crowdsourcing; described by Ustalov, Pavlichenko and Tseitlin 2024, "Learning
from Crowds with Crowd-Kit" (JOSS 9(96), 6227).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from vqa_ensemble.learning.combiners.base import choose
from vqa_ensemble.learning.combiners.member_votes import (
    SkillWeighted,
    agreement_with,
    by_name,
    vote_rows,
)
from vqa_ensemble.learning.questions import Questions


@dataclass
class Wawa(SkillWeighted):
    """One vote a member, weighted by its skill; needs no right answers.

    skill_m = share of the member's votes that are the majority's.

    Attributes
    ----------
    skills : dict of str to float
        In [0, 1].

    Examples
    --------
    >>> from vqa_ensemble.learning.combiners.candidates import gather_candidates
    >>> from vqa_ensemble.voting.ballots import ballots_from_votes
    >>> from vqa_ensemble.voting.question_types import QuestionTypes
    >>> candidates = gather_candidates(ballots_from_votes({
    ...     "a": [("4", 0.9)], "b": [("5", 0.6)], "c": [("5", 0.2)]}))
    >>> nothing_known = Questions(candidates, np.zeros(2), QuestionTypes.none(1), np.array([0]))
    >>> Wawa().fit(nothing_known).skills
    {'a': 0.0, 'b': 1.0, 'c': 1.0}
    """

    method: ClassVar[str] = "wawa"

    def fit(self, questions: Questions) -> Self:
        """Measure the agreement with the majority; targets are not looked at."""
        candidates = questions.candidates
        majority = choose(candidates, candidates.votes.sum(axis=1).astype(np.float64))
        skills = agreement_with(vote_rows(candidates), majority)
        self.skills = by_name(candidates.names, skills)
        return self
