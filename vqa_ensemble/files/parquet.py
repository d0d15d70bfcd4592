"""Parquet files that others made."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from vqa_ensemble.errors import DAMAGED, InputError
from vqa_ensemble.files.atomic import is_stream

if TYPE_CHECKING:
    import pyarrow as pa


def unreadable(path: str, error: Exception) -> InputError:
    """What to say about a file that pyarrow cannot read."""
    reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
    return InputError(
        f"not a readable parquet file, or truncated ({reason})", path=path, fix=DAMAGED
    )


def check_replaceable(
    path: str | os.PathLike[str], kind: str, is_one: Callable[[pa.Schema], bool]
) -> None:
    """Raise InputError if a parquet file of another kind is where an output shall be.

    The shell makes ``-o members/*.parquet`` the first of them, which is then no input.
    """
    if is_stream(path) or not os.path.isfile(path):
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
    except (OSError, pa.ArrowException):
        return
    if not is_one(schema):
        raise InputError(
            f"is there already, and is not {kind}",
            path=path,
            fix="Give the output another name, or remove that file.",
        )
