"""Ensemble files: what ``fit`` learned, as TOML or JSON that a person can read and compare."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from vqa_ensemble._version import __version__
from vqa_ensemble.errors import InputError, at
from vqa_ensemble.files.atomic import atomic_write, is_stream
from vqa_ensemble.files.json import read_json
from vqa_ensemble.files.text import check_ending, read_toml

FORMAT_VERSION = 1
# Digits kept of every learned number: enough for any vote, few enough to read.
DIGITS = 6


class EnsembleFile(msgspec.Struct, frozen=True):
    """A fitted combiner.

    Attributes
    ----------
    method : str
        The combiner's name.
    members : tuple of str
        The members it weighs, in alphabetical order.
    types : tuple of str
        The question types it distinguishes; empty if none.
    learned : dict
        What the combiner's ``to_dict`` gave.
    fit : dict
        How it was fitted and how well it did: questions, groups, accuracies, seed.
    """

    method: str
    members: tuple[str, ...]
    types: tuple[str, ...]
    learned: dict[str, Any]
    fit: Any = msgspec.field(default_factory=dict)


def write_ensemble(path: str | os.PathLike[str], ensemble: EnsembleFile) -> None:
    """Write an ensemble as ``.toml`` or ``.json``.

    Raises
    ------
    InputError
        If the ending is neither, or ``path`` cannot be written.
    """
    document = {
        "format_version": FORMAT_VERSION,
        "method": ensemble.method,
        "created_by": f"vqa-ensemble {__version__}",
        "members": list(ensemble.members),
        "types": list(ensemble.types),
        "fit": plain(ensemble.fit),
        "learned": plain(ensemble.learned),
    }
    if _is_json(path):
        atomic_write(path, orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")
    else:
        import tomli_w

        atomic_write(path, tomli_w.dumps(document).encode())


def read_ensemble(path: str | os.PathLike[str]) -> EnsembleFile:
    """Read an ensemble file.

    Raises
    ------
    InputError
        If it is missing, not TOML or JSON, of a later format, or lacks a key.
    """
    document = read_json(path) if _is_json(path) else read_toml(path)
    with at(path):
        return _decode(document)


def _decode(document: Any) -> EnsembleFile:
    if not isinstance(document, dict) or not isinstance(document.get("format_version"), int):
        raise InputError("is not an ensemble file", fix="Make one with vqa-ensemble fit.")
    if document["format_version"] > FORMAT_VERSION:
        raise InputError(
            f"has format version {document['format_version']}; this vqa-ensemble reads up to "
            f"{FORMAT_VERSION}",
            fix="Upgrade vqa-ensemble.",
        )
    again = "Make it again with vqa-ensemble fit."
    try:
        ensemble = msgspec.convert({**document, "fit": document.get("fit") or {}}, EnsembleFile)
    except msgspec.ValidationError as error:
        _, key, entry = re.split(r"`(?:\$\.)?(\w+)(\[\d+\])?`$", str(error))[:3]
        noun = {"method": "a string", "learned": "a table"}.get(key, "a list")
        problem = "must hold strings" if entry else f"is missing or not {noun}"
        raise InputError(f"'{key}' {problem}", fix=again) from error
    if (place := _not_finite(ensemble.learned)) is not None:
        raise InputError("is not a finite number", where=f"learned{place}", fix=again)
    return ensemble


def plain(value: Any) -> Any:
    """Built-in types only, floats to ``DIGITS`` significant digits, None left out of tables."""
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items() if entry is not None}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    return value


def _not_finite(value: Any) -> str | None:
    """Where a number is infinite or NaN, as the keys that lead there; None if all are finite."""
    if isinstance(value, (dict, list)):
        for key, entry in value.items() if isinstance(value, dict) else enumerate(value):
            if (place := _not_finite(entry)) is not None:
                return f".{key}{place}"
    return "" if isinstance(value, float) and not math.isfinite(value) else None


def _is_json(path: str | os.PathLike[str]) -> bool:
    return not is_stream(path) and check_ending(path, (".toml", ".json")) == ".json"
