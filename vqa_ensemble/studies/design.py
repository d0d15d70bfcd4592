"""What a study is: rows that change one recipe, each trained with several seeds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from vqa_ensemble.training.recipe import (
    Recipe,
    read_recipe,
    recipe_from_dict,
    recipe_hash,
    recipe_to_dict,
)

# The recipe whose keys the rows of a study change, for each data set; the data sets that are
# not listed take that of VQA 2.0.
BASE_RECIPES = {"easy-vqa": "easy-vqa-ban", "shapes": "shapes-ban"}
OTHER_BASE_RECIPE = "vqa-v2-ban"

# Changes of the base recipe that make a study smaller.
SCALES: dict[str, dict[str, Any]] = {
    "full": {},
    "small": {"model.hidden": 64, "model.glimpses": 1},
}

Changes = Mapping[str, Any]


@dataclass(frozen=True)
class Options:
    """How a study is made.

    Attributes
    ----------
    dataset : str
    root : str, optional
        The data set's folder, where it has one.
    seeds : int
        Runs of every row.
    scale : str
        One of ``SCALES``.
    epochs : int, optional
        In place of the recipe's and the scale's.
    device : str
    threads : int, optional
    fresh : bool
        Train again what is done already.
    """

    dataset: str = "shapes"
    root: str | None = None
    seeds: int = 3
    scale: str = "full"
    epochs: int | None = None
    device: str = "auto"
    threads: int | None = None
    fresh: bool = False


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes
    ----------
    label : str
    changes : mapping of str to value
        What differs from the base recipe: ``{"training.batch_size": 32}``.
    talk : mapping of str to float
        The talk's figures for the row, by column.
    reference : str
        Label of the row that it is compared with; none if empty.
    """

    label: str
    changes: Changes = field(default_factory=dict)
    talk: Mapping[str, float] = field(default_factory=dict)
    reference: str = ""


def change_recipe(recipe: Recipe, changes: Changes) -> Recipe:
    """The recipe with keys ``section.key`` set to other values.

    Raises
    ------
    InputError
        If a key is unknown or a value is out of range.

    Examples
    --------
    >>> recipe = read_recipe("easy-vqa-ban")
    >>> change_recipe(recipe, {"training.epochs": 2}).training.epochs
    2
    """
    content = recipe_to_dict(recipe)
    for name, value in changes.items():
        section, _, key = name.partition(".")
        content[section][key] = value
    return recipe_from_dict(content)


def base_recipe(options: Options) -> Recipe:
    """The recipe that a study's rows change.

    Raises
    ------
    InputError
        If there is no such data set, or its recipe is not valid.
    """
    base = read_recipe(BASE_RECIPES.get(options.dataset, OTHER_BASE_RECIPE))
    changes: dict[str, Any] = {"data.dataset": options.dataset, **SCALES[options.scale]}
    if options.epochs is not None:
        changes["training.epochs"] = options.epochs
    return change_recipe(base.with_root(options.root), changes)


def named(recipe: Recipe, seed: int, data: str) -> Recipe:
    """The recipe with a seed and a name that tells it from every other recipe and data set.

    Recipes that train the same weights get the same name, whichever study asks for them.

    Parameters
    ----------
    data : str
        What stands for the data's contents.
    """
    anonymous = replace(recipe, member=replace(recipe.member, name="study", seed=0))
    digest = hashlib.sha256(f"{recipe_hash(anonymous)} {data}".encode()).hexdigest()[:8]
    name = f"{recipe.model.architecture}-{digest}-seed{seed}"
    return replace(recipe, member=replace(recipe.member, name=name, seed=seed))
