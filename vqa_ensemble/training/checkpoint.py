"""Checkpoints: everything a run needs to continue, or to predict, in one file."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from vqa_ensemble.errors import InputError, at, first_line
from vqa_ensemble.files.atomic import atomic_path
from vqa_ensemble.files.text import cannot_read
from vqa_ensemble.training.models import build_model
from vqa_ensemble.training.models.parts import VqaModel
from vqa_ensemble.training.recipe import Recipe, recipe_from_dict, recipe_to_dict

CHECKPOINT_FILE = "checkpoint.pt"
_FORMAT_VERSION = 2
_AGAIN = "Train the member again with --fresh."


@dataclass
class Member:
    """A model with what it takes to read its input and output.

    Attributes
    ----------
    recipe : Recipe
    words, answers : list of str
        The vocabularies.
    width : int
        Numbers that describe a region.
    model : VqaModel
    """

    recipe: Recipe
    words: list[str]
    answers: list[str]
    width: int
    model: VqaModel

    @property
    def name(self) -> str:
        """The member's name."""
        return self.recipe.member.name


def save_checkpoint(
    path: str | os.PathLike[str], member: Member, progress: dict[str, Any] | None = None
) -> None:
    """Write a member, and how far its training is, whole or not at all.

    Raises
    ------
    InputError
        If ``path`` cannot be written.
    """
    content = {
        "format_version": _FORMAT_VERSION,
        "recipe": recipe_to_dict(member.recipe),
        "words": member.words,
        "answers": member.answers,
        "width": member.width,
        "model": member.model.state_dict(),
        "progress": progress or {},
    }
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        try:
            torch.save(content, file)
        except RuntimeError as error:
            # torch complains of what the file lacks; why it does, such as a full disk, is behind.
            if isinstance(error.__context__, OSError):
                raise error.__context__ from None
            raise


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, str) for v in value)


_PARTS: dict[str, Callable[[object], bool]] = {
    "recipe": lambda value: isinstance(value, dict),
    "words": _are_texts,
    "answers": _are_texts,
    "width": lambda value: type(value) is int and value > 0,
    "model": lambda value: isinstance(value, dict),
    "progress": lambda value: isinstance(value, dict),
}


def _check_shapes(weights: dict[str, Any], recipe: Recipe, sizes: dict[str, int]) -> None:
    """Check that the weights are those of the recipe's network, without making room for it."""
    try:
        with torch.device("meta"):
            expected = build_model(recipe.model, **sizes).state_dict()
        shapes = {name: value.shape for name, value in expected.items()}
        fits = shapes == {name: getattr(value, "shape", None) for name, value in weights.items()}
    except (RuntimeError, TypeError, ValueError, OverflowError) as error:
        problem = f"holds a recipe of no network ({first_line(error)})"
        raise InputError(problem, fix=_AGAIN) from error
    if not fits:
        raise InputError(
            "holds other weights than the models of this vqa-ensemble have",
            fix="Use the version it was trained with, or train again.",
        )


def load_checkpoint(
    path: str | os.PathLike[str], device: torch.device
) -> tuple[Member, dict[str, Any]]:
    """Read a member and its progress from a checkpoint or from the folder of a run.

    Only tensors and plain values are unpickled, so a checkpoint cannot run code.

    Raises
    ------
    InputError
        If it is missing, broken, or from another version.
    """
    path = Path(path)
    path = path / CHECKPOINT_FILE if path.is_dir() else path
    with at(path):
        content = _read_parts(path)
        recipe = recipe_from_dict(content["recipe"])
        words, answers, width = content["words"], content["answers"], content["width"]
        sizes = {"width": width, "words": len(words), "answers": len(answers)}
        _check_shapes(content["model"], recipe, sizes)
    model = build_model(recipe.model, **sizes)
    model.load_state_dict(content["model"])
    return Member(recipe, words, answers, width, model.to(device)), content["progress"]


def _read_parts(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise InputError("no such checkpoint", fix="Train the member first.")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except PermissionError as error:
        raise cannot_read(path, error) from error
    except Exception as error:
        # torch raises RuntimeError, UnpicklingError, EOFError, ... by where the file breaks, and
        # tells how to run the code that a file may hold.
        problem = "is not a readable checkpoint: broken, or more than tensors and plain values"
        raise InputError(problem, fix=_AGAIN) from error
    if not isinstance(content, dict) or not isinstance(content.get("format_version"), int):
        raise InputError("is not a checkpoint of vqa-ensemble", fix=_AGAIN)
    if content["format_version"] > _FORMAT_VERSION:
        raise InputError(
            f"has format version {content['format_version']}; this vqa-ensemble reads up to "
            f"{_FORMAT_VERSION}",
            fix="Upgrade vqa-ensemble.",
        )
    for key, right in _PARTS.items():
        if not right(content.get(key)):
            raise InputError(f"lacks its '{key}', or it is broken", fix=_AGAIN)
    return content
