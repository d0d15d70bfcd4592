"""Data sets in the form of VQA v2: question and annotation JSON, region features.

A folder holds, for each split, under the official names or the plain ones,

==========  =================================================  ==========================
split       questions                                          annotations
==========  =================================================  ==========================
train       v2_OpenEnded_mscoco_train2014_questions.json       v2_mscoco_train2014_...
validation  v2_OpenEnded_mscoco_val2014_questions.json         v2_mscoco_val2014_...
test        v2_OpenEnded_mscoco_test2015_questions.json        not public
test-dev    v2_OpenEnded_mscoco_test-dev2015_questions.json    not public
any NAME    NAME_questions.json                                NAME_annotations.json
==========  =================================================  ==========================

and a folder ``regions`` with the detector's output in one of two layouts:

- ``image_ids.npy`` (I,), ``features.npy`` (I, K, D) of float16 or float32, ``boxes.npy``
  (I, K, 4) and, where pictures have fewer than K regions, ``counts.npy`` (I,). The large
  files are memory-mapped, so pictures are read from disk as they are needed.
- ``<image_id>.npz`` for each picture, with ``features`` (k, D) and ``boxes`` (k, 4).

Boxes are x1, y1, x2, y2 as shares of the picture's width and height.
"""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vqa_ensemble.errors import InputError
from vqa_ensemble.formats.vqa_json import Annotations, read_annotations, read_questions
from vqa_ensemble.normalize import clean_answer, normalize_answer
from vqa_ensemble.training.data.examples import FloatArray, Regions, SoftAnswers, Split

_OFFICIAL = {
    "train": "train2014",
    "validation": "val2014",
    "test": "test2015",
    "test-dev": "test-dev2015",
}
# min(1, n/3): three of ten annotators make an answer right (Antol et al. 2015).
_ANNOTATORS_FOR_FULL_SCORE = 3


class VqaFolder:
    """A folder as described above; takes the first ``regions`` of each picture (0: all).

    Raises
    ------
    InputError
        If there is no such folder, or none of its files.
    """

    name = "vqa-v2"

    def __init__(self, root: str | os.PathLike[str], *, regions: int = 0) -> None:
        self.root = Path(root)
        if not self.root.is_dir():
            raise InputError("no such folder", path=root, where="data.root")
        self._limit = regions

    @property
    def split_names(self) -> tuple[str, ...]:
        """The splits whose questions are there."""
        official = [name for name in _OFFICIAL if self._questions_path(name).is_file()]
        plain = [
            path.name.removesuffix("_questions.json")
            for path in sorted(self.root.glob("*_questions.json"))
            if not path.name.startswith("v2_OpenEnded_mscoco_")
        ]
        return tuple(dict.fromkeys([*official, *plain]))

    def split(self, name: str) -> Split:
        """Read a split.

        Raises
        ------
        InputError
            If a file is missing or broken, or a picture has no regions.
        """
        path = self._questions_path(name)
        if not path.is_file():
            names = ", ".join(self.split_names) or "none"
            raise InputError(
                f"no questions of split '{name}'", path=path, fix=f"There are: {names}"
            )
        questions = read_questions(path)
        annotations_path = self._annotations_path(name)
        answers = None
        types: list[str] | None = None
        if annotations_path.is_file():
            order = questions.question_ids
            annotations = read_annotations(annotations_path)
            answers = _soft_answers(annotations, order, annotations_path)
            type_names = [annotations.answer_type_names[t] for t in annotations.answer_types]
            type_of = dict(zip(annotations.question_ids.tolist(), type_names, strict=True))
            types = [type_of[question] for question in order.tolist()]
        return Split(
            name,
            questions.question_ids,
            questions.texts,
            self._picture_rows(questions.image_ids, path),
            self._regions[1],
            answers,
            types,
        )

    def _questions_path(self, split: str) -> Path:
        plain = self.root / f"{split}_questions.json"
        if plain.is_file() or split not in _OFFICIAL:
            return plain
        return self.root / f"v2_OpenEnded_mscoco_{_OFFICIAL[split]}_questions.json"

    def _annotations_path(self, split: str) -> Path:
        plain = self.root / f"{split}_annotations.json"
        if plain.is_file() or split not in _OFFICIAL:
            return plain
        return self.root / f"v2_mscoco_{_OFFICIAL[split]}_annotations.json"

    def _picture_rows(self, images: list[int | str], path: Path) -> npt.NDArray[np.int64]:
        rows = self._regions[0]
        missing = sorted({str(image) for image in images if str(image) not in rows})
        if missing:
            raise InputError(
                f"{len(missing)} pictures have no regions, the first is {missing[0]}",
                path=path,
                fix=f"Add them to {self.root / 'regions'}.",
            )
        return np.array([rows[str(image)] for image in images], np.int64)

    @cached_property
    def _regions(self) -> tuple[dict[str, int], Regions]:
        """Each image id's row, and the regions."""
        folder = self.root / "regions"
        if (folder / "features.npy").is_file():
            regions = ArrayRegions(folder, self._limit)
            return {str(image): row for row, image in enumerate(regions.image_ids)}, regions
        files = sorted(folder.glob("*.npz"))
        if not files:
            raise InputError("holds no features.npy and no <image_id>.npz", path=folder)
        return {file.stem: row for row, file in enumerate(files)}, NpzRegions(files, self._limit)


