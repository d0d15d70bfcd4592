"""The plan of a run: which examples each update learns from, and how fast."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from vqa_ensemble import ragged
from vqa_ensemble.arrays import Ints
from vqa_ensemble.training import distributed
from vqa_ensemble.training.recipe import TrainingSection


class Plan:
    """Updates counted from 0, each with a window of its epoch's own random order.

    All of it follows from the number of the update, so a resumed run has nothing to restore.

    Parameters
    ----------
    section : TrainingSection
    examples : int
        Training examples; an epoch takes each of them once.
    seed : int
        Fixes the orders.
    """

    def __init__(self, section: TrainingSection, examples: int, seed: int) -> None:
        self._section, self._examples, self._seed = section, examples, seed
        counts = [math.ceil(examples / self.window(epoch)) for epoch in range(section.epochs)]
        self._starts = ragged.from_sizes(counts)
        whole = int(self._starts[-1])
        self.updates = min(whole, section.max_updates or whole)
        self._order = (-1, np.empty(0, np.int64))

    def window(self, epoch: int) -> int:
        """Examples an update of an epoch; its last update may have fewer."""
        accumulate = self._section.accumulate
        return self._section.batch_size * accumulate[min(epoch, len(accumulate) - 1)]

    def epoch(self, update: int) -> int:
        """The epoch that an update belongs to, counted from 0."""
        return int(np.searchsorted(self._starts, update, side="right")) - 1

    def ends_epoch(self, update: int) -> bool:
        """Whether an update is the last of its epoch."""
        return bool(update + 1 == self._starts[self.epoch(update) + 1])

    def rows(self, update: int) -> Ints:
        """The examples of an update, over all processes."""
        epoch = self.epoch(update)
        if self._order[0] != epoch:
            generator = np.random.default_rng([self._seed, epoch])
            self._order = (epoch, generator.permutation(self._examples))
        window = self.window(epoch)
        first = (update - int(self._starts[epoch])) * window
        return self._order[1][first : first + window]

    def share(self, update: int) -> Ints:
        """Examples of an update that this process takes; a small window may leave it none."""
        return np.array_split(self.rows(update), distributed.size())[distributed.rank()]

    def batches(self, first: int, last: int) -> Iterator[Ints]:
        """What this process takes at a time, of the updates from ``first`` to before ``last``."""
        size = self._section.batch_size
        for update in range(first, last):
            # A process without a share takes part in the exchange of gradients all the same.
            rows = self.share(update) if len(self.share(update)) else self.rows(update)[:1]
            for start in range(0, len(rows), size):
                yield rows[start : start + size]

    def learning_rate(self, update: int) -> float:
        """The learning rate of an update.

        Examples
        --------
        >>> section = TrainingSection(
        ...     epochs=3, batch_size=1, learning_rate=1.0, warmup=0.5, schedule="cosine"
        ... )
        >>> plan = Plan(section, examples=4, seed=0)
        >>> [round(plan.learning_rate(update), 2) for update in (0, 1, 2, 7, 11)]
        [0.5, 1.0, 1.0, 0.5, 0.02]
        """
        section = self._section
        rate = section.learning_rate * section.learning_rate_scale
        if section.schedule == "step":
            rate *= step_factor(section, self.epoch(update))
        epochs = np.arange(len(self._starts))
        warmup = min(round(float(np.interp(section.warmup, epochs, self._starts))), self.updates)
        if update < warmup:
            return rate * (update + 1) / warmup
        if section.schedule == "cosine":
            done = (update - warmup) / (self.updates - warmup)
            rate *= (1 + math.cos(math.pi * done)) / 2
        return rate


def step_factor(section: TrainingSection, epoch: int) -> float:
    """The learning rate's factor in an epoch, counted from 0, of the schedule ``step``.

    Examples
    --------
    Bilinear attention on VQA 2.0 (Kim et al. 2018, section 5):

    >>> [step_factor(TrainingSection(), epoch) for epoch in range(13)]
    [0.5, 1.0, 1.5, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 0.5, 0.5, 0.125]
    """
    factors = section.warmup_factors
    decays = max(0, 1 + (epoch - section.decay_start) // section.decay_every)
    return factors[min(epoch, len(factors) - 1)] * section.decay_factor**decays
