"""Regions as npz: one file a picture, named after it, alone or in a folder.

``features`` or ``x`` (k, D) or (D, k), ``boxes`` or ``bbox`` (k, 4) as shares, or in pixels with
``image_w`` and ``image_h`` (``image_width``, ``img_w``, …); ``scores`` (k,) if there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from vqa_ensemble.errors import DAMAGED, InputError, as_input_error, at
from vqa_ensemble.regions.picture import NAMES, PictureOfRegions, image_id, picture_of


def recognizes(path: Path) -> bool:
    """Whether it is such a file, or a folder of other kinds than the rest."""
    return path.is_dir() or path.suffix.lower() == ".npz"


def read(path: Path) -> Iterator[PictureOfRegions]:
    """The pictures of a file or of the files of a folder; InputError names the file."""
    files = sorted(path.glob("*.npz")) if path.is_dir() else [path]
    if not files:
        raise InputError(
            "holds no .npz files, no features.npy and no data.mdb",
            path=path,
            fix="Give a folder that does, or a file of features.",
        )
    return map(read_npz, files)


def read_npz(path: Path) -> PictureOfRegions:
    """The regions of one picture, named after it.

    Raises
    ------
    InputError
        If it is broken, or lacks an array.
    """
    with at(path), path.open("rb") as file:
        return picture_of(image_id(path.stem), load_npz(file), path)


def load_npz(source: BinaryIO) -> dict[str, Any]:
    """The arrays of a picture's file; InputError if it is broken."""
    # A broken archive raises nearly anything.
    with (
        as_input_error("is not a readable .npz file", Exception, fix=DAMAGED),
        np.load(source, allow_pickle=False) as content,
    ):
        # Arrays of objects, as some extractors add, are not asked for.
        return {name: content[name] for name in content.files if name in NAMES}
