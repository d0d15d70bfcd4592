"""Errors that a user can mend. The command line prints them and exits with 1."""

from __future__ import annotations

import copyreg
import os
import reprlib
from collections.abc import Callable
from typing import Any

# What to do about a file whose bytes are not what its format asks for.
DAMAGED = "Check that it was copied whole, or make it again."
# What to do about a file or folder that is not there.
ABSENT = "Check the path."
# What to do about a path that is of something else.
NOT_A_FILE = "Give a file, not a folder, a pipe or a device."

# Characters of a value that a message shows.
_SHOWN = 60


class InputError(ValueError):
    """Something the user gave is wrong: a file, a row, a question, an option.

    The message is one line made of where it is, what is wrong and how to mend it,
    so that every command reports bad input the same way.

    Parameters
    ----------
    problem : str
        What is wrong, with the offending value.
    fix : str
        What the user can do about it.
    path : path-like, optional
        The file it is in.
    where : str, optional
        The place inside the file: ``"row 12"``, ``"question 42000"``.
    """

    def __init__(
        self,
        problem: str,
        *,
        fix: str,
        path: str | os.PathLike[str] | None = None,
        where: str | None = None,
    ) -> None:
        self.problem = problem
        self.path = None if path is None else os.fspath(path)
        self.where = where
        self.fix = fix
        place = ", ".join(part for part in (self.path, where) if part)
        message = f"{place}: {problem}" if place else problem
        message = f"{message.rstrip('. ')}. {fix}"
        # Libraries' own reasons, quoted in problems, may run over several lines.
        super().__init__(" ".join(line.strip() for line in message.splitlines()).strip())

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[type], dict[str, Any]]:
        """Workers send it as it is: an exception's own way knows no keyword arguments."""
        return copyreg.__newobj__, (type(self),), {"args": self.args, **vars(self)}  # type: ignore[attr-defined]


def shown(value: object) -> str:
    """How a message shows a value of a file, of whatever size it is.

    Examples
    --------
    >>> shown("cat"), shown(["cat", None])
    ("'cat'", "['cat', None]")
    """
    text = reprlib.repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def first_line(error: BaseException) -> str:
    """What an exception of another package says, in one line.

    Examples
    --------
    >>> first_line(ValueError("first\\nsecond")), first_line(EOFError())
    ('first', 'EOFError')
    """
    return next(iter(str(error).splitlines()), "") or type(error).__name__
