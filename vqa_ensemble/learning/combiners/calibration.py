"""Temperature calibration of each member's confidences, and their mean.

Guo, Pleiss, Sun and Weinberger 2017, "On calibration of modern neural networks" (ICML), §4.2.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np
from scipy.optimize import minimize_scalar

from vqa_ensemble import ragged
from vqa_ensemble.arrays import Floats, Ints
from vqa_ensemble.learning.combiners.candidates import Candidates
from vqa_ensemble.learning.combiners.member_votes import MeanConfidence, floats, of_members
from vqa_ensemble.learning.questions import Questions
from vqa_ensemble.voting.question_types import QuestionTypes

LEAST, MOST = 0.05, 20.0
# Standard deviations of log T: of members around 1, and of a member's types around the member.
MEMBERS_SPREAD, TYPES_SPREAD = 1.0, 0.25
# A member's temperature is fitted on this many questions: more move it no further.
MOST_QUESTIONS = 50_000


@dataclass
class Temperatures:
    """The temperature of every member, in general and type by type.

    Attributes
    ----------
    general : dict of str to float
        Above 1, the member is too sure of itself; below, not sure enough.
    by_type : dict of str to dict of str to float
        Type → member → temperature.
    """

    general: dict[str, float] = field(default_factory=dict)
    by_type: dict[str, dict[str, float]] = field(default_factory=dict)


def fit_temperatures(questions: Questions, *, seed: int = 0) -> Temperatures:
    """Fit the temperatures that make confidences say how often a member is right.

    A member's T minimises −Σ y(a) log q(a), q(a) = p(a)^(1/T) / Σ p^(1/T) over the answers that
    the member lists for the question, y their targets; a group's questions weigh as one. With
    little data T stays near 1, and a type's T near the member's: log T has a normal prior
    around 0 (standard deviation 1), and around the member's log T (standard deviation 0.25).

    Questions tell nothing where the member lists a single answer, none with a target above 0,
    or all with the same confidence; a member with no others, such as one of hard votes, keeps
    T = 1.

    Parameters
    ----------
    questions : Questions
    seed : int
        Of the choice of questions where there are very many.

    Examples
    --------
    A member that is sure at 0.9 and right in 2 of 3 cases:

    >>> from vqa_ensemble.learning.combiners.candidates import gather_candidates
    >>> from vqa_ensemble.predictions.files import predictions_from_rows
    >>> from vqa_ensemble.voting.ballots import align
    >>> rows = [(q, a, c) for q in range(300) for a, c in (("yes", 0.9), ("no", 0.1))]
    >>> candidates = gather_candidates(align([predictions_from_rows("a", rows)]))
    >>> wrong = (np.arange(300) % 3 == 0).astype(float)  # "no" is right
    >>> targets = np.column_stack([wrong, 1 - wrong]).ravel()
    >>> types = QuestionTypes.none(300)
    >>> fitted = fit_temperatures(Questions(candidates, targets, types, np.arange(300)))
    >>> calibrated = apply_temperatures(candidates, types, fitted)
    >>> round(fitted.general["a"], 1), [round(float(p), 2) for p in calibrated.confidences[:2, 0]]
    (3.1, [0.33, 0.67])
    """
    questions = questions.sample(MOST_QUESTIONS, seed)
    candidates, types = questions.candidates, questions.types
    _, group, copies = np.unique(questions.groups, return_inverse=True, return_counts=True)
    targets = questions.targets * (1 / copies[group])[candidates.questions]
    type_of = types.of[candidates.questions]
    fitted = Temperatures(by_type={name: {} for name in types.names})
    for m, name in enumerate(candidates.names):
        rows = _informative(candidates, targets, m)
        logs = np.log(candidates.confidences[rows, m].astype(np.float64))
        y, asked, kinds = targets[rows], candidates.questions[rows], type_of[rows]
        general = _fit_one(logs, y, asked, 0.0, MEMBERS_SPREAD)
        fitted.general[name] = float(np.exp(general))
        for t, type_name in enumerate(types.names):
            own = kinds == t
            log_t = _fit_one(logs[own], y[own], asked[own], general, TYPES_SPREAD)
            fitted.by_type[type_name][name] = float(np.exp(log_t))
    return fitted


def _informative(candidates: Candidates, targets: Floats, m: int) -> Ints:
    """Rows of the answers a member lists for questions that tell about its temperature."""
    p = candidates.confidences[:, m]
    rows = np.flatnonzero(p > 0)
    if not len(rows):
        return rows
    starts = _starts(candidates.questions[rows])
    right = ragged.sums(starts, targets[rows]) > 0
    differ = ragged.maxima(starts, p[rows]) > -ragged.maxima(starts, -p[rows])
    return rows[(right & differ)[ragged.owner(starts)]]


def _starts(questions: Ints) -> Ints:
    """Where the rows of each question begin, and where the last end."""
    return np.flatnonzero(np.diff(questions, prepend=-1, append=-1))


def _fit_one(logs: Floats, y: Floats, questions: Ints, center: float, spread: float) -> float:
    """The log-temperature with the highest posterior density."""
    if not len(logs):
        return center
    starts = _starts(questions)
    # Relative to each question's highest: no exponential overflows.
    logs = logs - ragged.maxima(starts, logs)[ragged.owner(starts)]
    weight = ragged.sums(starts, y)
    linear = float(y @ logs)

    def loss(log_t: float) -> float:
        scale = np.exp(-log_t)
        normalizer = np.log(ragged.sums(starts, np.exp(logs * scale)))
        likelihood = scale * linear - float(weight @ normalizer)
        return float(0.5 * ((log_t - center) / spread) ** 2 - likelihood)

    bounds = (np.log(LEAST), np.log(MOST))
    return float(minimize_scalar(loss, bounds=bounds, method="bounded").x)


def apply_temperatures(
    candidates: Candidates, types: QuestionTypes, temperatures: Temperatures
) -> Candidates:
    """The candidates with calibrated confidences.

    A member's confidences for a question keep their sum (at most 1): what it gave to answers
    that it does not list stays with those.
    """
    type_names = tuple(temperatures.by_type)
    rows = (*temperatures.by_type.values(), temperatures.general)
    table = np.array([of_members(row, candidates) for row in rows])
    of = types.renamed(type_names).of
    starts, questions = candidates.starts, candidates.questions
    calibrated = np.empty_like(candidates.confidences)
    for m in range(len(candidates.names)):
        p = candidates.confidences[:, m].astype(np.float64)
        listed = p > 0
        mass = np.minimum(ragged.sums(starts, p), 1.0)
        highest = ragged.maxima(starts, p)
        relative = np.divide(p, highest[questions], out=np.ones_like(p), where=listed)
        power = np.where(listed, relative ** (1 / table[of, m])[questions], 0.0)
        total = ragged.sums(starts, power)
        share = np.divide(mass, total, out=np.zeros_like(mass), where=total > 0)
        calibrated[:, m] = power * share[questions]
    return replace(candidates, confidences=calibrated)


@dataclass
class CalibratedMean(MeanConfidence):
    """The mean of calibrated confidences.

    Attributes
    ----------
    seed : int
    temperatures : Temperatures

    Examples
    --------
    >>> from vqa_ensemble.learning.combiners.candidates import gather_candidates
    >>> from vqa_ensemble.voting.ballots import ballots_from_votes
    >>> candidates = gather_candidates(ballots_from_votes({
    ...     "bold": [("4", 0.9), ("5", 0.1)], "shy": [("5", 0.6), ("4", 0.4)]}))
    >>> temperatures = Temperatures({"bold": 4.0, "shy": 0.5})
    >>> CalibratedMean(temperatures=temperatures).score(
    ...     candidates, QuestionTypes.none(1)).round(2).tolist()
    [0.47, 0.53]
    """

    method: ClassVar[str] = "calibrated-mean"

    seed: int = 0
    temperatures: Temperatures = field(default_factory=Temperatures)

    def fit(self, questions: Questions) -> Self:
        """Fit the temperatures."""
        self.temperatures = fit_temperatures(questions, seed=self.seed)
        return self

    def score(self, candidates: Candidates, types: QuestionTypes) -> Floats:
        """Mean calibrated confidence, shape (C,)."""
        return super().score(apply_temperatures(candidates, types, self.temperatures), types)

    def to_dict(self) -> dict[str, Any]:
        """The temperatures."""
        return {
            "temperatures": dict(self.temperatures.general),
            "type_temperatures": {t: dict(r) for t, r in self.temperatures.by_type.items()},
        }

    @classmethod
    def from_dict(cls, fitted: dict[str, Any]) -> Self:
        """The combiner that :meth:`to_dict` described."""
        general = floats(fitted["temperatures"])
        by_type = {kind: floats(row) for kind, row in fitted["type_temperatures"].items()}
        return cls(temperatures=Temperatures(general, by_type))
