"""Members' predictions on questions whose answers are known: what weights are learned from."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vqa_ensemble.combiners.candidates import Candidates, gather_candidates
from vqa_ensemble.engine.blocks import types_from_column
from vqa_ensemble.engine.cautions import Caution, cautions_among
from vqa_ensemble.engine.merging import merges_wanted
from vqa_ensemble.errors import InputError, at
from vqa_ensemble.formats.answer_map import AnswerMap
from vqa_ensemble.formats.benchmarks import read_benchmark_annotations
from vqa_ensemble.formats.predictions import read_predictions
from vqa_ensemble.formats.question_table import QuestionColumn, read_question_column
from vqa_ensemble.questions.ids import QuestionIds, check_same_type, first_few, look_up
from vqa_ensemble.scoring.vqa_accuracy import HumanAnswers, soft_scores
from vqa_ensemble.voting.answer_types import TypeResolver
from vqa_ensemble.voting.ballots import Ballots, align
from vqa_ensemble.voting.elector import Context
from vqa_ensemble.voting.merge import merge_ballots
from vqa_ensemble.voting.question_type import find_question_types
from vqa_ensemble.voting.question_types import QuestionTypes


@dataclass(frozen=True)
class Labelled:
    """Candidates over Q questions with how right each is.

    Attributes
    ----------
    ballots : Ballots
    candidates : Candidates
    targets : ndarray of float64, shape (C,)
        VQA accuracy of each candidate, or 0 and 1.
    types : QuestionTypes
    groups : ndarray of int64, shape (Q,)
        Copies of one question share a group.
    groups_given : bool
        Whether the user named the groups; otherwise every question is its own.
    cautions : sequence of Caution
        What looks like a mistake among the members.
    """

    ballots: Ballots
    candidates: Candidates
    targets: npt.NDArray[np.float64]
    types: QuestionTypes
    groups: npt.NDArray[np.int64]
    groups_given: bool
    cautions: Sequence[Caution] = ()


def load_labelled(
    paths: Sequence[str | os.PathLike[str]],
    *,
    annotations: str,
    groups: str | None = None,
    question_types: str | None = None,
    answer_map: AnswerMap | None = None,
    unseen: str = "classifier",
    missing: str = "error",
    merge: bool = False,
    synonyms: Mapping[str, str] | None = None,
) -> Labelled:
    """Read members' predictions and the answers to learn from.

    Parameters
    ----------
    paths : sequence of path-like
        One prediction file a member.
    annotations : str
        Annotation JSON of VQA or another benchmark (candidates are scored by VQA accuracy; see
        :mod:`~vqa_ensemble.formats.benchmarks`), or a parquet or CSV table
        with ``question_id`` and one right ``answer`` (``FILE:COLUMN`` for another column).
    groups : str, optional
        ``FILE:COLUMN`` whose equal values mark copies of one question.
    question_types : str, optional
        ``FILE[:COLUMN]`` with every question's type.
    answer_map : AnswerMap, optional
        Gives the types by the members' type vote where ``question_types`` is not given.
    missing : {"error", "abstain"}
        What to do where a member lacks a question that another has.
    merge : bool
        Count answers that mean the same as one, by the rules of
        :mod:`vqa_ensemble.voting.synonyms`.
    synonyms : mapping of str to str, optional
        Answer → the answer it is counted as.

    Raises
    ------
    InputError
        If a file is bad, or the files do not fit together.
    """
    predictions = [read_predictions(path) for path in paths]
    ballots = align(predictions, missing=missing)
    cautions = cautions_among(ballots, [p.metadata for p in predictions])
    merges = merges_wanted(merge, synonyms, answer_map, predictions)
    if merges is not None:
        ballots = merge_ballots(ballots, merges)
    candidates = gather_candidates(ballots)
    types = find_types(ballots, question_types=question_types, answer_map=answer_map, unseen=unseen)
    group_of = np.arange(len(ballots))
    if groups is not None:
        values = read_question_column(groups, "group", ballots.question_ids)
        group_of = np.unique(np.asarray(values, dtype=object), return_inverse=True)[1]
    return Labelled(
        ballots,
        candidates,
        score_candidates(candidates, annotations),
        types,
        group_of.astype(np.int64),
        groups is not None,
        cautions,
    )


def find_types(
    ballots: Ballots,
    *,
    question_types: str | None = None,
    answer_map: AnswerMap | None = None,
    unseen: str = "classifier",
) -> QuestionTypes:
    """Every question's type: from a column, else by the members' type vote, else none."""
    if question_types is not None:
        return types_from_column(QuestionColumn(question_types, "question_type"), ballots)
    types = None
    if answer_map is not None:
        types = TypeResolver(answer_map, unseen=unseen)(ballots.vocabulary)
    return find_question_types(ballots, Context(types))


def score_candidates(candidates: Candidates, annotations: str) -> npt.NDArray[np.float64]:
    """How right every candidate is, shape (C,): its VQA accuracy, or 0 and 1.

    Parameters
    ----------
    annotations : str
        As :func:`load_labelled` takes them.

    Raises
    ------
    InputError
        If the annotations are bad or lack a question.
    """
    if not _is_vqa_json(annotations):
        right = read_question_column(annotations, "answer", candidates.question_ids)
        given = np.asarray(candidates.vocabulary, dtype=object)[candidates.answers]
        is_right = given == np.asarray(right, dtype=object)[candidates.questions]
        return np.asarray(is_right, dtype=np.float64)
    humans = HumanAnswers.prepare(read_benchmark_annotations([annotations]).annotations)
    position = _find(humans.annotations.question_ids, candidates.question_ids, annotations)
    return soft_scores(
        humans, position[candidates.questions], candidates.answers, candidates.vocabulary
    )


def right_answers(question_ids: QuestionIds, annotations: str) -> list[dict[str, int]]:
    """Each question's answers as people wrote them, and how many wrote each, most first.

    Parameters
    ----------
    question_ids : ndarray, shape (Q,)
    annotations : str
        As :func:`load_labelled` takes them; of a table, the one right answer, once.

    Raises
    ------
    InputError
        If the annotations are bad or lack a question.
    """
    if not _is_vqa_json(annotations):
        return [{answer: 1} for answer in read_question_column(annotations, "answer", question_ids)]
    humans = read_benchmark_annotations([annotations]).annotations
    found = []
    for position in _find(humans.question_ids, question_ids, annotations).tolist():
        codes = humans.answers[humans.starts[position] : humans.starts[position + 1]]
        counts = Counter(humans.vocabulary[code] for code in codes.tolist())
        found.append(dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))))
    return found


def _is_vqa_json(annotations: str) -> bool:
    path = annotations if Path(annotations).exists() else annotations.rpartition(":")[0]
    return Path(path).suffix.lower() == ".json"


def _find(annotated: QuestionIds, wanted: QuestionIds, path: str) -> npt.NDArray[np.int64]:
    """Where the wanted questions stand among the annotated."""
    with at(path):
        check_same_type(annotated, wanted, "the members'")
    position = look_up(wanted, annotated)
    lacking = wanted[position < 0]
    if len(lacking):
        raise InputError(
            f"lacks {len(lacking)} of the members' {len(wanted)} questions: {first_few(lacking)}",
            path=path,
            fix="Give the annotations of the split that the members predicted.",
        )
    return position
