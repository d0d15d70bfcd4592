"""Question types predicted from the questions' words."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import Runner

from vqa_ensemble.answers.text_types import fit_text_types, predict_out_of_fold
from vqa_ensemble.errors import InputError
from vqa_ensemble.questions.table import read_question_column

TEXTS = {
    "number": ["How many dogs are there?", "How many people?", "How many cars can you see?"],
    "yes/no": ["Is it raining?", "Is the dog brown?", "Is there a cat in the room?"],
    "other": ["What is he holding?", "What color is the dog?", "What sport is this?"],
}


def write_split(folder: Path, *, first_id: int = 0, repeat: int = 2) -> tuple[Path, Path]:
    rows = [(text, kind) for kind, texts in TEXTS.items() for text in texts] * repeat
    questions = [
        {"question_id": first_id + i, "image_id": i // 3, "question": text}
        for i, (text, _) in enumerate(rows)
    ]
    annotations = [
        {
            "question_id": first_id + i,
            "question_type": text.split()[0].lower(),
            "answer_type": kind,
            "answers": [{"answer": "x"}],
        }
        for i, (text, kind) in enumerate(rows)
    ]
    paths = folder / f"questions{first_id}.json", folder / f"annotations{first_id}.json"
    paths[0].write_text(json.dumps({"questions": questions}))
    paths[1].write_text(json.dumps({"annotations": annotations}))
    return paths


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_the_table_is_one_that_commands_read(cli: Runner, tmp_path: Path, ending: str) -> None:
    questions, annotations = write_split(tmp_path)
    wanted, _ = write_split(tmp_path, first_id=100, repeat=1)
    output = tmp_path / f"types.{ending}"
    ran = cli.good(
        "predict-types", "--train-questions", questions, "--train-annotations", annotations,
        "--questions", wanted, "-o", output, "--json",
    )  # fmt: skip
    assert ran.json["types"] == {"number": 3, "other": 3, "yes/no": 3}
    assert ran.json["out_of_fold"] == 0
    read = read_question_column(str(output), "question_type", np.arange(100, 109))
    assert read == [kind for kind, texts in TEXTS.items() for _ in texts]


def test_questions_learned_from_are_predicted_held_out(cli: Runner, tmp_path: Path) -> None:
    questions, annotations = write_split(tmp_path, repeat=1)
    output = tmp_path / "types.csv"
    ran = cli.good(
        "predict-types", "--train-questions", questions, "--train-annotations", annotations,
        "--questions", questions, "-o", output, "--json",
    )  # fmt: skip
    # Each type is on an image of its own, so that held out it cannot be known.
    assert ran.json["out_of_fold"] == 9
    assert ran.json["accuracy"] == 0.0
    read = read_question_column(str(output), "question_type", np.arange(9))
    assert not any(a == b for a, b in zip(read, np.repeat(list(TEXTS), 3), strict=True))


def test_the_readable_report_and_the_other_types(cli: Runner, tmp_path: Path) -> None:
    questions, annotations = write_split(tmp_path)
    ran = cli.good(
        "predict-types", "--train-questions", questions, "--train-annotations", annotations,
        "--questions", questions, "-o", tmp_path / "types.csv", "--by", "question_type",
    )  # fmt: skip
    assert "how " in ran.out
    assert "100.0%; always 'how': 33.3%" in ran.out


def test_annotations_of_another_split_are_refused(cli: Runner, tmp_path: Path) -> None:
    questions, _ = write_split(tmp_path)
    _, annotations = write_split(tmp_path, first_id=100)
    args = ("predict-types", "--train-questions", questions, "--train-annotations", annotations)
    ran = cli(*args, "--questions", questions, "-o", tmp_path / "types.csv")
    assert ran.code == 1
    assert "question 0: is not in the annotations" in ran.err
    ran = cli(*args, "--questions", questions, "-o", tmp_path / "types.txt")
    assert ran.code == 1
    assert "its name ends in '.txt'. Give a file that ends in .csv or .parquet." in ran.err


def test_one_type_and_one_group_are_allowed() -> None:
    types = np.array(["a", "a"], dtype=object)
    assert fit_text_types(["x y", "z"], types).predict(["w"]).tolist() == ["a"]
    assert predict_out_of_fold(["x y", "z"], types, np.zeros(2, dtype=np.int64)) is None


def test_a_question_column_needs_the_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_question_column(str(tmp_path / "no.csv"), "question_type", np.arange(2))


@pytest.mark.slow
def test_answer_types_of_real_questions(cli: Runner, shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "vqa-v2-smallval"
    args = (
        "predict-types", "--train-questions", folder / "smallval_questions.json",
        "--train-annotations", folder / "smallval_annotations.json",
        "--questions", folder / "smallval_questions.json", "--json",
    )  # fmt: skip
    first = cli.good(*args, "-o", tmp_path / "types.csv").json
    print(f"answer type: {first['accuracy']:.1f}%, majority {first['majority_accuracy']:.1f}%")
    assert first["accuracy"] > 94
    assert first["majority_accuracy"] < 51
    cli.good(*args, "-o", tmp_path / "again.csv")
    assert (tmp_path / "types.csv").read_bytes() == (tmp_path / "again.csv").read_bytes()
    fine = cli.good(*args, "-o", tmp_path / "types.csv", "--by", "question_type").json
    print(f"question type: {fine['accuracy']:.1f}%, majority {fine['majority_accuracy']:.1f}%")
    assert fine["accuracy"] > 75
