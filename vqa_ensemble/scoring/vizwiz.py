"""What the VizWiz challenge scores (Gurari et al., "VizWiz Grand Challenge", CVPR 2018).

Its accuracy is VQA accuracy, except that the human answers are compared as they are written.
Beside it stands how well unanswerable questions are told: the average precision of "cannot be
answered", as scikit-learn computes it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from vqa_ensemble.formats.vqa_json import Annotations
from vqa_ensemble.normalize import normalize_answers
from vqa_ensemble.predictions.member import Predictions
from vqa_ensemble.scoring.exact_match import reference_answers

UNANSWERABLE = "unanswerable"


def unanswerable_precision(confidences: npt.ArrayLike, unanswerable: npt.ArrayLike) -> float | None:
    """Average precision, in [0, 1], of telling unanswerable questions by confidence.

    Parameters
    ----------
    confidences : array-like of float, shape (Q,)
        How sure it is that the question cannot be answered.
    unanswerable : array-like of bool, shape (Q,)

    Returns
    -------
    float or None
        None if no question is unanswerable.

    Examples
    --------
    >>> round(unanswerable_precision([0.9, 0.8, 0.1], [True, False, True]), 4)
    0.8333
    """
    from sklearn.metrics import average_precision_score

    labels = np.asarray(unanswerable, dtype=np.bool_)
    if not labels.any():
        return None
    return float(average_precision_score(labels, np.asarray(confidences)))


def unanswerable_questions(annotations: Annotations) -> npt.NDArray[np.bool_]:
    """Which questions most humans called unanswerable, shape (Q,)."""
    forms = normalize_answers(reference_answers(annotations))
    return np.array([form == UNANSWERABLE for form in forms])


def unanswerable_confidences(answers: Sequence[str]) -> npt.NDArray[np.float64]:
    """1 for the answer "unanswerable", 0 for any other, shape (Q,)."""
    return np.array([form == UNANSWERABLE for form in normalize_answers(answers)], np.float64)


def unanswerable_confidences_of(predictions: Predictions) -> npt.NDArray[np.float64]:
    """Each question's confidence in "unanswerable", 0 where it is no answer, shape (Q,)."""
    wanted = unanswerable_confidences(predictions.vocabulary.to_pylist())[predictions.answers]
    scores = wanted * predictions.confidences
    return np.asarray(np.maximum.reduceat(scores, predictions.starts[:-1]), dtype=np.float64)
