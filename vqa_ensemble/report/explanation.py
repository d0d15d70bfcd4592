"""How the answer to a question came about: what ``explain`` and the report show."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vqa_ensemble.answers.types import AnswerTypes, TypeResolver
from vqa_ensemble.elections.audit import audit_table
from vqa_ensemble.elections.merging import merges_of
from vqa_ensemble.elections.options import VoteOptions
from vqa_ensemble.elections.span import Voter, find_elector, open_members
from vqa_ensemble.errors import InputError, at
from vqa_ensemble.learning.combiners.candidates import gather_candidates
from vqa_ensemble.learning.labelled import right_answers, score_candidates
from vqa_ensemble.predictions.member import ABSTAIN
from vqa_ensemble.predictions.ranges import PredictionFile, plan_spans
from vqa_ensemble.questions.benchmarks import Source
from vqa_ensemble.questions.table import read_question_column
from vqa_ensemble.scoring.metric import read_metric
from vqa_ensemble.voting.ballots import Ballots
from vqa_ensemble.voting.result import Election


@dataclass(frozen=True)
class CountedAnswer:
    """An answer's votes; ``question_type`` is None without a map."""

    answer: str
    votes: float
    confidence: float
    question_type: str | None


@dataclass(frozen=True)
class CountedType:
    """A question type's votes."""

    question_type: str
    votes: float


@dataclass(frozen=True)
class RankedAnswer:
    """One of a member's answers."""

    answer: str
    confidence: float


@dataclass(frozen=True)
class MemberVote:
    """A member's part.

    Attributes
    ----------
    member : str
    answers : list of RankedAnswer
        Most confident first.
    vote, revote : str or None
        What it voted for, and what it stood for in the deciding round; None where it has none.
    """

    member: str
    answers: list[RankedAnswer]
    vote: str | None
    revote: str | None


@dataclass(frozen=True)
class Explanation:
    """How the answer to a question came about.

    Attributes
    ----------
    question_id to type_tie_break
        The columns of :func:`vqa_ensemble.elections.audit.audit_table`.
    members : list of MemberVote
    method : str, optional
        By which it was voted.
    question : str, optional
        Its words.
    right_answers : dict of str to int, optional
        Right answer → people who gave it.
    scores : dict of str to float, optional
        Answer → how right it is, for those listed that are right at all.
    metric : str, optional
        By which.
    """

    question_id: int | str
    answer: str
    question_type: str | None
    first_votes: list[CountedAnswer]
    votes: list[CountedAnswer]
    type_votes: list[CountedType] | None
    majority_answer: str
    agreement: float
    margin: float
    tie_break: str | None
    type_tie_break: str | None
    members: list[MemberVote]
    method: str | None = None
    question: str | None = None
    right_answers: dict[str, int] | None = None
    scores: dict[str, float] | None = None
    metric: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """For JSON: without what was not asked for."""
        optional = ("method", "question", "right_answers", "scores", "metric")
        content = asdict(self)
        return {k: v for k, v in content.items() if v is not None or k not in optional}


def explain(
    ballots: Ballots,
    election: Election,
    rows: npt.NDArray[np.integer],
    *,
    types: AnswerTypes | None = None,
    top: int | None = None,
) -> list[Explanation]:
    """How the answers to some questions came about.

    Parameters
    ----------
    ballots : Ballots
    election : Election
        Held on the ballots.
    rows : ndarray of int, shape (R,)
        Positions of the questions.
    types : AnswerTypes, optional
        Of the ballots' vocabulary, where there is a map.
    top : int, optional
        The most answers to give of each member; all if not given.
    """
    vocabulary = np.array([*ballots.vocabulary, None], dtype=object)
    type_of = {}
    if types is not None:
        type_of = {
            answer: types.names[code]
            for answer, code in zip(ballots.vocabulary, types.type_of.tolist(), strict=True)
        }
    ranked = [_ranked(ballots, m, rows, top) for m in range(len(ballots.names))]
    # ABSTAIN, which is -1, reads the None at the end.
    assert ABSTAIN == -1
    votes = vocabulary[ballots.top()[0][rows]].tolist()
    revotes = vocabulary[election.votes[rows]].tolist()
    explained = []
    for q, record in enumerate(audit_table(ballots, election).take(rows).to_pylist()):
        for name in ("first_votes", "votes"):
            record[name] = [
                CountedAnswer(**count, question_type=type_of.get(count["answer"]))
                for count in record[name]
            ]
        if record["type_votes"] is not None:
            record["type_votes"] = [CountedType(**count) for count in record["type_votes"]]
        members = [
            MemberVote(name, ranked[m][q], votes[q][m], revotes[q][m])
            for m, name in enumerate(ballots.names)
        ]
        explained.append(Explanation(**record, members=members))
    return explained


