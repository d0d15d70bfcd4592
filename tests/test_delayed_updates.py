"""Delayed updates: an update's gradient is that of one large batch; frequencies and schedules."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from strategies import examples  # noqa: E402
from tiny_vqa import NO_DROPOUT, QUESTIONS, WIDTH, assert_close_weights, tiny_recipe, write_data  # noqa: E402

from vqa_ensemble.errors import InputError  # noqa: E402
from vqa_ensemble.training.data import open_dataset  # noqa: E402
from vqa_ensemble.training.data.examples import Examples  # noqa: E402
from vqa_ensemble.training.models import build_model  # noqa: E402
from vqa_ensemble.training.models.parts import VqaModel  # noqa: E402
from vqa_ensemble.training.optimization import accumulate_gradients  # noqa: E402
from vqa_ensemble.training.plan import Plan  # noqa: E402
from vqa_ensemble.training.precision import MixedPrecision  # noqa: E402
from vqa_ensemble.training.recipe import Recipe, TrainingSection  # noqa: E402
from vqa_ensemble.training.trainer import Trainer  # noqa: E402

CPU = torch.device("cpu")
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[VqaModel, Examples]:
    """A model without dropout, and examples for it."""
    recipe = tiny_recipe(write_data(tmp_path_factory.mktemp("tiny") / "data"))
    split = open_dataset(recipe.data).split("train")
    examples = Examples([split], ["<padding>", "<unknown>", "is"], ["yes", "dog"], 4)
    torch.manual_seed(0)
    return build_model(recipe.model, width=WIDTH, words=3, answers=2).eval(), examples


@given(data=st.data(), window=st.integers(1, QUESTIONS))
@examples(25, deadline=None)
def test_micro_batches_of_any_size_give_the_gradient_of_one_batch(
    tiny: tuple[VqaModel, Examples], data: st.DataObject, window: int
) -> None:
    model, examples = tiny
    size = data.draw(st.integers(1, window), "micro-batch")
    rows = np.random.default_rng(0).permutation(QUESTIONS)[:window]

    def gradients(size: int) -> tuple[list[torch.Tensor], torch.Tensor]:
        model.zero_grad(set_to_none=True)
        batches = (
            examples.batch(rows[start : start + size]).to(CPU) for start in range(0, window, size)
        )
        precision = MixedPrecision("float32", CPU)
        sums = accumulate_gradients(model, batches, precision, share=window, window=window)
        return [p.grad.clone() for p in model.parameters() if p.grad is not None], sums

    (whole, sums), (parts, sums_of_parts) = gradients(window), gradients(size)
    assert len(whole) == len(list(model.parameters()))
    torch.testing.assert_close(whole, parts)
    torch.testing.assert_close(sums, sums_of_parts)


@given(
    examples=st.integers(1, 200),
    batch=st.integers(1, 64),
    accumulate=st.lists(st.integers(1, 9), min_size=1, max_size=5),
    epochs=st.integers(1, 4),
)
def test_every_epoch_takes_each_example_once_in_windows_of_its_frequency(
    examples: int, batch: int, accumulate: list[int], epochs: int
) -> None:
    section = TrainingSection(epochs=epochs, batch_size=batch, accumulate=tuple(accumulate))
    plan = Plan(section, examples, seed=3)
    update = 0
    for epoch in range(epochs):
        window = batch * (accumulate + [accumulate[-1]] * epochs)[epoch]
        seen: list[int] = []
        while len(seen) < examples:
            assert plan.epoch(update) == epoch
            rows = plan.rows(update).tolist()
            assert len(rows) == min(window, examples - len(seen))
            seen += rows
            assert plan.ends_epoch(update) == (len(seen) == examples)
            update += 1
        assert sorted(seen) == list(range(examples))
    assert plan.updates == update


def test_delayed_updates_train_as_large_batches_do(
    make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    common = {"epochs": 2, "schedule": "constant", "model": NO_DROPOUT}
    large = Trainer(make_recipe(batch_size=16, **common), tmp_path / "large", CPU).train()
    delayed = make_recipe(batch_size=4, accumulate=4, **common)
    small = Trainer(delayed, tmp_path / "small", CPU).train()
    assert_close_weights(large.model.state_dict(), small.model.state_dict())


def test_the_scale_multiplies_the_learning_rate(
    make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    def rates(name: str, **training: Any) -> list[float]:
        Trainer(make_recipe(warmup=0, **training), tmp_path / name, CPU).train()
        lines = (tmp_path / name / "log.jsonl").read_text().splitlines()
        return [json.loads(line)["learning_rate"] for line in lines]

    assert rates("once") == pytest.approx([0.005, 0.01, 0.015])
    assert rates("twice", learning_rate_scale=2) == pytest.approx([0.01, 0.02, 0.03])


def test_a_frequency_is_a_number_or_a_list(root: Path) -> None:
    assert tiny_recipe(root, accumulate=8).training.accumulate == (8,)
    assert tiny_recipe(root, accumulate=[8, 4]).training.accumulate == (8, 4)
    wrong: list[tuple[Any, str]] = [
        (0, "is 0. It must be between 1 and 4096"),
        ([2, 0], "is 0. It must be between 1 and 4096"),
        ([], r"is \[\]\. It must be a number or a list of them, not empty"),
        (1.5, "is 1.5. It must be a whole number"),
        ([[2]], r"is \[2\]\. It must be a whole number"),
    ]
    for value, message in wrong:
        with pytest.raises(InputError, match=f"training.accumulate: {message}"):
            tiny_recipe(root, accumulate=value)
