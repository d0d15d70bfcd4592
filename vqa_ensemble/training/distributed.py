"""Several processes that train one member together, as ``torchrun`` starts them.

Every process holds the whole model and takes its share of each update's examples; torch's
DistributedDataParallel averages the gradients. A process alone is rank 0 of 1.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from vqa_ensemble.errors import InputError
from vqa_ensemble.training.precision import choose_device

# The others wait while rank 0 writes predictions. torchrun ends them if it fails.
_PATIENCE = timedelta(days=1)


def rank() -> int:
    """Number of this process, from 0."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def size() -> int:
    """How many processes train together."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


@contextmanager
def joined(device: str) -> Iterator[torch.device]:
    """The device of this process, which meets the others that torchrun has started, if any.

    On one machine each process takes a GPU of its own unless ``device`` is ``cpu``.

    Raises
    ------
    InputError
        If there is no such device, or there are fewer GPUs than processes.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield choose_device(device)
        return
    local = os.environ.get("LOCAL_RANK", "0")
    on_gpu = device == "cuda" or (device == "auto" and torch.cuda.is_available())
    if device not in ("auto", "cpu", "cuda"):
        raise InputError(
            f"torchrun's processes cannot share device '{device}'",
            fix="Give --device auto, cpu or cuda.",
        )
    chosen = choose_device(f"cuda:{local}" if on_gpu else "cpu")
    if on_gpu:
        torch.cuda.set_device(chosen)
    distributed.init_process_group("nccl" if on_gpu else "gloo", timeout=_PATIENCE)
    try:
        yield chosen
    finally:
        distributed.destroy_process_group()


def wrap(model: nn.Module, device: torch.device) -> nn.Module:
    """The model, which exchanges gradients with the other processes if there are any."""
    if size() == 1:
        return model
    return DistributedDataParallel(model, [device] if device.type == "cuda" else None)


def meet() -> None:
    """Go on when all processes, which all have to come, are here."""
    if size() > 1:
        distributed.barrier()


def total(values: Tensor) -> Tensor:
    """The sum over all processes, which all have to ask for."""
    if size() > 1:
        distributed.all_reduce(values)
    return values


def check_alike(number: int, what: str) -> None:
    """Raise InputError unless all processes, which all have to ask, have the same number."""
    if size() > 1:
        numbers: list[int] = [0] * size()
        distributed.all_gather_object(numbers, number)
        if len(set(numbers)) > 1:
            raise InputError(
                f"the processes do not agree on {what}: {numbers}",
                fix="All machines must see the same data and output folders.",
            )
