"""Question-type voting: Algorithm 1 of the talk, then the re-vote.

Q. D. Tran and E. Tjiputra, "Surpassing State-of-the-Art VQA with Deep Learning Optimization
Techniques under Limited GPU Resources", GTC 2019, S9824, slides 38 to 40.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vqa_ensemble.voting.answer_types import AnswerTypes
from vqa_ensemble.voting.ballots import ABSTAIN, Ballots
from vqa_ensemble.voting.result import Election, elect
from vqa_ensemble.voting.tally import (
    Tally,
    count_equal_votes,
    recount_equal_votes,
    segment_argmax,
)

TYPE_TIE_BREAKS = ("votes", "confidence", "prior", "alphabetical")


def question_type_vote(
    ballots: Ballots,
    types: AnswerTypes,
    *,
    revote: str = "confidence",
    known_types: npt.NDArray[np.int64] | None = None,
) -> Election:
    """Vote, fix the question's type by the votes, and vote again inside that type.

    Parameters
    ----------
    ballots : Ballots
        Q questions, M members.
    types : AnswerTypes
        The answer-to-question-type mapping over the ballots' vocabulary.
    revote : {"confidence", "votes"}
        ``"confidence"``: in the re-vote every member names its most confident answer of the
        winning type, and abstains if it has none. ``"votes"``: only those first votes count
        that are of the winning type (the literal reading of the slide).
    known_types : ndarray of int64, shape (Q,), optional
        The questions' types where they are known; the type vote is then only reported.

    Returns
    -------
    Election
        With the winning types, and both rounds' tallies.

    Examples
    --------
    Votes 2, 3, yes, yes, 4: the majority says yes, but three of five votes are numbers.

    >>> import numpy as np
    >>> from vqa_ensemble.formats.answer_map import AnswerMap
    >>> from vqa_ensemble.voting.answer_types import resolve
    >>> from vqa_ensemble.voting.ballots import ballots_from_votes
    >>> ballots = ballots_from_votes({
    ...     "m1": [("2", 0.9)], "m2": [("3", 0.5)], "m3": [("yes", 0.8), ("2", 0.1)],
    ...     "m4": [("yes", 0.7), ("3", 0.2)], "m5": [("4", 0.4)]})
    >>> answer_map = AnswerMap.from_pairs(
    ...     [("2", "number"), ("3", "number"), ("4", "number"), ("yes", "yes/no")])
    >>> result = question_type_vote(ballots, resolve(answer_map, ballots.vocabulary))
    >>> types = result.type_names
    >>> types[result.question_type[0]], ballots.vocabulary[result.answer[0]]
    ('number', '2')

    The re-vote is 2, 3, 2, 3, 4; 2 has the larger summed confidence (0.9 + 0.1).
    """
    votes, confidences = ballots.top()
    first_round = count_equal_votes(votes, confidences)  # freq[a] of every question
    type_votes, type_confidences = sum_by_type(first_round, types)
    winning_type, type_decided_by = win_type(type_votes, type_confidences, types)
    if known_types is not None:
        winning_type, type_decided_by = known_types, np.zeros_like(type_decided_by)

    of_type = types.type_of[votes] == winning_type[:, None]
    stands = (votes != ABSTAIN) & of_type
    revotes = np.where(stands, votes, ABSTAIN)
    reconfidences = np.where(stands, confidences, 0)
    if revote == "confidence":
        recast(ballots, types, winning_type, revotes, reconfidences)
    # A soft map can elect, and a table can name, a type that no answer given belongs to: then
    # the votes stand.
    nobody = (revotes == ABSTAIN).all(axis=1)
    revotes[nobody], reconfidences[nobody] = votes[nobody], confidences[nobody]
    changed = (revotes != votes).any(axis=1)

    return elect(
        ballots,
        recount_equal_votes(first_round, changed, revotes, reconfidences),
        counts=types.count,
        first_round=first_round,
        first_votes=votes,
        votes=revotes,
        type_names=types.names,
        question_type=winning_type,
        type_votes=type_votes,
        type_decided_by=type_decided_by,
    )


def sum_by_type(
    tally: Tally, types: AnswerTypes
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Σ_a freq[a]·P(t | a), and the same for confidence: Algorithm 1's ``sumVote``.

    Returns
    -------
    votes, confidences : ndarray of int64, shape (Q, T)
        In units of ``1 / ONE``.
    """
    n_questions, n_types = len(tally.starts) - 1, len(types.names)
    votes = np.zeros((n_questions, n_types), dtype=np.int64)
    confidences = np.zeros_like(votes)
    questions = tally.questions
    for t in range(n_types):
        share = types.share[:, t][tally.answers]
        rows = np.flatnonzero(share)
        for column, values in ((votes, tally.votes), (confidences, tally.confidences)):
            # Whole units in float64: exact up to 2^53 of them, in any order.
            units = np.rint(values[rows] * share[rows])
            sums = np.bincount(questions[rows], weights=units, minlength=n_questions)
            column[:, t] = sums.astype(np.int64)
    return votes, confidences


def win_type(
    votes: npt.NDArray[np.int64], confidences: npt.NDArray[np.int64], types: AnswerTypes
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int8]]:
    """The type with most votes: Algorithm 1's ``typeVote``.

    Ties go to the larger summed confidence of the votes in the type, then to the type more
    frequent in the map, then to the alphabetically first.

    Parameters
    ----------
    votes, confidences : ndarray of int64, shape (Q, T)

    Returns
    -------
    winning_type : ndarray of int64, shape (Q,)
    decided_by : ndarray of int8, shape (Q,)
        Index into ``TYPE_TIE_BREAKS``.
    """
    n_questions, n_types = votes.shape
    starts = np.arange(n_questions + 1) * n_types
    prior = np.tile(types.prior, n_questions)
    winner, decided_by = segment_argmax(starts, [votes.ravel(), confidences.ravel(), prior])
    return winner - starts[:-1], decided_by


def recast(
    ballots: Ballots,
    types: AnswerTypes,
    winning_type: npt.NDArray[np.int64],
    revotes: npt.NDArray[np.int32],
    confidences: npt.NDArray[np.float32],
) -> None:
    """Fill in, in place, the re-votes of members whose vote is not of the winning type.

    Each names its most confident answer of the type. Rows are ranked by confidence, so a
    member's second, third, … answer is looked at only where no earlier one would do.

    Parameters
    ----------
    winning_type : ndarray of int64, shape (Q,)
    revotes : ndarray of int32, shape (Q, M)
        ABSTAIN where a vote is wanted; such entries stay ABSTAIN if there is none.
    confidences : ndarray of float32, shape (Q, M)
    """
    for m, member in enumerate(ballots.members):
        wanting = np.flatnonzero(revotes[:, m] == ABSTAIN)
        rows = member.starts[wanting] + 1
        while len(wanting):
            exists = rows < member.starts[wanting + 1]
            wanting, rows = wanting[exists], rows[exists]
            answers = member.answers[rows]
            fits = types.type_of[answers] == winning_type[wanting]
            revotes[wanting[fits], m] = answers[fits]
            confidences[wanting[fits], m] = member.confidences[rows[fits]]
            wanting, rows = wanting[~fits], rows[~fits] + 1
