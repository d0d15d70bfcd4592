"""What the data sets have in common that are a folder of files."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from vqa_ensemble.errors import ABSENT, InputError, at
from vqa_ensemble.training.data.regions import PictureRegions
from vqa_ensemble.training.data.splits import RawSplit, Split


class FolderDataset:
    """A folder with question files and the sub-folder ``regions`` (see ``regions.py``).

    Parameters
    ----------
    root : path-like
    regions : int
        Takes the first so many regions of each picture (0: all).

    Raises
    ------
    InputError
        If there is no such folder.
    """

    name: str
    official = False

    def __init__(self, root: str | os.PathLike[str], *, regions: int = 0) -> None:
        self.root = Path(root)
        if not self.root.is_dir():
            raise InputError("no such folder", path=root, where="data.root", fix=ABSENT)
        self.pictures = PictureRegions(self.root, regions)

    @property
    def files(self) -> dict[str, Path]:
        """The file with the questions of each split that may be there."""
        raise NotImplementedError

    @property
    def split_names(self) -> tuple[str, ...]:
        """The splits whose questions are there."""
        return tuple(name for name, path in self.files.items() if path.is_file())

    def read(self, name: str) -> RawSplit:
        """Read a split's files.

        Raises
        ------
        InputError
            If a file is missing or broken.
        """
        raise NotImplementedError

    def split(self, name: str) -> Split:
        """Read a split with its regions.

        Raises
        ------
        InputError
            As :meth:`read`, or if regions are missing. Extra training questions about
            pictures without regions are left out instead.
        """
        raw = self.read(name)
        images = raw.questions.image_ids
        with at(raw.path):
            found = self.pictures.find(images) if raw.extra else self.pictures.rows(images)
        split = raw.about(name, found, self.pictures.regions)
        return split if (found >= 0).all() else split.select(np.flatnonzero(found >= 0))

    def questions_file(self, name: str) -> Path:
        """The file with a split's questions.

        Raises
        ------
        InputError
            If there is no such split, or its file is missing.
        """
        there = f"There are: {', '.join(self.split_names) or 'none'}."
        if name not in self.files:
            raise InputError(f"{self.name} has no split '{name}'", path=self.root, fix=there)
        path = self.files[name]
        if not path.is_file():
            raise InputError(f"no questions of split '{name}'", path=path, fix=there)
        return path
