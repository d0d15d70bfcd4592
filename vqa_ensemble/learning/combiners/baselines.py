"""What a learned combiner has to beat: equal votes, mean confidence, the best single member."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from vqa_ensemble.arrays import Floats
from vqa_ensemble.learning.combiners.base import Combiner
from vqa_ensemble.learning.combiners.candidates import Candidates
from vqa_ensemble.learning.combiners.member_votes import (
    MeanConfidence,
    member_accuracy,
    weighted_sum,
)
from vqa_ensemble.learning.questions import Questions
from vqa_ensemble.voting.question_types import QuestionTypes


@dataclass
class _NothingLearned(Combiner):
    """A combiner that has nothing to learn."""

    def fit(self, questions: Questions) -> Self:
        """Learn nothing."""
        return self

    def to_dict(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    @classmethod
    def from_dict(cls, fitted: dict[str, Any]) -> Self:
        """The combiner."""
        return cls()


@dataclass
class Majority(_NothingLearned):
    """Every member's top answer counts once; ties go to the voters' summed confidence.

    Examples
    --------
    >>> from vqa_ensemble.learning.combiners.candidates import gather_candidates
    >>> from vqa_ensemble.voting.ballots import ballots_from_votes
    >>> candidates = gather_candidates(ballots_from_votes({
    ...     "a": [("4", 0.9)], "b": [("5", 0.6)], "c": [("5", 0.2)]}))
    >>> Majority().score(candidates, QuestionTypes.none(1)).round(1).tolist()
    [1.2, 2.2]
    """

    method: ClassVar[str] = "majority"

    def score(self, candidates: Candidates, types: QuestionTypes) -> Floats:
        """Votes, plus a part below one vote by which their confidence breaks ties; (C,)."""
        equal = np.ones(len(candidates.names))
        confidence = weighted_sum(
            np.where(candidates.votes, candidates.confidences, np.float32(0)), equal
        )
        # M voters' confidence is at most M, so that this never outweighs a vote.
        scores: Floats = candidates.votes.sum(axis=1) + confidence / (len(equal) + 1)
        return scores


@dataclass
class Mean(_NothingLearned, MeanConfidence):
    """The largest mean confidence wins; an answer that a member does not list counts 0.

    Examples
    --------
    >>> from vqa_ensemble.learning.combiners.candidates import gather_candidates
    >>> from vqa_ensemble.voting.ballots import ballots_from_votes
    >>> candidates = gather_candidates(ballots_from_votes({
    ...     "a": [("4", 0.75)], "b": [("5", 0.25), ("4", 0.125)]}))
    >>> Mean().score(candidates, QuestionTypes.none(1)).tolist()
    [0.4375, 0.125]
    """

    method: ClassVar[str] = "mean"


@dataclass
class BestSingle(Combiner):
    """The member that is most often right; where it has no answer, the next best one.

    Attributes
    ----------
    ranking : tuple of str
        Members by falling accuracy; of equally good ones the alphabetically first. A question
        on which a member has no vote counts as wrong.

    Examples
    --------
    >>> from vqa_ensemble.learning.combiners.candidates import gather_candidates
    >>> from vqa_ensemble.voting.ballots import ballots_from_votes
    >>> candidates = gather_candidates(ballots_from_votes({
    ...     "a": [("4", 0.9)], "b": [("5", 0.6)], "c": [("5", 0.2)]}))
    >>> single = BestSingle().fit(
    ...     Questions(candidates, np.array([0.0, 1.0]), QuestionTypes.none(1), np.array([0])))
    >>> single.ranking, single.score(candidates, QuestionTypes.none(1)).tolist()
    (('b', 'c', 'a'), [0.0, 1.0])
    """

    method: ClassVar[str] = "best-single"

    ranking: tuple[str, ...] = ()

    def fit(self, questions: Questions) -> Self:
        """Rank the members by accuracy."""
        right = np.round(member_accuracy(questions.candidates, questions.targets).mean(axis=0), 9)
        order = sorted(zip(-right, questions.names, strict=True))
        self.ranking = tuple(name for _, name in order)
        return self

    def score(self, candidates: Candidates, types: QuestionTypes) -> Floats:
        """1 for the answer of the best member that has the question, else 0; shape (C,)."""
        ranked = [candidates.names.index(name) for name in self.ranking]
        best = np.asarray(ranked)[candidates.present[:, ranked].argmax(axis=1)]
        voted = np.take_along_axis(candidates.votes, best[candidates.questions][:, None], axis=1)
        return voted[:, 0].astype(np.float64)

    def to_dict(self) -> dict[str, Any]:
        """The ranking."""
        return {"ranking": list(self.ranking)}

    @classmethod
    def from_dict(cls, fitted: dict[str, Any]) -> Self:
        """The combiner that :meth:`to_dict` described."""
        return cls(tuple(fitted["ranking"]))
