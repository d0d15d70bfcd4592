"""What an election over a block of questions gives."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from vqa_ensemble import ragged
from vqa_ensemble.answers.types import AnswerTypes
from vqa_ensemble.arrays import Codes, Floats, Ints
from vqa_ensemble.predictions.member import ABSTAIN
from vqa_ensemble.voting.ballots import Ballots, Votes
from vqa_ensemble.voting.plurality import plurality
from vqa_ensemble.voting.tally import Tally, count_equal_votes

TIE_BREAKS = ("votes", "confidence", "count", "alphabetical")


@dataclass(frozen=True)
class TypeVote:
    """The types of Q questions in an election, and how the members voted on them.

    Attributes
    ----------
    names : tuple of str, length T
    winner : ndarray of int64, shape (Q,)
        Every question's type, as an index into ``names``; -1 where unknown.
    types : AnswerTypes, optional
        What the members' vote went by; None, as the next, where the types were only given.
    decided_by : ndarray of int8, shape (Q,), optional
        What singled the type out, as an index into ``question_type.TYPE_TIE_BREAKS``.
    """

    names: tuple[str, ...]
    winner: Ints
    types: AnswerTypes | None = None
    decided_by: npt.NDArray[np.int8] | None = None


@dataclass(frozen=True)
class Election:
    """The outcome over Q questions. What only an audit asks for is worked out when it asks.

    Attributes
    ----------
    answer : ndarray of int32, shape (Q,)
        The winner, as an index into the ballots' vocabulary.
    decided_by : ndarray of int8, shape (Q,)
        What singled the winner out, as an index into ``TIE_BREAKS``.
    plurality : ndarray of int32, shape (Q,)
        What equal votes without types would have elected.
    top : Votes
        The members' own top answers: the first round.
    again : ndarray of int64, optional
        Questions that were voted on again.
    revotes : Votes, optional
        The votes on these.
    weighted : Tally, optional
        The votes, where they are not equal.
    type_vote : TypeVote, optional
        None where the method uses no types.
    """

    answer: Codes
    decided_by: npt.NDArray[np.int8]
    plurality: Codes
    top: Votes
    again: Ints | None = None
    revotes: Votes | None = None
    weighted: Tally | None = None
    type_vote: TypeVote | None = None

    @cached_property
    def first_round(self) -> Tally:
        """The votes of the first round."""
        return count_equal_votes(*self.top)

    @cached_property
    def tally(self) -> Tally:
        """The votes of the round that decided."""
        if self.weighted is not None:
            return self.weighted
        return self.first_round if self.revotes is None else count_equal_votes(*self._final)

    @property
    def votes(self) -> Codes:
        """The answer each member stood for in the end, shape (Q, M); ABSTAIN if none."""
        return self._final.answers

    @cached_property
    def _final(self) -> Votes:
        if self.revotes is None:
            return self.top
        answers, confidences = self.top.answers.copy(), self.top.confidences.copy()
        answers[self.again], confidences[self.again] = self.revotes
        return Votes(answers, confidences)

    @property
    def margin(self) -> Ints:
        """Winner's votes less the runner-up's, in units of ``1 / ONE``, shape (Q,)."""
        tally = self.tally
        won = tally.answers == self.answer[tally.questions]
        runner_up = ragged.maxima(tally.starts, np.where(won, 0, tally.votes))
        return np.asarray(tally.votes[won] - runner_up)

    @property
    def agreement(self) -> Floats:
        """Share of the members present whose own top answer is the winner, shape (Q,)."""
        votes = self.top.answers
        agree = (votes == self.answer[:, None]).sum(axis=1)
        return np.asarray(agree / (votes != ABSTAIN).sum(axis=1))


def elect_by_equal_votes(
    ballots: Ballots,
    counts: Ints | None,
    *,
    again: Ints | None = None,
    revotes: Votes | None = None,
    type_vote: TypeVote | None = None,
) -> Election:
    """Find each question's winner: most votes, ties by confidence, count, alphabet.

    Parameters
    ----------
    ballots : Ballots
    counts : ndarray of int64, shape (A,), optional
        How often the map has seen each answer, for ties.
    again : ndarray of int64, optional
        Questions that are voted on again.
    revotes : Votes, optional
        The votes on these, in place of the members' own top answers.
    type_vote : TypeVote, optional
    """
    votes = ballots.top()
    frequency = _frequency(ballots, counts)
    first, decided_by = plurality(*votes, frequency)
    answer = first
    if revotes is not None:
        answer = first.copy()
        answer[again], decided_by[again] = plurality(*revotes, frequency)
    return Election(
        answer=answer,
        decided_by=decided_by,
        plurality=first,
        top=votes,
        again=again,
        revotes=revotes,
        type_vote=type_vote,
    )


def elect_by_weighted_votes(
    ballots: Ballots, tally: Tally, counts: Ints | None, type_vote: TypeVote | None = None
) -> Election:
    """As :func:`elect_by_equal_votes`, by votes that are counted already."""
    frequency = _frequency(ballots, counts)
    winner, decided_by = ragged.argmax(tally.starts, [*tally.criteria, frequency[tally.answers]])
    votes = ballots.top()
    return Election(
        answer=tally.answers[winner],
        decided_by=decided_by,
        plurality=plurality(*votes, frequency)[0],
        top=votes,
        weighted=tally,
        type_vote=type_vote,
    )


def _frequency(ballots: Ballots, counts: Ints | None) -> Ints:
    return np.zeros(len(ballots.vocabulary), dtype=np.int64) if counts is None else counts
