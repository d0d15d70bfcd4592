"""Regions as HDF5.

``image_features`` (I, K, D) with ``spatial_features`` (I, K, 6), whose first four numbers are the
boxes as shares; or (R, D) and (R, 6) with ``pos_boxes`` (I, 2), the first and the last + 1 of each
picture's regions. Without ``spatial_features``, ``image_bb`` in pixels with ``image_w`` and
``image_h`` (I,). Which picture is which says the data set ``image_ids`` (I,), or a file beside it:
``NAME_imgid2idx.pkl`` or ``.json``, or ``NAME_image_ids.npy``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from vqa_ensemble.errors import DAMAGED, InputError, as_input_error, at, need
from vqa_ensemble.files.json import read_json
from vqa_ensemble.files.plain_pickle import read_plain_pickle
from vqa_ensemble.regions.picture import Array, PictureOfRegions, image_id, shares
from vqa_ensemble.regions.store import load_array

_IMAGES_AT_ONCE = 64
HARD_LINK = 0  # h5py.h5l.TYPE_HARD


def recognizes(path: Path) -> bool:
    """Whether it is such a file by its name."""
    return path.suffix.lower() in (".h5", ".hdf5")


def read(path: Path) -> Iterator[PictureOfRegions]:
    """The pictures of a file; InputError names it, or the one beside it."""
    with at(path):
        with need("HDF5 needs the package h5py", extra="features"):
            import h5py
        # What h5py raises depends on where a file is broken.
        with (
            as_input_error("is not a readable HDF5 file", Exception, fix=DAMAGED),
            h5py.File(path, "r") as file,
        ):
            yield from _pictures(file, path)


def _pictures(file: Any, path: Path) -> Iterator[PictureOfRegions]:
    features = _dataset(file, "image_features")
    spatial = _has(file, "spatial_features")
    boxes = _dataset(file, "spatial_features" if spatial else "image_bb")
    if boxes.shape[:-1] != features.shape[:-1]:
        raise InputError(
            f"features {features.shape} and boxes {boxes.shape} do not fit",
            fix="Each region needs its box; extract them again.",
        )
    adaptive = features.ndim == 2
    if adaptive:
        ranges = np.asarray(_dataset(file, "pos_boxes"), np.int64)
        if ranges.shape[1:] != (2,):
            raise InputError(
                f"pos_boxes has shape {ranges.shape}",
                fix="It must be (I, 2): the first of each picture's regions and the last + 1.",
            )
    else:
        first = np.arange(len(features))
        ranges = np.stack([first, first + 1], 1)
    images = _image_ids(file, path, len(ranges))
    rows = sorted(images)
    low, high = ranges[rows].T
    if not ((low >= 0) & (low <= high) & (high <= len(features))).all():
        raise InputError("pos_boxes names regions that are not there", fix=DAMAGED)
    sides = None if spatial else _sides(file, len(ranges))
    # Reading some pictures at once costs a fraction of reading each by itself.
    for start in range(0, len(rows), _IMAGES_AT_ONCE):
        some = rows[start : start + _IMAGES_AT_ONCE]
        begin, end = int(ranges[some].min()), int(ranges[some].max())
        some_features, some_boxes = features[begin:end], boxes[begin:end, ..., :4]
        for row in some:
            first, last = (ranges[row] - begin).tolist()
            place = slice(first, last) if adaptive else first
            its_boxes = some_boxes[place]
            if sides is not None:
                with at(None, f"image {images[row]}"):
                    its_boxes = shares(its_boxes, *sides[row])
            yield PictureOfRegions(images[row], some_features[place], its_boxes, path)


def _sides(file: Any, count: int) -> Array:
    """Width and height of each row's picture, shape (I, 2)."""
    sides = [np.asarray(_dataset(file, name), float) for name in ("image_w", "image_h")]
    for name, side in zip(("image_w", "image_h"), sides, strict=True):
        if side.shape != (count,):
            raise InputError(
                f"{name} has shape {side.shape}; expected ({count},)",
                fix="Each picture needs its width and height.",
            )
    return np.stack(sides, 1)


def _dataset(file: Any, name: str) -> Any:
    # Links, virtual data sets and external storage may lead to any file of this machine.
    inside = not _has(file, name) or file.id.links.get_info(name.encode()).type == HARD_LINK
    found = file.get(name) if inside else None
    if inside and not hasattr(found, "shape"):  # absent, or a group
        raise InputError(
            f"has no data set '{name}'",
            fix=f"Rename the one that holds it; there are: {', '.join(file) or 'none'}.",
        )
    if found is None or found.is_virtual or found.external:
        raise InputError(
            f"its data set '{name}' is a link, virtual, or stored outside the file",
            fix="Copy the data themselves into the file.",
        )
    return found


def _has(file: Any, name: str) -> bool:
    """Whether something has this name, without following where it leads."""
    return bool(file.id.links.exists(name.encode()))


def _image_ids(file: Any, path: Path, count: int) -> dict[int, int | str]:
    """The image of each row that has one, from the file itself or from one beside it."""
    ids = path.with_name(f"{path.stem}_image_ids.npy")
    if _has(file, "image_ids"):
        source, images = path, _dataset(file, "image_ids")[:].tolist()
    elif ids.is_file():
        source, images = ids, load_array(ids).tolist()
    else:
        return _read_index(path, count)
    with at(source):
        if len(images) != count:
            raise InputError(
                f"names {len(images)} images; there are {count}",
                fix="Take the list that was written with these features.",
            )
        return {row: _checked_id(image) for row, image in enumerate(images)}


def _read_index(path: Path, count: int) -> dict[int, int | str]:
    """Each row's image from the map of images to rows beside an HDF5 file."""
    pickled, text = (path.with_name(f"{path.stem}_imgid2idx.{kind}") for kind in ("pkl", "json"))
    if not pickled.is_file() and not text.is_file():
        raise InputError(
            "does not say which picture is which",
            fix=f"It needs a data set 'image_ids', or beside it {pickled.name}, {text.name} or "
            f"{path.stem}_image_ids.npy.",
        )
    source = pickled if pickled.is_file() else text
    with at(source):
        rows = read_plain_pickle(source.read_bytes()) if source is pickled else read_json(source)
        if (
            not isinstance(rows, dict)
            or not all(
                isinstance(row, (int, np.integer)) and 0 <= row < count for row in rows.values()
            )
            or len(set(rows.values())) < len(rows)
        ):
            raise InputError(
                f"is not a map of image ids to different rows below {count}",
                fix="Take the map that was written with these features.",
            )
        return {int(row): _checked_id(image) for image, row in rows.items()}


def _checked_id(value: object) -> int | str:
    if isinstance(value, (bytes, str)):
        return image_id(value.decode("utf-8", "replace") if isinstance(value, bytes) else value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    raise InputError(f"an image id is {value!r}", fix="It must be an integer or a string.")
