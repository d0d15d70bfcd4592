"""Vote over prediction files on this machine."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow.parquet as pq

from vqa_ensemble.engine.audit import audit_table
from vqa_ensemble.engine.options import VoteOptions
from vqa_ensemble.engine.summary import VoteSummary
from vqa_ensemble.errors import InputError
from vqa_ensemble.formats.answer_map import AnswerMap
from vqa_ensemble.formats.atomic import atomic_path
from vqa_ensemble.formats.predictions import Predictions, read_predictions
from vqa_ensemble.formats.vqa_json import write_submission
from vqa_ensemble.normalize import normalize_answers
from vqa_ensemble.voting.answer_types import AnswerTypes, TypeResolver
from vqa_ensemble.voting.ballots import Ballots, align
from vqa_ensemble.voting.majority import majority_vote
from vqa_ensemble.voting.mean import mean_vote
from vqa_ensemble.voting.merge import merge_answers
from vqa_ensemble.voting.question_type import question_type_vote
from vqa_ensemble.voting.result import Election


@dataclass(frozen=True)
class VoteOutcome:
    """An election over Q questions, with what it was held on."""

    ballots: Ballots
    election: Election
    summary: VoteSummary

    def answers(self) -> list[str]:
        """The winning answers, in the order of ``ballots.question_ids``."""
        return [self.ballots.vocabulary[code] for code in self.election.answer.tolist()]


def vote(
    predictions: Sequence[Predictions],
    options: VoteOptions | None = None,
    *,
    answer_map: AnswerMap | None = None,
) -> VoteOutcome:
    """Hold an election among members.

    Parameters
    ----------
    predictions : sequence of Predictions, one a member
    options : VoteOptions, optional
    answer_map : AnswerMap, optional
        Needed by question-type voting; the other methods use it to break ties.

    Raises
    ------
    InputError
        If the members do not fit together (see :func:`vqa_ensemble.voting.ballots.align`), or
        question-type voting has no map.
    """
    options = options or VoteOptions()
    if options.normalize:
        predictions = [merge_answers(p, normalize_answers) for p in predictions]
    ballots = align(predictions, missing=options.missing)
    types = None
    if answer_map is not None:
        types = TypeResolver(answer_map, unseen=options.unseen, soft=options.soft_map)(
            ballots.vocabulary
        )
    election = _elect(ballots, types, options)
    summary = VoteSummary(method=options.method, members=ballots.names)
    summary.add(election, ballots.top()[0], types)
    return VoteOutcome(ballots, election, summary)


def _elect(ballots: Ballots, types: AnswerTypes | None, options: VoteOptions) -> Election:
    counts = None if types is None else types.count
    if options.method == "majority":
        return majority_vote(ballots, counts)
    if options.method == "mean":
        return mean_vote(ballots, counts)
    if types is None:
        raise InputError(
            "question-type voting needs an answer-to-question-type map",
            fix="Learn one with vqa-ensemble build-map and give it with --map, or use "
            "--method majority.",
        )
    return question_type_vote(ballots, types, revote=options.revote)


def vote_files(
    paths: Sequence[str | os.PathLike[str]],
    options: VoteOptions | None = None,
    *,
    answer_map: AnswerMap | None = None,
    output: str | os.PathLike[str] | None = None,
    audit: str | os.PathLike[str] | None = None,
) -> VoteOutcome:
    """Read prediction files, vote, and write the submission and the audit file.

    Parameters
    ----------
    paths : sequence of path-like
        One prediction file a member.
    output : path-like, optional
        The submission JSON to write.
    audit : path-like, optional
        The audit parquet to write; see :func:`vqa_ensemble.engine.audit.audit_table`.

    Raises
    ------
    InputError
        If a file is bad, the members do not fit together, or a result cannot be written.
    """
    outcome = vote([read_predictions(path) for path in paths], options, answer_map=answer_map)
    if audit is not None:
        with atomic_path(audit) as temporary:
            pq.write_table(
                audit_table(outcome.ballots, outcome.election), temporary, compression="zstd"
            )
    if output is not None:
        write_submission(output, outcome.ballots.question_ids, outcome.answers())
    return outcome
