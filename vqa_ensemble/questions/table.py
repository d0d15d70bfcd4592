"""Columns of questions: a type, a group or an answer for every question id, from any table.

A column is named as ``FILE`` or ``FILE:COLUMN``. The file is a table of any kind with a column of
ids, or VQA question or annotation JSON.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vqa_ensemble.errors import InputError, at
from vqa_ensemble.files.atomic import atomic_path
from vqa_ensemble.files.json import read_json
from vqa_ensemble.files.records import (
    Record,
    as_id,
    as_text,
    ending,
    ids_from_texts,
    is_text_table,
    read_records,
    rows_of,
)
from vqa_ensemble.files.spreadsheet import guard, unguard
from vqa_ensemble.files.table import is_parquet, read_columns, write_csv
from vqa_ensemble.files.text import check_regular_file
from vqa_ensemble.questions.ids import QuestionIds, look_up_all, question_ids_of

ID_NAMES = ("question_id", "questionId", "qid", "id", "index")
NAME_COLUMN = "Name the column as FILE:COLUMN."
# What benchmarks call the picture; in VizWiz it is the question's id too.
_IMAGES = ("image_id", "image", "imageId")


class QuestionColumn:
    """One column of a table of questions, looked up by question id.

    Parameters
    ----------
    spec : str
        ``FILE`` or ``FILE:COLUMN``.
    default : str
        The column where ``spec`` names none.

    Raises
    ------
    InputError
        If the file is missing or unreadable, lacks the column, or gives a question twice.
    """

    def __init__(self, spec: str, default: str) -> None:
        self.path, self.column = split_column(spec, default)
        # Every cell of a CSV file is text, which does not tell if ids are integers.
        self._told = not is_text_table(self.path)
        with at(self.path):
            ids, values = _read(self.path, self.column)
            self._ids = question_ids_of(ids)
            self._values = pa.array(values, pa.string())

    def look_up(self, question_ids: QuestionIds) -> list[str]:
        """The values for the given questions, as strings, in their order.

        Parameters
        ----------
        question_ids : ndarray, shape (Q,)

        Raises
        ------
        InputError
            If some of the questions are not in the table, or their value is null.
        """
        with at(self.path):
            return self._look_up(question_ids)

    def _look_up(self, question_ids: QuestionIds) -> list[str]:
        fix = "Add them, or give the table of this split."
        position = look_up_all(question_ids, self._ids, told=self._told, whose="", fix=fix)
        chosen = self._values.take(pa.array(position))
        if chosen.null_count:
            first = question_ids[int(np.argmax(np.asarray(chosen.is_null())))]
            raise InputError(
                f"'{self.column}' is null",
                where=f"question {first}",
                fix="Fill it in, or drop the row.",
            )
        texts: list[str] = chosen.to_pylist()
        return texts

    def names(self) -> tuple[str, ...]:
        """The distinct values, in alphabetical order."""
        return tuple(sorted(self._values.unique().drop_null().to_pylist()))


def read_question_column(spec: str, default: str, question_ids: QuestionIds) -> list[str]:
    """The values of one column for the given questions: ``QuestionColumn(…).look_up(…)``."""
    return QuestionColumn(spec, default).look_up(question_ids)


def write_question_column(
    path: str | os.PathLike[str], name: str, question_ids: QuestionIds, values: Sequence[str]
) -> None:
    """Write a table of ``question_id`` and one column, as :func:`read_question_column` reads it.

    Raises
    ------
    InputError
        If ``path`` ends in neither .csv nor .parquet, or cannot be written.
    """
    if is_parquet(path):
        column = pa.array(values, pa.string()).dictionary_encode()
        with atomic_path(path) as temporary:
            pq.write_table(
                pa.table({"question_id": pa.array(question_ids), name: column}), temporary
            )
        return
    ids = [guard(one) if isinstance(one, str) else one for one in question_ids.tolist()]
    write_csv(path, ["question_id", name], zip(ids, map(guard, values), strict=True))


def split_column(spec: str, default: str) -> tuple[str, str]:
    """The path and the column of ``FILE:COLUMN``, or of ``FILE`` and the default."""
    path, colon, column = spec.rpartition(":")
    if colon and not Path(spec).exists():
        return path, column
    return spec, default


def _read(path: str, column: str) -> tuple[Sequence[int | str], list[str | None]]:
    """The distinct question ids, and the column; what is null stays null."""
    texts: dict[int | str, str | None] = {}
    clean = unguard if ending(path) == ".csv" else str
    # Few texts are distinct, and rows are many: a million in the largest data sets.
    known: dict[str, str] = {}
    where: object = ""
    try:
        for where, given, value in _cells(path, column):  # noqa: B007  for messages
            question = as_id(given, ID_NAMES[0])
            if type(question) is str:
                question = clean(question)
            text = known.get(value) if type(value) is str else None
            if text is None and value is not None:
                text = clean(as_text(value, column)).strip()
                if type(value) is str:
                    known[value] = text
            if texts.setdefault(question, text) != text:
                raise InputError(
                    f"question {question} has another '{column}' in a row before",
                    fix="Keep one of the rows.",
                )
    except InputError as error:
        error.place(None, f"row {where}" if type(where) is int else str(where))
        raise
    ids = ids_from_texts([*map(str, texts)]) if is_text_table(path) else [*texts]
    return ids, [*texts.values()]


def _cells(path: str, column: str) -> Iterator[tuple[int | str, Any, Any]]:
    """The place, the id and the value of each row."""
    check_regular_file(path)
    if ending(path) == ".parquet":
        ids, values = read_columns(path, lambda names: (_id_name(names, column), column))
        yield from zip(range(len(ids)), ids, values, strict=True)
        return
    name = ""
    for row in _of_json(path) if ending(path) == ".json" else read_records(path):
        if not (name in row and column in row):
            if column == _IMAGES[0]:
                column = next((image for image in _IMAGES if image in row), column)
            name = _id_name([*row], column)
        yield row.where, row[name], row[column]


def _id_name(names: Sequence[str], column: str) -> str:
    """The column of ids among these; raises InputError if it or the other column is not there."""
    found = next((name for name in (*ID_NAMES, _IMAGES[1]) if name in names), "")
    for name, fix in ((found, "Rename the column that holds the ids."), (column, NAME_COLUMN)):
        if name not in names:
            raise InputError(
                f"has no column '{name or ID_NAMES[0]}'; its columns are: {', '.join(names)}",
                fix=fix,
            )
    return found


def _of_json(path: str) -> Iterator[Record]:
    """The rows of a JSON file: a list, or questions or annotations as VQA has them."""
    document = read_json(path)
    if isinstance(document, dict) and isinstance(document.get("questions"), list):
        document = document["questions"]
    return rows_of(document)
