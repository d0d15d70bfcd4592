"""Questions stream through the vote in ranges: no range's size may change a result."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from strategies import counts, examples, members

from vqa_ensemble.answers.answer_map import AnswerMap
from vqa_ensemble.elections.options import VoteOptions
from vqa_ensemble.elections.vote import LocalEngine, vote, vote_files
from vqa_ensemble.errors import InputError
from vqa_ensemble.predictions import ranges as prediction_ranges
from vqa_ensemble.predictions.decoding import Common
from vqa_ensemble.predictions.files import read_predictions
from vqa_ensemble.predictions.ranges import Span, open_prediction_file, plan_spans

Member = dict[int, list[tuple[str, float]]]


def map_from(table: dict[str, dict[str, int]]) -> AnswerMap:
    pairs = [(a, t, n) for a, by_type in table.items() for t, n in by_type.items()]
    answers, types, numbers = (list(part) for part in zip(*pairs, strict=True))
    return AnswerMap.from_counts(answers, types, numbers)


def write_rows(
    path: Path, rows: list[tuple[object, str, float]], row_group_size: int = 1 << 20
) -> Path:
    """As another tool would: rows as they come, plain strings, no metadata."""
    ids, answers, confidences = zip(*rows, strict=True)
    columns = {"question_id": ids, "answer": answers, "confidence": confidences}
    pq.write_table(pa.table(columns), path, row_group_size=row_group_size)
    return path


def write_members(
    folder: Path, voters: list[Member], row_group_size: int, *, shuffled: bool, text_ids: bool
) -> list[Path]:
    paths = []
    for m, voter in enumerate(voters):
        rows: list[tuple[object, str, float]] = [
            (f"q{q}" if text_ids else q, a, c)
            for q in sorted(voter)
            for a, c in sorted(voter[q], key=lambda pair: (-pair[1], pair[0]))
        ]
        if shuffled:
            np.random.default_rng(m).shuffle(rows)  # type: ignore[arg-type]
            rows = [(q if text_ids else int(q), str(a), float(c)) for q, a, c in rows]  # type: ignore[call-overload]
        paths.append(write_rows(folder / f"m{m}.parquet", rows, row_group_size))
    return paths


def plain_submission(question_ids: list[int] | list[str], answers: list[str]) -> bytes:
    rows = sorted(zip(question_ids, answers, strict=True))
    lines = [
        f'{{"question_id": {json.dumps(q)}, "answer": {json.dumps(a, ensure_ascii=False)}}}'
        for q, a in rows
    ]
    return ("[" + ",\n".join(lines) + "]\n").encode()


@examples(150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    voters=members(n_questions=8),
    table=counts,
    row_group_size=st.integers(1, 7),
    block_rows=st.integers(1, 40),
    threads=st.integers(1, 3),
    shuffled=st.booleans(),
    text_ids=st.booleans(),
    method=st.sampled_from(["question-type", "majority", "mean"]),
)
def test_blocks_of_any_size_give_what_one_block_gives(
    tmp_path: Path,
    voters: list[Member],
    table: dict[str, dict[str, int]],
    row_group_size: int,
    block_rows: int,
    threads: int,
    shuffled: bool,
    text_ids: bool,
    method: str,
) -> None:
    paths = write_members(tmp_path, voters, row_group_size, shuffled=shuffled, text_ids=text_ids)
    options = VoteOptions(method=method, missing="abstain", answer_map=map_from(table))
    whole = vote([read_predictions(path) for path in paths], options)
    expected = tmp_path / "expected.json"
    expected.write_bytes(plain_submission(whole.ballots.question_ids.tolist(), whole.answers()))
    audits = []
    for rows in (block_rows, 1 << 30):
        output, audit = tmp_path / "submission.json", tmp_path / "audit.parquet"
        summary = vote_files(
            paths,
            options,
            output=output,
            audit=audit,
            block_rows=rows,
            engine=LocalEngine(threads),
        )
        assert output.read_bytes() == expected.read_bytes()
        assert summary.to_dict() == whole.summary.to_dict()
        audits.append(pq.read_table(audit).to_pylist())
    assert audits[0] == audits[1]


def test_ranges_follow_the_row_groups(tmp_path: Path) -> None:
    rows: list[tuple[object, str, float]] = [(q, "no", 0.5) for q in range(100)]
    files = [
        open_prediction_file(write_rows(tmp_path / f"{m}.parquet", rows, 10), tmp_path)
        for m in range(3)
    ]
    spans = plan_spans(files, rows=60)
    assert spans[:2] == [Span(None, 19), Span(19, 39)]
    assert spans[-1] == Span(79, None)
    read = np.concatenate([files[0].read(span).question_ids for span in spans])
    assert read.tolist() == list(range(100))


def test_an_unsorted_file_too_large_to_hold_is_sorted_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(prediction_ranges, "MAX_GROUP_ROWS", 50)
    monkeypatch.setattr(prediction_ranges, "ROW_GROUP_ROWS", 25)
    rng = np.random.default_rng(0)
    rows: list[tuple[object, str, float]] = [
        (int(q), str(a), 0.5) for q in rng.permutation(500) for a in rng.permutation(9)[:3]
    ]
    path = write_rows(tmp_path / "mixed.parquet", rows, 40)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    file = open_prediction_file(path, scratch)
    assert "1,500 rows are not in order of question_id" in caplog.text
    assert len(file.groups) > 5
    whole = read_predictions(path)
    parts = [file.read(span) for span in plan_spans([file])]
    assert np.concatenate([p.question_ids for p in parts]).tolist() == list(range(500))
    answers = [a for p in parts for a in p.top()]
    assert answers == whole.top()


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ((3, "2", 0.5), r"row 57: answer '2' stands twice for question 3\b"),
        ((3, "9", float("nan")), r"row 57: confidence is nan"),
        ((None, "9", 0.5), r"row 57: 'question_id' is null"),
        ((3, None, 0.5), r"row 57: 'answer' is null"),
    ],
)
@pytest.mark.parametrize("sort_on_disk", [False, True])
def test_a_bad_row_is_named_by_its_place_in_the_file(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    broken: tuple[object, str, float],
    message: str,
    sort_on_disk: bool,
) -> None:
    rows: list[tuple[object, str, float]] = [(q, str(a), 0.5) for q in range(30) for a in (1, 2)]
    if sort_on_disk:
        rows[:2] = [(40, "1", 0.5), (40, "2", 0.5)]
    rows[57] = broken
    path = write_rows(tmp_path / "m.parquet", rows, 10)
    output = tmp_path / "submission.json"
    with pytest.raises(InputError, match=message):
        vote_files([path], VoteOptions(method="majority"), output=output, block_rows=1)
    assert not output.exists()
    assert [p.name for p in tmp_path.iterdir()] == ["m.parquet"]


def test_missing_questions_are_counted_over_all_ranges(tmp_path: Path) -> None:
    full = write_rows(tmp_path / "a.parquet", [(q, "no", 0.5) for q in range(100)], 10)
    half = write_rows(tmp_path / "b.parquet", [(q, "no", 0.5) for q in range(0, 100, 2)], 10)
    with pytest.raises(InputError, match=r"b.parquet: lacks 50 of 100 .*: 1, 3, 5, 7, 9, …"):
        vote_files([full, half], VoteOptions(method="majority"), block_rows=20)


def test_a_file_that_changes_while_it_is_read_is_noticed(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.parquet", [(q, "no", 0.5) for q in range(100)], 10)
    file = open_prediction_file(path, tmp_path)
    os.utime(path, ns=(0, 0))
    with pytest.raises(InputError, match="changed while it was being read"):
        file.read(Span())


def test_members_of_different_depth_line_up(tmp_path: Path) -> None:
    voters: list[list[tuple[object, str, float]]] = [
        [(q, str(a), 0.9 - 0.1 * a) for q in range(400) for a in range(k)] for k in (1, 3, 5)
    ]
    paths = [write_rows(tmp_path / f"{m}.parquet", rows, 64) for m, rows in enumerate(voters)]
    output = tmp_path / "submission.json"
    summary = vote_files(paths, VoteOptions(method="majority"), output=output, block_rows=100)
    assert (summary.questions, summary.unanimous) == (400, 400)


# ------------------------------------------------- files that are alike are checked no less


def rows_of(seed: int, confidences: tuple[float, ...] = (0.9, 0.5, 0.25)) -> pa.Table:
    """60 questions, three answers each; the question ids are those of every other seed."""
    rng = np.random.default_rng(seed)
    answers = np.concatenate([rng.permutation(["no", "yes", "2", "cat"])[:3] for _ in range(60)])
    return pa.table(
        {
            "question_id": np.repeat(np.arange(60), 3),
            "answer": pa.array(answers.astype(str)).dictionary_encode(),
            "confidence": np.tile(np.float32(confidences), 60),
        }
    )


def changed(table: pa.Table, column: str, row: int, value: object) -> pa.Table:
    """With another value in one row; an answer is that of the row ``value``."""
    values = table[column].to_pylist()
    values[row] = values[value] if column == "answer" and isinstance(value, int) else value
    kind = pa.string() if column == "answer" else table.schema.field(column).type
    return table.set_column(table.column_names.index(column), column, pa.array(values, kind))


@pytest.mark.parametrize(
    ("column", "row", "value", "problem"),
    [
        ("answer", 91, 90, "row 91: answer .* stands twice for question 30"),
        ("answer", 92, 90, "row 92: answer .* stands twice for question 30"),
        ("answer", 92, 91, "row 92: answer .* stands twice for question 30"),
        ("answer", 92, None, "row 92: 'answer' is null"),
        ("confidence", 90, float("nan"), "row 90: confidence is nan"),
        ("confidence", 92, float("nan"), "row 92: confidence is nan"),
        ("confidence", 92, -0.5, "row 92: confidence is -0.5"),
        ("confidence", 90, 1.5, "row 90: confidence is 1.5"),
        ("confidence", 91, None, "row 91: 'confidence' is null"),
        ("question_id", 91, None, "row 91: 'question_id' is null"),
        ("question_id", 91, 99, "lacks 1 of 61 questions that other members have: 99"),
    ],
)
@pytest.mark.parametrize("row_group_size", [30, 1000])
def test_a_bad_row_is_found_in_a_file_with_the_questions_of_another(
    tmp_path: Path, column: str, row: int, value: object, problem: str, row_group_size: int
) -> None:
    tables = [rows_of(0), changed(rows_of(1), column, row, value), rows_of(2)]
    paths = [tmp_path / f"m{m}.parquet" for m in range(3)]
    for path, table in zip(paths, tables, strict=True):
        pq.write_table(table, path, row_group_size=row_group_size)
    with pytest.raises(InputError, match=problem):
        vote_files(paths, VoteOptions(method="majority"), block_rows=90)


def test_answers_out_of_order_are_ranked_though_the_questions_are_those_of_another(
    tmp_path: Path,
) -> None:
    tables = [rows_of(0), rows_of(1, (0.25, 0.5, 0.9)), rows_of(2, (0.5, 0.5, 0.5))]
    paths = [tmp_path / f"m{m}.parquet" for m in range(3)]
    for path, table in zip(paths, tables, strict=True):
        pq.write_table(table, path, row_group_size=30)
    options = VoteOptions(method="majority")
    expected = vote([read_predictions(path) for path in paths], options)
    vote_files(paths, options, output=tmp_path / "got.json", block_rows=90)
    plain = plain_submission(expected.ballots.question_ids.tolist(), expected.answers())
    assert (tmp_path / "got.json").read_bytes() == plain


def test_question_ids_stored_alike_are_decoded_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = rows_of(2)
    other = other.set_column(0, "question_id", pa.array(np.repeat(np.arange(1, 61), 3)))
    files = []
    for m, table in enumerate([rows_of(0), rows_of(1), other]):
        pq.write_table(table, tmp_path / f"m{m}.parquet")
        files.append(open_prediction_file(tmp_path / f"m{m}.parquet", tmp_path))
    decoded: list[bool] = []
    read_row_groups = pq.ParquetFile.read_row_groups

    def spy(self: pq.ParquetFile, groups: list[int], *, columns: list[str], **options: object):  # type: ignore[no-untyped-def]
        decoded.append("question_id" in columns)
        return read_row_groups(self, groups, columns=columns, **options)

    monkeypatch.setattr(pq.ParquetFile, "read_row_groups", spy)
    common = Common()
    ids = [file.read(Span(), common).question_ids.tolist() for file in files]
    assert decoded == [True, False, True]
    assert ids == [list(range(60)), list(range(60)), list(range(1, 61))]


def test_an_empty_row_group_is_passed_over(tmp_path: Path) -> None:
    table = rows_of(0)
    with pq.ParquetWriter(tmp_path / "m.parquet", table.schema) as writer:
        for start, rows in ((0, 30), (30, 0), (30, 30)):
            writer.write_table(table.slice(start, rows))
    file = open_prediction_file(tmp_path / "m.parquet", tmp_path)
    assert file.read(Span(9, 19)).question_ids.tolist() == list(range(10, 20))


def test_a_field_inside_another_column_may_be_called_as_a_column_is(tmp_path: Path) -> None:
    """The vote went by the inner ids: answers were credited to other questions, or vanished."""
    n = 400
    inner = [{"question_id": i % 7, "answer": "x", "confidence": 0.5} for i in range(n)]
    plain = {"question_id": range(n), "answer": [f"a{i % 5}" for i in range(n)]}
    nested = pa.table(
        {
            "meta": pa.array(inner),
            "question_id.answer": ["x"] * n,
            **{name: list(values) for name, values in plain.items()},
        }
    )
    for name, ids in (("ordered", np.arange(n)), ("mixed", np.roll(np.arange(n), 130))):
        pq.write_table(nested.take(pa.array(ids)), tmp_path / f"{name}.parquet", row_group_size=100)
        vote_files(
            [tmp_path / f"{name}.parquet"],
            VoteOptions(method="majority"),
            output=tmp_path / "out.json",
            block_rows=100,
        )
        got = json.loads((tmp_path / "out.json").read_text())
        assert [(line["question_id"], line["answer"]) for line in got] == [
            (i, f"a{i % 5}") for i in range(n)
        ]


def test_a_field_that_only_another_column_has_is_no_column(tmp_path: Path) -> None:
    inner = [{"confidence": 0.1}, {"confidence": 0.9}]
    table = pa.table({"meta": inner, "question_id": [1, 2], "answer": ["a", "b"]})
    pq.write_table(table, tmp_path / "m.parquet")
    file = open_prediction_file(tmp_path / "m.parquet", tmp_path)
    assert file.read(Span()).confidences.tolist() == [1.0, 1.0]


def lie(path: Path, said: bytes, instead: bytes) -> None:
    """Change what a file's footer says, wherever it says it."""
    content = path.read_bytes()
    size = int.from_bytes(content[-8:-4], "little")
    footer = content[-8 - size : -8]
    assert said in footer
    path.write_bytes(content[: -8 - size] + footer.replace(said, instead) + content[-8:])


