"""Commands stopped by ``kill -9`` at any moment: given again, they end as if nothing had been."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from command_inputs import COMMANDS, HAS_TORCH, WORDS, arguments, write_inputs
from leftovers import left_over, make_old

from vqa_ensemble.predictions.files import ROW_GROUP_ROWS

pytestmark = pytest.mark.slow

# More kills with VQA_ENSEMBLE_KILLS=100; see docs/reliability.md.
KILLS = int(os.environ.get("VQA_ENSEMBLE_KILLS", "1"))
HAS_RAY = importlib.util.find_spec("ray") is not None
# Of a run that goes on where it was: these may stand half way after a kill.
PROGRESS = (".pt", ".jsonl")
MEASURED = ("time", "examples_per_second", "data_wait", "memory")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    write_inputs(folder)
    return folder


class Run:
    """A command in a folder of its own, which also has its temporary files."""

    def __init__(self, arguments: list[str], folder: Path, **environment: str) -> None:
        self.output = folder / "out"
        self.command = [sys.executable, "-m", "vqa_ensemble", *arguments]
        self.environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "TMPDIR": str(folder),
            "SOURCE_DATE_EPOCH": "0",
            **environment,
        }
        self.output.mkdir()
        self.errors = folder / "stderr.txt"

    def start(self) -> subprocess.Popen[bytes]:
        with self.errors.open("wb") as errors:  # a pipe would wait for what Ray has started, too
            return subprocess.Popen(
                self.command, cwd=self.output, env=self.environment, stderr=errors
            )

    def finish(self) -> float:
        """Run to the end; the seconds."""
        began = time.monotonic()
        assert self.start().wait(timeout=120) == 0, self.errors.read_text()
        return time.monotonic() - began

    def files(self) -> list[Path]:
        """What was written, but for temporary files and TensorBoard's events."""
        hidden = {part for path in left_over(self.output) for part in (path, *path.rglob("*"))}
        return [
            path
            for path in self.output.rglob("*")
            if path.is_file() and path not in hidden and "tensorboard" not in path.parts
        ]

    def contents(self) -> dict[Path, object]:
        return {path: content(path) for path in self.files()}

    def kill(self, moment: float) -> bool:
        """Start, and kill at a moment in seconds; whether it had not come to its end by then."""
        process = self.start()
        time.sleep(moment)
        process.kill()
        status = process.wait()
        assert status in (0, -signal.SIGKILL), self.errors.read_text()
        return status != 0


def content(path: Path) -> object:
    """A file's content, without times and what was measured."""
    if path.suffix == ".pt":
        import torch

        document = torch.load(path, weights_only=True)
        return {name: value.tolist() for name, value in document["model"].items()}
    if path.suffix == ".jsonl":
        lines = [json.loads(line) for line in path.read_bytes().splitlines()]
        return [{k: v for k, v in line.items() if k not in MEASURED} for line in lines]
    return path.read_bytes()


def kill_and_compare(run: Run) -> None:
    """Kill a run again and again; it must never leave half a file, and end as undisturbed."""
    usual = run.finish()
    whole = run.contents()
    assert whole
    assert left_over(run.output.parent) == []
    clear(run)
    moments, kills = random.Random(), 0
    while kills < KILLS:
        moment = moments.random() * usual
        kills += run.kill(moment)
        for path in run.files():
            if path.suffix not in PROGRESS:
                assert content(path) == whole[path], f"killed after {moment:.3f} s"
        if set(run.files()) == set(whole):
            clear(run)
    make_old(run.output.parent)
    run.finish()
    assert run.contents() == whole
    assert left_over(run.output.parent) == []


def clear(run: Run) -> None:
    """Remove what was written; temporary files are left to the next run."""
    for path in run.files():
        path.unlink()


# test_interruption.py stops votes, and test_resume.py training.
OFTEN = pytest.mark.skipif("VQA_ENSEMBLE_KILLS" not in os.environ, reason="run by 'make kill'")


@pytest.mark.parametrize(
    "name", [pytest.param("train", marks=OFTEN), "predict", "import", "fit", "report"]
)
def test_a_killed_command_can_be_given_again(inputs: Path, tmp_path: Path, name: str) -> None:
    if name in ("train", "predict") and not HAS_TORCH:
        pytest.skip("needs the extra [train]")
    kill_and_compare(Run(arguments(COMMANDS[name], inputs), tmp_path))


@pytest.fixture
def ray_folder() -> Iterator[Path]:
    """A folder for Ray's sockets, whose paths may not be long; its processes end with it."""
    folder = Path(tempfile.mkdtemp(prefix="ray-"))
    yield folder
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if f"RAY_TMPDIR={folder}\0".encode() in environment.read_bytes():
                os.kill(int(environment.parent.name), signal.SIGKILL)
    shutil.rmtree(folder)


@pytest.mark.skipif(not HAS_RAY, reason="needs the extra [ray]")
@OFTEN
def test_a_killed_vote_on_ray_can_be_given_again(ray_folder: Path, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    rows = 6 * ROW_GROUP_ROWS
    members = [tmp_path / f"m{m}.parquet" for m in range(3)]
    for path in members:
        table = {"question_id": np.arange(rows), "answer": generator.choice(WORDS, rows)}
        pq.write_table(pa.table(table), path, row_group_size=ROW_GROUP_ROWS)
    vote = "vote --engine ray --method majority -o s.json --audit audit.parquet --quiet"
    run = Run([*shlex.split(vote), *map(str, members)], tmp_path, RAY_TMPDIR=str(ray_folder))
    kill_and_compare(run)
