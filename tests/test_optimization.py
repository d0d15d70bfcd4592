"""Optimisers: ours are torch's, quicker."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from vqa_ensemble.training.optimization import Adamax  # noqa: E402


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_adamax_takes_the_steps_of_torch(
    monkeypatch: pytest.MonkeyPatch, weight_decay: float
) -> None:
    monkeypatch.setattr(Adamax, "PIECE", 7)
    generator = torch.Generator().manual_seed(0)
    start = [torch.randn(shape, generator=generator) for shape in [(5, 6), (3, 1), (1, 1), (2, 2)]]
    ours, theirs = ([torch.nn.Parameter(p.clone()) for p in start] for _ in range(2))
    options = {"lr": 0.1, "weight_decay": weight_decay}
    optimizers = Adamax(ours, **options), torch.optim.Adamax(theirs, **options)
    for step in range(4):
        for mine, other in zip(ours[:-1], theirs[:-1], strict=True):  # the last has no gradient
            gradient = torch.randn(mine.T.shape, generator=generator).T  # not contiguous
            mine.grad, other.grad = gradient.clone(), gradient.clone()
        for optimizer in optimizers:
            optimizer.step()
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-7)
        if step == 1:  # each goes on from where the other is
            states = [optimizer.state_dict() for optimizer in optimizers]
            for optimizer, state in zip(optimizers, reversed(states), strict=True):
                optimizer.load_state_dict(state)
    assert torch.equal(ours[-1], start[-1])
