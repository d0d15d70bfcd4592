"""Counting votes exactly, and breaking ties by a list of criteria.

Votes, confidences and probabilities are summed as integers in units of ``1 / ONE``, and where
these round, in as many digits of base ``ONE`` as it takes: integer sums are exact, so no result
depends on the order of members, rows or threads, and no confidence is too small to count.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vqa_ensemble import ragged
from vqa_ensemble.predictions.member import ABSTAIN

# One vote, or a confidence of 1. Leaves 2^31 members' votes below the int64 limit, and
# float64 holds the sums of 2^21 of them exactly.
BITS = 32
ONE = 1 << BITS


def to_units(values: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Numbers as whole units of ``1 / ONE``, rounded to nearest."""
    units = np.multiply(values, float(ONE), dtype=np.float64)
    return np.rint(units, out=units).astype(np.int64)


def exact_sums(
    values: npt.NDArray[np.floating], add: Callable[[npt.NDArray[np.int64]], npt.NDArray[np.int64]]
) -> npt.NDArray[np.int64]:
    """Sums of numbers to the last bit, as digits in base ``ONE``, shape (L, …).

    The first digit counts units of ``1 / ONE``, the next units of ``1 / ONE ** 2``, and so on.

    Parameters
    ----------
    add : callable
        Sums integers, of the shape of ``values``.

    Examples
    --------
    >>> exact_sums(np.array([0.5, 2.0**-70]), np.sum).tolist()
    [2147483648, 0, 67108864]
    """
    rest = np.multiply(values, float(ONE), dtype=np.float64)
    sums = []
    while True:
        whole = np.floor(rest)
        sums.append(add(whole.astype(np.int64)))
        rest -= whole
        if not rest.any():
            break
        rest *= ONE
    digits = np.stack(sums)
    for place in range(len(digits) - 1, 0, -1):
        digits[place - 1] += digits[place] >> BITS
        digits[place] &= ONE - 1
    return digits


def from_digits(digits: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """The numbers that digits of shape (L, C), or units of shape (C,), stand for."""
    numbers = np.zeros(digits.shape[-1])
    for digit in np.atleast_2d(digits)[::-1]:
        numbers = (numbers + digit) / ONE
    return numbers


@dataclass(frozen=True)
class Tally:
    """The votes for every answer to every question: C candidates over Q questions.

    Attributes
    ----------
    starts : ndarray of int64, shape (Q + 1,)
        Candidates of question ``q`` are ``starts[q]:starts[q + 1]``, by rising answer.
    answers : ndarray of int32, shape (C,)
    votes : ndarray of int64, shape (C,)
        In units of ``1 / ONE``.
    confidences : ndarray of int64, shape (C,)
        Summed confidence of those who voted for the answer, in units of ``1 / ONE``.
    exact_votes, exact_confidences : ndarray of int64, shape (L, C), optional
        The same as :func:`exact_sums`, where it matters that the units round.
    """

    starts: npt.NDArray[np.int64]
    answers: npt.NDArray[np.int32]
    votes: npt.NDArray[np.int64]
    confidences: npt.NDArray[np.int64]
    exact_votes: npt.NDArray[np.int64] | None = None
    exact_confidences: npt.NDArray[np.int64] | None = None

    @property
    def criteria(self) -> list[npt.NDArray[np.int64]]:
        """Votes, and confidences, to compare candidates by: of shape (C,) or (L, C)."""
        return [
            self.votes if self.exact_votes is None else self.exact_votes,
            self.confidences if self.exact_confidences is None else self.exact_confidences,
        ]

    @property
    def questions(self) -> npt.NDArray[np.int64]:
        """Each candidate's question, shape (C,)."""
        return ragged.owner(self.starts)


def count_votes(
    questions: npt.NDArray[np.int64],
    answers: npt.NDArray[np.int32],
    votes: npt.NDArray[np.int64],
    confidences: npt.NDArray[np.int64],
    n_questions: int,
) -> Tally:
    """Sum single votes, given in any order, into a tally.

    Parameters
    ----------
    questions, answers : ndarray of int, shape (V,)
        What each vote is for; answers are never negative.
    votes, confidences : ndarray of int64, shape (V,)
        Its weight and its confidence, in units of ``1 / ONE``.
    n_questions : int
        Q.
    """
    width = int(answers.max(initial=0)) + 1
    pairs = questions * width + answers
    order = np.argsort(pairs, kind="stable")
    pairs = pairs[order]
    runs = np.append(np.flatnonzero(np.diff(pairs, prepend=-1)), len(pairs))
    distinct = pairs[runs[:-1]]
    return Tally(
        starts=np.searchsorted(distinct, np.arange(n_questions + 1) * width),
        answers=(distinct % width).astype(np.int32),
        votes=ragged.sums(runs, votes[order]),
        confidences=ragged.sums(runs, confidences[order]),
    )


def count_equal_votes(
    answers: npt.NDArray[np.int32], confidences: npt.NDArray[np.floating]
) -> Tally:
    """Tally one equal vote a member: Algorithm 1's ``countDuplicateAnswer``.

    Parameters
    ----------
    answers : ndarray of int32, shape (Q, M)
        Every member's vote; ABSTAIN where it has none.
    confidences : ndarray of float, shape (Q, M)

    Examples
    --------
    Members answer 5, 4, 5, 4, 4 to one question:

    >>> import numpy as np
    >>> tally = count_equal_votes(np.array([[5, 4, 5, 4, 4]]), np.full((1, 5), 0.5, np.float32))
    >>> dict(zip(tally.answers.tolist(), (tally.votes // ONE).tolist()))
    {4: 3, 5: 2}
    """
    n_questions, n_members = answers.shape
    # A vote and whose it is in one number: sorting numbers is faster than sorting positions.
    bits = n_members.bit_length()
    votes = np.ascontiguousarray((answers.astype(np.int64) << bits) | np.arange(n_members))
    votes.sort(axis=1)
    members = votes & ((1 << bits) - 1)
    votes >>= bits
    confidences = np.take_along_axis(confidences, members, axis=1)
    # Whole float64 numbers sum exactly up to 2^53.
    scaled = np.multiply(confidences, float(ONE), dtype=np.float64)
    units = np.rint(scaled)
    starts_run = np.ones(votes.shape, dtype=np.bool_)
    np.not_equal(votes[:, 1:], votes[:, :-1], out=starts_run[:, 1:])
    runs = np.append(np.flatnonzero(starts_run), votes.size)
    voted = votes.ravel()[runs[:-1]]
    cast = voted != ABSTAIN
    first = np.searchsorted(runs, np.arange(n_questions + 1) * n_members)
    sums = ragged.sums(runs, units.ravel())[cast].astype(np.int64)
    exact = None
    if (rounded := (units != scaled).any(axis=1)).any():
        rows = np.append(np.flatnonzero(starts_run[rounded]), votes[rounded].size)
        digits = exact_sums(confidences[rounded], lambda digit: ragged.sums(rows, digit.ravel()))
        theirs = np.repeat(rounded, np.diff(first))
        exact = np.zeros((len(digits), len(sums)), dtype=np.int64)
        exact[0] = sums
        exact[:, theirs[cast]] = digits[:, cast[theirs]]
    return Tally(
        starts=ragged.from_sizes(cast)[first],
        answers=voted[cast].astype(np.int32),
        votes=np.diff(runs)[cast] * ONE,
        confidences=sums,
        exact_confidences=exact,
    )
