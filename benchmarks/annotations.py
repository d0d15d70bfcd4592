"""An annotations file of VQA v2's shape, and what reading it costs beside parsing its JSON.

Run as a program: ``python -m benchmarks.annotations STEP FILE…`` prints the seconds of one step.
"""

from __future__ import annotations

import gc
import json
import sys
from pathlib import Path
from time import perf_counter

import numpy as np

from benchmarks.generate import QUESTION_SHARE, TYPES, answer_vocabulary

QUESTION_TYPES = 65
QUESTION_WORDS = 15_000
CHUNK = 20_000


def write_annotations(path: Path, questions: int, seed: int = 0) -> Path:
    """Ten human answers a question, most of them the same."""
    if path.exists():
        return path
    vocabulary, types, popularity = answer_vocabulary()
    rng = np.random.default_rng(seed)
    with path.open("w", encoding="utf-8") as file:
        file.write('{"info": {}, "annotations": [')
        for start in range(0, questions, CHUNK):
            n = min(CHUNK, questions - start)
            kinds = rng.choice(3, size=n, p=QUESTION_SHARE)
            drawn = np.empty((n, 10), dtype=np.int64)
            for t in range(3):
                of_type = np.flatnonzero(types == t)
                share = popularity[of_type] / popularity[of_type].sum()
                drawn[kinds == t] = rng.choice(of_type, size=(int((kinds == t).sum()), 10), p=share)
            agreed = rng.random((n, 10)) < 0.7
            drawn = np.where(agreed, drawn[:, :1], drawn)
            names = [[vocabulary[a] for a in row] for row in drawn.tolist()]
            rows = [
                {
                    "question_type": f"what kind {(start + i) % QUESTION_TYPES}",
                    "multiple_choice_answer": humans[0],
                    "answers": [
                        {"answer": answer, "answer_confidence": "yes", "answer_id": j + 1}
                        for j, answer in enumerate(humans)
                    ],
                    "image_id": (start + i) // 5 + 1,
                    "answer_type": TYPES[kinds[i]],
                    "question_id": ((start + i) // 5 + 1) * 1000 + (start + i) % 5,
                }
                for i, humans in enumerate(names)
            ]
            text = json.dumps(rows)[1:-1]
            file.write(f"{', ' if start else ''}{text}")
        file.write("]}")
    return path


def write_questions(path: Path, questions: int, seed: int = 0) -> Path:
    """The questions of :func:`write_annotations`: six words on average, two in five repeated."""
    if path.exists():
        return path
    rng = np.random.default_rng(seed)
    words = [f"word{number}" for number in range(QUESTION_WORDS)]
    kinds = rng.integers(0, int(0.6 * questions), questions)
    lengths = 2 + rng.poisson(4.2, questions)
    entries = [
        {
            "image_id": i // 5 + 1,
            "question": " ".join(
                words[kind * 7919 * (k + 1) % (10 * (k + 1) ** 3) % QUESTION_WORDS]
                for k in range(lengths[kind])
            )
            + "?",
            "question_id": (i // 5 + 1) * 1000 + i % 5,
        }
        for i, kind in enumerate(kinds.tolist())
    ]
    path.write_text(json.dumps({"info": {}, "questions": entries}), encoding="utf-8")
    return path


def main() -> None:
    """Time one step: parse or prepare."""
    step, *paths = sys.argv[1:]
    import orjson

    if step == "prepare":  # needs torch
        from vqa_ensemble.training.data.summary import summarize
        from vqa_ensemble.training.data.vqa import VqaFolder

    gc.disable()  # as our readers do
    start = perf_counter()
    if step == "parse":
        for path in paths:
            orjson.loads(Path(path).read_bytes())
    else:
        summarize(VqaFolder(Path(paths[0]).parent))
    print(perf_counter() - start)


if __name__ == "__main__":
    main()
