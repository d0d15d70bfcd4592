"""Region features in the files that others publish.

TSV
    One line a picture, without a header: ``image_id, image_w, image_h, num_boxes, boxes,
    features``, the last two base64 of float32 (Anderson et al. 2018), or ``img_id, img_h,
    img_w, objects_id, objects_conf, attrs_id, attrs_conf, num_boxes, boxes, features``
    (LXMERT, Tan and Bansal 2019). Boxes are in pixels.
HDF5
    ``image_features`` (I, K, D) with ``spatial_features`` (I, K, 6), whose first four numbers
    are the boxes as shares; or (R, D) and (R, 6) with ``pos_boxes`` (I, 2), the first and the
    last + 1 of each picture's regions. Without ``spatial_features``, ``image_bb`` in pixels with
    ``image_w`` and ``image_h`` (I,). Which picture is which says the data set ``image_ids``
    (I,), or a file beside it: ``NAME_imgid2idx.pkl`` or ``.json``, or ``NAME_image_ids.npy``.
npz
    One file a picture, named after it: ``features`` or ``x`` (k, D) or (D, k), ``boxes`` or
    ``bbox`` (k, 4) as shares, or in pixels with ``image_w`` and ``image_h`` (``image_width``,
    ``img_w``, …); ``scores`` (k,) if there are.
LMDB
    One entry a picture by its id: such an npz file, or a pickled dictionary of such arrays
    (or of base64 of float32, with ``num_boxes``). The entry ``keys`` is skipped.

Pickles may hold plain values and arrays only. Regions are sorted by their score where the
file has scores (``scores``, ``objects_conf``); else they keep the file's order.
"""

from __future__ import annotations

import base64
import io
import os
import re
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from vqa_ensemble.errors import ABSENT, DAMAGED, InputError, at, need, shown
from vqa_ensemble.files.json import read_json
from vqa_ensemble.formats.plain_pickle import read_plain_pickle
from vqa_ensemble.formats.region_store import (
    RegionStore,
    check_shapes,
    load_array,
    write_store,
)
from vqa_ensemble.formats.text import check_not_packed, check_regular_file

Array = npt.NDArray[Any]
_BUTD_FIELDS = ("image_id", "image_w", "image_h", "num_boxes", "boxes", "features")
_LXMERT_FIELDS = (
    "image_id",
    "image_h",
    "image_w",
    "objects_id",
    "objects_conf",
    "attrs_id",
    "attrs_conf",
    "num_boxes",
    "boxes",
    "features",
)
_NAMES = {"features": ("features", "x"), "boxes": ("boxes", "bbox")}
_WIDTHS = ("image_w", "image_width", "img_w")
_HEIGHTS = ("image_h", "image_height", "img_h")
_SCORES = ("scores", "objects_conf")
_COCO_NAME = re.compile(r"(?:.*/)?(?:COCO_\w+_)?(\d{12})(?:\.jpg)?")
_IMAGES_AT_ONCE = 64


@dataclass(frozen=True)
class PictureOfRegions:
    """The regions of one picture.

    Attributes
    ----------
    image : int or str
    features : ndarray, shape (k, D)
    boxes : ndarray, shape (k, 4)
        x1, y1, x2, y2 as shares of the picture's sides.
    path : Path
        The file it is from.
    """

    image: int | str
    features: Array
    boxes: Array
    path: Path


def convert_regions(
    files: Iterable[str | os.PathLike[str]], folder: str | os.PathLike[str], *, limit: int = 0
) -> RegionStore:
    """Write the pictures of some files into one store; the first ``limit`` regions (0: all).

    Raises
    ------
    InputError
        If a file is missing, broken or of an unknown kind, or its regions are not right; see
        :meth:`.region_store.RegionWriter.add`.
    """
    with write_store(folder) as store:
        for file in files:
            before = len(store.counts)
            for picture in read_regions(file):
                last = limit or len(picture.features)
                store.add(
                    picture.image, picture.features[:last], picture.boxes[:last], path=picture.path
                )
            if len(store.counts) == before:
                raise InputError("holds no pictures", path=file, fix=DAMAGED)
    return RegionStore(folder)


