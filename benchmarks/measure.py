"""Running whole processes: their wall time, processor time and peak memory."""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Not here: the process that measures must stay small.
    from benchmarks.generate import Corpus


@dataclass
class Program:
    """A program under measurement, and what its runs took.

    Attributes
    ----------
    name : str
    arguments : list of str
        Given to this Python.
    wall, cpu : list of float
        Seconds, one a run.
    inner : list of float
        Seconds that the program itself printed, if it does, of all runs.
    memory : list of float
        Peak resident memory in MB.
    """

    name: str
    arguments: list[str]
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    inner: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)

    def run(self) -> None:
        """Run it once."""
        command = [sys.executable, "-m", "benchmarks.measure", *self.arguments]
        run = subprocess.run(command, stdout=subprocess.PIPE, check=False)
        *printed, measured = run.stdout.decode().splitlines()
        if run.returncode:
            raise RuntimeError(f"{self.name} failed: exit status {run.returncode}")
        wall, cpu, memory = map(float, measured.split())
        self.wall.append(wall)
        self.cpu.append(cpu)
        self.memory.append(memory)
        with contextlib.suppress(ValueError):  # most programs print no time
            self.inner += [float(seconds) for seconds in " ".join(printed).split()]


def main() -> int:
    """Run this Python with the arguments given; print wall and CPU seconds and peak MB last.

    In a process of its own, since a program's peak counts from that of the process that starts
    it: this one is small.
    """
    start = perf_counter()
    process = subprocess.Popen([sys.executable, *sys.argv[1:]])
    _, status, usage = os.wait4(process.pid, 0)
    wall = perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    print(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
    return abs(process.returncode)


def vote_program(name: str, data: Corpus, output: Path, *options: str) -> Program:
    """The whole command line, start to written submission."""
    files = [str(path) for path in data.predictions]
    arguments = ["-m", "vqa_ensemble", "vote", *files, "--map", str(data.answer_map)]
    return Program(name, [*arguments, "-o", str(output), "--quiet", *options])


def interleave(programs: Sequence[Program], repeats: int) -> None:
    """Run every program in turn, ``repeats`` times, after one unmeasured round.

    In turn, so that what else the machine does falls on all alike.
    """
    for program in programs:
        program.run()
        for values in (program.wall, program.cpu, program.inner, program.memory):
            values.clear()
    for _ in range(repeats):
        for program in programs:
            program.run()


def ratio(of: Sequence[float], to: Sequence[float]) -> float:
    """Median over rounds of the ratio within a round."""
    return statistics.median(a / b for a, b in zip(of, to, strict=True))


if __name__ == "__main__":
    sys.exit(main())
