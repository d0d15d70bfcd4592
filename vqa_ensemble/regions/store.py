"""The store of region features: memory-mapped arrays in a folder.

==================  ==================  =============================================
file                shape               holds
==================  ==================  =============================================
``image_ids.npy``   (I,)                the pictures, integers or strings
``counts.npy``      (I,)                regions of each picture
``features.npy``    (R, D) of float16   all regions, one picture after the other
``boxes.npy``       (R, 4) of float32   x1, y1, x2, y2 as shares of the picture's sides
==================  ==================  =============================================

A picture's regions come the most confident first. ``image_ids.npy`` is written last and taken
away first, so a folder that has it is whole. Arrays that other programs made may also be
(I, K, D) and (I, K, 4); without ``counts.npy`` all K regions count.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from vqa_ensemble.arrays import Bools, Floats32, Ints
from vqa_ensemble.errors import DAMAGED, InputError, as_input_error, at
from vqa_ensemble.files.atomic import atomic_path
from vqa_ensemble.files.locations import file_stamp
from vqa_ensemble.ragged import from_sizes
from vqa_ensemble.regions.picture import (
    PictureOfRegions,
    check_regions,
    check_shapes,
    within_picture,
)


class RegionStore:
    """A store, opened for reading; the first ``limit`` regions of each picture (0: all).

    Raises
    ------
    InputError
        If a file is missing or broken, the shapes do not fit together, an image stands twice,
        a number is NaN or infinite, or a box is not within its picture. The features (R, D) that
        :func:`write_store` wrote were checked then, and are not read again.
    """

    def __init__(self, folder: str | os.PathLike[str], limit: int = 0) -> None:
        self.folder = Path(folder)
        self.limit = limit
        self._stamps = self._stamp()
        self.image_ids = self._load("image_ids", "iuU", "integers or text")
        if self.image_ids.ndim != 1:
            raise self._wrong("image_ids", f"has shape {self.image_ids.shape}; expected (I,)")
        images = len(self.image_ids)
        if len(np.unique(self.image_ids)) < images:
            values, times = np.unique(self.image_ids, return_counts=True)
            raise self._wrong("image_ids", f"image {values[times.argmax()]} stands there twice")
        # A memory map's own class costs more than the copy at every slice of a few rows.
        features = np.asarray(self._load("features", "f", "fractions", mmap=True))
        boxes = np.asarray(self._load("boxes", "f", "fractions", mmap=True))
        padded = features.ndim == 3
        if padded and not (self.folder / "counts.npy").is_file():
            self.counts = np.full(images, features.shape[1])
        else:
            self.counts = self._load("counts", "iu", "integers")
        if self.counts.shape != (images,):
            raise self._wrong("counts", f"has shape {self.counts.shape}; expected ({images},)")
        if padded:
            expected: tuple[int | str, ...] = (images, features.shape[1], "D")
            starts = np.arange(images) * features.shape[1]
            fitting = len(features) == images
        else:
            total = int(self.counts.sum())
            expected = (total, "D")
            starts = from_sizes(self.counts)[:-1]
            fitting = features.ndim == 2 and len(features) == total
        if not fitting or not features.shape[-1]:
            shape = ", ".join(map(str, expected))
            raise self._wrong("features", f"has shape {features.shape}; expected ({shape})")
        if boxes.shape != (*features.shape[:-1], 4):
            raise self._wrong(
                "boxes", f"has shape {boxes.shape}; expected {(*features.shape[:-1], 4)}"
            )
        most = features.shape[1] if padded else int(self.counts.max(initial=0))
        if images and not (self.counts.min() >= 1 and self.counts.max() <= most):
            raise self._wrong("counts", f"must lie between 1 and {most}")
        self._most = min(limit or most, most)
        self._starts = starts
        # Numbers that describe a region (D).
        self.width = features.shape[-1]
        self._features = features.reshape(-1, self.width)
        self._boxes = boxes.reshape(-1, 4)
        if padded:
            self._check_all()
        else:
            self._check_boxes()

    def __reduce__(self) -> tuple[type[RegionStore], tuple[Path, int]]:
        """Another process opens the files itself."""
        return RegionStore, (self.folder, self.limit)

    def read(self, rows: Ints) -> tuple[npt.NDArray[np.floating], Floats32, Bools]:
        """Features (B, K, D) as stored, boxes (B, K, 4), which regions there are (B, K).

        K is the limit, or the most regions that a picture has where these are fewer; features
        and boxes that are not there are zero.

        Raises
        ------
        InputError
            If the store has changed since it was opened.
        """
        # Of a file that became shorter, reading the map's end would end the process (SIGBUS).
        if self._stamp() != self._stamps:
            raise InputError(
                "changed while it was being read", path=self.folder, fix="Give the command again."
            )
        counts = np.minimum(self.counts[rows], self._most)
        features = np.zeros((len(rows), self._most, self.width), self._features.dtype)
        boxes = np.zeros((len(rows), self._most, 4), np.float32)
        for i, (start, count) in enumerate(
            zip(self._starts[rows].tolist(), counts.tolist(), strict=True)
        ):
            features[i, :count] = self._features[start : start + count]
            boxes[i, :count] = self._boxes[start : start + count]
        return features, boxes, np.arange(self._most) < counts[:, None]

    def picture(self, row: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """All regions of one picture as they are stored: (k, D) and (k, 4)."""
        part = slice(self._starts[row], self._starts[row] + self.counts[row])
        return self._features[part], self._boxes[part]

    def _stamp(self) -> list[tuple[int, int]]:
        """Of the mapped files."""
        return [file_stamp(self.folder / f"{name}.npy") for name in ("features", "boxes")]

    def _check_all(self) -> None:
        for row, image in enumerate(self.image_ids):
            with at(self.folder, f"image {image}"):
                check_regions(*self.picture(row))

    def _check_boxes(self) -> None:
        good = within_picture(self._boxes)
        if not good.all():
            row = int(np.searchsorted(self._starts, good.argmin(), side="right")) - 1
            with at(self.folder, f"image {self.image_ids[row]}"):
                check_regions(*self.picture(row))

    def _load(self, name: str, kinds: str, meaning: str, *, mmap: bool = False) -> Any:
        """An array whose type is of one of numpy's ``kinds``."""
        path = self.folder / f"{name}.npy"
        array = load_array(path, mmap=mmap)
        if array.dtype.kind not in kinds:
            raise self._wrong(name, f"holds {array.dtype}; expected {meaning}")
        return array

    def _wrong(self, name: str, problem: str) -> InputError:
        return InputError(
            problem,
            path=self.folder / f"{name}.npy",
            fix="Make the store again with vqa-ensemble convert-features or grid-features.",
        )


