"""float16's loss scaling on a CPU, where float16 itself is refused: skipped updates."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from vqa_ensemble.training import precision  # noqa: E402
from vqa_ensemble.training.recipe import Recipe  # noqa: E402
from vqa_ensemble.training.trainer import Trainer  # noqa: E402

CPU = torch.device("cpu")
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("optimizer", ["adamax", "adamw"])
def test_an_update_whose_gradient_overflows_is_skipped_and_counted(
    make_recipe: Callable[..., Recipe],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    optimizer: str,
) -> None:
    monkeypatch.setattr(precision, "choose_precision", lambda name, device: name)
    recipe, folder = make_recipe(precision="float16", optimizer=optimizer), tmp_path / "run"
    trainer = Trainer(recipe, folder, CPU)
    trainer.train(stop_after=3)
    before = {name: value.clone() for name, value in trainer.member.model.state_dict().items()}
    skipped = trainer._precision.skipped
    steps = state_steps(trainer)
    assert steps == 3 - skipped

    weight = trainer.member.model.question.embedding.weight
    hook = weight.register_hook(lambda gradient: torch.full_like(gradient, torch.inf))
    trainer.train(stop_after=4)
    hook.remove()
    for name, value in trainer.member.model.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert state_steps(trainer) == steps  # the optimiser's averages wait too

    trainer = Trainer(recipe, folder, CPU)  # resumed, it still knows
    trainer.train()
    assert state_steps(trainer) == trainer.plan.updates - trainer._precision.skipped
    last = json.loads((folder / "log.jsonl").read_text().splitlines()[-1])
    assert last["skipped_updates"] == trainer._precision.skipped >= skipped + 1
    assert last["update"] == trainer.plan.updates  # the examples are not taken again


def state_steps(trainer: Trainer) -> int:
    """Updates that the optimiser has made."""
    (steps,) = {int(state["step"]) for state in trainer._optimizer.state.values()}
    return steps
