"""Members' predictions on questions whose answers are known: what weights are learned from."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from vqa_ensemble.answers.types import TypeResolver
from vqa_ensemble.elections.cautions import cautions_among
from vqa_ensemble.elections.merging import merges_of, normalized
from vqa_ensemble.elections.options import VoteOptions
from vqa_ensemble.elections.span import types_from_column
from vqa_ensemble.errors import at
from vqa_ensemble.learning.combiners.candidates import Candidates, gather_candidates
from vqa_ensemble.learning.questions import Questions
from vqa_ensemble.predictions.files import read_predictions
from vqa_ensemble.questions.benchmarks import Source
from vqa_ensemble.questions.ids import QuestionIds, look_up_all
from vqa_ensemble.questions.table import read_question_column
from vqa_ensemble.scoring.metric import Metric, ReferenceMetric, read_metric
from vqa_ensemble.voting.ballots import align
from vqa_ensemble.voting.elector import Context
from vqa_ensemble.voting.merge import Merges, merge_ballots
from vqa_ensemble.voting.question_type import find_question_types


def load_labelled(
    paths: Sequence[str | os.PathLike[str]],
    *,
    annotations: Source,
    metric: str | None = None,
    groups: str | None = None,
    options: VoteOptions | None = None,
) -> Questions:
    """Read members' predictions and the answers to learn from.

    Parameters
    ----------
    paths : sequence of path-like
        One prediction file a member.
    annotations : KeyFile or path-like
        As :func:`~vqa_ensemble.questions.benchmarks.read_benchmark_annotations` takes them.
    metric : str, optional
        What candidates are scored by, of :data:`vqa_ensemble.scoring.METRICS`; the benchmark's own
        if not given.
    groups : str, optional
        ``FILE:COLUMN`` whose equal values mark copies of one question.
    options : VoteOptions, optional
        How answers are read: ``missing``, ``normalize``, ``merge`` and ``synonyms``; and where
        types come from: ``question_types``, else the members' type vote by ``answer_map`` and
        ``unseen``. The others say how to vote, and are not looked at.

    Raises
    ------
    InputError
        If a file is bad, or the files do not fit together.
    """
    options = options or VoteOptions()
    predictions = [read_predictions(path) for path in paths]
    ballots = align([*normalized(options, predictions)], missing=options.missing)
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
    ready = read_metric([annotations], metric).one_by_one()
    # What people said is scored as it is: that is the leaderboard's rule.
    rewritten = None
    if isinstance(ready, ReferenceMetric):
        rewritten = merges_of(options, predictions, ready.annotations.vocabulary)
    with at(annotations):
        targets = score_candidates(candidates, ready, rewritten)
        counted = ready.counted[_find(ready, candidates.question_ids)]
    questions = Questions(
        candidates,
        targets,
        find_question_types(ballots, Context(types, known)),
        group_of.astype(np.int64),
        cast=ballots,
        answer_types=types,
        groups_given=groups is not None,
        metric=ready.name,
        cautions=cautions,
    )
    return questions if counted.all() else questions.where(counted)


def score_candidates(
    candidates: Candidates, metric: Metric, merges: Merges | None = None
) -> npt.NDArray[np.float64]:
    """How right every candidate is, in [0, 1], shape (C,).

    Parameters
    ----------
    candidates : Candidates
    metric : Metric
    merges : Merges, optional
        What the key and the candidates are rewritten by before they are compared.

    Raises
    ------
    InputError
        If the annotations lack a question.
    """
    position = _find(metric, candidates.question_ids)
    vocabulary = candidates.vocabulary
    if merges is not None:
        key, right = metric.benchmark, metric.benchmark.right_choices
        metric = type(metric)(
            replace(
                key,
                annotations=replace(
                    key.annotations, vocabulary=merges.of(key.annotations.vocabulary)
                ),
                right_choices=right and merges.of(right),
            ),
            metric.wordnet,
        )
        vocabulary = merges.of(vocabulary)
    return metric.score(position[candidates.questions], candidates.answers, vocabulary)


def right_answers(question_ids: QuestionIds, metric: Metric) -> list[dict[str, int]]:
    """Each question's answers as people wrote them, and how many wrote each, most first.

    Raises
    ------
    InputError
        If the annotations lack a question.
    """
    humans, choices, found = metric.annotations, metric.benchmark.right_choices, []
    compares_choices = isinstance(metric, ReferenceMetric) and metric.references is choices
    for position in _find(metric, question_ids).tolist():
        if choices is not None and compares_choices:
            found.append({choices[position]: 1})
            continue
        codes = humans.answers[humans.starts[position] : humans.starts[position + 1]]
        counts = Counter(humans.vocabulary[code] for code in codes.tolist())
        found.append(dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))))
    return found


def _find(metric: Metric, wanted: QuestionIds) -> npt.NDArray[np.int64]:
    """Where the wanted questions stand among the annotated."""
    annotations = metric.annotations
    return look_up_all(
        wanted,
        annotations.question_ids,
        told=annotations.ids_told,
        whose="the members' ",
        fix="Give the annotations of the split that the members predicted.",
    )
