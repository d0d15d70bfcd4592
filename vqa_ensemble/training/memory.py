"""The most memory that a run has needed so far."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import torch

_PROCESS = Path("/proc/self")


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
