"""Learn the answer-to-question-type map from annotation files."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from vqa_ensemble.errors import InputError
from vqa_ensemble.formats.answer_map import AnswerMap
from vqa_ensemble.formats.benchmarks import read_benchmark_annotations
from vqa_ensemble.normalize import normalize_answers
from vqa_ensemble.voting.learn_map import learn_answer_map

BY = ("answer_type", "question_type")


def build_map(paths: Sequence[str | os.PathLike[str]], *, by: str = "answer_type") -> AnswerMap:
    """Count the annotators' normalised answers against their questions' types.

    Parameters
    ----------
    paths : sequence of path-like
        Annotation files as :mod:`~vqa_ensemble.formats.benchmarks` reads them, say VQA's train
        and val.
    by : {"answer_type", "question_type"}
        Which of an annotation's two types to learn.

    Raises
    ------
    InputError
        If a file is bad, or its questions have no such type.
    """
    annotations = read_benchmark_annotations(paths).annotations
    types, names = (
        (annotations.answer_types, annotations.answer_type_names)
        if by == "answer_type"
        else (annotations.question_types, annotations.question_type_names)
    )
    if "" in names:
        other = "question_type" if by == "answer_type" else "answer_type"
        lacking = annotations.question_ids[np.argmax(types == names.index(""))]
        raise InputError(
            f"has no {by}",
            path=paths[0] if len(paths) == 1 else None,
            where=f"question {lacking}",
            fix=f"Give it one, or learn from the {other} with --by {other}.",
        )
    counts = np.diff(annotations.starts)
    return learn_answer_map(
        annotations.answers,
        normalize_answers(annotations.vocabulary),
        np.repeat(types, counts),
        names,
    )
