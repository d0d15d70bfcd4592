"""Members' predictions on questions whose answers are known: what weights are learned from."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vqa_ensemble.answers.types import TypeResolver
from vqa_ensemble.elections.cautions import cautions_among
from vqa_ensemble.elections.merging import merges_of
from vqa_ensemble.elections.options import VoteOptions
from vqa_ensemble.elections.span import types_from_column
from vqa_ensemble.errors import InputError, at
from vqa_ensemble.learning.combiners.candidates import Candidates, gather_candidates
from vqa_ensemble.learning.questions import Questions
from vqa_ensemble.predictions.files import read_predictions
from vqa_ensemble.questions.benchmarks import read_benchmark_annotations
from vqa_ensemble.questions.ids import QuestionIds, check_same_type, first_few, look_up
from vqa_ensemble.questions.table import read_question_column
from vqa_ensemble.scoring.vqa_accuracy import HumanAnswers, soft_scores
from vqa_ensemble.voting.ballots import align
from vqa_ensemble.voting.elector import Context
from vqa_ensemble.voting.merge import merge_ballots
from vqa_ensemble.voting.question_type import find_question_types


def load_labelled(
    paths: Sequence[str | os.PathLike[str]],
    *,
    annotations: str,
    groups: str | None = None,
    options: VoteOptions | None = None,
) -> Questions:
    """Read members' predictions and the answers to learn from.

    Parameters
    ----------
    paths : sequence of path-like
        One prediction file a member.
    annotations : str
        Annotation JSON of VQA or another benchmark (candidates are scored by VQA accuracy; see
        :mod:`~vqa_ensemble.questions.benchmarks`), or a parquet or CSV table
        with ``question_id`` and one right ``answer`` (``FILE:COLUMN`` for another column).
    groups : str, optional
        ``FILE:COLUMN`` whose equal values mark copies of one question.
    options : VoteOptions, optional
        How answers are read: ``missing``, ``merge`` and ``synonyms``; and where types come from:
        ``question_types``, else the members' type vote by ``answer_map`` and ``unseen``. The
        others say how to vote, and are not looked at.

    Raises
    ------
    InputError
        If a file is bad, or the files do not fit together.
    """
    options = options or VoteOptions()
    predictions = [read_predictions(path) for path in paths]
    ballots = align(predictions, missing=options.missing)
    cautions = cautions_among(ballots, [p.metadata for p in predictions])
    merges = merges_of(options, predictions)
    if merges is not None:
        ballots = merge_ballots(ballots, merges)
    candidates = gather_candidates(ballots)
    types = known = None
    if options.question_types is not None:
        known = types_from_column(options.question_types, ballots)
    if options.answer_map is not None:
        types = TypeResolver(options.answer_map, unseen=options.unseen)(ballots.vocabulary)
    group_of = np.arange(len(ballots))
    if groups is not None:
        values = read_question_column(groups, "group", ballots.question_ids)
        group_of = np.unique(np.asarray(values, dtype=object), return_inverse=True)[1]
    return Questions(
        candidates,
        score_candidates(candidates, annotations),
        find_question_types(ballots, Context(types, known)),
        group_of.astype(np.int64),
        cast=ballots,
        answer_types=types,
        groups_given=groups is not None,
        metric="VQA accuracy" if _is_vqa_json(annotations) else "exact match",
        cautions=cautions,
    )


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
