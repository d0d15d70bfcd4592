"""Reading and writing the VQA JSON formats, and what is said of bad files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vqa_ensemble.errors import InputError
from vqa_ensemble.formats.vqa_json import (
    read_annotations,
    read_questions,
    read_submission,
    write_submission,
)


def annotation(question: Any, *answers: str, kind: str = "other") -> dict[str, Any]:
    return {
        "question_id": question,
        "question_type": "what",
        "answer_type": kind,
        "answers": [{"answer": answer} for answer in answers],
    }


def save(folder: Path, document: Any, name: str = "file.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_annotations_of_several_files_are_one(tmp_path: Path) -> None:
    train = save(tmp_path, {"annotations": [annotation(9, "a", "b")]}, "train.json")
    val = save(tmp_path, {"annotations": [annotation(3, "b", kind="number")]}, "val.json")
    both = read_annotations([train, val])
    assert both.question_ids.tolist() == [9, 3]
    assert both.starts.tolist() == [0, 2, 3]
    assert [both.vocabulary[code] for code in both.answers] == ["a", "b", "b"]
    assert [both.answer_type_names[code] for code in both.answer_types] == ["other", "number"]
    with pytest.raises(InputError, match="question 9: stands more than once in the files"):
        read_annotations([train, train])


def test_questions(tmp_path: Path) -> None:
    entry = {"question_id": "q1", "image_id": 7, "question": "What?"}
    questions = read_questions(save(tmp_path, {"info": {}, "questions": [entry]}))
    assert questions.question_ids.tolist() == ["q1"]
    assert (questions.texts, questions.image_ids) == (["What?"], [7])


def test_a_byte_order_mark_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(b'\xef\xbb\xbf[{"question_id": 1, "answer": "yes"}]')
    assert read_submission(path).answers == ["yes"]


GOOD = {"question_id": 42, "answer": "yes"}


@pytest.mark.parametrize("reader", [read_questions, read_annotations, read_submission])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b'[{"question_id": 1, "ans', "line 1 column .*not valid JSON, or truncated"),
        (b'["\xff\xfe"]', "not UTF-8 text"),
        (b"3", "(found|all of it is) 3"),
        (b"[" * 5000, "not valid JSON"),
    ],
)
def test_files_that_are_not_the_json_meant(
    tmp_path: Path, reader: Callable[[Path], object], content: bytes, message: str
) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        reader(path)
    assert str(path) in str(caught.value)
    with pytest.raises(InputError, match="no such file"):
        reader(tmp_path / "absent.json")
    with pytest.raises(InputError, match="is not a file"):
        reader(tmp_path)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"answers": []}, r"is {'answers': \[\]}\. It must be a list of objects"),
        ([], "holds no answers"),
        ([GOOD, "x"], r"\[1\]: is 'x'\. It must be an object"),
        ([GOOD, {"answer": "no"}], r"\[1\]: has no 'question_id'"),
        ([GOOD, {"question_id": 7}], "question 7: has no 'answer'"),
        (
            [GOOD, {"question_id": 7, "answer": None}],
            "question 7: 'answer' is None. It must be a string",
        ),
        ([GOOD, {"question_id": "7", "answer": "a"}], r"\[1\]: .*not of the type of the first"),
        ([{"question_id": 1.5, "answer": "a"}], "'question_id' is 1.5. It must be"),
        ([{"question_id": True, "answer": "a"}], "'question_id' is True. It must be"),
        ([{"question_id": 2**63, "answer": "a"}], "does not fit"),
        ([GOOD, GOOD], "question 42: stands more than once"),
    ],
)
def test_bad_submissions(tmp_path: Path, document: Any, message: str) -> None:
    path = save(tmp_path, document)
    with pytest.raises(InputError, match=message) as caught:
        read_submission(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"answers": []}, "question 7: has no human answers"),
        ({"answers": None}, "question 7: 'answers' is None. It must be a list"),
        ({"answers": [{"answer": "a"}, {"answer": 3}]}, r"question 7: answers\[1\] is {"),
        ({"answers": [{"answer": "a"}, {}]}, r"question 7: answers\[1\] is {"),
        ({"answers": ["a"]}, r"question 7: answers\[0\] is 'a'"),
        ({"answer_type": 3}, "question 7: 'answer_type' is 3. It must be"),
        ({"question_id": 42}, "question 42: stands more than once"),
    ],
)
def test_bad_annotations(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    entries = [annotation(42, "a"), annotation(7, "a") | change]
    with pytest.raises(InputError, match=message):
        read_annotations(save(tmp_path, {"annotations": entries}))


def test_the_wrong_kind_of_file_is_named(tmp_path: Path) -> None:
    path = save(tmp_path, {"questions": []})
    with pytest.raises(InputError, match=r"not a VQA annotations file: .* found the keys 'quest"):
        read_annotations(path)
    with pytest.raises(InputError, match="holds no questions"):
        read_questions(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.dictionaries(
        st.integers(-(2**63), 2**63 - 1), st.text(st.characters(codec="utf-8")), min_size=1
    )
)
def test_a_written_submission_reads_back_in_order_of_question(
    tmp_path: Path, answers: dict[int, str]
) -> None:
    path = tmp_path / "submission.json"
    write_submission(path, np.array(list(answers)), list(answers.values()))
    back = read_submission(path)
    assert back.question_ids.tolist() == sorted(answers)
    assert back.answers == [answers[question] for question in sorted(answers)]
    assert json.loads(path.read_text("utf-8"))[0].keys() == {"question_id", "answer"}


def test_a_submission_with_a_question_twice_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="question 1: stands more than once"):
        write_submission(tmp_path / "s.json", [1, 1], ["a", "b"])
    assert not list(tmp_path.iterdir())
