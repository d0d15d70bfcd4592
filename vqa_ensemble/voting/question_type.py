"""Question-type voting: Algorithm 1 of the talk, then the re-vote.

Q. D. Tran and E. Tjiputra, "Surpassing State-of-the-Art VQA with Deep Learning Optimization
Techniques under Limited GPU Resources", GTC 2019, S9824, slides 38 to 40.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from vqa_ensemble import ragged
from vqa_ensemble.answers.types import AnswerTypes
from vqa_ensemble.arrays import Ints
from vqa_ensemble.predictions.member import ABSTAIN
from vqa_ensemble.voting.ballots import Ballots, Votes
from vqa_ensemble.voting.elector import Context
from vqa_ensemble.voting.plurality import plurality
from vqa_ensemble.voting.question_types import QuestionTypes
from vqa_ensemble.voting.result import Election, TypeVote, elect_by_equal_votes
from vqa_ensemble.voting.tally import Tally, count_equal_votes

TYPE_TIE_BREAKS = ("votes", "confidence", "prior", "alphabetical")


def question_type_vote(
    ballots: Ballots,
    types: AnswerTypes,
    *,
    revote: str = "confidence",
    known_types: Ints | None = None,
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
    >>> from vqa_ensemble.answers.answer_map import AnswerMap
    >>> from vqa_ensemble.answers.types import resolve
    >>> from vqa_ensemble.voting.ballots import ballots_from_votes
    >>> ballots = ballots_from_votes({
    ...     "m1": [("2", 0.9)], "m2": [("3", 0.5)], "m3": [("yes", 0.8), ("2", 0.1)],
    ...     "m4": [("yes", 0.7), ("3", 0.2)], "m5": [("4", 0.4)]})
    >>> answer_map = AnswerMap.from_pairs(
    ...     [("2", "number"), ("3", "number"), ("4", "number"), ("yes", "yes/no")])
    >>> result = question_type_vote(ballots, resolve(answer_map, ballots.vocabulary))
    >>> won = result.type_vote
    >>> won.names[won.winner[0]], ballots.vocabulary[result.answer[0]]
    ('number', '2')

    The re-vote is 2, 3, 2, 3, 4; 2 has the larger summed confidence (0.9 + 0.1).
    """
    votes = ballots.top()
    winning_type, type_decided_by = vote_on_types(votes, types)
    if known_types is not None:
        winning_type, type_decided_by = known_types, np.zeros_like(type_decided_by)

    stands = types.of(votes.answers) == winning_type[:, None]
    again = np.flatnonzero(~stands.all(axis=1))  # the others would only vote as before
    before, stands = votes.on(again), stands[again]
    revotes = Votes(
        np.where(stands, before.answers, ABSTAIN), np.where(stands, before.confidences, 0)
    )
    if revote == "confidence":
        recast(ballots, types, again, winning_type[again], revotes)
    # A soft map can elect, and a table can name, a type that no answer given belongs to: then
    # the votes stand.
    nobody = (revotes.answers == ABSTAIN).all(axis=1)
    revotes.answers[nobody], revotes.confidences[nobody] = before.on(nobody)

    return elect_by_equal_votes(
        ballots,
        types.count,
        again=again,
        revotes=revotes,
        type_vote=TypeVote(types.names, winning_type, types, type_decided_by),
    )


def vote_on_types(votes: Votes, types: AnswerTypes) -> tuple[Ints, npt.NDArray[np.int8]]:
    """The type with most votes: Algorithm 1's ``sumVote`` and ``typeVote``.

    A vote for an answer is one for the answer's type. Ties go to the larger summed confidence
    of the votes in the type, then to the type more frequent in the map, then to the
    alphabetically first.

    Returns
    -------
    winning_type : ndarray of int64, shape (Q,)
    decided_by : ndarray of int8, shape (Q,)
        Index into ``TYPE_TIE_BREAKS``.
    """
    if types.are_shared:
        return win_type(*sum_by_type(count_equal_votes(*votes), types), types)
    winner, decided_by = plurality(types.of(votes.answers), votes.confidences, types.prior)
    return winner.astype(np.int64), decided_by


def sum_by_type(tally: Tally, types: AnswerTypes) -> tuple[Ints, Ints]:
    """Σ_a freq[a]·P(t | a), and the same for confidence: ``sumVote`` by a soft map.

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
            column[:, t] = np.bincount(questions[rows], weights=units, minlength=n_questions)
    return votes, confidences


def win_type(
    votes: Ints, confidences: Ints, types: AnswerTypes
) -> tuple[Ints, npt.NDArray[np.int8]]:
    """As :func:`vote_on_types`, by the types' summed votes and confidences, shape (Q, T)."""
    n_questions, n_types = votes.shape
    starts = np.arange(n_questions + 1) * n_types
    prior = np.tile(types.prior, n_questions)
    winner, decided_by = ragged.argmax(starts, [votes.ravel(), confidences.ravel(), prior])
    return winner - starts[:-1], decided_by


def recast(
    ballots: Ballots, types: AnswerTypes, questions: Ints, winning_type: Ints, revotes: Votes
) -> None:
    """Fill in, in place, the re-votes of members whose vote is not of the winning type.

    Each names its most confident answer of the type. Rows are ranked by confidence, so a
    member's second, third, … answer is looked at only where no earlier one would do.

    Parameters
    ----------
    questions : ndarray of int64, shape (Q,)
        Which of the ballots' questions vote again.
    winning_type : ndarray of int64, shape (Q,)
        Theirs.
    revotes : Votes
        Theirs; ABSTAIN where a vote is wanted; such entries stay ABSTAIN if there is none.
    """
    for m, member in enumerate(ballots.members):
        wanting = np.flatnonzero(revotes.answers[:, m] == ABSTAIN)
        rows = member.starts[questions[wanting]] + 1
        while len(wanting):
            exists = rows < member.starts[questions[wanting] + 1]
            wanting, rows = wanting[exists], rows[exists]
            answers = member.answers[rows]
            fits = types.type_of[answers] == winning_type[wanting]
            revotes.answers[wanting[fits], m] = answers[fits]
            revotes.confidences[wanting[fits], m] = member.confidences[rows[fits]]
            wanting, rows = wanting[~fits], rows[~fits] + 1


@dataclass(frozen=True)
class QuestionTypeVote:
    """Question-type voting as an elector; its context has a map."""

    method: ClassVar[str] = "question-type"

    revote: str = "confidence"

    def vote(self, ballots: Ballots, context: Context) -> Election:
        """Hold the election."""
        types, given = context.answer_types, context.question_types
        assert types is not None
        known = None if given is None else given.among(types.names)
        return question_type_vote(ballots, types, revote=self.revote, known_types=known)


def find_question_types(ballots: Ballots, context: Context) -> QuestionTypes:
    """Every question's type: known, else by the members' type vote, else none without a map."""
    if context.question_types is not None:
        return context.question_types
    if context.answer_types is None:
        return QuestionTypes.none(len(ballots))
    types = context.answer_types
    return QuestionTypes(types.names, vote_on_types(ballots.top(), types)[0])
