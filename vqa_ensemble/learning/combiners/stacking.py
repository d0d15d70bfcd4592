"""Hierarchical stacking: a conditional logit over the candidate answers.

Every candidate a of a question of type t has the utility

    u(a) = Σ_m (w_m + v_{t,m}) x_m(a) + Σ_k s_k z_k(a) + b_a + b_{t,a},

and P(a) = exp u(a) / Σ_a' exp u(a'), McFadden's conditional logit (McFadden 1974, "Conditional
logit analysis of qualitative choice behavior"), as stacked generalisation (Wolpert 1992; for
multinomial logit stacking of confidences: Ting and Witten 1999). Members' weights w are shared
by all types; each type deviates from them by v, shrunk toward 0 with a strength of its own: a
hierarchical model with Gaussian priors (Gelman and Hill 2007, chapter 12).

x_m is the member's log-confidence on a scale from 0 (not listed) to 1 (certain). z are what the
members say together: the mean of x, the share of votes, the mean confidence. The prior mean of
the weights is equal votes plus mean confidence, so that where little can be learned the stacking
is an equal vote. b_a and b_{t,a} are the answer's own prior, in general and in the type: what a
model says too often or too seldom.

Training minimises Σ_q Σ_a y(a)·(−log P(a)) plus the ridge penalties, which is convex; y is the
VQA accuracy of the candidate, so several answers can be right.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np

from vqa_ensemble import ragged
from vqa_ensemble.arrays import Floats, Floats32, Ints
from vqa_ensemble.learning.combiners.base import Combiner, softmax
from vqa_ensemble.learning.combiners.candidates import Candidates
from vqa_ensemble.learning.evaluation.folds import grouped_folds
from vqa_ensemble.learning.questions import Questions
from vqa_ensemble.voting.question_types import NO_TYPE, QuestionTypes

# Confidence below which a member might as well not list the answer.
FLOOR = 0.01
# Ridge strengths for (members' shared weights, types' deviations) that are tried.
GRID = (
    (3.0, 3.0),
    (10.0, 10.0),
    (30.0, 30.0),
    (100.0, 100.0),
    (30.0, np.inf),
    (100.0, np.inf),
)
TOGETHER_RIDGE = 10.0
ANSWER_RIDGE, TYPE_ANSWER_RIDGE = 1.0, 3.0
# Answers, and pairs of type and answer, seen less often get no prior of their own.
LEAST_CANDIDATES = 3
FOLDS = 4
# Strengths are chosen on this many questions: more move the choice no further.
MOST_QUESTIONS_TO_CHOOSE = 20_000
TOGETHER = ("mean_log_confidence", "vote_share", "mean_confidence")
_TOGETHER_PRIOR = (0.0, 1.0, 1.0)


def features(candidates: Candidates) -> Floats32:
    """Return x of every member, then z: shape (C, M + 3).

    x = log(1 + p / FLOOR) / log(1 / FLOOR) for confidence p: 0 if not listed, about 1 if
    certain.
    """
    p = candidates.confidences
    x = np.log1p(p * np.float32(1 / FLOOR)) / np.float32(np.log(1 / FLOOR))
    together = [x.mean(axis=1), candidates.votes.mean(axis=1), p.mean(axis=1)]
    return np.column_stack([x, *together]).astype(np.float32)


@dataclass
class Stacking(Combiner):
    """The fitted conditional logit.

    Attributes
    ----------
    ridge : tuple of float, optional
        Strengths for (shared weights, types' deviations); chosen by grouped cross-validation
        of the log-likelihood if not given.
    seed : int
        Of the folds.
    members, types : tuple of str
    weights : ndarray, shape (M,)
    deviations : ndarray, shape (T, M)
    together : ndarray, shape (3,)
        Weights of ``TOGETHER``.
    answer_prior : dict of str to float
    type_answer_prior : dict of str to dict of str to float
    """

    method: ClassVar[str] = "stacking"

    ridge: tuple[float, float] | None = None
    seed: int = 0
    members: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    weights: Floats = field(default_factory=lambda: np.zeros(0))
    deviations: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    together: Floats = field(default_factory=lambda: np.array(_TOGETHER_PRIOR))
    answer_prior: dict[str, float] = field(default_factory=dict)
    type_answer_prior: dict[str, dict[str, float]] = field(default_factory=dict)

    def fit(self, questions: Questions) -> Self:
        """Learn the weights."""
        candidates, types = questions.candidates, questions.types
        self.members, self.types = candidates.names, types.names
        matrix = features(candidates)
        ridge = self.ridge or choose_ridge(questions, matrix, self.seed)
        problem = _Problem(questions, matrix)
        solution = problem.solve(ridge)
        self.ridge = ridge
        n_members = len(candidates.names)
        self.weights, self.together = np.split(solution.shared, [n_members])
        self.deviations = solution.deviations
        vocabulary = candidates.vocabulary
        self.answer_prior = {
            vocabulary[answer]: float(prior)
            for answer, prior in zip(problem.answers.distinct, solution.answers, strict=True)
        }
        self.type_answer_prior = {name: {} for name in types.names}
        for pair, prior in zip(problem.pairs.distinct, solution.pairs, strict=True):
            name, answer = types.names[pair // len(vocabulary)], vocabulary[pair % len(vocabulary)]
            self.type_answer_prior[name][answer] = float(prior)
        return self

    def score(self, candidates: Candidates, types: QuestionTypes) -> Floats:
        """The utility of every candidate, shape (C,)."""
        matrix = features(candidates)
        n_members = len(self.members)
        type_of = types.renamed(self.types).of[candidates.questions]
        weights = np.concatenate([self.weights, self.together]).astype(np.float32)
        scores: Floats = (matrix @ weights).astype(np.float64)
        scores += _look_up(self.answer_prior, candidates)
        for t, name in enumerate(self.types):
            rows = np.flatnonzero(type_of == t)
            scores[rows] += matrix[rows, :n_members] @ self.deviations[t].astype(np.float32)
            scores[rows] += _look_up(self.type_answer_prior.get(name, {}), candidates)[rows]
        return scores

    def confidences(self, candidates: Candidates, scores: Floats) -> Floats:
        """The probability of each candidate, shape (C,)."""
        return softmax(candidates, scores)

    def like(self, other: Self) -> Self:
        """Keep the ridge strengths, which depend little on who is among the members."""
        self.ridge = other.ridge
        return self

    def to_dict(self) -> dict[str, Any]:
        """Weights by member and type; priors of an answer under 0.005 are left out."""
        by_type = {}
        for t, name in enumerate(self.types):
            by_type[name] = {
                "members": dict(zip(self.members, self.deviations[t].tolist(), strict=True)),
                "answers": _sizeable(self.type_answer_prior.get(name, {})),
            }
        return {
            "ridge": [str(strength) for strength in self.ridge or ()],
            "members": dict(zip(self.members, self.weights.tolist(), strict=True)),
            "together": dict(zip(TOGETHER, self.together.tolist(), strict=True)),
            "answers": _sizeable(self.answer_prior),
            "types": by_type,
        }

    @classmethod
    def from_dict(cls, fitted: dict[str, Any]) -> Self:
        """The stacking that :meth:`to_dict` described."""
        members, types = tuple(fitted["members"]), tuple(fitted["types"])
        strengths = [float(strength) for strength in fitted["ridge"]]
        return cls(
            ridge=(strengths[0], strengths[1]),
            members=members,
            types=types,
            weights=np.array([fitted["members"][m] for m in members], dtype=np.float64),
            deviations=np.array(
                [[fitted["types"][t]["members"][m] for m in members] for t in types],
                dtype=np.float64,
            ).reshape(len(types), len(members)),
            together=np.array([fitted["together"][name] for name in TOGETHER], dtype=np.float64),
            answer_prior=fitted["answers"],
            type_answer_prior={t: fitted["types"][t]["answers"] for t in types},
        )


def choose_ridge(questions: Questions, matrix: Floats32, seed: int) -> tuple[float, float]:
    """The strengths of ``GRID`` whose held-out log-likelihood is best, by grouped folds."""
    some = questions.draw(MOST_QUESTIONS_TO_CHOOSE, seed, whole_groups=True)
    folds = grouped_folds(questions.groups[some], None, FOLDS, seed)
    grid = GRID if questions.types.names else tuple(g for g in GRID if np.isinf(g[1]))
    losses = np.zeros(len(grid))
    for fold in range(FOLDS):
        parts = []
        for side in (folds != fold, folds == fold):
            rows = ragged.take(questions.candidates.starts, some[side])[1]
            parts.append(_Problem(questions.select(some[side]), matrix[rows]))
        train, test = parts
        if not len(train.groups) or not len(test.groups):
            continue
        for g, ridge in enumerate(grid):
            losses[g] += test.loss(train, train.solve(ridge))
    return grid[int(losses.argmin())]


@dataclass(frozen=True)
class _Solution:
    shared: Floats  # (M + 3,)
    deviations: Floats  # (T, M)
    answers: Floats  # one a distinct answer
    pairs: Floats  # one a distinct pair of type and answer


@dataclass(frozen=True)
class _Priors:
    """Which rows share a prior: codes of those seen often enough, the last one for the rest."""

    distinct: Ints
    counts: Ints
    row: Ints

    @classmethod
    def count(cls, keys: Ints) -> _Priors:
        distinct, row, counts = np.unique(keys, return_inverse=True, return_counts=True)
        often = (counts >= LEAST_CANDIDATES) & (distinct >= 0)
        code = np.where(often, np.cumsum(often) - 1, often.sum())
        return cls(distinct[often], counts[often], code[row])

    def spread(self, priors: Floats) -> Floats:
        """Each row's prior."""
        rows: Floats = np.append(priors, 0.0)[self.row]
        return rows

    def collect(self, values: Floats) -> Floats:
        """The sum of the rows' values for each prior."""
        return np.bincount(self.row, values, len(self.distinct) + 1)[:-1].astype(np.float64)


class _Problem:
    """Questions that teach something (a right answer among several), sorted by type."""

    def __init__(self, questions: Questions, matrix: Floats32) -> None:
        candidates, types, targets = questions.candidates, questions.types, questions.targets
        self.n_members, self.n_types = len(candidates.names), len(types.names)
        total = ragged.sums(candidates.starts, targets)
        teaches = np.flatnonzero((total > 0) & (candidates.sizes > 1))
        self.groups = teaches[np.argsort(types.of[teaches], kind="stable")]
        self.starts, rows = ragged.take(candidates.starts, self.groups)
        self.sizes = np.diff(self.starts)
        self.matrix, self.targets = matrix[rows], targets[rows]
        self.total = total[self.groups]
        type_of = np.repeat(types.of[self.groups], self.sizes)
        self.bounds = np.searchsorted(type_of, np.arange(self.n_types + 1))
        answers = candidates.answers[rows].astype(np.int64)
        self.width = len(candidates.vocabulary)
        self.answer_keys = answers
        self.pair_keys = np.where(type_of == NO_TYPE, -1, type_of * self.width + answers)
        self.answers, self.pairs = _Priors.count(self.answer_keys), _Priors.count(self.pair_keys)

    def solve(self, ridge: tuple[float, float]) -> _Solution:
        """Minimise the penalised loss by L-BFGS from the prior mean."""
        from scipy.optimize import minimize
        from threadpoolctl import threadpool_limits

        n_types = 0 if np.isinf(ridge[1]) else self.n_types
        prior = np.concatenate([np.zeros(self.n_members), _TOGETHER_PRIOR])
        penalty = np.concatenate(
            [
                np.repeat([ridge[0], TOGETHER_RIDGE], [self.n_members, len(TOGETHER)]),
                np.full(n_types * self.n_members, ridge[1]),
                np.full(len(self.answers.distinct), ANSWER_RIDGE),
                np.full(len(self.pairs.distinct), TYPE_ANSWER_RIDGE),
            ]
        )
        cuts = np.cumsum([len(prior), n_types * self.n_members, len(self.answers.distinct)])
        # Steps in units of each parameter's own uncertainty condition the problem well.
        spread = np.square(self.matrix, dtype=np.float32).sum(axis=0, dtype=np.float64)
        curvature = np.concatenate(
            [
                0.3 * spread,
                np.tile(0.3 * spread[: self.n_members] / max(n_types, 1), n_types),
                0.05 * self.answers.counts,
                0.05 * self.pairs.counts,
            ]
        )
        scale = 1 / np.sqrt(curvature + penalty)

        def unpack(x: Floats) -> _Solution:
            shared, deviations, answers, pairs = np.split(x * scale, cuts)
            return _Solution(
                prior + shared, deviations.reshape(n_types, self.n_members), answers, pairs
            )

        def objective(x: Floats) -> tuple[float, Floats]:
            solution = unpack(x)
            loss, residual = self._loss(self._utilities(solution))
            gradient = np.concatenate(
                [
                    residual.astype(np.float32) @ self.matrix,
                    self._by_type(residual)[:n_types].ravel(),
                    self.answers.collect(residual),
                    self.pairs.collect(residual),
                ]
            )
            offset = x * scale
            loss += 0.5 * float(penalty @ offset**2)
            return loss, (gradient + penalty * offset) * scale

        # Many small products: threads cost more than they bring, and would change last bits.
        with threadpool_limits(1):
            found = minimize(
                objective,
                np.zeros(len(penalty)),
                jac=True,
                method="L-BFGS-B",
                options={"maxiter": 200, "maxcor": 10, "ftol": 1e-7},
            )
        solution = unpack(found.x)
        if n_types < self.n_types:
            none = np.zeros((self.n_types, self.n_members))
            solution = _Solution(solution.shared, none, solution.answers, solution.pairs)
        return solution

    def loss(self, trained: _Problem, solution: _Solution) -> float:
        """The loss here of what another problem over the same vocabulary found."""
        answers = _transfer(self.answer_keys, trained.answers.distinct, solution.answers)
        pairs = _transfer(self.pair_keys, trained.pairs.distinct, solution.pairs)
        return self._loss(self._linear(solution) + answers + pairs)[0]

    def _utilities(self, solution: _Solution) -> Floats:
        return (
            self._linear(solution)
            + self.answers.spread(solution.answers)
            + self.pairs.spread(solution.pairs)
        )

    def _linear(self, solution: _Solution) -> Floats:
        utilities = (self.matrix @ solution.shared.astype(np.float32)).astype(np.float64)
        for t, deviation in enumerate(solution.deviations):
            rows = slice(self.bounds[t], self.bounds[t + 1])
            utilities[rows] += self.matrix[rows, : self.n_members] @ deviation.astype(np.float32)
        return utilities

    def _by_type(self, residual: Floats) -> Floats:
        gradient = np.zeros((self.n_types, self.n_members))
        for t in range(self.n_types):
            rows = slice(self.bounds[t], self.bounds[t + 1])
            gradient[t] = residual[rows].astype(np.float32) @ self.matrix[rows, : self.n_members]
        return gradient

    def _loss(self, utilities: Floats) -> tuple[float, Floats]:
        """Σ_q Σ_a −y log P, and its gradient with respect to the utilities."""
        highest = ragged.maxima(self.starts, utilities)
        weights = np.exp(utilities - np.repeat(highest, self.sizes))
        sums = ragged.sums(self.starts, weights)
        log_normaliser = highest + np.log(sums)
        loss = float(self.total @ log_normaliser - self.targets @ utilities)
        probability = weights / np.repeat(sums, self.sizes)
        return loss, np.repeat(self.total, self.sizes) * probability - self.targets


def _transfer(keys: Ints, distinct: Ints, priors: Floats) -> Floats:
    if not len(distinct):
        return np.zeros(len(keys))
    found = np.minimum(np.searchsorted(distinct, keys), len(distinct) - 1)
    return np.where(distinct[found] == keys, priors[found], 0.0)


def _look_up(priors: dict[str, float], candidates: Candidates) -> Floats:
    by_answer = np.array([priors.get(answer, 0.0) for answer in candidates.vocabulary])
    return by_answer[candidates.answers]


def _sizeable(priors: dict[str, float]) -> dict[str, float]:
    return {answer: prior for answer, prior in sorted(priors.items()) if abs(prior) >= 0.005}
