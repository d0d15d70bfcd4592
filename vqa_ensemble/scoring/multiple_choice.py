"""Multiple-choice accuracy.

Schwenk et al., "A-OKVQA: A Benchmark for Visual Question Answering using World Knowledge", ECCV
2022, score the text of the choice so.
"""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_uppercase

import numpy as np
import numpy.typing as npt

from vqa_ensemble.scoring.exact_match import same_text
from vqa_ensemble.scoring.metric import Codes, ReferenceMetric, Scored


class MultipleChoice(ReferenceMetric):
    """1 where the answer is the right choice."""

    def compare(self, questions: Codes, texts: list[str]) -> Scored:
        """As :func:`multiple_choice`."""
        choices = self.benchmark.choices
        options = None if choices is None else [choices[question] for question in questions]
        return multiple_choice(texts, self.right(questions), options)


METRIC = MultipleChoice


def multiple_choice(
    answers: Sequence[str],
    right: Sequence[str],
    choices: Sequence[Sequence[str]] | None = None,
) -> npt.NDArray[np.float64]:
    """1 where the answer is the right choice, as text or, if the choices are known, as letter.

    Parameters
    ----------
    answers, right : sequence of str, length Q
    choices : sequence of sequence of str, optional
        The options of each question; the first is A.

    Examples
    --------
    >>> multiple_choice(["cat", "B", "C"], ["cat", "dog", "dog"], [["cat", "dog"]] * 3).tolist()
    [1.0, 1.0, 0.0]
    """
    texts = [answer.strip() for answer in answers]
    if choices is not None:
        texts = [
            text
            if text in options
            else dict(zip(ascii_uppercase, options, strict=False)).get(text, text)
            for text, options in zip(texts, choices, strict=True)
        ]
    return same_text(texts, [choice.strip() for choice in right])
