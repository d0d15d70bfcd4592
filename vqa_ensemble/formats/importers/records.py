"""Rows of the files that other tools write, as dictionaries with their place in the file.

JSON lists and lines, CSV and TSV, Excel workbooks, parquet, and Arrow files of Hugging Face
``datasets``. Text tables give every value as the string it is: ``None``, ``NA`` and ``2`` are
answers. Nothing is ever unpickled.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vqa_ensemble.errors import DAMAGED, InputError, at, need, shown
from vqa_ensemble.files.json import parse_with_nan, read_json
from vqa_ensemble.formats.text import cannot_read, check_ending, check_regular_file

Record = tuple[str, Mapping[str, Any]]

# Keys under which tools put their list of rows beside other things.
_LIST_KEYS = ("annotations", "data", "logs", "predictions", "results")
JSON_LINES = (".jsonl", ".ndjson")
_PICKLES = (".pkl", ".pickle")
# How a workbook writes control characters, which XML cannot hold: _x000D_ is a carriage return.
_CONTROL = re.compile("_x(00[01][0-9A-F])_")
_AS_ROWS = "Write a list of objects, one a row; pandas does with to_json(…, orient='records')."
_AS_OBJECT = 'Write it as {"question_id": …, …}, or take it out.'


def ending(path: str) -> str:
    """The ending of a file's name in lower case, ``.jsonl`` for instance; '' for a folder."""
    return "" if Path(path).is_dir() else Path(path).suffix.lower()


def refuse_pickle(path: str) -> None:
    """Raise InputError for a pickle: reading one runs whatever code it holds."""
    if ending(path) in _PICKLES:
        raise InputError(
            "is a Python pickle, which can run code when it is read",
            path=path,
            fix="Save it as JSON, TSV or xlsx with the tool that wrote it, and import that.",
        )


def is_text_table(path: str) -> bool:
    """Whether the file holds text only, so that an id's type is not told."""
    return ending(path) in (".csv", ".tsv", ".xlsx")


def read_document(path: str) -> Any:
    """A whole JSON file; NaN is accepted, as Python's ``json`` writes it.

    Raises
    ------
    InputError
        As :func:`~vqa_ensemble.files.json.read_json`.
    """
    refuse_pickle(path)
    return read_json(path, nan=True)


def read_records(path: str) -> Iterator[Record]:
    """Each row of a file with its place in it.

    Raises
    ------
    InputError
        Naming the file and the row: missing, empty, of an unknown kind, broken or truncated, a
        row that is not an object.
    """
    refuse_pickle(path)
    if Path(path).is_dir():
        return _dataset_folder(path)
    check_regular_file(path)
    readers = {
        ".json": _json,
        **dict.fromkeys(JSON_LINES, _json_lines),
        ".csv": _delimited,
        ".tsv": _delimited,
        ".xlsx": _workbook,
        ".parquet": _parquet,
        ".arrow": _arrow,
    }
    return readers[check_ending(path, [*readers])](path)


def rows_of(document: Any, path: str) -> Iterator[Record]:
    """The rows of a JSON document: a list, or an object that holds one under a usual key.

    Raises
    ------
    InputError
        If there is no such list, it is empty, or a row is not an object.
    """
    rows = document
    if isinstance(document, dict):
        rows = next((document[k] for k in _LIST_KEYS if isinstance(document.get(k), list)), None)
    if not isinstance(rows, list):
        raise InputError(
            "holds no list of rows"
            + (
                f", but the keys {', '.join(list(document)[:5])}"
                if document and isinstance(document, dict)
                else f", but {shown(document)}"
            ),
            path=path,
            fix=_AS_ROWS,
        )
    if not rows:
        raise InputError("holds no rows", path=path, fix="Check that the tool finished.")
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            raise InputError("is not an object", path=path, where=f"row {number}", fix=_AS_ROWS)
        yield f"row {number}", row


def value_of(record: Mapping[str, Any], name: str, path: str, where: str) -> Any:
    """A row's value.

    Raises
    ------
    InputError
        If the row has none of that name.
    """
    try:
        return record[name]
    except KeyError:
        raise InputError(
            f"has no '{name}'; it has: {', '.join(map(str, list(record)[:10])) or 'nothing'}",
            path=path,
            where=where,
            fix="Name another format before the files, or mend the row.",
        ) from None


def _json(path: str) -> Iterator[Record]:
    return rows_of(read_json(path, nan=True), path)


def json_lines(path: str) -> Iterator[tuple[str, Any]]:
    """The value on each line of a file of JSON lines, with its place.

    Raises
    ------
    InputError
        Naming the file and the line: missing, empty, broken or truncated.
    """
    check_regular_file(path)
    empty = True
    try:
        with Path(path).open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                try:
                    value = parse_with_nan(line.removeprefix(b"\xef\xbb\xbf"))
                except json.JSONDecodeError as error:
                    raise InputError(
                        f"not valid JSON, or truncated ({error.msg})",
                        path=path,
                        where=f"line {number}",
                        fix="Write the file again, or remove the line.",
                    ) from error
                empty = False
                yield f"line {number}", value
    except OSError as error:
        raise cannot_read(path, error) from error
    if empty:
        raise InputError("holds no rows", path=path, fix="Check that the tool finished.")


