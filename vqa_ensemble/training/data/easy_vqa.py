"""easy-VQA: 5,000 pictures of one coloured shape and 48,248 questions (PyPI ``easy-vqa``).

The pictures, 64 x 64 pixels, are cut into a grid of square patches; each patch is a region
whose features are its pixels. A validation split is cut from the training pictures, so that
choices need not be made on the test split.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from vqa_ensemble.arrays import Bools, Floats32, Ints
from vqa_ensemble.errors import InputError, need
from vqa_ensemble.files.picture import read_picture
from vqa_ensemble.questions.vqa import Questions
from vqa_ensemble.training.data.soft_answers import single_answers
from vqa_ensemble.training.data.splits import RawSplit, Split

SPLITS = ("train", "validation", "test")
SIDE = 64
# One training picture in eight, by its number.
_VALIDATION_EVERY = 8
# The package numbers the pictures of train and test both from 0.
_FIRST_QUESTION = {"train": 1_000_000, "test": 2_000_000}
_FIRST_PICTURE = {"train": 10_000, "test": 20_000}


@dataclass(frozen=True)
class Asked:
    """One split as the package gives it, with ids that are unique over all splits.

    Attributes
    ----------
    question_ids, image_ids : ndarray of int64, shape (Q,)
    texts, answers : list of str, length Q
    pictures : ndarray of int64, shape (Q,)
        The picture's number in the package's own split.
    """

    question_ids: Ints
    image_ids: Ints
    texts: list[str]
    answers: list[str]
    pictures: Ints


class PatchRegions:
    """Pictures cut into patches; keeps bytes and makes numbers when read.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (I, SIDE, SIDE, 3)
    patch : int
        Side of a patch.
    """

    def __init__(self, pixels: npt.NDArray[np.uint8], patch: int) -> None:
        grid = SIDE // patch
        split = pixels.reshape(-1, grid, patch, grid, patch, 3).swapaxes(2, 3)
        self._patches = np.ascontiguousarray(split).reshape(len(pixels), grid * grid, -1)
        # Numbers that describe a region: its pixels.
        self.width = self._patches.shape[2]
        low = np.arange(grid, dtype=np.float32) / grid
        y, x = np.meshgrid(low, low, indexing="ij")
        self._boxes = np.stack([x, y, x + 1 / grid, y + 1 / grid], -1).reshape(-1, 4)

    def read(self, rows: Ints) -> tuple[Floats32, Floats32, Bools]:
        """Pixels from -1 to 1 (B, K, D), boxes (B, K, 4), all True (B, K)."""
        features = self._patches[rows].astype(np.float32)
        features /= 127.5
        features -= 1
        boxes = np.broadcast_to(self._boxes, (len(rows), *self._boxes.shape)).astype(np.float32)
        return features, boxes, np.ones(features.shape[:2], np.bool_)


class EasyVqa:
    """The data set; ``patch`` is the side of a region in pixels.

    Raises
    ------
    InputError
        If the package is missing.
    """

    name = "easy-vqa"
    official = False
    split_names = SPLITS

    def __init__(self, patch: int = 8) -> None:
        _package()
        self._patch = patch

    def read(self, name: str) -> RawSplit:
        """Read a split's questions and answers.

        Raises
        ------
        InputError
            If there is none of that name.
        """
        asked = read_questions(name)
        types = answer_types()
        return RawSplit(
            Questions(asked.question_ids, asked.texts, asked.image_ids.tolist()),
            None,
            single_answers(asked.answers),
            [types[answer] for answer in asked.answers],
        )

    def split(self, name: str) -> Split:
        """Read a split with its pictures' regions.

        Raises
        ------
        InputError
            If there is none of that name.
        """
        regions = self._test_regions if name == "test" else self._train_regions
        return self.read(name).about(name, read_questions(name).pictures, regions)

    @cached_property
    def _train_regions(self) -> PatchRegions:
        return PatchRegions(_read_pixels("train"), self._patch)

    @cached_property
    def _test_regions(self) -> PatchRegions:
        return PatchRegions(_read_pixels("test"), self._patch)


def read_questions(split: str) -> Asked:
    """Questions and answers of a split, in the package's order.

    Raises
    ------
    InputError
        If there is no such split, or the package is missing.
    """
    if split not in SPLITS:
        raise InputError(f"easy-vqa has no split '{split}'", fix=f"There are: {', '.join(SPLITS)}.")
    package = _package()
    source = "test" if split == "test" else "train"
    read = package.get_test_questions if source == "test" else package.get_train_questions
    texts, answers, pictures = read()
    numbers = np.asarray(pictures, np.int64)
    held_out = numbers % _VALIDATION_EVERY == _VALIDATION_EVERY - 1
    chosen = {"train": ~held_out, "validation": held_out, "test": np.ones_like(held_out)}[split]
    rows = np.flatnonzero(chosen)
    return Asked(
        question_ids=rows + _FIRST_QUESTION[source],
        image_ids=numbers[rows] + _FIRST_PICTURE[source],
        texts=[texts[row] for row in rows],
        answers=[answers[row] for row in rows],
        pictures=numbers[rows],
    )


def answer_types() -> dict[str, str]:
    """The type of every answer: ``yes/no``, ``color`` or ``shape``, found from the data.

    Answers that some question was answered with both ways belong together. Such a group is
    yes/no if it has these answers; else it is named after the word that all of its questions
    share ("what is the **color** of the shape?").

    Examples
    --------
    >>> types = answer_types()
    >>> types["no"], types["teal"], types["circle"]
    ('yes/no', 'color', 'shape')
    """
    questions = [read_questions(split) for split in ("train", "validation")]
    asked: dict[str, set[str]] = {}
    for part in questions:
        for text, answer in zip(part.texts, part.answers, strict=True):
            asked.setdefault(text, set()).add(answer)
    groups: list[tuple[set[str], list[set[str]]]] = []
    for text, answers in asked.items():
        words = [set(text.rstrip("?").split())]
        joined = set(answers)
        for group in [group for group in groups if group[0] & answers]:
            groups.remove(group)
            joined |= group[0]
            words += group[1]
        groups.append((joined, words))
    return {answer: _type_name(answers, words) for answers, words in groups for answer in answers}


def _type_name(answers: set[str], words: Sequence[set[str]]) -> str:
    if answers <= {"yes", "no"}:
        return "yes/no"
    # Colours are asked of shapes, so "shape" may stand in both groups and "color" decides.
    return next(
        (name for name in ("color", "shape") if all(name in question for question in words)),
        "other",
    )


def _read_pixels(source: str) -> npt.NDArray[np.uint8]:
    """Pictures of the package's split by their number, shape (I, SIDE, SIDE, 3)."""
    package = _package()
    paths = package.get_test_image_paths() if source == "test" else package.get_train_image_paths()
    pixels = np.empty((max(paths) + 1, SIDE, SIDE, 3), np.uint8)
    for number, path in paths.items():
        picture = np.asarray(read_picture(path))
        if picture.shape != (SIDE, SIDE, 3):
            raise InputError(
                f"is not {SIDE} pixels wide and high", path=path, fix="Install easy-vqa again."
            )
        pixels[number] = picture
    return pixels


def _package() -> Any:
    with need("the data set easy-vqa needs its package", extra="demo"):
        import easy_vqa
    return easy_vqa
