"""Multiple-choice accuracy.

Schwenk et al., "A-OKVQA: A Benchmark for Visual Question Answering using World Knowledge", ECCV
2022, score the text of the choice so. Letters are read as people write them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from string import ascii_uppercase

import numpy as np
import numpy.typing as npt

from vqa_ensemble.scoring.exact_match import same_text
from vqa_ensemble.scoring.metric import Codes, ReferenceMetric, Scored

# A letter alone or in brackets; before more text it needs a mark: "A dog" is no letter.
_LETTER = re.compile(
    r"\(?([A-Za-z])\)?[.:]?|(?:\(([A-Za-z])\)\s*|([A-Za-z])[.:)]+\s+)(\S.*)", re.DOTALL
)


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
    """1 where the answer is the right choice, as its text or its letter.

    Parameters
    ----------
    answers, right : sequence of str, length Q
    choices : sequence of sequence of str, optional
        The options of each question; the first is A.

    Examples
    --------
    >>> animals = [["cat", "dog"]] * 4
    >>> multiple_choice(["cat", "B", "b.", "C"], ["cat", "dog", "B", "dog"], animals).tolist()
    [1.0, 1.0, 1.0, 0.0]
    >>> multiple_choice(["b", "(B)", "B. dog", "A dog"], ["B", "B", "B", "A"]).tolist()
    [1.0, 1.0, 1.0, 0.0]
    """
    every = choices if choices is not None else [()] * len(answers)
    rows = list(zip(answers, right, every, strict=True))
    return same_text(
        [choice(answer, options, of=key) for answer, key, options in rows],
        [choice(key, options, of=key) for _, key, options in rows],
    )


def choice(text: str, options: Sequence[str] = (), *, of: str | None = None) -> str:
    """The option that a text means, by its text or its letter; the text itself if none.

    Parameters
    ----------
    text : str
        A letter may stand alone or before the option's text: ``b``, ``B.``, ``(B)``, ``B. dog``;
        not before the text of another option.
    options : sequence of str
        The first is A. Without them letters stay letters, in upper case.
    of : str, optional
        The right answer: without options, letters are read only where it is one.

    Examples
    --------
    >>> [choice(text, ["cat", "dog"]) for text in ("dog", "b", "B. a dog", "B. cat", "A cat")]
    ['dog', 'dog', 'dog', 'B. cat', 'A cat']
    """
    text = text.strip()
    plain = [option.strip() for option in options]
    if text in plain or (not options and of is not None and not _LETTER.fullmatch(of.strip())):
        return text
    match = _LETTER.fullmatch(text)
    if match is None:
        return text
    letter = (match[1] or match[2] or match[3]).upper()
    if not options:
        return letter
    place, rest = ascii_uppercase.index(letter), (match[4] or "").strip(" .").lower()
    others = [option.lower() for option in plain[:place] + plain[place + 1 :]]
    return plain[place] if place < len(plain) and rest not in others else text
