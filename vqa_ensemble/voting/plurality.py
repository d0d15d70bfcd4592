"""Who wins among equal votes: most votes, ties broken by a list of criteria."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt

from vqa_ensemble import ragged
from vqa_ensemble.arrays import Codes, Confidences, Ints
from vqa_ensemble.predictions.member import ABSTAIN
from vqa_ensemble.voting.tally import count_equal_votes

# Beyond this many members, comparing them two by two costs more than sorting their votes; up
# to it, votes fit into a byte.
MAX_PAIRED_MEMBERS = 255


def plurality(
    votes: npt.NDArray[np.signedinteger], confidences: Confidences, frequency: Ints
) -> tuple[Codes, npt.NDArray[np.int8]]:
    """Every question's winner among its members' equal votes, for answers or for types.

    Ties go to the larger summed confidence of those who voted for it, then to the larger
    ``frequency``, then to the smaller code.

    Parameters
    ----------
    votes : ndarray of int, shape (Q, M)
        Codes; ABSTAIN where a member has no vote. Every question has a vote.
    confidences : ndarray of float, shape (Q, M)
    frequency : ndarray of int64
        Of every code.

    Returns
    -------
    winner : ndarray of int32, shape (Q,)
    decided_by : ndarray of int8, shape (Q,)
        0 votes, 1 confidence, 2 frequency, 3 code.

    Examples
    --------
    Two votes against one, then a tie that confidence breaks:

    >>> import numpy as np
    >>> votes = np.array([[5, 4, 5], [4, 5, ABSTAIN]])
    >>> confidences = np.array([[0.2, 0.9, 0.2], [0.4, 0.5, 0]], np.float32)
    >>> winner, decided_by = plurality(votes, confidences, frequency=np.zeros(6, np.int64))
    >>> winner.tolist(), decided_by.tolist()
    ([5, 5], [0, 1])
    """
    n_questions, n_members = votes.shape
    winner = np.empty(n_questions, dtype=np.int32)
    decided_by = np.zeros(n_questions, dtype=np.int8)
    tied = np.arange(n_questions)
    if n_members <= MAX_PAIRED_MEMBERS:
        by_member = np.ascontiguousarray(votes.T)
        support = _support(by_member)
        most = support.max(axis=0)
        leading = support == most
        winner[:] = np.where(leading, by_member, ABSTAIN).max(axis=0)
        # One winner has as many voters as votes; two winners have twice as many.
        tied = np.flatnonzero(leading.view(np.uint8).sum(axis=0, dtype=np.uint8) != most)
    tally = count_equal_votes(votes[tied], confidences[tied])
    best, decided_by[tied] = ragged.argmax(
        tally.starts, [*tally.criteria, frequency[tally.answers]]
    )
    winner[tied] = tally.answers[best]
    return winner, decided_by


def _support(by_member: npt.NDArray[np.signedinteger]) -> npt.NDArray[np.uint8]:
    """How many members vote as each does, itself among them; 0 where it abstains; (M, Q)."""
    support = np.ones(by_member.shape, dtype=np.uint8)
    alike = np.empty(by_member.shape[1], dtype=np.bool_)
    for m, n in combinations(range(len(by_member)), 2):
        np.equal(by_member[m], by_member[n], out=alike)
        support[m] += alike.view(np.uint8)
        support[n] += alike.view(np.uint8)
    support[by_member == ABSTAIN] = 0
    return support
