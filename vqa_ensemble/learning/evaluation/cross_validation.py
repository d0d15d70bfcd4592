"""Scores of combiners on questions that they were not fitted on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from vqa_ensemble.arrays import Bools, Floats, Ints
from vqa_ensemble.learning.questions import Questions


class Learner(Protocol):
    """A way to combine members that can be scored: a combiner, or one that has nothing to fit."""

    def fit(self, questions: Questions) -> Self:
        """Learn from questions whose answers are known."""

    def right(self, questions: Questions) -> Floats:
        """How right its answers are, question by question."""

    def like(self, other: Self) -> Self:
        """Before a fit: keep what a fit on other members chose and need not choose again."""


Factory = Callable[[], Learner]


@dataclass(frozen=True)
class CrossValidation:
    """Out-of-fold scores of several methods.

    Attributes
    ----------
    scores : dict of str to ndarray of float64, shape (Q,)
        How right each method's answer to each question is.
    failures : dict of str to str
        Why a method has no scores.
    fitted : dict of str to list of Learner
        What each method learned for each fold, on the others.
    """

    scores: dict[str, Floats]
    failures: dict[str, str]
    fitted: dict[str, list[Learner]]


def splits(questions: Questions, folds: Ints) -> Iterator[tuple[Questions, Questions, Bools]]:
    """The questions to learn from and to be scored on, and where the latter are, fold by fold."""
    for fold in range(int(folds.max()) + 1):
        held_out = folds == fold
        yield questions.where(~held_out), questions.where(held_out), held_out


def cross_validate(
    methods: Mapping[str, Factory],
    questions: Questions,
    folds: Ints,
    *,
    after: Callable[[str], object] = lambda method: None,
) -> CrossValidation:
    """Fit every method on all folds but one, score it on that one, for all folds.

    Parameters
    ----------
    methods : mapping of str to callable
        Name → what makes a fresh learner.
    questions : Questions
    folds : ndarray of int64, shape (Q,)
        See :func:`vqa_ensemble.learning.evaluation.folds.grouped_folds`.
    after : callable
        Told the method after each of its folds.

    Notes
    -----
    A method that cannot be fitted on these questions is reported and left out; the others go on.
    """
    scores = {name: np.zeros(len(questions)) for name in methods}
    failures: dict[str, str] = {}
    fitted: dict[str, list[Learner]] = {name: [] for name in methods}
    for training, testing, held_out in splits(questions, folds):
        for name, make in methods.items():
            if name in failures:
                continue
            try:
                learner = make().fit(training)
                scores[name][held_out] = learner.right(testing)
                fitted[name].append(learner)
            except (ValueError, ArithmeticError) as error:
                failures[name] = f"{type(error).__name__}: {error}".splitlines()[0]
                del scores[name], fitted[name]
            after(name)
    return CrossValidation(scores, failures, fitted)
