"""Files that are broken in every way we could think of, for every reader there is."""

from __future__ import annotations

import copy
import json
import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vqa_ensemble.answers.answer_map import read_answer_map
from vqa_ensemble.answers.synonyms_file import read_synonyms
from vqa_ensemble.elections.options import VoteOptions
from vqa_ensemble.elections.provenance import provenance_path, verify
from vqa_ensemble.elections.vote import LocalEngine, vote_files
from vqa_ensemble.files.json import read_json
from vqa_ensemble.leaderboards.check import check_submission
from vqa_ensemble.learning.combiners.candidates import gather_candidates
from vqa_ensemble.learning.combiners.fitted import read_fitted
from vqa_ensemble.learning.ensemble_file import write_ensemble
from vqa_ensemble.learning.fit import fit
from vqa_ensemble.learning.questions import Questions
from vqa_ensemble.predictions.files import predictions_from_rows, read_predictions
from vqa_ensemble.questions.table import QuestionColumn
from vqa_ensemble.questions.vqa import read_annotations, read_questions, read_submission
from vqa_ensemble.resources import find_recipe
from vqa_ensemble.scoring.vqa_accuracy import HumanAnswers
from vqa_ensemble.training.recipe import read_recipe
from vqa_ensemble.voting.ballots import align
from vqa_ensemble.voting.elector import Context
from vqa_ensemble.voting.methods import COMBINERS
from vqa_ensemble.voting.question_types import QuestionTypes


@dataclass(frozen=True)
class Reader:
    """One kind of file: a good one as bytes, and what reads it.

    Attributes
    ----------
    name, ending : str
    good : callable
        A good file.
    read : callable
    spoil : callable, optional
        Breaks what the file holds in a way of its own, and packs it again as a whole file.
    alone : bool
        Whether ``read`` leaves the file where it is, and reads that one only.
    """

    name: str
    ending: str
    good: Callable[[], bytes]
    read: Callable[[Path], object]
    spoil: Callable[[bytes, random.Random], bytes] | None = None
    alone: bool = True

    def read_bytes(self, content: bytes, folder: Path) -> object:
        path = folder / f"file{self.ending}"
        path.write_bytes(content)
        return self.read(path)


QUESTIONS = {
    "info": {},
    "questions": [
        {"question_id": q, "image_id": q // 10, "question": "What is it?"} for q in range(1, 6)
    ],
}
ANNOTATIONS = {
    "annotations": [
        {
            "question_id": q,
            "image_id": q // 10,
            "question_type": "what",
            "answer_type": "other",
            "multiple_choice_answer": "cat",
            "answers": [
                {"answer_id": a, "answer": word, "answer_confidence": "yes"}
                for a, word in enumerate(["cat", "a cat", "dog"])
            ],
        }
        for q in range(1, 6)
    ]
}
SUBMISSION = [{"question_id": q, "answer": "cat"} for q in range(1, 6)]


def parquet(columns: dict[str, Any]) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink, row_group_size=4)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def predictions() -> bytes:
    return parquet(
        {
            "question_id": [1, 1, 2, 2, 3, 4, 5],
            "answer": ["yes", "no", "2", "3", "no", "cat", "yes"],
            "confidence": pa.array([0.5, 0.25, 1.0, 0.0, 0.5, 0.75, 1.0], pa.float32()),
        }
    )


BALLOTS = align(
    [
        predictions_from_rows(
            name,
            [
                (q, answer, (q + 3 * m + a) % 5 / 4)
                for q in range(60)
                for a, answer in enumerate("xyz")
            ],
        )
        for m, name in enumerate(["a", "b", "c"])
    ]
)
TYPES = QuestionTypes(("number", "other"), np.arange(60) % 2)


def fitted(method: str) -> Callable[[], bytes]:
    """An ensemble file of a method."""

    @cache
    def good() -> bytes:
        candidates = gather_candidates(BALLOTS)
        targets = (candidates.answers == candidates.questions % 3).astype(np.float64)
        groups = np.arange(60)
        questions = Questions(candidates, targets, TYPES, groups)
        ensemble = fit(questions, method=method).ensemble
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "e.toml"
            write_ensemble(path, ensemble.to_file())
            return path.read_bytes()

    return good


def vote_with(path: Path) -> object:
    return read_fitted(path).vote(BALLOTS, Context(question_types=TYPES))


def vote_alone(path: Path) -> object:
    return vote_files([path], VoteOptions(method="majority"), engine=LocalEngine(1))


def check(path: Path) -> object:
    return check_submission(read_json(path), [1, 2, 3, 4, 5])


def verify_record(path: Path) -> object:
    output = path.with_name("submission.json")
    output.write_text("[]")
    path.replace(provenance_path(output))
    return verify(output)


RECORD = {
    "format_version": 1,
    "arguments": ["vote", "a.parquet", "-o", "submission.json"],
    "folder": ".",
    "versions": {"numpy": "1.0"},
    "inputs": [{"role": "predictions", "path": "a.parquet", "bytes": 3, "sha256": "00"}],
    "outputs": [{"path": "submission.json", "bytes": 2, "sha256": "11"}],
}


