"""Ballots: several members' predictions over the same questions, as aligned arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from vqa_ensemble import ragged
from vqa_ensemble.arrays import Codes, Confidences, Ints
from vqa_ensemble.errors import InputError
from vqa_ensemble.predictions.files import predictions_from_rows
from vqa_ensemble.predictions.member import ABSTAIN, Predictions
from vqa_ensemble.questions.ids import QuestionIds, first_few, union


class Votes(NamedTuple):
    """At most one vote a member: Q questions, M members.

    Attributes
    ----------
    answers : ndarray of int32, shape (Q, M)
        ABSTAIN where the member has none.
    confidences : ndarray of float32 or float64, shape (Q, M)
        0 where it abstains.
    """

    answers: Codes
    confidences: Confidences

    def on(self, questions: npt.NDArray[np.int64 | np.bool_]) -> Votes:
        """The votes on some questions."""
        return Votes(self.answers[questions], self.confidences[questions])


@dataclass(frozen=True)
class MemberBallots:
    """One member's ranked answers to every question of a block.

    Attributes
    ----------
    starts : ndarray of int64, shape (Q + 1,)
        Rows of question ``q`` are ``starts[q]:starts[q + 1]``, most confident first; none
        if the member lacks the question.
    answers : ndarray of int32, shape (R,)
        Indices into the block's vocabulary.
    confidences : ndarray of float32 or float64, shape (R,)
    """

    starts: Ints
    answers: Codes
    confidences: Confidences

    def select(self, questions: npt.NDArray[np.integer]) -> MemberBallots:
        """The answers to some questions."""
        starts, rows = ragged.take(self.starts, questions)
        return MemberBallots(starts, self.answers[rows], self.confidences[rows])


@dataclass(frozen=True)
class Ballots:
    """All members' ranked answers over a block of Q questions.

    Attributes
    ----------
    question_ids : ndarray of int64 or of str objects, shape (Q,)
        Distinct, rising.
    vocabulary : list of str, length A
        Distinct answers in alphabetical order, so that the smaller code is the earlier
        answer.
    names : tuple of str, length M
        Members in alphabetical order: results cannot depend on the order of files.
    members : tuple of MemberBallots, length M
    """

    question_ids: QuestionIds
    vocabulary: list[str]
    names: tuple[str, ...]
    members: tuple[MemberBallots, ...]

    def __len__(self) -> int:
        """The number of questions."""
        return len(self.question_ids)

    def select(self, questions: npt.NDArray[np.integer]) -> Ballots:
        """The ballots on some questions, rising."""
        return replace(
            self,
            question_ids=self.question_ids[questions],
            members=tuple(member.select(questions) for member in self.members),
        )

    def of_members(self, columns: npt.NDArray[np.integer]) -> Ballots:
        """The ballots of some members."""
        return replace(
            self,
            names=tuple(self.names[c] for c in columns),
            members=tuple(self.members[c] for c in columns),
        )

    def top(self) -> Votes:
        """Every member's most confident answer; it abstains where it lacks the question."""
        return self._top

    @cached_property
    def _top(self) -> Votes:
        # One contiguous row a member: filled, and later compared, member by member.
        answers = np.full((len(self.members), len(self)), ABSTAIN, dtype=np.int32)
        kind = np.result_type(*(member.confidences for member in self.members))
        confidences = np.zeros(answers.shape, kind)
        for m, member in enumerate(self.members):
            has = member.starts[1:] > member.starts[:-1]
            if has.all():
                answers[m] = member.answers[member.starts[:-1]]
                confidences[m] = member.confidences[member.starts[:-1]]
            else:
                rows = member.starts[:-1][has]
                answers[m, has] = member.answers[rows]
                confidences[m, has] = member.confidences[rows]
        answers.flags.writeable = confidences.flags.writeable = False
        return Votes(answers.T, confidences.T)


def align(predictions: Sequence[Predictions], *, missing: str = "error") -> Ballots:
    """Put several members' predictions over one list of questions and answers.

    Parameters
    ----------
    predictions : sequence of Predictions
    missing : {"error", "abstain"}
        What to do when a member lacks a question that another has.

    Raises
    ------
    InputError
        If no members are given, two have the same name, some have integer and some string
        question ids, or, as MissingQuestionsError, a member lacks questions and ``missing`` is
        ``"error"``.
    """
    if not predictions:
        raise InputError("no prediction files given", fix="Name at least one .parquet file.")
    predictions = sorted(predictions, key=lambda p: p.member)
    check_members(
        [p.path for p in predictions],
        [p.member for p in predictions],
        [p.question_ids.dtype != np.int64 for p in predictions],
    )

    question_ids = union([p.question_ids for p in predictions])
    vocabulary = _union_of_vocabularies([p.vocabulary for p in predictions])
    members = []
    for p in predictions:
        if missing == "error" and len(p.question_ids) < len(question_ids):
            lacking = np.setdiff1d(question_ids, p.question_ids)
            raise MissingQuestionsError(p.path, len(lacking), len(question_ids), lacking.tolist())
        members.append(_align_member(p, question_ids, vocabulary))
    return Ballots(
        question_ids, vocabulary.to_pylist(), tuple(p.member for p in predictions), tuple(members)
    )


def _align_member(
    p: Predictions, question_ids: QuestionIds, vocabulary: pa.StringArray
) -> MemberBallots:
    starts, answers = p.starts, p.answers
    if len(p.question_ids) < len(question_ids):
        counts = np.zeros(len(question_ids), dtype=np.int64)
        counts[np.searchsorted(question_ids, p.question_ids)] = np.diff(starts)
        starts = ragged.from_sizes(counts)
    if not p.vocabulary.equals(vocabulary):
        code = np.asarray(pc.index_in(p.vocabulary, vocabulary))
        answers = code[answers]
    return MemberBallots(starts, answers, p.confidences)


def _union_of_vocabularies(vocabularies: list[pa.StringArray]) -> pa.StringArray:
    """Sorted distinct answers; cheap when all members have the same."""
    if all(other.equals(vocabularies[0]) for other in vocabularies[1:]):
        return vocabularies[0]
    union = pa.chunked_array(vocabularies).unique()
    return union.take(pc.sort_indices(union))


def ballots_from_votes(votes: Mapping[str, Sequence[tuple[str, float]]]) -> Ballots:
    """Ballots over one question (id 0), for examples: member → its (answer, confidence) pairs."""
    return align(
        [
            predictions_from_rows(name, [(0, answer, confidence) for answer, confidence in ranked])
            for name, ranked in votes.items()
        ]
    )


def check_members(
    paths: Sequence[str], names: Sequence[str], have_string_ids: Sequence[bool]
) -> None:
    """Raise InputError if two members, sorted by name, have one name, or ids differ in type."""
    for (before, name), (path, following) in pairwise(zip(paths, names, strict=True)):
        if name == following:
            raise InputError(
                f"is the same member as {before}: '{name}'",
                path=path,
                fix="Give each member once, or rename one (its metadata or its file).",
            )
    if len(set(have_string_ids)) > 1:
        integer, string = (paths[list(have_string_ids).index(kind)] for kind in (False, True))
        raise InputError(
            f"question ids are strings, but integers in {integer}",
            path=string,
            fix="Write all members' question_id with one type.",
        )


class MissingQuestionsError(InputError):
    """A member lacks questions that another has."""

    def __init__(self, path: str, lacking: int, questions: int, some: Sequence[object]) -> None:
        super().__init__(
            f"lacks {lacking} of {questions} questions that other members have: "
            + first_few(some, of=lacking),
            path=path,
            fix="Predict them, or let the member abstain there with --missing abstain.",
        )
