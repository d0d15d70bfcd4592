"""Batches made ahead of the training step, by threads.

Threads, not processes: reading is copying memory, which leaves Python's lock alone, and a batch
of regions is tens of megabytes, which cost more to hand from process to process than to read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vqa_ensemble.arrays import Ints
from vqa_ensemble.threads import map_in_order
from vqa_ensemble.training.data.batch import Batch
from vqa_ensemble.training.data.examples import Examples

# Batches that are made or wait to be taken, for each worker.
_AHEAD = 2


def load_batches(
    examples: Examples, rows: Iterable[Ints], *, workers: int = 0, pinned: bool = False
) -> Iterator[Batch]:
    """The batches of examples whose rows are given, in this order.

    Parameters
    ----------
    examples : Examples
    rows : iterable of int64 arrays, shape (B,) each
    workers : int
        Threads that make batches before they are asked for; with 0 a batch is made when it is
        asked for. The batches are the same.
    pinned : bool
        Let the workers put batches into page-locked memory, from which a GPU fetches them while
        it computes.

    Raises
    ------
    InputError
        When a batch is asked for whose pictures cannot be read.
    """
    if not workers:
        return map(examples.batch, rows)

    def make(chosen: Ints) -> Batch:
        batch = examples.batch(chosen)
        return batch.pin_memory() if pinned else batch

    return map_in_order(make, rows, workers, _AHEAD * workers)
