"""Votes over s3:// URLs, against a server on this machine that speaks S3."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

pytest.importorskip("flask_cors", reason="needs moto's server: the extra [test]")
moto_server = pytest.importorskip("moto.server", reason="needs moto's server: the extra [test]")

from pyarrow.fs import FileSelector, FileType  # noqa: E402

from vqa_ensemble.cli import group  # noqa: E402
from vqa_ensemble.elections.options import VoteOptions  # noqa: E402
from vqa_ensemble.elections.vote import Engine, vote_files  # noqa: E402
from vqa_ensemble.errors import InputError  # noqa: E402
from vqa_ensemble.files.locations import join, locate  # noqa: E402
from vqa_ensemble.predictions.files import (  # noqa: E402
    predictions_from_rows,
    read_predictions,
    save_predictions,
)

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # moto's and Ray's own

MAJORITY = VoteOptions(method="majority")


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """The URL of a bucket; any key opens it."""
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    query = f"scheme=http&endpoint_override={host}:{port}&region=us-east-1"
    filesystem, name = locate(f"s3://key:secret@bucket?{query}&allow_bucket_creation=true")
    filesystem.create_dir(name)
    yield f"s3://key:secret@bucket?{query}"
    server.stop()


@pytest.fixture(autouse=True)
def _small_row_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vqa_ensemble.predictions.files.ROW_GROUP_ROWS", 100)


def write_members(folder: str) -> list[str]:
    paths = []
    for m in range(3):
        rows = [
            (q, answer, confidence)
            for q in range(300)
            for answer, confidence in ((("no", "yes", "2")[q * (m + 1) % 3], 0.5), ("cat", 0.25))
        ]
        paths.append(join(folder, f"m{m}.parquet"))
        save_predictions(paths[-1], predictions_from_rows(f"m{m}", rows))
    return paths


def content(path: str) -> bytes:
    filesystem, name = locate(path)
    with filesystem.open_input_file(name) as file:
        return bytes(file.read())


def names(folder: str) -> list[str]:
    filesystem, place = locate(folder)
    return sorted(info.base_name for info in filesystem.get_file_info(FileSelector(place)))


def vote_twice(bucket: str, tmp_path: Path, name: str, engine: Engine | None) -> None:
    """Over paths on this machine, and over URLs by ``engine``: the same bytes."""
    written = []
    for folder, by in ((str(tmp_path), None), (join(bucket, name), engine)):
        output, audit = join(folder, "out/submission.json"), join(folder, "out/audit.parquet")
        paths = write_members(folder)
        vote_files(paths, MAJORITY, output=output, audit=audit, block_rows=300, engine=by)
        written.append((content(output), content(audit)))
    assert written[0] == written[1]
    assert len(json.loads(written[0][0])) == 300
    assert names(join(bucket, f"{name}/out")) == ["audit.parquet", "submission.json"]


def test_a_vote_over_s3_gives_the_bytes_of_a_vote_over_paths(bucket: str, tmp_path: Path) -> None:
    vote_twice(bucket, tmp_path, "local", None)


def test_so_does_one_by_ray(bucket: str, tmp_path: Path) -> None:
    ray = pytest.importorskip("ray", reason="needs the extra [ray]")
    from vqa_ensemble.elections.ray_cluster import RayEngine

    ray.init(num_cpus=2, log_to_driver=False, include_dashboard=False, logging_level="error")
    parts = join(bucket, "ray/parts")
    try:
        engine = RayEngine(parts)
        vote_twice(bucket, tmp_path, "ray", engine)
        assert sum(name.endswith(".summary.json") for name in names(parts)) > 3
        engine.forget()
    finally:
        ray.shutdown()
    filesystem, place = locate(parts)
    assert filesystem.get_file_info(place).type == FileType.NotFound


def test_the_command_reads_and_writes_s3(bucket: str) -> None:
    paths, output = write_members(join(bucket, "command")), join(bucket, "command/test.json")
    arguments = ["vote", *paths, "--method", "majority", "-o", output, "--json"]
    result = CliRunner().invoke(group, arguments, catch_exceptions=False)
    assert json.loads(result.stdout)["questions"] == 300
    assert len(json.loads(content(output))) == 300


@pytest.mark.parametrize("name", ["none.parquet", "command/none.parquet"])
def test_what_is_not_there_is_named(bucket: str, name: str) -> None:
    with pytest.raises(InputError, match=r"none\.parquet.*: no such file"):
        read_predictions(join(bucket, name))


def test_a_bucket_that_is_not_there_is_named(bucket: str) -> None:
    with pytest.raises(InputError, match="elsewhere"):
        vote_files([join(bucket.replace("bucket?", "elsewhere?"), "m.parquet")], MAJORITY)
