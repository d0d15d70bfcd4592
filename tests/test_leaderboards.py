"""export and check --leaderboard: what a leaderboard takes, and what it would refuse."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from command_line import Runner
from foreign_files import dump
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.utils.escape import unescape

from vqa_ensemble.errors import InputError
from vqa_ensemble.files.spreadsheet import guard, is_formula, unguard, workbook
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
    "tdiuc": (vqa([1, 2, 3]), [1, 2, 3]),
    "chartqa": (vqa(["a", "b", "c"]), ["a", "b", "c"]),
    "docvqa": (
        {"data": [{"questionId": q, "question": "?", "answers": ["x"]} for q in (1, 2, 3)]},
        [1, 2, 3],
    ),
    "dictionary": (vqa(["a", "b", "c"]), ["a", "b", "c"]),
    "csv": (vqa(["=a", "b", "c"]), ["=a", "b", "c"]),
}
# Those that take certain words only.
CLOSED = {"mmmu", "mmbench", "pope", "mme"}


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
    assert PUBLISHED.keys() | CLOSED == LEADERBOARDS.keys()


def test_a_workbook_for_mmbench(tmp_path: Path, cli: Runner) -> None:
    questions = tmp_path / "mmbench.tsv"
    questions.write_text(
        "index\tquestion\tA\tB\tC\tD\n"
        "7\tWhich animal?\tcat\tdog\t\t\n"
        "1000007\tWhich animal?\tdog\tcat\t\t\n"
        "8\tHow many <b>?\tone\ttwo\tthree\t=4\n"
    )
    member, file = tmp_path / "m.parquet", tmp_path / "out.xlsx"
    write_predictions(member, [7, 8, 1000007], ["dog", "D", "A. dog"], [1.0] * 3, member="m")
    arguments = ("export", member, "--to", "mmbench", "--questions", questions, "-o")
    cli.good(*arguments, file)
    sheet = openpyxl.load_workbook(file).active
    assert list(sheet.iter_rows(values_only=True)) == [
        ("index", "question", "A", "B", "C", "D", "prediction"),
        (7, "Which animal?", "cat", "dog", None, None, "B"),
        (1000007, "Which animal?", "dog", "cat", None, None, "A"),
        (8, "How many <b>?", "one", "two", "three", "=4", "D"),
    ]
    assert sheet["F4"].data_type in ("s", "inlineStr")
    cli.good("check", file, "--leaderboard", "mmbench", "--questions", questions)
    first = file.read_bytes()
    cli.good(*arguments, file)
    assert file.read_bytes() == first
    write_predictions(member, [7, 8, 1000007], ["bird", "D", "A"], [1.0] * 3, member="m")
    ran = cli(*arguments, tmp_path / "wrong.xlsx")
    assert "predictions are not letters of the question's options: 1 (7)" in ran.out
    assert "wants the words" in cli("export", member, "--to", "mmbench", "-o", file).err


def test_what_xml_cannot_hold_and_long_texts(tmp_path: Path) -> None:
    file = tmp_path / "w.xlsx"
    texts = ["a\x07b", "_x0007_", " a\nb ", "ü😀", "=1+1", "x" * 32_767]
    file.write_bytes(workbook(["text"], [[text] for text in texts]))
    cells = [row[0] for row in openpyxl.load_workbook(file).active.iter_rows(values_only=True)]
    assert [unescape(cell) for cell in cells] == ["text", *texts]
    with pytest.raises(InputError, match="32,768 characters"):
        workbook(["text"], [["x" * 32_768]])


def test_letters_for_mmmu(tmp_path: Path, cli: Runner) -> None:
    rows = [
        {"id": "validation_Art_1", "question": "?", "options": ["red", "blue"]},
        {"id": "validation_Art_2", "question": "?", "options": ["one", "two"]},
    ]
    questions = dump(tmp_path / "q.json", rows)
    answers = [{"question_id": "validation_Art_1", "answer": "Blue"},
               {"question_id": "validation_Art_2", "answer": "(A)"}]  # fmt: skip
    submission, file = dump(tmp_path / "s.json", answers), tmp_path / "out.json"
    cli.good("export", submission, "--to", "mmmu", "--questions", questions, "-o", file)
    assert json.loads(file.read_text()) == {"validation_Art_1": "B", "validation_Art_2": "A"}
    cli.good("check", file, "--leaderboard", "mmmu", "--questions", questions)
    # What its own script writes where it could read no letter.
    dump(file, {"validation_Art_1": False, "validation_Art_2": "three"})
    ran = cli("check", file, "--leaderboard", "mmmu", "--questions", questions)
    assert "answers are not strings: 1" in ran.out
    assert "answers are not letters of the question's options: 1" in ran.out


@pytest.mark.parametrize("name", ["pope", "mme"])
def test_lines_in_the_order_of_the_questions(tmp_path: Path, cli: Runner, name: str) -> None:
    labels = [{"question_id": q, "image": "x.jpg", "question": f"Is there {q}?"} for q in (2, 1, 3)]
    questions, file = dump(tmp_path / "q.json", labels), tmp_path / "out.jsonl"
    answers = [{"question_id": q, "answer": a} for q, a in ((1, "Yes."), (2, "no"), (3, "yes"))]
    submission = dump(tmp_path / "s.json", answers)
    cli.good("export", submission, "--to", name, "--questions", questions, "-o", file)
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert rows[1] == (
        {"question_id": 1, "question": "Is there 1?", "answer": "yes"}
        if name == "pope"
        else {"question_id": "1", "prompt": "Is there 1?", "text": "Yes"}
    )
    assert [int(row["question_id"]) for row in rows] == [2, 1, 3]
    check = ("check", file, "--leaderboard", name, "--questions", questions)
    cli.good(*check)
    if name == "pope":  # as others write it, by place alone
        for row in rows:
            del row["question_id"]
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        cli.good(*check)
        rows = [{"question_id": q, "answer": "maybe"} for q in (1, 2, 3)]
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        out = cli(*check).out
        assert "answers are not in the order of the questions: 2" in out
        assert "answers are not yes or no: 3" in out


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        (["<think>a cat?</think>dog", "no", "no"], "error: answers hold reasoning"),
        (["<think>it could be", "no", "no"], "error: answers hold reasoning"),
        ([r"\\boxed{dog}", "no", "no"], "error: answers hold reasoning"),
        (["Yes.", "No.", "A red car."], "warning: answers read like a model's raw text"),
        (["The picture shows a dog that sits on a bench and looks at a cat", "no", "no"],
         "warning: answers read like a model's raw text"),
        (["A", "(B)", "dog"], "warning: answers are letters of options"),
        (["3 p.m.", "no", "7 1/2"], ""),
        (["A", "b", "c"], ""),
    ],
)  # fmt: skip
def test_answers_that_are_no_answers(
    tmp_path: Path, cli: Runner, answers: list[str], problem: str
) -> None:
    answers = [answer.replace("\\\\", "\\") for answer in answers]
    rows = [{"question_id": q, "answer": a} for q, a in enumerate(answers)]
    submission = dump(tmp_path / "s.json", rows)
    questions = dump(tmp_path / "q.json", vqa([0, 1, 2]))
    ran = cli("check", submission, "--questions", questions)
    assert ran.code == ("error" in problem)
    assert ran.out.startswith(problem or f"{submission}: good")


@each
def test_what_is_exported_is_accepted_and_imports_back(
    tmp_path: Path, cli: Runner, published: tuple[str, Path, Path]
) -> None:
    name, questions, member = published
    file = tmp_path / f"out{LEADERBOARDS[name].endings[0]}"
    ran = cli.good("export", member, "--to", name, "--questions", questions, "-o", file, "--json")
    assert (ran.json["answers"], ran.json["problems"]) == (3, [])
    cli.good("check", file, "--leaderboard", name, "--questions", questions)
    if name == "dictionary":
        return
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
    file = tmp_path / f"out{LEADERBOARDS[name].endings[0]}"
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


def test_what_can_be_mended_is(tmp_path: Path, cli: Runner) -> None:
    rows = [
        {"question_id": "1", "answer": "yes"},
        {"question_id": 1, "answer": "yes"},
        {"question_id": 2.0, "answer": 7},
        {"question_id": 3, "answer": " "},
    ]
    submission = dump(tmp_path / "s.json", rows)
    questions, file = dump(tmp_path / "q.json", vqa([1, 2, 3, 4])), tmp_path / "fixed.json"
    fix = ("check", submission, "--questions", questions, "--fix", "-o", file)
    ran = cli(*fix)
    assert ran.code == 1
    assert "answers are empty: 1 (3)" in ran.out
    assert not file.exists()
    report = cli.good(*fix, "--fill", "unknown", "--json").json
    assert report["mended"] == {
        "ids of another type": 2,
        "entries given twice": 1,
        "answers that were numbers": 1,
        "empty answers filled": 1,
        "missing answers filled": 1,
    }
    assert json.loads(file.read_text()) == [
        {"question_id": 1, "answer": "yes"},
        {"question_id": 2, "answer": "7"},
        {"question_id": 3, "answer": "unknown"},
        {"question_id": 4, "answer": "unknown"},
    ]
    cli.good("check", file, "--questions", questions)


def test_contradictions_are_not_mended(tmp_path: Path, cli: Runner) -> None:
    rows = [{"question_id": 1, "answer": "yes"}, {"question_id": 1, "answer": "no"}]
    submission, file = dump(tmp_path / "s.json", rows), tmp_path / "fixed.json"
    questions = dump(tmp_path / "q.json", vqa([1]))
    ran = cli("check", submission, "--questions", questions, "--fix", "-o", file)
    assert ran.code == 1
    assert "questions are answered more than once: 1 (1)" in ran.out
    assert not file.exists()


@pytest.mark.parametrize("more", [("--fix",), ("-o", "x.json"), ("--fill", "x")])
def test_fixing_needs_a_file(tmp_path: Path, cli: Runner, more: tuple[str, ...]) -> None:
    questions = dump(tmp_path / "q.json", vqa([1]))
    assert cli("check", questions, "--questions", questions, *more).code == 2


def test_answers_unlike_the_members(tmp_path: Path, cli: Runner) -> None:
    ids = list(range(100))
    questions = dump(tmp_path / "q.json", vqa(ids))
    members: list[object] = []
    for m in range(3):
        answers = ["yes" if q % 2 else "red" if q % 10 else str(m) for q in ids]
        write_predictions(tmp_path / f"m{m}.parquet", ids, answers, [1.0] * 100, member=f"m{m}")
        members += ["--members", tmp_path / f"m{m}.parquet"]

    def check(answers: list[str]) -> str:
        rows = [{"question_id": q, "answer": a} for q, a in zip(ids, answers, strict=True)]
        submission = dump(tmp_path / "s.json", rows)
        return cli.good("check", submission, "--questions", questions, *members).out

    assert "distributed" not in check(["Yes" if q % 2 else "red" for q in ids])
    out = check(["yes"] * 95 + ["red"] * 5)
    assert out.startswith(
        "warning: answers are distributed unlike the members': 'yes' is 95% of them, 50% of the"
    )
