"""Recipes and maps that ship with the package, found by name or by path."""

from __future__ import annotations

import os
from difflib import get_close_matches
from pathlib import Path

from vqa_ensemble.errors import InputError

_PACKAGE = Path(__file__).resolve().parent


def find_recipe(name_or_path: str | os.PathLike[str]) -> Path:
    """The recipe of that name under ``members/``, or the recipe file at that path.

    Raises
    ------
    InputError
        If there is none; lists the names there are and the nearest of them.

    Examples
    --------
    >>> find_recipe("easy-vqa-ban").name
    'easy-vqa-ban.toml'
    """
    return _find(name_or_path, "members", (".toml",), "recipe")


def find_map(name_or_path: str | os.PathLike[str]) -> Path:
    """The answer map of that name under ``mappings/``, or the map file at that path.

    Raises
    ------
    InputError
        If there is none; lists the names there are and the nearest of them.
    """
    return _find(name_or_path, "mappings", (".csv", ".parquet"), "map")


def list_recipes() -> list[str]:
    """Names of the recipes that ship, sorted."""
    return _names("members", (".toml",))


def list_maps() -> list[str]:
    """Names of the maps that ship, sorted."""
    return _names("mappings", (".csv", ".parquet"))


def recipes_folder() -> Path:
    """Where the recipes that ship lie."""
    return _folder("members")


def maps_folder() -> Path:
    """Where the maps that ship lie."""
    return _folder("mappings")


def _folder(kind: str) -> Path:
    """Inside the package once installed; beside it in a checkout."""
    inside = _PACKAGE / kind
    return inside if inside.is_dir() else _PACKAGE.parent / kind


def _names(kind: str, suffixes: tuple[str, ...]) -> list[str]:
    folder = _folder(kind)
    if not folder.is_dir():
        return []
    return sorted({path.stem for path in folder.iterdir() if path.suffix in suffixes})


def _find(
    name_or_path: str | os.PathLike[str], kind: str, suffixes: tuple[str, ...], noun: str
) -> Path:
    path = Path(name_or_path)
    if path.is_file():
        return path
    text = os.fspath(name_or_path)
    if path.suffix in suffixes or os.sep in text:
        problem = "is a folder" if path.is_dir() else "no such file"
        raise InputError(problem, path=path, fix=f"Check the path, or give the name of a {noun}.")
    for suffix in suffixes:
        shipped = _folder(kind) / f"{text}{suffix}"
        if shipped.is_file():
            return shipped
    names = _names(kind, suffixes)
    near = get_close_matches(text, names, n=1)
    hint = f"Did you mean '{near[0]}'? " if near else ""
    listed = ", ".join(names) or "none"
    raise InputError(
        f"no {noun} named '{text}'", fix=f"{hint}There are: {listed}; a path to a file works too."
    )
