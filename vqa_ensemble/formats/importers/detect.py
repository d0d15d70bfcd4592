"""Which format a file has, by its ending and its first row."""

from __future__ import annotations

from vqa_ensemble.errors import InputError
from vqa_ensemble.formats.importers import FORMATS, importer, lavis, pipeline, table
from vqa_ensemble.formats.importers.base import ImportOptions
from vqa_ensemble.formats.importers.logits import ENDINGS
from vqa_ensemble.formats.importers.records import (
    JSON_LINES,
    ending,
    json_lines,
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


def detect_format(path: str, options: ImportOptions) -> str:
    """The name of the format of a file.

    Raises
    ------
    InputError
        If no format fits, or the file cannot be read.
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
    elif ending(path) in JSON_LINES and pipeline.recognizes_document([next(json_lines(path))[1]]):
        return "pipeline"
    else:
        row = next(read_records(path))[1]
    # Tables of several rows a question look like results with one.
    text_or_columns = ending(path) in (".csv", ".parquet", ".arrow", "")
    if text_or_columns and table.recognizes(row, options):
        return "table"
    for name in _BY_ROW:
        if importer(name).recognizes(row):
            return name
    if table.recognizes(row, options):
        return "table"
    raise InputError(
        f"is of no known format; its first row has: {', '.join(map(str, list(row)[:10]))}",
        path=path,
        fix=f"Name the format ({', '.join(FORMATS)}), or the columns of a table with "
        "--question-id-column and --answer-column.",
    )
