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

from vqa_ensemble.elections.submission import SubmissionWriter, submission_lines
from vqa_ensemble.errors import InputError
from vqa_ensemble.questions import vqa as vqa_json
from vqa_ensemble.questions.benchmarks import read_benchmark_annotations
from vqa_ensemble.questions.vqa import read_annotations, read_questions, read_submission


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
    ids = np.array(sorted(answers))
    lines = submission_lines(
        ids, list(answers.values()), np.argsort(list(answers)).astype(np.int32)
    )
    writer = SubmissionWriter(path)
    writer.write(lines)
    writer.close()
    back = read_submission(path)
    assert back.question_ids.tolist() == sorted(answers)
    assert back.answers == [answers[question] for question in sorted(answers)]
    assert json.loads(path.read_text("utf-8"))[0].keys() == {"question_id", "answer"}


# Values that JSON has and a reader may stumble over, as text.
VALUES = st.one_of(
    st.sampled_from(
        """null true 0 -0 1.0 1e2 9223372036854775807 9223372036854775808 18446744073709551616
        -9223372036854775809 123456789012345678901234567890 NaN -Infinity 01 "" "7" [] {} [1]
        "\\ud83d\\ude00" "\\ud800" "\\u0000" "é" "😀" [{"answer":"b"}] [{"answer":null}]
        [{"answer":"no","answer":"yes"}] [{}] ["b"]""".split()
    ),
    st.just("[" * 1020 + "]" * 1020),
    st.integers(0, 3).map(str),
)
KEYS = ["question_id", "image_id", "question", "question_type", "answer_type", "answers", "answer",
        "multiple_choice_answer", "unknown"]  # fmt: skip
GOOD_ENTRY = {"image_id": "1", "question": '"?"', "question_type": '"a"', "answer_type": '"b"',
              "answers": '[{"answer":"b"},{"id":2,"answer":"c"}]', "answer": '"b"'}  # fmt: skip


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """JSON that is nearly a questions file, annotations and a submission, and may be broken."""
    entries = []
    for number in range(draw(st.integers(0, 3))):
        pairs = [("question_id", str(number)), *GOOD_ENTRY.items()]
        for change in draw(st.lists(st.sampled_from(["add", "drop"]), max_size=2)):
            if change == "add":  # a key of the same name before it, or after it
                place = draw(st.sampled_from([0, len(pairs)]))
                pairs.insert(place, (draw(st.sampled_from(KEYS)), draw(VALUES)))
            else:
                del pairs[draw(st.integers(0, len(pairs) - 1))]
        entries.append("{" + ", ".join(f'"{key}": {value}' for key, value in pairs) + "}")
    entries += draw(st.lists(VALUES, max_size=1)) if draw(st.integers(0, 9)) == 0 else []
    listed = f"[{','.join(entries)}]"
    pairs = [("annotations", listed), ("questions", listed)]
    if draw(st.booleans()):
        pairs.insert(
            draw(st.integers(0, 2)), (draw(st.sampled_from(["info", "annotations"])), draw(VALUES))
        )
    document = "{" + ", ".join(f'"{key}": {value}' for key, value in pairs) + "}"
    content = bytearray(draw(st.sampled_from([listed, document])).encode())
    for _ in range(draw(st.sampled_from([0, 0, 0, 1]))):
        place = draw(st.integers(0, len(content)))
        content[place : place + draw(st.integers(0, 1))] = draw(st.binary(max_size=2))
    return bytes(content)


def outcome(reader: Callable[[Path], object], path: Path) -> object:
    try:
        return vars(reader(path))
    except InputError as error:
        return str(error)


def read_benchmark(path: Path) -> object:
    return read_benchmark_annotations([path]).annotations


def read_tdiuc(path: Path) -> object:
    return read_annotations(path, answer_type="question_type")


@pytest.mark.parametrize(
    "reader", [read_questions, read_annotations, read_submission, read_benchmark, read_tdiuc]
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=files())
def test_typed_entries_are_those_of_the_whole_document(
    tmp_path: Path, reader: Callable[[Path], object], content: bytes
) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(content)
    got = outcome(reader, path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vqa_json, "_if_typed", lambda read: None)
        np.testing.assert_equal(got, outcome(reader, path))


@pytest.mark.parametrize("reader", [read_questions, read_annotations, read_benchmark, read_tdiuc])
def test_good_files_are_not_parsed_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: Callable[[Path], object]
) -> None:
    entry = annotation(1, "é") | {"question": "?", "image_id": 1}
    path = save(tmp_path, {"annotations": [entry], "questions": [entry]})
    monkeypatch.setattr(vqa_json, "parse_json", None)
    reader(path)
    read_submission(save(tmp_path, [GOOD], "submission.json"))


def test_bytes_that_are_not_utf8_are_found_in_keys_that_nobody_reads(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    good = '{"question_id": 1, "answer": "é", "note": "'.encode()
    for note in (b"\xff", b"\xed\xa0\x80", b"x" * (1 << 20) + b"\xc3"):
        path.write_bytes(b"[" + good + note + b'"}]')
        with pytest.raises(InputError, match="not UTF-8 text"):
            read_submission(path)
    for padding in range(4):  # a character on the border of two pieces
        path.write_bytes(b"[" + good + b"x" * ((1 << 20) - len(good) - padding) + '😀"}]'.encode())
        assert read_submission(path).answers == ["é"]
