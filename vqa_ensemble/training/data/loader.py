"""Batches made ahead of the training step, by threads.

Threads, not processes: reading is copying memory, which leaves Python's lock alone, and a batch
of regions is tens of megabytes, which cost more to hand from process to process than to read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from vqa_ensemble.arrays import Ints
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
        yield from map(examples.batch, rows)
        return

    def make(chosen: Ints) -> Batch:
        batch = examples.batch(chosen)
        return batch.pin_memory() if pinned else batch

    pool = ThreadPoolExecutor(workers)
    ahead: deque[Future[Batch]] = deque()
    try:
        for chosen in rows:
            ahead.append(pool.submit(make, chosen))
            if len(ahead) > _AHEAD * workers:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
