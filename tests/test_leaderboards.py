"""export and check --leaderboard: what a leaderboard takes, and what it would refuse."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from command_line import Runner
from foreign_files import dump
from hypothesis import given, settings
from hypothesis import strategies as st

from vqa_ensemble.files.spreadsheet import guard, is_formula, unguard
from vqa_ensemble.leaderboards.files import LEADERBOARDS
from vqa_ensemble.predictions.files import read_predictions, write_predictions

HUMANS = [{"answer": "yes", "answer_confidence": "yes"}] * 10
ANSWERS = ["yes", "no", "-5"]
OPTIONS = ["yes", "no", "-5", "red"]


def vqa(ids: list[Any], **keys: object) -> dict[str, object]:
    rows = [{"question_id": q, "image_id": i, "question": "?"} for i, q in enumerate(ids)]
    return {**keys, "questions": rows}


# Leaderboard → its questions as they are published, and the ids of the answers.
PUBLISHED: dict[str, tuple[Any, list[Any]]] = {
    "vqa-v2": (vqa([1, 2, 3], data_subtype="test2015"), [1, 2, 3]),
    "ok-vqa": (vqa([1, 2, 3]), [1, 2, 3]),
    "textvqa": (
        {"data": [{"question_id": q, "image_id": "ab", "question": "?"} for q in (1, 2, 3)]},
        [1, 2, 3],
    ),
    "gqa": (
        {q: {"question": "?", "imageId": "n1", "isBalanced": True} for q in ("01", "2", "3")},
        ["01", "2", "3"],
    ),
    "vizwiz": (
        [{"image": f"VizWiz_test_{i}.jpg", "question": "?"} for i in range(3)],
        [f"VizWiz_test_{i}.jpg" for i in range(3)],
    ),
    "a-okvqa": (
        [{"question_id": q, "question": "?", "choices": OPTIONS} for q in ("a", "b", "c")],
        ["a", "b", "c"],
    ),
    "csv": (vqa(["=a", "b", "c"]), ["=a", "b", "c"]),
}


@pytest.fixture
def published(tmp_path: Path, request: pytest.FixtureRequest) -> tuple[str, Path, Path]:
    """A leaderboard's name, its questions, and a prediction file that answers them."""
    document, ids = PUBLISHED[request.param]
    questions = dump(tmp_path / "questions.json", document)
    member = tmp_path / "m.parquet"
    write_predictions(member, ids, ANSWERS, [1.0] * 3, member="m")
    return request.param, questions, member


each = pytest.mark.parametrize("published", PUBLISHED, indirect=True)


def test_every_leaderboard_is_tried() -> None:
    assert PUBLISHED.keys() == LEADERBOARDS.keys()


@each
def test_what_is_exported_is_accepted_and_imports_back(
    tmp_path: Path, cli: Runner, published: tuple[str, Path, Path]
) -> None:
    name, questions, member = published
    file = tmp_path / ("out.csv" if name == "csv" else "out.json")
    ran = cli.good("export", member, "--to", name, "--questions", questions, "-o", file, "--json")
    assert (ran.json["answers"], ran.json["problems"]) == (3, [])
    cli.good("check", file, "--leaderboard", name, "--questions", questions)
    cli.good("import", file, "-o", tmp_path / "back.parquet")
    before, after = read_predictions(member), read_predictions(tmp_path / "back.parquet")
    assert after.question_ids.tolist() == before.question_ids.tolist()
    assert after.top() == before.top()


@each
def test_questions_without_an_answer_are_named_or_filled(
    tmp_path: Path, cli: Runner, published: tuple[str, Path, Path]
) -> None:
    name, questions, member = published
    ids = PUBLISHED[name][1]
    write_predictions(member, ids[:1], ["yes"], [1.0], member="m")
    file = tmp_path / "out.csv"
    arguments = ("export", member, "--to", name, "--questions", questions, "-o", file)
    ran = cli(*arguments)
    assert ran.code == 1
    assert f"error: questions have no answer: 2 ({ids[1]}, {ids[2]})" in ran.out
    assert not file.exists()
    assert cli.good(*arguments, "--fill", "unknown", "--json").json["filled"] == 2
    if name == "csv":
        cli.good("check", file, "--leaderboard", name, "--questions", questions)