def read_regions(path: str | os.PathLike[str]) -> Iterator[PictureOfRegions]:
    """The pictures of a file or folder, whose kind is told by its name.

    Raises
    ------
    InputError
        If it is missing, broken or of an unknown kind.
    """
    path = Path(path)
    if not path.exists():
        raise InputError("no such file or folder", path=path, fix=ABSENT)
    if not path.is_dir():
        check_regular_file(path)
    kind = path.suffix.lower()
    if kind in (".lmdb", ".mdb") or (path / "data.mdb").is_file():
        return _read_lmdb(path)
    if (path / "features.npy").is_file():
        return _read_store(path)
    if path.is_dir():
        files = sorted(path.glob("*.npz"))
        if not files:
            raise InputError(
                "holds no .npz files, no features.npy and no data.mdb",
                path=path,
                fix="Give a folder that does, or a file of features.",
            )
        return (read_npz(file) for file in files)
    if kind == ".npz":
        return iter([read_npz(path)])
    if kind in (".h5", ".hdf5"):
        return _read_hdf5(path)
    if ".tsv" in path.name.lower():
        return _read_tsv(path)
    raise InputError(
        "is of an unknown kind",
        path=path,
        fix="Known are .tsv, .hdf5, .h5, .npz, .lmdb, and folders of .npz files.",
    )


def image_id(text: str) -> int | str:
    """An image's id from its name: numbers as such, and those in COCO's file names.

    Examples
    --------
    >>> image_id("42"), image_id("COCO_val2014_000000000042.jpg"), image_id("n42"), image_id("007")
    (42, 42, 'n42', '007')
    """
    coco = _COCO_NAME.fullmatch(text)
    if coco:
        return int(coco[1])
    return int(text) if text.isascii() and text.isdigit() and str(int(text)) == text else text


def read_npz(path: Path) -> PictureOfRegions:
    """The regions of one picture, named after it.

    Raises
    ------
    InputError
        If it is broken, or lacks an array.
    """
    with path.open("rb") as file:
        entry = _load_npz(file, path=path, where="")
    return _picture(image_id(path.stem), entry, path=path, where="")


def _read_store(path: Path) -> Iterator[PictureOfRegions]:
    store = RegionStore(path)
    for row, image in enumerate(store.image_ids.tolist()):
        features, boxes = store.picture(row)
        yield PictureOfRegions(image, features, boxes, path)


def _read_tsv(path: Path) -> Iterator[PictureOfRegions]:
    with path.open("rb") as file:
        check_not_packed(file.read(4), path)
        file.seek(0)
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            where = f"line {number}"
            if number == 1:
                line = line.removeprefix(b"\xef\xbb\xbf")  # a byte-order mark
            cells = line.rstrip(b"\r\n").split(b"\t")
            fields = _LXMERT_FIELDS if len(cells) == len(_LXMERT_FIELDS) else _BUTD_FIELDS
            if len(cells) != len(fields):
                raise InputError(
                    f"has {len(cells)} columns",
                    path=path,
                    where=where,
                    fix=f"It must have {len(_BUTD_FIELDS)} ({', '.join(_BUTD_FIELDS)}), "
                    f"or LXMERT's {len(_LXMERT_FIELDS)}.",
                )
            entry: dict[str, Any] = dict(zip(fields, cells, strict=True))
            name = entry["image_id"].decode("utf-8", "replace")
            yield _picture(image_id(name), entry, path=path, where=where)


def _read_hdf5(path: Path) -> Iterator[PictureOfRegions]:
    with at(path), need("HDF5 needs the package h5py", extra="features"):
        import h5py
    try:
        with h5py.File(path, "r") as file:
            yield from _hdf5_pictures(file, path)
    except InputError:
        raise
    except Exception as error:
        # What h5py raises depends on where a file is broken.
        raise InputError(
            f"is not a readable HDF5 file: {error}",
            path=path,
            fix=DAMAGED,
        ) from error


def _hdf5_pictures(file: Any, path: Path) -> Iterator[PictureOfRegions]:
    features = _dataset(file, "image_features", path)
    spatial = "spatial_features" in file
    boxes = _dataset(file, "spatial_features" if spatial else "image_bb", path)
    if boxes.shape[:-1] != features.shape[:-1]:
        raise InputError(
            f"features {features.shape} and boxes {boxes.shape} do not fit",
            path=path,
            fix="Each region needs its box; extract them again.",
        )
    adaptive = features.ndim == 2
    if adaptive:
        ranges = np.asarray(_dataset(file, "pos_boxes", path), np.int64)
        if ranges.shape[1:] != (2,):
            raise InputError(
                f"pos_boxes has shape {ranges.shape}",
                path=path,
                fix="It must be (I, 2): the first of each picture's regions and the last + 1.",
            )
    else:
        first = np.arange(len(features))
        ranges = np.stack([first, first + 1], 1)
    images = _hdf5_image_ids(file, path, len(ranges))
    rows = sorted(images)
    low, high = ranges[rows].T
    if not ((low >= 0) & (low <= high) & (high <= len(features))).all():
        raise InputError(
            "pos_boxes names regions that are not there",
            path=path,
            fix=DAMAGED,
        )
    sides = None if spatial else _hdf5_sides(file, path, len(ranges))
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
                its_boxes = _shares(its_boxes, *sides[row], path=path, where=f"image {images[row]}")
            yield PictureOfRegions(images[row], some_features[place], its_boxes, path)


