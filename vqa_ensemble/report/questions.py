"""The questions to browse: which, and everything about them in few bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from vqa_ensemble.arrays import Bools, Ints
from vqa_ensemble.report.explanation import CountedAnswer, Explanation, MemberVote
from vqa_ensemble.voting.question_types import QuestionTypes

# The most questions to browse: more would make the page slow on a phone.
MOST_QUESTIONS = 10_000
# Answers shown of each member.
TOP_ANSWERS = 3
_NOTHING = -1


def choose_questions(
    changed: Bools, most: int = MOST_QUESTIONS, seed: int = 0
) -> tuple[Ints, str | None]:
    """Which questions can be browsed, and, if these are not all, how they were chosen.

    Parameters
    ----------
    changed : ndarray of bool, shape (Q,)
        Whether the answer is not the majority's.
    most : int
    seed : int

    Returns
    -------
    rows : ndarray of int64
        Positions, rising.
    choice : str or None
        A sentence.

    Examples
    --------
    >>> rows, choice = choose_questions(np.arange(100) < 10, most=40)
    >>> len(rows), rows[:11].tolist() == [*range(10), rows[10]]
    (40, True)
    >>> print(choice)
    40 of 100 questions can be browsed: all 10 whose answer changed, and 30 drawn at random from \
the others.
    """
    n = len(changed)
    if n <= most:
        return np.arange(n), None
    rng = np.random.default_rng(seed)
    few = rng.permutation(np.flatnonzero(changed))[: most // 2]
    rest = rng.permutation(np.flatnonzero(~changed))[: most - len(few)]
    all_of = "all " if len(few) == changed.sum() else f"{len(few):,} drawn at random of the "
    return np.sort(np.concatenate([few, rest])), (
        f"{len(few) + len(rest):,} of {n:,} questions can be browsed: {all_of}"
        f"{int(changed.sum()):,} whose answer changed, and {len(rest):,} drawn at random from "
        "the others."
    )


class _Codes:
    """Numbers strings in the order they are met."""

    def __init__(self, known: Sequence[str] = ()) -> None:
        self.strings = list(known)
        self._code = {text: code for code, text in enumerate(self.strings)}

    def __call__(self, text: str | None) -> int:
        if text is None:
            return _NOTHING
        if text not in self._code:
            self._code[text] = len(self.strings)
            self.strings.append(text)
        return self._code[text]


def encode_questions(
    explained: Sequence[Explanation],
    types: QuestionTypes,
    *,
    scores: Sequence[dict[str, float]],
    right: Sequence[dict[str, int]],
    words: Sequence[str] | None,
    images: Sequence[int | None] | None,
) -> dict[str, Any]:
    """What the page's script reads, strings as numbers.

    Parameters
    ----------
    explained : sequence of Explanation
    types : QuestionTypes
        Of these questions, for the figures; the vote may have its own.
    scores : sequence of dict
        Each question's answers that are right at all → how right, in [0, 1].
    right : sequence of dict
        Each question's right answers → how many people gave them.
    words : sequence of str, optional
    images : sequence of int, optional
        The number of each question's picture, None where there is none.

    Returns
    -------
    dict
        ``members``, ``types``, ``answers`` and ``answerTypes`` (one a distinct answer), and
        ``questions``: one list a question, in the order of ``fields``. Numbers that stand for
        nothing are -1; pairs and triples lie flat in one list; confidences and scores are per
        mille.
    """
    answer, type_ = _Codes(), _Codes(types.names)
    type_of_answer: dict[str, str | None] = {}

    def counts(entries: Sequence[CountedAnswer]) -> list[float]:
        flat: list[float] = []
        for entry in entries:
            type_of_answer[entry.answer] = entry.question_type
            flat += (answer(entry.answer), _round(entry.votes), _round(entry.confidence))
        return flat

    def member(entry: MemberVote) -> list[int]:
        flat = [answer(entry.vote), answer(entry.revote)]
        for ranked in entry.answers:
            flat += (answer(ranked.answer), _per_mille(ranked.confidence))
        return flat

    rows = []
    for q, record in enumerate(explained):
        first, second = counts(record.first_votes), counts(record.votes)
        rows.append(
            [
                record.question_id,
                "" if words is None else words[q],
                int(types.of[q]),
                answer(record.answer),
                answer(record.majority_answer),
                type_(record.question_type),
                record.tie_break or "",
                record.type_tie_break or "",
                first,
                [
                    x
                    for entry in record.type_votes or ()
                    for x in (type_(entry.question_type), _round(entry.votes))
                ],
                0 if second == first else second,
                [member(entry) for entry in record.members],
                [x for text, people in right[q].items() for x in (answer(text), people)],
                [x for text, score in scores[q].items() for x in (answer(text), _per_mille(score))],
                _NOTHING if images is None or images[q] is None else images[q],
            ]
        )
    return {
        "fields": (
            "id words type answer majority won tie typeTie first typeVotes second members right "
            "scores image"
        ).split(),
        "members": [entry.member for entry in explained[0].members],
        "answers": answer.strings,
        "answerTypes": [type_(type_of_answer.get(text)) for text in answer.strings],
        "types": type_.strings,
        "questions": rows,
    }


def _per_mille(share: float) -> int:
    return round(1000 * share)


def _round(votes: float) -> float:
    return int(votes) if votes == int(votes) else round(votes, 3)
