"""Loading: the same batches whoever makes them, and errors that arrive whole."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from dataclasses import replace  # noqa: E402

from tiny_vqa import assert_close_weights, tiny_recipe, write_data  # noqa: E402

from vqa_ensemble.errors import InputError  # noqa: E402
from vqa_ensemble.training.checkpoint import load_checkpoint  # noqa: E402
from vqa_ensemble.training.data import open_dataset  # noqa: E402
from vqa_ensemble.training.data.batch import Batch  # noqa: E402
from vqa_ensemble.training.data.combined import training_examples  # noqa: E402
from vqa_ensemble.training.data.examples import Examples  # noqa: E402
from vqa_ensemble.training.data.loader import load_batches  # noqa: E402
from vqa_ensemble.training.recipe import Recipe, recipe_hash  # noqa: E402
from vqa_ensemble.training.trainer import Trainer  # noqa: E402

CPU = torch.device("cpu")


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    return tiny_recipe(write_data(tmp_path / "data"), epochs=2)


@pytest.fixture
def examples(recipe: Recipe) -> Examples:
    return training_examples(open_dataset(recipe.data), recipe.data, answer_words=False)


def all_rows(examples: Examples) -> list[np.ndarray]:
    order = np.random.default_rng(0).permutation(len(examples))
    return [order[start : start + 7] for start in range(0, len(order), 7)]


def assert_same(one: Batch, other: Batch) -> None:
    parts = ((*batch.inputs, batch.targets, batch.teacher) for batch in (one, other))
    for left, right in zip(*parts, strict=True):
        assert (left is None) == (right is None)
        assert left is None or torch.equal(left, right)


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_workers_make_the_same_batches_in_the_same_order(examples: Examples, workers: int) -> None:
    rows = all_rows(examples)
    before = torch.get_rng_state()
    loaded = list(load_batches(examples, rows, workers=workers))
    assert torch.equal(torch.get_rng_state(), before)
    assert len(loaded) == len(rows)
    for batch, chosen in zip(loaded, rows, strict=True):
        assert_same(batch, examples.batch(chosen))


def test_rows_are_asked_for_as_batches_are_taken(examples: Examples) -> None:
    asked = []

    def rows() -> object:
        for chosen in all_rows(examples):
            asked.append(len(chosen))
            yield chosen

    batches = load_batches(examples, rows(), workers=1)
    for taken in range(1, 4):
        next(batches)
        assert len(asked) == taken + 2  # two ahead of the one that is used
    batches.close()


def test_batches_are_made_while_one_is_used(
    examples: Examples, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, other = threading.Event(), threading.get_ident()
    make = examples.batch

    def batch(rows: np.ndarray) -> Batch:
        assert threading.get_ident() != other
        if rows[0] == 20:
            made.set()
        return make(rows)

    monkeypatch.setattr(examples, "batch", batch)
    batches = load_batches(examples, [np.array([0]), np.array([10]), np.array([20])], workers=1)
    next(batches)
    assert made.wait(timeout=30)  # the third, though only the first was asked for
    assert len(list(batches)) == 2


def test_an_abandoned_iterator_leaves_no_thread(examples: Examples) -> None:
    before = threading.active_count()
    batches = load_batches(examples, all_rows(examples), workers=2)
    next(batches)
    assert threading.active_count() > before
    batches.close()
    for _ in range(200):
        if threading.active_count() == before:
            break
        time.sleep(0.05)
    assert threading.active_count() == before


def test_a_worker_s_error_arrives_as_it_was(examples: Examples) -> None:
    class Broken:
        width = examples.width

        def read(self, rows: np.ndarray) -> object:
            raise InputError("is not right", path="regions.tsv", where="image 8", fix="Mend it.")

    examples.splits = [replace(split, regions=Broken()) for split in examples.splits]
    with pytest.raises(InputError) as raised:
        list(load_batches(examples, all_rows(examples), workers=1))
    assert str(raised.value) == "regions.tsv, image 8: is not right. Mend it."
    assert raised.value.where == "image 8"


def test_features_stay_as_stored_until_they_are_used(examples: Examples) -> None:
    batch = examples.batch(np.arange(3))
    assert batch.inputs.features.dtype == torch.float16
    assert batch.to(CPU).inputs.features.dtype == torch.float32
    assert torch.equal(batch.to(CPU).inputs.features, batch.inputs.features.float())


def test_workers_change_no_weight_and_no_hash(recipe: Recipe, tmp_path: Path) -> None:
    with_workers = replace(recipe, data=replace(recipe.data, workers=2))
    assert recipe_hash(with_workers) == recipe_hash(recipe)
    weights = []
    for name, one in (("alone", recipe), ("workers", with_workers)):
        Trainer(one, tmp_path / name, CPU).train()
        weights.append(load_checkpoint(tmp_path / name, CPU)[0].model.state_dict())
    for name, value in weights[0].items():
        assert torch.equal(value, weights[1][name]), name


def test_a_run_resumes_with_another_number_of_workers(recipe: Recipe, tmp_path: Path) -> None:
    Trainer(recipe, tmp_path / "run", CPU).train(stop_after=5)
    other = replace(recipe, data=replace(recipe.data, workers=1))
    Trainer(other, tmp_path / "run", CPU).train()
    Trainer(recipe, tmp_path / "whole", CPU).train()
    states = (load_checkpoint(tmp_path / n, CPU)[0].model.state_dict() for n in ("run", "whole"))
    assert_close_weights(*states)
