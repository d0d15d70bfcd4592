"""Scores that are 1 where an answer is the right one, and 0 elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from vqa_ensemble.answers.normalize import normalize_answers
from vqa_ensemble.scoring.metric import Codes, ReferenceMetric, Scored


class ExactMatch(ReferenceMetric):
    """1 where an answer has the normal form of the one that most humans gave."""

    def compare(self, questions: Codes, texts: list[str]) -> Scored:
        """As :func:`exact_match`."""
        return exact_match(texts, self.right(questions))


METRIC = ExactMatch


def exact_match(answers: Sequence[str], references: Sequence[str]) -> npt.NDArray[np.float64]:
    """1 where the VQA normal forms of answer and reference are the same.

    Texts of which the form leaves nothing, such as the letter A, are compared as they are written
    but for case and outer spaces: "?" is not "A".

    Parameters
    ----------
    answers, references : sequence of str, length Q

    Returns
    -------
    ndarray of float64, shape (Q,)

    Examples
    --------
    >>> exact_match(["Two", "the cat", "?", "a"], ["2", "cat", "A", "A"]).tolist()
    [1.0, 1.0, 0.0, 1.0]
    """
    return same_text(_forms(answers), _forms(references))


def _forms(texts: Sequence[str]) -> list[str]:
    forms = zip(normalize_answers(texts), texts, strict=True)
    return [form or f" {text.strip().lower()}" for form, text in forms]


def same_text(answers: Sequence[str], references: Sequence[str]) -> npt.NDArray[np.float64]:
    """1 where answer and reference are the same as they are written.

    Examples
    --------
    >>> same_text(["yes", "Yes"], ["yes", "yes"]).tolist()
    [1.0, 0.0]
    """
    pairs = zip(answers, references, strict=True)
    return np.array([answer == reference for answer, reference in pairs], dtype=np.float64)
