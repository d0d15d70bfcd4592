"""What a user can choose about a vote. Imports nothing heavy: the command line reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vqa_ensemble.answers.answer_map import AnswerMap
    from vqa_ensemble.questions.table import QuestionColumn
    from vqa_ensemble.voting.elector import Elector

REVOTES = ("confidence", "votes")
MISSING = ("error", "abstain")
ENGINES = ("local", "ray")


@dataclass(frozen=True)
class VoteOptions:
    """How to vote.

    Attributes
    ----------
    method : {"question-type", "majority", "mean"}
    revote : {"confidence", "votes"}
        See :func:`vqa_ensemble.voting.question_type.question_type_vote`.
    soft_map : bool
        Count votes by P(type | answer), not by the answer's most probable type.
    unseen : str
        Types of answers that the map lacks: ``"classifier"``, ``"rule"`` or a type.
    missing : {"error", "abstain"}
        What to do where a member lacks a question that another has.
    normalize : bool
        Count answers with one VQA normal form as one.
    merge : bool
        Count answers that mean the same as one, by the rules of
        :mod:`vqa_ensemble.answers.synonyms`; takes the place of ``normalize``.
    answer_map : AnswerMap, optional
        Needed by question-type voting; the other methods use it to break ties.
    ensemble : Elector, optional
        What ``fit`` made, say: votes in place of ``method``.
    question_types : QuestionColumn, optional
        Fixes every question's type, in place of the members' type vote.
    synonyms : mapping of str to str, optional
        Answer → the answer it is counted as, in normal form.
    """

    method: str = "question-type"
    revote: str = "confidence"
    soft_map: bool = False
    unseen: str = "classifier"
    missing: str = "error"
    normalize: bool = False
    merge: bool = False
    answer_map: AnswerMap | None = None
    ensemble: Elector | None = None
    question_types: QuestionColumn | None = None
    synonyms: Mapping[str, str] | None = None
