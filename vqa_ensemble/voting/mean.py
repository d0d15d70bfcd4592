"""Mean confidence: the answer the members are surest of together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from vqa_ensemble import ragged
from vqa_ensemble.arrays import Ints
from vqa_ensemble.voting.ballots import Ballots
from vqa_ensemble.voting.elector import Context
from vqa_ensemble.voting.result import Election, elect_by_weighted_votes
from vqa_ensemble.voting.tally import count_votes, exact_sums, to_units


def mean_vote(ballots: Ballots, counts: Ints | None = None) -> Election:
    """Elect the answer with the largest mean confidence over members.

    An answer that a member does not list has confidence 0 there. In the tally, a member's
    confidence is its vote.

    Parameters
    ----------
    ballots : Ballots
    counts : ndarray of int64, shape (A,), optional
        How often the map has seen each answer, for ties.

    Examples
    --------
    >>> from vqa_ensemble.voting.ballots import ballots_from_votes
    >>> ballots = ballots_from_votes({
    ...     "a": [("cat", 0.4), ("dog", 0.3)], "b": [("cow", 0.5), ("dog", 0.4)]})
    >>> ballots.vocabulary[mean_vote(ballots).answer[0]]
    'dog'
    """
    questions = np.concatenate([ragged.owner(member.starts) for member in ballots.members])
    answers = np.concatenate([member.answers for member in ballots.members])
    confidences = np.concatenate([member.confidences for member in ballots.members])
    units = to_units(confidences)
    tally = count_votes(questions, answers, units, units, len(ballots))
    # Rounding to units moves the difference of two sums by less than one a member.
    best = ragged.maxima(tally.starts, tally.votes)[tally.questions]
    close = (tally.votes + len(ballots.members) > best).astype(np.int64)
    near = ragged.sums(tally.starts, close) > 1
    if near.any():
        rows = near[questions]
        questions, answers, confidences = questions[rows], answers[rows], confidences[rows]
        digits = exact_sums(
            confidences,
            lambda digit: count_votes(questions, answers, digit, digit, len(ballots)).votes,
        )
        exact = np.zeros((len(digits), len(tally.votes)), dtype=np.int64)
        exact[0] = tally.votes
        exact[:, near[tally.questions]] = digits
        tally = replace(tally, exact_votes=exact, exact_confidences=exact)
    return elect_by_weighted_votes(ballots, tally, counts)


@dataclass(frozen=True)
class MeanVote:
    """The same as an elector; a map breaks ties."""

    method: ClassVar[str] = "mean"

    def vote(self, ballots: Ballots, context: Context) -> Election:
        """Hold the election."""
        return mean_vote(ballots, context.counts)
