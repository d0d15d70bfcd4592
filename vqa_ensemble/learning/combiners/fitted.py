"""A fitted ensemble: a combiner, its members and types, and whom it trusts with what."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from vqa_ensemble.arrays import Floats
from vqa_ensemble.errors import InputError, at
from vqa_ensemble.learning.combiners.base import Combiner, combiner_class
from vqa_ensemble.learning.combiners.candidates import Candidates, gather_candidates
from vqa_ensemble.learning.ensemble_file import EnsembleFile, read_ensemble
from vqa_ensemble.predictions.files import predictions_from_rows
from vqa_ensemble.voting.ballots import Ballots, align
from vqa_ensemble.voting.elector import Context
from vqa_ensemble.voting.methods import COMBINERS
from vqa_ensemble.voting.question_type import find_question_types
from vqa_ensemble.voting.question_types import QuestionTypes
from vqa_ensemble.voting.result import Election, TypeVote, elect_by_weighted_votes
from vqa_ensemble.voting.tally import Tally, to_units


@dataclass(frozen=True)
class FittedEnsemble:
    """What ``fit`` makes and ``vote`` uses.

    Attributes
    ----------
    combiner : Combiner
    members : tuple of str
        In alphabetical order.
    types : tuple of str
        Question types it was fitted with; empty if none.
    specialists : dict of str to tuple of str
        Members that are heard on questions of some types only.
    fit : dict
        How it was fitted.
    """

    combiner: Combiner
    members: tuple[str, ...]
    types: tuple[str, ...]
    specialists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fit: Mapping[str, Any] = field(default_factory=dict)

    @property
    def method(self) -> str:
        """The combiner's name."""
        return self.combiner.method

    def vote(self, ballots: Ballots, context: Context) -> Election:
        """Elect every question's best-scored candidate.

        Raises
        ------
        InputError
            If the members are not those it was fitted with, or it needs types and gets none.
        """
        candidates, scores, types = self.score(ballots, context)
        tally = Tally(
            starts=candidates.starts,
            answers=candidates.answers,
            votes=to_units(self.combiner.votes(candidates, scores)),
            confidences=to_units(candidates.confidences).sum(axis=1),
            exact_confidences=candidates.summed,
        )
        type_vote = TypeVote(types.names, types.of) if types.names else None
        return elect_by_weighted_votes(ballots, tally, None, type_vote)

    def score(self, ballots: Ballots, context: Context) -> tuple[Candidates, Floats, QuestionTypes]:
        """The candidates as the ensemble hears them, their scores (C,), and its types.

        Raises
        ------
        InputError
            As :meth:`vote`.
        """
        found = find_question_types(ballots, context)
        self.check(ballots.names, found.names)
        types = found.renamed(self.types) if self.types else QuestionTypes.none(len(ballots))
        candidates = hear_specialists(gather_candidates(ballots), types, self.specialists)
        return candidates, self.combiner.score(candidates, types), types

    def check(self, members: Sequence[str], types: Sequence[str]) -> None:
        """Raise InputError unless these are its members and, if it needs any, types are given."""
        absent = sorted(set(self.members) - set(members))
        unknown = sorted(set(members) - set(self.members))
        if absent or unknown:
            parts = [f"lacks {', '.join(absent)}"] if absent else []
            parts += [f"has in addition {', '.join(unknown)}"] if unknown else []
            raise InputError(
                f"the ensemble was fitted with other members; the vote {' and '.join(parts)}",
                fix="Give the predictions of its members, or make it again with vqa-ensemble fit.",
            )
        if self.types and not set(self.types) & set(types):
            raise InputError(
                f"the ensemble was fitted with the question types {', '.join(self.types)}",
                fix="Give the types of these questions with --question-types or --map.",
            )

    def to_file(self) -> EnsembleFile:
        """The same as plain data."""
        learned = dict(self.combiner.to_dict())
        specialists = {name: list(types) for name, types in self.specialists.items()}
        return EnsembleFile(
            method=self.combiner.method,
            members=self.members,
            types=self.types,
            learned={**learned, "specialists": specialists} if specialists else learned,
            fit=dict(self.fit),
        )

    @classmethod
    def from_file(cls, file: EnsembleFile) -> Self:
        """The ensemble that a file describes.

        Raises
        ------
        InputError
            If the method is unknown or what it learned is incomplete.
        """
        if file.method not in COMBINERS:
            raise InputError(
                f"no method '{file.method}'",
                where="method",
                fix=f"Make it again with vqa-ensemble fit; known are {', '.join(COMBINERS)}.",
            )
        try:
            combiner = combiner_class(file.method).from_dict(file.learned)
            specialists = {
                name: tuple(types) for name, types in file.learned.get("specialists", {}).items()
            }
            ensemble = cls(combiner, file.members, file.types, specialists, file.fit)
            ensemble._try_out()
        except InputError:
            raise
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            raise InputError(
                f"what the method '{file.method}' learned is incomplete or of the wrong kind "
                f"({type(error).__name__}: {error})",
                fix="Make it again with vqa-ensemble fit.",
            ) from error
        return ensemble

    def _try_out(self) -> None:
        """Hold an election of one question a type: numbers that do not fit raise here."""
        questions = range(max(len(self.types), 1))
        rows = [(q, a, c) for q in questions for a, c in (("no", 0.25), ("yes", 0.5))]
        ballots = align([predictions_from_rows(name, rows) for name in self.members])
        types = QuestionTypes.none(1)
        if self.types:
            types = QuestionTypes(self.types, np.arange(len(self.types)))
        with np.errstate(divide="raise", over="raise", invalid="raise"):
            self.vote(ballots, Context(question_types=types))


def hear_specialists(
    candidates: Candidates, types: QuestionTypes, specialists: Mapping[str, Sequence[str]]
) -> Candidates:
    """The candidates with specialists silent on questions of types that are not theirs.

    A question on which nobody would be left keeps everybody.
    """
    if not specialists:
        return candidates
    present = candidates.present.copy()
    for name, trusted in specialists.items():
        own = [t for t, type_name in enumerate(types.names) if type_name in trusted]
        present[~np.isin(types.of, own), candidates.names.index(name)] = False
    nobody = ~present.any(axis=1)
    present[nobody] = candidates.present[nobody]
    confidences = np.where(present[candidates.questions], candidates.confidences, np.float32(0))
    return replace(candidates, present=present, confidences=confidences)


def check_specialists(
    specialists: Mapping[str, Sequence[str]], members: Sequence[str], types: Sequence[str]
) -> None:
    """Raise InputError unless specialists are members and what they are trusted with are types."""
    for name, trusted in specialists.items():
        if name not in members:
            raise InputError(
                f"specialist '{name}' is not a member", fix=f"Members: {', '.join(members)}."
            )
        strange = [t for t in trusted if t not in types]
        if strange:
            raise InputError(
                f"specialist '{name}' is trusted with '{strange[0]}', which is no question type",
                fix=f"Types: {', '.join(types) or 'none; give --question-types or --map'}.",
            )


def read_fitted(path: str | os.PathLike[str]) -> FittedEnsemble:
    """Read an ensemble file.

    Raises
    ------
    InputError
        If it is not a good ensemble file.
    """
    with at(path):
        return FittedEnsemble.from_file(read_ensemble(path))
