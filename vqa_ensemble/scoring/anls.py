"""Average normalised Levenshtein similarity, for questions about text in images.

Biten et al., "Scene Text Visual Question Answering", ICCV 2019, equation 1: an answer scores
1 - d against the nearest of the right answers, where d is the edit distance over the length of
the longer text; less than 0.5 counts as 0 (at 0.5 itself the paper has 0, the challenges' own
scripts, followed here, 0.5). Case and spaces around words are left aside; the length, as in these
scripts, is that of the texts as they are written.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from vqa_ensemble.errors import need
from vqa_ensemble.scoring.metric import Codes, ReferenceMetric, Scored

THRESHOLD = 0.5


class Anls(ReferenceMetric):
    """Similarity to the nearest of all human answers."""

    def prepare(self) -> None:
        """List every question's human answers."""
        known = self.annotations
        flat = [known.vocabulary[code] for code in known.answers.tolist()]
        self.references = [flat[begin:end] for begin, end in pairwise(known.starts.tolist())]

    def compare(self, questions: Codes, texts: list[str]) -> Scored:
        """As :func:`anls`."""
        return anls(texts, self.right(questions))


METRIC = Anls


def anls(answers: Sequence[str], references: Sequence[Sequence[str]]) -> npt.NDArray[np.float64]:
    """The similarity of every answer to the nearest of its references.

    Parameters
    ----------
    answers : sequence of str, length Q
    references : sequence of sequence of str, length Q
        None of them empty.

    Returns
    -------
    ndarray of float64, shape (Q,)

    Raises
    ------
    InputError
        If rapidfuzz is not installed.

    Examples
    --------
    >>> anls(["Coca  cola", "pepsi", "x"], [["coca-cola", "cola"], ["PEPSI"], ["yes"]]).round(3)
    array([0.9, 1. , 0. ])
    """
    with need("ANLS needs rapidfuzz", extra="metrics"):
        from rapidfuzz.distance import Levenshtein

    def share(answer: str, reference: str) -> float:
        length = max(len(answer.upper()), len(reference.upper()))
        return Levenshtein.distance(_plain(answer), _plain(reference)) / length if length else 0.0

    nearest = [
        min(share(answer, one) for one in right)
        for answer, right in zip(answers, references, strict=True)
    ]
    similarity = 1 - np.array(nearest, dtype=np.float64)
    return np.where(similarity < THRESHOLD, 0.0, similarity)


def _plain(text: str) -> str:
    return " ".join(text.lower().split())
