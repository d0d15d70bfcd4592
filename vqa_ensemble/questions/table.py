"""Columns of questions: a type, a group or an answer for every question id, from any table.

A column is named as ``FILE`` or ``FILE:COLUMN``. Parquet and CSV tables have a ``question_id``
column; VQA question and annotation JSON have their lists.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vqa_ensemble.errors import InputError, at
from vqa_ensemble.files.atomic import atomic_path
from vqa_ensemble.files.json import read_json
from vqa_ensemble.files.table import is_parquet, read_columns, write_csv
from vqa_ensemble.files.text import check_ending, check_regular_file
from vqa_ensemble.questions.ids import QuestionIds, check_same_type, first_few, look_up

NAME_COLUMN = "Name the column as FILE:COLUMN."


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
        with at(self.path):
            ids, self._values = _read(self.path, self.column)
            self._ids = _checked_ids(ids)

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
        check_same_type(self._ids, question_ids, "the members'")
        position = look_up(question_ids, self._ids)
        lacking = question_ids[position < 0]
        if len(lacking):
            raise InputError(
                f"lacks {len(lacking)} of {len(question_ids)} questions: {first_few(lacking)}",
                fix="Add them, or give the table of this split.",
            )
        chosen = self._values.take(pa.array(position))
        if chosen.null_count:
            first = question_ids[int(np.argmax(np.asarray(chosen.is_null())))]
            raise InputError(
                f"'{self.column}' is null",
                where=f"question {first}",
                fix="Fill it in, or drop the row.",
            )
        texts: list[str] = chosen.cast(pa.string()).to_pylist()
        return texts

    def names(self) -> tuple[str, ...]:
        """The distinct values, in alphabetical order."""
        return tuple(sorted(self._values.cast(pa.string()).unique().drop_null().to_pylist()))


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
    write_csv(path, ["question_id", name], zip(question_ids.tolist(), values, strict=True))


def _checked_ids(ids: pa.Array) -> QuestionIds:
    ids = ids.cast(pa.int64() if pa.types.is_integer(ids.type) else pa.string())
    if ids.null_count:
        raise InputError(
            "question_id is null",
            where=f"row {pc.index(ids.is_null(), True).as_py()}",
            fix="Fill it in, or drop the row.",
        )
    if pc.count_distinct(ids).as_py() != len(ids):
        counts = pc.value_counts(ids).to_pylist()
        twice = next(entry["values"] for entry in counts if entry["counts"] > 1)
        raise InputError("stands twice", where=f"question {twice}", fix="Keep one of the rows.")
    found: QuestionIds = ids.to_numpy(zero_copy_only=False)
    return found


def split_column(spec: str, default: str) -> tuple[str, str]:
    """The path and the column of ``FILE:COLUMN``, or of ``FILE`` and the default."""
    path, colon, column = spec.rpartition(":")
    if colon and not Path(spec).exists():
        return path, column
    return spec, default


def _read(path: str, column: str) -> Sequence[pa.Array]:
    """The question ids and the column."""
    check_regular_file(path)
    if check_ending(path, (".csv", ".parquet", ".json")) == ".json":
        return _read_json_column(path, column)
    fix = "Rename the column that holds the ids."
    return read_columns(path, [("question_id", fix), (column, NAME_COLUMN)])


def _read_json_column(path: str, column: str) -> Sequence[pa.Array]:
    rows: Any = read_json(path)
    if isinstance(rows, dict):
        rows = rows.get("questions", rows.get("annotations"))
    if not isinstance(rows, list) or not rows:
        raise InputError(
            'has no list of "questions" or "annotations"',
            fix="Give a VQA question or annotation file, or a .csv or .parquet table.",
        )
    for i, row in enumerate(rows):
        if not isinstance(row, dict) or "question_id" not in row:
            raise InputError(
                'has no "question_id"', where=f"row {i}", fix="Add it, or drop the row."
            )
        if column not in row:
            question = f"question {row['question_id']}"
            raise InputError(f'has no "{column}"', where=question, fix=NAME_COLUMN)
    try:
        return [pa.array([row[name] for row in rows]) for name in ("question_id", column)]
    except pa.ArrowException as error:
        raise InputError(
            f'"question_id" or "{column}" has mixed types',
            fix="Make all values of a column integers, or all strings.",
        ) from error
