"""Region features in the files that others publish, one module a format.

A module has ``recognizes(path)`` and ``read(path)``, which gives the pictures of a file or folder.
Regions are sorted by their score where the file has scores (``scores``, ``objects_conf``); else
they keep the file's order.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from vqa_ensemble.errors import ABSENT, DAMAGED, InputError
from vqa_ensemble.files.text import check_regular_file
from vqa_ensemble.regions import hdf5, lmdb, npz, tsv
from vqa_ensemble.regions import store as region_store
from vqa_ensemble.regions.picture import PictureOfRegions
from vqa_ensemble.regions.store import RegionStore, write_store

# The first that recognizes a file or folder reads it.
FORMATS: tuple[Any, ...] = (lmdb, region_store, npz, hdf5, tsv)


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
    for module in FORMATS:
        if module.recognizes(path):
            pictures: Iterator[PictureOfRegions] = module.read(path)
            return pictures
    raise InputError(
        "is of an unknown kind",
        path=path,
        fix="Known are .tsv, .hdf5, .h5, .npz, .lmdb, and folders of .npz files.",
    )
