"""Learn the answer-to-question-type map: count who was answered what."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from vqa_ensemble import ragged
from vqa_ensemble.answers.answer_map import AnswerMap
from vqa_ensemble.answers.normalize import normalize_answers
from vqa_ensemble.errors import InputError
from vqa_ensemble.questions.benchmarks import UNTYPED, Source, read_benchmark_annotations
from vqa_ensemble.questions.key import KeyFile


def build_map(paths: Sequence[Source], *, by: str = "answer_type") -> AnswerMap:
    """Count the annotators' normalised answers against their questions' types.

    Parameters
    ----------
    paths : sequence of path-like or KeyFile
        Annotation files as :mod:`~vqa_ensemble.questions.benchmarks` reads them, say VQA's train
        and val.
    by : {"answer_type", "question_type"}
        Which of an annotation's two types to learn.

    Raises
    ------
    InputError
        If a file is bad, or its questions have no such type.
    """
    annotations = read_benchmark_annotations(paths).annotations
    types, names = annotations.types(by)
    if names == [UNTYPED]:
        raise InputError(
            "has no types of questions",
            path=KeyFile.of(paths[0]).path,
            fix="Add a column answer_type, or name one with --type-column.",
        )
    if "" in names:
        other = "question_type" if by == "answer_type" else "answer_type"
        lacking = annotations.question_ids[np.argmax(types == names.index(""))]
        raise InputError(
            f"has no {by}",
            path=KeyFile.of(paths[0]).path if len(paths) == 1 else None,
            where=f"question {lacking}",
            fix=f"Give it one, or learn from the {other} with --by {other}.",
        )
    return learn_answer_map(
        annotations.answers,
        normalize_answers(annotations.vocabulary),
        types[ragged.owner(annotations.starts)],
        names,
    )


def learn_answer_map(
    answers: npt.NDArray[np.integer],
    forms: Sequence[str],
    types: npt.NDArray[np.integer],
    type_names: Sequence[str],
) -> AnswerMap:
    """Count every annotator's normalised answer against its question's type.

    Parameters
    ----------
    answers : ndarray of int, shape (N,)
        Each annotation's answer as an index into ``forms``.
    forms : sequence of str, length A
        The normal form of each distinct answer; different answers may share one.
    types : ndarray of int, shape (N,)
        The type of each annotation's question, as an index into ``type_names``.
    type_names : sequence of str, length T

    Examples
    --------
    >>> answer_map = learn_answer_map(
    ...     np.array([0, 1, 2, 2]), ["2", "2", "yes"], np.array([0, 0, 1, 1]), ["number", "yes/no"])
    >>> answer_map.answers, answer_map.question_types, answer_map.counts.tolist()
    (['2', 'yes'], ['number', 'yes/no'], [2, 2])
    """
    distinct, code = np.unique(np.asarray(forms, dtype=object), return_inverse=True)
    pairs = code[answers].astype(np.int64) * len(type_names) + types
    found, counts = np.unique(pairs, return_counts=True)
    return AnswerMap.from_counts(
        distinct[found // len(type_names)].tolist(),
        [type_names[t] for t in (found % len(type_names)).tolist()],
        counts,
    )
