"""Synthetic predictions that look like those of real VQA ensembles, and the map that fits them.

Every question has a type, a true answer and a pool of plausible answers, mostly of its type and
drawn by Zipf's law. Members see the same scores for the pool, each with noise of its own, so
they err together more often than by chance. Deterministic: the same arguments give the same
files.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vqa_ensemble.answers.answer_map import AnswerMap, write_answer_map
from vqa_ensemble.predictions.files import write_predictions

# VQA v2: share of the questions, and of the 3,129 frequent answers, by type.
TYPES = ("yes/no", "number", "other")
QUESTION_SHARE = (0.38, 0.12, 0.50)
N_NUMBERS = 120
N_ANSWERS = 3_129
DRAWN, RESERVE = 8, 8
CHUNK = 50_000


@dataclass(frozen=True)
class Corpus:
    """Where one ensemble's files are."""

    predictions: list[Path]
    answer_map: Path
    questions: int
    rows: int


def generate(
    folder: Path,
    *,
    questions: int,
    members: int,
    top_k: int = 5,
    missing: float = 0.0,
    seed: int = 0,
) -> Corpus:
    """Write ``members`` prediction files and ``map.csv``; files already there are kept.

    Parameters
    ----------
    missing : float
        Share of the questions that each member lacks.
    """
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary, types, popularity = answer_vocabulary()
    answer_map = folder / "map.csv"
    if not answer_map.exists():
        names = [TYPES[t] for t in types]
        counts = np.maximum(1, popularity / popularity.min()).astype(np.int64)
        write_answer_map(answer_map, AnswerMap.from_counts(vocabulary, names, counts))
    paths = [folder / f"member-{m:03d}.parquet" for m in range(members)]
    for m, path in enumerate(paths):
        if path.exists():
            continue
        chunks = [
            _member_chunk(m, start, min(CHUNK, questions - start), top_k, missing, seed)
            for start in range(0, questions, CHUNK)
        ]
        ids, answers, confidences = (np.concatenate(part) for part in zip(*chunks, strict=True))
        write_predictions(
            path, ids, answers, confidences, member=path.stem, vocabulary=vocabulary, top_k=top_k
        )
    return Corpus(paths, answer_map, questions, questions * members * top_k)


def answer_vocabulary() -> tuple[list[str], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Answers, their types, and how probable each is within its type."""
    words = N_ANSWERS - 2 - N_NUMBERS
    vocabulary = ["yes", "no"] + [str(n) for n in range(N_NUMBERS)]
    vocabulary += [_word(n) for n in range(words)]
    sizes = (2, N_NUMBERS, words)
    types = np.repeat(np.arange(3), sizes)
    popularity = np.concatenate([1 / np.arange(1, size + 1) for size in sizes])
    return vocabulary, types, popularity


def _word(n: int) -> str:
    """A pronounceable answer; one in five is two words. None is a number word or an article."""
    syllables = [c + v for c in "bdfghklmprstvz" for v in "aeiou"]
    word = syllables[n % 70] + syllables[n // 70 % 70] + "ren" * (n % 3 == 0)
    return f"{word} {syllables[n % 11]}" if n % 5 == 0 else word


def _member_chunk(
    member: int, start: int, n: int, top_k: int, missing: float, seed: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """One member's rows for questions ``start`` to ``start + n``, sorted."""
    common = np.random.default_rng([seed, 0, start])
    own = np.random.default_rng([seed, 1, member, start])
    answers, scores = _plausible_answers(common, n)
    # Harder questions have flatter scores, on which members differ more.
    scores = scores + own.gumbel(scale=0.8 + 0.05 * (member % 10), size=scores.shape)
    best = np.argsort(-scores, axis=1)[:, :top_k]
    top_answers = np.take_along_axis(answers, best, axis=1)
    # Each confidence is a share of what is left above it: strictly falling.
    gap = np.diff(-np.take_along_axis(scores, best, axis=1), axis=1)
    first = own.uniform(0.3, 0.99, size=(n, 1))
    falls = np.concatenate([first, np.clip(np.exp(-gap), 0.02, 0.98)], axis=1)
    confidences = np.cumprod(falls, axis=1).astype(np.float32)
    question = np.arange(start, start + n)
    ids = (question // 5 + 1) * 1000 + question % 5  # five questions an image
    if missing:
        kept = own.random(n) >= missing
        ids, top_answers, confidences = ids[kept], top_answers[kept], confidences[kept]
    return np.repeat(ids, top_k), top_answers.ravel().astype(np.int32), confidences.ravel()


def _plausible_answers(
    rng: np.random.Generator, n: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """A pool of distinct answers to each of ``n`` questions, and scores all members see."""
    _, types, popularity = answer_vocabulary()
    of_type = [np.flatnonzero(types == t) for t in range(3)]
    question_type = rng.choice(3, size=n, p=QUESTION_SHARE)
    # One plausible answer in ten is of another type, as in real members.
    drawn_type = np.where(
        rng.random((n, DRAWN)) < 0.1, rng.integers(0, 3, (n, DRAWN)), question_type[:, None]
    )
    pool = np.empty((n, DRAWN + RESERVE), dtype=np.int64)
    for t, members in enumerate(of_type):
        here = drawn_type == t
        share = popularity[members] / popularity[members].sum()
        pool[:, :DRAWN][here] = rng.choice(members, size=int(here.sum()), p=share)
    # Unlikely answers, all different, so that there are always enough.
    width = N_ANSWERS // RESERVE
    pool[:, DRAWN:] = rng.integers(0, width, (n, RESERVE)) + width * np.arange(RESERVE)
    ease = rng.gamma(2.0, 1.8, size=(n, 1))
    scores = rng.normal(size=pool.shape) * 0.3 - 0.4 * np.arange(pool.shape[1])
    scores[:, 0] += ease[:, 0]
    scores[:, DRAWN:] -= 3
    for column in range(1, pool.shape[1]):
        repeated = (pool[:, :column] == pool[:, column : column + 1]).any(axis=1)
        scores[repeated, column] = -np.inf
    return pool, scores
