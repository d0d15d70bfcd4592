"""Pictures that others made, read by Pillow."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING

from vqa_ensemble.errors import InputError, as_input_error, at
from vqa_ensemble.files.text import check_regular_file

if TYPE_CHECKING:
    from PIL.Image import Image

# Pillow goes by a file's content, and starts Ghostscript for an EPS file whatever its name.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
# 100 megapixels take 300 MB.
MOST_PIXELS = 100_000_000
FIX = "Replace it, or take it out of the folder."


def read_picture(path: str | os.PathLike[str]) -> Image:
    """A picture of one of ``FORMATS``, turned as its camera was held, in RGB.

    Raises
    ------
    InputError
        If it is none, broken, no regular file, or larger than ``MOST_PIXELS``.
    """
    from PIL import Image, ImageOps

    with at(path):
        check_regular_file(path)
        # What Pillow's decoders raise depends on where a file is broken; what they warn of
        # (pixels) is checked here.
        with (
            as_input_error("is not a readable picture", Exception, fix=FIX),
            warnings.catch_warnings(action="ignore"),
            Image.open(path, formats=FORMATS) as opened,
        ):
            if opened.width * opened.height > MOST_PIXELS:
                raise InputError(
                    f"has {opened.width} × {opened.height} pixels; the most that are read are "
                    f"{MOST_PIXELS:,}",
                    fix="Make it smaller.",
                )
            picture: Image.Image = ImageOps.exif_transpose(opened).convert("RGB")
            return picture
