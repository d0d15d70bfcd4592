"""The log of a run: JSON lines, and the same points for TensorBoard where it is installed."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import orjson

from vqa_ensemble.files.atomic import atomic_write, say_full
from vqa_ensemble.training import distributed

LOG_FILE = "log.jsonl"
TENSORBOARD_FOLDER = "tensorboard"
# What is the same at every update, or its place in the run.
_NOT_CURVES = ("member", "update", "updates", "epoch", "time", "precision")


@contextmanager
def run_log(folder: Path, update: int) -> Iterator[Callable[[dict[str, Any]], None]]:
    """What adds a line to the log of a run in ``folder``, which goes on after ``update``.

    What a killed run wrote after its last checkpoint is dropped, since it is about to be done
    again, and TensorBoard's files are made anew from the rest: no point is there twice. Only
    rank 0 writes.

    Raises
    ------
    InputError
        If the folder cannot be written to or is full.
    """
    if distributed.rank():
        yield lambda line: None
        return
    path, kept = folder / LOG_FILE, _lines_until(folder / LOG_FILE, update)
    atomic_write(path, b"".join(map(_encode, kept)))
    with ExitStack() as stack:
        stack.enter_context(say_full(folder))
        stack.enter_context(_quiet_threads())
        board = _open_board(folder / TENSORBOARD_FOLDER)
        if board:
            stack.callback(board.close)
        file = stack.enter_context(path.open("ab", buffering=0))

        def draw(line: dict[str, Any]) -> None:
            for name, value in line.items() if board else ():
                if name not in _NOT_CURVES and value is not None:
                    board.add_scalar(name, value, line["update"], line["time"])

        def write(line: dict[str, Any]) -> None:
            line = {"time": round(time.time(), 3), **line}
            file.write(_encode(line))
            draw(line)

        for line in kept:
            draw(line)
        yield write


def _encode(line: dict[str, Any]) -> bytes:
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


def _lines_until(path: Path, update: int) -> list[dict[str, Any]]:
    kept = []
    for line in path.read_bytes().splitlines() if update and path.is_file() else []:
        try:
            content = orjson.loads(line)
        except orjson.JSONDecodeError:  # the kill cut this line
            break
        if content["update"] <= update:
            kept.append(content)
    return kept


@contextmanager
def _quiet_threads() -> Iterator[None]:
    """TensorBoard writes in a thread: what fails there is raised here, and need not be printed."""
    before = threading.excepthook
    threading.excepthook = lambda failed: (
        None if isinstance(failed.exc_value, OSError) else before(failed)
    )
    try:
        yield
    finally:
        threading.excepthook = before


def _open_board(folder: Path) -> Any:
    """TensorBoard's writer, or None where it is not installed."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder))
