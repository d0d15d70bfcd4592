"""Runs that are killed, terminated or out of space: nothing lost, nothing half, nothing left."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from command_line import Runner
from leftovers import left_over, make_old

from vqa_ensemble.cli import Stopped, StopSignals
from vqa_ensemble.errors import InputError
from vqa_ensemble.files import atomic
from vqa_ensemble.files.atomic import atomic_path, scratch_folder, sole_use

pytestmark = pytest.mark.slow

PROGRAM = (sys.executable, "-m", "vqa_ensemble")
# More kills with VQA_ENSEMBLE_KILLS=100; see docs/reliability.md.
KILLS = int(os.environ.get("VQA_ENSEMBLE_KILLS", "4"))
QUESTIONS = 30_000


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three members in files that are not in order, which take a moment to sort."""
    folder = tmp_path_factory.mktemp("members")
    generator = np.random.default_rng(0)
    paths = []
    for m in range(3):
        table = pa.table(
            {
                "question_id": generator.permutation(QUESTIONS),
                "answer": generator.choice(["2", "no", "yes"], QUESTIONS),
                "confidence": generator.random(QUESTIONS),
            }
        )
        paths.append(folder / f"m{m}.parquet")
        pq.write_table(table, paths[-1], row_group_size=QUESTIONS // 5)
    return paths


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_vote_stopped_at_any_moment_can_be_given_again(
    members: list[Path], tmp_path: Path, number: signal.Signals
) -> None:
    output, audit = tmp_path / "out" / "submission.json", tmp_path / "out" / "audit.parquet"
    arguments = ["vote", *members, "--method", "majority", "-o", output, "--audit", audit, "-q"]
    environment = {**os.environ, "TMPDIR": str(tmp_path), "OMP_NUM_THREADS": "1"}

    command = [*PROGRAM, *map(str, arguments)]

    began = time.monotonic()
    subprocess.run(command, env=environment, check=True)
    usual = time.monotonic() - began
    expected = {path: path.read_bytes() for path in (output, audit)}
    generator = random.Random(int(number))
    for _ in range(KILLS):
        for path in expected:
            path.unlink(missing_ok=True)
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
        time.sleep(generator.random() * usual)
        process.send_signal(number)
        _, error = process.communicate()
        # In the first moments Python is still importing, and has not got to our main().
        status = process.returncode
        in_main = re.search(rb'vqa_ensemble.cli.__init__\.py", line \d+, in main', error)
        early = not in_main and status in (-number, 1)
        assert early or status in (0, -signal.SIGKILL, 128 + number), (status, error.decode())
        assert early or b"Traceback" not in error, (status, error.decode())
        for path, content in expected.items():
            assert not path.exists() or path.read_bytes() == content
        if number != signal.SIGKILL:
            assert left_over(output.parent) == []
    make_old(tmp_path)
    subprocess.run(command, env=environment, check=True)
    for path, content in expected.items():
        assert path.read_bytes() == content
    assert left_over(tmp_path) == []


def test_a_signal_that_comes_in_a_destructor_is_not_lost(
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Last:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGTERM)

    def run() -> None:
        Last()
        time.sleep(10)

    with StopSignals() as signals, pytest.raises(Stopped):
        run()
    assert signals.number == signal.SIGTERM
    assert capsys.readouterr().err == ""


def test_what_a_living_run_writes_is_not_removed(tmp_path: Path) -> None:
    path = tmp_path / "file [1].json"
    with atomic_path(path) as first, scratch_folder() as scratch:
        for lock in (first, scratch / ".lock"):
            os.utime(lock, (0, 0))
        with atomic_path(path) as second, scratch_folder() as other:
            assert first.exists()
            assert scratch.exists()
            second.write_text("second")
        assert not other.exists()
        first.write_text("first")
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


def test_what_was_left_before_the_clock_went_back_is_removed(tmp_path: Path) -> None:
    left = tmp_path / ".file.vqa-ensemble-0123abcd.tmp"
    left.write_text("half")
    future = time.time() + 86_400
    os.utime(left, (future, future))
    with atomic_path(tmp_path / "file") as temporary:
        temporary.write_text("whole")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_is_said_and_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(InputError, match="No space left on device"), atomic_path(path):
        Path("/dev/full").write_text("x" * 10)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_written_to_is_said(
    cli: Runner, members: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    ran = cli("vote", *members, "--method", "majority", "-o", tmp_path / "file" / "out.json")
    assert ran.code == 1
    assert "cannot write here" in ran.err


def test_two_runs_to_one_file_leave_one_of_them_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    code = (
        "import sys; from vqa_ensemble.files.atomic import atomic_path\n"
        "for _ in range(50):\n"
        "    with atomic_path(sys.argv[1]) as temporary:\n"
        "        temporary.write_text(sys.argv[2] * 10_000)\n"
    )
    runs = [subprocess.Popen([sys.executable, "-c", code, str(path), text]) for text in "ab"]
    seen = set()
    while any(run.poll() is None for run in runs):
        if path.exists():
            seen.add(path.read_text())
    assert [run.returncode for run in runs] == [0, 0]
    assert seen <= {"a" * 10_000, "b" * 10_000}
    assert list(tmp_path.iterdir()) == [path]


def test_a_killed_run_has_ended_its_turn_in_a_folder(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path\n"
        "from vqa_ensemble.files.atomic import sole_use\n"
        "with sole_use(Path(sys.argv[1])):\n"
        "    print('mine', flush=True); time.sleep(600)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == b"mine\n"
        with sole_use(tmp_path, waiting=run.kill):
            assert run.wait() == -signal.SIGKILL


def test_a_folder_of_results_is_no_scratch_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    run = tmp_path / "vqa-ensemble-mine"
    with sole_use(run):
        pass
    make_old(tmp_path)
    with scratch_folder():
        assert run.is_dir()


def test_a_folder_that_cannot_be_locked_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot write here"), sole_use(tmp_path / "file"):
        pass


def test_an_error_of_the_system_is_one_line(
    cli: Runner, members: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise OSError(5, "Input/output error", "disk")

    monkeypatch.setattr(atomic.os, "replace", fail)
    ran = cli("vote", *members, "--method", "majority", "-o", tmp_path / "out.json")
    assert ran.code == 1
    assert ran.err == "Error: disk: Input/output error\n"
    assert list(tmp_path.iterdir()) == []