def test_the_files_are_those_of_the_leaderboards(tmp_path: Path, cli: Runner) -> None:
    submission = dump(tmp_path / "s.json", [{"question_id": 7, "answer": "=2"}])
    written = {}
    for name in ("vqa-v2", "gqa", "a-okvqa", "csv"):
        file = tmp_path / name
        cli.good("export", submission, "--to", name, "-o", file)
        written[name] = file.read_text()
    assert json.loads(written["vqa-v2"]) == [{"question_id": 7, "answer": "=2"}]
    assert json.loads(written["gqa"]) == [{"questionId": "7", "prediction": "=2"}]
    assert json.loads(written["a-okvqa"]) == {"7": {"direct_answer": "=2"}}
    assert written["csv"] == "question_id,answer\n7,'=2\n"


def test_vizwiz_takes_images_from_the_questions(tmp_path: Path, cli: Runner) -> None:
    submission = dump(tmp_path / "s.json", [{"question_id": 7, "answer": "yes"}])
    arguments = ("export", submission, "--to", "vizwiz", "-o", tmp_path / "out.json")
    assert "names images, not questions" in cli(*arguments).err
    document = vqa([7])
    document["questions"][0]["image_id"] = "VizWiz_test_7.jpg"  # type: ignore[index]
    cli.good(*arguments, "--questions", dump(tmp_path / "q.json", document))
    assert json.loads((tmp_path / "out.json").read_text()) == [
        {"image": "VizWiz_test_7.jpg", "answer": "yes"}
    ]


def test_a_okvqa_takes_both_answers(tmp_path: Path, cli: Runner) -> None:
    questions = dump(tmp_path / "q.json", PUBLISHED["a-okvqa"][0])
    rows = [{"question_id": q, "answer": a} for q, a in zip("abc", ANSWERS, strict=True)]
    direct = dump(tmp_path / "direct.json", rows)
    file = tmp_path / "out.json"
    arguments = ("--to", "a-okvqa", "--questions", questions, "-o", file, "--multiple-choice")
    cli.good("export", direct, *arguments, direct)
    assert json.loads(file.read_text())["a"] == {"direct_answer": "yes", "multiple_choice": "yes"}
    other = dump(tmp_path / "mc.json", [{**row, "answer": "blue"} for row in rows])
    ran = cli("export", direct, *arguments, other)
    assert ran.code == 1
    assert "multiple choices are none of the question's choices: 3 (a, b, c)" in ran.out
    assert (
        "question b: has no multiple_choice"
        in cli("export", direct, *arguments, dump(tmp_path / "mc.json", rows[:1])).err
    )
    assert (
        "vqa-v2 takes no multiple-choice"
        in cli("export", direct, "--to", "vqa-v2", "-o", file, "--multiple-choice", direct).err
    )


@pytest.mark.parametrize(
    ("name", "document", "problem"),
    [
        ("vqa-v2", {"1": "yes"}, "file holds an object, not a list of answers"),
        (
            "vqa-v2",
            [{"question_id": "1", "answer": "a"}],
            "question ids are not an integer: 1 ('1')",
        ),
        ("gqa", [{"questionId": 2, "prediction": "a"}], "question ids are not a string: 1 (2)"),
        ("gqa", [{"question_id": "2", "answer": "a"}], "entries have no questionId: 1 (entry 0)"),
        ("gqa", [{"questionId": "2", "prediction": ""}], "predictions are empty: 1 (2)"),
        (
            "gqa",
            [{"questionId": "2", "prediction": "Yes"}],
            "warning: predictions are not in lower case, so cannot be right: 1 (2)",
        ),
        ("vizwiz", [{"image": "v", "answer": "a"}], "images are not names of .jpg files: 1 (v)"),
        ("a-okvqa", [{"question_id": "a"}], "file holds no object from question id to answers"),
        ("a-okvqa", {"a": {"multiple_choice": "no"}}, "entries have no direct_answer: 1 (a)"),
        (
            "a-okvqa",
            {"a": {"direct_answer": "x", "multiple_choice": "no"}, "b": {"direct_answer": "x"}},
            "entries have no multiple_choice, which others have: 1 (b)",
        ),
        ("a-okvqa", {"a": "yes"}, "entries are not objects: 1 (entry 0)"),
        ("textvqa", [{"question_id": 9, "answer": "a"}], "not in the questions file: 1 (9)"),
    ],
)
def test_each_leaderboards_rules(
    tmp_path: Path, cli: Runner, name: str, document: object, problem: str
) -> None:
    questions = dump(tmp_path / "questions.json", PUBLISHED[name][0])
    file = dump(tmp_path / "s.json", document)
    ran = cli("check", file, "--leaderboard", name, "--questions", questions)
    assert ran.code == 1
    assert problem in ran.out


