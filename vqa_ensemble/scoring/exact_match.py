"""Scores that are 1 where an answer is the right one, and 0 elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from string import ascii_uppercase

import numpy as np
import numpy.typing as npt

from vqa_ensemble.formats.vqa_json import Annotations
from vqa_ensemble.normalize import normalize_answers


def reference_answers(annotations: Annotations) -> list[str]:
    """The answer that most humans gave to each question, as written; the first of them on a tie."""
    bounds = zip(annotations.starts[:-1].tolist(), annotations.starts[1:].tolist(), strict=True)
    codes = annotations.answers.tolist()
    return [
        annotations.vocabulary[Counter(codes[begin:end]).most_common(1)[0][0]]
        for begin, end in bounds
    ]


def exact_match(answers: Sequence[str], references: Sequence[str]) -> npt.NDArray[np.float64]:
    """1 where the VQA normal forms of answer and reference are the same.

    Parameters
    ----------
    answers, references : sequence of str, length Q

    Returns
    -------
    ndarray of float64, shape (Q,)

    Examples
    --------
    >>> exact_match(["Two", "the cat", "dog"], ["2", "cat", "dogs"]).tolist()
    [1.0, 1.0, 0.0]
    """
    return same_text(normalize_answers(answers), normalize_answers(references))


def same_text(answers: Sequence[str], references: Sequence[str]) -> npt.NDArray[np.float64]:
    """GQA accuracy: 1 where answer and reference are the same as they are written.

    Hudson and Manning, "GQA: A New Dataset for Real-World Visual Reasoning and Compositional
    Question Answering", CVPR 2019, section 4.4.

    Examples
    --------
    >>> same_text(["yes", "Yes"], ["yes", "yes"]).tolist()
    [1.0, 0.0]
    """
    pairs = zip(answers, references, strict=True)
    return np.array([answer == reference for answer, reference in pairs], dtype=np.float64)


def multiple_choice(
    answers: Sequence[str],
    right: Sequence[str],
    choices: Sequence[Sequence[str]] | None = None,
) -> npt.NDArray[np.float64]:
    """1 where the answer is the right choice, as text or, if the choices are known, as letter.

    Schwenk et al., "A-OKVQA: A Benchmark for Visual Question Answering using World Knowledge",
    ECCV 2022, score the text so.

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
