"""The contract between members and engine: what is written, what loads, what is refused."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples, ranked

from vqa_ensemble.elections.options import VoteOptions
from vqa_ensemble.elections.vote import vote_files
from vqa_ensemble.errors import InputError
from vqa_ensemble.predictions.files import (
    predictions_from_rows,
    read_predictions,
    write_predictions,
)
from vqa_ensemble.predictions.member import Metadata, Predictions
from vqa_ensemble.predictions.stream import prediction_stream

ROWS = [(20, "no", 0.5), (3, "2", 0.25), (20, "yes", 0.5), (3, "3", 0.75)]
SORTED = [(3, "3", 0.75), (3, "2", 0.25), (20, "no", 0.5), (20, "yes", 0.5)]


def rows(p: Predictions) -> list[tuple[object, str, float]]:
    ids = np.repeat(p.question_ids, np.diff(p.starts)).tolist()
    answers = p.vocabulary.take(pa.array(p.answers)).to_pylist()
    return list(zip(ids, answers, p.confidences.tolist(), strict=True))


def write(path: Path, content: list[tuple[object, str, float]], **options: object) -> None:
    ids, answers, confidences = (list(part) for part in zip(*content, strict=True))
    write_predictions(path, ids, answers, confidences, **{"member": "m", **options})  # type: ignore[arg-type]


# ----------------------------------------------------------------------------- writing


def test_columns_types_order_and_compression(tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    write(path, ROWS)
    file = pq.ParquetFile(path)
    schema = file.schema_arrow
    assert schema.names == ["question_id", "answer", "confidence"]
    assert schema.field("question_id").type == pa.int64()
    assert schema.field("answer").type == pa.dictionary(pa.int32(), pa.string())
    assert schema.field("confidence").type == pa.float32()
    assert {file.metadata.row_group(0).column(c).compression for c in range(3)} == {"ZSTD"}
    table = file.read().to_pylist()
    assert [(r["question_id"], r["answer"], r["confidence"]) for r in table] == SORTED


def test_metadata_says_where_a_file_comes_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    path = tmp_path / "file.parquet"
    given = Metadata("m", "vqa-v2", "val", recipe="[model]\n", recipe_hash="ab", seed="3")
    write(path, ROWS, member=given)
    metadata = read_predictions(path).metadata
    assert (metadata.member, metadata.dataset, metadata.split) == ("m", "vqa-v2", "val")
    assert (metadata.recipe, metadata.recipe_hash, metadata.seed) == ("[model]\n", "ab", "3")
    assert (metadata.top_k, metadata.format_version) == ("10", "1")
    assert metadata.created_by.startswith("vqa-ensemble ")
    assert metadata.created_at == "1970-01-01T00:00:00+00:00"


def test_the_top_k_answers_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    write(path, ROWS, top_k=1)
    assert rows(read_predictions(path)) == [(3, "3", 0.75), (20, "no", 0.5)]
    write(path, ROWS, top_k=None)
    assert len(rows(read_predictions(path))) == 4


def test_row_groups_can_be_skipped_by_question_id(tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    questions, k = 100_000, 3  # no multiple of 3 rows fills a group
    write_predictions(
        path,
        np.repeat(np.arange(questions), k),
        np.tile(np.arange(k, dtype=np.int32), questions),
        np.tile([0.5, 0.25, 0.125], questions),
        member="m",
        vocabulary=["0", "1", "2"],
    )
    metadata = pq.ParquetFile(path).metadata
    ranges = [
        (statistics.min, statistics.max)
        for g in range(metadata.num_row_groups)
        for statistics in [metadata.row_group(g).column(0).statistics]
    ]
    assert len(ranges) >= 3
    assert all(before[1] < after[0] for before, after in pairwise(ranges))


def test_no_question_lies_in_two_row_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vqa_ensemble.predictions.files.ROW_GROUP_ROWS", 10)
    monkeypatch.setattr("vqa_ensemble.predictions.stream.ROW_GROUP_ROWS", 10)
    counts = [4, 4, 4, 13, 1, 9, 1, 10]
    ids = np.repeat(np.arange(len(counts)), counts)
    answers = np.concatenate([np.arange(n, dtype=np.int32) for n in counts])
    vocabulary = [str(n) for n in range(13)]
    options = {"member": "m", "vocabulary": vocabulary, "top_k": None}
    write_predictions(tmp_path / "m.parquet", ids, answers, 1 / (answers + 1.0), **options)  # type: ignore[arg-type]
    with prediction_stream(tmp_path / "s.parquet", vocabulary, Metadata(member="s")) as write:
        for q, n in enumerate(counts):
            write(np.array([q]), np.arange(n)[None], np.float32(1 / (np.arange(n)[None] + 1)))
    for name in ("m.parquet", "s.parquet"):
        footer = pq.ParquetFile(tmp_path / name).metadata
        groups = [footer.row_group(g).num_rows for g in range(footer.num_row_groups)]
        assert groups == [8, 4, 13, 10, 1, 10]
        assert rows(read_predictions(tmp_path / name)) == rows(
            read_predictions(tmp_path / "m.parquet")
        )


def test_a_killed_writer_leaves_the_old_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    write(path, ROWS)
    old = path.read_bytes()
    script = (
        "import numpy as np, sys\n"
        "from vqa_ensemble.predictions.files import write_predictions\n"
        "n = 2_000_000\n"
        "ids, answers = np.arange(n), np.zeros(n, np.int32)\n"
        "print('ready', flush=True)\n"
        "while True:\n"
        "    write_predictions(sys.argv[1], ids, answers, np.ones(n), member='m', "
        "vocabulary=['no'])\n"
    )
    for delay in (0.05, 0.3):
        path.write_bytes(old)
        with subprocess.Popen(
            [sys.executable, "-c", script, path], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
        assert len(read_predictions(path).question_ids) in (2, 2_000_000)


def test_a_failed_write_leaves_no_temporary_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder"):
        write(tmp_path, ROWS)
    with pytest.raises(InputError, match=r"confidence is 1\.5"):
        write(tmp_path / "m.parquet", [(1, "no", 1.5)])
    assert list(tmp_path.iterdir()) == []


@examples(50, deadline=None)
@given(st.dictionaries(st.integers(-(2**63), 2**63 - 1), ranked, min_size=1, max_size=5))
def test_what_is_written_is_read(questions: dict[int, list[tuple[str, float]]]) -> None:
    content = [(q, a, c) for q, answers in questions.items() for a, c in answers]
    expected = sorted(content, key=lambda row: (row[0], -row[2], row[1]))
    assert rows(predictions_from_rows("m", content)) == expected


# ------------------------------------------------------------------- files made by others


def frame() -> pd.DataFrame:
    return pd.DataFrame(ROWS, columns=["question_id", "answer", "confidence"])


def by_pandas(path: Path) -> None:
    frame().to_parquet(path)


def by_pandas_category(path: Path) -> None:
    frame().astype({"answer": "category", "question_id": "uint32"}).to_parquet(path, index=False)


def by_polars(path: Path) -> None:
    pl.from_pandas(frame()).write_parquet(path)


def by_polars_categorical(path: Path) -> None:
    pl.from_pandas(frame()).with_columns(pl.col("answer").cast(pl.Categorical)).write_parquet(path)


def by_duckdb(path: Path) -> None:
    with duckdb.connect() as connection:
        connection.register("frame_table", frame())
        connection.execute(f"copy (select * from frame_table) to '{path}' (format parquet)")


def by_arrow_string_view(path: Path) -> None:
    table = pa.Table.from_pandas(frame(), preserve_index=False)
    answer = table["answer"].cast(pa.string_view())
    pq.write_table(table.set_column(1, "answer", answer), path)


@pytest.mark.parametrize(
    "writer",
    [
        by_pandas,
        by_pandas_category,
        by_polars,
        by_polars_categorical,
        by_duckdb,
        by_arrow_string_view,
    ],
)
def test_files_of_other_tools_load(tmp_path: Path, writer: object) -> None:
    path = tmp_path / "their model.parquet"
    writer(path)  # type: ignore[operator]
    predictions = read_predictions(path)
    assert rows(predictions) == SORTED
    assert predictions.member == "their model"


def test_string_ids_sort_as_strings(tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    frame().assign(question_id=lambda f: f.question_id.astype(str)).to_parquet(path)
    assert read_predictions(path).question_ids.tolist() == ["20", "3"]


def test_without_confidences_answers_are_hard_votes(tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    pd.DataFrame({"question_id": [2, 1], "answer": ["no", "yes"]}).to_parquet(path)
    assert rows(read_predictions(path)) == [(1, "yes", 1.0), (2, "no", 1.0)]


# ------------------------------------------------------------------------ what is refused


def table(**columns: object) -> pa.Table:
    given: dict[str, object] = {
        "question_id": [1, 2],
        "answer": ["no", "yes"],
        "confidence": [0.5, 0.5],
    }
    given.update(columns)
    return pa.table({name: values for name, values in given.items() if values is not None})


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (table(answer=None), r"has no column 'answer'; its columns are: question_id, confidence"),
        (table(question_id=None), "has no column 'question_id'"),
        (table(question_id=[1.0, 2.0]), "column 'question_id' is double"),
        (table(question_id=pa.array([1, 2**63], pa.uint64())), "does not fit"),
        (table(answer=[1, 2]), "column 'answer' is int64"),
        (table(confidence=["0.5", "1"]), "column 'confidence' is string"),
        (table(confidence=[0.5, float("nan")]), "row 1: confidence is nan"),
        (table(confidence=[0.5, None]), "row 1: 'confidence' is null"),
        (table(confidence=[-0.1, 0.5]), "row 0: confidence is -0.1.*not logits or percent"),
        (table(confidence=[0.5, 97.0]), "row 1: confidence is 97.0"),
        (table(answer=["no", None]), "row 1: 'answer' is null"),
        (table(question_id=[None, 2]), "row 0: 'question_id' is null"),
        (
            table(question_id=[7, 7], answer=["no", "no"]),
            "row 1: answer 'no' stands twice for question 7",
        ),
        (
            table(question_id=[7, 7], confidence=None),
            "question 7: has 2 answers but the file no 'conf",
        ),
        (table().slice(0, 0), "holds no predictions"),
    ],
)
def test_bad_tables_are_refused_with_file_and_row(
    tmp_path: Path, bad: pa.Table, message: str
) -> None:
    path = tmp_path / "bad.parquet"
    pq.write_table(bad, path)
    with pytest.raises(InputError, match=rf"bad\.parquet.*{message}"):
        read_predictions(path)


def test_a_duplicate_among_many_answers_is_found(tmp_path: Path) -> None:
    path = tmp_path / "bad.parquet"
    answers = [*(f"a{i}" for i in range(30)), "a7"]
    pq.write_table(
        pa.table({"question_id": [1] * 31, "answer": answers, "confidence": [0.5] * 30 + [0.1]}),
        path,
    )
    with pytest.raises(InputError, match="row 30: answer 'a7' stands twice for question 1"):
        read_predictions(path)


def test_rows_are_counted_in_the_files_order(tmp_path: Path) -> None:
    path = tmp_path / "bad.parquet"
    pq.write_table(
        pa.table(
            {"question_id": [9, 1, 9], "answer": ["no", "no", "no"], "confidence": [0.5, 0.5, 0.75]}
        ),
        path,
    )
    with pytest.raises(InputError, match="row 0: answer 'no' stands twice for question 9"):
        read_predictions(path)


def test_names_that_are_not_utf8_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "names.parquet"
    columns = {"question_id": [1], "answer": ["no"], "confidence": [0.5], "remark": ["x"]}
    pq.write_table(pa.table(columns), path, store_schema=False)
    path.write_bytes(path.read_bytes().replace(b"remark", b"r\xe5mark"))
    with pytest.raises(InputError, match=r"names\.parquet: not a readable parquet file.*utf-8"):
        read_predictions(path)


def test_files_that_are_not_parquet_are_refused(tmp_path: Path) -> None:
    good = tmp_path / "good.parquet"
    write(good, ROWS)
    whole = good.read_bytes()
    cases = {
        "empty": b"",
        "text": b"question_id,answer\n1,no\n" * 9,
        "cut": whole[: len(whole) // 2],
    }
    for name, content in cases.items():
        path = tmp_path / f"{name}.parquet"
        path.write_bytes(content)
        with pytest.raises(
            InputError, match=rf"{name}\.parquet: (is empty|not a readable parquet)"
        ):
            read_predictions(path)
    with pytest.raises(InputError, match="no such file"):
        read_predictions(tmp_path / "absent.parquet")
    with pytest.raises(InputError, match="is not a file"):
        read_predictions(tmp_path)


def test_pipes_are_refused_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "pipe.parquet"
    os.mkfifo(path)
    with pytest.raises(InputError, match="is not a file"):
        read_predictions(path)


def test_a_later_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    pq.write_table(table().replace_schema_metadata({"vqa_ensemble.format_version": "2"}), path)
    with pytest.raises(InputError, match=r"format version 2.*Upgrade"):
        read_predictions(path)


def test_spaces_around_are_no_part_of_an_answer(tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    table = pa.table({
        "question_id": [1, 1, 2], "answer": [" yes", "no ", "yes"], "confidence": [0.5, 0.4, 1.0]
    })  # fmt: skip
    pq.write_table(table, path)
    found = read_predictions(path)
    assert found.vocabulary.to_pylist() == ["no", "yes"]
    assert found.top() == ["yes", "yes"]
    pq.write_table(table.set_column(1, "answer", [["yes", "yes ", "no"]]), path)
    with pytest.raises(InputError, match="answer 'yes' stands twice for question 1"):
        read_predictions(path)


@pytest.mark.parametrize("column", ["question_id", "answer"])
@pytest.mark.parametrize("dictionary", [False, True])
def test_strings_that_are_not_utf8_are_refused(
    tmp_path: Path, column: str, dictionary: bool
) -> None:
    bad = pa.StringArray.from_buffers(
        2, pa.py_buffer(np.array([0, 2, 3], np.int32).tobytes()), pa.py_buffer(b"\xc3\x28b")
    )
    good = pa.array(["a", "b"])
    table = pa.table({"question_id": good, "answer": good, column: bad})
    pq.write_table(table, tmp_path / "m.parquet", use_dictionary=dictionary)
    with pytest.raises(InputError, match=r"m\.parquet"):
        read_predictions(tmp_path / "m.parquet")
    with pytest.raises(InputError, match=r"m\.parquet"):
        vote_files([tmp_path / "m.parquet"], VoteOptions(method="majority"))


@pytest.mark.parametrize("epoch", ["abc", "1e99", "9" * 30, "-" + "9" * 30, "1.5"])
def test_a_time_that_is_none_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, epoch: str
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    with pytest.raises(InputError, match="SOURCE_DATE_EPOCH"):
        write(tmp_path / "m.parquet", [(1, "a", 0.5)])


@pytest.mark.parametrize("version", ["\N{SUPERSCRIPT TWO}", "", "x", "-1", "1.0"])
def test_an_odd_format_version_is_no_later_one(tmp_path: Path, version: str) -> None:
    table = pa.table({"question_id": [1], "answer": ["a"]})
    table = table.replace_schema_metadata({"vqa_ensemble.format_version": version})
    pq.write_table(table, tmp_path / "m.parquet")
    assert read_predictions(tmp_path / "m.parquet").top() == ["a"]


def test_an_enormous_format_version_is_a_later_one(tmp_path: Path) -> None:
    table = pa.table({"question_id": [1], "answer": ["a"]})
    table = table.replace_schema_metadata({"vqa_ensemble.format_version": "9" * 5000})
    pq.write_table(table, tmp_path / "m.parquet")
    with pytest.raises(InputError, match="Upgrade"):
        read_predictions(tmp_path / "m.parquet")
