"""Folds for cross-validation: copies of a question stay together, types are spread evenly."""

from __future__ import annotations

import numpy as np

from vqa_ensemble.arrays import Ints
from vqa_ensemble.errors import InputError


def grouped_folds(groups: Ints, types: Ints | None, n_folds: int = 5, seed: int = 0) -> Ints:
    """Deal groups of questions into folds, type by type.

    Within a type, groups are shuffled, ordered by falling size and dealt in turn. Where every
    group is of one type, two folds' numbers of questions of a type differ by no more than the
    largest group. A group with several types counts as of its most frequent.

    Parameters
    ----------
    groups : ndarray of int64, shape (Q,)
        Questions with one value are never split.
    types : ndarray of int64, shape (Q,), optional
        The type of every question; any code may stand for "unknown". Without them, as a method
        makes folds for itself, groups are dealt as they are shuffled, however few there are.
    n_folds : int
        Fewer are made if there are fewer groups.
    seed : int
        Folds depend on it and on the group's and type's codes, not on the order of questions.

    Returns
    -------
    ndarray of int64, shape (Q,)
        The fold of every question, from 0.

    Raises
    ------
    InputError
        With types, if there are fewer than two groups or folds.

    Examples
    --------
    >>> groups, types = np.array([0, 0, 1, 1, 2, 2, 3, 3]), np.array([0, 0, 0, 0, 1, 1, 1, 1])
    >>> folds = grouped_folds(groups, types, n_folds=2)
    >>> sorted(folds[types == 0].tolist()), sorted(folds[types == 1].tolist())
    ([0, 0, 1, 1], [0, 0, 1, 1])
    """
    distinct, group = np.unique(groups, return_inverse=True)
    luck = np.random.default_rng(seed).permutation(len(distinct))
    if types is None:
        return (luck % n_folds)[group]
    if n_folds < 2:
        raise InputError(f"{n_folds} folds", fix="Cross-validation needs at least two.")
    if len(distinct) < 2:
        raise InputError(
            "all questions are in one group", fix="Cross-validation needs at least two groups."
        )
    n_folds = min(n_folds, len(distinct))
    sizes = np.bincount(group)
    order = np.lexsort([luck, -sizes, _main_type(group, types, len(distinct))])
    fold_of_group = np.empty(len(distinct), dtype=np.int64)
    # Dealing goes on from one type to the next, which evens out the folds' sizes too.
    fold_of_group[order] = np.arange(len(distinct)) % n_folds
    return fold_of_group[group]


def _main_type(group: Ints, types: Ints, n_groups: int) -> Ints:
    codes, code = np.unique(types, return_inverse=True)
    pairs, counts = np.unique(group * len(codes) + code, return_counts=True)
    # The last of a group's pairs, by rising count and falling code, is its main type.
    order = np.lexsort([-(pairs % len(codes)), counts, pairs // len(codes)])
    main = np.empty(n_groups, dtype=np.int64)
    main[(pairs // len(codes))[order]] = (pairs % len(codes))[order]
    return main
