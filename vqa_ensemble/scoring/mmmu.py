"""Multiple-choice and open questions of MMMU.

Yue et al., "MMMU: A Massive Multi-discipline Multimodal Understanding and Reasoning Benchmark",
CVPR 2024, section 4.1. Responses are read as the authors' script reads them; where it draws a
letter at random, as :mod:`~vqa_ensemble.answers.choices` reads them, and what has none is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from string import ascii_uppercase

import numpy as np

from vqa_ensemble.answers.choices import choose_option
from vqa_ensemble.scoring.metric import Answers, AnyReference, Codes, Scored, percent

_MARKS = ",.!?;:'"
_INDICATORS = ("could be ", "so ", "is ", "thus ", "therefore ", "final ", "answer ", "result ")
_TRIVIAL = frozenset(":,.!?;'")
_NUMBERS = tuple(
    map(
        re.compile,
        (
            r"-?\b\d{1,3}(?:,\d{3})+\b",
            r"-?\d+(?:\.\d+)?[eE][+-]?\d+",
            r"-?(?:\d+\.\d+|\.\d+|\d+\b)(?![eE][+-]?\d+)(?![,\d])",
        ),
    )
)
OPEN_TYPES = ("open", "short-answer")


class Mmmu(AnyReference):
    """Share of right answers, and of letters that could not be read."""

    def prepare(self) -> None:
        """Tell questions with options, and their right letters, from open ones."""
        super().prepare()
        known, right = self.annotations, self.benchmark.right_choices
        types = [known.question_type_names[code] for code in known.question_types.tolist()]
        answer_types = [known.answer_type_names[code] for code in known.answer_types.tolist()]
        if right is not None:
            self.references = [[one] for one in right]
        last = max((one for keys in self.references for one in keys if _is_letter(one)), default="")
        unknown = dict.fromkeys(ascii_uppercase[: max(ascii_uppercase.find(last) + 1, 4)], "")
        choices = self.benchmark.choices or [()] * len(known)
        self.options: list[Mapping[str, str]] = []
        for position, (options, keys) in enumerate(zip(choices, self.references, strict=True)):
            if options:
                letters = dict(zip(ascii_uppercase, options, strict=False))
                self.options.append(letters)
                if right is not None or not letters.keys() >= set(keys):
                    self.references[position] = [_letter_of(key, letters) for key in keys]
            elif {types[position], answer_types[position]}.isdisjoint(OPEN_TYPES) and all(
                map(_is_letter, keys)
            ):
                self.options.append(unknown)
            else:
                self.options.append({})

    def compare(self, questions: Codes, texts: list[str]) -> Scored:
        """1 where the letter, or something that an open answer says, is right."""
        rows = zip(texts, questions.tolist(), self.right(questions), strict=True)
        return np.array(
            [
                parse_letter(text, self.options[question]) in right
                if self.options[question]
                else open_right(text, right)
                for text, question, right in rows
            ],
            dtype=np.float64,
        )

    def agreement(self, answer: str, reference: str) -> float:
        """As :func:`open_right`."""
        return float(open_right(answer, [reference]))

    def more(self, scores: Scored, questions: Codes, answers: Answers) -> dict[str, float | None]:
        """Share of all questions whose letter could not be read; they count as wrong."""
        rows = zip(answers.texts, questions.tolist(), strict=True)
        lost = sum(
            bool(self.options[question]) and parse_letter(text, self.options[question]) is None
            for text, question in rows
        )
        return {"letter unread": percent(lost / len(scores))}


METRIC = Mmmu


def parse_letter(response: str, options: Mapping[str, str]) -> str | None:
    """The letter that a response chooses; None where it names none.

    Parameters
    ----------
    response : str
    options : mapping of str to str
        The text of each letter; empty where it is not known.

    Examples
    --------
    >>> options = {"A": "cat", "B": "dog"}
    >>> [parse_letter(text, options) for text in ("It is (B).", "A or B", "dog", "I am not sure")]
    ['B', 'B', 'B', None]
    """
    text = response
    for mark in _MARKS:
        text = text.strip(mark)
    text = f" {text} "
    lower = text.lower()
    for pattern in ("({})", " {} "):
        places = {letter: text.rfind(pattern.format(letter)) for letter in options}
        if max(places.values()) >= 0:
            return max(places, key=places.__getitem__)
    if len(text.split()) > 5:
        places = {letter: lower.rfind(option.lower()) for letter, option in options.items()}
        if max(places.values()) >= 0 and any(options.values()):
            return max(places, key=places.__getitem__)
    return choose_option(response, options)


def open_right(response: str, references: Sequence[str]) -> bool:
    """Whether a response to an open question says one of the right answers.

    Examples
    --------
    >>> open_right("So the answer is 12.349.", ["12.35"]), open_right("a dog", ["cat"])
    (True, False)
    """
    right = {form for reference in references for form in _forms(reference)}
    numbers = {one for one in right if isinstance(one, float)}
    texts = {one for one in right if isinstance(one, str)}
    tails = _tails(response)
    found = [number for tail in tails for pattern in _NUMBERS for number in pattern.findall(tail)]
    return any(
        said in numbers if isinstance(said, float) else any(one in said for one in texts)
        for part in (*tails, *found)
        for said in _forms(part)
    )


def _tails(response: str) -> list[str]:
    """What follows the words that announce an answer, line by line; all, if none does."""
    response = response.strip().strip(".").lower()
    *lines, last = response.split("\n")
    tails = []
    for line, indicators in (*((line, _INDICATORS) for line in lines), (last, (*_INDICATORS, "="))):
        shortest = ""
        for indicator in indicators:
            if indicator in line:
                tail = line.rsplit(indicator, 1)[-1].strip()
                if not shortest or len(tail) < len(shortest):
                    shortest = tail
        if shortest and shortest not in _TRIVIAL:
            tails.append(shortest)
    return tails or [response]


def _forms(text: str) -> list[str | float]:
    """A number to two decimals, or a text; a single letter needs a space beside it."""
    text = text.strip()
    try:
        return [round(float(text.replace(",", "")), 2)]
    except ValueError:
        text = text.lower()
        return [f" {text}", f"{text} "] if len(text) == 1 else [text]


def _is_letter(text: str) -> bool:
    return len(text) == 1 and text in ascii_uppercase


def _letter_of(key: str, options: Mapping[str, str]) -> str:
    """The letter of a right answer that is a letter, or the text of an option."""
    return next((letter for letter, option in options.items() if option == key), key)