def _hdf5_sides(file: Any, path: Path, count: int) -> Array:
    """Width and height of each row's picture, shape (I, 2)."""
    sides = [np.asarray(_dataset(file, name, path), float) for name in ("image_w", "image_h")]
    for name, side in zip(("image_w", "image_h"), sides, strict=True):
        if side.shape != (count,):
            raise InputError(
                f"{name} has shape {side.shape}; expected ({count},)",
                path=path,
                fix="Each picture needs its width and height.",
            )
    return np.stack(sides, 1)


def _dataset(file: Any, name: str, path: Path) -> Any:
    if not hasattr(file.get(name), "shape"):  # absent, or a group
        raise InputError(
            f"has no data set '{name}'",
            path=path,
            fix=f"Rename the one that holds it; there are: {', '.join(file) or 'none'}.",
        )
    return file[name]


def _hdf5_image_ids(file: Any, path: Path, count: int) -> dict[int, int | str]:
    """The image of each row that has one, from the file itself or from one beside it."""
    ids = path.with_name(f"{path.stem}_image_ids.npy")
    if "image_ids" in file:
        source, images = path, file["image_ids"][:].tolist()
    elif ids.is_file():
        source, images = ids, load_array(ids).tolist()
    else:
        return _read_index(path, count)
    if len(images) != count:
        raise InputError(
            f"names {len(images)} images; there are {count}",
            path=source,
            fix="Take the list that was written with these features.",
        )
    return {row: _checked_id(image, source) for row, image in enumerate(images)}


def _read_index(path: Path, count: int) -> dict[int, int | str]:
    """Each row's image from the map of images to rows beside an HDF5 file."""
    pickled, text = (path.with_name(f"{path.stem}_imgid2idx.{kind}") for kind in ("pkl", "json"))
    if not pickled.is_file() and not text.is_file():
        raise InputError(
            "does not say which picture is which",
            path=path,
            fix=f"It needs a data set 'image_ids', or beside it {pickled.name}, {text.name} or "
            f"{path.stem}_image_ids.npy.",
        )
    source = pickled if pickled.is_file() else text
    if source is pickled:
        rows = read_plain_pickle(source.read_bytes(), path=source)
    else:
        rows = read_json(source)
    if (
        not isinstance(rows, dict)
        or not all(isinstance(row, (int, np.integer)) and 0 <= row < count for row in rows.values())
        or len(set(rows.values())) < len(rows)
    ):
        raise InputError(
            f"is not a map of image ids to different rows below {count}",
            path=source,
            fix="Take the map that was written with these features.",
        )
    return {int(row): _checked_id(image, source) for image, row in rows.items()}


