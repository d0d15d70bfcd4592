"""Errors that a user can mend. The command line prints them and exits with 1."""

from __future__ import annotations

import os

# What to do about a file whose bytes are not what its format asks for.
DAMAGED = "Check that it was copied whole, or make it again."


class InputError(ValueError):
    """Something the user gave is wrong: a file, a row, a question, an option.

    The message is one line made of where it is, what is wrong and how to mend it,
    so that every command reports bad input the same way.

    Parameters
    ----------
    problem : str
        What is wrong, with the offending value.
    path : path-like, optional
        The file it is in.
    where : str, optional
        The place inside the file: ``"row 12"``, ``"question 42000"``.
    fix : str, optional
        What the user can do about it.
    """

    def __init__(
        self,
        problem: str,
        *,
        path: str | os.PathLike[str] | None = None,
        where: str | None = None,
        fix: str | None = None,
    ) -> None:
        self.problem = problem
        self.path = None if path is None else os.fspath(path)
        self.where = where
        self.fix = fix
        place = ", ".join(part for part in (self.path, where) if part)
        message = f"{place}: {problem}" if place else problem
        if fix:
            message = f"{message.rstrip('.')}. {fix}"
        # Libraries' own reasons, quoted in problems, may run over several lines.
        super().__init__(" ".join(line.strip() for line in message.splitlines()).strip())


def first_line(error: BaseException) -> str:
    """What an exception of another package says, in one line.

    Examples
    --------
    >>> first_line(ValueError("first\\nsecond")), first_line(EOFError())
    ('first', 'EOFError')
    """
    return next(iter(str(error).splitlines()), "") or type(error).__name__
