"""Ensemble selection: members are added one by one, again and again, while the vote improves.

Caruana, Niculescu-Mizil, Crew and Ksikes 2004, "Ensemble selection from libraries of models"
(ICML): selection with replacement (§2.1), sorted initialisation (§2.2), bagging of members
(§2.3).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np

from vqa_ensemble import ragged
from vqa_ensemble.arrays import Floats, Ints
from vqa_ensemble.learning.combiners.candidates import Candidates
from vqa_ensemble.learning.combiners.member_votes import (
    MeanConfidence,
    NumberAMember,
    by_name,
    member_accuracy,
    of_members,
)
from vqa_ensemble.learning.questions import Questions

BAGS = 10
# Members in a bag: three quarters, but never fewer than three if there are so many.
BAG_SHARE, LEAST_IN_BAG = 0.75, 3
STEPS = 30
# Selection looks at this many questions: more move the weights no further.
MOST_QUESTIONS = 20_000
# Weight of everybody's equal votes beside a weight of 1 for each selected member.
EQUAL_VOTES = 0.01


@dataclass
class GreedySelection(NumberAMember, MeanConfidence):
    """Weighted mean confidence; a member's weight is how often it was selected.

    In every bag, a random part of the members, selection starts from the best of the equal
    votes of the 1, 2, … most accurate ones, and goes on with the member that improves accuracy
    most, the same one as often as need be. The best ensemble on that path counts.

    With equal confidences every second member only ties with the first, and plain selection by
    accuracy ends with the best member alone. Therefore all members' equal votes are in every
    ensemble from the start, with a weight too small to do anything but break ties.

    Attributes
    ----------
    seed : int
        Of the bags.
    weights : dict of str to float
        They sum to 1.

    Examples
    --------
    Each of three equally confident members errs on other questions; all are kept:

    >>> from vqa_ensemble.learning.combiners.candidates import gather_candidates
    >>> from vqa_ensemble.predictions.files import predictions_from_rows
    >>> from vqa_ensemble.voting.ballots import align
    >>> from vqa_ensemble.voting.question_types import QuestionTypes
    >>> candidates = gather_candidates(align([
    ...     predictions_from_rows(name, [
    ...         (q, "no" if q % 3 == wrong else "yes", 1.0) for q in range(30)])
    ...     for wrong, name in enumerate("abc")]))
    >>> right = np.array([candidates.vocabulary[a] == "yes" for a in candidates.answers], float)
    >>> fitted = GreedySelection().fit(
    ...     Questions(candidates, right, QuestionTypes.none(30), np.arange(30)))
    >>> all(weight > 0.1 for weight in fitted.weights.values())
    True
    """

    method: ClassVar[str] = "greedy-selection"
    learned: ClassVar[str] = "weights"

    seed: int = 0
    weights: dict[str, float] = field(default_factory=dict)

    def fit(self, questions: Questions) -> Self:
        """Select in every bag and average the bags' weights."""
        rng = np.random.default_rng(self.seed)
        starts, targets = questions.candidates.starts, questions.targets
        # Questions on which the choice matters.
        matters = ragged.maxima(starts, targets) > -ragged.maxima(starts, -targets)
        questions = questions.where(matters).sample(MOST_QUESTIONS, rng)
        candidates, targets = questions.candidates, questions.targets
        n_members = len(candidates.names)
        equal = np.full(n_members, 1 / n_members)
        if not len(candidates):
            self.weights = by_name(candidates.names, equal)
            return self
        right = np.round(member_accuracy(candidates, targets).mean(axis=0), 9)
        # Best first; equally good ones by name. Bags are drawn by rank, so that what a member
        # is called decides nothing else.
        ranking = np.argsort(-right, kind="stable")
        in_bag = min(n_members, max(LEAST_IN_BAG, int(np.ceil(BAG_SHARE * n_members))))
        n_bags = BAGS if in_bag < n_members else 1
        total = np.zeros(n_members)
        for _ in range(n_bags):
            bag = ranking[np.sort(rng.permutation(n_members)[:in_bag])]
            counts = _select(candidates, targets, bag)
            total += counts / counts.sum()
        weights = total / n_bags + EQUAL_VOTES * equal
        self.weights = by_name(candidates.names, weights / weights.sum())
        return self

    def weights_of(self, candidates: Candidates) -> Floats:
        """The members' weights, shape (M,)."""
        return of_members(self.weights, candidates)


def _select(candidates: Candidates, targets: Floats, bag: Ints) -> Floats:
    """How often each member is selected from a bag, best members first; shape (M,)."""
    n_members = len(candidates.names)
    confidences = candidates.confidences[:, bag].astype(np.float64)
    everybody = candidates.confidences.mean(axis=1, dtype=np.float64) * EQUAL_VOTES
    # Sorted initialisation: the sums of the 1, 2, … best.
    prefixes = np.cumsum(confidences, axis=1)
    sizes = np.arange(1, len(bag) + 1)
    scores = _accuracies(prefixes + everybody[:, None] * sizes, candidates.starts, targets)
    # Of equally good prefixes the longest: more members err less alike.
    n_best = len(bag) - int(np.argmax(scores[::-1]))
    counts = np.bincount(bag[:n_best], minlength=n_members).astype(np.float64)
    best, best_counts = scores[n_best - 1], counts.copy()
    total = prefixes[:, n_best - 1] + everybody * n_best
    for _ in range(STEPS):
        scores = _accuracies((total + everybody)[:, None] + confidences, candidates.starts, targets)
        added = int(np.argmax(scores))
        total += everybody + confidences[:, added]
        counts[bag[added]] += 1
        if scores[added] > best:
            best, best_counts = scores[added], counts.copy()
    return best_counts


def _accuracies(scores: Floats, starts: Ints, targets: Floats) -> Floats:
    """Mean target of the best-scored candidates, shape (n,), for scores of shape (C, n).

    Level candidates count by their mean.
    """
    best = ragged.maxima(starts, scores)
    level = scores >= np.repeat(best, np.diff(starts), axis=0) - 1e-9
    right = ragged.sums(starts, level * targets[:, None])
    number = ragged.sums(starts, level.astype(np.float64))
    return np.asarray(np.round((right / number).mean(axis=0), 9))
