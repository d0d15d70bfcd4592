"""Learn an ensemble from labelled predictions, by one method or by the best of all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from vqa_ensemble.errors import InputError
from vqa_ensemble.learning.combiners.base import make_combiner
from vqa_ensemble.learning.combiners.fitted import (
    FittedEnsemble,
    check_specialists,
    hear_specialists,
)
from vqa_ensemble.learning.evaluation.choosing import EQUAL_VOTES, Choice, choose_method
from vqa_ensemble.learning.evaluation.cross_validation import cross_validate
from vqa_ensemble.learning.evaluation.folds import grouped_folds
from vqa_ensemble.learning.questions import Questions
from vqa_ensemble.voting.methods import COMBINERS

AUTO = "auto"
BEST_SINGLE = "best-single"
FOLDS = 5
# Methods are compared on this many questions: more would not change the choice.
MOST_QUESTIONS_TO_CHOOSE = 20_000


@dataclass(frozen=True)
class Fit:
    """A fitted ensemble and why it is this one.

    Attributes
    ----------
    ensemble : FittedEnsemble
    scores : dict of str to float
        Out-of-fold accuracy of every method compared, in [0, 1].
    failures : dict of str to str
        Methods that could not be fitted, and why.
    choice : Choice, optional
        With the method ``auto``.
    """

    ensemble: FittedEnsemble
    scores: dict[str, float]
    failures: dict[str, str]
    choice: Choice | None = None


def fit(
    questions: Questions,
    *,
    method: str = AUTO,
    specialists: Mapping[str, Sequence[str]] | None = None,
    seed: int = 0,
    after: Callable[[str], object] = lambda method: None,
) -> Fit:
    """Fit one method, or the best by grouped cross-validation.

    ``auto`` keeps equal votes unless a method surely beats them; see
    :func:`vqa_ensemble.learning.evaluation.choosing.choose_method`. Whatever the method, its
    out-of-fold accuracy is measured beside that of equal votes and of the best single member.

    Parameters
    ----------
    questions : Questions
    method : str
        A combiner's name, or ``"auto"``.
    specialists : mapping of str to sequence of str, optional
        Members that are heard on questions of these types only.
    seed : int
        Of folds and of whatever a method draws.
    after : callable
        Told each method after each of its folds.

    Raises
    ------
    InputError
        If the method or a specialist is unknown, or the method cannot be fitted.
    """
    if method not in (AUTO, *COMBINERS):
        raise InputError(f"no method '{method}'", fix=f"Known: auto, {', '.join(COMBINERS)}.")
    trusted = {name: tuple(types) for name, types in (specialists or {}).items()}
    check_specialists(trusted, questions.names, questions.types.names)
    heard = hear_specialists(questions.candidates, questions.types, trusted)
    questions = replace(questions, candidates=heard)

    names = (
        list(COMBINERS)
        if method == AUTO
        else list(dict.fromkeys((EQUAL_VOTES, BEST_SINGLE, method)))
    )
    compared = questions.sample(MOST_QUESTIONS_TO_CHOOSE, seed, whole_groups=True)
    folds = grouped_folds(compared.groups, compared.types.of, FOLDS, seed)
    validation = cross_validate(
        {name: partial(make_combiner, name, seed) for name in names}, compared, folds, after=after
    )
    choice = None
    if method == AUTO:
        choice = choose_method(validation.scores, compared.groups, seed=seed)
        method = choice.method
    elif method in validation.failures:
        raise InputError(
            f"the method '{method}' cannot be fitted: {validation.failures[method]}",
            fix="Use --method auto, or more questions.",
        )
    combiner = make_combiner(method, seed).fit(questions)
    scores = {name: float(values.mean()) for name, values in validation.scores.items()}
    ensemble = FittedEnsemble(
        combiner=combiner,
        members=questions.names,
        types=questions.types.names,
        specialists=trusted,
        fit=_record(questions, len(compared), scores, choice, seed),
    )
    return Fit(ensemble, scores, validation.failures, choice)


def _record(
    questions: Questions,
    n_compared: int,
    scores: Mapping[str, float],
    choice: Choice | None,
    seed: int,
) -> dict[str, Any]:
    record: dict[str, Any] = {
        "metric": questions.metric,
        "questions": len(questions),
        "groups": len(np.unique(questions.groups)),
        "folds": FOLDS,
        "seed": seed,
        "questions_compared": n_compared,
        "accuracy": {name: 100 * score for name, score in sorted(scores.items())},
    }
    if choice is not None:
        record["reason"] = choice.reason
    return record
