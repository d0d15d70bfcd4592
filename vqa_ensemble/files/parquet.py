"""Parquet files that others made."""

from __future__ import annotations

from vqa_ensemble.errors import DAMAGED, InputError


def unreadable(path: str, error: Exception) -> InputError:
    """What to say about a file that pyarrow cannot read."""
    reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
    return InputError(
        f"not a readable parquet file, or truncated ({reason})", path=path, fix=DAMAGED
    )
