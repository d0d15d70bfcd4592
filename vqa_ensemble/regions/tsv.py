"""Regions as TSV: one line a picture, without a header.

``image_id, image_w, image_h, num_boxes, boxes, features``, the last two base64 of float32
(Anderson et al. 2018), or ``img_id, img_h, img_w, objects_id, objects_conf, attrs_id, attrs_conf,
num_boxes, boxes, features`` (LXMERT, Tan and Bansal 2019). Boxes are in pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vqa_ensemble.errors import InputError, at
from vqa_ensemble.files.text import check_not_packed
from vqa_ensemble.regions.picture import PictureOfRegions, image_id, picture_of

_BUTD_FIELDS = "image_id image_w image_h num_boxes boxes features".split()
_LXMERT_FIELDS = (
    "image_id image_h image_w objects_id objects_conf attrs_id attrs_conf num_boxes boxes features"
).split()


def recognizes(path: Path) -> bool:
    """Whether it is such a file by its name: ``train.tsv.0`` is one too."""
    return ".tsv" in path.name.lower()


def read(path: Path) -> Iterator[PictureOfRegions]:
    """The pictures of a file; InputError names it and the line."""
    with path.open("rb") as file:
        check_not_packed(file.read(4), path)
        file.seek(0)
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            if number == 1:
                line = line.removeprefix(b"\xef\xbb\xbf")  # a byte-order mark
            with at(path, f"line {number}"):
                entry = _entry(line)
                name = entry["image_id"].decode("utf-8", "replace")
                yield picture_of(image_id(name), entry, path)


def _entry(line: bytes) -> dict[str, Any]:
    cells = line.rstrip(b"\r\n").split(b"\t")
    fields = _LXMERT_FIELDS if len(cells) == len(_LXMERT_FIELDS) else _BUTD_FIELDS
    if len(cells) != len(fields):
        raise InputError(
            f"has {len(cells)} columns",
            fix=f"It must have {len(_BUTD_FIELDS)} ({', '.join(_BUTD_FIELDS)}), "
            f"or LXMERT's {len(_LXMERT_FIELDS)}.",
        )
    return dict(zip(fields, cells, strict=True))
