"""Which answers mean the same: by rules on their form, and by a file of synonyms.

The rules join answers that differ in case, punctuation, articles and contractions (their VQA
normal form is the same), in hyphens and spacing ("t-shirt", "tshirt"), in how a number is
written ("twenty-one", "21"), and in number ("dog", "dogs"). They only ever join answers that
the members give; nothing new is written, except what the file of synonyms says.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np

from vqa_ensemble.answers.normalize import TENS, UNITS, vote_form
from vqa_ensemble.predictions.member import Predictions

_IRREGULAR = {
    "men": "man",
    "women": "woman",
    "children": "child",
    "people": "person",
    "feet": "foot",
    "teeth": "tooth",
    "mice": "mouse",
    "geese": "goose",
}
# Words whose form without the s is another word with another meaning.
_NOT_PLURAL = frozenset(
    "arms customs does glasses goods has hers its news ours shorts this was woods yes".split()
)
_SPACE_TO_CLOSE = re.compile(r"(?<!\d) | (?!\d)")


def closed_form(form: str) -> str:
    """An answer's normal form with numbers in digits and without spaces.

    Spaces between two numbers stay.

    Examples
    --------
    >>> [closed_form(form) for form in ("t shirt", "twenty 1", "2 dogs", "10 1")]
    ['tshirt', '21', '2dogs', '10 1']
    """
    return _SPACE_TO_CLOSE.sub("", " ".join(_in_digits(form.split())))


def singular_forms(form: str) -> list[str]:
    """What the singular of a normal form may be, by the ending of its last word; often none.

    Examples
    --------
    >>> singular_forms("2 dogs"), singular_forms("cherries"), singular_forms("grass")
    (['2 dog'], ['cherry', 'cherrie'], [])
    """
    before, space, word = form.rpartition(" ")
    words = []
    if word in _IRREGULAR:
        words = [_IRREGULAR[word]]
    elif word in _NOT_PLURAL or len(word) < 4 or not word.isalpha():
        words = []
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        if word.endswith("ies"):
            words.append(word[:-3] + "y")
        if word.endswith("ves"):
            words += [word[:-3] + "f", word[:-3] + "fe"]
        if word.endswith(("ses", "xes", "zes", "ches", "shes", "oes")):
            words.append(word[:-2])
        words.append(word[:-1])
    return [before + space + singular for singular in words]


def count_top_answers(predictions: Iterable[Predictions]) -> dict[str, int]:
    """Every answer that the members list, with how often it is a member's top answer."""
    votes: dict[str, int] = defaultdict(int)
    for p in predictions:
        vocabulary = p.vocabulary.to_pylist()
        counts = np.bincount(p.answers[p.starts[:-1]], minlength=len(vocabulary))
        for code in np.unique(p.answers).tolist():
            votes[vocabulary[code]] += int(counts[code])
    return dict(votes)


def find_merges(
    votes: Mapping[str, int],
    *,
    rules: bool = True,
    synonyms: Mapping[str, str] | None = None,
    frequency: Mapping[str, int] | None = None,
) -> dict[str, str]:
    """Which answers mean the same: each answer's representative.

    A class of answers is represented by the canonical answer of the synonyms if they name one,
    else by the most frequent in the answer map, else by the one with most votes, else by the
    alphabetically first. See :func:`vqa_ensemble.voting.merge.merge_ballots`.

    Parameters
    ----------
    votes : mapping of str to int
        Every answer that occurs, with how many votes it has.
    rules : bool
        Join answers by the rules; otherwise the synonyms alone count.
    synonyms : mapping of str to str, optional
        Answer → canonical answer, compared in normal form. They overrule the rules: answers
        with different canonicals are never joined, so ``{"glass": "glass", "drink": "drink"}``
        keeps two apart.
    frequency : mapping of str to int, optional
        How often the answer map has seen each answer.

    Returns
    -------
    dict
        Answer → representative, for the answers that change.

    Examples
    --------
    >>> votes = {"2": 3, "two": 4, "T-shirt": 1, "t shirt": 2, "dogs": 2, "dog": 1, "red": 5}
    >>> find_merges(votes, frequency={"2": 900})
    {'two': '2', 'T-shirt': 't shirt', 'dog': 'dogs'}
    >>> find_merges(votes, rules=False, synonyms={"dog": "animal", "dogs": "animal"})
    {'dogs': 'animal', 'dog': 'animal'}
    """
    synonyms, frequency = synonyms or {}, frequency or {}
    canonical = {vote_form(meant): meant for meant in synonyms.values()}
    canonical |= {vote_form(answer): meant for answer, meant in synonyms.items()}
    forms = {answer: vote_form(answer) for answer in votes}
    classes = _join_by_rules({*forms.values(), *canonical}, canonical) if rules else None

    members: dict[tuple[str, str], list[str]] = defaultdict(list)
    for answer, form in forms.items():
        name, meant = (answer, "") if classes is None else classes.find(closed_form(form))
        meant = canonical.get(form, meant)
        members["" if meant else name, meant].append(answer)
    merges: dict[str, str] = {}
    for (_, meant), answers in members.items():
        best = meant or min(answers, key=lambda a: (-frequency.get(a, 0), -votes[a], a))
        merges |= {answer: best for answer in answers if answer != best}
    return {answer: merges[answer] for answer in votes if answer in merges}


def _join_by_rules(forms: set[str], canonical: Mapping[str, str]) -> _Classes:
    """Classes of closed forms: plurals are joined with singulars that occur."""
    classes = _Classes()
    for form, meant in canonical.items():
        classes.pin(closed_form(form), meant)
    known = {closed_form(form) for form in forms}
    for form in sorted(forms):
        for singular in map(closed_form, singular_forms(form)):
            if singular in known:
                classes.join(closed_form(form), singular)
                break
    return classes


class _Classes:
    """Keys joined into classes (union-find); classes of different canonicals stay apart."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}
        self._canonical: dict[str, str] = {}

    def find(self, key: str) -> tuple[str, str]:
        """The key that names the class, and its canonical answer or an empty string."""
        while key in self._parent:
            key = self._parent[key]
        return key, self._canonical.get(key, "")

    def pin(self, key: str, canonical: str) -> None:
        """Give a class its canonical answer, unless it has one."""
        self._canonical.setdefault(self.find(key)[0], canonical)

    def join(self, key: str, other: str) -> None:
        """Make two classes one, unless they have different canonical answers."""
        (key, ours), (other, theirs) = self.find(key), self.find(other)
        if key != other and (not ours or not theirs or ours == theirs):
            self._parent[key] = other
            if ours:
                self._canonical[other] = ours


def _in_digits(words: list[str]) -> list[str]:
    """Number words to digits; "twenty 1" is 21."""
    out: list[str] = []
    tens = 0  # of the word before, while it may take a unit
    for word in words:
        unit = UNITS.get(word, int(word) if len(word) == 1 and word.isdecimal() else -1)
        if tens and 0 < unit < 10:
            out[-1] = str(tens + unit)
            tens = 0
            continue
        tens = TENS.get(word, 0)
        out.append(str(tens or unit) if tens or unit >= 0 else word)
    return out