def load_array(path: Path, *, mmap: bool = False) -> npt.NDArray[Any]:
    """Read an ``.npy`` file, or map it into memory.

    Raises
    ------
    InputError
        If it is missing or broken.
    """
    if not path.is_file():
        raise InputError("no such file", path=path, fix="Make it again or copy it here.")
    # Its header is a Python expression: a broken one raises nearly anything.
    with at(path), as_input_error("is not a readable .npy file", Exception, fix=DAMAGED):
        array: npt.NDArray[Any] = np.load(path, mmap_mode="r" if mmap else None, allow_pickle=False)
    return array


def recognizes(path: Path) -> bool:
    """Whether it is the folder of a store."""
    return (path / "features.npy").is_file()


def read(path: Path) -> Iterator[PictureOfRegions]:
    """The pictures of a store; InputError as :class:`RegionStore`."""
    store = RegionStore(path)
    for row, image in enumerate(store.image_ids.tolist()):
        features, boxes = store.picture(row)
        yield PictureOfRegions(image, features, boxes, path)


class RegionWriter:
    """Takes pictures one by one; see :func:`write_store`."""

    def __init__(self, features: BinaryIO, boxes: BinaryIO) -> None:
        self._files = features, boxes
        self.image_ids: dict[int | str, None] = {}
        self.counts: list[int] = []
        self.width = 0

    def add(
        self,
        image: int | str,
        features: npt.NDArray[Any],
        boxes: npt.NDArray[Any],
        *,
        path: str | os.PathLike[str],
    ) -> None:
        """Append the regions of a picture, the most confident first.

        Parameters
        ----------
        image : int or str
        features : ndarray, shape (k, D)
        boxes : ndarray, shape (k, 4)
            x1, y1, x2, y2 as shares of the picture's sides.
        path : path-like
            Where they come from, for errors.

        Raises
        ------
        InputError
            If the image was there before, the width is another than the first's, a number does
            not fit into float16, or as :func:`~vqa_ensemble.regions.picture.check_shapes` and
            :func:`~vqa_ensemble.regions.picture.check_regions`.
        """
        with at(path, f"image {image}"):
            half = self._checked(image, features, boxes)
        self._files[0].write(half.data)
        self._files[1].write(np.clip(boxes, 0, 1).astype(np.float32).data)
        self.image_ids[image] = None
        self.counts.append(len(features))

    def _checked(
        self, image: int | str, features: npt.NDArray[Any], boxes: npt.NDArray[Any]
    ) -> npt.NDArray[np.float16]:
        """The features as float16."""
        if image in self.image_ids:
            raise InputError("stands there twice", fix="Give each picture once.")
        check_shapes(features, boxes)
        self.width = self.width or features.shape[1]
        if features.shape[1] != self.width:
            raise InputError(
                f"features are {features.shape[1]} wide, those before {self.width}",
                fix="All features of a store must be of one detector.",
            )
        with np.errstate(over="ignore"):  # what float16 cannot hold becomes infinite
            half = np.ascontiguousarray(features, np.float16)
        if np.isinf(half).any() and np.isfinite(features).all():
            region = int(np.isinf(half).any(1).argmax())
            raise InputError(
                f"region {region} has a feature of {np.abs(features[region]).max():g}, more than "
                "float16 can hold",
                fix="Scale all features to below 65,504.",
            )
        check_regions(half, boxes)
        return half


