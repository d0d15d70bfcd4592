"""Tables as files: CSV, of which every cell is the text it is, and parquet."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from vqa_ensemble.errors import InputError
from vqa_ensemble.files.atomic import atomic_write, is_stream
from vqa_ensemble.files.text import check_ending

if TYPE_CHECKING:
    import pyarrow as pa


def is_parquet(path: str | os.PathLike[str]) -> bool:
    """Whether a table is parquet; InputError if its name ends in neither .parquet nor .csv.

    What is written to standard output or a pipe is CSV.
    """
    return not is_stream(path) and check_ending(path, (".csv", ".parquet")) == ".parquet"


def csv_rows(
    lines: Iterable[str], *, fix: str, delimiter: str = ",", strict: bool = True
) -> Iterator[tuple[int, list[str]]]:
    """The cells of each row, with the number of the line that it ends in; a blank one has none.

    Raises
    ------
    InputError
        If it is not CSV; ``fix`` says what to do then.
    """
    csv.field_size_limit(2**31 - 1)  # by default a cell of 131,072 characters is an error
    rows = csv.reader(lines, delimiter=delimiter, strict=strict)
    try:
        for row in rows:
            yield rows.line_num, row
    except csv.Error as error:
        # A strict reader mostly misses a closing quote, and then stands at the end of the file.
        where = None if strict else f"line {rows.line_num}"
        raise InputError(f"is not CSV: {error}", where=where, fix=fix) from error


def read_columns(path: str, choose: Callable[[Sequence[str]], Sequence[str]]) -> list[list[Any]]:
    """Columns of a parquet table, of all that it has chosen by name; the others are not read.

    Raises
    ------
    InputError
        If the table is not readable, or has a column twice.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from vqa_ensemble.files.parquet import unreadable

    try:
        file = pq.ParquetFile(path)
        names = file.schema_arrow.names
        wanted = choose(names)
        check_once(names, wanted)
        table = file.read(columns=[*wanted])
        return [_plain(table[name]).to_pylist() for name in wanted]
    except (OSError, pa.ArrowException, ValueError, OverflowError) as error:
        raise unreadable(path, error) from error


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Without a dictionary, whose values pyarrow makes objects of one by one."""
    kind = column.type
    return column.cast(kind.value_type) if hasattr(kind, "index_type") else column


def check_once(names: Sequence[str], wanted: Iterable[str]) -> None:
    """Raise InputError if a table has one of the wanted columns more than once."""
    for name in wanted:
        if names.count(name) > 1:
            raise InputError(f"has the column '{name}' twice", fix="Rename one of them.")


def csv_text(header: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """A table as CSV: quotes around the cells that need them, lines that end in a newline."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def write_csv(
    path: str | os.PathLike[str], header: Sequence[str], rows: Iterable[Iterable[object]]
) -> None:
    """Write a table, whole or not at all.

    Raises
    ------
    InputError
        If ``path`` cannot be written.
    """
    atomic_write(path, csv_text(header, rows).encode())
