"""Files that appear whole or not at all, and never in the place of what they were made from."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from vqa_ensemble.errors import InputError
from vqa_ensemble.files.locations import OBJECT_STORES, is_local, is_url, locate, store_error

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

CHUNK = 1 << 22

# Standard output, where a path of an output is asked for.
STDOUT = "-"
_DESCRIPTORS = {STDOUT: 1, "/dev/stdout": 1, "/dev/stderr": 2}

# Temporary files and folders go by names that nobody else makes; a folder's lock says whose it is.
_SCRATCH = "vqa-ensemble-"
_SCRATCH_NAME = re.compile(rf"{_SCRATCH}[a-z0-9_]{{8}}")
_LOCK = ".lock"
_MARK = b"A scratch folder of vqa-ensemble, which removes it when no run uses it.\n"
_LONGEST_NAME = 200  # bytes of the output's name, of the 255 that a name may have
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
    thousands of files that are easily made again. A file that is replaced passes on its mode; of
    a link, what it leads to is replaced. A device, a pipe and standard output (``-``) are written
    to at the end of the block.

    For a URL the temporary file lies in this machine's temporary folder and is sent when it is
    whole: to object stores, where a file appears when its upload is complete, by its own name;
    elsewhere beside it, and then renamed.

    Raises
    ------
    InputError
        If the folder cannot be written to or is full, or ``path`` is a folder or kept as an input
        (:func:`inputs_kept`).
    """
    check_no_input(path)
    name = os.fspath(path)
    if is_url(path):
        filesystem, name = locate(path)
        if not is_local(filesystem):
            with _scratch_file() as temporary:
                yield temporary
                _send(temporary, os.fspath(path))
            return
    if not is_stream(name):
        with _beside(Path(name), flush=flush) as temporary:
            yield temporary
        return
    with _scratch_file() as temporary:
        yield temporary
        with (
            say_full(Path(name)),
            temporary.open("rb") as content,
            _open_stream(name) as stream,
        ):
            shutil.copyfileobj(content, stream, CHUNK)


# What each command at work reads, by identity.
_inputs: list[dict[tuple[object, ...], str]] = []


@contextmanager
def inputs_kept(paths: Iterable[str | os.PathLike[str]]) -> Iterator[None]:
    """Let nothing in this process replace any of these files while this lasts."""
    _inputs.append({identity(path): os.fspath(path) for path in paths})
    try:
        yield
    finally:
        _inputs.pop()


def check_no_input(path: str | os.PathLike[str]) -> None:
    """Raise InputError if an output is one of the files that :func:`inputs_kept` keeps."""
    if not any(_inputs):
        return
    same = identity(path)
    for kept in _inputs:
        if same in kept:
            known = "" if kept[same] == os.fspath(path) else f" ({kept[same]})"
            raise InputError(
                f"is to be written, and is an input of this command{known}",
                path=path,
                fix="Give the output another name.",
            )


def identity(path: str | os.PathLike[str]) -> tuple[object, ...]:
    """The same for all names of a file: other spellings, links, hard links, URLs."""
    name = os.fspath(path)
    if is_url(name):
        try:
            filesystem, name = locate(name)
        except InputError:  # opening it will say why
            return (name,)
        if not is_local(filesystem) and filesystem.type_name != "py::fsspec+file":
            return filesystem.type_name, name
    name = os.path.realpath(name)
    try:
        found = Path(name).stat()
    except (OSError, ValueError):  # ValueError: a NUL
        return (name,)
    return found.st_dev, found.st_ino


def is_stream(path: str | os.PathLike[str]) -> bool:
    """Whether an output is written to, not replaced: standard output, a pipe, a device."""
    name = os.fspath(path)
    if _descriptor(name) is not None:
        return True
    try:
        mode = Path(name).stat().st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def is_stdout(path: str | os.PathLike[str] | None) -> bool:
    """Whether an output goes to standard output."""
    return path is not None and _descriptor(os.fspath(path)) == 1


def _descriptor(name: str) -> int | None:
    """The open file that a name stands for, which may be any file."""
    number = re.fullmatch(r"/(?:dev|proc/self)/fd/(\d{1,9})", name)
    return int(number[1]) if number else _DESCRIPTORS.get(name)


