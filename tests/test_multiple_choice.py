"""Multiple choice: options as words, and their scores."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

torch = pytest.importorskip("torch")

from vqa_ensemble.training.data.examples import (  # noqa: E402
    Examples,
    FloatArray,
    SoftAnswers,
    Split,
)

WORDS = ["<padding>", "<unknown>", "what", "red", "dog", "cat"]


class OneRegion:
    """A picture's row as its only feature."""

    width = 1

    def read(
        self, rows: npt.NDArray[np.int64]
    ) -> tuple[FloatArray, FloatArray, npt.NDArray[np.bool_]]:
        features = rows.astype(np.float32).reshape(-1, 1, 1)
        return features, np.zeros((len(rows), 1, 4), np.float32), np.ones((len(rows), 1), np.bool_)


@pytest.fixture
def split() -> Split:
    answers = SoftAnswers(
        starts=np.array([0, 1, 3]),
        codes=np.array([1, 0, 2]),
        scores=np.array([1, 0.5, 1], np.float32),
        answers=["cat", "red dog", "zebra"],
        counts=np.array([0, 1, 1]),
    )
    choices = [("cat", "red dog"), ("", "zebra", "cat")]
    return Split(
        "train", np.arange(2), ["what", "what"], np.arange(2), OneRegion(), answers,
        ["animal", "other"], choices,
    )  # fmt: skip


def test_options_become_padded_words_and_scores(split: Split) -> None:
    batch = Examples([split], WORDS, ["cat"], 5).batch(np.array([1, 0, 1]))
    assert batch.choices is not None
    assert batch.choice_targets is not None
    no_words, unknown = [1, 0], [1, 0]  # an empty option is one unknown word
    second = [no_words, unknown, [5, 0]]
    assert batch.choices.tolist() == [second, [[5, 0], [3, 4], [0, 0]], second]
    assert batch.choice_targets.tolist() == [[0, 1, 0.5], [0, 1, 0], [0, 1, 0.5]]


def test_options_are_cut_like_questions(split: Split) -> None:
    batch = Examples([split], WORDS, ["cat"], 1).batch(np.array([0]))
    assert batch.choices is not None
    assert batch.choices.tolist() == [[[5], [3], [0]]]


def test_a_split_without_options_leaves_none(split: Split) -> None:
    for parts in ([replace(split, choices=None)], [split, replace(split, choices=None)]):
        batch = Examples(parts, WORDS, ["cat"], 5).batch(np.array([0]))
        assert (batch.choices, batch.choice_targets) == (None, None)
    batch = Examples([replace(split, answers=None)], WORDS, ["cat"], 5).batch(np.array([0]))
    assert batch.choices is not None
    assert batch.choice_targets is None


def test_options_of_two_splits_stand_together(split: Split) -> None:
    examples = Examples([split.of_types(["animal"]), split], WORDS, ["cat"], 5)
    assert examples.choices is not None
    assert examples.choices.shape == (3, 3, 2)
    assert examples.choices[0].tolist() == examples.choices[1].tolist()
