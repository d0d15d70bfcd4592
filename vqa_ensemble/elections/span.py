"""The vote over one range of questions: the unit of work of every engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from vqa_ensemble.answers.types import KnownTypes, TypeResolver
from vqa_ensemble.elections.audit import audit_table
from vqa_ensemble.elections.merging import count_effect, count_kept_apart, normalized
from vqa_ensemble.elections.options import VoteOptions
from vqa_ensemble.elections.submission import submission_lines
from vqa_ensemble.elections.summary import VoteSummary
from vqa_ensemble.errors import InputError
from vqa_ensemble.predictions.decoding import Common
from vqa_ensemble.predictions.member import Predictions
from vqa_ensemble.predictions.ranges import PredictionFile, Span, open_prediction_file
from vqa_ensemble.questions.ids import union
from vqa_ensemble.questions.table import QuestionColumn
from vqa_ensemble.voting.ballots import Ballots, MissingQuestionsError, align, check_members
from vqa_ensemble.voting.elector import Context, Elector
from vqa_ensemble.voting.merge import Merges, merge_ballots
from vqa_ensemble.voting.methods import METHODS, make_elector
from vqa_ensemble.voting.question_types import QuestionTypes
from vqa_ensemble.voting.result import Election


@dataclass(frozen=True)
class Job:
    """All that it takes to vote on any range of questions; can be sent to another process.

    Attributes
    ----------
    files : tuple of PredictionFile, one a member, by the member's name
    options : VoteOptions
    elector : Elector
        As :func:`find_elector` finds it.
    merges : Merges, optional
        Answers to count as one.
    lines, audit : bool
        Whether the submission's lines and the audit table are wanted.
    """

    files: tuple[PredictionFile, ...]
    options: VoteOptions
    elector: Elector
    merges: Merges | None = None
    lines: bool = True
    audit: bool = False

    def voter(self) -> Voter:
        """A voter for this job."""
        return Voter(self.options, self.elector, self.merges)


@dataclass(frozen=True)
class BlockResult:
    """What a range of questions adds to the output.

    Attributes
    ----------
    lines : bytes
        As :func:`vqa_ensemble.elections.submission.submission_lines`.
    audit : pyarrow.Table, optional
    summary : VoteSummary
    """

    lines: bytes
    audit: pa.Table | None
    summary: VoteSummary


class Voter:
    """Holds elections; remembers what it learns about answers from one to the next.

    Parameters
    ----------
    options : VoteOptions
    elector : Elector
    merges : Merges, optional
    """

    def __init__(
        self, options: VoteOptions, elector: Elector, merges: Merges | None = None
    ) -> None:
        self.options = options
        self._elector = elector
        self._merges = merges
        self._types = None
        if options.answer_map is not None:
            self._types = KnownTypes(
                TypeResolver(options.answer_map, unseen=options.unseen, soft=options.soft_map)
            )

    def hold(self, predictions: Sequence[Predictions]) -> tuple[Ballots, Election, VoteSummary]:
        """Hold an election over the questions of ``predictions``, one a member."""
        options, merges = self.options, self._merges
        ballots = align([*normalized(options, predictions)], missing=options.missing)
        if merges is None:
            election, summary = self._hold(ballots)
            summary.kept_apart = count_kept_apart(ballots) if options.normalize else 0
            return ballots, election, summary
        merged = merge_ballots(ballots, merges)
        election, summary = self._hold(merged)
        if options.merge:
            ballots = align(predictions, missing=options.missing)
        without = ballots, self._hold(ballots)[0]
        count_effect(summary, merges, without, (merged, election), by_form=options.merge)
        summary.kept_apart = count_kept_apart(merged) if options.merge else 0
        return merged, election, summary

    def _hold(self, ballots: Ballots) -> tuple[Election, VoteSummary]:
        types = None if self._types is None else self._types(ballots.vocabulary)
        fixed = None
        if self.options.question_types is not None:
            fixed = types_from_column(self.options.question_types, ballots)
        election = self._elector.vote(ballots, Context(types, fixed))
        summary = VoteSummary(method=self._elector.method, members=ballots.names)
        summary.add(election, ballots, types)
        return election, summary


def find_elector(options: VoteOptions) -> Elector:
    """What votes: an ensemble if there is one, else the options' method.

    Raises
    ------
    InputError
        If the method has no map and needs one.
    """
    if options.ensemble is not None:
        return options.ensemble
    method = METHODS[options.method]
    if method.needs_map and options.answer_map is None:
        raise InputError(
            f"{method.label} needs an answer-to-question-type map",
            fix="Learn one with vqa-ensemble build-map and give it with --map, or use "
            "--method majority.",
        )
    return make_elector(options.method, revote=options.revote)


def types_from_column(column: QuestionColumn, ballots: Ballots) -> QuestionTypes:
    """Every question's type from a table."""
    names = column.names()
    code = {name: t for t, name in enumerate(names)}
    values = column.look_up(ballots.question_ids)
    return QuestionTypes(names, np.array([code[value] for value in values], dtype=np.int64))


def vote_on_span(job: Job, voter: Voter, span: Span) -> BlockResult:
    """Read one range of questions, vote, and put the outcome into its final form."""
    common = Common()
    predictions = [file.read(span, common) for file in job.files]
    if not any(len(p.question_ids) for p in predictions):
        nothing = VoteSummary(job.elector.method, tuple(file.member for file in job.files))
        return BlockResult(b"", None, nothing)
    ballots, election, summary = voter.hold(predictions)
    return BlockResult(
        lines=submission_lines(ballots.question_ids, ballots.vocabulary, election.answer)
        if job.lines
        else b"",
        audit=audit_table(ballots, election) if job.audit else None,
        summary=summary,
    )


def open_members(paths: Sequence[str], scratch: Path) -> tuple[PredictionFile, ...]:
    """Open one prediction file a member, sorted by the member's name.

    Raises
    ------
    InputError
        If a file is bad or two do not fit together.
    """
    if not paths:
        raise InputError("no prediction files given", fix="Name at least one .parquet file.")
    files = sorted((open_prediction_file(path, scratch) for path in paths), key=lambda f: f.member)
    check_members(
        [file.path for file in files],
        [file.member for file in files],
        [file.has_string_ids for file in files],
    )
    return tuple(files)


def missing_questions(
    files: Sequence[PredictionFile], spans: Sequence[Span]
) -> MissingQuestionsError:
    """What the first member that lacks questions lacks in all ranges together."""
    lacking = [0] * len(files)
    first: list[list[object]] = [[] for _ in files]
    questions = 0
    for span in spans:
        ids = [file.question_ids(span) for file in files]
        together = union(ids)
        questions += len(together)
        for m, own in enumerate(ids):
            if len(own) < len(together):
                absent = np.setdiff1d(together, own, assume_unique=True)
                lacking[m] += len(absent)
                first[m] += absent[: 5 - len(first[m])].tolist()
    m = next(m for m, n in enumerate(lacking) if n)
    return MissingQuestionsError(files[m].path, lacking[m], questions, first[m])
