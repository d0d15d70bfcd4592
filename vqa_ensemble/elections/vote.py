"""Vote over prediction files on this machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import pyarrow.parquet as pq

from vqa_ensemble.elections.cautions import refuse
from vqa_ensemble.elections.merging import merges_of
from vqa_ensemble.elections.options import VoteOptions
from vqa_ensemble.elections.span import (
    BlockResult,
    Job,
    Voter,
    find_elector,
    missing_questions,
    open_members,
    vote_on_span,
)
from vqa_ensemble.elections.submission import SubmissionWriter
from vqa_ensemble.elections.summary import VoteSummary
from vqa_ensemble.files.atomic import atomic_path, scratch_folder
from vqa_ensemble.predictions.member import Predictions
from vqa_ensemble.predictions.ranges import Span, plan_spans
from vqa_ensemble.threads import map_in_order
from vqa_ensemble.voting.ballots import Ballots, MissingQuestionsError
from vqa_ensemble.voting.result import Election

# Each thread holds one block in memory; more threads than this gain little.
MAX_THREADS = 8


# Gives the results of ranges in their order.
Engine = Callable[[Job, Sequence[Span]], Iterator[BlockResult]]


@dataclass(frozen=True)
class LocalEngine:
    """Votes on threads of this machine: by default, the processors available, up to eight."""

    threads: int | None = None

    def __call__(self, job: Job, spans: Sequence[Span]) -> Iterator[BlockResult]:
        """Results in the order of ``spans``."""
        threads = self.threads or min(MAX_THREADS, len(os.sched_getaffinity(0)))
        voter = job.voter()
        on_span = partial(vote_on_span, job, voter)
        if threads == 1:
            return map(on_span, spans)
        return map_in_order(on_span, spans, threads, ahead=threads)


@dataclass(frozen=True)
class VoteOutcome:
    """An election over Q questions, with what it was held on."""

    ballots: Ballots
    election: Election
    summary: VoteSummary

    def answers(self) -> list[str]:
        """The winning answers, in the order of ``ballots.question_ids``."""
        return [self.ballots.vocabulary[code] for code in self.election.answer.tolist()]


def vote(predictions: Sequence[Predictions], options: VoteOptions | None = None) -> VoteOutcome:
    """Hold an election among members whose predictions are in memory.

    Parameters
    ----------
    predictions : sequence of Predictions, one a member
    options : VoteOptions, optional

    Raises
    ------
    InputError
        If the members do not fit together (see :func:`vqa_ensemble.voting.ballots.align`), or
        question-type voting has no map.
    """
    options = options or VoteOptions()
    voter = Voter(options, find_elector(options), merges_of(options, predictions))
    outcome = VoteOutcome(*voter.hold(predictions))
    knows_answers = options.answer_map is not None
    outcome.summary.judge([p.metadata for p in predictions], knows_answers=knows_answers)
    return outcome


def vote_files(
    paths: Sequence[str | os.PathLike[str]],
    options: VoteOptions | None = None,
    *,
    output: str | os.PathLike[str] | None = None,
    audit: str | os.PathLike[str] | None = None,
    block_rows: int | None = None,
    engine: Engine | None = None,
    strict: bool = False,
) -> VoteSummary:
    """Read prediction files, vote, and write the submission and the audit file.

    Questions stream through in ranges, so memory does not grow with their number.

    Parameters
    ----------
    paths : sequence of path-like
        One prediction file a member.
    options : VoteOptions, optional
    output : path-like, optional
        The submission JSON to write.
    audit : path-like, optional
        The audit parquet to write; see :func:`vqa_ensemble.elections.audit.audit_table`.
    block_rows : int, optional
        About how many rows of all files together to hold in memory at once, per thread.
    engine : callable, optional
        Runs the ranges: a :class:`LocalEngine` by default, or
        :class:`vqa_ensemble.elections.ray_cluster.RayEngine`.
    strict : bool
        Write nothing if anything looks like a mistake.

    Raises
    ------
    InputError
        If a file is bad, the members do not fit together, or a result cannot be written; with
        ``strict``, also for anything of :mod:`vqa_ensemble.elections.cautions`.
    """
    options = options or VoteOptions()
    with scratch_folder() as scratch:
        files = open_members([os.fspath(path) for path in paths], scratch)
        spans = plan_spans(files, block_rows)
        everything = (file.read(span) for span in spans for file in files)
        job = Job(
            files,
            options,
            find_elector(options),
            merges_of(options, everything),
            lines=output is not None,
            audit=audit is not None,
        )
        results = (engine or LocalEngine())(job, spans)
        try:
            return write_results(results, job, output, audit, strict=strict)
        except MissingQuestionsError as error:
            raise missing_questions(files, spans) from error


def write_results(
    results: Iterable[BlockResult],
    job: Job,
    output: str | os.PathLike[str] | None,
    audit: str | os.PathLike[str] | None,
    *,
    strict: bool = False,
) -> VoteSummary:
    """Write the blocks' results, in order, and add up their summaries."""
    total = VoteSummary(job.elector.method, tuple(file.member for file in job.files))
    # Both files are renamed into place on leaving, when everything has been written.
    with ExitStack() as stack:
        submission = audit_file = None
        audit_path = None if audit is None else stack.enter_context(atomic_path(audit))
        if output is not None:
            submission = SubmissionWriter(stack.enter_context(atomic_path(output)))
            stack.callback(submission.close)
        for result in results:
            total.merge(result.summary)
            if submission is not None:
                submission.write(result.lines)
            if audit_path is not None and result.audit is not None:
                if audit_file is None:
                    audit_file = stack.enter_context(
                        pq.ParquetWriter(audit_path, result.audit.schema, compression="zstd")
                    )
                audit_file.write_table(result.audit)
        knows_answers = job.options.answer_map is not None
        total.judge([file.metadata for file in job.files], knows_answers=knows_answers)
        if strict:
            refuse(total.cautions)
    return total
