"""Majority (plurality) vote: every member's top answer counts once, without types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from vqa_ensemble.arrays import Ints
from vqa_ensemble.voting.ballots import Ballots
from vqa_ensemble.voting.elector import Context
from vqa_ensemble.voting.result import Election, elect_by_equal_votes


def majority_vote(ballots: Ballots, counts: Ints | None = None) -> Election:
    """Elect the answer that most members rank first.

    Ties go to the larger summed confidence, then to the answer more frequent in the map,
    then to the alphabetically first.

    Parameters
    ----------
    ballots : Ballots
    counts : ndarray of int64, shape (A,), optional
        How often the map has seen each answer.

    Examples
    --------
    The talk's example, slide 37:

    >>> from vqa_ensemble.voting.ballots import ballots_from_votes
    >>> ballots = ballots_from_votes(
    ...     {f"model {m}": [(answer, 0.5)] for m, answer in enumerate("54544")})
    >>> ballots.vocabulary[majority_vote(ballots).answer[0]]
    '4'
    """
    return elect_by_equal_votes(ballots, counts)


@dataclass(frozen=True)
class MajorityVote:
    """The same as an elector; a map breaks ties."""

    method: ClassVar[str] = "majority"

    def vote(self, ballots: Ballots, context: Context) -> Election:
        """Hold the election."""
        return majority_vote(ballots, context.counts)
