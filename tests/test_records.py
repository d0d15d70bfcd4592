"""Records know their place, tables have one door, and a new importer is one short module."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from vqa_ensemble import importers
from vqa_ensemble.errors import InputError
from vqa_ensemble.files.records import Record, read_records
from vqa_ensemble.files.table import csv_rows, csv_text
from vqa_ensemble.importers.base import ImportOptions, Votes, by_row
from vqa_ensemble.importers.import_predictions import import_predictions


@pytest.fixture
def new_format(monkeypatch: pytest.MonkeyPatch) -> None:
    """A format that is a module of two functions and a line in the registry."""

    def votes(row: Record, options: ImportOptions) -> Votes:
        return Votes(row.id("qid"), [(row.text("said"), row.confidence("sure"))], row.where)

    module = ModuleType("new")
    module.recognizes = lambda row: "said" in row  # type: ignore[attr-defined]
    module.read = by_row(votes)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, f"{importers.__name__}.new", module)
    monkeypatch.setitem(importers.FORMATS, "new", importers.Format("new", "a new one", 1))


def write(path: Path, *rows: object) -> str:
    path.write_text("\n".join(map(json.dumps, rows)))
    return str(path)


def test_a_new_format_is_found_and_read(new_format: None, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", {"qid": 1, "said": "yes", "sure": 0.5})
    report = import_predictions([path], tmp_path / "m.parquet", ImportOptions())
    assert (report.formats, report.questions, report.hard_answers) == (["new"], 1, 0)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"said": "no"}, "has no 'qid'; it has: said. Name another format"),
        ({"qid": 1.5, "said": "no"}, "'qid' is 1.5. It must be an integer or a string."),
        ({"qid": 2, "said": ["no"]}, "'said' is ['no']. It must be text."),
        ({"qid": 2, "said": "no", "sure": "x"}, "'sure' is 'x', not a number. Correct it"),
    ],
)
def test_what_is_wrong_is_named_by_its_place(
    new_format: None, tmp_path: Path, row: object, problem: str
) -> None:
    path = write(tmp_path / "a.jsonl", {"qid": 1, "said": "yes"}, row)
    with pytest.raises(InputError) as caught:
        import_predictions([path], tmp_path / "m.parquet", ImportOptions())
    assert str(caught.value).startswith(f"{path}, line 2: {problem}")


def test_cells_stay_text_and_keep_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('id,answer\n\n007,"a\nb"\nNA,=1\n')
    rows = [(row.where, dict(row)) for row in read_records(str(path))]
    assert rows == [
        ("line 4", {"id": "007", "answer": "a\nb"}),
        ("line 5", {"id": "NA", "answer": "=1"}),
    ]


def test_what_is_written_is_read_back() -> None:
    cells = [["1", 'a "b"'], ["", "x,y"], ["é", "two\nlines"]]
    text = csv_text(["id", "answer"], cells)
    assert text == 'id,answer\n1,"a ""b"""\n,"x,y"\né,"two\nlines"\n'
    rows = csv_rows(text.splitlines(keepends=True), fix="?")
    assert [row for _, row in rows] == [["id", "answer"], *cells]
