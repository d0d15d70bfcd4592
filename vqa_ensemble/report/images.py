"""Small copies of the questions' pictures, to lie inside the report."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path

from vqa_ensemble.errors import ABSENT, InputError, need

# Long side of a copy, in pixels, and how many bytes all copies together may take.
SIDE = 320
MOST_BYTES = 20_000_000
ENDINGS = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp"})


def find_images(folder: str | os.PathLike[str], image_ids: Sequence[str]) -> dict[str, Path]:
    """The picture of each image id that has one, anywhere under a folder.

    A picture's name is the id, with or without its ending, or ends in it as COCO's do:
    ``COCO_val2014_000000262148.jpg`` is that of 262148.

    Raises
    ------
    InputError
        If the folder is missing, holds two pictures of one id, or none of any.
    """
    if not Path(folder).is_dir():
        raise InputError("no such folder", path=folder, fix=ABSENT)
    wanted = set(image_ids)
    found: dict[str, Path] = {}
    for path in sorted(Path(folder).rglob("*")):
        if path.suffix.lower() not in ENDINGS:
            continue
        number = path.stem.rpartition("_")[2].lstrip("0") or "0"
        image = next((name for name in (path.stem, path.name, number) if name in wanted), None)
        if image is None:
            continue
        if image in found:
            raise InputError(
                f"holds two pictures of the image {image}: {found[image]} and {path}",
                path=folder,
                fix="Give the folder of one split.",
            )
        found[image] = path
    if not found:
        raise InputError(
            f"holds no picture of the questions' images ({', '.join(sorted(wanted)[:3])}, …)",
            path=folder,
            fix="Pictures are named after their image id: 262148.jpg.",
        )
    return found


def shrink_images(
    paths: Sequence[Path], most_bytes: int = MOST_BYTES, side: int = SIDE
) -> list[bytes]:
    """Small WebP copies of the first pictures: as many as fit into ``most_bytes`` together.

    Raises
    ------
    InputError
        If a file is no picture, or Pillow is absent.
    """
    with need("--images needs Pillow", extra="report"):
        import PIL  # noqa: F401

    from vqa_ensemble.files.picture import read_picture

    copies: list[bytes] = []
    total = 0
    for path in paths:
        picture = read_picture(path)
        picture.thumbnail((side, side))
        copy = io.BytesIO()
        picture.save(copy, "WEBP", quality=75)
        total += copy.tell()
        if total > most_bytes:
            break
        copies.append(copy.getvalue())
    return copies
