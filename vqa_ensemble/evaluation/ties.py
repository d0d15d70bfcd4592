"""How many votes were tied, what broke the ties, and how often it was right."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vqa_ensemble.combiners.candidates import Candidates
from vqa_ensemble.evaluation.cross_validation import find_candidates
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

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def answer_ties(
    election: Election,
    candidates: Candidates,
    targets: npt.NDArray[np.float64],
    counts: npt.NDArray[np.int64] | None = None,
) -> list[TieBreak]:
    """The rules that broke ties between answers, in the order they are asked.

    Parameters
    ----------
    election : Election
        Over the candidates' questions.
    candidates : Candidates
    targets : ndarray of float64, shape (C,)
    counts : ndarray of int64, shape (A,), optional
        How often the map has seen each answer, if the election used it.
    """
    tally = election.tally
    right = targets[find_candidates(candidates, tally.questions, tally.answers)]
    chosen = _score_of_winner(election, candidates, targets)
    frequency = np.zeros(len(tally.answers)) if counts is None else counts[tally.answers]
    tied = np.ones(len(tally.answers), dtype=bool)
    chances = []
    for criterion in (tally.votes, tally.confidences, frequency):
        value = np.where(tied, criterion, -1)
        tied &= value == np.maximum.reduceat(value, tally.starts[:-1])[tally.questions]
        number = np.add.reduceat(tied.astype(np.int64), tally.starts[:-1])
        chances.append(np.add.reduceat(np.where(tied, right, 0.0), tally.starts[:-1]) / number)
    return [
        _record(TIE_BREAKS[stage], stage, election.decided_by, chosen, chances[stage - 1])
        for stage in range(1, len(TIE_BREAKS))
    ]


def type_ties(
    election: Election, candidates: Candidates, targets: npt.NDArray[np.float64]
) -> list[TieBreak]:
    """The rules that broke ties between question types; ``score`` is that of the final answer."""
    if election.type_vote is None or election.type_vote.decided_by is None:
        return []
    chosen = _score_of_winner(election, candidates, targets)
    return [
        _record(TYPE_TIE_BREAKS[stage], stage, election.type_vote.decided_by, chosen, None)
        for stage in range(1, len(TYPE_TIE_BREAKS))
    ]


def _score_of_winner(
    election: Election, candidates: Candidates, targets: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    return targets[find_candidates(candidates, np.arange(len(candidates)), election.answer)]


def _record(
    rule: str,
    stage: int,
    decided_by: npt.NDArray[np.int8],
    chosen: npt.NDArray[np.float64],
    chance: npt.NDArray[np.float64] | None,
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
