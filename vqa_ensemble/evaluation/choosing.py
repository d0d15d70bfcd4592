"""Choose a method by its out-of-fold scores, or equal votes if nothing is surely better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vqa_ensemble.evaluation.bootstrap import Comparison, compare_paired

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
        By how much choosing the best is expected to beat equal votes on new questions.
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


def choose_method(
    scores: Mapping[str, npt.NDArray[np.float64]],
    groups: npt.NDArray[np.int64],
    *,
    seed: int = 0,
) -> Choice:
    """The method with the best mean score, if choosing it surely beats equal votes.

    The best of many methods looks better than it is. So the gain from choosing it is estimated
    where the choice did not look: on bootstrap draws of groups, the best method of the groups
    drawn is scored on those left out (BBC-CV: Tsamardinos, Greasidou and Borboudakis 2018,
    "Bootstrapping the out-of-sample predictions for efficient and accurate cross-validation").
    Equal votes are kept unless that gain exceeds the paired standard error of the best method
    against them, or where there are fewer than LEAST_GROUPS groups. Methods with the same
    mean: the first given, so give the simplest first.

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
    gain = _gain(scores, groups, seed)
    sure = comparison.standard_error
    n_groups = len(np.unique(groups))
    if n_groups < LEAST_GROUPS:
        reason = (
            f"{n_groups} independent questions are too few to tell methods apart "
            f"({LEAST_GROUPS} are needed)"
        )
        return Choice(EQUAL_VOTES, best, gain, comparison, reason)
    figures = f"{gain:+.2%} against equal votes, standard error {sure:.2%}"
    if gain <= sure:
        return Choice(
            EQUAL_VOTES, best, gain, comparison, f"{best} is not surely better: {figures}"
        )
    return Choice(best, best, gain, comparison, f"{best} is surely better: {figures}")


def _gain(
    scores: Mapping[str, npt.NDArray[np.float64]], groups: npt.NDArray[np.int64], seed: int
) -> float:
    group = np.unique(groups, return_inverse=True)[1]
    sizes = np.bincount(group).astype(np.float64)
    equal = list(scores).index(EQUAL_VOTES)
    sums = np.column_stack([np.bincount(group, weights=values) for values in scores.values()])
    rng = np.random.default_rng(seed)
    n = len(sizes)
    gains = []
    for _ in range(min(_REPLICATES, max(20, _MOST_DRAWS // n))):
        drawn = np.bincount(rng.integers(n, size=n), minlength=n)
        left_out = drawn == 0
        if not left_out.any():
            continue
        # Rounded, so that of methods with one mean the first wins whatever the order of adding.
        best = int(np.argmax(np.round(drawn @ sums, 6)))
        advantage = (sums[left_out, best] - sums[left_out, equal]).sum()
        gains.append(advantage / sizes[left_out].sum())
    return float(np.mean(gains)) if gains else 0.0
