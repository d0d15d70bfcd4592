"""The regions of one picture: as arrays, and from the named arrays of a file."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vqa_ensemble.arrays import Bools
from vqa_ensemble.errors import DAMAGED, InputError, as_input_error, shown

Array = npt.NDArray[Any]
# Detectors round: up to this share of the picture a box may reach beyond it.
_BOX_TOLERANCE = 0.01
_NAMES = {"features": ("features", "x"), "boxes": ("boxes", "bbox")}
_WIDTHS = ("image_w", "image_width", "img_w")
_HEIGHTS = ("image_h", "image_height", "img_h")
_SCORES = ("scores", "objects_conf")
# What files may call a picture's arrays and numbers.
NAMES = frozenset((*_NAMES["features"], *_NAMES["boxes"], *_WIDTHS, *_HEIGHTS, *_SCORES))
_COCO_NAME = re.compile(r"(?:.*/)?(?:COCO_\w+_)?(\d{12})(?:\.jpg)?")


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


def picture_of(image: int | str, entry: Mapping[str, Any], path: Path) -> PictureOfRegions:
    """From named cells: arrays, or base64 of float32; sorted by score if there is one.

    Raises
    ------
    InputError
        If an array is missing, or the arrays do not fit together.
    """
    boxes, features = _array(entry, "boxes"), _array(entry, "features")
    if boxes.ndim == 1 and boxes.size % 4 == 0:
        boxes = boxes.reshape(-1, 4)
    count = len(boxes)
    told = _number(entry, ("num_boxes",))
    if told is not None and told != count:
        raise InputError(f"its num_boxes is {told:g}, but there are {count} boxes", fix=DAMAGED)
    if features.ndim == 1 and count and features.size % count == 0:
        features = features.reshape(count, -1)
    elif features.ndim == 2 and len(features) != count == features.shape[1]:
        features = features.T
    check_shapes(features, boxes)
    width, height = _number(entry, _WIDTHS), _number(entry, _HEIGHTS)
    if width is not None and height is not None:
        boxes = shares(boxes, width, height)
    scores = next((name for name in _SCORES if name in entry), None)
    if scores is not None:
        confidence = _numbers(entry, scores)
        fits = confidence.shape == (count,) and confidence.dtype.kind in "fiu"
        if not fits or not np.isfinite(confidence).all():
            problem = f"its {scores} are not {count} finite numbers, one a region"
            raise InputError(problem, fix=DAMAGED)
        order = np.argsort(-confidence, kind="stable")
        features, boxes = features[order], boxes[order]
    return PictureOfRegions(image, features, boxes, path)


def _array(entry: Mapping[str, Any], kind: str) -> Array:
    name = next((name for name in _NAMES[kind] if name in entry), None)
    if name is None:
        either = " or ".join(f"'{name}'" for name in _NAMES[kind])
        raise InputError(f"has no array {kind}", fix=f"Save its {kind} as {either}.")
    return np.atleast_1d(_numbers(entry, name))


def _numbers(entry: Mapping[str, Any], name: str) -> Array:
    value = entry[name]
    if not isinstance(value, (bytes, str)):
        return np.asarray(value)
    with as_input_error(f"its {name} are not base64 of float32", ValueError, fix=DAMAGED):
        return np.frombuffer(base64.b64decode(value, validate=True), np.float32)


def _number(entry: Mapping[str, Any], names: Sequence[str]) -> float | None:
    """The number under the first of these names that is there."""
    name = next((name for name in names if name in entry), None)
    if name is None:
        return None
    try:
        return float(entry[name])
    except (ValueError, TypeError) as error:
        problem = f"its {name} is {shown(entry[name])}"
        raise InputError(problem, fix="It must be a number.") from error


def shares(boxes: Array, width: float, height: float) -> Array:
    """Boxes in pixels, shape (k, 4), as shares of the picture's sides, which are checked."""
    if not (width > 0 and height > 0):
        raise InputError(
            f"the picture's width and height are {width:g} and {height:g}",
            fix="They must be in pixels, above 0.",
        )
    if boxes.size and width > 1 and height > 1 and boxes.max() <= 1:
        raise InputError(
            f"all boxes lie within one pixel of {width:g} x {height:g}: they look like shares",
            fix="Where a file has the picture's width and height, boxes must be in pixels.",
        )
    return boxes / np.array([width, height, width, height], np.float32)


def check_shapes(features: Array, boxes: Array) -> None:
    """Raise InputError unless they are numbers of shapes (k, D) and (k, 4), of some regions."""
    if not len(boxes) and not len(features):
        raise InputError(
            "has no regions",
            fix="Give it some, such as one box around the whole picture, or take it out.",
        )
    if features.ndim != 2 or not features.size or boxes.shape != (len(features), 4):
        raise InputError(
            f"features {features.shape} and boxes {boxes.shape} do not fit; "
            "expected (k, D) and (k, 4)",
            fix="Each region needs its box; extract them again.",
        )
    for array in (features, boxes):
        if array.dtype.kind not in "fiu":
            raise InputError(f"its arrays hold {array.dtype}", fix="Save numbers.")


def check_regions(features: Array, boxes: Array) -> None:
    """Check the regions of one picture: features (k, D), boxes (k, 4) as shares of its sides.

    Raises
    ------
    InputError
        If a number is NaN or infinite, or a box lies outside.
    """
    if not np.isfinite(features).all():
        region = int(np.flatnonzero(~np.isfinite(features).all(1))[0])
        raise InputError(
            f"region {region} has a feature that is NaN or infinite",
            fix="Extract the features again.",
        )
    good = within_picture(boxes)
    if not good.all():
        region = int(np.flatnonzero(~good)[0])
        corners = ", ".join(f"{float(number):.4g}" for number in boxes[region])
        raise InputError(
            f"the box of region {region} is not within the picture: {corners}",
            fix="Boxes are x1, y1, x2, y2 as shares of the picture's width and height.",
        )


def within_picture(boxes: Array) -> Bools:
    """Which boxes, shape (k, 4), are right; those with NaN are not."""
    low, high = -_BOX_TOLERANCE, 1 + _BOX_TOLERANCE
    x1, y1, x2, y2 = boxes.T
    across, down = (low <= x1) & (x1 <= x2) & (x2 <= high), (low <= y1) & (y1 <= y2) & (y2 <= high)
    right: Bools = across & down
    return right
