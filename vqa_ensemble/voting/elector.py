"""What every way to vote is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from vqa_ensemble.answers.types import AnswerTypes
from vqa_ensemble.arrays import Ints
from vqa_ensemble.voting.ballots import Ballots
from vqa_ensemble.voting.question_types import QuestionTypes
from vqa_ensemble.voting.result import Election


@dataclass(frozen=True)
class Context:
    """What an election may know beside the ballots.

    Attributes
    ----------
    answer_types : AnswerTypes, optional
        What a map says of the ballots' vocabulary.
    question_types : QuestionTypes, optional
        Of the ballots' questions, where they are known before the vote.
    """

    answer_types: AnswerTypes | None = None
    question_types: QuestionTypes | None = None

    @property
    def counts(self) -> Ints | None:
        """How often the map has seen each answer, shape (A,)."""
        return None if self.answer_types is None else self.answer_types.count


class Elector(Protocol):
    """Holds elections: a way to vote, or an ensemble that was fitted."""

    @property
    def method(self) -> str:
        """The name in :data:`vqa_ensemble.voting.methods.METHODS`."""

    def vote(self, ballots: Ballots, context: Context) -> Election:
        """Elect an answer to every question.

        Raises
        ------
        InputError
            If the ballots or the types are not what it votes on.
        """
