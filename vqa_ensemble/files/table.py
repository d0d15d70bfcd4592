"""Tables as files: CSV, of which every cell is the text it is, and parquet."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vqa_ensemble.errors import InputError
from vqa_ensemble.files.atomic import atomic_write
from vqa_ensemble.files.text import check_ending

if TYPE_CHECKING:
    import pyarrow as pa


def is_parquet(path: str | os.PathLike[str]) -> bool:
    """Whether a table is parquet rather than CSV; InputError if its name ends in neither."""
    return check_ending(path, (".csv", ".parquet")) == ".parquet"


def csv_rows(
    lines: Iterable[str], *, fix: str, delimiter: str = ",", strict: bool = True
) -> Iterator[tuple[int, list[str]]]:
    """The cells of each row, with the number of the line that it ends in; a blank one has none.

    Raises
    ------
    InputError
        If it is not CSV; ``fix`` says what to do then.
    """
    rows = csv.reader(lines, delimiter=delimiter, strict=strict)
    try:
        for row in rows:
            yield rows.line_num, row
    except csv.Error as error:
        # A strict reader mostly misses a closing quote, and then stands at the end of the file.
        where = None if strict else f"line {rows.line_num}"
        raise InputError(f"is not CSV: {error}", where=where, fix=fix) from error


def read_columns(
    path: str | os.PathLike[str], columns: Sequence[tuple[str, str]]
) -> list[pa.Array]:
    """Columns of a parquet table, or of a CSV table, whose columns of numbers are numbers.

    Parameters
    ----------
    path : path-like
    columns : sequence of (str, str)
        Each column's name, and what to do if there is none.

    Raises
    ------
    InputError
        If the table is not readable, or has a column not, twice, or in another encoding.
    """
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet as pq

    try:
        if Path(path).suffix.lower() == ".csv":
            # Every value stays the string it is: "NA", "null" and "" are answers too.
            options = pyarrow.csv.ConvertOptions(strings_can_be_null=False)
            table = pyarrow.csv.read_csv(path, convert_options=options)
        else:
            table = pq.ParquetFile(path).read()
        names = table.column_names
        table.validate(full=True)  # strings that are not UTF-8
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise InputError(
            f"not a readable table ({error})", fix="Save it again as .parquet or .csv."
        ) from error
    for name, fix in columns:
        if name not in names:
            raise InputError(
                f"has no column '{name}'; its columns are: {', '.join(names)}", fix=fix
            )
        check_once(names, [name])
        if pa.types.is_binary(table[name].type):  # what a CSV reader makes of other encodings
            raise InputError(f"column '{name}' is not UTF-8 text", fix="Save it as UTF-8.")
    return [table[name].combine_chunks() for name, _ in columns]


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
