"""Text files as every reader here takes them: regular files of UTF-8."""

from __future__ import annotations

import ast
import io
import json
import os
import tokenize
import tomllib
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from vqa_ensemble.errors import ABSENT, NOT_A_FILE, InputError, at
from vqa_ensemble.files.locations import is_url


def check_regular_file(path: str | os.PathLike[str]) -> None:
    """Raise InputError unless there is a file: a folder cannot be read, a pipe waits for ever."""
    if not os.path.exists(path):
        raise InputError("no such file", path=path, fix=ABSENT)
    if not os.path.isfile(path):
        raise InputError("is not a file", path=path, fix=NOT_A_FILE)


def check_not_packed(begin: bytes, path: str | os.PathLike[str]) -> None:
    """Raise InputError if a file begins as gzip or zip files do."""
    for magic, name in ((b"\x1f\x8b", "gzip"), (b"PK\x03\x04", "zip")):
        if begin.startswith(magic):
            raise InputError(f"is packed with {name}", path=path, fix="Unpack it first.")


def check_ending(path: str | os.PathLike[str], endings: Sequence[str]) -> str:
    """The ending of a file's name in lower case; raises InputError unless it is one of these."""
    ending = _ending(path)
    if ending not in endings:
        *some, last = endings
        known = f"{', '.join(some)} or {last}" if some else last
        raise InputError(
            f"its name ends in '{ending}'" if ending else "its name has no ending",
            path=path,
            fix=f"Give a file that ends in {known}.",
        )
    return ending


def check_own_ending(path: str | os.PathLike[str], endings: Sequence[str]) -> None:
    """Raise InputError if a file's name ends as files of a format other than these do."""
    if _ending(path) in _FORMATS:
        check_ending(path, endings)


def _ending(path: str | os.PathLike[str]) -> str:
    name = os.fspath(path)
    return Path(name.partition("?")[0] if is_url(name) else name).suffix.lower()


# Those of data, pictures, weights and archives; names without one of them end as they like.
_FORMATS = frozenset(
    ".bz2 .csv .db .eval .gz .h5 .hdf5 .htm .html .jpeg .jpg .json .jsonl .lmdb .md .npy .npz "
    ".parquet .pdf .pickle .pkl .png .pt .pth .py .safetensors .tar .toml .tsv .xls .xlsx .xml "
    ".xz .yaml .yml .zip .zst".split()
)


def cannot_read(
    path: str | os.PathLike[str], error: Exception, where: str | None = None
) -> InputError:
    """What the operating system says against reading a file."""
    reason = getattr(error, "strerror", None) or error
    return InputError(
        f"cannot be read: {reason}",
        path=path,
        where=where,
        fix="Check the path, its permissions and its disk.",
    )


def read_text(path: str | os.PathLike[str]) -> str:
    """The text of a UTF-8 file; a byte-order mark is accepted.

    Raises
    ------
    InputError
        If it is missing, not a regular file, cannot be read, or is not UTF-8.
    """
    with at(path):
        check_regular_file(path)
        try:
            return Path(path).read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            check_not_packed(error.object, path)
            problem = f"is not UTF-8 text (byte {error.start})"
            raise InputError(problem, fix="Save it as UTF-8.") from error
        except OSError as error:
            raise cannot_read(path, error) from error


def list_from_text(text: str) -> list[Any] | None:
    """A list that was stored as text by JSON, Python or NumPy; None if the text is no list.

    Examples
    --------
    >>> list_from_text("['cat', 'dog']"), list_from_text("['cat' 'dog']"), list_from_text("cat")
    (['cat', 'dog'], ['cat', 'dog'], None)
    """
    try:
        value = json.loads(text)
    except RecursionError:
        return None
    except ValueError:
        try:
            value = ast.literal_eval(_with_commas(text.strip()))
        except (
            SyntaxError,
            ValueError,
            TypeError,
            tokenize.TokenError,
            RecursionError,
            MemoryError,
        ):
            return None
    return list(value) if isinstance(value, (list, tuple)) else None


def _with_commas(text: str) -> str:
    """NumPy puts no commas between texts, which Python would take for one text in parts."""
    tokens = [
        (token.type, token.string)
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type in (tokenize.STRING, tokenize.OP, tokenize.NUMBER, tokenize.NAME)
    ]
    if not any(a == b == tokenize.STRING for (a, _), (b, _) in pairwise(tokens)):
        return text
    (_, first), *inside, (_, last) = tokens
    if (first, last) != ("[", "]") or {kind for kind, _ in inside} != {tokenize.STRING}:
        raise ValueError
    return f"[{','.join(text for _, text in inside)}]"


def read_toml(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Parse a TOML file.

    Raises
    ------
    InputError
        As :func:`read_text`, and if it is not TOML (with the line and column).
    """
    text = read_text(path)
    with at(path):
        try:
            return tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise InputError(f"is not TOML: {error}", fix="Correct it there.") from error
        except (RecursionError, ValueError, OverflowError) as error:
            # Nested too deep; or a date or number that Python cannot hold.
            problem = f"is not TOML that can be read: {error}"
            raise InputError(problem, fix="Correct that value, or nest it less.") from error
