"""Inputs and outputs in stores that URLs name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow.fs
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from vqa_ensemble.cli import group
from vqa_ensemble.elections.options import VoteOptions
from vqa_ensemble.elections.vote import vote_files
from vqa_ensemble.errors import InputError
from vqa_ensemble.files.atomic import atomic_path, atomic_write
from vqa_ensemble.files.locations import locate
from vqa_ensemble.predictions.files import (
    predictions_from_rows,
    read_predictions,
    save_predictions,
)
from vqa_ensemble.predictions.ranges import Span, open_prediction_file

fsspec = pytest.importorskip("fsspec")

MAJORITY = VoteOptions(method="majority")


@pytest.fixture
def store() -> Iterator[str]:
    """A store in memory."""
    yield "memory://bucket"
    fsspec.filesystem("memory").store.clear()
    fsspec.filesystem("memory").pseudo_dirs[:] = [""]


@pytest.fixture(autouse=True)
def _small_row_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vqa_ensemble.predictions.files.ROW_GROUP_ROWS", 50)


def write_members(folder: str) -> list[str]:
    paths = []
    for m in range(3):
        rows = [(q, ("no", "yes", "2")[(q * (m + 1)) % 3], 0.5) for q in range(400)]
        paths.append(f"{folder}/m{m}.parquet")
        save_predictions(paths[-1], predictions_from_rows(f"m{m}", rows))
    return paths


def content(path: str) -> bytes:
    filesystem, name = locate(path)
    with filesystem.open_input_file(name) as file:
        return bytes(file.read())


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_a_vote_over_urls_gives_the_bytes_of_a_vote_over_paths(
    store: str, tmp_path: Path, kind: str
) -> None:
    folder = store if kind == "memory" else f"file://{tmp_path}/store"
    local = write_members(str(tmp_path / "local"))
    written = []
    for paths, out in ((local, str(tmp_path / "out")), (write_members(folder), f"{folder}/out")):
        output, audit = f"{out}/submission.json", f"{out}/audit.parquet"
        vote_files(paths, MAJORITY, output=output, audit=audit, block_rows=300)
        written.append((content(output), content(audit)))
    assert written[0] == written[1]
    filesystem, place = locate(f"{folder}/out")
    names = {i.base_name for i in filesystem.get_file_info(pyarrow.fs.FileSelector(place))}
    assert names == {"submission.json", "audit.parquet"}


def test_the_command_reads_and_writes_urls(store: str) -> None:
    paths = write_members(store)
    arguments = ["vote", *paths, "--method", "majority", "-o", f"{store}/s.json", "--json"]
    result = CliRunner().invoke(group, arguments, catch_exceptions=False)
    assert json.loads(result.stdout)["questions"] == 400
    assert len(json.loads(content(f"{store}/s.json"))) == 400


def test_a_range_fetches_its_row_groups_only(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = open_prediction_file(write_members(store)[0], tmp_path)
    read: list[list[int]] = []
    whole = pq.ParquetFile.read_row_groups

    def spy(self: pq.ParquetFile, groups: list[int], **options: object) -> object:
        read.append(groups)
        return whole(self, groups, **options)

    monkeypatch.setattr(pq.ParquetFile, "read_row_groups", spy)
    assert file.read(Span(49, 99)).question_ids.tolist() == list(range(50, 100))
    assert read == [[1]]


def test_an_unsorted_file_of_a_store_is_parted_on_this_machine(store: str, tmp_path: Path) -> None:
    path = write_members(store)[0]
    filesystem, name = locate(path)
    table = pq.read_table(name, filesystem=filesystem)
    backwards = table.take(list(range(table.num_rows))[::-1])
    with atomic_path(path) as temporary:
        pq.write_table(backwards, temporary, row_group_size=50)
    file = open_prediction_file(path, tmp_path)
    assert file.pieces is not None
    assert file.read(Span()).question_ids.tolist() == list(range(400))


def test_what_fails_midway_leaves_the_old_file(store: str) -> None:
    url = f"{store}/file"
    atomic_write(url, b"old")

    def fail() -> None:
        with atomic_path(url) as temporary:
            temporary.write_bytes(b"ne")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert content(url) == b"old"
    atomic_write(url, b"new")
    assert content(url) == b"new"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("memory://bucket/none.parquet", "none.parquet: no such file"),
        ("memory://bucket/folder", "folder: is not a file"),
        ("memory://bucket/empty", r"is empty \(0 bytes\)"),
        ("memory://bucket/text", "not a readable parquet file"),
        ("nowhere://bucket/file", "no file system is known for 'nowhere' URLs"),
        ("s3:///file", "is not a URL that can be opened"),
    ],
)
def test_bad_urls_are_named(store: str, url: str, problem: str) -> None:
    atomic_write(f"{store}/folder/file", b"x")
    atomic_write(f"{store}/text", b"no parquet")
    atomic_write(f"{store}/empty", b"")
    with pytest.raises(InputError, match=problem):
        read_predictions(url)


def test_a_folder_is_not_overwritten(store: str) -> None:
    atomic_write(f"{store}/folder/file", b"x")
    with pytest.raises(InputError, match="is a folder, not a file to write"):
        atomic_write(f"{store}/folder", b"y")


def test_a_part_in_a_store_reads_as_it_was_written(store: str, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="needs the extra [ray]")
    from vqa_ensemble.elections.ray_cluster import Part, RayEngine
    from vqa_ensemble.elections.span import Job, find_elector, open_members, vote_on_span

    members = open_members(write_members(store), tmp_path)
    job = Job(members, MAJORITY, find_elector(MAJORITY), audit=True)
    result = vote_on_span(job, job.voter(), Span(10, 90))
    part = Part(f"{store}/parts", "one")
    part.write(result)
    assert part.read() == result
    RayEngine(f"{store}/parts").forget()
    filesystem, _ = locate(store)
    assert filesystem.get_file_info("/bucket/parts").type == pyarrow.fs.FileType.NotFound
