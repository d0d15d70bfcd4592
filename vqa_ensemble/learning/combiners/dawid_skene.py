"""One-coin Dawid–Skene: members' accuracies and the right answers, found together by EM.

Dawid and Skene 1979, "Maximum likelihood estimation of observer error-rates using the EM
algorithm"; with one accuracy a member: Zhang, Chen, Zhou and Jordan 2016, "Spectral methods meet
EM" (JMLR 17), §2.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np

from vqa_ensemble import ragged
from vqa_ensemble.arrays import Floats
from vqa_ensemble.learning.combiners.base import softmax
from vqa_ensemble.learning.combiners.candidates import Candidates
from vqa_ensemble.learning.combiners.member_votes import (
    NumberAMember,
    by_name,
    of_members,
    vote_rows,
    weighted_sum,
)
from vqa_ensemble.learning.questions import Questions
from vqa_ensemble.voting.question_types import QuestionTypes

ITERATIONS = 100
TOLERANCE = 1e-6
# Nobody is right or wrong for certain.
LEAST, MOST = 1e-3, 1 - 1e-3


@dataclass
class DawidSkene(NumberAMember):
    """Each member is right with its own probability, else anyhow wrong; needs no right answers.

    A member votes for the right one of a question's K candidates with probability p_m and for
    each of the K − 1 others with (1 − p_m) / (K − 1). EM alternates the probability of each
    candidate given the votes with p_m given these probabilities.

    K is the number of candidates of the question: a wrong answer is one that somebody deems
    possible. With the whole vocabulary for K, two members that share a wrong answer would be a
    coincidence so unlikely that any two votes outweigh every member's accuracy: an equal vote.
    It also keeps all sums sparse, one number a candidate.

    Attributes
    ----------
    accuracies : dict of str to float
        p_m, in (0, 1).

    Examples
    --------
    >>> from vqa_ensemble.learning.combiners.candidates import gather_candidates
    >>> from vqa_ensemble.voting.ballots import ballots_from_votes
    >>> candidates = gather_candidates(ballots_from_votes({
    ...     "a": [("4", 0.9)], "b": [("5", 0.6)], "c": [("5", 0.2)]}))
    >>> nothing_known = Questions(candidates, np.zeros(2), QuestionTypes.none(1), np.array([0]))
    >>> fitted = DawidSkene().fit(nothing_known)
    >>> {name: round(p, 3) for name, p in fitted.accuracies.items()}
    {'a': 0.001, 'b': 0.999, 'c': 0.999}
    """

    method: ClassVar[str] = "dawid-skene"
    learned: ClassVar[str] = "accuracies"

    accuracies: dict[str, float] = field(default_factory=dict)

    def fit(self, questions: Questions) -> Self:
        """Run EM from the shares of the votes; targets are not looked at."""
        candidates = questions.candidates
        starts, of = candidates.starts, candidates.questions
        rows = vote_rows(candidates)
        cast = rows >= 0
        n_votes = candidates.votes.sum(axis=1)
        per_question = np.maximum(ragged.sums(starts, n_votes), 1)
        probability = n_votes / per_question[of]
        accuracies = np.zeros(rows.shape[1])
        for _ in range(ITERATIONS):
            before = accuracies
            right = np.where(cast, probability[rows], 0.0).sum(axis=0)
            # No votes: a coin.
            accuracies = np.where(cast.any(axis=0), right / np.maximum(cast.sum(axis=0), 1), 0.5)
            accuracies = np.clip(accuracies, LEAST, MOST)
            if np.abs(accuracies - before).max() < TOLERANCE:
                break
            likelihood = _log_likelihood(candidates, accuracies)
            likelihood -= ragged.maxima(starts, likelihood)[of]
            probability = np.exp(likelihood)
            probability /= ragged.sums(starts, probability)[of]
        self.accuracies = by_name(candidates.names, accuracies)
        return self

    def score(self, candidates: Candidates, types: QuestionTypes) -> Floats:
        """Log-likelihood of the votes if the candidate is right, up to a constant; shape (C,)."""
        accuracies = of_members(self.accuracies, candidates)
        return _log_likelihood(candidates, accuracies)

    def confidences(self, candidates: Candidates, scores: Floats) -> Floats:
        """The probability of each candidate, shape (C,)."""
        return softmax(candidates, scores)


def _log_likelihood(candidates: Candidates, accuracies: Floats) -> Floats:
    """Σ over the candidate's voters of log p_m − log((1 − p_m) / (K − 1))."""
    wrong = np.log(np.maximum(candidates.sizes - 1, 1))[candidates.questions]
    odds = weighted_sum(candidates.votes, np.log(accuracies / (1 - accuracies)))
    likelihood: Floats = odds + candidates.votes.sum(axis=1) * wrong
    return likelihood
