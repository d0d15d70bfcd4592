"""Text in CSV files that a spreadsheet would run as a formula.

A cell that begins with ``=``, ``+``, ``-``, ``@``, a tab or a carriage return is one to Excel and
its kin (OWASP, "CSV Injection"). An apostrophe before it makes it text. A cell that looks as if
it had been guarded already gets one more, so that taking one away always gives the text back.
"""

from __future__ import annotations

import re

_RISKY = re.compile(r"'*[=+\-@\t\r]")
_GUARDED = re.compile(r"'+[=+\-@\t\r]")


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would run the text.

    Examples
    --------
    >>> is_formula("=1+1"), is_formula("'=1+1")
    (True, False)
    """
    return bool(_RISKY.match(text)) and not text.startswith("'")


def guard(text: str) -> str:
    """The text, made harmless.

    Examples
    --------
    >>> guard("=1+1"), guard("'-5"), guard("'tis"), guard("2")
    ("'=1+1", "''-5", "'tis", '2')
    """
    return f"'{text}" if _RISKY.match(text) else text


def unguard(text: str) -> str:
    """The text that was guarded.

    Examples
    --------
    >>> [unguard(guard(text)) for text in ("=1+1", "'-5", "'tis", "2")]
    ['=1+1', "'-5", "'tis", '2']
    """
    return text[1:] if _GUARDED.match(text) else text