def _checked_id(value: object, path: Path) -> int | str:
    if isinstance(value, (bytes, str)):
        return image_id(value.decode("utf-8", "replace") if isinstance(value, bytes) else value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    raise InputError(
        f"an image id is {value!r}", path=path, fix="It must be an integer or a string."
    )


def _read_lmdb(path: Path) -> Iterator[PictureOfRegions]:
    with at(path), need("LMDB needs the package lmdb", extra="features"):
        import lmdb
    try:
        with (
            lmdb.open(str(path), readonly=True, lock=False, subdir=path.is_dir()) as database,
            database.begin() as view,
        ):
            # A page that is not there, or has a wrong number, would end the process.
            needed = (database.info()["last_pgno"] + 1) * database.stat()["psize"]
            file = path / "data.mdb" if path.is_dir() else path
            if file.stat().st_size < needed:
                raise InputError(f"is shorter than its {needed:,} bytes", path=file, fix=DAMAGED)
            _survive(path)
            for key, value in view.cursor():
                name = key.decode("utf-8", "replace")
                if name == "keys":
                    continue
                where = f"image {name}"
                if zipfile.is_zipfile(io.BytesIO(value)):
                    entry = _load_npz(io.BytesIO(value), path=path, where=where)
                else:
                    entry = read_plain_pickle(value, path=path, where=where)
                    if not isinstance(entry, dict):
                        raise InputError(
                            f"is a {type(entry).__name__}",
                            path=path,
                            where=where,
                            fix="It must be a dictionary of arrays: features and boxes.",
                        )
                yield _picture(image_id(name), entry, path=path, where=where)
    except lmdb.Error as error:
        raise InputError(
            f"is not a readable LMDB database: {error}", path=path, fix=DAMAGED
        ) from error


def _survive(path: Path) -> None:
    """Raise InputError if reading the database ends a process, as a damaged page may (SIGBUS)."""
    script = Path(__file__).with_name("walk_lmdb.py")
    command = [sys.executable, "-P", str(script), str(path)]
    status = subprocess.run(command, check=False).returncode  # noqa: S603  our own script
    if status < 0:
        raise InputError(
            "is a damaged LMDB database: reading it ends the process "
            f"({signal.Signals(-status).name})",
            path=path,
            fix=DAMAGED,
        )


def _load_npz(source: BinaryIO, *, path: Path, where: str) -> dict[str, Any]:
    try:
        with np.load(source, allow_pickle=False) as content:
            # Arrays of objects, as some extractors add, are not asked for.
            wanted = {*_WIDTHS, *_HEIGHTS, *_SCORES, *sum(_NAMES.values(), ())}
            return {name: content[name] for name in content.files if name in wanted}
    except Exception as error:
        # A broken archive raises nearly anything.
        raise InputError(
            f"is not a readable .npz file: {error}",
            path=path,
            where=where,
            fix=DAMAGED,
        ) from error


def _picture(
    image: int | str, entry: Mapping[str, Any], *, path: Path, where: str
) -> PictureOfRegions:
    """From named cells: arrays, or base64 of float32; sorted by score if there is one."""

    def wrong(problem: str, fix: str = DAMAGED) -> InputError:
        return InputError(problem, path=path, where=where, fix=fix)

    def array(kind: str) -> Array:
        name = next((name for name in _NAMES[kind] if name in entry), None)
        if name is None:
            either = " or ".join(f"'{name}'" for name in _NAMES[kind])
            raise wrong(f"has no array {kind}", f"Save its {kind} as {either}.")
        return np.atleast_1d(numbers(name))

    def numbers(name: str) -> Array:
        value = entry[name]
        if not isinstance(value, (bytes, str)):
            return np.asarray(value)
        try:
            return np.frombuffer(base64.b64decode(value, validate=True), np.float32)
        except ValueError as error:
            raise wrong(f"its {name} are not base64 of float32: {error}") from error

    def number(names: Sequence[str]) -> float | None:
        for name in names:
            if name in entry:
                try:
                    return float(entry[name])
                except (ValueError, TypeError) as error:
                    problem = f"its {name} is {shown(entry[name])}"
                    raise wrong(problem, "It must be a number.") from error
        return None

    boxes, features = array("boxes"), array("features")
    if boxes.ndim == 1 and boxes.size % 4 == 0:
        boxes = boxes.reshape(-1, 4)
    count = len(boxes)
    told = number(("num_boxes",))
    if told is not None and told != count:
        raise wrong(f"its num_boxes is {told:g}, but there are {count} boxes")
    if features.ndim == 1 and count and features.size % count == 0:
        features = features.reshape(count, -1)
    elif features.ndim == 2 and len(features) != count == features.shape[1]:
        features = features.T
    check_shapes(features, boxes, path=path, where=where)
    width, height = number(_WIDTHS), number(_HEIGHTS)
    if width is not None and height is not None:
        boxes = _shares(boxes, width, height, path=path, where=where)
    scores = next((name for name in _SCORES if name in entry), None)
    if scores is not None:
        confidence = numbers(scores)
        fits = confidence.shape == (count,) and confidence.dtype.kind in "fiu"
        if not fits or not np.isfinite(confidence).all():
            raise wrong(f"its {scores} are not {count} finite numbers, one a region")
        order = np.argsort(-confidence, kind="stable")
        features, boxes = features[order], boxes[order]
    return PictureOfRegions(image, features, boxes, path)


def _shares(boxes: Array, width: float, height: float, *, path: Path, where: str) -> Array:
    """Boxes in pixels, shape (k, 4), as shares of the picture's sides."""
    if not (width > 0 and height > 0):
        raise InputError(
            f"the picture's width and height are {width:g} and {height:g}",
            path=path,
            where=where,
            fix="They must be in pixels, above 0.",
        )
    if boxes.size and width > 1 and height > 1 and boxes.max() <= 1:
        raise InputError(
            f"all boxes lie within one pixel of {width:g} x {height:g}: they look like shares",
            path=path,
            where=where,
            fix="Where a file has the picture's width and height, boxes must be in pixels.",
        )
    return boxes / np.array([width, height, width, height], np.float32)
