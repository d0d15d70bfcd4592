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

from vqa_ensemble.answers.choices import choose_option
from vqa_ensemble.scoring.exact_match import same_text
from vqa_ensemble.scoring.metric import Codes, ReferenceMetric, Scored

# What MMBench adds to the index of a question for each of its copies.
COPY = 1_000_000
# A right answer that is a letter, in brackets or not.
_LETTER = re.compile(r"\W*[A-Za-z]\W*")


class MultipleChoice(ReferenceMetric):
    """1 where the answer is the right choice."""

    def prepare(self) -> None:
        """Find the right choices; say if questions are copies of each other."""
        super().prepare()
        ids = self.annotations.question_ids
        if not self.together and ids.dtype == np.int64:
            copies = int(np.isin(ids[ids >= COPY] % COPY, ids).sum())
            if copies:
                self.notes.append(
                    f"{copies:,} questions have the ids of copies with turned options; --metric "
                    "circular scores them with their originals, as MMBench does"
                )

    def compare(self, questions: Codes, texts: list[str]) -> Scored:
        """As :func:`multiple_choice`."""
        choices = self.benchmark.choices
        options = None if choices is None else [choices[question] for question in questions]
        return multiple_choice(texts, self.right(questions), options)


METRIC = MultipleChoice


def multiple_choice(
    answers: Sequence[str], right: Sequence[str], choices: Sequence[Sequence[str]] | None = None
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


def choice(text: str, options: Sequence[str] = (), *, of: str) -> str:
    """The option that a text means, by its text or its letter; the text itself if none.

    Parameters
    ----------
    text : str
        Read by :func:`~vqa_ensemble.answers.choices.choose_option`, unless it is an option.
    options : sequence of str
        The first is A. Without them letters stay letters, in upper case.
    of : str
        The right answer: without options, letters are read only where it is one.

    Examples
    --------
    >>> [choice(text, ["cat", "dog"], of="B") for text in ("dog", "b", "B. a dog", "B. cat")]
    ['dog', 'dog', 'dog', 'B. cat']
    """
    text = text.strip()
    known = {letter: one.strip() for letter, one in zip(ascii_uppercase, options, strict=False)}
    if text in known.values() or not (known or _LETTER.fullmatch(of)):
        return text
    letters = known or dict.fromkeys(ascii_uppercase, "")
    # Most answers are mere letters, and reading texts is slow.
    letter = text.upper() if text.upper() in letters else choose_option(text, letters)
    return text if letter is None else known.get(letter, letter)
