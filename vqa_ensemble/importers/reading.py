"""Answers out of the texts that a file holds: extracted, and letters where it has options."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from string import ascii_uppercase
from typing import Any, NamedTuple

from vqa_ensemble.answers.choices import choose_option, stated_letter
from vqa_ensemble.answers.extraction import CELL_LIMIT, Extracted, extract_answer
from vqa_ensemble.answers.normalize import is_normal, vote_form
from vqa_ensemble.errors import InputError

NO_OPTION = "no single option recognised"
_AT_LIMIT = f"cut at the {CELL_LIMIT:,} characters of a spreadsheet's cell"
_NO_MATCH = "no match of --extract"
# How services say that they stopped a model before it was done.
_UNFINISHED = {
    "length": "length", "max_tokens": "length", "max_output_tokens": "length",
    "model_length": "length", "content_filter": "content filter", "safety": "content filter",
    "recitation": "content filter", "refusal": "content filter", "blocklist": "content filter",
    "model_context_window_exceeded": "length", "prohibited_content": "content filter",
    "spii": "content filter", "image_safety": "content filter",
}  # fmt: skip
_PREFIX = re.compile(r"^\(?([A-Z])[.):]\s*")
_SHOWN = 60
# Share of answers out of normal form, and their number, that make a member raw as a whole.
ALL_RAW, LEAST_RAW = 0.2, 10


def unfinished(reason: Any) -> str:
    """Why a text is no whole answer, by its ``finish_reason``; empty if it is one.

    Examples
    --------
    >>> unfinished("length"), unfinished("stop"), unfinished(None)
    ('cut off: finish_reason length', '', '')
    """
    kind = _UNFINISHED.get(str(reason).lower())
    return f"cut off: finish_reason {kind}" if kind else ""


def options_of(row: Mapping[str, Any]) -> dict[str, str]:
    """The options' texts of a row by letter, under A, B, … or as a list; empty if it has none.

    Examples
    --------
    >>> options_of({"A": "cat", "B": "dog", "C": float("nan")})
    {'A': 'cat', 'B': 'dog'}
    >>> options_of({"doc": {"options": "['cat', 'dog']"}})
    {'A': 'cat', 'B': 'dog'}
    """
    texts: Mapping[Any, Any] = {letter: row[letter] for letter in ascii_uppercase if letter in row}
    for name in ("options", "choices"):
        texts = texts or _by_letter(row.get(name))
    # NaN stands where a question has fewer options than others.
    named = {
        str(letter): str(text)
        for letter, text in texts.items()
        if isinstance(text, str | int | float) and text == text and str(text).strip()
    }
    if len(named) < 2 or not named.keys() <= set(ascii_uppercase):
        doc = row.get("doc")
        return options_of(doc) if isinstance(doc, Mapping) else {}
    return _without_letters(named)


def _by_letter(given: Any) -> Mapping[Any, Any]:
    """A list of options, or a dictionary of them, also as text; empty if it is neither."""
    if isinstance(given, str) and given[:1] in ("[", "{"):
        try:
            given = ast.literal_eval(given)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            return {}
    if isinstance(given, list) and 1 < len(given) <= len(ascii_uppercase):
        return dict(zip(ascii_uppercase, given, strict=False))
    return given if isinstance(given, dict) else {}


def _without_letters(options: dict[str, str]) -> dict[str, str]:
    """The options' texts without their letters, if each starts with its own ("A. cat")."""
    prefixes = [_PREFIX.match(text) for text in options.values()]
    if [found and found[1] for found in prefixes] != [*options]:
        return options
    return {letter: _PREFIX.sub("", text) for letter, text in options.items()}


def answers_by_letter(pairs: Iterable[tuple[str, Mapping[str, str]]]) -> bool:
    """Whether a file's texts choose options: at least half of those that have some by letter."""
    asked = chosen = 0
    for text, options in pairs:
        if options:
            asked += 1
            chosen += choose_option(text, dict.fromkeys(options, "")) is not None
    return bool(asked) and 2 * chosen >= asked


class Read(NamedTuple):
    """An answer, or why there is none."""

    answer: str
    missing: str = ""


@dataclass
class Reader:
    """Reads answers, and counts what was cut to get them.

    Attributes
    ----------
    how : str
        ``none``, ``auto``, or a regular expression: its last match is the answer, or that match's
        first group.
    marks : Counter of str
        Answers by what they were found by.
    normalize : bool
        Bring answers into the form that ``vote --normalize`` counts them in; not letters.
    examples : dict of str to (str, str)
        One text and its answer for each.
    read : int
        Answers read.
    raw : Counter of str
        Those that are not in that form.
    """

    how: str = "auto"
    normalize: bool = False
    marks: Counter[str] = field(default_factory=Counter)
    examples: dict[str, tuple[str, str]] = field(default_factory=dict)
    read: int = 0
    raw: Counter[str] = field(default_factory=Counter)

    def __call__(self, text: str, options: Mapping[str, str]) -> Read:
        """The answer in a text; options' texts where the question has a letter for an answer."""
        read = self._extract(text, options)
        if read.answer:
            self.read += 1
            if not is_normal(read.answer):
                if self.normalize:
                    return Read(vote_form(read.answer))
                self.raw[read.answer] += 1
        return read

    @property
    def caution(self) -> str:
        """What to say of answers that are raw as a whole; else empty."""
        raw = self.raw.total()
        if raw < LEAST_RAW or raw <= ALL_RAW * self.read:
            return ""
        example = self.raw.most_common(1)[0][0]
        return (
            f"the answers are in raw form: {raw:,} of {self.read:,} ({raw / self.read:.0%}) change "
            f'("{_short(example)}" is "{_short(vote_form(example))}") if they are brought into VQA '
            "normal form, in which most benchmarks compare them. Give --normalize, here or to the "
            "vote."
        )

    def _extract(self, text: str, options: Mapping[str, str]) -> Read:
        if self.how == "none":
            return Read(text.strip())
        if len(text) == CELL_LIMIT:
            return Read("", _AT_LIMIT)
        found = extract_answer(text) if self.how == "auto" else self._match(text)
        if found.missing:
            return Read("", found.missing)
        answer, marks = found.answer, found.marks
        if options:
            chosen = choose_option(answer if self.how != "auto" else text, options)
            if chosen is None:
                return Read("", NO_OPTION if answer else "")
            marks = marks if chosen == answer else (*marks, "letter")
            answer = chosen
        elif " " in answer and self.how == "auto" and (letter := stated_letter(text)):
            answer, marks = letter, (*marks, "letter")
        for mark in marks:
            self.marks[mark] += 1
            self.examples.setdefault(mark, (_short(text), _short(answer)))
        return Read(answer)

    def _match(self, text: str) -> Extracted:
        found = max(re.finditer(self.how, text), key=re.Match.start, default=None)
        if found is None:
            return Extracted("", missing=_NO_MATCH)
        groups: Sequence[str | None] = found.groups()
        answer = next((group for group in groups if group), found[0]).strip()
        return Extracted(answer, () if answer == text.strip() else ("--extract",))


def check_pattern(how: str) -> None:
    """Raise InputError if ``how`` is neither ``none``, ``auto`` nor a regular expression."""
    try:
        re.compile(how)
    except re.error as error:
        raise InputError(
            f"--extract is {how!r}, which is no regular expression ({error})",
            fix="Give none, auto, or one like 'Answer: (.*)'.",
        ) from error


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else "… " + line[-_SHOWN + 2 :]
