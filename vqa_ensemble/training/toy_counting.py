"""The counting module on its own: the toy task of its paper.

Zhang et al. 2018, section 5.1. A picture is the unit square with ten square boxes of side l at
random places, the first c of which are objects, c from 0 to 10. The attention of a box is its
largest IoU with an object; the noise q blends it with a uniform random number z,
(1 - q) · IoU + q · z. A linear layer makes a class of 0 ... 10 of what counts; the baseline
counts by adding up the attention.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from vqa_ensemble.training.models.counting import (
    Counter,
    interpolated_one_hot,
    intersection_over_union,
)

OBJECTS = 10
# What the parameter that is not swept over is fixed at.
DIFFICULTIES = {"easy": 0.0, "hard": 0.5}
SHORTEST_SIDE = 1e-6
TEST_SCENES = 4096


def count_toy_scenes(
    side: float, noise: float, seed: int, updates: int, batch_size: int
) -> tuple[float, float, float]:
    """Train the baseline, the counter and the normalised one; their accuracies on new scenes."""
    generator = torch.Generator().manual_seed(seed)
    models = [
        ToyModel(None),
        ToyModel(Counter(OBJECTS)),
        ToyModel(Counter(OBJECTS, normalize=True)),
    ]
    optimizers = [torch.optim.Adam(model.parameters(), lr=0.01) for model in models]
    for _ in range(updates):
        attention, boxes, counts = toy_scenes(batch_size, side, noise, generator)
        for model, optimizer in zip(models, optimizers, strict=True):
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(attention, boxes), counts)
            torch.autograd.backward(loss)
            optimizer.step()
    attention, boxes, counts = toy_scenes(TEST_SCENES, side, noise, generator)
    with torch.inference_mode():
        baseline, counter, normalized = (
            float((model(attention, boxes).argmax(1) == counts).float().mean()) for model in models
        )
    return baseline, counter, normalized


def toy_scenes(
    scenes: int, side: float, noise: float, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Attention (B, 10), boxes (B, 10, 4) and true counts (B,)."""
    side = max(side, SHORTEST_SIDE)
    corners = torch.rand(scenes, OBJECTS, 2, generator=generator) * (1 - side)
    boxes = torch.cat([corners, corners + side], -1)
    counts = torch.randint(OBJECTS + 1, (scenes,), generator=generator)
    is_object = torch.arange(OBJECTS) < counts[:, None]  # (B, 10)
    overlap = (intersection_over_union(boxes) * is_object[:, None]).amax(2)
    blend = torch.rand(scenes, OBJECTS, generator=generator)
    return (1 - noise) * overlap + noise * blend, boxes, counts


class ToyModel(nn.Module):
    """A counter, or the sum of attention, and a linear layer that starts as the identity."""

    def __init__(self, counter: Counter | None) -> None:
        super().__init__()
        self.counter = counter
        self.classify = nn.Linear(OBJECTS + 1, OBJECTS + 1)
        nn.init.eye_(self.classify.weight)
        nn.init.zeros_(self.classify.bias)

    def forward(self, attention: Tensor, boxes: Tensor) -> Tensor:
        """Logits of the counts: (B, 11)."""
        if self.counter is None:
            count = interpolated_one_hot(attention.sum(1), OBJECTS)
        else:
            count = self.counter(attention, boxes, torch.ones_like(attention, dtype=torch.bool))
        logits: Tensor = self.classify(count)
        return logits
