"""What goes through a model at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any, NamedTuple

import torch
from torch import Tensor


class Inputs(NamedTuple):
    """What a model sees of B examples.

    Attributes
    ----------
    features : Tensor of float32, shape (B, K, D)
    boxes : Tensor of float32, shape (B, K, 4)
        x1, y1, x2, y2 as shares of the picture's sides.
    mask : Tensor of bool, shape (B, K)
        False where a picture has fewer than K regions; features and boxes there are ignored.
    tokens : Tensor of int64, shape (B, T)
        Words of the question, padded on the right with zeros.
    choices : Tensor of int64, shape (B, C, Ta), or None
        Words of answers to score, padded like ``tokens``, for the models that need them. An
        answer has at least one word; where a question has fewer than C, the rest are all padding.
    """

    features: Tensor
    boxes: Tensor
    mask: Tensor
    tokens: Tensor
    choices: Tensor | None = None


@dataclass(frozen=True)
class Batch:
    """What a model sees of B examples, and what it should answer.

    Attributes
    ----------
    inputs : Inputs
        Before :meth:`to` features are of the type they are stored in, so that half as much goes
        to a GPU.
    targets : Tensor of float32, shape (B, A), or None
        Scores of the answers; (B, C), of the options, for a model that chooses.
    teacher : Tensor of float32, shape (B, A), or None
        A teacher's confidences; all zero where it lacks the question.
    """

    inputs: Inputs
    targets: Tensor | None
    teacher: Tensor | None = None

    def __len__(self) -> int:
        return len(self.inputs.tokens)

    def parts(self, size: int) -> Iterator[Batch]:
        """The same as batches of ``size`` examples, the last of which may have fewer."""
        for start in range(0, len(self), size):
            yield self._each(itemgetter(slice(start, start + size)))

    def pin_memory(self) -> Batch:
        """The same in page-locked memory."""
        return self._each(Tensor.pin_memory)

    def to(self, device: torch.device) -> Batch:
        """The same on another device, all numbers in float32."""
        there = self
        if device.type != "cpu":
            there = self.pin_memory()._each(lambda tensor: tensor.to(device, non_blocking=True))
        inputs = there.inputs._replace(features=there.inputs.features.float())
        return replace(there, inputs=inputs)

    def _each(self, change: Callable[[Tensor], Tensor]) -> Batch:
        def changed(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else change(tensor)

        inputs: Any = map(changed, self.inputs)
        return Batch(Inputs(*inputs), changed(self.targets), changed(self.teacher))