@pytest.mark.parametrize("text_ids", [False, True])
@pytest.mark.parametrize(
    ("said", "instead"),
    [(7999, 4001), (4000, 7998), (7999, 8001), (0, 7), (15999, 12000), (12000, 16500)],
)
@pytest.mark.parametrize("files", [1, 2])
def test_statistics_that_lie_lose_no_question(
    tmp_path: Path, text_ids: bool, said: int, instead: int, files: int
) -> None:
    def stored(number: int) -> bytes:
        return f"q{number:07}".encode() if text_ids else number.to_bytes(8, "little")

    ids = [f"q{i:07}" if text_ids else i for i in range(16000)]
    table = pa.table({"question_id": ids, "answer": ["yes"] * len(ids)})
    paths = [tmp_path / f"m{m}.parquet" for m in range(files)]
    for path in paths:
        pq.write_table(table, path, row_group_size=4000)
    lie(paths[-1], stored(said), stored(instead))
    options = VoteOptions(method="majority")
    refused = ""
    try:
        vote_files(paths, options, output=tmp_path / "out.json", block_rows=4000)
    except InputError as error:
        refused = str(error)
    if refused:
        assert f"{paths[-1]}, row group" in refused
        assert "statistics say" in refused
    else:  # a range that is too wide, or groups that are sorted anew, lose nothing
        assert len(json.loads((tmp_path / "out.json").read_text())) == len(ids)


def test_rows_that_a_footer_promises_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    pq.write_table(
        pa.table({"question_id": range(1000), "answer": ["yes"] * 1000}), path, compression=None
    )
    lie(path, b"\x16\xd0\x0f", b"\x16\xd2\x0f")  # zigzag varint 1000, then 1001
    with pytest.raises(InputError, match=r"m\.parquet"):
        open_prediction_file(path, tmp_path).read(Span())
    with pytest.raises(InputError, match=r"m\.parquet"):
        read_predictions(path)
