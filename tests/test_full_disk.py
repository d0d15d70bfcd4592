"""Disks that are full or read-only: one clear line, the old file kept, nothing left."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from command_inputs import COMMANDS, HAS_TORCH, arguments, write_inputs
from command_line import Ran, Runner
from leftovers import left_over

# What each command writes first.
OUTPUTS = {
    "vote": "s.json",
    "train": "runs/tiny/checkpoint.pt",
    "predict": "preds/test/tiny.parquet",
    "import": "m.parquet",
    "fit": "ensemble.toml",
    "report": "report.html",
}
PAGE = 4096  # a small file system gives room by pages


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    write_inputs(folder)
    return folder


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"needs root and mount: {getattr(error, 'stderr', error)!r}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path, room: int) -> None:
    """Leave ``room`` pages."""
    free = os.statvfs(disk)
    (disk / "ballast").write_bytes(bytes(free.f_bavail * free.f_frsize - room * PAGE))


def write_old(disk: Path, name: str) -> Path:
    """What an earlier run has written."""
    old = disk / OUTPUTS[name]
    old.parent.mkdir(parents=True, exist_ok=True)
    old.write_text("old")
    return old


def check_refused(ran: Ran, disk: Path, old: Path, reason: str) -> None:
    """One line says why, and train says it again of all its members."""
    said, *more = ran.err.splitlines()
    assert ran.code == 1
    assert re.search(rf"(Error|tiny failed): [^:]*: cannot .*{reason}", said)
    assert [line[:30] for line in more] in ([], ["Error: 1 of 1 members failed: "])
    assert old.read_text() == "old"
    assert left_over(disk) == []


def command(name: str, inputs: Path) -> list[str]:
    if name in ("train", "predict") and not HAS_TORCH:
        pytest.skip("needs the extra [train]")
    fresh = ["--fresh"] if name == "train" else []
    return [*arguments(COMMANDS[name], inputs), *fresh]


# With some room, the files that are larger end in the middle.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "room"), [*((name, 0) for name in COMMANDS), ("vote", 3), ("report", 40), ("train", 4)]
)
def test_a_full_disk_is_said_and_keeps_the_old_file(
    cli: Runner, inputs: Path, disk: Path, monkeypatch: pytest.MonkeyPatch, name: str, room: int
) -> None:
    monkeypatch.chdir(disk)
    old = write_old(disk, name)
    fill(disk, room)
    check_refused(cli(*command(name, inputs)), disk, old, "No space left on device")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_read_only_disk_is_said_and_keeps_the_old_file(
    cli: Runner, inputs: Path, disk: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(disk)
    old = write_old(disk, name)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    check_refused(cli(*command(name, inputs)), disk, old, "Read-only file system")


@pytest.mark.parametrize("room", [0, 1, 20])
def test_a_full_temporary_folder_is_said(
    cli: Runner, disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    """Files that are not in order are parted there."""
    member, output = tmp_path / "m.parquet", tmp_path / "s.json"
    ids = np.random.default_rng(0).permutation(100_000)
    table = pa.table({"question_id": ids, "answer": ["yes"] * len(ids)})
    pq.write_table(table, member, row_group_size=20_000)
    monkeypatch.setattr(tempfile, "tempdir", str(disk))
    output.write_text("old")
    fill(disk, room)
    ran = cli("vote", member, "--method", "majority", "-o", output)
    check_refused(ran, disk, output, "No space left on device")
    assert "Set TMPDIR" in ran.err
