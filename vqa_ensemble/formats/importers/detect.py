"""Which format a file has, by its ending and its first row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vqa_ensemble.errors import InputError
from vqa_ensemble.formats.importers import FORMATS, importer, lavis, pipeline, table
from vqa_ensemble.formats.importers.base import ImportOptions
from vqa_ensemble.formats.importers.logits import ENDINGS
from vqa_ensemble.formats.importers.records import (
    ending,
    read_document,
    read_records,
    refuse_pickle,
    rows_of,
)

# Those told by their first row, the most particular first.
_BY_ROW = (
    "lmms-eval",
    "openai-batch",
    "vlmevalkit",
    "mmf",
    "gqa",
    "pipeline",
    "lavis",
    "vizwiz",
    "vqa",
)
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
        row = next(rows_of(document, path))[1]
    elif pipeline.recognizes_lines(path):
        return "pipeline"
    else:
        row = next(read_records(path))[1]
    # Tables of several rows a question look like results with one; a named column is meant.
    columns = (
        ending(path) in (".csv", ".parquet", ".arrow", "") or options.answer_column != "answer"
    )
    for name in ("table", *_BY_ROW) if columns else (*_BY_ROW, "table"):
        if name == "table":
            found, column = table.recognizes(row, options), options.answer_column
        else:
            found, column = importer(name).recognizes(row), "answer"
        if found:
            if name in _OF_ANSWERS:
                _check_one_answer(row, column, path)
            return name
    raise InputError(
        f"is of no known format; its first row has: {', '.join(map(str, list(row)[:10]))}",
        path=path,
        fix=f"Name the format ({', '.join(FORMATS)}), or the columns of a table with "
        "--question-id-column and --answer-column.",
    )


def _check_one_answer(row: Mapping[str, Any], column: str, path: str) -> None:
    """Refuse a file whose ``answer`` may be the right answer, since that would score 100 %."""
    other = next((name for name in _PREDICTED if name in row), None)
    if column == "answer" and other is not None:
        raise InputError(
            f"has the columns 'answer' and '{other}', and one may hold the right answers",
            path=path,
            fix=f"Give --answer-column {other}; or put table before the files for 'answer'.",
        )
