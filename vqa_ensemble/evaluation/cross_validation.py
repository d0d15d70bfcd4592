"""Scores of combiners on questions that they were not fitted on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vqa_ensemble.combiners.base import Combiner, accuracy
from vqa_ensemble.combiners.candidates import Candidates
from vqa_ensemble.voting.question_types import QuestionTypes

Factory = Callable[[], Combiner]


@dataclass(frozen=True)
class Questions:
    """Questions whose answers are known: Q questions, C candidates.

    Attributes
    ----------
    candidates : Candidates
    targets : ndarray of float64, shape (C,)
        How right each candidate is, in [0, 1].
    types : QuestionTypes
    groups : ndarray of int64, shape (Q,)
    """

    candidates: Candidates
    targets: npt.NDArray[np.float64]
    types: QuestionTypes
    groups: npt.NDArray[np.int64]

    def __len__(self) -> int:
        """The number of questions."""
        return len(self.candidates)

    def where(self, chosen: npt.NDArray[np.bool_]) -> Questions:
        """Some of the questions; ``chosen`` has shape (Q,)."""
        positions = np.flatnonzero(chosen)
        return Questions(
            self.candidates.select(positions),
            self.targets[chosen[self.candidates.questions]],
            self.types.select(positions),
            self.groups[positions],
        )

    def members(self, columns: npt.NDArray[np.integer]) -> Questions:
        """The same questions put to some of the members only."""
        fewer = self.candidates.members(np.sort(columns))
        rows = find_candidates(self.candidates, fewer.questions, fewer.answers)
        return Questions(fewer, self.targets[rows], self.types, self.groups)


def find_candidates(
    candidates: Candidates,
    questions: npt.NDArray[np.integer],
    answers: npt.NDArray[np.integer],
) -> npt.NDArray[np.int64]:
    """The rows of some answers to some questions, all of them candidates."""
    width = len(candidates.vocabulary)
    pairs = candidates.questions * width + candidates.answers
    return np.searchsorted(pairs, questions * np.int64(width) + answers)


@dataclass(frozen=True)
class CrossValidation:
    """Out-of-fold scores of several methods.

    Attributes
    ----------
    scores : dict of str to ndarray of float64, shape (Q,)
        How right each method's answer to each question is.
    failures : dict of str to str
        Why a method has no scores.
    fitted : dict of str to list of Combiner
        What each method learned for each fold, on the others.
    """

    scores: dict[str, npt.NDArray[np.float64]]
    failures: dict[str, str]
    fitted: dict[str, list[Combiner]]


def splits(
    questions: Questions, folds: npt.NDArray[np.int64]
) -> Iterator[tuple[Questions, Questions, npt.NDArray[np.bool_]]]:
    """The questions to learn from and to be scored on, and where the latter are, fold by fold."""
    for fold in range(int(folds.max()) + 1):
        held_out = folds == fold
        yield questions.where(~held_out), questions.where(held_out), held_out


def cross_validate(
    methods: Mapping[str, Factory],
    questions: Questions,
    folds: npt.NDArray[np.int64],
    *,
    after: Callable[[str], object] = lambda method: None,
) -> CrossValidation:
    """Fit every method on all folds but one, score it on that one, for all folds.

    Parameters
    ----------
    methods : mapping of str to callable
        Name → what makes a fresh combiner.
    questions : Questions
    folds : ndarray of int64, shape (Q,)
        See :func:`vqa_ensemble.evaluation.folds.grouped_folds`.
    after : callable
        Told the method after each of its folds.

    Notes
    -----
    A method that cannot be fitted on these questions is reported and left out; the others go on.
    """
    scores = {name: np.zeros(len(questions)) for name in methods}
    failures: dict[str, str] = {}
    fitted: dict[str, list[Combiner]] = {name: [] for name in methods}
    for training, testing, held_out in splits(questions, folds):
        for name, make in methods.items():
            if name in failures:
                continue
            try:
                combiner = fit_on(make, training)
                scores[name][held_out] = score_on(combiner, testing)
                fitted[name].append(combiner)
            except (ValueError, ArithmeticError) as error:
                failures[name] = f"{type(error).__name__}: {error}".splitlines()[0]
                del scores[name], fitted[name]
            after(name)
    return CrossValidation(scores, failures, fitted)


def fit_and_score(
    make: Factory, training: Questions, testing: Questions
) -> npt.NDArray[np.float64]:
    """How right a method fitted on some questions is on others, question by question."""
    return score_on(fit_on(make, training), testing)


def fit_on(make: Factory, questions: Questions) -> Combiner:
    """A fresh combiner, fitted on these questions."""
    return make().fit(questions.candidates, questions.targets, questions.types, questions.groups)


def score_on(combiner: Combiner, questions: Questions) -> npt.NDArray[np.float64]:
    """How right a fitted combiner is, question by question.

    Raises
    ------
    FloatingPointError
        If it scores a candidate by what is not a finite number.
    """
    scores = combiner.score(questions.candidates, questions.types)
    if not np.isfinite(scores).all():
        raise FloatingPointError("scores that are not finite")
    return accuracy(questions.candidates, scores, questions.targets)