def _json_lines(path: str) -> Iterator[Record]:
    for where, row in json_lines(path):
        if not isinstance(row, dict):
            raise InputError("is not an object", path=path, where=where, fix=_AS_OBJECT)
        yield where, row


def _delimited(path: str) -> Iterator[Record]:
    delimiter = "\t" if ending(path) == ".tsv" else ","
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            header = next(reader, [])
            _check_header(header, path)
            empty = True
            for row in reader:
                where = f"line {reader.line_num}"
                if not row:
                    continue
                if len(row) != len(header):
                    raise InputError(
                        f"has {len(row)} fields, the header {len(header)}",
                        path=path,
                        where=where,
                        fix='Put a value that holds the delimiter or a newline in "quotes".',
                    )
                empty = False
                yield where, dict(zip(header, row, strict=True))
    except csv.Error as error:
        raise InputError(
            f"is not CSV: {error}",
            path=path,
            fix="Save it again as CSV, with quotes around cells that hold commas.",
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"not UTF-8 text (byte {error.start})", path=path, fix="Save it as UTF-8."
        ) from error
    except OSError as error:
        raise cannot_read(path, error) from error
    if empty:
        raise InputError("holds no rows", path=path, fix="Check that the tool finished.")


def _workbook(path: str) -> Iterator[Record]:
    with at(path), need("reading .xlsx needs openpyxl", extra="import"):
        import openpyxl
    import warnings

    try:
        with warnings.catch_warnings():
            # What is invalid is left out: it may be the sheet with the rows.
            warnings.filterwarnings("error", ".*contains (an )?invalid", UserWarning)
            book = openpyxl.load_workbook(path, read_only=True)
        try:
            yield from _sheet(book.worksheets[0], path)
        finally:
            book.close()
    except (InputError, MemoryError):
        raise
    except Exception as error:  # a broken archive or its XML raises nearly anything
        raise InputError(
            f"not a readable .xlsx workbook ({error})",
            path=path,
            fix="Save it again as .xlsx, or as .tsv.",
        ) from error


def _sheet(sheet: Any, path: str) -> Iterator[Record]:
    rows = sheet.iter_rows(values_only=True)
    header = [_cell(value) for value in next(rows, ())]
    _check_header(header, path)
    empty = True
    for number, row in enumerate(rows, start=2):
        cells = [_cell(value) for value in row]
        if any(cells):
            empty = False
            yield f"row {number}", dict(zip(header, cells, strict=False))
    if empty:
        raise InputError("holds no rows", path=path, fix="Check that the tool finished.")


def _cell(value: Any) -> str:
    """A cell as text: Excel keeps every number as a float, and 2 is meant by 2.0."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return _CONTROL.sub(lambda found: chr(int(found[1], 16)), str(value))


def _check_header(header: list[str], path: str) -> None:
    if not any(header):
        raise InputError("has no header", path=path, fix="Name the columns in the first line.")
    twice = next((name for name in header if name and header.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"has the column '{twice}' twice", path=path, fix="Rename one of them.")


def _parquet(path: str) -> Iterator[Record]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from vqa_ensemble.formats.predictions import unreadable

    try:
        file = pq.ParquetFile(path)
        names = [name for name in file.schema_arrow.names if not _holds_bytes(file, name)]
        batches = file.iter_batches(columns=names)
        yield from _batches(batches, path)
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise unreadable(path, error) from error


def _holds_bytes(file: Any, name: str) -> bool:
    """Whether a column holds images: data sets keep them beside the answers."""
    import pyarrow as pa

    kind = file.schema_arrow.field(name).type
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind)) or (
        pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0
    )


def _dataset_folder(path: str) -> Iterator[Record]:
    """A folder that ``datasets`` wrote with ``save_to_disk``: Arrow streams in shards."""
    shards = sorted(Path(path).glob("*.arrow"))
    if not shards:
        raise InputError(
            "holds no .arrow files",
            path=path,
            fix="Give the folder of one split, as save_to_disk writes it.",
        )
    for shard in shards:
        for where, row in _arrow(str(shard)):
            yield f"{shard.name} {where}", row


def _arrow(path: str) -> Iterator[Record]:
    import pyarrow as pa

    try:
        with pa.memory_map(path) as source:
            try:
                reader = pa.ipc.open_stream(source)
                batches: Any = reader
            except pa.ArrowInvalid:
                file = pa.ipc.open_file(source)
                batches = (file.get_batch(i) for i in range(file.num_record_batches))
            yield from _batches(batches, path)
    except (OSError, pa.ArrowException) as error:
        raise InputError(
            f"not a readable Arrow file ({error})",
            path=path,
            fix=DAMAGED,
        ) from error


def _batches(batches: Any, path: str) -> Iterator[Record]:
    number = 0
    for batch in batches:
        for row in batch.to_pylist():
            yield f"row {number}", row
            number += 1
    if not number:
        raise InputError("holds no rows", path=path, fix="Check that the tool finished.")
