"""A teacher's confidences for the questions that a student trains on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vqa_ensemble import ragged
from vqa_ensemble.errors import InputError, at
from vqa_ensemble.predictions.files import read_predictions
from vqa_ensemble.predictions.member import Predictions
from vqa_ensemble.questions.ids import QuestionIds, check_same_type, look_up
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
    with at(path):
        return _taught(predictions, question_ids, answers)


def _taught(predictions: Predictions, question_ids: QuestionIds, answers: Sequence[str]) -> Teacher:
    check_same_type(predictions.question_ids, question_ids, "the data set's")
    place = look_up(question_ids, predictions.question_ids)
    found = place >= 0

    code_of = {answer: code for code, answer in enumerate(answers)}
    codes = np.array([code_of.get(a, -1) for a in predictions.vocabulary.to_pylist()], np.int64)
    taken, rows = ragged.take(predictions.starts, place[found])
    columns = codes[predictions.answers[rows]]
    values = predictions.confidences[rows]
    outside = columns < 0
    kept = ~outside & (values > 0)
    question = np.flatnonzero(found)[ragged.owner(taken)][kept]
    counts = np.bincount(question, minlength=len(question_ids))
    if not found.any():
        raise InputError(
            f"says nothing about the {len(question_ids)} training questions",
            fix="Give the teacher's predictions of the training splits (predict --split train).",
        )
    if not counts.any():
        raise InputError(
            f"gives none of the student's {len(answers)} answers a chance",
            fix="Give a teacher with answers in official normal form, as VQA members write them.",
        )
    confidences = SparseRows(ragged.from_sizes(counts), columns[kept], values[kept])
    return Teacher(
        confidences,
        taught=int((counts > 0).sum()),
        dropped=int(outside.sum()),
        digest=digest(*confidences.arrays()),
    )
