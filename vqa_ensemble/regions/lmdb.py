"""Regions as LMDB: one entry a picture by its id.

An entry is an npz file (see :mod:`.npz`), or a pickled dictionary of such arrays (or of base64 of
float32, with ``num_boxes``). The entry ``keys`` is skipped. Pickles may hold plain values and
arrays only.
"""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vqa_ensemble.errors import DAMAGED, InputError, as_input_error, at, need
from vqa_ensemble.files.plain_pickle import read_plain_pickle
from vqa_ensemble.regions.npz import load_npz
from vqa_ensemble.regions.picture import PictureOfRegions, image_id, picture_of


def recognizes(path: Path) -> bool:
    """Whether it is such a file by its name, or a folder that holds one."""
    return path.suffix.lower() in (".lmdb", ".mdb") or (path / "data.mdb").is_file()


def read(path: Path) -> Iterator[PictureOfRegions]:
    """The pictures of a database; InputError names it and the image."""
    with at(path):
        with need("LMDB needs the package lmdb", extra="features"):
            import lmdb
        with (
            as_input_error("is not a readable LMDB database", lmdb.Error, fix=DAMAGED),
            lmdb.open(str(path), readonly=True, lock=False, subdir=path.is_dir()) as database,
            database.begin() as view,
        ):
            # A page that is not there, or has a wrong number, would end the process.
            needed = (database.info()["last_pgno"] + 1) * database.stat()["psize"]
            file = path / "data.mdb" if path.is_dir() else path
            if file.stat().st_size < needed:
                problem = f"is shorter than its {needed:,} bytes"
                raise InputError(problem, path=file, fix=DAMAGED)
            _survive(path)
            for key, value in view.cursor():
                name = key.decode("utf-8", "replace")
                if name != "keys":
                    with at(None, f"image {name}"):
                        yield picture_of(image_id(name), _entry(value), path)


def _entry(value: bytes) -> dict[str, Any]:
    if zipfile.is_zipfile(io.BytesIO(value)):
        return load_npz(io.BytesIO(value))
    entry = read_plain_pickle(value)
    if not isinstance(entry, dict):
        raise InputError(
            f"is a {type(entry).__name__}",
            fix="It must be a dictionary of arrays: features and boxes.",
        )
    return entry


def _survive(path: Path) -> None:
    """Raise InputError if reading the database ends a process, as a damaged page may (SIGBUS)."""
    script = Path(__file__).with_name("walk_lmdb.py")
    command = [sys.executable, "-P", str(script), str(path)]
    status = subprocess.run(command, check=False).returncode  # noqa: S603  our own script
    if status < 0:
        raise InputError(
            "is a damaged LMDB database: reading it ends the process "
            f"({signal.Signals(-status).name})",
            fix=DAMAGED,
        )
