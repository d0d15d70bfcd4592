"""Question-type voting: Algorithm 1 of the talk, then the re-vote.

Q. D. Tran and E. Tjiputra, "Surpassing State-of-the-Art VQA with Deep Learning Optimization
Techniques under Limited GPU Resources", GTC 2019, S9824, slides 38 to 40.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
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
from vqa_ensemble.voting.tally import ONE, Tally, count_equal_votes

TYPE_TIE_BREAKS = ("votes", "confidence", "prior", "alphabetical")
# Ratios of counts up to the first differ by more than the second, which bounds the rounding of
# shares that are read, pooled and scaled.
MOST_COUNTED = 10**7
ROUNDING = 2e-15
# Votes times a share that is a multiple of one in so many are whole units.
EVEN = 1 << 20


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
        return win_type(count_equal_votes(*votes), types)
    winner, decided_by = plurality(types.of(votes.answers), votes.confidences, types.prior)
    return winner.astype(np.int64), decided_by


def sum_by_type(tally: Tally, types: AnswerTypes, values: Ints | None = None) -> Ints:
    """Σ_a freq[a]·P(t | a), rounded: ``sumVote`` by a soft map.

    Parameters
    ----------
    values : ndarray of int64, shape (C,), optional
        What to sum in place of the votes, in units of ``1 / ONE``.

    Returns
    -------
    ndarray of int64, shape (Q, T)
        In units of ``1 / ONE``.
    """
    values = tally.votes if values is None else values
    n_questions, n_types = len(tally.starts) - 1, len(types.names)
    sums = np.zeros((n_questions, n_types), dtype=np.int64)
    questions = tally.questions
    for t in range(n_types):
        share = types.share[:, t][tally.answers]
        rows = np.flatnonzero(share)
        # Whole units in float64: exact up to 2^53 of them, in any order.
        units = np.rint(values[rows] * share[rows])
        sums[:, t] = np.bincount(questions[rows], weights=units, minlength=n_questions)
    return sums


def win_type(tally: Tally, types: AnswerTypes) -> tuple[Ints, npt.NDArray[np.int8]]:
    """As :func:`vote_on_types`, by a soft map: in fractions where rounding could decide."""
    votes = sum_by_type(tally, types)
    confidences = sum_by_type(tally, types, tally.confidences)
    n_questions, n_types = votes.shape
    starts = np.arange(n_questions + 1) * n_types
    prior = np.tile(types.prior, n_questions)
    winner, decided_by = ragged.argmax(starts, [votes.ravel(), confidences.ravel(), prior])
    winner -= starts[:-1]

    # A type's sum is rounded by at most one unit a candidate, so two differ by two more.
    slack = 2 * np.diff(tally.starts)[:, None] + 2
    near = votes >= votes.max(axis=1, keepdims=True) - slack
    surest = np.where(near, confidences, 0)
    as_sure = near & (surest >= surest.max(axis=1, keepdims=True) - slack)
    rounded = (np.mod(types.share * EVEN, 1) != 0).any(axis=1)[tally.answers]
    by_votes = ragged.maxima(tally.starts, rounded)[:, None] | (slack >= ONE // EVEN)
    doubtful = np.where(by_votes, near, as_sure)
    for question in np.flatnonzero(np.count_nonzero(doubtful, axis=1) > 1).tolist():
        standing = np.flatnonzero(near[question]).tolist()
        rows = range(tally.starts[question], tally.starts[question + 1])
        criteria = _exact_sums_by_type(tally, types, rows, standing)
        for stage in range(len(TYPE_TIE_BREAKS)):
            most = max(criteria[t][stage] for t in standing)
            standing = [t for t in standing if criteria[t][stage] == most]
            if len(standing) == 1:
                winner[question], decided_by[question] = standing[0], stage
                break
    return winner, decided_by


def _exact_sums_by_type(
    tally: Tally, types: AnswerTypes, rows: range, some: list[int]
) -> dict[int, list[Fraction | int]]:
    """Votes, confidences, prior and place in the alphabet of some types in one question."""
    sums: dict[int, list[Fraction | int]] = {t: [0, 0, int(types.prior[t]), -t] for t in some}
    confidences = np.atleast_2d(tally.criteria[1])
    for row in rows:
        whole = 0
        for digit in confidences[:, row].tolist():
            whole = whole * ONE + digit
        shares = types.share[tally.answers[row]]
        for t in some:
            if share := as_fraction(float(shares[t])):
                sums[t][0] += share * int(tally.votes[row])
                sums[t][1] += share * whole
    return sums


@lru_cache(maxsize=1 << 16)
def as_fraction(share: float) -> Fraction:
    """The ratio of counts that a share was rounded from, or else the number itself.

    Examples
    --------
    >>> as_fraction(1 / 3), 3 * as_fraction(0.1) == as_fraction(0.3)
    (Fraction(1, 3), True)
    """
    ratio = Fraction(share).limit_denominator(MOST_COUNTED)
    return ratio if abs(ratio - Fraction(share)) < ROUNDING else Fraction(share)


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
