"""Errors that a user can mend. The command line prints them and exits with 1."""

from __future__ import annotations

import copyreg
import os
import reprlib
from collections.abc import Callable, Iterator
from contextlib import ContextDecorator, contextmanager
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
        super().__init__(self._message())

    def _message(self) -> str:
        place = ", ".join(part for part in (self.path, self.where) if part)
        message = f"{place}: {self.problem}" if place else self.problem
        message = f"{message.rstrip('. ')}. {self.fix}"
        # Libraries' own reasons, quoted in problems, may run over several lines.
        return " ".join(line.strip() for line in message.splitlines()).strip()

    def place(self, path: str | os.PathLike[str] | None, where: str | None = None) -> None:
        """Say where it is, as far as it does not say so itself."""
        if self.path is None and path is not None:
            self.path = os.fspath(path)
        self.where = self.where or where
        self.args = (self._message(),)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[type], dict[str, Any]]:
        """Workers send it as it is: an exception's own way knows no keyword arguments."""
        return copyreg.__newobj__, (type(self),), {"args": self.args, **vars(self)}  # type: ignore[attr-defined]


class at(ContextDecorator):  # noqa: N801  read as a word: ``with at(path):``
    """Give every InputError raised inside, or in a function, its place: it need not be known there.

    Examples
    --------
    >>> with at("scores.csv"), at(None, "row 3"):
    ...     raise InputError("score is -1", fix="It must lie in [0, 1].")
    Traceback (most recent call last):
    vqa_ensemble.errors.InputError: scores.csv, row 3: score is -1. It must lie in [0, 1].
    """

    # A class, not a generator: readers enter it for every row.
    __slots__ = ("_path", "_where")

    def __init__(self, path: str | os.PathLike[str] | None, where: str | None = None) -> None:
        self._path, self._where = path, where

    def __enter__(self) -> None:
        """Nothing to set up."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Place the error."""
        if isinstance(error, InputError):
            error.place(self._path, self._where)


@contextmanager
def need(what: str, *, extra: str = "", fix: str | None = None) -> Iterator[None]:
    """Say what needs the package that is imported inside, and how to install it, if it is absent.

    Parameters
    ----------
    what : str
        The message: ``"--images needs Pillow"``.
    extra : str
        Of this package.
    fix : str, optional
        In place of the sentence that names the extra.

    Raises
    ------
    InputError
        If it is not installed.

    Examples
    --------
    >>> with need("the example needs a package", extra="all"):
    ...     import no_such_package
    Traceback (most recent call last):
    vqa_ensemble.errors.InputError: the example needs a package. Install it: pip install \
'vqa-ensemble[all]'.
    """
    try:
        yield
    except ImportError as error:
        install = f"Install it: pip install 'vqa-ensemble[{extra}]'."
        raise InputError(what, fix=fix or install) from error


@contextmanager
def as_input_error(problem: str, *kinds: type[Exception], fix: str) -> Iterator[None]:
    """Turn exceptions of these kinds, which another package raises, into InputErrors.

    Parameters
    ----------
    problem : str
        The message, to which the exception's own is added.
    kinds : type of Exception
    fix : str

    Raises
    ------
    InputError

    Examples
    --------
    >>> with as_input_error("the price is no number", ValueError, fix="Write digits."):
    ...     float("a lot")
    Traceback (most recent call last):
    vqa_ensemble.errors.InputError: the price is no number: could not convert string to float: \
'a lot'. Write digits.
    """
    try:
        yield
    except InputError:
        raise
    except kinds as error:
        raise InputError(f"{problem}: {error}", fix=fix) from error


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
