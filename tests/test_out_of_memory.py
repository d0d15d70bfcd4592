"""Out of memory on a micro-batch: smaller ones, the same gradient; what is wrong is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from tiny_vqa import NO_DROPOUT, assert_close_weights  # noqa: E402

from vqa_ensemble.errors import InputError  # noqa: E402
from vqa_ensemble.training.data.batch import Inputs  # noqa: E402
from vqa_ensemble.training.models.ban import BilinearAttention  # noqa: E402
from vqa_ensemble.training.recipe import Recipe  # noqa: E402
from vqa_ensemble.training.trainer import Trainer  # noqa: E402

CPU = torch.device("cpu")
pytestmark = pytest.mark.usefixtures("one_thread")

ERRORS = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to …"),
]


@pytest.fixture
def limit_memory(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the network fail, before or in the backward pass, with more than some examples."""

    def limit(error: Exception, most: int, *, backward: bool = False) -> None:
        forward = BilinearAttention.forward
        hooks: list[Any] = []

        def fail(*unused: object) -> None:
            raise error

        def limited(self: BilinearAttention, x: Inputs) -> Any:
            while hooks:
                hooks.pop().remove()
            too_many = len(x.tokens) > most
            if too_many and not backward:
                fail()
            logits = forward(self, x)
            if too_many:
                # The layers above have their gradient by then.
                hooks.append(self.question.embedding.weight.register_hook(fail))
            return logits

        monkeypatch.setattr(BilinearAttention, "forward", limited)

    return limit


@pytest.mark.parametrize("error", ERRORS, ids=["gpu", "cpu"])
@pytest.mark.parametrize("backward", [False, True])
def test_smaller_micro_batches_take_over_with_the_same_weights(
    make_recipe: Callable[..., Recipe],
    tmp_path: Path,
    limit_memory: Callable[..., None],
    error: Exception,
    backward: bool,
) -> None:
    recipe = make_recipe(batch_size=12, accumulate=2, epochs=2, model=NO_DROPOUT)
    whole = Trainer(recipe, tmp_path / "whole", CPU).train()
    limit_memory(error, 3, backward=backward)
    said: list[str] = []
    halved = Trainer(recipe, tmp_path / "halved", CPU, say=said.append).train()
    assert_close_weights(whole.model.state_dict(), halved.model.state_dict())
    assert said == [
        "tiny: out of memory with 12 examples at once; going on with 6, the same 24 an update",
        "tiny: out of memory with 6 examples at once; going on with 3, the same 24 an update",
    ]
    lines = (tmp_path / "halved" / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["micro_batch"] for line in lines] == [3, 3]


def test_a_resumed_run_keeps_its_micro_batches(
    make_recipe: Callable[..., Recipe], tmp_path: Path, limit_memory: Callable[..., None]
) -> None:
    recipe = make_recipe(batch_size=8, epochs=2)
    limit_memory(ERRORS[0], 4)
    whole = Trainer(recipe, tmp_path / "whole", CPU).train().model.state_dict()
    Trainer(recipe, tmp_path / "parts", CPU).train(stop_after=5)
    said: list[str] = []
    parts = Trainer(recipe, tmp_path / "parts", CPU, say=said.append).train().model.state_dict()
    assert said == []
    for name in whole:
        assert torch.equal(whole[name], parts[name]), name


def test_one_example_too_large_is_an_error_with_what_to_change(
    make_recipe: Callable[..., Recipe], tmp_path: Path, limit_memory: Callable[..., None]
) -> None:
    limit_memory(ERRORS[1], 0)
    with pytest.raises(InputError, match="Take a smaller model or fewer regions"):
        Trainer(make_recipe(), tmp_path / "run", CPU).train()


def test_other_errors_pass(
    make_recipe: Callable[..., Recipe], tmp_path: Path, limit_memory: Callable[..., None]
) -> None:
    limit_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"), 0)
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        Trainer(make_recipe(), tmp_path / "run", CPU).train()