def test_vqa_v2_test_dev_needs_every_test_question(tmp_path: Path, cli: Runner) -> None:
    questions = dump(tmp_path / "q.json", vqa([1], data_subtype="test-dev2015"))
    file = dump(tmp_path / "s.json", [{"question_id": 1, "answer": "yes"}])
    ran = cli("check", file, "--leaderboard", "vqa-v2", "--questions", questions)
    assert ran.code == 1
    assert "give the whole test's, which test-dev needs too: 1 (test-dev2015)" in ran.out


def test_formulas_in_csv_are_found(tmp_path: Path, cli: Runner) -> None:
    questions = dump(tmp_path / "q.json", vqa([1, 2]))
    file = tmp_path / "s.csv"
    file.write_text('question_id,answer\n1,"=HYPERLINK(""x"")"\n2,\'=1\n')
    ran = cli("check", file, "--leaderboard", "csv", "--questions", questions)
    assert ran.code == 1
    assert "answers are formulas to a spreadsheet: 1 (1)" in ran.out


@settings(deadline=None)
@given(st.text(alphabet="'=+-@\t\ra1,\" "))
def test_guarding_is_harmless_and_can_be_undone(text: str) -> None:
    assert not is_formula(guard(text))
    assert unguard(guard(text)) == text


def test_answers_with_commas_quotes_and_newlines_survive_csv(tmp_path: Path, cli: Runner) -> None:
    texts = ["1,000", 'a "cat"', "two\nlines", "@me", "'-x", "café"]
    rows = [{"question_id": i, "answer": text} for i, text in enumerate(texts)]
    cli.good("export", dump(tmp_path / "s.json", rows), "--to", "csv", "-o", tmp_path / "s.csv")
    with (tmp_path / "s.csv").open(newline="") as file:
        assert not any(is_formula(cell) for row in csv.reader(file) for cell in row)
    cli.good("import", tmp_path / "s.csv", "-o", tmp_path / "m.parquet")
    assert read_predictions(tmp_path / "m.parquet").top() == texts


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([1], "holds no questions of a known benchmark"),
        ([{"image": "a.jpg"}, 1], "row 1: is not an object"),
        ([], "holds no questions of a known benchmark"),
        ("x", "holds no questions of a known benchmark"),
        ([{"answer": "yes"}], "has no column 'question_id'; its columns are: answer"),
        ([{"choices": ["a"]}], "row 0: has no 'question_id'"),
        ([{"question_id": "a", "choices": 1}], "row 0: 'choices' is 1. Write it as a list"),
        ({"1": {"imageId": "a"}, "2": {}}, "question 2: has no 'imageId'"),
        ([{"image": "a.jpg"}, {"image": "a.jpg"}], "question a.jpg: stands more than once"),
        ({"data": [{"question_id": 1}, {"question_id": "a"}]}, "are integers and strings"),
    ],
)
def test_questions_that_are_none(
    tmp_path: Path, cli: Runner, document: object, message: str
) -> None:
    questions = dump(tmp_path / "q.json", document)
    ran = cli("check", dump(tmp_path / "s.json", []), "--questions", questions)
    assert ran.code == 1
    assert message in ran.err