@contextmanager
def write_store(folder: str | os.PathLike[str]) -> Iterator[RegionWriter]:
    """Write a store, whole or not at all: yields what takes the pictures.

    Raises
    ------
    InputError
        If the folder cannot be written to, or no picture was given.
    """
    folder = Path(folder)
    with (
        atomic_path(folder / "features.npy") as features_path,
        atomic_path(folder / "boxes.npy") as boxes_path,
    ):
        with features_path.open("wb") as features, boxes_path.open("wb") as boxes:
            writer = RegionWriter(features, boxes)
            _write_header(features, np.float16, 0, 1)
            _write_header(boxes, np.float32, 0, 4)
            yield writer
            total = sum(writer.counts)
            _write_header(features, np.float16, total, writer.width)
            _write_header(boxes, np.float32, total, 4)
        if not writer.counts:
            raise InputError(
                "there are no pictures to write", path=folder, fix="Check that the files hold any."
            )
        (folder / "image_ids.npy").unlink(missing_ok=True)
    # Of ids of both kinds numpy makes text.
    for name, values in (("counts", writer.counts), ("image_ids", list(writer.image_ids))):
        with atomic_path(folder / f"{name}.npy") as path, path.open("wb") as file:
            np.save(file, np.array(values))


def _write_header(file: BinaryIO, kind: type[np.generic], rows: int, width: int) -> None:
    """The header of an .npy file, at its begin; numpy leaves room in it for more rows."""
    file.seek(0)
    description = np.lib.format.dtype_to_descr(np.dtype(kind))
    header = {"descr": description, "fortran_order": False, "shape": (rows, width)}
    np.lib.format.write_array_header_1_0(file, header)
