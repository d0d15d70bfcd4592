"""How often members give the same top answer."""

from __future__ import annotations

import numpy as np

from vqa_ensemble.arrays import Codes, Floats
from vqa_ensemble.predictions.member import ABSTAIN


def pairwise_agreement(votes: Codes) -> Floats:
    """Share of the questions answered by both members on which their votes are equal.

    Parameters
    ----------
    votes : ndarray of int32, shape (Q, M)
        ABSTAIN where a member has no vote.

    Returns
    -------
    ndarray of float64, shape (M, M)
        Symmetric, 1 on the diagonal; NaN for two members without a common question.

    Examples
    --------
    >>> pairwise_agreement(np.array([[0, 0, 1], [2, 2, 2], [1, -1, 0]])).round(2).tolist()
    [[1.0, 1.0, 0.33], [1.0, 1.0, 0.5], [0.33, 0.5, 1.0]]
    """
    n_members = votes.shape[1]
    agreement = np.full((n_members, n_members), np.nan)
    for m in range(n_members):
        both = (votes[:, m : m + 1] != ABSTAIN) & (votes != ABSTAIN)
        equal = both & (votes == votes[:, m : m + 1])
        n = both.sum(axis=0)
        np.divide(equal.sum(axis=0), n, out=agreement[m], where=n > 0)
    return agreement
