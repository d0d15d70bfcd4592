"""Tables as CSV: every cell is the text it is, and one way to quote."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator, Sequence

from vqa_ensemble.errors import InputError
from vqa_ensemble.formats.atomic import atomic_write


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
        raise InputError(f"is not CSV: {error}", fix=fix) from error


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
