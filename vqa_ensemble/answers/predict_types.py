"""Question types predicted from the questions' texts."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vqa_ensemble.answers.text_types import fit_text_types, predict_out_of_fold
from vqa_ensemble.errors import InputError, at
from vqa_ensemble.questions.ids import QuestionIds, look_up
from vqa_ensemble.questions.vqa import Annotations, Questions, read_annotations, read_questions


@dataclass(frozen=True)
class PredictedTypes:
    """A type for each of Q questions, and how good such predictions are.

    Attributes
    ----------
    question_ids : ndarray, shape (Q,)
    types : ndarray of str objects, shape (Q,)
    trained_on : int
        Questions learned from.
    out_of_fold : int
        How many of the Q questions were learned from too; their types come from a classifier
        that has not seen them.
    accuracy : float or None
        Percent right, cross-validated with the questions of an image kept together; None if
        all are on one image.
    majority : str
        The most frequent type learned from.
    majority_accuracy : float
        What calling every question so would have right, in percent.
    """

    question_ids: QuestionIds
    types: npt.NDArray[np.object_]
    trained_on: int
    out_of_fold: int
    accuracy: float | None
    majority: str
    majority_accuracy: float

    @property
    def counts(self) -> dict[str, int]:
        """Type → questions."""
        return dict(sorted(Counter(self.types.tolist()).items()))

    def to_dict(self) -> dict[str, Any]:
        """For JSON: the counts in place of every question's type."""
        names = ("trained_on", "out_of_fold", "accuracy", "majority", "majority_accuracy")
        rest = {name: getattr(self, name) for name in names}
        return {"questions": len(self.types), "types": self.counts, **rest}


def predict_types(
    train_questions: str | os.PathLike[str],
    train_annotations: Sequence[str | os.PathLike[str]] | str | os.PathLike[str],
    questions: str | os.PathLike[str],
    *,
    by: str = "answer_type",
) -> PredictedTypes:
    """Learn types from annotated questions and predict those of other questions.

    Parameters
    ----------
    train_questions, questions : path-like
        VQA question JSON files.
    train_annotations : path-like
        The VQA annotation JSON of ``train_questions``.
    by : {"answer_type", "question_type"}
        Which of an annotation's two types to predict.

    Raises
    ------
    InputError
        If a file is bad, or the annotations are not those of the questions or lack the type.
    """
    training, wanted = read_questions(train_questions), read_questions(questions)
    annotations = read_annotations(train_annotations)
    with at(train_questions):
        types = _types_of(training, annotations, by)
    images = np.unique([str(image) for image in training.image_ids], return_inverse=True)[1]
    held_out = predict_out_of_fold(training.texts, types, images)
    predicted = np.asarray(fit_text_types(training.texts, types).predict(wanted.texts), object)

    # An id alone does not tell: some datasets number each split from 0.
    row_of = {key: row for row, key in enumerate(_keys(training))}
    known = np.array([row_of.get(key, -1) for key in _keys(wanted)])
    if held_out is not None:
        predicted[known >= 0] = held_out[known[known >= 0]]
    majority, most = min(Counter(types).items(), key=lambda item: (-item[1], item[0]))
    return PredictedTypes(
        question_ids=wanted.question_ids,
        types=predicted,
        trained_on=len(types),
        out_of_fold=0 if held_out is None else int((known >= 0).sum()),
        accuracy=None if held_out is None else 100 * float((held_out == types).mean()),
        majority=majority,
        majority_accuracy=100 * most / len(types),
    )


def _keys(questions: Questions) -> list[tuple[object, str]]:
    return list(zip(questions.question_ids.tolist(), questions.texts, strict=True))


def _types_of(questions: Questions, annotations: Annotations, by: str) -> npt.NDArray[np.object_]:
    codes, names = annotations.types(by)
    position = look_up(questions.question_ids, annotations.question_ids)
    types = np.append(np.array(names, dtype=object)[codes], "")[position]
    bad = np.flatnonzero(types == "")
    if len(bad):
        absent = position[bad[0]] < 0
        raise InputError(
            "is not in the annotations" if absent else f"has no {by}",
            where=f"question {questions.question_ids[bad[0]]}",
            fix="Give the questions and the annotations of one split."
            if absent
            else "Learn from the other kind with --by, or give the question one.",
        )
    return types
