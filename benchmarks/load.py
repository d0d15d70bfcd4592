"""Votes far beyond what leaderboards ask for: many members, questions, long and many answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.generate import Corpus, generate
from benchmarks.measure import vote_program
from vqa_ensemble.answers.answer_map import AnswerMap, write_answer_map
from vqa_ensemble.predictions.files import write_predictions

MEMBERS = 3


@dataclass(frozen=True)
class Load:
    """One kind of load, and the memory that the vote must do with."""

    name: str
    folder: str
    corpus: Callable[[Path], Corpus]
    megabytes: int


def of_size(questions: int, members: int, top_k: int) -> Callable[[Path], Corpus]:
    """Predictions as :func:`benchmarks.generate.generate` makes them."""
    return lambda folder: generate(folder, questions=questions, members=members, top_k=top_k)


def of_answers(questions: int, distinct: int, length: int) -> Callable[[Path], Corpus]:
    """Three members whose two answers to every question are mostly answers to that one alone.

    There are ``distinct`` answers of about ``length`` characters; the map knows one in ten.
    """

    def write(folder: Path) -> Corpus:
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / f"member-{m}.parquet" for m in range(MEMBERS)]
        answer_map = folder / "map.csv"
        if not answer_map.exists():
            generator = np.random.default_rng(0)
            vocabulary = _texts(distinct, length)
            for path in paths:
                # The answers to a question are neighbours, on which members differ.
                near = np.arange(questions) * distinct // questions
                first = near + generator.integers(0, 3, questions)
                second = first + 1 + generator.integers(0, 2, questions)
                write_predictions(
                    path,
                    np.repeat(np.arange(questions), 2),
                    (np.stack([first, second], axis=1).ravel() % distinct).astype(np.int32),
                    np.tile(np.array([0.7, 0.2], np.float32), questions),
                    member=path.stem,
                    vocabulary=vocabulary,
                )
            known = vocabulary[::10]
            types = [("yes/no", "number", "other")[n % 3] for n in range(len(known))]
            counts = np.ones(len(known), np.int64)
            write_answer_map(answer_map, AnswerMap.from_counts(known, types, counts))
        return Corpus(paths, answer_map, questions, questions * MEMBERS * 2)

    return write


def _texts(distinct: int, length: int) -> list[str]:
    """Answers that begin with their number; the rest is cut from one long text."""
    words = np.random.default_rng(1).choice(["red", "dog", "on", "table", "left", "two"], length)
    text = " ".join(words.tolist())
    numbers = [f"item{n:07d}" for n in range(distinct)]
    rest = max(0, length - len(numbers[0]) - 1)
    starts = [n % length for n in range(distinct)]
    return [
        f"{number} {text[start : start + rest]}".strip()
        for number, start in zip(numbers, starts, strict=True)
    ]


# The limits are round numbers well above what was first measured.
LOADS = (
    Load("10,000 questions × 1,000 members", "many-members", of_size(10_000, 1_000, 5), 3_000),
    Load("10,000,000 questions × 3 members", "many-questions", of_size(10_000_000, 3, 3), 500),
    Load("answers of 10,000 characters", "long-answers", of_answers(10_000, 30_000, 10_000), 4_000),
    Load("a million distinct answers", "many-answers", of_answers(520_000, 1_040_000, 11), 3_000),
)


def load(folder: Path, scratch: Path, repeats: int) -> list[str]:
    """Seconds and peak memory of one vote under each kind of load."""
    lines = [
        "## Load",
        "",
        "The whole command line, once each, with a map. The limit is what the vote must do with.",
        "",
        "| load | questions | rows | seconds | CPU s | peak MB | limit MB |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for kind in LOADS:
        data = kind.corpus(folder / kind.folder)
        program = vote_program(kind.name, data, scratch / "load.json")
        program.run()
        [wall], [cpu], [peak] = program.wall, program.cpu, program.memory
        lines.append(
            f"| {kind.name} | {data.questions:,} | {data.rows:,} | {wall:.1f} | {cpu:.1f} | "
            f"{peak:,.0f} | {kind.megabytes:,}{'' if peak < kind.megabytes else ' EXCEEDED'} |"
        )
    return [*lines, ""]
