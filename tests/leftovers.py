"""Temporary files that a killed run leaves, and how the next run gets to see them."""

from __future__ import annotations

import os
from pathlib import Path


def left_over(folder: Path) -> list[Path]:
    """Temporary files and folders."""
    return [
        path
        for path in folder.rglob("*")
        if path.name.endswith((".tmp", ".parts")) or path.name.startswith("vqa-ensemble-")
    ]


def make_old(folder: Path) -> None:
    """What was left a moment ago may be about to be locked; let it look older than that."""
    for path in left_over(folder):
        lock = path / ".lock" if path.is_dir() else path
        if lock.exists():
            os.utime(lock, (0, 0))
