"""Bad input of every kind: a reader takes a file or refuses it with one line, and nothing else.

``python tests/fuzz.py`` tries many more files of the same kinds.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from broken_archives import ALL_READERS
from broken_files import Reader, break_file, parquet
from command_line import Runner

from vqa_ensemble.errors import InputError
from vqa_ensemble.predictions.files import read_predictions

TRIES = 120
BY_NAME = pytest.mark.parametrize("reader", ALL_READERS, ids=lambda reader: reader.name)


def refusal(reader: Reader, content: bytes, folder: Path) -> str:
    """Why the file is refused; empty if it is taken."""
    try:
        reader.read_bytes(content, folder)
    except InputError as error:
        return str(error)
    return ""


@BY_NAME
def test_a_good_file_is_taken(reader: Reader, tmp_path: Path) -> None:
    reader.read_bytes(reader.good(), tmp_path)


@BY_NAME
def test_broken_files_are_taken_or_refused(reader: Reader, tmp_path: Path) -> None:
    refused = 0
    for seed in range(TRIES):
        content = break_file(reader, random.Random(seed))
        message = refusal(reader, content, tmp_path)
        assert "\n" not in message
        refused += bool(message)
    assert refused > TRIES / 10


@BY_NAME
@pytest.mark.parametrize("at", [0, 1, 0.1, 0.5, 0.9, -1])
def test_truncated_files_are_refused_or_right(reader: Reader, tmp_path: Path, at: float) -> None:
    content = reader.good()
    end = int(at * len(content)) if isinstance(at, float) else at
    message = refusal(reader, content[:end], tmp_path)
    if not message:  # a text file may lose its end and still be one
        assert reader.ending in (".csv", ".toml") or end == -1
    else:
        assert str(tmp_path) in message


@BY_NAME
def test_what_is_no_file_is_refused(reader: Reader, tmp_path: Path) -> None:
    missing = tmp_path / f"missing{reader.ending}"
    if reader.alone:
        with pytest.raises(InputError, match="missing"):
            reader.read(missing)
        folder = tmp_path / f"folder{reader.ending}"
        folder.mkdir()
        with pytest.raises(InputError):
            reader.read(folder)


@pytest.mark.parametrize(
    "reader", [r for r in ALL_READERS if r.alone], ids=lambda reader: reader.name
)
def test_a_pipe_does_not_make_a_reader_wait_for_ever(reader: Reader, tmp_path: Path) -> None:
    pipe = tmp_path / f"pipe{reader.ending}"
    os.mkfifo(pipe)
    with pytest.raises(InputError, match=r"is not a file|no such (file|checkpoint)"):
        reader.read(pipe)


@pytest.mark.parametrize(
    "reader",
    [r for r in ALL_READERS if r.ending in (".json", ".csv", ".toml") and r.alone],
    ids=lambda reader: reader.name,
)
def test_a_byte_order_mark_and_windows_line_ends_change_nothing(
    reader: Reader, tmp_path: Path
) -> None:
    good = reader.good()
    marked = b"\xef\xbb\xbf" + good.replace(b"\n", b"\r\n")
    assert repr(reader.read_bytes(marked, tmp_path)) == repr(reader.read_bytes(good, tmp_path))


def test_a_file_without_permission_is_refused(cli: Runner, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    path = tmp_path / "a.parquet"
    path.write_bytes(parquet({"question_id": [1], "answer": ["a"]}))
    path.chmod(0)
    ran = cli("inspect", path)
    assert ran.code == 1
    assert "permission denied" in ran.err


@pytest.mark.parametrize(
    ("ids", "problem"),
    [
        (pa.array([2**63], pa.uint64()), "does not fit into 64-bit"),
        (pa.array([1.5]), "question_id"),
        (pa.array([None], pa.int64()), "null"),
        (pa.array([True]), "question_id"),
    ],
)
def test_ids_of_a_wrong_kind_are_refused(tmp_path: Path, ids: pa.Array, problem: str) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(parquet({"question_id": ids, "answer": ["a"]}))
    with pytest.raises(InputError, match=problem):
        read_predictions(path)


@pytest.mark.parametrize("ids", [[-5, -1, 3], [2**53, 2**53 + 1, 2**63 - 1], [-(2**63), 0, 1]])
def test_ids_beyond_doubles_and_below_zero_stay_themselves(
    cli: Runner, tmp_path: Path, ids: list[int]
) -> None:
    path, output = tmp_path / "a.parquet", tmp_path / "out.json"
    path.write_bytes(parquet({"question_id": ids, "answer": ["a", "b", "c"]}))
    cli.good("vote", path, "--method", "majority", "-o", output)
    assert [line for line in output.read_text().splitlines() if line] == [
        f'[{{"question_id": {ids[0]}, "answer": "a"}},',
        f'{{"question_id": {ids[1]}, "answer": "b"}},',
        f'{{"question_id": {ids[2]}, "answer": "c"}}]',
    ]


def test_a_small_file_that_unpacks_to_very_much_is_refused(tmp_path: Path) -> None:
    """20 million rows in 150 kB, of one question: an answer may stand once, so it is refused."""
    path = tmp_path / "bomb.parquet"
    rows = 1 << 20
    table = pa.table(
        {
            "question_id": pa.array([7] * rows, pa.int64()),
            "answer": pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), ["a"]),
        }
    )
    with pq.ParquetWriter(path, table.schema, compression="zstd") as writer:
        for _ in range(20):
            writer.write_table(table)
    assert path.stat().st_size < 1_000_000
    with pytest.raises(InputError):
        read_predictions(path)