class ArrayRegions:
    """Regions in ``features.npy`` and its companions; the first ``limit`` of each (0: all).

    Raises
    ------
    InputError
        If a file is missing or the shapes do not fit together.
    """

    def __init__(self, folder: Path, limit: int = 0) -> None:
        self.image_ids = _load_array(folder / "image_ids.npy")
        self._features = _load_array(folder / "features.npy", mmap=True)
        self._boxes = _load_array(folder / "boxes.npy", mmap=True)
        count = len(self.image_ids)
        if self._features.ndim != 3 or self._features.shape[0] != count:
            raise InputError(
                f"has shape {self._features.shape}; expected ({count}, K, D)",
                path=folder / "features.npy",
            )
        most = self._features.shape[1]
        if self._boxes.shape != (count, most, 4):
            raise InputError(
                f"has shape {self._boxes.shape}; expected {(count, most, 4)}",
                path=folder / "boxes.npy",
            )
        counts = folder / "counts.npy"
        self._counts = _load_array(counts) if counts.is_file() else np.full(count, most)
        self._limit = min(limit or most, most)

    @property
    def width(self) -> int:
        """Numbers that describe a region."""
        return int(self._features.shape[2])

    def read(
        self, rows: npt.NDArray[np.int64]
    ) -> tuple[FloatArray, FloatArray, npt.NDArray[np.bool_]]:
        """Features (B, K, D), boxes (B, K, 4), and which regions there are (B, K)."""
        features = self._features[rows, : self._limit].astype(np.float32)
        boxes = self._boxes[rows, : self._limit].astype(np.float32)
        mask = np.arange(self._limit) < self._counts[rows][:, None]
        return features, boxes, mask


class NpzRegions:
    """Regions in one ``.npz`` a picture; the first ``limit`` of each (0: all)."""

    def __init__(self, files: list[Path], limit: int = 0) -> None:
        self._files = files
        self._limit = limit
        self._width = self._load(files[0])[0].shape[1]

    @property
    def width(self) -> int:
        """Numbers that describe a region."""
        return int(self._width)

    def read(
        self, rows: npt.NDArray[np.int64]
    ) -> tuple[FloatArray, FloatArray, npt.NDArray[np.bool_]]:
        """Features (B, K, D), boxes (B, K, 4), and which regions there are (B, K).

        Raises
        ------
        InputError
            Naming a file that is broken or whose features are not as wide as the first's.
        """
        distinct, inverse = np.unique(rows, return_inverse=True)
        loaded = [self._load(self._files[row]) for row in distinct]
        most = max(len(features) for features, _ in loaded)
        features = np.zeros((len(distinct), most, self._width), np.float32)
        boxes = np.zeros((len(distinct), most, 4), np.float32)
        mask = np.zeros((len(distinct), most), np.bool_)
        for i, (its_features, its_boxes) in enumerate(loaded):
            count = len(its_features)
            if its_features.shape[1] != self._width:
                raise InputError(
                    f"features are {its_features.shape[1]} wide, the first picture's {self._width}",
                    path=self._files[distinct[i]],
                )
            features[i, :count], boxes[i, :count], mask[i, :count] = its_features, its_boxes, True
        return features[inverse], boxes[inverse], mask[inverse]

    def _load(self, path: Path) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        try:
            with np.load(path, allow_pickle=False) as content:
                features, boxes = content["features"], content["boxes"]
        except KeyError as error:
            raise InputError(f"has no array {error.args[0]}", path=path) from error
        except (OSError, ValueError) as error:
            raise InputError(f"is not a readable .npz file: {error}", path=path) from error
        if features.ndim != 2 or len(features) == 0 or boxes.shape != (len(features), 4):
            raise InputError(
                f"features {features.shape} and boxes {boxes.shape} do not fit; "
                "expected (k, D) and (k, 4)",
                path=path,
            )
        limit = self._limit or len(features)
        return features[:limit], boxes[:limit]


def _load_array(path: Path, *, mmap: bool = False) -> npt.NDArray[Any]:
    if not path.is_file():
        raise InputError("no such file", path=path)
    try:
        array: npt.NDArray[Any] = np.load(path, mmap_mode="r" if mmap else None, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"is not a readable .npy file: {error}", path=path) from error
    return array


def _soft_answers(
    annotations: Annotations,
    question_ids: npt.NDArray[np.int64] | npt.NDArray[np.object_],
    path: Path,
) -> SoftAnswers:
    """Scores min(1, n/3) of the normalised answers, in the order of ``question_ids``."""
    position = {question: row for row, question in enumerate(annotations.question_ids.tolist())}
    missing = [question for question in question_ids.tolist() if question not in position]
    if missing:
        raise InputError(
            f"lacks {len(missing)} questions of its split, the first is {missing[0]}", path=path
        )
    normal = [normalize_answer(clean_answer(answer)) for answer in annotations.vocabulary]
    answers, code_of = np.unique(np.array(normal, dtype=object), return_inverse=True)
    order = np.array([position[question] for question in question_ids.tolist()], np.int64)
    counts = np.diff(annotations.starts)[order]
    total = np.concatenate([[0], np.cumsum(counts)])
    entries = np.arange(total[-1]) + np.repeat(annotations.starts[order] - total[:-1], counts)
    codes = code_of[annotations.answers[entries]]
    question = np.repeat(np.arange(len(order)), counts)
    pairs, votes = np.unique(question * len(answers) + codes, return_counts=True)
    answered, pair_codes = np.divmod(pairs, len(answers))
    # Each question's most given answer; pairs are sorted, so ties go to the alphabet.
    by_votes = np.lexsort((pairs, -votes, answered))
    first = by_votes[np.flatnonzero(np.diff(answered[by_votes], prepend=-1))]
    starts = np.searchsorted(answered, np.arange(len(order) + 1)).astype(np.int64)
    return SoftAnswers(
        starts=starts,
        codes=pair_codes.astype(np.int64),
        scores=np.minimum(1, votes / _ANNOTATORS_FOR_FULL_SCORE).astype(np.float32),
        answers=answers.tolist(),
        counts=np.bincount(pair_codes[first], minlength=len(answers)),
    )
