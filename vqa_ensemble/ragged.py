"""Lists of unequal length in flat arrays.

``starts``, shape (S + 1,), rises from 0: segment ``s`` holds the rows ``starts[s]:starts[s + 1]``
of every array that goes with it. Answers of a question, candidates, annotators' answers, regions of
a picture are all kept this way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from vqa_ensemble.arrays import Ints


def from_sizes(sizes: npt.ArrayLike) -> Ints:
    """The starts of segments of these sizes, shape (S,).

    Examples
    --------
    >>> from_sizes([2, 0, 3]).tolist()
    [0, 2, 2, 5]
    """
    sizes = np.asarray(sizes, dtype=np.int64)
    starts = np.zeros(len(sizes) + 1, dtype=np.int64)
    np.cumsum(sizes, out=starts[1:])
    return starts


def owner(starts: Ints) -> Ints:
    """The segment of every row.

    Examples
    --------
    >>> owner(np.array([0, 2, 2, 5])).tolist()
    [0, 0, 2, 2, 2]
    """
    return np.repeat(np.arange(len(starts) - 1), np.diff(starts))


def take(starts: Ints, segments: npt.NDArray[np.integer[Any]]) -> tuple[Ints, Ints]:
    """Some segments in the order given: their own starts, and the rows they hold.

    Examples
    --------
    >>> taken, rows = take(np.array([0, 2, 2, 5]), np.array([2, 0]))
    >>> taken.tolist(), rows.tolist()
    ([0, 3, 5], [2, 3, 4, 0, 1])
    """
    sizes = np.diff(starts)[segments]
    taken = from_sizes(sizes)
    rows = np.repeat(starts[:-1][segments] - taken[:-1], sizes) + np.arange(taken[-1])
    return taken, rows


def sums(starts: Ints, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The sum of every segment's values along the first axis; no segment is empty."""
    return np.add.reduceat(values, starts[:-1], axis=0) if len(starts) > 1 else values[:0]


def maxima(starts: Ints, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The largest of every segment's values along the first axis; no segment is empty."""
    return np.maximum.reduceat(values, starts[:-1], axis=0) if len(starts) > 1 else values[:0]


def argmax(
    starts: Ints, criteria: Sequence[npt.NDArray[np.number[Any]]]
) -> tuple[Ints, npt.NDArray[np.int8]]:
    """The best row of every segment by the first criterion, ties by the next, and so on.

    Parameters
    ----------
    starts : ndarray of int64, shape (Q + 1,)
        From 0: segment ``q`` holds the rows ``starts[q]:starts[q + 1]``; none is empty.
    criteria : sequence of ndarray, each of shape (C,) or (L, C)
        Larger is better, of L digits the first that differs. Rows level in all of them are won
        by the first.

    Returns
    -------
    winner : ndarray of int64, shape (Q,)
        Row of the winner.
    decided_by : ndarray of int8, shape (Q,)
        Index of the criterion that left one row; ``len(criteria)`` if none did.

    Examples
    --------
    >>> import numpy as np
    >>> votes, confidence = np.array([2, 1, 2, 2]), np.array([9, 9, 5, 7])
    >>> winner, decided_by = argmax(np.array([0, 2, 4]), [votes, confidence])
    >>> winner.tolist(), decided_by.tolist()
    ([0, 3], [0, 1])
    """
    n_segments = len(starts) - 1
    winner = starts[:-1].copy()
    decided_by = np.full(n_segments, len(criteria), dtype=np.int8)
    # Segments and rows still in the running; most are settled by the first criterion.
    segments = np.arange(n_segments)
    lengths = np.diff(starts)
    rows = np.arange(starts[-1])
    digits = [(stage, digit) for stage, c in enumerate(criteria) for digit in np.atleast_2d(c)]
    for stage, criterion in digits:
        if not len(segments):
            break
        values = criterion[rows]
        first = np.cumsum(lengths) - lengths
        best = np.maximum.reduceat(values, first)
        alive = values == np.repeat(best, lengths)
        lengths = np.add.reduceat(alive.astype(np.int64), first)
        rows = rows[alive]
        first = np.cumsum(lengths) - lengths
        winner[segments] = rows[first]
        settled = lengths == 1
        decided_by[segments[settled]] = stage
        rows = rows[np.repeat(~settled, lengths)]
        segments, lengths = segments[~settled], lengths[~settled]
    return winner, decided_by
