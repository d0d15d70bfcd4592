"""Votes weighted by a power of each member's accuracy, in general and type by type.

The weight of a vote should grow with its member's accuracy (Littlestone and Warmuth 1994, "The
weighted majority algorithm"; Nitzan and Paroush 1982 for independent voters: log-odds). How fast
depends on how alike the members' mistakes are and how many wrong answers there are, which nobody
knows for open-ended answers, so the power is chosen by cross-validation. A type's accuracy is
shrunk toward the member's accuracy on all types by empirical Bayes (Efron and Morris 1975, "Data
analysis using Stein's estimator and its generalizations").
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np

from vqa_ensemble.arrays import Bools, Floats, Ints
from vqa_ensemble.learning.combiners.base import Combiner, choose
from vqa_ensemble.learning.combiners.candidates import Candidates
from vqa_ensemble.learning.combiners.member_votes import (
    by_name,
    floats,
    member_accuracy,
    of_members,
    weighted_sum,
)
from vqa_ensemble.learning.evaluation.folds import grouped_folds
from vqa_ensemble.learning.questions import Questions
from vqa_ensemble.voting.question_types import QuestionTypes

EXPONENTS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
FOLDS = 4
# The power is chosen on this many questions: more move the choice no further.
MOST_QUESTIONS_TO_CHOOSE = 20_000


@dataclass
class AccuracyWeights(Combiner):
    """Weighted vote, a member's weight being accuracy ** exponent.

    Cross-validation over groups of questions chooses the exponent and whether members' votes or
    their confidences are added up. Unless that beats equal votes by more than its standard
    error, the votes stay equal (exponent 0).

    Attributes
    ----------
    seed : int
        Of the folds.
    exponent : float
    ballots : {"votes", "confidences"}
    accuracies : dict of str to float
        Each member's on all questions, in [0, 1].
    type_accuracies : dict of str to dict of str to float
        The same for every type, shrunk.

    Examples
    --------
    Member a is right twice as often as b and c, who make the same mistakes:

    >>> from vqa_ensemble.learning.combiners.candidates import gather_candidates
    >>> from vqa_ensemble.predictions.files import predictions_from_rows
    >>> from vqa_ensemble.voting.ballots import align
    >>> candidates = gather_candidates(align([
    ...     predictions_from_rows("a", [(q, "yes", 1.0) for q in range(40)]),
    ...     predictions_from_rows("b", [(q, ["no", "yes"][q % 2], 1.0) for q in range(40)]),
    ...     predictions_from_rows("c", [(q, ["no", "yes"][q % 2], 1.0) for q in range(40)])]))
    >>> right = np.array([candidates.vocabulary[a] == "yes" for a in candidates.answers], float)
    >>> types = QuestionTypes.none(40)
    >>> fitted = AccuracyWeights().fit(Questions(candidates, right, types, np.arange(40)))
    >>> {name: round(value, 2) for name, value in fitted.accuracies.items()}, fitted.exponent
    ({'a': 0.99, 'b': 0.5, 'c': 0.5}, 2.0)
    """

    method: ClassVar[str] = "accuracy-weights"

    seed: int = 0
    exponent: float = 0.0
    ballots: str = "votes"
    accuracies: dict[str, float] = field(default_factory=dict)
    type_accuracies: dict[str, dict[str, float]] = field(default_factory=dict)

    def fit(self, questions: Questions) -> Self:
        """Measure the accuracies and choose the exponent."""
        names = questions.names
        table = _measure(questions)
        self.accuracies = by_name(names, table[-1])
        self.type_accuracies = {
            type_name: by_name(names, row)
            for type_name, row in zip(questions.types.names, table, strict=False)
        }
        self.ballots, self.exponent = self._choose(
            questions.sample(MOST_QUESTIONS_TO_CHOOSE, self.seed)
        )
        return self

    def _choose(self, questions: Questions) -> tuple[str, float]:
        candidates, groups = questions.candidates, questions.groups
        folds = grouped_folds(groups, None, FOLDS, self.seed)
        # Every question's accuracies are those measured on the other folds.
        tables = np.stack([_measure(questions.where(folds != fold)) for fold in range(FOLDS)])
        n_rows = tables.shape[1]
        cell = (folds * n_rows + questions.types.of % n_rows)[candidates.questions]
        flat = tables.reshape(-1, tables.shape[2])
        settings = [("votes", 0.0)]
        settings += [(how, power) for power in EXPONENTS for how in ("votes", "confidences")]
        scores = [
            questions.targets[choose(candidates, _scores(candidates, flat, cell, how, power))]
            for how, power in settings
        ]
        best = int(np.argmax(np.round([score.mean() for score in scores], 9)))
        gain = scores[best] - scores[0]
        group = np.unique(groups, return_inverse=True)[1]
        spread = np.bincount(group, gain - gain.mean())
        error = np.sqrt((spread**2).sum()) / len(gain)
        return settings[best] if gain.mean() > error else settings[0]

    def score(self, candidates: Candidates, types: QuestionTypes) -> Floats:
        """Weighted votes or confidences, shape (C,)."""
        rows = [*self.type_accuracies.values(), self.accuracies]
        table = np.array([of_members(row, candidates) for row in rows])
        of = types.renamed(tuple(self.type_accuracies)).of[candidates.questions]
        return _scores(candidates, table, of, self.ballots, self.exponent)

    def to_dict(self) -> dict[str, Any]:
        """The accuracies and the exponent."""
        return {
            "exponent": self.exponent,
            "ballots": self.ballots,
            "accuracies": dict(self.accuracies),
            "type_accuracies": {t: dict(row) for t, row in self.type_accuracies.items()},
        }

    @classmethod
    def from_dict(cls, fitted: dict[str, Any]) -> Self:
        """The combiner that :meth:`to_dict` described."""
        if fitted["ballots"] not in ("votes", "confidences"):
            raise ValueError(f"ballots is '{fitted['ballots']}', not votes or confidences")
        return cls(
            exponent=float(fitted["exponent"]),
            ballots=fitted["ballots"],
            accuracies=floats(fitted["accuracies"]),
            type_accuracies={t: floats(row) for t, row in fitted["type_accuracies"].items()},
        )


def _measure(questions: Questions) -> Floats:
    right = member_accuracy(questions.candidates, questions.targets)
    present = questions.candidates.present
    return shrunken_accuracies(right, present, questions.types, questions.groups)


def _scores(candidates: Candidates, table: Floats, rows: Ints, how: str, power: float) -> Floats:
    # Relative to the best, so that high powers of small accuracies do not vanish.
    weights = (table / table.max(axis=1, keepdims=True)) ** power
    support = candidates.votes if how == "votes" else candidates.confidences
    return weighted_sum(support, weights, rows)


def shrunken_accuracies(
    right: Floats, present: Bools, types: QuestionTypes, groups: Ints
) -> Floats:
    """Each member's accuracy on each type, shrunk, and on all questions.

    A type's accuracy is (n·a_t + k·a) / (n + k) with a the member's accuracy on all questions
    and n the number of groups of the type: copies of a question say little more than one. k =
    σ² / τ², the variance within types over that between them, both estimated from all members
    by the method of moments (analysis of variance); infinite where types do not differ more
    than chance has it. a itself is drawn toward the mean of the members with a weight of one
    question.

    Parameters
    ----------
    right : ndarray of float64, shape (Q, M)
    present : ndarray of bool, shape (Q, M)
    types : QuestionTypes
    groups : ndarray of int64, shape (Q,)

    Returns
    -------
    ndarray of float64, shape (T + 1, M)
        One row a type; the last for all questions.

    Examples
    --------
    >>> right = np.tile([[1.0], [1.0], [1.0], [0.0], [1.0], [0.0], [0.0], [0.0]], (10, 1))
    >>> types = QuestionTypes(("color", "count"), np.arange(80) // 4 % 2)
    >>> shrunken_accuracies(right, right >= 0, types, np.arange(80)).round(2).tolist()
    [[0.74], [0.26], [0.5]]
    """
    mean = right.sum() / max(present.sum(), 1)
    # Never 0: a member that is always wrong still breaks ties.
    general = (right.sum(axis=0) + max(mean, 1e-3)) / (present.sum(axis=0) + 1)
    numbers, means, k = _by_type(right, present, types, groups)
    by_type = np.where(numbers > 0, means, general)
    by_type += (general - by_type) / (1 + numbers / k) if k > 0 else 0.0
    return np.asarray(np.maximum(np.vstack([by_type, general]), 1e-6))


def _by_type(
    right: Floats, present: Bools, types: QuestionTypes, groups: Ints
) -> tuple[Floats, Floats, float]:
    """Groups of each type that each member has, its accuracy there, and k; (T, M), (T, M)."""
    n_types, n_members = len(types.names), right.shape[1]
    known = np.flatnonzero(types.of >= 0)
    # Copies of a question that are of one type are one unit.
    pairs, unit = np.unique(groups[known] * n_types + types.of[known], return_inverse=True)
    numbers, means = np.zeros((n_types, n_members)), np.zeros((n_types, n_members))
    within = within_freedom = between = between_freedom = scale = 0.0
    for m in range(n_members):
        has = present[known, m]
        copies = np.bincount(unit[has], minlength=len(pairs))
        units = np.flatnonzero(copies)
        if not len(units):
            continue
        right_copies = np.bincount(unit[has], right[known, m][has], minlength=len(pairs))
        value = right_copies[units] / copies[units]
        kind = pairs[units] % n_types
        number = np.bincount(kind, minlength=n_types)
        total = np.bincount(kind, value, minlength=n_types)
        average = total / np.maximum(number, 1)
        numbers[:, m], means[:, m] = number, average
        within += float(((value - average[kind]) ** 2).sum())
        within_freedom += len(units) - np.count_nonzero(number)
        between += float((number * (average - value.mean()) ** 2).sum())
        between_freedom += np.count_nonzero(number) - 1
        scale += float(len(units) - (number**2).sum() / len(units))
    if not within_freedom or scale <= 0:
        return numbers, means, np.inf
    variance = within / within_freedom
    difference = (between - between_freedom * variance) / scale
    return numbers, means, variance / difference if difference > 0 else np.inf
