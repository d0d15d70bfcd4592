"""Small files in the shapes in which other tools leave theirs, all about the same questions.

``write_benchmark`` writes the questions and annotations; the other functions write one model's
answers (``ANSWERS``) as one tool does. Rows carry the keys of real files that we do not read
too, so that a reader that stumbles over them fails.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ANSWERS: dict[int, str] = {262148000: "down", 262148001: "None", 262148002: "2", 393225000: "yes"}
IDS = list(ANSWERS)
# Two candidates a question, the first is the answer.
RANKED = {q: [(a, 0.75), ("unsure", 0.25)] for q, a in ANSWERS.items()}
VOCABULARY = ["None", "yes", "2", "down", "unsure"]


def dump(path: Path, document: Any) -> Path:
    path.write_text(json.dumps(document))
    return path


def dump_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def write_benchmark(folder: Path) -> tuple[Path, Path]:
    """Questions and annotations as VQA v2 has them; the model is right on three of four."""
    texts = ["Where is he looking?", "What is on the sign?", "How many?", "Is it day?"]
    kinds = ["other", "other", "number", "yes/no"]
    humans = ["down", "stop", "2", "yes"]
    questions = dump(
        folder / "questions.json",
        {
            "info": {"version": "2.0"},
            "task_type": "Open-Ended",
            "data_type": "mscoco",
            "data_subtype": "val2014",
            "questions": [
                {"question_id": q, "image_id": q // 1000, "question": text}
                for q, text in zip(IDS, texts, strict=True)
            ],
        },
    )
    annotations = dump(
        folder / "annotations.json",
        {
            "annotations": [
                {
                    "question_id": q,
                    "image_id": q // 1000,
                    "question_type": text.split()[0].lower(),
                    "answer_type": kind,
                    "multiple_choice_answer": human,
                    "answers": [
                        {"answer": human, "answer_confidence": "yes", "answer_id": i + 1}
                        for i in range(10)
                    ],
                }
                for q, text, kind, human in zip(IDS, texts, kinds, humans, strict=True)
            ]
        },
    )
    return questions, annotations


def lmms_eval(path: Path) -> Path:
    """VQA v2 test, as two GPUs leave it: out of order, with a submission."""
    order = [2, 0, 3, 1]
    return dump_lines(
        path,
        [
            {
                "doc_id": i,
                "target": "None",
                "filtered_resps": ANSWERS[IDS[i]],
                "token_counts": [{"output_tokens": 2}],
                "doc_hash": "74ef7bf1ef41",
                "submission": {"question_id": IDS[i], "answer": ANSWERS[IDS[i]]},
                "input": "Where is he looking?\nAnswer the question using a single word.",
            }
            for i in order
        ],
    )


def vlmevalkit_rows() -> list[dict[str, str]]:
    return [
        {"index": str(q), "question": "?", "answer": "stop", "prediction": a}
        for q, a in ANSWERS.items()
    ]


def vlmevalkit_xlsx(path: Path) -> Path:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    rows = vlmevalkit_rows()
    sheet.append(list(rows[0]))
    for row in rows:
        # pandas writes numbers as numbers where the column holds some.
        sheet.append([int(value) if value.isdecimal() else value for value in row.values()])
    book.save(path)
    return path


def xlsxwriter(path: Path, rows: list[tuple[int, str]]) -> Path:
    """A workbook of ``index`` and ``prediction`` as the library xlsxwriter writes its XML."""
    import zipfile

    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(["index", "prediction"])
    for row, _ in rows:
        book.active.append([row, f"text {row}."])
    plain = path.with_suffix(".plain")
    book.save(plain)
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            for row, text in rows:
                escaped = re.sub(r"[\0-\x08\r]", lambda c: f"_x{ord(c[0]):04X}_", text)
                content = content.replace(f"text {row}.".encode(), escaped.encode())
            new.writestr(name, content)
    plain.unlink()
    return path


def vlmevalkit_tsv(path: Path) -> Path:
    rows = vlmevalkit_rows()
    lines = [rows[0].keys(), *(row.values() for row in rows)]
    path.write_text("".join("\t".join(f'"{cell}"' for cell in line) + "\n" for line in lines))
    return path


def vqa(path: Path) -> Path:
    return dump(path, [{"question_id": q, "answer": a} for q, a in ANSWERS.items()])


def lavis(path: Path) -> Path:
    return dump(
        path, [{"question_id": q, "pred_ans": a, "gt_ans": ["stop"]} for q, a in ANSWERS.items()]
    )


def mmf(path: Path) -> Path:
    """Scores are logits; a sigmoid gives the confidences of RANKED."""
    return dump(
        path,
        [
            {
                "question_id": q,
                "topk": [[a, math.log(c / (1 - c))] for a, c in pairs],
                "answer": pairs[0][0],
            }
            for q, pairs in RANKED.items()
        ],
    )


def gqa(path: Path) -> Path:
    return dump(path, [{"questionId": str(q), "prediction": a} for q, a in ANSWERS.items()])


def vizwiz(path: Path) -> Path:
    return dump(
        path,
        [{"image": f"VizWiz_test_{i:08}.jpg", "answer": a} for i, a in enumerate(ANSWERS.values())],
    )


def pipeline(path: Path) -> Path:
    return dump(path, [[{"score": c, "answer": a} for a, c in pairs] for pairs in RANKED.values()])


def openai_batch(path: Path) -> Path:
    def token(text: str, probability: float) -> dict[str, Any]:
        logprob = math.log(probability) if probability else -9999.0
        return {"token": text, "logprob": logprob, "bytes": None, "top_logprobs": []}

    return dump_lines(
        path,
        [
            {
                "id": f"batch_req_{q}",
                "custom_id": f"request-{q}",
                "response": {
                    "status_code": 200,
                    "request_id": "req",
                    "body": {
                        "object": "chat.completion",
                        "choices": [
                            {
                                "index": 0,
                                "message": {"role": "assistant", "content": a, "refusal": None},
                                "logprobs": {
                                    "content": [token(a, 0.9), token("", 0.625), token("", 0)]
                                },
                                "finish_reason": "stop",
                            }
                        ],
                        "usage": {"total_tokens": 90},
                    },
                },
                "error": None,
            }
            for q, a in ANSWERS.items()
        ],
    )


def scores() -> list[list[float]]:
    """Probabilities over VOCABULARY that give the two candidates of RANKED, as logits."""
    return [
        [math.log(dict(pairs).get(answer, 1e-9)) for answer in VOCABULARY]
        for pairs in RANKED.values()
    ]


def logits_npy(path: Path) -> Path:
    import numpy as np

    np.save(path, np.array(scores(), dtype=np.float32))
    path.with_name("answers.txt").write_text("\n".join(VOCABULARY) + "\n")
    return path


def table_csv(path: Path) -> Path:
    lines = ["qid,reply,score", *(f"{q},{a},{c}" for q, rs in RANKED.items() for a, c in rs)]
    path.write_text("\n".join(lines) + "\n")
    return path


def llava(path: Path) -> Path:
    return dump_lines(
        path,
        [
            {
                "question_id": q,
                "prompt": f"What is {q}?",
                "text": a,
                "answer_id": "k3",
                "model_id": "m",
            }
            for q, a in ANSWERS.items()
        ],
    )


def llamafactory(path: Path) -> Path:
    return dump_lines(
        path,
        [
            {"prompt": f"<image>What is {q}?", "predict": a, "label": "stop"}
            for q, a in ANSWERS.items()
        ],
    )


def anthropic_batch(path: Path) -> Path:
    """Out of order, with a thought, and with requests that failed."""
    rows: list[dict[str, Any]] = [
        {
            "custom_id": f"q{q}",
            "result": {
                "type": "succeeded",
                "message": {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": "a stop sign?", "signature": "x"},
                        {"type": "text", "text": a},
                    ],
                    "stop_reason": "end_turn",
                },
            },
        }
        for q, a in reversed(ANSWERS.items())
    ]
    return dump_lines(path, rows)


def gemini_batch(path: Path) -> Path:
    rows: list[dict[str, Any]] = [
        {
            "key": f"q{q}",
            "response": {
                "candidates": [
                    {
                        "index": 0,
                        "finishReason": "STOP",
                        "content": {
                            "role": "model",
                            "parts": [{"text": "stop?", "thought": True}, {"text": a}],
                        },
                    }
                ],
                "modelVersion": "m",
            },
        }
        for q, a in ANSWERS.items()
    ]
    return dump_lines(path, rows)


def inspect_log(path: Path) -> Path:
    """The scores' "C" and "I" are no letters of options."""
    samples = [
        {
            "id": q,
            "epoch": 1,
            "input": [{"role": "user", "content": [{"type": "text", "text": "What?"}]}],
            "target": "stop",
            "output": {
                "model": "m",
                "choices": [
                    {"message": {"role": "assistant", "content": a}, "stop_reason": "stop"}
                ],
                "completion": a,
            },
            "scores": {"match": {"value": "C", "answer": a}},
        }
        for q, a in ANSWERS.items()
    ]
    head = {"task": "vqa", "model": "org/m", "dataset": {}}
    return dump(path, {"version": 2, "eval": head, "results": {}, "samples": samples})


def promptfoo(path: Path) -> Path:
    rows = [
        {
            "promptIdx": 0,
            "testIdx": i,
            "provider": {"id": "openai:m", "label": ""},
            "prompt": {"raw": f"What is {q}?", "label": "p"},
            "vars": {"id": q, "question": f"What is {q}?", "answer": "stop"},
            "response": {"output": a, "tokenUsage": {}},
            "success": True,
        }
        for i, (q, a) in enumerate(ANSWERS.items())
    ]
    return dump(path, {"evalId": "x", "results": {"version": 3, "results": rows, "prompts": []}})


def label_studio(path: Path) -> Path:
    def told(text: str) -> list[dict[str, Any]]:
        one = {"from_name": "answer", "to_name": "image", "type": "textarea"}
        return [{**one, "value": {"text": [text]}}]

    return dump(
        path,
        [
            {
                "id": 90 + i,
                "data": {"image": "a.jpg", "question": "What?", "question_id": q},
                "annotations": [{"id": 9, "was_cancelled": False, "result": told("stop")}],
                "predictions": [{"model_version": "m1", "result": told(a)}],
            }
            for i, (q, a) in enumerate(ANSWERS.items())
        ],
    )
