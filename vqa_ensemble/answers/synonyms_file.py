"""Synonyms files: CSV with the columns ``answer`` and ``canonical``, to be edited by hand.

Each row says that ``answer`` is counted, and written, as ``canonical``. A row that names an
answer as its own canonical keeps it apart from what the rules would join it with.
"""

from __future__ import annotations

import io
import os

from vqa_ensemble.answers.normalize import vote_form
from vqa_ensemble.errors import InputError, at
from vqa_ensemble.files.table import csv_rows
from vqa_ensemble.files.text import read_text

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
    with at(path):
        return _read(path)


def _read(path: str | os.PathLike[str]) -> dict[str, str]:
    # A comment leaves a blank line, so that the numbers of lines stay right.
    lines = ["" if line.startswith("#") else line for line in read_text(path).splitlines()]
    fix = 'Write an answer and its canonical answer in a line; close every ".'
    numbered = csv_rows(io.StringIO("\n".join(lines)), fix=fix, strict=False)
    rows = ((line, row) for line, row in numbered if row)
    line, header = next(rows, (0, []))
    if not header:
        raise InputError("is empty", fix="Its first line must be 'answer,canonical'.")
    if tuple(cell.strip() for cell in header) != COLUMNS:
        raise InputError(
            f"the first line is '{','.join(header)}'",
            where=f"line {line}",
            fix="It must be 'answer,canonical'.",
        )
    synonyms: dict[str, str] = {}
    meant: dict[str, tuple[str, int]] = {}
    for line, row in rows:
        with at(None, f"line {line}"):
            cells = [cell.strip() for cell in row]
            if len(cells) != len(COLUMNS) or not all(cells):
                raise InputError(
                    "needs an answer and its canonical answer",
                    fix='Quote answers that hold a comma: "1,000".',
                )
            answer, canonical = cells
            form = vote_form(answer) or answer
            before, there = meant.get(form, (canonical, line))
            if before != canonical:
                raise InputError(
                    f"'{answer}' is '{canonical}' here and '{before}' in line {there}",
                    fix="Keep one of the lines.",
                )
            synonyms[answer] = canonical
            meant[form] = (canonical, line)
    for canonical, line in meant.values():
        further, there = meant.get(vote_form(canonical) or canonical, (canonical, line))
        if further != canonical:
            raise InputError(
                f"'{canonical}' is itself given the canonical '{further}' in line {there}",
                where=f"line {line}",
                fix=f"Give '{further}' here too.",
            )
    return synonyms
