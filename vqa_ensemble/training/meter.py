"""What happened in a run since the last line of its log."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TypeVar

import torch
from torch import Tensor

from vqa_ensemble.training import distributed

Item = TypeVar("Item")


class Meter:
    """Losses and scores of the updates from number ``first`` on, and the time they took.

    They stay on the GPU until somebody asks, so that it need not wait for this process.
    """

    def __init__(self, first: int) -> None:
        self._first = first
        self._began = time.monotonic()
        self._waited = 0.0
        self._sums: list[Tensor] = []
        self._examples = 0

    def add(self, sums: Tensor, examples: int) -> None:
        """Count an update: loss and score (2,) summed over ``examples``."""
        self._sums.append(sums)
        self._examples += examples

    def wait(self, items: Iterator[Item]) -> Item:
        """The next of ``items``; the time until it is there counts as waiting."""
        began = time.monotonic()
        item = next(items)
        self._waited += time.monotonic() - began
        return item

    def not_finite(self) -> int | None:
        """The first update whose loss is not a finite number."""
        if not self._sums:
            return None
        bad = ~torch.stack(self._sums)[:, 0].isfinite()
        return self._first + int(bad.nonzero()[0]) if bool(bad.any()) else None

    def means(self, *, together: bool = False) -> dict[str, float]:
        """Loss, score, examples a second and share of the time spent waiting.

        Of this process, or of all ``together``, which then all have to ask.
        """
        seconds = max(time.monotonic() - self._began, 1e-9)
        sums = torch.stack(self._sums).sum(0).double()
        sums = torch.cat([sums, sums.new_tensor([self._examples])])
        if together:
            sums = distributed.total(sums)
        loss, score, examples = sums.tolist()
        examples = max(examples, 1)  # the process may have had no share
        return {
            "loss": loss / examples,
            "score": score / examples,
            "examples_per_second": examples / seconds,
            "data_wait": self._waited / seconds,
        }
