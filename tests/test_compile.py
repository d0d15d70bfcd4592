"""``compile = true``: the same training, and without a compiler, training all the same."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from tiny_vqa import NO_DROPOUT, assert_close_weights  # noqa: E402

from vqa_ensemble.training.recipe import Recipe  # noqa: E402
from vqa_ensemble.training.trainer import Trainer  # noqa: E402

CPU = torch.device("cpu")
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]


@pytest.mark.filterwarnings("ignore:The .grad attribute:UserWarning")  # torch.compile's own
def test_a_compiled_network_learns_the_same(
    make_recipe: Callable[..., Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def trace(graph: torch.fx.GraphModule, inputs: object) -> torch.fx.GraphModule:
        seen.append(graph)  # to compile it too takes a minute
        return graph

    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=trace))
    assert learn_with_and_without(make_recipe, tmp_path) == []
    assert len(seen) > 1


def test_without_a_compiler_training_goes_on(
    make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    from torch._inductor import config

    lost = {"cpp.cxx": (None, "no-such-compiler"), "force_disable_caches": True}
    with config.patch(lost):
        (said,) = learn_with_and_without(make_recipe, tmp_path)
    assert "torch.compile does not work here (" in said
    assert "No working C++ compiler found" in said


def learn_with_and_without(make_recipe: Callable[..., Recipe], folder: Path) -> list[str]:
    """Check that both give the same weights; what the compiled one said."""
    common = {"epochs": 1, "model": NO_DROPOUT}
    plain = Trainer(make_recipe(**common), folder / "plain", CPU).train()
    said: list[str] = []
    trainer = Trainer(make_recipe(compile=True, **common), folder / "run", CPU, say=said.append)
    assert_close_weights(plain.model.state_dict(), trainer.train().model.state_dict())
    return said
