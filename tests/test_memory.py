"""Training keeps the memory that it frees."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

pytest.importorskip("torch")

STEPS = """
import resource, torch
from vqa_ensemble.training.memory import keep_freed_memory
{call}
for step in range(4):
    if step == 2:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for size in range(1, 9):
        torch.ones(size, 1 << 20)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def pages_asked_for(call: str) -> int:
    """Pages that the system must give in the later two of four alike steps."""
    done = subprocess.run(
        [sys.executable, "-c", STEPS.format(call=call)], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.slow
@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "gnu_get_libc_version"),
    reason="only glibc can be told to",
)
def test_later_steps_ask_the_system_for_no_more_memory() -> None:
    assert pages_asked_for("pass") > 1000  # or else the call has nothing to do
    assert pages_asked_for("keep_freed_memory()") < 100
