"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import fcntl
import glob
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from vqa_ensemble.errors import InputError
from vqa_ensemble.files.locations import OBJECT_STORES, is_local, is_url, locate, store_error

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

CHUNK = 1 << 22

_SCRATCH = "vqa-ensemble-"
_LOCK = ".lock"
# Another name: what holds a file of the first one is a scratch folder, which may be removed.
_IN_USE = ".in-use"
# Between creating a file and locking it, it looks abandoned.
_BRAND_NEW_SECONDS = 5.0
_ANOTHER_FOLDER = "Make room there, or choose another folder."
# What goes wrong with the output itself, not with what the block reads.
_CANNOT_STORE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


@contextmanager
def atomic_path(path: str | os.PathLike[str], *, flush: bool = True) -> Iterator[Path]:
    """Yield the path of a temporary file that replaces ``path`` when the block ends well.

    The temporary file lies beside ``path``. It is flushed to disk (fsync) and renamed over
    ``path``; a run that is killed leaves the old file or the new one, never a half, and its
    temporary file for the next run to remove. The parent folder is created. If the block raises,
    the temporary file is removed. Without ``flush`` the disk may take its time, for one of
    thousands of files that are easily made again.

    For a URL the temporary file lies in this machine's temporary folder and is sent when it is
    whole: to object stores, where a file appears when its upload is complete, by its own name;
    elsewhere beside it, and then renamed.

    Raises
    ------
    InputError
        If the folder cannot be written to or is full, or ``path`` is a folder.
    """
    if not is_url(path):
        with _beside(Path(path), flush=flush) as temporary:
            yield temporary
        return
    filesystem, name = locate(path)
    if is_local(filesystem):
        with _beside(Path(name), flush=flush) as temporary:
            yield temporary
        return
    with scratch_folder() as folder:
        temporary = folder / "output"
        temporary.touch()
        yield temporary
        _send(temporary, os.fspath(path))


@contextmanager
def _beside(path: Path, *, flush: bool) -> Iterator[Path]:
    if path.is_dir():
        raise InputError("is a folder, not a file to write", path=path, fix="Add a file name.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
        lock = _create_locked(temporary)
    except OSError as error:
        raise _cannot_write(path, error) from error
    try:
        with say_full(path):
            yield temporary
            if flush:
                _fsync(temporary)
            os.replace(temporary, path)
            if flush:
                _fsync(path.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        os.close(lock)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Yield a folder in this machine's temporary folder that is gone when the block ends.

    A killed run cannot remove its own; the next run does it.

    Raises
    ------
    InputError
        If it is full or cannot be written to.
    """
    parent = Path(tempfile.gettempdir())
    _remove_abandoned(parent, f"{_SCRATCH}*")
    with (
        say_full(parent, fix="Set TMPDIR to a folder with more room."),
        tempfile.TemporaryDirectory(prefix=_SCRATCH) as folder,
    ):
        lock = _create_locked(Path(folder) / _LOCK)
        try:
            yield Path(folder)
        finally:
            os.close(lock)


@contextmanager
def sole_use(folder: Path, waiting: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Let one process at a time work in ``folder``; the others wait here for their turn.

    A process that dies has ended its turn. Where the file system has no locks, nobody waits.

    Parameters
    ----------
    folder : Path
        Created if need be; the lock is a file in it that stays.
    waiting : callable
        Called once if it is another's turn.

    Raises
    ------
    InputError
        If the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / _IN_USE, os.O_CREAT | os.O_RDWR, 0o666)
    except OSError as error:
        raise _cannot_write(folder, error) from error
    try:
        with suppress(OSError):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def say_full(path: Path, *, fix: str = _ANOTHER_FOLDER) -> Iterator[None]:
    """Raise InputError in place of an OSError which says that a disk is full or read-only."""
    try:
        yield
    except OSError as error:
        if error.errno not in _CANNOT_STORE:
            raise
        reason = os.strerror(error.errno)
        raise InputError(f"cannot be written: {reason}", path=path, fix=fix) from error


def _cannot_write(path: Path, error: OSError) -> InputError:
    return InputError(
        f"cannot write here: {error.strerror}",
        path=path,
        fix="Choose another folder, or mend its permissions.",
    )


def remove_leftovers(path: Path, *, older_than: float = _BRAND_NEW_SECONDS) -> None:
    """Remove the temporary files that killed runs left beside ``path``.

    Parameters
    ----------
    path : Path
        The output.
    older_than : float
        Seconds; younger files are left alone, since one may be about to be locked.
    """
    _remove_abandoned(path.parent, f".{glob.escape(path.name)}.*.tmp", older_than)


def _create_locked(path: Path) -> int:
    """Create a file and lock it for as long as this process lives; the descriptor."""
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
    with suppress(OSError):  # some network file systems have no locks
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def _remove_abandoned(folder: Path, pattern: str, older_than: float = _BRAND_NEW_SECONDS) -> None:
    """Remove what killed runs left: what no living process has locked."""
    for path in folder.glob(pattern):
        lock = path / _LOCK if path.is_dir() else path
        with suppress(OSError):
            # A clock that went back makes files of the future; they are not new.
            if abs(time.time() - lock.stat().st_mtime) < older_than:
                continue
            descriptor = os.open(lock, os.O_RDWR)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()
            finally:
                os.close(descriptor)


def atomic_write(path: str | os.PathLike[str], content: bytes, *, flush: bool = True) -> None:
    """Write ``content`` to ``path`` as :func:`atomic_path` does."""
    with atomic_path(path, flush=flush) as temporary:
        temporary.write_bytes(content)


def _send(source: Path, url: str) -> None:
    """Copy a file that is whole to a store, where it appears whole or not at all."""
    from pyarrow import ArrowException
    from pyarrow.fs import FileType

    filesystem, path = locate(url)
    folder, _, name = path.rpartition("/")
    try:
        if filesystem.get_file_info(path).type == FileType.Directory:
            raise InputError("is a folder, not a file to write", path=url, fix="Add a file name.")
        if filesystem.type_name in OBJECT_STORES:
            _copy(source, filesystem, path)
            return
        if folder:
            filesystem.create_dir(folder, recursive=True)
        temporary = f"{folder}/.{name}.{secrets.token_hex(4)}.tmp"
        try:
            _copy(source, filesystem, temporary)
            filesystem.move(temporary, path)
        except BaseException:
            if filesystem.get_file_info(temporary).type == FileType.File:
                filesystem.delete_file(temporary)
            raise
    except (OSError, ArrowException) as error:
        raise store_error(url, "cannot be written", error) from error


def _copy(source: Path, filesystem: FileSystem, path: str) -> None:
    with source.open("rb") as content, filesystem.open_output_stream(path) as stream:
        shutil.copyfileobj(content, stream, CHUNK)


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
