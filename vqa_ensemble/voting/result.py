"""What an election over a block of questions gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vqa_ensemble.voting.ballots import ABSTAIN, Ballots
from vqa_ensemble.voting.tally import Tally, segment_argmax

TIE_BREAKS = ("votes", "confidence", "count", "alphabetical")


@dataclass(frozen=True)
class Election:
    """The outcome over Q questions.

    Attributes
    ----------
    answer : ndarray of int32, shape (Q,)
        The winner, as an index into the ballots' vocabulary.
    tally : Tally
        The round that decided.
    first_round : Tally
        The members' own top answers; the same object as ``tally`` if there was one round.
    decided_by : ndarray of int8, shape (Q,)
        What singled the winner out, as an index into ``TIE_BREAKS``.
    margin : ndarray of int64, shape (Q,)
        Winner's votes less the runner-up's, in units of ``1 / ONE``.
    agreement : ndarray of float64, shape (Q,)
        Share of the members present whose own top answer is the winner.
    votes : ndarray of int32, shape (Q, M)
        The answer each member stood for in the deciding round; ABSTAIN if none.
    plurality : ndarray of int32, shape (Q,)
        What equal votes without types would have elected.
    type_names : tuple of str, length T
        Empty where the method uses no types, as are the four that follow.
    question_type : ndarray of int64, shape (Q,)
    type_votes : ndarray of int64, shape (Q, T)
        In units of ``1 / ONE``.
    type_decided_by : ndarray of int8, shape (Q,)
        As ``question_type.TYPE_TIE_BREAKS``.
    """

    answer: npt.NDArray[np.int32]
    tally: Tally
    first_round: Tally
    decided_by: npt.NDArray[np.int8]
    margin: npt.NDArray[np.int64]
    agreement: npt.NDArray[np.float64]
    votes: npt.NDArray[np.int32]
    plurality: npt.NDArray[np.int32]
    type_names: tuple[str, ...] = ()
    question_type: npt.NDArray[np.int64] | None = None
    type_votes: npt.NDArray[np.int64] | None = None
    type_decided_by: npt.NDArray[np.int8] | None = None


def elect(
    ballots: Ballots,
    tally: Tally,
    *,
    counts: npt.NDArray[np.int64] | None,
    first_round: Tally,
    first_votes: npt.NDArray[np.int32],
    votes: npt.NDArray[np.int32],
    type_names: tuple[str, ...] = (),
    question_type: npt.NDArray[np.int64] | None = None,
    type_votes: npt.NDArray[np.int64] | None = None,
    type_decided_by: npt.NDArray[np.int8] | None = None,
) -> Election:
    """Find each question's winner: most votes, ties by confidence, count, alphabet.

    Parameters
    ----------
    tally : Tally
        The deciding round.
    counts : ndarray of int64, shape (A,), optional
        How often the map has seen each answer, for ties.
    first_round : Tally
    first_votes, votes : ndarray of int32, shape (Q, M)
        The members' top answers, and their votes in the deciding round.
    """
    frequency = np.zeros(len(ballots.vocabulary), dtype=np.int64) if counts is None else counts
    winner, decided_by = _win(tally, frequency)
    answer = tally.answers[winner]
    if first_round is tally:
        plurality = answer
    else:
        plurality = first_round.answers[_win(first_round, frequency)[0]]
    present = (first_votes != ABSTAIN).sum(axis=1)
    agree = (first_votes == answer[:, None]).sum(axis=1)
    return Election(
        answer=answer,
        tally=tally,
        first_round=first_round,
        decided_by=decided_by,
        margin=_margin(tally, winner),
        agreement=agree / present,
        votes=votes,
        plurality=plurality,
        type_names=type_names,
        question_type=question_type,
        type_votes=type_votes,
        type_decided_by=type_decided_by,
    )


def _win(
    tally: Tally, frequency: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int8]]:
    return segment_argmax(tally.starts, [tally.votes, tally.confidences, frequency[tally.answers]])


def _margin(tally: Tally, winner: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    others = tally.votes.copy()
    others[winner] = 0
    runner_up: npt.NDArray[np.int64] = np.maximum.reduceat(others, tally.starts[:-1])
    return tally.votes[winner] - runner_up
