"""Zero-based skill: Wawa repeated, members' skills and the weighted vote in turn.

The method "Zero-Based Skill" of crowdsourcing; described by Ustalov, Pavlichenko and Tseitlin
2024, "Learning from Crowds with Crowd-Kit" (JOSS 9(96), 6227).
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
    weighted_sum,
)
from vqa_ensemble.learning.questions import Questions

ITERATIONS = 100
# The step starts at 1 and is halved in every iteration whose number is a multiple of this.
HALVE_EVERY = 20
# Skills that move by less are left where they are.
TOLERANCE = 1e-9


@dataclass
class ZeroBasedSkill(SkillWeighted):
    """One vote a member, weighted by its skill; needs no right answers.

    From equal skills on, skill_m += step · (agreement_m − skill_m), a gradient step on the
    squared difference, where agreement_m is the share of the member's votes that win the vote
    weighted by the present skills.

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
    >>> ZeroBasedSkill().fit(nothing_known).skills
    {'a': 0.0, 'b': 1.0, 'c': 1.0}
    """

    method: ClassVar[str] = "zero-based-skill"

    def fit(self, questions: Questions) -> Self:
        """Iterate to agreement; targets are not looked at."""
        candidates = questions.candidates
        rows = vote_rows(candidates)
        # Only equality matters: any positive start is the same.
        skills = np.ones(len(candidates.names))
        step = 1.0
        for iteration in range(1, ITERATIONS + 1):
            if iteration % HALVE_EVERY == 0:
                step /= 2
            winners = choose(candidates, weighted_sum(candidates.votes, skills))
            change = step * (agreement_with(rows, winners) - skills)
            skills = skills + change
            if np.abs(change).max() < TOLERANCE:
                break
        self.skills = by_name(candidates.names, skills)
        return self