def as_json(value: object) -> Callable[[], bytes]:
    return lambda: json.dumps(value).encode()


READERS = [
    Reader("predictions", ".parquet", predictions, read_predictions),
    Reader("predictions, streamed", ".parquet", predictions, vote_alone),
    Reader(
        "map.csv",
        ".csv",
        lambda: (
            b"answer,question_type,count,share\nyes,yes/no,9,0.9\nyes,other,1,0.1\n2,number,4,1\n"
        ),
        read_answer_map,
    ),
    Reader(
        "map.parquet",
        ".parquet",
        lambda: parquet(
            {"answer": ["yes", "2"], "question_type": ["yes/no", "number"], "count": [9, 4]}
        ),
        read_answer_map,
    ),
    Reader("questions", ".json", as_json(QUESTIONS), read_questions),
    Reader(
        "annotations",
        ".json",
        as_json(ANNOTATIONS),
        lambda p: HumanAnswers.prepare(read_annotations(p)),
    ),
    Reader("submission", ".json", as_json(SUBMISSION), read_submission),
    Reader("submission, checked", ".json", as_json(SUBMISSION), check),
    Reader("recipe", ".toml", lambda: find_recipe("easy-vqa-ban").read_bytes(), read_recipe),
    *(Reader(f"ensemble, {method}", ".toml", fitted(method), vote_with) for method in COMBINERS),
    Reader(
        "types.csv",
        ".csv",
        lambda: b"question_id,question_type\n1,what\n2,how\n",
        lambda path: QuestionColumn(str(path), "question_type").names(),
    ),
    Reader(
        "types.parquet",
        ".parquet",
        lambda: parquet({"question_id": [1, 2], "question_type": ["what", "how"]}),
        lambda path: QuestionColumn(str(path), "question_type").names(),
    ),
    Reader("synonyms", ".csv", lambda: b"answer,canonical\nkitty,cat\npup,dog\n", read_synonyms),
    Reader("record", ".json", as_json(RECORD), verify_record, alone=False),
]

TOKENS = [
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\r\n", b"\n", b"\r", b'"', b"'", b",", b"[", b"]",
    b"{", b"}", b":", b"=", b"#", b"null", b"true", b"NaN", b"nan", b"inf", b"-Infinity", b"1e999",
    b"-1", b"0", b"9223372036854775807", b"9223372036854775808", b"-9223372036854775809",
    b"18446744073709551616", b"1.5", b"\xc3\x28", b"\xed\xa0\x80", b"[" * 2000, b"{\"a\":" * 2000,
    b"x" * 100_000, b"\\u0000", b"\\ud800", b"=cmd()", b"../../etc/passwd", b"1979-05-27",
]  # fmt: skip
VALUES: list[Any] = [
    None, True, -1, 0, 1.5, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 1e300, "", "x", "\0", "é",
    "\ud800", "a" * 10_000, [], {}, [[]], [None], {"a": 1}, "2", " 2 ", "NaN",
]  # fmt: skip


def break_bytes(content: bytes, generator: random.Random) -> bytes:
    """One to three cuts, flips, insertions or repetitions."""
    broken = bytearray(content)
    for _ in range(generator.randint(1, 3)):
        at = generator.randint(0, len(broken))
        end = min(len(broken), at + generator.choice([1, 2, 4, 8, 32, len(broken)]))
        how = generator.randrange(6)
        if how == 0:
            del broken[at:]
        elif how == 1 and at < len(broken):
            broken[at] ^= 1 << generator.randrange(8)
        elif how == 2:
            broken[at:at] = generator.choice(TOKENS)
        elif how == 3:
            broken[at:end] = generator.choice(TOKENS)
        elif how == 4:
            del broken[at:end]
        else:
            broken[at:at] = broken[at:end]
    return bytes(broken)


def break_json(content: bytes, generator: random.Random) -> bytes:
    """Replace, remove or repeat a value somewhere in the document."""
    document = json.loads(content)
    for _ in range(generator.randint(1, 2)):
        document = break_value(document, generator)
    return json.dumps(document).encode("utf-8", "surrogatepass")


def break_value(value: Any, generator: random.Random) -> Any:
    """The value with a part of it replaced, removed or repeated."""
    if not isinstance(value, (list, dict)) or not value or generator.random() < 0.15:
        return copy.deepcopy(generator.choice(VALUES))
    key = generator.choice(list(value) if isinstance(value, dict) else range(len(value)))
    how = generator.random()
    if how < 0.15:
        del value[key]
    elif how < 0.25 and isinstance(value, list):
        value.append(copy.deepcopy(value[key]))
    elif how < 0.3 and isinstance(value, dict):
        value[generator.choice(["x", "question_id", "answer", ""])] = copy.deepcopy(value[key])
    else:
        value[key] = break_value(value[key], generator)
    return value


def break_file(reader: Reader, generator: random.Random) -> bytes:
    """A broken variant of the reader's good file."""
    content = reader.good()
    if reader.spoil and generator.random() < 0.6:
        return reader.spoil(content, generator)
    if reader.ending == ".json" and generator.random() < 0.6:
        return break_json(content, generator)
    return break_bytes(content, generator)
