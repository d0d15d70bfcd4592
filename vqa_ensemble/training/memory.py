"""How a run uses memory, and the most that it has needed so far."""

from __future__ import annotations

import ctypes
import resource
import sys
from pathlib import Path

import torch

_PROCESS = Path("/proc/self")

# glibc's mallopt(3).
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4


def keep_freed_memory() -> None:
    """Let this process keep the memory that it frees, for its next request, where glibc is.

    A training step on a CPU asks for the same large tensors again and again. By default each is
    mapped anew and the system fills it with zeros: a tenth of the step and more.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_MMAP_MAX, 0)
        mallopt(_TRIM_THRESHOLD, 2**31 - 1)
        mallopt(_TOP_PAD, 2**26)


def forget_peak(device: torch.device) -> None:
    """Measure from here on, where the system can."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    else:
        try:
            (_PROCESS / "clear_refs").write_text("5")
        except OSError:
            return  # no Linux: the peak of the whole process, then


def peak(device: torch.device) -> int:
    """Bytes: what torch has allocated on a GPU, or what the process has resident on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    try:
        for line in (_PROCESS / "status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
