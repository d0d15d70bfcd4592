"""How the answer to a question came about: what ``explain`` and the report show."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vqa_ensemble.combiners.candidates import gather_candidates
from vqa_ensemble.combiners.fitted import FittedEnsemble
from vqa_ensemble.engine.audit import audit_table
from vqa_ensemble.engine.blocks import Voter, open_members
from vqa_ensemble.engine.labelled import right_answers, score_candidates
from vqa_ensemble.engine.merging import merges_wanted
from vqa_ensemble.engine.options import VoteOptions
from vqa_ensemble.errors import InputError
from vqa_ensemble.formats.answer_map import AnswerMap
from vqa_ensemble.formats.prediction_ranges import PredictionFile, plan_spans
from vqa_ensemble.formats.question_table import QuestionColumn, read_question_column
from vqa_ensemble.voting.answer_types import AnswerTypes, TypeResolver
from vqa_ensemble.voting.ballots import ABSTAIN, Ballots
from vqa_ensemble.voting.result import Election


def explain(
    ballots: Ballots,
    election: Election,
    rows: npt.NDArray[np.integer],
    *,
    types: AnswerTypes | None = None,
    top: int | None = None,
) -> list[dict[str, Any]]:
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

    Returns
    -------
    list of dict
        The columns of :func:`vqa_ensemble.engine.audit.audit_table`; in ``first_votes`` and
        ``votes`` also each answer's ``question_type`` (None without a map); and ``members``:
        per member its ``answers`` with confidences, most confident first, its ``vote`` and its
        ``revote``, the answer it stood for in the deciding round; None where it has none.
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
    explained: list[dict[str, Any]] = audit_table(ballots, election).take(rows).to_pylist()
    for q, record in enumerate(explained):
        for count in (*record["first_votes"], *record["votes"]):
            count["question_type"] = type_of.get(count["answer"])
        record["members"] = [
            {
                "member": name,
                "answers": ranked[m][q],
                "vote": votes[q][m],
                "revote": revotes[q][m],
            }
            for m, name in enumerate(ballots.names)
        ]
    return explained


def _ranked(
    ballots: Ballots, m: int, rows: npt.NDArray[np.integer], top: int | None
) -> list[list[dict[str, Any]]]:
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
                {"answer": ballots.vocabulary[code], "confidence": confidence}
                for code, confidence in zip(answers.tolist(), confidences.tolist(), strict=True)
            ]
        )
    return found


def explain_question(
    paths: Sequence[str | os.PathLike[str]],
    question_id: str,
    options: VoteOptions,
    *,
    answer_map: AnswerMap | None = None,
    ensemble: FittedEnsemble | None = None,
    question_types: QuestionColumn | None = None,
    synonyms: Mapping[str, str] | None = None,
    questions: str | None = None,
    annotations: str | None = None,
) -> dict[str, Any]:
    """Vote on one question, and say how its answer came about.

    Of files in order only the part that holds the question is read. A member that lacks it
    abstains.

    Parameters
    ----------
    paths : sequence of path-like
        One prediction file a member.
    question_id : str
        Read as an integer where the members' ids are.
    options, answer_map, ensemble, question_types, synonyms
        As :func:`vqa_ensemble.engine.local.vote_files` takes them.
    questions : str, optional
        ``FILE[:COLUMN]`` with the questions' words.
    annotations : str, optional
        As :func:`vqa_ensemble.engine.labelled.load_labelled` takes them.

    Returns
    -------
    dict
        As of :func:`explain`, and ``method``; with ``questions``, ``question``; with
        ``annotations``, ``right_answers`` (answer → people) and ``scores`` (answer → how right
        it is, for those listed that are right at all).

    Raises
    ------
    InputError
        If a file is bad, the members do not fit together, or none answers the question.
    """
    with tempfile.TemporaryDirectory(prefix="vqa-ensemble-") as scratch:
        files = open_members([os.fspath(path) for path in paths], Path(scratch))
        wanted = _parse_id(question_id, files)
        everything = (file.read(span) for span in plan_spans(files) for file in files)
        voter = Voter(
            options,
            answer_map,
            ensemble=ensemble,
            question_types=question_types,
            merges=merges_wanted(options.merge, synonyms, answer_map, everything),
        )
        predictions = [file.read_question(wanted) for file in files]
    if not any(len(p.question_ids) for p in predictions):
        raise InputError(
            "no member answers it",
            where=f"question {question_id}",
            fix="Give an id of these files.",
        )
    ballots, election, summary = voter.hold(predictions)
    types = None
    if answer_map is not None:
        types = TypeResolver(answer_map, unseen=options.unseen)(ballots.vocabulary)
    [record] = explain(ballots, election, np.arange(1), types=types)
    record["method"] = summary.method
    if questions is not None:
        [record["question"]] = read_question_column(questions, "question", ballots.question_ids)
    if annotations is not None:
        candidates = gather_candidates(ballots)
        scores = score_candidates(candidates, annotations)
        [record["right_answers"]] = right_answers(ballots.question_ids, annotations)
        record["scores"] = {
            candidates.vocabulary[code]: score
            for code, score in zip(candidates.answers.tolist(), scores.tolist(), strict=True)
            if score > 0
        }
    return record


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
