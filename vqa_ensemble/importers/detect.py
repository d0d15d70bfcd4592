"""Which format a file has, by its ending and its first row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from vqa_ensemble.errors import InputError, at
from vqa_ensemble.files.records import (
    Record,
    ending,
    read_document,
    read_records,
    refuse_pickle,
    rows_of,
)
from vqa_ensemble.importers import FORMATS, importer, lavis, pipeline, table
from vqa_ensemble.importers.base import ImportOptions
from vqa_ensemble.importers.columns import may_be_predicted
from vqa_ensemble.importers.logits import ENDINGS

_TABLES = (".csv", ".parquet", ".arrow", "")
# Formats whose answers stand under ``answer``, as the right ones may too.
_OF_ANSWERS = ("table", "vizwiz", "vqa")


def detect_format(path: str, options: ImportOptions) -> tuple[str, ImportOptions]:
    """The name of the format of a file, and the options with the column of answers that it has.

    Raises
    ------
    InputError
        If no format fits, it is not clear which column holds the answers, or the file cannot be
        read.
    """
    refuse_pickle(path)
    if ending(path) in ENDINGS:
        return "logits", options
    if ending(path) == ".json":
        document = read_document(path)
        if pipeline.recognizes_document(document):
            return "pipeline", options
        if lavis.recognizes_document(document):
            return "lavis", options
        with at(path):
            row = next(rows_of(document))
    elif pipeline.recognizes_lines(path):
        return "pipeline", options
    else:
        row = next(read_records(path))
    return _by_row(row, path, options)


def _by_row(row: Record, path: str, options: ImportOptions) -> tuple[str, ImportOptions]:
    """What ``detect_format`` tells of a file of rows, by its first one."""
    by_turn = sorted((format.turn, name) for name, format in FORMATS.items() if format.turn)
    found = next((name for _, name in by_turn if importer(name).recognizes(row)), None)
    if found in (None, *_OF_ANSWERS) and options.answer_column is None:
        options = replace(options, answer_column=_answer_column(row, path))
    # Tables of several rows a question look like results with one; a named column is meant.
    unheeded = set(options.named) - set(FORMATS[found].options if found else ())
    named = found in _OF_ANSWERS and any("column" in name for name in options.named)
    if table.recognizes(row, options) and (
        ending(path) in _TABLES or named or unheeded or not found
    ):
        return "table", options
    if found is None:
        raise InputError(
            f"is of no known format; its first row has: {', '.join(map(str, list(row)[:10]))}",
            path=path,
            fix=f"Name the format ({', '.join(FORMATS)}), or the columns of a table with "
            "--question-id-column and --answer-column.",
        )
    return found, options


def _answer_column(row: Mapping[str, Any], path: str) -> str | None:
    """The column that holds a model's answers where it is not ``answer``.

    Refuses a row with two, of which one may hold the right answers: that would score 100 %.
    """
    columns = may_be_predicted(row)
    if len(columns) > 1:
        *some, last = map(repr, columns)
        raise InputError(
            f"has the columns {', '.join(some)} and {last}, and one may hold the right answers",
            path=path,
            fix=f"Give --answer-column {next(name for name in columns if name != 'answer')}, or "
            "another that is the model's.",
        )
    return columns[0] if columns and columns != ["answer"] else None
