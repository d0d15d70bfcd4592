"""A teacher's confidences for the questions that a student trains on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vqa_ensemble.errors import InputError
from vqa_ensemble.formats.predictions import read_predictions
from vqa_ensemble.questions.ids import QuestionIds
from vqa_ensemble.training.data.examples import SparseRows, digest


@dataclass(frozen=True)
class Teacher:
    """What a teacher says about Q training questions.

    Attributes
    ----------
    confidences : SparseRows
        By question and by answer of the student's vocabulary.
    taught : int
        Questions it says something about; the others are learned from annotators alone.
    dropped : int
        Its answers that the student's vocabulary lacks.
    digest : str
        Changes when the confidences do.
    """

    confidences: SparseRows
    taught: int
    dropped: int
    digest: str

    def describe(self) -> str:
        """What it lacks, in words."""
        asked = len(self.confidences.starts) - 1
        text = f"teacher: knows {self.taught:,} of {asked:,} training questions"
        if self.taught < asked:
            text += "; the others are learned from the annotators alone"
        if self.dropped:
            text += f"; {self.dropped:,} of its answers are outside the vocabulary"
        return text


def read_teacher(
    path: str | os.PathLike[str], question_ids: QuestionIds, answers: Sequence[str]
) -> Teacher:
    """Read a prediction file for some questions, in their order, and the student's answers.

    Raises
    ------
    InputError
        If the file is bad, or has none of the questions or answers.
    """
    predictions = read_predictions(path)
    known = predictions.question_ids
    if known.dtype != question_ids.dtype:
        raise InputError(
            "question ids are of another type (integer, string) than the data set's",
            path=path,
            fix="Give all files the same question ids: all integers or all strings.",
        )
    place = np.minimum(np.searchsorted(known, question_ids), len(known) - 1)
    found = known[place] == question_ids

    code_of = {answer: code for code, answer in enumerate(answers)}
    codes = np.array([code_of.get(a, -1) for a in predictions.vocabulary.to_pylist()], np.int64)
    sizes = np.where(found, np.diff(predictions.starts)[place], 0)
    total = np.concatenate([[0], np.cumsum(sizes)])
    rows = np.arange(total[-1]) + np.repeat(predictions.starts[place] - total[:-1], sizes)
    columns = codes[predictions.answers[rows]]
    values = predictions.confidences[rows]
    outside = columns < 0
    kept = ~outside & (values > 0)
    question = np.repeat(np.arange(len(question_ids)), sizes)[kept]
    counts = np.bincount(question, minlength=len(question_ids))
    if not found.any():
        raise InputError(
            f"says nothing about the {len(question_ids)} training questions",
            path=path,
            fix="Give the teacher's predictions of the training splits (predict --split train).",
        )
    if not counts.any():
        raise InputError(
            f"gives none of the student's {len(answers)} answers a chance",
            path=path,
            fix="Give a teacher with answers in official normal form, as VQA members write them.",
        )
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    confidences = SparseRows(starts, columns[kept], values[kept])
    return Teacher(
        confidences,
        taught=int((counts > 0).sum()),
        dropped=int(outside.sum()),
        digest=digest(*confidences.arrays()),
    )
