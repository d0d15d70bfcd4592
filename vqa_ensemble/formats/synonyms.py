"""Synonyms files: CSV with the columns ``answer`` and ``canonical``, to be edited by hand.

Each row says that ``answer`` is counted, and written, as ``canonical``. A row that names an
answer as its own canonical keeps it apart from what the rules would join it with.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator

from vqa_ensemble.errors import InputError
from vqa_ensemble.formats.text import read_text
from vqa_ensemble.normalize import normalize_answer

COLUMNS = ("answer", "canonical")


def read_synonyms(path: str | os.PathLike[str]) -> dict[str, str]:
    """Read a synonyms file into answer → canonical answer, in the order of the file.

    Lines that start with ``#`` are comments. Answers are told apart by their normal form.

    Raises
    ------
    InputError
        Naming the file and the line: not UTF-8 CSV with the two columns, a blank value, an
        answer given two canonicals, a canonical that is itself given another.
    """
    synonyms: dict[str, str] = {}
    meant: dict[str, tuple[str, int]] = {}
    header = False
    for line, row in _rows(path):
        where = f"line {line}"
        cells = tuple(cell.strip() for cell in row)
        if not header:
            if cells != COLUMNS:
                raise InputError(
                    f"the first line is '{','.join(row)}'",
                    path=path,
                    where=where,
                    fix="It must be 'answer,canonical'.",
                )
            header = True
            continue
        if len(cells) != len(COLUMNS) or not all(cells):
            raise InputError(
                "needs an answer and its canonical answer",
                path=path,
                where=where,
                fix='Quote answers that hold a comma: "1,000".',
            )
        answer, canonical = cells
        form = normalize_answer(answer) or answer
        if meant.get(form, (canonical,))[0] != canonical:
            raise InputError(
                f"'{answer}' is '{canonical}' here and '{meant[form][0]}' in line {meant[form][1]}",
                path=path,
                where=where,
                fix="Keep one of the lines.",
            )
        synonyms[answer] = canonical
        meant[form] = (canonical, line)
    if not header:
        raise InputError("is empty", path=path, fix="Its first line must be 'answer,canonical'.")
    _check_canonicals(meant, path)
    return synonyms


def _rows(path: str | os.PathLike[str]) -> Iterator[tuple[int, list[str]]]:
    """Each line that is not blank, with its number."""
    # A comment leaves a blank line, so that the numbers of lines stay right.
    lines = ["" if line.startswith("#") else line for line in read_text(path).splitlines()]
    rows = csv.reader(io.StringIO("\n".join(lines)))
    try:
        yield from ((rows.line_num, row) for row in rows if row)
    except csv.Error as error:
        raise InputError(
            f"is not CSV: {error}",
            path=path,
            where=f"line {rows.line_num}",
            fix='Write an answer and its canonical answer in a line; close every ".',
        ) from error


def _check_canonicals(meant: dict[str, tuple[str, int]], path: str | os.PathLike[str]) -> None:
    for canonical, line in meant.values():
        further, there = meant.get(normalize_answer(canonical) or canonical, (canonical, line))
        if further != canonical:
            raise InputError(
                f"'{canonical}' is itself given the canonical '{further}' in line {there}",
                path=path,
                where=f"line {line}",
                fix=f"Give '{further}' here too.",
            )
