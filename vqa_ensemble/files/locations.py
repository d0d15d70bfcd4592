"""Where files lie: paths of this machine, and URLs of stores that many machines see.

A URL such as ``s3://bucket/file``, ``gs://…``, ``hdfs://…`` or ``file:///…`` is opened by
pyarrow's own file systems, with their options in its query
(``s3://bucket/file?region=eu-west-1``); any other kind by fsspec, where it is installed.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from vqa_ensemble.errors import InputError, at, first_line, need

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

# Stores in which a file appears when its upload is complete, and renaming is copying.
OBJECT_STORES = ("s3", "gcs", "abfs")


def is_url(path: str | os.PathLike[str]) -> bool:
    """Whether ``path`` is a URL, not a path of this machine.

    Examples
    --------
    >>> is_url("s3://bucket/butd.parquet"), is_url("preds/butd.parquet")
    (True, False)
    """
    return "://" in os.fspath(path)


def locate(path: str | os.PathLike[str]) -> tuple[FileSystem, str]:
    """The pyarrow file system that holds ``path``, and its path there.

    Raises
    ------
    InputError
        If nothing installed opens such URLs, or the store cannot be reached.

    Examples
    --------
    >>> locate("file:///data/butd.parquet")[1]
    '/data/butd.parquet'
    """
    from pyarrow.fs import LocalFileSystem

    name = os.fspath(path)
    return _locate_url(name) if is_url(name) else (LocalFileSystem(), name)


def is_local(filesystem: FileSystem) -> bool:
    """Whether the file system is this machine's."""
    return bool(filesystem.type_name == "local")


def join(folder: str, name: str) -> str:
    """The file ``name`` in a folder, which may be a URL with a query.

    Examples
    --------
    >>> join("s3://bucket/runs/?region=eu-west-1", "part")
    's3://bucket/runs/part?region=eu-west-1'
    """
    head, mark, query = folder.partition("?") if is_url(folder) else (folder, "", "")
    return f"{head.rstrip('/')}/{name}{mark}{query}"


def parts_folder(path: str) -> str:
    """The hidden folder beside a file for the parts that it is joined from.

    Examples
    --------
    >>> parts_folder("gs://bucket/out/test.json")
    'gs://bucket/out/.test.json.parts'
    """
    if is_url(path):
        head, mark, query = path.partition("?")
    else:
        head, mark, query = str(Path(path).absolute()), "", ""
    folder, _, name = head.rpartition("/")
    return f"{folder}/.{name}.parts{mark}{query}"


def file_stamp(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Size and time of change: if they are the same later, so is the file."""
    from pyarrow import ArrowException

    filesystem, name = locate(path)
    try:
        info = filesystem.get_file_info(name)
    except (OSError, ArrowException):
        return (-1, -1)  # opening it will say why
    # Some stores know no time of change.
    return info.size or 0, info.mtime_ns or 0


def store_error(path: str | os.PathLike[str], problem: str, error: Exception) -> InputError:
    """What to say when a store refuses; ``problem`` is what could not be done."""
    reason = first_line(error).rstrip(".")
    return InputError(
        f"{problem} ({reason})", path=path, fix="Check the URL, the credentials and the network."
    )


@lru_cache(maxsize=4096)  # finding out the region of an s3 bucket is a request of its own
def _locate_url(url: str) -> tuple[FileSystem, str]:
    from pyarrow import ArrowException
    from pyarrow.fs import FileSystem

    try:
        return FileSystem.from_uri(url)  # type: ignore[no-any-return]
    except (OSError, ImportError) as error:
        raise store_error(url, "cannot be reached", error) from error
    except (ArrowException, ValueError) as error:
        if "unrecognized filesystem type" not in str(error).lower():
            raise InputError(
                f"is not a URL that can be opened ({error})", path=url, fix="Check the URL."
            ) from error
    return _by_fsspec(url)


def _by_fsspec(url: str) -> tuple[FileSystem, str]:
    from pyarrow.fs import FSSpecHandler, PyFileSystem

    kind = url.partition("://")[0]
    with at(url):
        with need(f"'{kind}' URLs need fsspec", fix="Install it: pip install fsspec."):
            import fsspec
        try:
            filesystem, path = fsspec.core.url_to_fs(url)
        except ImportError as error:
            problem = f"'{kind}' URLs need more packages: {error}"
            raise InputError(problem, fix="Install the package it names.") from error
        except ValueError as error:
            raise InputError(
                f"no file system is known for '{kind}' URLs",
                fix="Use s3, gs, abfs, hdfs, file, or one that fsspec knows.",
            ) from error
        except OSError as error:
            raise store_error(url, "cannot be reached", error) from error
    return PyFileSystem(FSSpecHandler(filesystem)), path
