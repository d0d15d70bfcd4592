"""What stands behind a comparison: bounds, correlated errors, contributions, types, sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vqa_ensemble import ragged
from vqa_ensemble.arrays import Bools, Floats, Ints
from vqa_ensemble.learning.combiners.candidates import Candidates
from vqa_ensemble.learning.combiners.member_votes import member_accuracy
from vqa_ensemble.learning.evaluation.bootstrap import Comparison, compare_paired, standard_error
from vqa_ensemble.learning.questions import Questions
from vqa_ensemble.voting.question_types import NO_TYPE, QuestionTypes

# The sizes of ensembles in the talk's table.
TALK_SIZES = (1, 5, 10)


def oracle(candidates: Candidates, targets: Floats) -> dict[str, Floats]:
    """The best that any way of combining could reach, per question, shape (Q,).

    ``voted`` is the best of the members' top answers, ``listed`` of all answers that a member
    gives any confidence.
    """
    voted = np.where(candidates.votes.any(axis=1), targets, 0)
    of = {"voted": voted, "listed": targets}
    return {name: ragged.maxima(candidates.starts, values) for name, values in of.items()}


def error_correlation(scores: Floats, present: Bools) -> Floats:
    """Pearson's correlation of members' scores over the questions that both answer.

    For scores of 0 and 1 it is the phi coefficient. Members that err together add little to
    each other (Kuncheva and Whitaker 2003, "Measures of diversity in classifier ensembles").

    Parameters
    ----------
    scores : ndarray of float64, shape (Q, M)
    present : ndarray of bool, shape (Q, M)

    Returns
    -------
    ndarray of float64, shape (M, M)
        NaN where a member is always equally right.

    Examples
    --------
    >>> scores = np.array([[1.0, 1, 0], [0, 0, 1], [1, 1, 0], [0, 1, 1]])
    >>> error_correlation(scores, np.ones((4, 3), dtype=bool)).round(2).tolist()
    [[1.0, 0.58, -1.0], [0.58, 1.0, -0.58], [-1.0, -0.58, 1.0]]
    """
    weight = present.astype(np.float64)
    known = np.where(present, scores, 0.0)
    n = weight.T @ weight
    with np.errstate(invalid="ignore", divide="ignore"):
        # Row m, column k: over the questions both have, the mean of m and of its square.
        mean = (known.T @ weight) / n
        square = ((known**2).T @ weight) / n
        covariance = (known.T @ known) / n - mean * mean.T
        variance = np.round(square - mean**2, 12)
        correlation = np.round(covariance, 12) / np.sqrt(variance * variance.T)
    return np.clip(np.where(np.isfinite(correlation), correlation, np.nan), -1, 1)


def by_type(scores: Floats, types: QuestionTypes) -> dict[str, float]:
    """The mean score of each type that has questions, in the order of the types' names."""
    known = types.of != NO_TYPE
    counts = np.bincount(types.of[known], minlength=len(types.names))
    sums = np.bincount(types.of[known], weights=scores[known], minlength=len(types.names))
    return {
        name: float(total / n)
        for name, total, n in zip(types.names, sums, counts, strict=True)
        if n
    }


def contributions(
    score: Callable[[npt.NDArray[np.integer]], Floats],
    names: Sequence[str],
    groups: Ints,
    *,
    seed: int = 0,
    after: Callable[[str], object] = lambda member: None,
) -> dict[str, Comparison]:
    """What each member adds: the score with all members less the score without it.

    Parameters
    ----------
    score : callable
        Columns of members → the scores of their ensemble, shape (Q,). It should learn anew
        from these members, so that the others make up for an absent one where they can.
    names : sequence of str, length M
    groups : ndarray of int64, shape (Q,)
    """
    columns = np.arange(len(names))
    everyone = score(columns)
    found = {}
    for member, name in enumerate(names):
        without = score(np.delete(columns, member))
        found[name] = compare_paired(everyone, without, groups, seed=seed)
        after(name)
    return found


@dataclass(frozen=True)
class SizeScore:
    """How ensembles of one size score.

    Attributes
    ----------
    size : int
    best_first : float
        The members best on the other folds.
    best_first_error : float
        Its standard error over questions.
    random : float
        Mean over random members.
    random_spread : float
        Standard deviation over random members.
    """

    size: int
    best_first: float
    best_first_error: float
    random: float
    random_spread: float


def size_curve(
    score: Callable[[npt.NDArray[np.integer], int], Floats],
    questions: Questions,
    folds: Ints,
    *,
    sizes: Sequence[int] | None = None,
    orders: int = 20,
    seed: int = 0,
    after: Callable[[int], object] = lambda size: None,
) -> list[SizeScore]:
    """Scores of ensembles of 1 to M members.

    Parameters
    ----------
    score : callable
        Columns of members and a fold → the scores of their ensemble on the fold's questions, in
        their order, fitted on the other folds.
    questions : Questions
    folds : ndarray of int64, shape (Q,)
        Which members are best is found, for every fold, on the other folds.
    sizes : sequence of int, optional
    orders : int
        Random orders in which members join.
    seed : int
    """
    n_members = len(questions.names)
    ranking = _best_first(questions, folds)
    rng = np.random.default_rng(seed)
    random = [rng.permutation(n_members) for _ in range(orders)]
    in_fold = [np.flatnonzero(folds == fold) for fold in range(len(ranking))]
    curve = []

    for size in sizes or range(1, n_members + 1):
        known: dict[tuple[int, ...], Floats] = {}

        def of(members: npt.NDArray[np.integer], known: dict[tuple[int, ...], Floats]) -> Floats:
            """Out-of-fold scores of any members; the same members are asked once."""
            key = tuple(np.sort(members).tolist())
            if key not in known:
                known[key] = np.empty(len(questions))
                for fold, rows in enumerate(in_fold):
                    known[key][rows] = score(np.array(key), fold)
            return known[key]

        best = np.empty(len(questions))
        for fold, rows in enumerate(in_fold):
            best[rows] = score(np.sort(ranking[fold][:size]), fold)
        drawn = [float(of(order[:size], known).mean()) for order in random]
        curve.append(
            SizeScore(
                size=size,
                best_first=float(best.mean()),
                best_first_error=standard_error(best, questions.groups),
                random=float(np.mean(drawn)),
                random_spread=float(np.std(drawn)),
            )
        )
        after(size)
    return curve


def _best_first(questions: Questions, folds: Ints) -> list[Ints]:
    """For every fold, members by falling score on the other folds, then by name."""
    scores = member_accuracy(questions.candidates, questions.targets)
    return [
        np.argsort(-np.round(scores[folds != fold].mean(axis=0), 9), kind="stable")
        for fold in range(int(folds.max()) + 1)
    ]


def most_correlated(
    correlation: Floats, names: Sequence[str], n: int = 5
) -> list[tuple[str, str, float]]:
    """The pairs of members whose errors are most alike, most alike first."""
    first, second = np.triu_indices(len(names), k=1)
    values = correlation[first, second]
    order = np.argsort(-np.nan_to_num(values, nan=-2.0), kind="stable")[:n]
    return [
        (names[first[i]], names[second[i]], float(values[i]))
        for i in order
        if np.isfinite(values[i])
    ]
