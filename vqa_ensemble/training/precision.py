"""Mixed precision: what runs in 16 bits, and the loss scaling that float16 needs."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from vqa_ensemble.errors import InputError

_DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16}


def choose_device(name: str) -> torch.device:
    """``auto`` is the first GPU, or the CPU where there is none.

    Raises
    ------
    InputError
        If there is no such device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(
            f"no device '{name}'", fix="Give --device auto, cpu, cuda or cuda:1."
        ) from error
    if device.type not in ("cpu", "cuda"):
        raise InputError(
            f"device '{name}' is not supported", fix="Give --device auto, cpu or cuda."
        )
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InputError(
            f"no device '{name}': torch sees {torch.cuda.device_count()} GPUs",
            fix="Give --device cpu.",
        )
    return device


def choose_precision(name: str, device: torch.device) -> str:
    """The precision a recipe's ``auto`` stands for on ``device``; others stand for themselves.

    On a CPU ``auto`` is float32: bfloat16 is faster there only for wide models on processors
    that have instructions for it.

    Raises
    ------
    InputError
        For float16 on a CPU.
    """
    if name == "auto":
        if device.type != "cuda":
            return "float32"
        with torch.cuda.device(device):
            # Older GPUs emulate bfloat16, which is slower than float32.
            native = torch.cuda.is_bf16_supported(including_emulation=False)
        return "bfloat16" if native else "float16"
    if name == "float16" and device.type != "cuda":
        raise InputError(
            "float16 needs a GPU", where="training.precision", fix='Set precision = "auto".'
        )
    return name


class MixedPrecision:
    """Automatic mixed precision (Micikevicius et al. 2018) for one model on one device.

    float16 scales the loss so that small gradients do not vanish, and skips the updates in
    which a scaled gradient overflows; ``skipped`` counts these. bfloat16 has float32's range
    and needs neither.
    """

    def __init__(self, name: str, device: torch.device) -> None:
        self.name = choose_precision(name, device)
        self.skipped = 0
        self._device = device.type
        self._scaler = torch.amp.GradScaler(device.type, enabled=self.name == "float16")

    def autocast(self) -> AbstractContextManager[Any]:
        """The context in which to run the model."""
        if self.name == "float32":
            return nullcontext()
        return torch.autocast(self._device, dtype=_DTYPES[self.name])

    def backward(self, loss: Tensor) -> None:
        """Add the gradient of ``loss``, scaled, to the parameters'."""
        torch.autograd.backward(self._scaler.scale(loss))

    def unscale(self, optimizer: torch.optim.Optimizer) -> None:
        """Take the scale out of the gradients, to clip them."""
        self._scaler.unscale_(optimizer)

    def step(self, optimizer: torch.optim.Optimizer) -> None:
        """Update the parameters, unless a gradient overflowed."""
        before = self._scaler.get_scale()
        self._scaler.step(optimizer)
        self._scaler.update()
        self.skipped += self._scaler.get_scale() < before

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"scaler": self._scaler.state_dict(), "skipped": self.skipped}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue where :meth:`state_dict` was."""
        self._scaler.load_state_dict(state["scaler"])
        self.skipped = state["skipped"]
