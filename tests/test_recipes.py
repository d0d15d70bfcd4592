"""Recipes are read strictly, and found by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vqa_ensemble.errors import InputError, at
from vqa_ensemble.resources import find_recipe, list_recipes
from vqa_ensemble.training.recipe import (
    read_recipe,
    recipe_from_dict,
    recipe_hash,
    recipe_to_dict,
)

MINIMAL = """
[member]
name = "mine"
[data]
dataset = "easy-vqa"
[model]
architecture = "san"
"""


def content(**sections: dict[str, Any]) -> dict[str, Any]:
    base: dict[str, dict[str, Any]] = {
        "member": {"name": "mine"},
        "data": {"dataset": "easy-vqa"},
        "model": {"architecture": "san"},
    }
    return {name: {**base.get(name, {}), **sections.get(name, {})} for name in base | sections}


def test_defaults_fill_what_a_minimal_recipe_leaves_out(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(MINIMAL)
    recipe = read_recipe(path)
    assert (recipe.member.name, recipe.training.optimizer) == ("mine", "adamax")
    assert recipe_from_dict(recipe_to_dict(recipe)) == recipe


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        ({"model": {"glimpse": 2}}, "model.glimpse: unknown key. Did you mean 'glimpses'?"),
        ({"trainning": {}}, "trainning: unknown key. Did you mean 'training'?"),
        ({"model": {"architecture": "bam"}}, "model.architecture: is 'bam'. Did you mean 'ban'?"),
        ({"model": {"activation": "x"}}, "Allowed: relu, swish, gelu, tanh, gated-tanh"),
        ({"model": {"dropout": 1.5}}, "model.dropout: is 1.5. It must be between 0.0 and 0.95"),
        ({"model": {"dropout": float("nan")}}, "model.dropout: is nan. It must be between"),
        ({"model": {"hidden": "256"}}, "model.hidden: is '256'. It must be a whole number"),
        ({"model": {"hidden": True}}, "model.hidden: is True. It must be a whole number"),
        ({"training": {"batch_size": 0}}, "training.batch_size: is 0. It must be at least 1"),
        ({"member": {"name": "../x"}}, "member.name: is '../x'. Use letters"),
        ({"predict": {"splits": "test"}}, "predict.splits: is 'test'. It must be a list"),
        ({"data": {"patch": 7}}, "data.patch: is 7; easy-VQA's pictures are 64 pixels wide"),
    ],
)
def test_a_mistake_is_named_with_its_key(sections: dict[str, Any], expected: str) -> None:
    with pytest.raises(InputError) as error, at("r.toml"):
        recipe_from_dict(content(**sections))
    assert str(error.value).startswith("r.toml, ")
    assert expected in str(error.value)


def test_a_missing_key_is_named() -> None:
    with pytest.raises(InputError, match=r"data.dataset: missing key. Set it to one of: easy-vqa"):
        recipe_from_dict({"member": {"name": "mine"}, "model": {"architecture": "san"}})


def test_what_is_not_toml_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text("[member\n")
    with pytest.raises(InputError, match=r"broken\.toml: is not TOML"):
        read_recipe(path)


def test_the_hash_follows_what_changes_the_weights() -> None:
    recipe = recipe_from_dict(content())
    elsewhere = recipe.with_root("/data")
    more = replace(recipe, predict=replace(recipe.predict, top_k=3))
    assert recipe_hash(recipe) == recipe_hash(elsewhere) == recipe_hash(more)
    reserved = replace(recipe, training=replace(recipe.training, gpus=0.5))
    assert recipe_hash(recipe) == recipe_hash(reserved)
    assert recipe_hash(recipe) != recipe_hash(recipe.with_seed(1))


def test_every_recipe_that_ships_is_valid_and_named_after_its_file() -> None:
    names = list_recipes()
    assert len([name for name in names if name.startswith("easy-vqa-")]) >= 5
    for name in names:
        assert read_recipe(name).member.name == name


def test_an_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(InputError) as error:
        find_recipe("easy-vqa-bna")
    assert "Did you mean 'easy-vqa-ban'? There are: easy-vqa-" in str(error.value)
    with pytest.raises(InputError, match="no such file"):
        find_recipe("missing/recipe.toml")


@pytest.mark.parametrize("name", list_recipes())
def test_every_recipe_that_ships_builds_its_model(name: str) -> None:
    torch = pytest.importorskip("torch")
    from vqa_ensemble.training.data.batch import Inputs
    from vqa_ensemble.training.models import build_model

    section = read_recipe(name).model
    width = 48 if section.region_encoder == "convolution" else 6
    model = build_model(replace(section, hidden=12), width=width, words=9, answers=5).eval()
    regions = torch.rand(2, 4, width), torch.rand(2, 4, 4), torch.ones(2, 4, dtype=torch.bool)
    choices = torch.tensor([[[1], [2], [3]]] * 2) if section.architecture == "cti" else None
    logits = model(Inputs(*regions, torch.tensor([[1, 2, 0], [3, 4, 5]]), choices))
    assert logits.shape == (2, 5 if choices is None else 3)
    assert torch.isfinite(logits).all()


def test_the_ten_members_are_those_of_the_study() -> None:
    pytest.importorskip("torch")
    from vqa_ensemble.studies.catalog import MEMBERS
    from vqa_ensemble.studies.design import Options, base_recipe, change_recipe

    base = base_recipe(Options(dataset="vqa-v2"))
    names = [name for name in list_recipes() if name[:-2] == "vqa-v2-" and name[-2:].isdigit()]
    assert len(names) == len(MEMBERS) == 10
    for name, row in zip(names, MEMBERS, strict=True):
        shipped, wanted = read_recipe(name), change_recipe(base, row.changes)
        assert (shipped.model, shipped.training) == (wanted.model, wanted.training)
        assert shipped.data.regions == wanted.data.regions
        assert shipped.data.train_splits[:2] == ("train", "validation")
    assert len({read_recipe(name).member.seed for name in names}) == 10