@contextmanager
def _open_stream(name: str) -> Iterator[IO[bytes]]:
    number = _descriptor(name)
    if number == 1:
        sys.stdout.flush()
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        opened = os.open(name, os.O_WRONLY) if number is None else os.dup(number)
    except OSError as error:
        raise _cannot_write(Path(name), error) from error
    with os.fdopen(opened, "wb") as stream:
        yield stream


@contextmanager
def _beside(path: Path, *, flush: bool) -> Iterator[Path]:
    if path.is_dir():
        raise InputError("is a folder, not a file to write", path=path, fix="Add a file name.")
    target = Path(os.path.realpath(path))
    if target.is_symlink():
        raise InputError("is a link that leads nowhere", path=path, fix="Remove it.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(target)
        temporary = target.with_name(_temporary_name(target.name))
        lock = _create_locked(temporary)
    except OSError as error:
        raise _cannot_write(path, error) from error
    try:
        with say_full(path):
            mode = _pass_on_mode(target, lock)
            yield temporary
            if mode is not None:
                temporary.chmod(mode)
            if flush:
                _fsync(temporary)
            os.replace(temporary, target)
            if flush:
                _fsync(target.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        os.close(lock)


def _pass_on_mode(before: Path, descriptor: int) -> int | None:
    """Give a new file owner and mode of the one it replaces; the mode, if none may write then."""
    mode = None
    with suppress(OSError):  # there is none, or the file system knows no owners and modes
        found = before.stat()
        mode = stat.S_IMODE(found.st_mode)
        with suppress(PermissionError):
            os.fchown(descriptor, found.st_uid, found.st_gid)
        os.fchmod(descriptor, mode | stat.S_IWUSR)
    return None if mode is None or mode & stat.S_IWUSR else mode


def _temporary_name(name: str) -> str:
    return f"{_leftover(name)}{secrets.token_hex(4)}.tmp"


def _leftover(name: str) -> str:
    """How the names of an output's temporary files begin."""
    return f".{os.fsdecode(os.fsencode(name)[:_LONGEST_NAME])}.{_SCRATCH}"


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
    _remove_abandoned(parent, _SCRATCH_NAME, _remove_folder)
    with (
        say_full(parent, fix="Set TMPDIR to a folder with more room."),
        tempfile.TemporaryDirectory(prefix=_SCRATCH) as folder,
    ):
        lock = _create_locked(Path(folder) / _LOCK)
        try:
            os.write(lock, _MARK)
            yield Path(folder)
        finally:
            os.close(lock)


@contextmanager
def _scratch_file() -> Iterator[Path]:
    with scratch_folder() as folder:
        temporary = folder / "output"
        temporary.touch()
        yield temporary


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
    path = Path(os.path.realpath(path))
    name = re.compile(rf"{re.escape(_leftover(path.name))}[0-9a-f]{{8}}\.tmp", re.DOTALL)
    _remove_abandoned(path.parent, name, _remove_file, older_than)


def _create_locked(path: Path) -> int:
    """Create a file and lock it for as long as this process lives; the descriptor."""
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
    with suppress(OSError):  # some network file systems have no locks
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def _remove_abandoned(
    folder: Path,
    name: re.Pattern[str],
    remove: Callable[[Path, float], None],
    older_than: float = _BRAND_NEW_SECONDS,
) -> None:
    """Remove what killed runs left, of names that only this program makes."""
    with suppress(OSError):
        for path in [found for found in folder.iterdir() if name.fullmatch(found.name)]:
            with suppress(OSError):
                remove(path, older_than)


def _remove_file(path: Path, older_than: float) -> None:
    with _abandoned(path, older_than):
        path.unlink()


def _remove_folder(path: Path, older_than: float) -> None:
    if stat.S_ISDIR(path.lstat().st_mode):
        with _abandoned(path / _LOCK, older_than) as lock:
            if os.pread(lock, len(_MARK) + 1, 0) == _MARK:
                shutil.rmtree(path)


@contextmanager
def _abandoned(path: Path, older_than: float) -> Iterator[int]:
    """A regular file that no living process has locked, locked; OSError if it is none."""
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        found = os.fstat(descriptor)
        # A clock that went back makes files of the future; they are not new.
        if not stat.S_ISREG(found.st_mode) or abs(time.time() - found.st_mtime) < older_than:
            raise BlockingIOError
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield descriptor
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
        temporary = f"{folder}/{_temporary_name(name)}"
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
