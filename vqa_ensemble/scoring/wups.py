"""WUPS, which also credits an answer for being near to the right one in WordNet's taxonomy.

Malinowski and Fritz, "A Multi-World Approach to Question Answering about Real-World Scenes based
on Uncertain Input", NIPS 2014, equation 9. Answers are sets of things, written with commas:
"table, chair". For an answer A and the right one T the score is

    min( Π over a in A of max over t in T of s(a, t),  Π over t in T of max over a in A of s(a, t) )

where s is the Wu-Palmer similarity, a tenth of it where it is below the threshold. WUPS@0.9 is
the usual figure; WUPS@0.0 takes every similarity as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
import numpy.typing as npt

from vqa_ensemble.answers.normalize import normalize_answers
from vqa_ensemble.scoring.metric import Answers, Codes, ReferenceMetric, Scored, Similarity

THRESHOLD = 0.9
# What similarities below the threshold are multiplied by.
BELOW = 0.1


class Wups(ReferenceMetric):
    """WUPS@0.9, and WUPS@0.0."""

    def prepare(self) -> None:
        """Find the right answers, and open WordNet."""
        super().prepare()
        if self.wordnet is None:
            raise TypeError("WUPS needs WordNet")
        self._similarity = self.wordnet()

    def compare(self, questions: Codes, texts: list[str]) -> Scored:
        """As :func:`wups`."""
        return wups(texts, self.right(questions), self._similarity)

    def more(self, scores: Scored, questions: Codes, answers: Answers) -> dict[str, float | None]:
        """WUPS@0.0."""
        plain = wups(answers.texts, self.right(questions), self._similarity, threshold=0.0)
        return {"WUPS@0.0": round(100 * float(plain.sum()) / len(scores), 2)}


METRIC = Wups


def wups(
    answers: Sequence[str],
    references: Sequence[str],
    similarity: Similarity,
    threshold: float = THRESHOLD,
) -> npt.NDArray[np.float64]:
    """How near every answer is to its reference, in [0, 1].

    An answer that is the reference in VQA normal form scores 1: members that were trained here
    answer in that form, which has no commas.

    Parameters
    ----------
    answers, references : sequence of str, length Q
    similarity : callable
        Two things → their Wu-Palmer similarity, 0 if one of them is unknown;
        :meth:`vqa_ensemble.files.wordnet.WordNet.similarity`.
    threshold : float

    Returns
    -------
    ndarray of float64, shape (Q,)

    Examples
    --------
    >>> def alike(first: str, second: str) -> float:
    ...     return 0.8
    >>> wups(["table, chair", "chair table", "lamp", "table"],
    ...      ["chair, table", "chair, table", "table", "chair, table"], alike).round(3)
    array([1.  , 1.  , 0.08, 0.08])
    """

    def near(first: str, second: str) -> float:
        if first == second:
            return 1.0
        value = similarity(first, second)
        return value if value >= threshold else BELOW * value

    def covered(things: set[str], by: set[str]) -> float:
        return prod(max((near(thing, other) for other in by), default=0.0) for thing in things)

    given = [_things(answer) for answer in answers]
    right = [_things(reference) for reference in references]
    same = zip(_normal(answers, given), _normal(references, right), strict=True)
    return np.array(
        [
            1.0 if equal else min(covered(a, t), covered(t, a))
            for equal, a, t in zip((one == other for one, other in same), given, right, strict=True)
        ],
        dtype=np.float64,
    )


def _things(answer: str) -> set[str]:
    """The things that an answer lists, in lower case."""
    things = (" ".join(thing.split()) for thing in answer.lower().split(","))
    return {thing for thing in things if thing}


def _normal(answers: Sequence[str], things: Sequence[set[str]]) -> list[str]:
    """VQA normal forms, of a list with its things in the order of the alphabet."""
    return normalize_answers(
        [
            ", ".join(sorted(listed)) if len(listed) > 1 else answer
            for answer, listed in zip(answers, things, strict=True)
        ]
    )
