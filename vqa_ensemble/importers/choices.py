"""Which option a model chose, from what it wrote.

The rules, in order; the first that finds an option decides:

1. The answer begins with, or is, an option's letter set apart by brackets, a period, a colon
   or the end: ``B``, ``(B)``, ``B. a cat``, ``**B**``.
2. It says ``answer is B``, ``answer: (B)`` or ``option B``; the last such place counts, since
   reasoning ends in its conclusion.
3. Exactly one option's letter stands in it as a word of its own. An ``A`` before another word
   is the article and does not count.
4. Exactly one option's text stands in it. An option whose text is part of another one that
   stands there too does not count: "red" in "dark red".

They are the cases that VLMEvalKit's exact matching knows. Where it would ask a language model,
or draw an option at random, there is no vote here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_LEADING = re.compile(r"[\s*_`]*[(\[]?\s*([A-Z])(?:\s*(?:[)\].:]|[*_`]+|$)|[ \t]*\n)")
_STATED = re.compile(
    r"\b(?:answer|option|choice)\b(?:\s+(?:is|would\s+be))?\s*:?\s*[*_`]*[(\[]?([A-Z])\b(?!')",
    re.IGNORECASE,
)
_WORD = re.compile(r"(?<![\w'])([A-Z])(?![\w'])")
_ARTICLE = re.compile(r"(?<![\w'])A(?=\s+(?!(?:or|and)\b)\w)")


def choose_option(text: str, options: Mapping[str, str]) -> str | None:
    """The letter of the option that a text chooses; None if it chooses none, or several.

    Parameters
    ----------
    text : str
    options : mapping of str to str
        Text of each option by its letter, ``A`` to ``Z``.

    Examples
    --------
    >>> options = {"A": "red", "B": "dark red", "C": "blue"}
    >>> [choose_option(text, options) for text in ("(B)", "C. blue", "The answer is A.")]
    ['B', 'C', 'A']
    >>> choose_option("A car that is dark red", options), choose_option("red or blue", options)
    ('B', None)
    """
    leading = _LEADING.match(text)
    if leading and leading[1] in options:
        return leading[1]
    stated = [found[1] for found in _STATED.finditer(text) if found[1] in options]
    if stated:
        return stated[-1]
    letters = {found[1] for found in _WORD.finditer(_ARTICLE.sub("", text))} & options.keys()
    if len(letters) == 1:
        return letters.pop()
    if letters:
        return None
    return _by_text(text, options)


def _by_text(text: str, options: Mapping[str, str]) -> str | None:
    written = text.lower()
    standing = {}
    # Longer texts first, each blanked out: what is part of it no longer stands by itself.
    for letter, option in sorted(options.items(), key=lambda item: -len(item[1])):
        wanted = option.strip().lower()
        if not wanted:
            continue
        pattern = rf"(?<!\w){re.escape(wanted)}(?!\w)"
        written, count = re.subn(pattern, "\0", written)
        if count:
            standing[letter] = wanted
    return next(iter(standing)) if len(standing) == 1 else None
