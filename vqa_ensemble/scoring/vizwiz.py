"""What the VizWiz challenge scores (Gurari et al., "VizWiz Grand Challenge", CVPR 2018).

Its accuracy is VQA accuracy, except that the human answers are compared as they are written.
Beside it stands how well unanswerable questions are told: the average precision and the F1 of
"cannot be answered", as scikit-learn computes them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from vqa_ensemble import ragged
from vqa_ensemble.answers.normalize import normalize_answers
from vqa_ensemble.scoring.metric import Answers, Codes, Scored, percent, reference_answers
from vqa_ensemble.scoring.vqa_accuracy import HumanAnswers, VqaAccuracy

UNANSWERABLE = "unanswerable"


class VizWiz(VqaAccuracy):
    """The challenge's accuracy; average precision and F1 of unanswerable questions."""

    def prepare(self) -> None:
        """Take the human answers as they are written."""
        self.humans = HumanAnswers.as_written(self.annotations)

    def more(self, scores: Scored, questions: Codes, answers: Answers) -> dict[str, float | None]:
        """The two; None if no question is unanswerable."""
        confidences = np.zeros(len(scores))
        confidences[questions] = _confidences(answers)
        if self.benchmark.answerable is not None:
            unanswerable = ~np.array(self.benchmark.answerable)
        else:
            unanswerable = _are_unanswerable(reference_answers(self.annotations))
        precision = unanswerable_precision(confidences, unanswerable)
        f1 = unanswerable_f1(confidences, unanswerable)
        return {
            "unanswerable AP": None if precision is None else percent(precision),
            "unanswerable F1": None if f1 is None else percent(f1),
        }


METRIC = VizWiz


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


def unanswerable_f1(confidences: npt.ArrayLike, unanswerable: npt.ArrayLike) -> float | None:
    """F1, in [0, 1], of a confidence above one half; as :func:`unanswerable_precision`.

    Examples
    --------
    >>> unanswerable_f1([0.9, 0.8, 0.5], [True, False, True])
    0.5
    """
    told, labels = np.asarray(confidences) > 0.5, np.asarray(unanswerable, dtype=np.bool_)
    if not labels.any():
        return None
    return float(2 * (told & labels).sum() / (told.sum() + labels.sum()))


def _confidences(answers: Answers) -> npt.NDArray[np.float64]:
    """Confidence that each question cannot be answered, shape (R,); 0 or 1 in a submission."""
    predictions = answers.predictions
    if predictions is None:
        return _are_unanswerable(answers.texts).astype(np.float64)
    wanted = _are_unanswerable(predictions.vocabulary.to_pylist())[predictions.answers]
    confidences = wanted * predictions.confidences
    return np.asarray(ragged.maxima(predictions.starts, confidences), dtype=np.float64)


def _are_unanswerable(answers: Sequence[str]) -> npt.NDArray[np.bool_]:
    return np.array([form == UNANSWERABLE for form in normalize_answers(answers)], dtype=np.bool_)
