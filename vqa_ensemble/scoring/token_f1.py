"""Overlap of words, for open answers of more than one word.

Rajpurkar et al., "SQuAD: 100,000+ Questions for Machine Comprehension of Text", EMNLP 2016,
section 6.1, in the normal form of its script: lower case, no punctuation of ASCII, no articles.
"""

from __future__ import annotations

import re
import string
from collections import Counter

from vqa_ensemble.scoring.metric import AnyReference

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


class TokenF1(AnyReference):
    """F1 of the words of an answer."""

    def prepare(self) -> None:
        """List the right answers; those without words count only where no other is there."""
        super().prepare()
        self.references = [
            [one for one in right if tokens(one)] or right for right in self.references
        ]

    def agreement(self, answer: str, reference: str) -> float:
        """As :func:`token_f1`."""
        return token_f1(answer, reference)


METRIC = TokenF1


def token_f1(answer: str, reference: str) -> float:
    """Harmonic mean of the shares of the answer's and the reference's words that both have.

    Examples
    --------
    >>> token_f1("The brown dog.", "a dog"), token_f1("cat", "dog"), token_f1("the", "?")
    (0.6666666666666666, 0.0, 0.0)
    """
    given, right = tokens(answer), tokens(reference)
    if not right:
        # Against no answer at all any without words is right; "?" is not the letter A.
        return float(not given if not reference.strip() else same_as_written(answer, reference))
    if not given:
        return 0.0
    same = sum((Counter(given) & Counter(right)).values())
    if same == 0:
        return 0.0
    precision, recall = same / len(given), same / len(right)
    return 2 * precision * recall / (precision + recall)


def same_as_written(answer: str, reference: str) -> bool:
    """Whether two texts are the same but for case and outer spaces."""
    return answer.strip().lower() == reference.strip().lower()


def tokens(text: str) -> list[str]:
    """The words of a text in SQuAD's normal form.

    Examples
    --------
    >>> tokens("The dog's Tie-dye!")
    ['dogs', 'tiedye']
    """
    return _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split()
