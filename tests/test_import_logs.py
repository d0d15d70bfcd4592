"""import: batches and logs that have a format of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import foreign_files as foreign
import pytest
from foreign_files import ANSWERS, IDS, RANKED
from test_import import Bring, Refuse, answers, bring, chat, refuse, request, rows

__all__ = ["bring", "refuse"]


@pytest.mark.parametrize("detected", [True, False])
@pytest.mark.parametrize(
    ("name", "write", "file"),
    [
        ("llava", foreign.llava, "answers.jsonl"),
        ("llamafactory", foreign.llamafactory, "generated_predictions.jsonl"),
        ("anthropic-batch", foreign.anthropic_batch, "results.jsonl"),
        ("gemini-batch", foreign.gemini_batch, "results.jsonl"),
        ("inspect", foreign.inspect_log, "log.json"),
        ("promptfoo", foreign.promptfoo, "output.json"),
        ("label-studio", foreign.label_studio, "project.json"),
    ],
)
def test_a_format_gives_its_answers(
    tmp_path: Path,
    bring: Bring,
    name: str,
    write: Callable[[Path], Path],
    file: str,
    detected: bool,
) -> None:
    questions, _ = foreign.write_benchmark(tmp_path)
    path = write(tmp_path / file)
    ran, output = bring(*(() if detected else (name,)), path, "--questions", questions)
    assert answers(output) == ANSWERS
    assert ran.json["formats"] == [name]
    assert ran.json["same_as"] == []


# --------------------------------------------------------------------------------- requests


def batch(path: Path, names: list[str]) -> Path:
    return foreign.dump_lines(path, [request(name, chat(name)) for name in names])


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["request-0", "request-12"], {0, 12}),
        (["0007", "0012"], {7, 12}),
        (["7", "12"], {7, 12}),
    ],
)
def test_requests_are_joined_by_their_only_number(
    tmp_path: Path, bring: Bring, names: list[str], expected: set[int]
) -> None:
    path = batch(tmp_path / "b.jsonl", names)
    questions = foreign.dump(
        tmp_path / "q.json",
        {
            "questions": [
                {"question_id": q, "image_id": 1, "question": "?"} for q in (0, 1, 2, 7, 12)
            ]
        },
    )
    assert answers(bring(path, "--questions", questions)[1]).keys() == expected


@pytest.mark.parametrize(
    "names",
    [["7_0", "7_1", "7_2"], ["val2014-1", "val2014-2"], ["a-1", "b-2"], ["1-x", "2-x"], ["x", "y"]],
)
def test_requests_with_other_numbers_are_refused(
    tmp_path: Path, refuse: Refuse, names: list[str]
) -> None:
    path = batch(tmp_path / "b.jsonl", names)
    questions = foreign.dump(
        tmp_path / "q.json",
        {"questions": [{"question_id": q, "image_id": 1, "question": "?"} for q in (0, 1, 2, 7)]},
    )
    message = refuse(path, "--questions", questions)
    assert f"requests are called {', '.join(names)}: no questions, nor one prefix" in message


def test_chat_content_in_parts(tmp_path: Path, bring: Bring) -> None:
    body: Any = chat("")
    body["choices"][0]["message"]["content"] = [
        {"type": "text", "text": "a "},
        {"type": "text", "text": "dog"},
    ]
    direct = {"custom_id": "8", "response": body}  # as the first versions of vLLM wrote it
    path = foreign.dump_lines(tmp_path / "b.jsonl", [request("7", body), direct])
    assert answers(bring(path)[1]) == {7: "a dog", 8: "a dog"}


@pytest.mark.parametrize(
    ("rows_", "missing"),
    [
        (
            [
                {"custom_id": "1", "result": {"type": "errored", "error": {}}},
                {"custom_id": "2", "result": {"type": "expired"}},
                {
                    "custom_id": "3",
                    "result": {
                        "type": "succeeded",
                        "message": {
                            "content": [{"type": "text", "text": "It is"}],
                            "stop_reason": "max_tokens",
                        },
                    },
                },
            ],
            {
                "the request errored": 1,
                "the request expired": 1,
                "cut off: finish_reason length": 1,
            },
        ),
        (
            [
                {"key": "1", "error": {"code": 3}},
                {"key": "2", "response": {"promptFeedback": {"blockReason": "SAFETY"}}},
                {
                    "key": "3",
                    "response": {
                        "candidates": [
                            {"finishReason": "MAX_TOKENS", "content": {"parts": [{"text": "It"}]}}
                        ]
                    },
                },
            ],
            {
                "the request failed": 1,
                "cut off: finish_reason content filter": 1,
                "cut off: finish_reason length": 1,
            },
        ),
    ],
)
def test_requests_without_an_answer(
    tmp_path: Path, bring: Bring, rows_: list[dict[str, Any]], missing: dict[str, int]
) -> None:
    write = foreign.anthropic_batch if "custom_id" in rows_[0] else foreign.gemini_batch
    path = write(tmp_path / "b.jsonl")
    foreign.dump_lines(path.with_name("c.jsonl"), rows_)
    path.write_text(path.with_name("c.jsonl").read_text() + path.read_text())
    assert bring(path)[0].json["missing"] == missing


# ------------------------------------------------------------------------------------- logs


def test_llava_answers_by_image_and_words(tmp_path: Path, bring: Bring, refuse: Refuse) -> None:
    ask = "\nAnswer the question using a single word or phrase."
    told = [
        {"question_id": "0a", "prompt": "what is it?" + ask, "text": "cat", "answer_id": "x"},
        {"question_id": "0a", "prompt": "what is it doing?" + ask, "text": "cat", "answer_id": "y"},
    ]
    path = foreign.dump_lines(tmp_path / "a.jsonl", told)
    assert "question 0a asks" in refuse(path)
    data = [
        {"question_id": 7, "image_id": "0a", "question": "what is it doing?", "answers": ["a"]},
        {"question_id": 8, "image_id": "0a", "question": "what is it?", "answers": ["a"]},
    ]
    questions = foreign.dump(tmp_path / "q.json", {"data": data})
    assert answers(bring(path, "--questions", questions)[1]) == {7: "cat", 8: "cat"}


def test_questions_of_llava_are_no_answers(tmp_path: Path, refuse: Refuse) -> None:
    asked = [{"question_id": 1, "image": "a.jpg", "text": "Is it a dog?", "label": "yes"}]
    assert "is of no known format" in refuse(foreign.dump_lines(tmp_path / "a.jsonl", asked))


def test_epochs_of_inspect_are_samples(tmp_path: Path, bring: Bring) -> None:
    def epoch(number: int, text: str, **keys: object) -> dict[str, object]:
        return {"id": "q", "epoch": number, "output": {"completion": text}, **keys}

    hidden = epoch(3, "attachment://ab", attachments={"ab": "cat"})
    samples = [epoch(1, "cat"), epoch(2, "dog"), hidden, epoch(4, "cat", error={"message": "x"})]
    path = foreign.dump(tmp_path / "log.json", {"eval": {}, "samples": samples})
    found = rows(bring(path)[1])["q"]
    assert [answer for answer, _ in found] == ["cat", "dog"]
    assert [confidence for _, confidence in found] == pytest.approx([2 / 3, 1 / 3], abs=1e-4)


def test_several_models_in_a_promptfoo_file(tmp_path: Path, refuse: Refuse) -> None:
    told = [
        {"promptIdx": p, "testIdx": 0, "provider": "m", "vars": {}, "response": {"output": "x"}}
        for p in range(2)
    ]
    path = foreign.dump(tmp_path / "a.json", {"results": {"version": 3, "results": told}})
    assert "holds the answers of several: m with prompt 0, m with prompt 1" in refuse(path)


def test_people_in_label_studio_are_no_model(tmp_path: Path, refuse: Refuse) -> None:
    task = {"id": 1, "data": {"question_id": 7}, "annotations": [], "predictions": []}
    path = foreign.dump(tmp_path / "a.json", [task])
    assert "holds no votes (no model's prediction: 1)" in refuse(path)
    told = [{"from_name": name, "value": {"text": ["x"]}} for name in ("answer1", "answer2")]
    foreign.dump(path, [{**task, "predictions": [{"result": told}]}])
    assert "has answers under answer1 and answer2" in refuse(path)


def test_tables_of_weights_and_biases(tmp_path: Path, bring: Bring, refuse: Refuse) -> None:
    table = {"columns": ["id", "pred", "truth"], "data": [[q, a, a] for q, a in ANSWERS.items()]}
    path = foreign.dump(tmp_path / "eval.table.json", table)
    ran, output = bring(path, "--question-id-column", "id")
    assert answers(output) == ANSWERS
    assert ran.json["same_as"] == ["truth"]


@pytest.mark.parametrize("nested", [True, False])
def test_document_question_answering(tmp_path: Path, bring: Bring, nested: bool) -> None:
    told: list[Any] = [
        [{"score": c, "answer": a, "start": 1, "end": 1} for a, c in pairs]
        for pairs in RANKED.values()
    ]
    path = foreign.dump(tmp_path / "dqa.json", told if nested else [one[0] for one in told])
    questions, _ = foreign.write_benchmark(tmp_path)
    ran, output = bring(path, "--questions", questions)
    expected = RANKED if nested else {q: RANKED[q][:1] for q in IDS}
    assert rows(output) == expected
    assert ran.json["formats"] == ["pipeline"]
