"""JSON files, and the lists of objects that most of them hold.

Functions that take no path raise errors without one: readers add it by ``with at(path):``.
"""

from __future__ import annotations

import codecs
import gc
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from vqa_ensemble.errors import DAMAGED, InputError, at, shown
from vqa_ensemble.files.text import cannot_read, check_not_packed, check_regular_file

_NOUNS = {
    int: "an integer",
    str: "a string",
    list: "a list",
    dict: "an object",
    type(None): "null",
}
# Bytes checked at once: decoding all of a file that has one emoji takes four times its size.
_PIECE = 1 << 20


def read_json(path: str | os.PathLike[str], *, nan: bool = False) -> Any:
    """Parse a JSON file; a byte-order mark is accepted.

    Parameters
    ----------
    path : str or path-like
    nan : bool
        Accept ``NaN`` and ``Infinity``, see :func:`parse_with_nan`.

    Raises
    ------
    InputError
        If it is missing, not a regular file, empty, not UTF-8, or not JSON (with the line
        and column).
    """
    return parse_json(read_content(path), path, nan=nan)


def read_content(path: str | os.PathLike[str]) -> bytes:
    """A file's bytes without a byte-order mark; raises as :func:`read_json`, not having parsed."""
    check_regular_file(path)
    try:
        content = Path(path).read_bytes().removeprefix(codecs.BOM_UTF8)
    except OSError as error:
        raise cannot_read(path, error) from error
    if not content or content.isspace():
        raise InputError("is empty", path=path, fix=DAMAGED)
    return content


def parse_json(content: bytes, path: str | os.PathLike[str], *, nan: bool = False) -> Any:
    """What :func:`read_content` gave, parsed; raises as :func:`read_json`."""
    try:
        with garbage_collection_paused():
            return parse_with_nan(content) if nan else orjson.loads(content)
    except json.JSONDecodeError as error:
        check_not_packed(content, path)
        with at(path):
            _check_utf8(content)
            raise InputError(
                f"not valid JSON, or truncated ({error.msg})",
                where=f"line {error.lineno} column {error.colno}",
                fix=DAMAGED,
            ) from error


def parse_with_nan(content: bytes) -> Any:
    """Parse JSON in which ``NaN`` and ``Infinity`` may stand.

    They are no JSON, but Python's ``json`` writes them: for cells that a pandas table leaves empty,
    for instance.

    Raises
    ------
    json.JSONDecodeError
        If it is not JSON otherwise.

    Examples
    --------
    >>> parse_with_nan(b'{"C": NaN, "prediction": "NaN"}')
    {'C': nan, 'prediction': 'NaN'}
    """
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        if b"NaN" not in content and b"Infinity" not in content:
            raise
        try:
            document = json.loads(content.decode("utf-8"))
            orjson.dumps(document)  # refuses what is no text: half a surrogate pair
        except json.JSONDecodeError:  # tells the place; orjson's is that of the first NaN
            raise
        except (ValueError, TypeError, RecursionError):
            raise error from None
        return document


@contextmanager
def garbage_collection_paused() -> Iterator[None]:
    """Parsing makes millions of objects, none of them garbage: looking takes a quarter of it."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def is_utf8(content: bytes) -> bool:
    """Whether all of it is UTF-8, which msgspec does not check in what it skips."""
    if content.isascii():
        return True
    decoder, view = codecs.getincrementaldecoder("utf-8")(), memoryview(content)
    try:
        for begin in range(0, len(view), _PIECE):
            decoder.decode(view[begin : begin + _PIECE], final=begin + _PIECE >= len(view))
    except UnicodeDecodeError:
        return False
    return True


def _check_utf8(content: bytes) -> None:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 text (byte {error.start})", fix="Save it as UTF-8.") from error


def list_of_objects(entries: Any, key: str) -> list[dict[str, Any]]:
    """``entries``, checked to be what is under ``key``: objects, at least one.

    Raises
    ------
    InputError
        Naming the entry.
    """
    if not isinstance(entries, list):
        what = f"'{key}'" if key else "all of it"
        raise InputError(f"{what} is {shown(entries)}", fix="It must be a list of objects.")
    if not entries:
        raise InputError(f"holds no {key or 'answers'}", fix=DAMAGED)
    if set(map(type, entries)) != {dict}:
        wrong = next(i for i, entry in enumerate(entries) if type(entry) is not dict)
        raise InputError(
            f"is {shown(entries[wrong])}", where=f"{key}[{wrong}]", fix="It must be an object."
        )
    return entries


def column(
    entries: list[dict[str, Any]],
    key: str,
    name: str,
    types: tuple[type, ...],
    id_key: str = "question_id",
) -> list[Any]:
    """The value of ``name`` in every entry, checked to be of ``types`` exactly.

    Raises
    ------
    InputError
        Naming the entry, by its ``id_key`` or else by its place under ``key``.
    """
    try:
        values = [entry[name] for entry in entries]
    except KeyError:
        wrong = next(i for i, entry in enumerate(entries) if name not in entry)
        raise InputError(
            f"has no '{name}'",
            where=_place(entries[wrong], key, wrong, id_key),
            fix="Add it, or take the entry out.",
        ) from None
    if not set(map(type, values)) <= set(types):
        wrong = next(i for i, value in enumerate(values) if type(value) not in types)
        raise InputError(
            f"'{name}' is {shown(values[wrong])}",
            where=_place(entries[wrong], key, wrong, id_key),
            fix=f"It must be {' or '.join(_NOUNS[kind] for kind in types)}.",
        )
    return values


def _place(entry: dict[str, Any], key: str, position: int, id_key: str) -> str:
    identity = entry.get(id_key)
    noun = "image" if id_key == "image_id" else "question"
    return f"{key}[{position}]" if identity is None else f"{noun} {identity}"
