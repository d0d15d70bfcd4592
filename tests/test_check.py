"""check and evaluate: what is wrong with a submission, and what it scores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import Runner

from vqa_ensemble.leaderboards.check import LARGE_BYTES, check_submission
from vqa_ensemble.predictions.files import write_predictions


def answer(question: object, text: object = "yes") -> dict[str, object]:
    return {"question_id": question, "answer": text}


@pytest.mark.parametrize(
    ("document", "problems"),
    [
        ([answer(2), answer(1)], []),
        ({"1": "yes"}, ["file holds an object, not a list of answers: 1"]),
        ([answer(1)], ["questions have no answer: 1 (2)"]),
        ([answer(1), answer(2), answer(2)], ["questions are answered more than once: 1 (2)"]),
        ([answer(1), answer(2), answer(9)], ["questions are not in the questions file: 1 (9)"]),
        ([answer(1), answer(2, " ")], ["answers are empty: 1 (2)"]),
        ([answer(1), answer(2, 3)], ["answers are not strings: 1 (2)"]),
        ([answer(1), answer(2) | {"score": 1}], ["entries have keys beside "]),
        (
            [answer(1), answer("2"), 3, {}],
            [
                "question ids are not an integer: 1 ('2')",
                "entries are not objects: 1 (entry 2)",
                "entries have no question_id: 1 (entry 3)",
                "entries have no answer: 1 (entry 3)",
                "questions have no answer: 1 (2)",
            ],
        ),
        ([answer([1]), answer(True), answer(1), answer(2)], ["question ids are not an integer: 2"]),
    ],
)
def test_every_problem_is_named(document: Any, problems: list[str]) -> None:
    found = [str(problem) for problem in check_submission(document, [1, 2])]
    assert len(found) == len(problems)
    for ours, expected in zip(found, problems, strict=True):
        assert ours.startswith(expected)


def test_examples_are_few_and_a_large_file_is_a_warning() -> None:
    (missing, large) = check_submission([answer(0)], range(8), size=LARGE_BYTES + 1)
    assert str(missing) == "questions have no answer: 7 (1, 2, 3, 4, 5, …)"
    assert large.level == "warning"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Three questions, their annotations, a submission and a prediction file."""
    humans = {1: ["yes"] * 10, 2: ["2"] * 8 + ["3"] * 2, 3: ["cat"] * 2 + ["dog"] * 8}
    questions = [{"question_id": q, "image_id": q, "question": "?"} for q in humans]
    annotations = [
        {
            "question_id": q,
            "question_type": "what" if q == 3 else "[is]",
            "answer_type": {1: "yes/no", 2: "number", 3: "other"}[q],
            "answers": [{"answer": a, "answer_id": i} for i, a in enumerate(answers)],
        }
        for q, answers in humans.items()
    ]
    for name, document in {
        "questions": {"questions": questions},
        "annotations": {"annotations": annotations},
        "submission": [answer(1), answer(2, "two"), answer(3, "cat")],
    }.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(document))
    write_predictions(
        tmp_path / "m.parquet",
        [1, 1, 2, 3],
        ["yes", "no", "4", "dog"],
        [0.9, 0.1, 0.5, 0.5],
        member="m",
    )
    return tmp_path


def test_check_command(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Runner(capsys)
    submission, questions = files / "submission.json", files / "questions.json"
    assert "good, 3 questions" in run.good("check", submission, "--questions", questions).out
    by_annotations = run.good(
        "check", submission, "--annotations", files / "annotations.json", "--json"
    )
    assert by_annotations.json["ok"] is True

    submission.write_text(json.dumps([answer(1), answer(2, "")]))
    bad = run("check", submission, "--questions", questions)
    assert bad.code == 1
    assert "error: answers are empty: 1 (2)" in bad.out
    assert "error: questions have no answer: 1 (3)" in bad.out
    bad = run("check", submission, "--questions", questions, "--json")
    assert bad.code == 1
    assert [problem["count"] for problem in bad.json["problems"]] == [1, 1]

    submission.write_text("{")
    assert run("check", submission, "--questions", questions).code == 1
    assert run("check", submission).code == 2


def test_evaluate_command(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Runner(capsys)
    submission, annotations = files / "submission.json", files / "annotations.json"
    args = ("evaluate", submission, files / "m.parquet", "--annotations", annotations)
    first, second = run.good(*args, "--json").json["files"]
    assert first["overall"] == 86.67
    assert first["per_answer_type"] == {"yes/no": 100.0, "number": 100.0, "other": 60.0}
    assert second["per_question_type"] == {"[is]": 50.0, "what": 100.0}
    header, row, *_ = run.good(*args).out.splitlines()
    assert header.split() == ["file", "overall", "yes/no", "number", "other", "mean", "of", "types"]
    assert row.split()[-5:] == ["86.67", "100.00", "100.00", "60.00", "86.67"]
    assert "[is]" in run.good(*args, "--by", "question_type").out


def test_evaluate_refuses_missing_questions_unless_told(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Runner(capsys)
    submission = files / "submission.json"
    submission.write_text(json.dumps([answer(1)]))
    args = ("evaluate", submission, "--annotations", files / "annotations.json")
    refused = run(*args)
    assert refused.code == 1
    assert "lacks an answer to 2 of 3 annotated questions: 2, 3" in refused.err
    (scored,) = run.good(*args, "--missing", "wrong", "--json").json["files"]
    assert (scored["overall"], scored["missing"]) == (33.33, 2)