def _ranked(
    ballots: Ballots, m: int, rows: npt.NDArray[np.integer], top: int | None
) -> list[list[RankedAnswer]]:
    """A member's first answers to each question."""
    member = ballots.members[m]
    found = []
    for first, end in zip(
        member.starts[rows].tolist(), member.starts[rows + 1].tolist(), strict=True
    ):
        last = end if top is None else min(end, first + top)
        answers, confidences = member.answers[first:last], member.confidences[first:last]
        found.append(
            [
                RankedAnswer(ballots.vocabulary[code], confidence)
                for code, confidence in zip(answers.tolist(), confidences.tolist(), strict=True)
            ]
        )
    return found


def explain_question(
    paths: Sequence[str | os.PathLike[str]],
    question_id: str,
    options: VoteOptions,
    *,
    questions: str | None = None,
    annotations: Source | None = None,
    metric: str | None = None,
) -> Explanation:
    """Vote on one question, and say how its answer came about.

    Of files in order only the part that holds the question is read. A member that lacks it
    abstains.

    Parameters
    ----------
    paths : sequence of path-like
        One prediction file a member.
    question_id : str
        Read as an integer where the members' ids are.
    options : VoteOptions
    questions : str, optional
        ``FILE[:COLUMN]`` with the questions' words.
    annotations : KeyFile or path-like, optional
    metric : str, optional
        As :func:`vqa_ensemble.learning.labelled.load_labelled` takes them.

    Raises
    ------
    InputError
        If a file is bad, the members do not fit together, or none answers the question.
    """
    with tempfile.TemporaryDirectory(prefix="vqa-ensemble-") as scratch:
        files = open_members([os.fspath(path) for path in paths], Path(scratch))
        wanted = _parse_id(question_id, files)
        everything = (file.read(span) for span in plan_spans(files) for file in files)
        voter = Voter(options, find_elector(options), merges_of(options, everything))
        predictions = [file.read_question(wanted) for file in files]
    if not any(len(p.question_ids) for p in predictions):
        raise InputError(
            "no member answers it",
            where=f"question {question_id}",
            fix="Give an id of these files.",
        )
    ballots, election, summary = voter.hold(predictions)
    types = None
    if options.answer_map is not None:
        types = TypeResolver(options.answer_map, unseen=options.unseen)(ballots.vocabulary)
    [record] = explain(ballots, election, np.arange(1), types=types)
    known: dict[str, Any] = {"method": summary.method}
    if questions is not None:
        [known["question"]] = read_question_column(questions, "question", ballots.question_ids)
    if annotations is not None:
        candidates = gather_candidates(ballots)
        ready = read_metric([annotations], metric)
        with at(annotations):
            scores = score_candidates(candidates, ready)
            [known["right_answers"]] = right_answers(ballots.question_ids, ready)
        known["metric"] = ready.name
        known["scores"] = {
            candidates.vocabulary[code]: score
            for code, score in zip(candidates.answers.tolist(), scores.tolist(), strict=True)
            if score > 0
        }
    return replace(record, **known)


def _parse_id(question_id: str, files: Sequence[PredictionFile]) -> int | str:
    if files[0].has_string_ids:
        return question_id
    try:
        return int(question_id)
    except ValueError:
        raise InputError(
            f"'{question_id}' is not an integer, but the members' question ids are",
            fix="Give the question's number.",
        ) from None
