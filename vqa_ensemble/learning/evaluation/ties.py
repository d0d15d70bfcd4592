"""How many votes were tied, what broke the ties, and how often it was right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vqa_ensemble import ragged
from vqa_ensemble.arrays import Floats
from vqa_ensemble.learning.questions import Questions
from vqa_ensemble.voting.question_type import TYPE_TIE_BREAKS
from vqa_ensemble.voting.result import TIE_BREAKS, Election


@dataclass(frozen=True)
class TieBreak:
    """One rule's record.

    Attributes
    ----------
    rule : str
    tied : int
        Questions still tied when the rule was asked.
    decided : int
        Questions that it decided.
    score : float or None
        How right the answers to these are; None if it decided none.
    chance : float or None
        How right an answer drawn from those tied would be; None if unknown or none.
    """

    rule: str
    tied: int
    decided: int
    score: float | None
    chance: float | None


def answer_ties(election: Election, questions: Questions) -> list[TieBreak]:
    """The rules that broke ties between answers, in the order they are asked.

    Parameters
    ----------
    election : Election
        Over these questions.
    questions : Questions
        With the map, if the election used it.
    """
    tally = election.tally
    right = questions.targets[questions.candidates.find(tally.questions, tally.answers)]
    chosen = questions.score(election.answer)
    types = questions.answer_types
    frequency = np.zeros(len(tally.answers)) if types is None else types.count[tally.answers]
    tied = np.ones(len(tally.answers), dtype=bool)
    chances = []
    for criterion in (*tally.criteria, frequency):
        for digit in np.atleast_2d(criterion):
            value = np.where(tied, digit, -1)
            tied &= value == ragged.maxima(tally.starts, value)[tally.questions]
        number = ragged.sums(tally.starts, tied.astype(np.int64))
        chances.append(ragged.sums(tally.starts, np.where(tied, right, 0.0)) / number)
    return [
        _record(TIE_BREAKS[stage], stage, election.decided_by, chosen, chances[stage - 1])
        for stage in range(1, len(TIE_BREAKS))
    ]


def type_ties(election: Election, questions: Questions) -> list[TieBreak]:
    """The rules that broke ties between question types; ``score`` is that of the final answer."""
    if election.type_vote is None or election.type_vote.decided_by is None:
        return []
    chosen = questions.score(election.answer)
    return [
        _record(TYPE_TIE_BREAKS[stage], stage, election.type_vote.decided_by, chosen, None)
        for stage in range(1, len(TYPE_TIE_BREAKS))
    ]


def _record(
    rule: str, stage: int, decided_by: npt.NDArray[np.int8], chosen: Floats, chance: Floats | None
) -> TieBreak:
    decided = decided_by == stage
    n = int(decided.sum())
    return TieBreak(
        rule=rule,
        tied=int((decided_by >= stage).sum()),
        decided=n,
        score=float(chosen[decided].mean()) if n else None,
        chance=float(chance[decided].mean()) if n and chance is not None else None,
    )
