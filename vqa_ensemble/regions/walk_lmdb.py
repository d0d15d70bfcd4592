"""Touch all that is in an LMDB database; a damaged page ends this process in place of another.

Run as a script, for it to start at once.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

import lmdb


def walk(path: Path) -> None:
    """Read both ends of every key and value."""
    with (
        lmdb.open(str(path), readonly=True, lock=False, subdir=path.is_dir()) as database,
        database.begin(buffers=True) as view,
    ):
        for key, value in view.cursor():
            _ = key[:1].tobytes(), value[:1].tobytes(), value[-1:].tobytes()


if __name__ == "__main__":
    with suppress(lmdb.Error):  # the reader will say so
        walk(Path(sys.argv[1]))
