"""Batches made ahead of the training step, by other processes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import DataLoader, Dataset

from vqa_ensemble.errors import InputError
from vqa_ensemble.training.data.examples import Batch, Examples

Rows = npt.NDArray[np.int64]


def load_batches(
    examples: Examples, rows: Iterable[Rows], *, workers: int = 0, pinned: bool = False
) -> Iterator[Batch]:
    """The batches of examples whose rows are given, in this order.

    Parameters
    ----------
    examples : Examples
    rows : iterable of int64 arrays, shape (B,) each
    workers : int
        Processes that read and put together batches before they are asked for, two each; with 0
        a batch is made when it is asked for. The batches are the same.
    pinned : bool
        Put batches of workers into page-locked memory, from which a GPU fetches them while it
        computes.

    Raises
    ------
    InputError
        When a batch is asked for whose pictures cannot be read.
    """
    if not workers:
        yield from map(examples.batch, rows)
        return
    loader: DataLoader[Batch | InputError] = DataLoader(
        _Batches(examples),
        sampler=rows,
        batch_size=None,  # a row of the sampler is a whole batch
        num_workers=workers,
        pin_memory=pinned,
        generator=torch.Generator(),  # by default it would draw from the one of dropout
    )
    for batch in loader:
        if isinstance(batch, InputError):
            raise batch
        yield batch


class _Batches(Dataset[Batch | InputError]):
    """Batches by their rows; an error is handed over, since torch would wrap its message."""

    def __init__(self, examples: Examples) -> None:
        self._examples = examples

    def __getitem__(self, rows: Rows) -> Batch | InputError:
        try:
            return self._examples.batch(rows)
        except InputError as error:
            return error
