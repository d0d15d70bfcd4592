"""Answer keys as people keep them: tables of every kind, whose text stays text."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from command_line import Runner
from hypothesis import given
from hypothesis import strategies as st

from vqa_ensemble.errors import InputError
from vqa_ensemble.files.spreadsheet import unguard
from vqa_ensemble.predictions.files import write_predictions
from vqa_ensemble.questions.benchmarks import (
    BenchmarkAnnotations,
    read_benchmark_annotations,
    read_benchmark_questions,
)
from vqa_ensemble.questions.key import KeyFile
from vqa_ensemble.questions.table import read_question_column, write_question_column

# What type inference makes something else of.
AS_WRITTEN = [
    *("True", "false", "007", "0.50", "1.0", "+5", "1e3", "10:30", "12345678901234567890"),
    *("NA", "nan", "NULL", "None", "2020-01-02", "0x1F", "1_000", "-0", "inf"),
]

Rows = Sequence[dict[str, Any]]


def _with_csv(path: Path, rows: Rows, delimiter: str = ",") -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)


def _with_json_lines(path: Path, rows: Rows) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


WRITERS: dict[str, tuple[str, Callable[[Path, Rows], object]]] = {
    "csv": (".csv", _with_csv),
    "tsv": (".tsv", lambda path, rows: _with_csv(path, rows, "\t")),
    "json": (".json", lambda path, rows: path.write_text(json.dumps(rows))),
    "json lines": (".jsonl", _with_json_lines),
    "pandas csv": (".csv", lambda path, rows: pd.DataFrame(rows).to_csv(path, index=False)),
    "pandas parquet": (".parquet", lambda path, rows: pd.DataFrame(rows).to_parquet(path)),
    "pyarrow csv": (
        ".csv",
        lambda path, rows: pyarrow.csv.write_csv(pa.Table.from_pylist(list(rows)), path),
    ),
    "pyarrow parquet": (
        ".parquet",
        lambda path, rows: pq.write_table(pa.Table.from_pylist(list(rows)), path),
    ),
}
every_kind = pytest.mark.parametrize("kind", list(WRITERS))


def key(path: Path, kind: str, rows: Rows) -> Path:
    """A table of these rows."""
    ending, write = WRITERS[kind]
    path = path.with_suffix(ending)
    write(path, rows)
    return path


def refused(part: str) -> Any:
    """The code inside raises an InputError with this in its message."""
    return pytest.raises(InputError, match=re.escape(part))


def lists(known: BenchmarkAnnotations) -> list[list[str]]:
    """The answers to each question."""
    annotations = known.annotations
    flat = [annotations.vocabulary[code] for code in annotations.answers]
    bounds = annotations.starts.tolist()
    return [flat[begin:end] for begin, end in pairwise(bounds)]


def answers_in(source: KeyFile | str | Path) -> list[list[str]]:
    """The answers of a key."""
    return lists(read_benchmark_annotations([source]))


def member(path: Path, answers: dict[Any, str]) -> Path:
    """A prediction file."""
    path = path.with_suffix(".parquet")
    write_predictions(path, [*answers], [*answers.values()], [0.5] * len(answers), member=path.stem)
    return path


@every_kind
def test_text_stays_text(tmp_path: Path, kind: str) -> None:
    rows = [
        {"question_id": f"{i:03}", "answer": text, "question_type": kind_of}
        for i, (text, kind_of) in enumerate(zip(AS_WRITTEN, ["01", "1", "1.0"] * 6, strict=True))
    ]
    known = read_benchmark_annotations([key(tmp_path / "key", kind, rows)])
    assert lists(known) == [[text] for text in AS_WRITTEN]
    assert known.annotations.question_type_names == ["01", "1", "1.0"]
    assert known.annotations.question_ids.tolist() == [row["question_id"] for row in rows]
    assert known.alternatives


@every_kind
def test_spaces_around_are_no_part_of_a_key(tmp_path: Path, kind: str) -> None:
    rows = [{"question_id": " a1", "answer": " cat ", "answer_type": " other "}]
    known = read_benchmark_annotations([key(tmp_path / "key", kind, rows)])
    assert (lists(known), known.annotations.answer_type_names) == ([["cat"]], ["other"])
    assert known.annotations.question_ids.tolist() == ["a1"]


printable = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1).filter(
    lambda text: text.strip() and unguard(text) == text and "|" not in text and text[0] != "["
)


@given(st.lists(printable, min_size=1, max_size=5), st.sampled_from(list(WRITERS)))
def test_any_text_comes_back(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], kind: str
) -> None:
    rows = [{"question_id": i, "answer": text} for i, text in enumerate(texts)]
    path = key(tmp_path_factory.mktemp("keys") / "key", kind, rows)
    assert answers_in(path) == [[text.strip()] for text in texts]
    assert read_benchmark_questions(path).question_ids == [*range(len(texts))]


@pytest.mark.parametrize("kind", ["csv", "tsv", "pandas csv"])
def test_ids_of_a_column_are_all_integers_or_all_strings(tmp_path: Path, kind: str) -> None:
    mixed = [{"question_id": name, "answer": "x"} for name in ("0012", "12", "a12")]
    path = key(tmp_path / "mixed", kind, mixed)
    assert read_benchmark_questions(path).question_ids == ["0012", "12", "a12"]
    path = key(tmp_path / "whole", kind, [{"question_id": "12", "answer": "x"}])
    assert read_benchmark_questions(path).question_ids == [12]


def test_an_id_of_two_columns(tmp_path: Path) -> None:
    rows = [{"video": "v", "qid": qid, "answer": "x"} for qid in (0, 1)]
    for kind in WRITERS:
        file = KeyFile(str(key(tmp_path / "key", kind, rows)), id="video,qid")
        assert read_benchmark_questions(file).question_ids == ["v,0", "v,1"]
    rows[0]["video"] = "v,w"
    with refused("a part has a comma itself"):
        read_benchmark_annotations(
            [KeyFile(str(key(tmp_path / "key", "csv", rows)), id="video,qid")]
        )


SEVERAL: list[tuple[Any, list[str]]] = [
    (["cat", "kitten"], ["cat", "kitten"]),
    ([{"answer": "cat", "answer_id": 1}, {"answer": "2"}], ["cat", "2"]),
    ({"answer": ["cat", "kitten"]}, ["cat", "kitten"]),
    ("['cat', \"the cat's\"]", ["cat", "the cat's"]),
    ('["cat"]', ["cat"]),
    ("cat| kitten", ["cat", "kitten"]),
    ("|x|", ["|x|"]),
    ("P(A|B)", ["P(A|B)"]),
    ("a || b", ["a || b"]),
]


@pytest.mark.parametrize(("cell", "right"), SEVERAL)
@pytest.mark.parametrize("column", ["answer", "answers"])
def test_several_right_answers(tmp_path: Path, cell: object, right: list[str], column: str) -> None:
    for kind in ("json", "json lines", "pandas parquet", "pyarrow parquet"):
        path = key(tmp_path / "key", kind, [{"qid": "q", column: cell}])
        assert answers_in(path) == [right], kind


def test_texts_are_parted_only_if_all_of_a_column_can_be(tmp_path: Path) -> None:
    cells = ["a|b", "c", "|x|"]
    rows = [{"id": i, "answer": cell} for i, cell in enumerate(cells)]
    assert answers_in(key(tmp_path / "key", "csv", rows)) == [["a|b"], ["c"], ["|x|"]]
    assert answers_in(key(tmp_path / "key", "csv", rows[:2])) == [["a", "b"], ["c"]]
    listed = [{"id": i, "answer": cell} for i, cell in enumerate(["['a']", "b"])]
    with refused("line 3: the answer 'b' is not a list, as others are"):
        answers_in(key(tmp_path / "key", "csv", listed))
    with refused("is no whole list"):  # as numpy prints it
        answers_in(key(tmp_path / "key", "csv", [{"id": 1, "answer": "['a' 'b']"}]))
    # Of other brackets it is not known that a list is meant.
    assert answers_in(key(tmp_path / "key", "csv", [{"id": 1, "answer": "[1, 2]"}])) == [["[1, 2]"]]


@every_kind
def test_several_rows_a_question(tmp_path: Path, kind: str) -> None:
    rows = [
        {"question_id": question, "question": f"{question}?", "answer": answer}
        for question, answer in ((1, "cat"), (2, "red"), (1, "kitten"))
    ]
    path = key(tmp_path / "key", kind, rows)
    assert answers_in(path) == [["cat", "kitten"], ["red"]]
    other = [*rows, {"question_id": 2, "question": "How many?", "answer": "2"}]
    with refused("question 2 has another 'question' here than in"):
        answers_in(key(tmp_path / "key", kind, other))


def test_ten_people_are_no_alternatives(tmp_path: Path) -> None:
    rows = [{"question_id": i, "answers": ["cat"] * 7 + ["dog"] * 3} for i in range(2)]
    path = key(tmp_path / "key", "pandas parquet", rows)
    assert not read_benchmark_annotations([path]).alternatives
    rows[0]["answers"] = ["cat", "kitten"]
    path = key(tmp_path / "key", "pandas parquet", rows)
    assert read_benchmark_annotations([path]).alternatives


def test_a_dictionary_of_answers(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    path.write_text(json.dumps({"7": "cat", "12": ["two", "2"], "13": 3}))
    known = read_benchmark_annotations([path])
    assert lists(known) == [["cat"], ["two", "2"], ["3"]]
    assert known.annotations.question_ids.tolist() == [7, 12, 13]


def test_a_dictionary_of_rows(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    path.write_text(
        json.dumps({"7": {"answer": "cat", "type": "a"}, "x": {"answer": "dog", "type": "b"}})
    )
    known = read_benchmark_annotations([path])
    assert lists(known) == [["cat"], ["dog"]]
    assert known.annotations.question_ids.tolist() == ["7", "x"]


def test_dates_are_text_however_far(tmp_path: Path) -> None:
    far = pa.array([2**62, 0], pa.timestamp("us", "UTC"))
    table = pa.table({"id": [1, 2], "answer": pa.array([0, 1], pa.date32()), "when": far})
    pq.write_table(table, tmp_path / "key.parquet")
    assert answers_in(tmp_path / "key.parquet") == [["1970-01-01"], ["1970-01-02"]]


def test_a_row_with_a_picture_and_an_id_is_none_of_vizwiz(tmp_path: Path) -> None:
    rows = [{"id": i, "image": "a.jpg", "question": "?", "answer": "x"} for i in (3, 4)]
    path = key(tmp_path / "key", "json", rows)
    assert read_benchmark_questions(path).question_ids == [3, 4]
    assert read_benchmark_questions(path).images == ["a.jpg", "a.jpg"]
    assert answers_in(path) == [["x"], ["x"]]


BAD: list[tuple[Rows, str]] = [
    ([{"question": 1, "answer": "x"}], "has no column 'question_id'; its columns are: question"),
    ([{"qid": 1, "label": "x"}], "has no column 'answer'; its columns are: qid, label"),
    ([{"qid": 1, "answer": "x"}, {"qid": 2, "answer": None}], "row 1: has no right answer"),
    ([{"qid": 1, "answer": {"a": 1}}], "row 0: 'answer' is {'a': 1}"),
    ([{"qid": [1], "answer": "x"}], "row 0: 'qid' is [1]"),
    ([{"qid": True, "answer": "x"}], "row 0: 'qid' is True"),
    ([{"qid": 2.0**60, "answer": "x"}], "which lost digits. Write such ids as strings."),
    ([{"qid": 1, "answer": "x", "question_type": ["a"]}], "row 0: 'question_type' is ['a']"),
]


@pytest.mark.parametrize(("rows", "message"), BAD)
def test_what_is_refused(tmp_path: Path, rows: Rows, message: str) -> None:
    for kind in ("json", "pyarrow parquet"):
        with refused(message):
            answers_in(key(tmp_path / "key", kind, rows))


def test_integers_beyond_64_bits(tmp_path: Path) -> None:
    table = pa.table(
        {"qid": pa.array([2**63], pa.uint64()), "answer": pa.array([2**63], pa.uint64())}
    )
    pq.write_table(table, tmp_path / "key.parquet")
    (tmp_path / "key.json").write_text(json.dumps([{"qid": 2**63, "answer": 1}]))
    for name in ("key.parquet", "key.json"):
        with refused("row 0: 'qid' is 9223372036854775808, which does not fit into 64 bits. Write"):
            answers_in(tmp_path / name)
    pq.write_table(table.set_column(0, "qid", [["a"]]), tmp_path / "key.parquet")
    assert answers_in(tmp_path / "key.parquet") == [["9223372036854775808"]]
    # In a table of text any digits are an id.
    key(tmp_path / "key", "csv", [{"qid": 2**63, "answer": "x"}])
    assert read_benchmark_questions(tmp_path / "key.csv").question_ids == ["9223372036854775808"]


@every_kind
def test_types_of_a_table_are_its_own(cli: Runner, tmp_path: Path, kind: str) -> None:
    rows = [
        {"id": i, "answer": "x" if i < 45 else "y", "answer_type": "closed" if i < 45 else "open"}
        for i in range(60)
    ]
    path = key(tmp_path / "key", kind, rows)
    file = member(tmp_path / "member", dict.fromkeys(range(60), "x"))
    scored = cli.good("evaluate", file, "--annotations", path, "--metric", "exact-match", "--json")
    [score] = scored.json["files"]
    assert score["overall"] == 75.0
    assert score["per_answer_type"] == {"closed": 100.0, "open": 0.0}
    assert score["mean_of_answer_types"] == 50.0
    shown = cli.good("evaluate", file, "--annotations", path).out.splitlines()
    assert shown[0].split() == ["file", "overall", "closed", "open", "mean", "of", "types"]
    assert shown[1].split()[1:] == ["75.00", "100.00", "0.00", "50.00"]
    built = cli.good("build-map", path, "-o", tmp_path / "map.csv", "--json").json
    assert built["types"].keys() == {"closed", "open"}


def test_a_map_needs_types(cli: Runner, tmp_path: Path) -> None:
    path = key(tmp_path / "key", "csv", [{"id": 1, "answer": "x", "kind": "a"}])
    ran = cli("build-map", path, "-o", tmp_path / "map.csv")
    assert "has no types of questions. Add a column answer_type, or name one" in ran.err


@pytest.mark.parametrize("ids", [[1, 2], ["1", "2"]])
def test_ids_of_text_join_either_type(cli: Runner, tmp_path: Path, ids: list[Any]) -> None:
    path = key(tmp_path / "key", "csv", [{"id": i, "answer": "x"} for i in ids])
    file = member(tmp_path / "member", dict.fromkeys(ids, "x"))
    scored = cli.good("evaluate", file, "--annotations", path, "--metric", "exact-match", "--json")
    assert scored.json["files"][0]["overall"] == 100.0
    submission = tmp_path / "s.json"
    submission.write_text(json.dumps([{"question_id": i, "answer": "x"} for i in ids]))
    cli.good("check", submission, "--questions", path)


def test_questions_need_no_image(cli: Runner, tmp_path: Path) -> None:
    (tmp_path / "q.json").write_text(json.dumps({"questions": [{"question_id": 1}]}))
    (tmp_path / "s.json").write_text(json.dumps([{"question_id": 1, "answer": "x"}]))
    cli.good("check", tmp_path / "s.json", "--questions", tmp_path / "q.json")


def test_any_of_several_answers_is_right(cli: Runner, tmp_path: Path) -> None:
    rows = [{"id": 1, "answer": "grey|gray"}, {"id": 2, "answer": "two"}]
    path = key(tmp_path / "key", "csv", rows)
    scores = []
    for told in ("Gray", "grey", "green"):
        file = member(tmp_path / "member", {1: told, 2: "2"})
        ran = cli.good("evaluate", file, "--annotations", path, "--metric", "exact-match", "--json")
        scores.append(ran.json["files"][0]["overall"])
    assert scores == [100.0, 100.0, 50.0]


def test_columns_by_name(cli: Runner, tmp_path: Path) -> None:
    rows = [
        {"video": "v", "q": i, "gold": "x" if i else "y", "kind": "ab"[i], "answer": "none"}
        for i in (0, 1)
    ]
    path = key(tmp_path / "key", "tsv", rows)
    columns = ("--id-column", "video,q", "--type-column", "kind")
    spec = f"{path}:gold"
    file = member(tmp_path / "member", {"v,0": "y", "v,1": "y"})
    ran = cli.good(
        "evaluate", file, "--annotations", spec, *columns, "--metric", "exact-match", "--json"
    )
    assert ran.json["files"][0]["per_question_type"] == {"a": 100.0, "b": 0.0}
    built = cli.good("build-map", spec, *columns, "-o", tmp_path / "map.csv", "--json").json
    assert built["types"].keys() == {"a", "b"}
    (tmp_path / "s.json").write_text(
        json.dumps([{"question_id": f"v,{i}", "answer": "x"} for i in (0, 1)])
    )
    cli.good("check", tmp_path / "s.json", "--questions", path, *columns[:2])
    answers = key(tmp_path / "told", "csv", [{**row, "answer": "x"} for row in rows])
    output = tmp_path / "imported.parquet"
    options = ("--question-id-column", "video,q", "--questions", path, *columns[:2])
    cli.good("import", "table", answers, *options, "-o", output)
    assert pq.read_table(output)["question_id"].to_pylist() == ["v,0", "v,1"]


@every_kind
def test_a_column_of_questions_is_text(tmp_path: Path, kind: str) -> None:
    texts = enumerate(AS_WRITTEN)
    rows = [{"question_id": f"{i:03}", "question_type": f" {text} "} for i, text in texts]
    path = key(tmp_path / "types", kind, rows)
    ids = np.array([row["question_id"] for row in rows], object)
    assert read_question_column(str(path), "question_type", ids) == AS_WRITTEN


@pytest.mark.parametrize("ids", [np.array([7, 12]), np.array(["7", "12"], object)])
@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_types_that_are_formulas_come_back(tmp_path: Path, ids: Any, ending: str) -> None:
    path = tmp_path / f"types{ending}"
    types = ["=1+1", "'-5"]
    write_question_column(path, "question_type", ids, types)
    assert read_question_column(str(path), "question_type", ids) == types
    if ending == ".csv":
        assert path.read_text() == "question_id,question_type\n7,'=1+1\n12,''-5\n"


def test_rows_of_one_question_have_one_type(tmp_path: Path) -> None:
    rows = [{"id": 1, "kind": "a"}, {"id": 1, "kind": "a"}, {"id": 2, "kind": "b"}]
    path = key(tmp_path / "types", "csv", rows)
    assert read_question_column(f"{path}:kind", "", np.array([2, 1])) == ["b", "a"]
    path = key(tmp_path / "types", "csv", [*rows, {"id": 2, "kind": "c"}])
    with refused("line 5: question 2 has another 'kind' in a row before. Keep one of the rows."):
        read_question_column(f"{path}:kind", "", np.array([2, 1]))


def test_lists_and_large_ids_in_a_column_of_questions(tmp_path: Path) -> None:
    path = tmp_path / "types.parquet"
    for ids, types, message in [
        ([1], [["a"]], "row 0: 'kind' is ['a']. It must be text."),
        ([1], [{"a": 1}], "row 0: 'kind' is {'a': 1}. It must be text."),
        ([[1]], ["a"], "row 0: 'question_id' is [1]. It must be an integer or a string."),
        (pa.array([2**63], pa.uint64()), ["a"], "which does not fit into 64 bits"),
        ([None, 1], ["a", "b"], "row 0: 'question_id' is None"),
    ]:
        pq.write_table(pa.table({"question_id": ids, "kind": types}), path)
        with refused(message):
            read_question_column(f"{path}:kind", "", np.array([1]))


@pytest.mark.parametrize(
    ("right", "told", "options"),
    [
        ("two", ("two", "2"), ["--merge"]),
        ("dogs", ("dog", "a dog"), ["--merge"]),
        ("couch", ("sofa", "Couch"), ["--synonyms", "synonyms.csv"]),
        ("couch", ("sofas", "couches"), ["--merge", "--synonyms", "synonyms.csv"]),
    ],
)
def test_merging_rewrites_the_key_too(
    cli: Runner,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    right: str,
    told: tuple[str, str],
    options: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("synonyms.csv").write_text("answer,canonical\nsofa,couch\n")
    path = key(tmp_path / "key", "csv", [{"id": i, "answer": right} for i in range(60)])
    files = [member(tmp_path / text, dict.fromkeys(range(60), text)) for text in told]
    ran = cli.good(
        "compare", *files, "--annotations", path, *options, "--methods", "majority", "--json"
    )
    assert {entry["accuracy"] for entry in ran.json["methods"]} == {1.0}


@every_kind
def test_every_command_reads_a_key_alike(cli: Runner, tmp_path: Path, kind: str) -> None:
    ids = [f"{i:04}" if i % 2 else f"a{i}" for i in range(36)]
    told = dict(zip(ids, AS_WRITTEN * 2, strict=True))
    rows = [{"qid": i, "answer": text, "question_type": "x" * (1 + (i[0] == "a"))}
            for i, text in told.items()]  # fmt: skip
    path = key(tmp_path / "key", kind, rows)
    files = [member(tmp_path / name, told) for name in ("a", "b")]
    known = (*files, "--annotations", path)
    fitted = cli.good("fit", *known, "--method", "majority", "-o", tmp_path / "e.toml", "--json")
    assert fitted.json["accuracy"]["majority"] == 100.0
    compared = cli.good("compare", *known, "--methods", "majority", "--json", "--groups",
                        f"{path}:question_type").json  # fmt: skip
    assert {entry["accuracy"] for entry in compared["methods"]} == {1.0}
    answers = key(tmp_path / "told", kind, rows)
    imported = cli.good(
        "import", "table", answers, "--question-id-column", "qid", "--confidence", "accuracy",
        "--annotations", path, "--questions", path, "-o", tmp_path / "i.parquet", "--json",
    ).json  # fmt: skip
    assert (imported["questions"], imported["confidence"]) == (36, 1.0)
    explained = cli.good("explain", "0001", *known, "--method", "majority", "--json").json
    assert explained["right_answers"] == {AS_WRITTEN[1]: 1}
    types = ("--question-types", path)
    assert cli.good("vote", *files, "--method", "majority", *types, "--json").json


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ([[["cat"]]], "'answer'"),
        (["cat", ["dog"]], "'answer'"),
        (r"['\x']", "is no whole list"),
        (r"['cat\N{nothing}']", "is no whole list"),
    ],
)
def test_answers_that_cannot_be_read_are_refused(
    cli: Runner, tmp_path: Path, answer: object, says: str
) -> None:
    key = tmp_path / "key.json"
    key.write_text(json.dumps([{"question_id": 1, "answer": answer}]))
    submission = tmp_path / "s.json"
    submission.write_text('[{"question_id": 1, "answer": "cat"}]')
    ran = cli("evaluate", submission, "--annotations", key)
    assert ran.code == 1
    assert "key.json" in ran.err
    assert says in ran.err


def test_lists_in_lists_without_end_are_refused(cli: Runner, tmp_path: Path) -> None:
    key, submission = tmp_path / "key.json", tmp_path / "s.json"
    key.write_text('[{"question_id": 1, "answer": ' + "[" * 900 + "]" * 900 + "}]")
    submission.write_text('[{"question_id": 1, "answer": "cat"}]')
    assert cli("evaluate", submission, "--annotations", key).code == 1
