"""Which format a file has, by its ending and its first row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vqa_ensemble.errors import InputError, at
from vqa_ensemble.files.records import ending, read_document, read_records, refuse_pickle, rows_of
from vqa_ensemble.importers import FORMATS, importer, lavis, pipeline, table
from vqa_ensemble.importers.base import ImportOptions
from vqa_ensemble.importers.logits import ENDINGS

_TABLES = (".csv", ".parquet", ".arrow", "")
# Formats whose answers stand under ``answer``, as the right ones may too.
_OF_ANSWERS = ("table", "vizwiz", "vqa")
# Columns that hold a model's answers where ``answer`` holds the right one, as in many data sets.
_PREDICTED = (
    "prediction",
    "pred",
    "pred_answer",
    "predicted_answer",
    "model_answer",
    "response",
    "generated_text",
)


def detect_format(path: str, options: ImportOptions) -> str:
    """The name of the format of a file.

    Raises
    ------
    InputError
        If no format fits, it is not clear which column holds the answers, or the file cannot be
        read.
    """
    refuse_pickle(path)
    if ending(path) in ENDINGS:
        return "logits"
    if ending(path) == ".json":
        document = read_document(path)
        if pipeline.recognizes_document(document):
            return "pipeline"
        if lavis.recognizes_document(document):
            return "lavis"
        with at(path):
            row = next(rows_of(document))
    elif pipeline.recognizes_lines(path):
        return "pipeline"
    else:
        row = next(read_records(path))
    by_row = sorted((format.turn, name) for name, format in FORMATS.items() if format.turn)
    found = next((name for _, name in by_row if importer(name).recognizes(row)), None)
    column = "answer"
    # Tables of several rows a question look like results with one; a named column is meant.
    table_first = ending(path) in _TABLES or options.columns.answer != column
    if table.recognizes(row, options) and (table_first or found is None):
        found, column = "table", options.columns.answer
    if found is None:
        raise InputError(
            f"is of no known format; its first row has: {', '.join(map(str, list(row)[:10]))}",
            path=path,
            fix=f"Name the format ({', '.join(FORMATS)}), or the columns of a table with "
            "--question-id-column and --answer-column.",
        )
    if found in _OF_ANSWERS:
        _check_one_answer(row, column, path)
    return found


def _check_one_answer(row: Mapping[str, Any], column: str, path: str) -> None:
    """Refuse a file whose ``answer`` may be the right answer, since that would score 100 %."""
    other = next((name for name in _PREDICTED if name in row), None)
    if column == "answer" and other is not None:
        raise InputError(
            f"has the columns 'answer' and '{other}', and one may hold the right answers",
            path=path,
            fix=f"Give --answer-column {other}; or put table before the files for 'answer'.",
        )
