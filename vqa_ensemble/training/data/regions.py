"""The regions of a data set's pictures, as a detector found them.

Every data set that is a folder has them in its sub-folder ``regions``, in one of two layouts:

- A store of memory-mapped arrays (see ``regions/store.py``).
- ``<image_id>.npz`` for each picture (see ``regions/npz.py``).

Boxes are x1, y1, x2, y2 as shares of the picture's width and height.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vqa_ensemble.arrays import Bools, Floats32, Ints
from vqa_ensemble.errors import InputError, at
from vqa_ensemble.regions.npz import read_npz
from vqa_ensemble.regions.picture import check_regions, image_id
from vqa_ensemble.regions.store import RegionStore
from vqa_ensemble.training.data.splits import Regions

FOLDER = "regions"
_EXAMPLES = 3


class PictureRegions:
    """The regions under ``root``, opened when first asked for; ``limit`` a picture (0: all)."""

    def __init__(self, root: Path, limit: int = 0) -> None:
        self.folder = root / FOLDER
        self._limit = limit

    @property
    def regions(self) -> Regions:
        """What reads them.

        Raises
        ------
        InputError
            If they are missing or broken.
        """
        return self._opened[1]

    def find(self, images: Sequence[int | str]) -> Ints:
        """Each image's row in :attr:`regions`, -1 where it has none.

        Raises
        ------
        InputError
            If there are no regions at all.
        """
        rows = self._opened[0]
        return np.array([rows.get(str(image), -1) for image in images], np.int64)

    def rows(self, images: Sequence[int | str]) -> Ints:
        """As :meth:`find`, if all are there.

        Raises
        ------
        InputError
            If some of these images have no regions.
        """
        rows = self.find(images)
        pairs = zip(images, rows.tolist(), strict=True)
        missing = list(dict.fromkeys(str(image) for image, row in pairs if row < 0))
        if missing:
            count = f"{len(missing):,} pictures have" if len(missing) > 1 else "1 picture has"
            fix = f"Add them to {self.folder}"
            if (rows < 0).all():
                fix += f", which has those of {_some(list(self._opened[0]))}"
            raise InputError(f"{count} no regions: {_some(missing)}", fix=f"{fix}.")
        return rows

    @cached_property
    def _opened(self) -> tuple[dict[str, int], Regions]:
        """Each image id's row, and the regions."""
        if (self.folder / "features.npy").is_file():
            store = RegionStore(self.folder, self._limit)
            return {str(image): row for row, image in enumerate(store.image_ids)}, store
        files = sorted(self.folder.glob("*.npz"))
        if not files:
            raise InputError(
                "holds no features.npy and no <image_id>.npz",
                path=self.folder,
                fix="Make it with vqa-ensemble convert-features.",
            )
        return {str(image_id(file.stem)): row for row, file in enumerate(files)}, NpzRegions(
            files, self._limit
        )


def _some(images: Sequence[str]) -> str:
    """The first few."""
    return ", ".join(images[:_EXAMPLES]) + (", …" if len(images) > _EXAMPLES else "")


class NpzRegions:
    """Regions in one ``.npz`` a picture; the first ``limit`` of each (0: all)."""

    def __init__(self, files: list[Path], limit: int = 0) -> None:
        self._files = files
        self._limit = limit
        # Numbers that describe a region.
        self.width = int(self._load(files[0])[0].shape[1])

    def read(self, rows: Ints) -> tuple[Floats32, Floats32, Bools]:
        """Features (B, K, D), boxes (B, K, 4), and which regions there are (B, K).

        Raises
        ------
        InputError
            Naming a file that is broken or whose features are not as wide as the first's.
        """
        distinct, inverse = np.unique(rows, return_inverse=True)
        loaded = [self._load(self._files[row]) for row in distinct]
        most = max(len(features) for features, _ in loaded)
        features = np.zeros((len(distinct), most, self.width), np.float32)
        boxes = np.zeros((len(distinct), most, 4), np.float32)
        mask = np.zeros((len(distinct), most), np.bool_)
        for i, (its_features, its_boxes) in enumerate(loaded):
            count = len(its_features)
            if its_features.shape[1] != self.width:
                raise InputError(
                    f"features are {its_features.shape[1]} wide, the first picture's {self.width}",
                    path=self._files[distinct[i]],
                    fix="All pictures need features of one detector.",
                )
            features[i, :count], boxes[i, :count], mask[i, :count] = its_features, its_boxes, True
        return features[inverse], boxes[inverse], mask[inverse]

    def _load(self, path: Path) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        picture = read_npz(path)
        features, boxes = picture.features, picture.boxes
        with at(path, f"image {picture.image}"):
            check_regions(features, boxes)
        limit = self._limit or len(features)
        return features[:limit], boxes[:limit]
