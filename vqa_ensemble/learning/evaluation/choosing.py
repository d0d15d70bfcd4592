"""Choose a method by its out-of-fold scores, or equal votes if nothing is surely better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from vqa_ensemble.arrays import Floats, Ints
from vqa_ensemble.learning.evaluation.bootstrap import Comparison, compare_paired

EQUAL_VOTES = "majority"
# With fewer groups of questions than this, a cross-validation is a coin toss.
LEAST_GROUPS = 50
_REPLICATES = 500
# Numbers drawn at most: with many groups, fewer replicates are as exact.
_MOST_DRAWS = 20_000_000


@dataclass(frozen=True)
class Choice:
    """The method chosen.

    Attributes
    ----------
    method : str
    best : str
        The method with the best mean score; the same unless equal votes were preferred to it.
    gain : float
        What the best gains over equal votes, less what the best of as many would gain by luck.
    comparison : Comparison
        The best against equal votes, on the questions given.
    reason : str
        One sentence.
    """

    method: str
    best: str
    gain: float
    comparison: Comparison
    reason: str


def choose_method(scores: Mapping[str, Floats], groups: Ints, *, seed: int = 0) -> Choice:
    """The method with the best mean score, if it surely beats equal votes.

    The best of many methods looks better than it is. So from its gain over equal votes is taken
    what the best of as many useless methods would gain by luck: the mean, over bootstrap draws
    of groups, of the largest of the methods' differences from equal votes, each centred on 0
    (White 2000, "A Reality Check for Data Snooping"). Equal votes are kept unless what is left
    exceeds the paired standard error of the best against them, or where there are fewer than
    LEAST_GROUPS groups. Methods with the same mean: the first given, so give the simplest first.

    Parameters
    ----------
    scores : mapping of str to ndarray of float64, shape (Q,)
        Out-of-fold scores of each method, simplest first; ``"majority"`` among them.
    groups : ndarray of int64, shape (Q,)

    Examples
    --------
    >>> majority = np.tile([1.0, 0, 1, 0], 100)
    >>> better = np.tile([1.0, 1, 1, 0], 100)
    >>> choose_method({"majority": majority, "better": better}, np.arange(400)).method
    'better'
    >>> choose_method({"majority": majority[:20], "better": better[:20]}, np.arange(20)).method
    'majority'
    """
    means = {name: round(float(values.mean()), 9) for name, values in scores.items()}
    best = max(means, key=lambda name: (means[name], name == EQUAL_VOTES))
    comparison = compare_paired(scores[best], scores[EQUAL_VOTES], groups, seed=seed)
    if best == EQUAL_VOTES:
        return Choice(best, best, 0.0, comparison, "nothing beats equal votes")
    gain = comparison.difference - _luck(scores, groups, seed)
    sure = comparison.standard_error
    n_groups = len(np.unique(groups))
    if n_groups < LEAST_GROUPS:
        reason = (
            f"{n_groups} independent questions are too few to tell methods apart "
            f"({LEAST_GROUPS} are needed)"
        )
        return Choice(EQUAL_VOTES, best, gain, comparison, reason)
    figures = f"{gain:+.2%} over equal votes beyond luck, standard error {sure:.2%}"
    if gain <= sure:
        return Choice(
            EQUAL_VOTES, best, gain, comparison, f"{best} is not surely better: {figures}"
        )
    return Choice(best, best, gain, comparison, f"{best} is surely better: {figures}")


def _luck(scores: Mapping[str, Floats], groups: Ints, seed: int) -> float:
    """By how much the best of these methods would seem to beat equal votes if none did."""
    group = np.unique(groups, return_inverse=True)[1]
    sizes = np.bincount(group).astype(np.float64)
    others = [values - scores[EQUAL_VOTES] for values in scores.values()]
    centred = np.column_stack([np.bincount(group, weights=v - v.mean()) for v in others])
    rng = np.random.default_rng(seed)
    n = len(sizes)
    best = []
    for _ in range(min(_REPLICATES, max(20, _MOST_DRAWS // n))):
        drawn = np.bincount(rng.integers(n, size=n), minlength=n)
        best.append((drawn @ centred).max() / (drawn @ sizes))
    return float(np.mean(best))
