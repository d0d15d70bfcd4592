"""Files that change while they are read are refused: no result is half old and half new."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import region_writers as regions
from command_line import Runner

from vqa_ensemble.elections.provenance import provenance_path
from vqa_ensemble.errors import InputError
from vqa_ensemble.regions.files import convert_regions
from vqa_ensemble.regions.store import RegionStore

ROWS = 1000


def rewrite(path: Path) -> None:
    """Other bytes, as many, in the same file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    touch(path)


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)
    touch(path)


def replace(path: Path) -> None:
    """Another file by the same name, as programs that write whole files do."""
    other = path.with_suffix(".other")
    other.write_bytes(path.read_bytes())
    touch(other)
    other.replace(path)


def touch(path: Path) -> None:
    """Clocks of file systems tick slowly: a change right after the file was made may not show."""
    os.utime(path, (1, 1))


CHANGES = [rewrite, truncate, replace]


def write_member(path: Path, *, sorted_: bool) -> None:
    ids = np.arange(ROWS) if sorted_ else np.random.default_rng(0).permutation(ROWS)
    table = pa.table({"question_id": ids, "answer": ["yes", "no"] * (ROWS // 2)})
    pq.write_table(table, path, row_group_size=ROWS // 4)


def change_after(
    monkeypatch: pytest.MonkeyPatch, method: str, change: Callable[[], None], *, calls: int
) -> None:
    """Let a method of parquet files change the file after so many calls."""
    original: Any = getattr(pq.ParquetFile, method)
    seen = []

    def changing(self: pq.ParquetFile, *args: Any, **options: Any) -> Any:
        result = original(self, *args, **options)
        seen.append(1)
        if len(seen) == calls:
            change()
        return result

    monkeypatch.setattr(pq.ParquetFile, method, changing)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    ("sorted_", "method"), [(True, "read_row_groups"), (False, "iter_batches")]
)
def test_a_member_that_changes_during_the_vote_is_refused(
    cli: Runner,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Path], None],
    sorted_: bool,
    method: str,
) -> None:
    """Sorted files are read by row groups; others are first parted, then sorted."""
    members, output = [tmp_path / "a.parquet", tmp_path / "b.parquet"], tmp_path / "s.json"
    for path in members:
        write_member(path, sorted_=sorted_)
    output.write_text("old")
    change_after(monkeypatch, method, lambda: change(members[0]), calls=1)
    ran = cli("vote", *members, "--method", "majority", "-o", output)
    assert ran.code == 1
    assert (
        ran.err
        == f"Error: {members[0]}: changed while it was being read. Give the command again.\n"
    )
    assert output.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 3


def test_a_map_that_changes_during_the_vote_is_not_recorded(
    cli: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record would name another map than the one that the vote was held with."""
    member, table, output = (tmp_path / name for name in ("a.parquet", "map.csv", "s.json"))
    write_member(member, sorted_=True)
    table.write_text("answer,question_type,count\nyes,yes/no,1\nno,yes/no,1\n")
    change_after(monkeypatch, "read_row_groups", lambda: rewrite(table), calls=1)
    ran = cli("vote", member, "--map", table, "-o", output)
    assert ran.code == 1
    assert ran.err.startswith(f"Error: {table}: changed while it was being read. ")
    assert not Path(provenance_path(output)).exists()


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", ["features", "boxes"])
def test_region_features_that_change_during_training_are_refused(
    tmp_path: Path, change: Callable[[Path], None], name: str
) -> None:
    convert_regions([regions.write_tsv(tmp_path)], tmp_path / "store")
    store = RegionStore(tmp_path / "store")
    rows = np.arange(len(store.image_ids))
    store.read(rows)
    change(tmp_path / "store" / f"{name}.npy")
    with pytest.raises(InputError, match="store: changed while it was being read"):
        store.read(rows)
