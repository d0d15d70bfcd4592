"""What a submission was made from: a record beside it, and the check that it still holds."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import msgspec
import orjson
import pyarrow as pa

from vqa_ensemble._version import __version__
from vqa_ensemble.errors import ABSENT, InputError
from vqa_ensemble.files.atomic import atomic_write
from vqa_ensemble.files.json import read_json
from vqa_ensemble.files.locations import file_stamp, is_local, is_url, locate, store_error
from vqa_ensemble.files.text import cannot_read, check_regular_file
from vqa_ensemble.predictions.member import timestamp

FORMAT_VERSION = 1
ENDING = ".provenance.json"
# What the bytes of a result may depend on.
PACKAGES = ("numpy", "pyarrow", "orjson", "scikit-learn", "scipy")


def provenance_path(output: str | os.PathLike[str]) -> str:
    """Where the record of an output lies.

    Examples
    --------
    >>> provenance_path("out/submission.json")
    'out/submission.json.provenance.json'
    >>> provenance_path("s3://bucket/submission.json?region=eu-west-1")
    's3://bucket/submission.json.provenance.json?region=eu-west-1'
    """
    head, mark, query = os.fspath(output).partition("?") if is_url(output) else (output, "", "")
    return f"{os.fspath(head)}{ENDING}{mark}{query}"


class FileRecord(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A file as it was: no hash if it is not on this machine, a role if it is an input."""

    role: str | None = None
    path: str
    bytes: int
    sha256: str | None = None


class Record(msgspec.Struct, kw_only=True):
    """What an output was made from and how, as the file beside it has it."""

    format_version: int = FORMAT_VERSION
    created_at: str = ""
    arguments: list[str]
    folder: str
    versions: dict[str, str]
    inputs: list[FileRecord]
    outputs: Annotated[list[FileRecord], msgspec.Meta(min_length=1)]


def fingerprint(path: str | os.PathLike[str], role: str | None = None) -> FileRecord:
    """Path, size in bytes and SHA-256 of a file; no hash of one that is not on this machine.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    filesystem, name = locate(path)
    try:
        if is_local(filesystem):
            check_regular_file(name)
            with Path(name).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                size = file.tell()
            return FileRecord(role=role, path=os.fspath(path), bytes=size, sha256=digest)
        size = filesystem.get_file_info(name).size
        if size is None:
            raise InputError("no such file", path=path, fix=ABSENT)
        return FileRecord(role=role, path=os.fspath(path), bytes=size)
    except (OSError, ValueError, pa.ArrowException) as error:  # ValueError: a NUL in the path
        if not is_local(filesystem):
            raise store_error(path, "cannot be read", error) from error
        raise cannot_read(path, error) from error


@dataclass
class Recorder:
    """Hashes the inputs while the work goes on, and writes the record when it is done.

    Parameters
    ----------
    arguments : sequence of str
        The command's, after ``vqa-ensemble``.
    inputs : mapping of str to sequence of path-like
        What it reads, by role: ``predictions``, ``map``, ``ensemble``, …
    """

    arguments: Sequence[str]
    inputs: Mapping[str, Sequence[str | os.PathLike[str]]]
    _stamps: dict[str | os.PathLike[str], tuple[int, int]] = field(default_factory=dict, init=False)
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1), init=False)
    _hashes: list[Future[FileRecord]] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        for role, paths in self.inputs.items():
            for path in paths:
                self._stamps[path] = file_stamp(path)
                self._hashes.append(self._pool.submit(fingerprint, path, role))
        self._pool.shutdown(wait=False)

    def write(self, outputs: Sequence[str | os.PathLike[str]]) -> str:
        """Write the record beside the first of the outputs; its path.

        Raises
        ------
        InputError
            If a file cannot be read or has changed since, or the record not be written.
        """
        for path, before in self._stamps.items():
            if file_stamp(path) != before:
                raise InputError(
                    "changed while it was being read", path=path, fix="Give the command again."
                )
        record = Record(
            format_version=FORMAT_VERSION,
            created_at=timestamp(),
            arguments=list(self.arguments),
            folder=str(Path.cwd()),
            versions=versions(),
            inputs=[future.result() for future in self._hashes],
            outputs=[fingerprint(path) for path in outputs],
        )
        path = provenance_path(outputs[0])
        content = orjson.dumps(msgspec.to_builtins(record), option=orjson.OPT_INDENT_2)
        atomic_write(path, content + b"\n")
        return path


def versions() -> dict[str, str]:
    """Versions of what computes the result."""
    found = {"vqa-ensemble": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # vendored, or run from a zip
            continue
    return found


@dataclass(frozen=True)
class Verification:
    """What a record says against today's files.

    Attributes
    ----------
    record : Record
    checked : int
        Files whose hash is as recorded.
    problems : list of str
        Files that are missing or have changed.
    notes : list of str
        What differs without being wrong by itself: versions; files that were not hashed.
    """

    record: Record
    checked: int
    problems: list[str]
    notes: list[str]


def verify(output: str | os.PathLike[str], *, allow_urls: bool = False) -> Verification:
    """Compare an output and all that it was made from with the record beside it.

    What the record names by URL is looked at only if ``allow_urls``: it may come from anybody.

    Raises
    ------
    InputError
        If there is no record, or it is not one.
    """
    path = provenance_path(output)
    if not is_url(path) and not Path(path).is_file():
        raise InputError(
            "has no record of what it was made from",
            path=output,
            fix=f"Put {Path(path).name} beside it, or vote again: vqa-ensemble vote writes it.",
        )
    try:
        record = msgspec.convert(read_json(path), Record)
    except msgspec.ValidationError as error:
        raise InputError(
            "is not a record of vqa-ensemble",
            path=path,
            fix="Vote again: vqa-ensemble vote writes a record beside the submission.",
        ) from error
    checked, problems, notes = 0, [], []
    folder = work_folder(record)
    first, *others = record.outputs
    for entry in (first, *others, *record.inputs):
        file = output if entry is first else entry.path
        if entry is not first and not is_url(file):
            file = folder / file
        if entry is not first and is_url(entry.path) and not allow_urls:
            notes.append(f"{entry.path} was not looked at: it is a URL (--allow-urls)")
            continue
        if entry.sha256 is None:
            notes.append(f"{entry.path} was not hashed: it is not on this machine")
            continue
        try:
            now = fingerprint(file)
        except InputError as error:
            problems.append(f"{file}: {error.problem}")
            continue
        if now.sha256 == entry.sha256:
            checked += 1
        elif now.sha256 is None and now.bytes == entry.bytes:
            notes.append(f"{entry.path} was not hashed: it is not on this machine")
        else:
            problems.append(f"{file}: has changed ({entry.bytes:,} bytes then, {now.bytes:,} now)")
    for package, is_now in versions().items():
        was = record.versions.get(package)
        if was is not None and was != is_now:
            notes.append(f"{package} was {was}, is {is_now}")
    return Verification(record, checked, problems, notes)


def work_folder(record: Record) -> Path:
    """The folder that the recorded paths are relative to: the one then, else the one now."""
    return Path(record.folder) if os.path.isdir(record.folder) else Path.cwd()  # noqa: PTH112  never raises
