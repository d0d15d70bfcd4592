"""Rows of the files that other tools write, as dictionaries with their place in the file.

JSON lists and lines, CSV and TSV, Excel workbooks, parquet, and Arrow files of Hugging Face
``datasets``. Text tables give every value as the string it is: ``None``, ``NA`` and ``2`` are
answers. Of JSON these shapes are read, alone or under a usual key (``results``, ``data``):

- a list of rows, or rows on lines, whatever the file's ending says;
- ``{"columns": […], "data": [[…], …]}``: tables of Weights & Biases, pandas' ``split``;
- ``{id: row}`` and ``{id: answer}``, as rows with ``question_id`` (and ``answer``).

Nothing is ever unpickled.
"""

from __future__ import annotations

import json
import math
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, time
from pathlib import Path
from typing import Any

from vqa_ensemble.errors import DAMAGED, InputError, at, need, shown
from vqa_ensemble.files.json import parse_json, parse_with_nan, read_content
from vqa_ensemble.files.table import check_once, csv_rows
from vqa_ensemble.files.text import cannot_read, check_ending, check_regular_file

# Keys under which tools put their list of rows beside other things; right answers last.
LIST_KEYS = ("predictions", "results", "logs", "samples", "data", "annotations")
JSON_LINES = (".jsonl", ".ndjson")
_PICKLES = (".pkl", ".pickle")
# How a workbook writes control characters, which XML cannot hold: _x000D_ is a carriage return.
_CONTROL = re.compile("_x(00[01][0-9A-F])_")
# Formats of a workbook's cells: of numbers, and of dates by their parts.
_DECIMALS = re.compile(r"0(?:\.(0+))?(%?)")
_DATE_PART = re.compile(r'"[^"]*"|\\.|\[[^]]*\]|AM/PM|y+|m+|d+|h+|s+|.', re.I)
_DATE_FORMS = {
    "yyyy": "%Y", "yy": "%y", "mmmm": "%B", "mmm": "%b", "mm": "%m", "m": "%m", "dddd": "%A",
    "ddd": "%a", "dd": "%d", "d": "%d", "hh": "%H", "h": "%H", "nn": "%M", "n": "%M", "ss": "%S",
    "s": "%S", "am/pm": "%p",
}  # fmt: skip
_WHOLE_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,17}")
# Floats of this size and less are exact integers.
_EXACT = 2**53
_LARGE = "Write such ids as strings."
_AS_ROWS = "Write a list of objects, one a row; pandas does with to_json(…, orient='records')."
_BOM = b"\xef\xbb\xbf"
_AS_OBJECT = 'Write it as {"question_id": …, …}, or take it out.'


class Record(dict[str, Any]):
    """A row.

    Its values are asked for as what they must be. What is not so, or not there, raises an
    InputError without a place: the loop over the records gives it ``where``, the row's place.
    """

    __slots__ = ("where",)

    def __init__(self, values: Mapping[str, Any], where: str) -> None:
        super().__init__(values)
        self.where = where

    def __missing__(self, name: str) -> Any:
        raise InputError(
            f"has no '{name}'; it has: {', '.join(map(str, list(self)[:10])) or 'nothing'}",
            fix="Name another format before the files, or mend the row.",
        )

    def id(self, name: str) -> int | str:
        """The question id under a name, or under several with commas between; see :func:`as_id`."""
        if "," not in name or name in self:
            return as_id(self[name], name)
        parts = [str(as_id(self[part], part)) for part in name.split(",")]
        if any("," in part for part in parts):
            raise InputError(
                f"'{name}' is {', '.join(parts)}: a part has a comma itself", fix="Rename it."
            )
        return ",".join(parts)

    def text(self, name: str) -> str:
        """The text under a name; see :func:`as_text`."""
        return as_text(self[name], name)

    def confidence(self, name: str = "confidence") -> float | None:
        """The number under a name; None if it is null or not there."""
        value = self.get(name)
        return None if value is None else as_number(value, name)


class TextRecord(Record):
    """A row of a file in which everything is text, ids too."""

    __slots__ = ()

    def id(self, name: str) -> int | str:
        """The question id under a name, an integer if it is written as one."""
        return id_from_text(str(super().id(name)).strip())


def id_from_text(text: str) -> int | str:
    """A question id from a file in which everything is text: an integer if it is written as one.

    Examples
    --------
    >>> id_from_text("262148000"), id_from_text("02930152"), id_from_text("img_3")
    (262148000, '02930152', 'img_3')
    """
    return int(text) if _WHOLE_NUMBER.fullmatch(text) else text


def ids_from_texts(texts: Sequence[str]) -> Sequence[int] | Sequence[str]:
    """Question ids from a file in which everything is text: integers if all are written as such.

    Examples
    --------
    >>> ids_from_texts(["7", "12"]), ids_from_texts(["7", "a12"])
    ([7, 12], ['7', 'a12'])
    """
    return [int(text) for text in texts] if all(map(_WHOLE_NUMBER.fullmatch, texts)) else texts


def as_id(value: Any, name: str) -> int | str:
    """A question id as JSON has it: an integer or a string without spaces around, else InputError.

    Integers must fit into 64 bits, and floats be exact.
    """
    if isinstance(value, str) and value.strip():
        return value.strip()
    if isinstance(value, float) and value.is_integer():
        if abs(value) > _EXACT:
            raise InputError(f"'{name}' is {value:g}, which lost digits", fix=_LARGE)
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        if not -(2**63) <= value < 2**63:
            raise InputError(f"'{name}' is {value}, which does not fit into 64 bits", fix=_LARGE)
        return value
    raise InputError(f"'{name}' is {shown(value)}", fix="It must be an integer or a string.")


def as_text(value: Any, name: str) -> str:
    """A value as text: numbers and truth values are written out, null and NaN are empty.

    Raises
    ------
    InputError
        If it is a list or an object.

    Examples
    --------
    >>> as_text(2, "answer"), as_text(12345678.0, "answer"), as_text(True, "answer")
    ('2', '12345678', 'true')
    """
    # pandas writes NaN where a table has no value.
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        # 2 is meant by 2.0; beyond 2^53, digits would be made up.
        whole = isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT
        return str(int(value) if whole else value)
    raise InputError(f"'{name}' is {shown(value)}", fix="It must be text.")


def as_number(value: Any, name: str) -> float:
    """A number, or a text that is one; else InputError."""
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if math.isnan(number):
        raise InputError(
            f"'{name}' is {shown(value)}, not a number",
            fix="Correct it, or leave it out where the model gave no confidence.",
        )
    return number


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

    JSON lines under the name of JSON are a list.

    Raises
    ------
    InputError
        As :func:`~vqa_ensemble.files.json.read_json`.
    """
    refuse_pickle(path)
    content = read_content(path)
    if _is_lines(content):
        return [value for _, value in _lines(content.split(b"\n"), path)]
    return parse_json(content, path, nan=True)


def _is_lines(content: bytes) -> bool:
    """Whether the first line is a JSON object or list of its own, and more than space follows."""
    first, _, rest = content.lstrip().partition(b"\n")
    if not first.startswith((b"{", b"[")) or not rest.strip():
        return False
    try:
        parse_with_nan(first)
    except json.JSONDecodeError:
        return False
    return True


def read_records(path: str) -> Iterator[Record]:
    """Each row of a file.

    Raises
    ------
    InputError
        Naming the file and the row: missing, empty, of an unknown kind, broken or truncated, a
        row that is not an object.
    """
    refuse_pickle(path)
    reader = _dataset_folder
    if not Path(path).is_dir():
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
        reader = readers[check_ending(path, [*readers])]
    empty = True
    with at(path):
        for record in reader(path):
            empty = False
            yield record
        if empty:
            raise InputError("holds no rows", fix="Check that the tool finished.")


def rows_of(document: Any) -> Iterator[Record]:
    """The rows of a JSON document; its shapes are those of this module.

    Raises
    ------
    InputError
        If it is of no such shape, holds no row, or a row is not an object.
    """
    rows = _find_rows(document)
    if rows is None:
        named = isinstance(document, dict) and document
        there = f"the keys {', '.join(list(document)[:5])}" if named else shown(document)
        raise InputError(f"holds no list of rows, but {there}", fix=_AS_ROWS)
    empty = True
    for where, row in rows:
        empty = False
        if not isinstance(row, dict):
            raise InputError("is not an object", where=where, fix=_AS_ROWS)
        yield Record(row, where)
    if empty:
        raise InputError("holds no rows", fix="Check that the tool finished.")


def _find_rows(document: Any) -> Iterator[tuple[str, Any]] | None:
    """What stands where the rows are, each with its place; None if there is no such place."""
    if isinstance(document, list):
        return ((f"row {number}", row) for number, row in enumerate(document))
    if not isinstance(document, dict):
        return None
    if isinstance(document.get("columns"), list) and isinstance(document.get("data"), list):
        return _of_columns(document["columns"], document["data"])
    for key in LIST_KEYS:
        if isinstance(document.get(key), list):
            return _find_rows(document[key])
    if _is_by_id(document):
        return _of_ids(document)
    parts = {key: part for key, part in document.items() if isinstance(part, dict)}
    by_id = [key for key, part in parts.items() if _is_by_id(part)]
    if len(by_id) > 1:
        raise InputError(
            f"holds objects by question id under {' and '.join(map(repr, by_id))}",
            fix="Save the one with the answers alone; or, if it is a table, its rows: pandas "
            "does with to_json(…, orient='records').",
        )
    if by_id:
        return _of_ids(parts[by_id[0]])
    inner = (_find_rows(parts[key]) for key in LIST_KEYS if key in parts)
    return next((rows for rows in inner if rows is not None), None)


def _of_ids(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((f"question {key}", _with_id(key, value)) for key, value in document.items())


def _of_columns(names: list[Any], table: list[Any]) -> Iterator[tuple[str, Any]]:
    check_once(names, names)
    for number, row in enumerate(table):
        fits = isinstance(row, list) and len(row) == len(names)
        yield f"row {number}", dict(zip(names, row, strict=True)) if fits else row


def _is_by_id(document: Mapping[str, Any]) -> bool:
    """Whether an object's keys are ids: most have a digit, as names of settings have not."""
    kinds = {isinstance(value, dict) for value in document.values()}
    nested = any(isinstance(value, list) for value in document.values())
    with_digit = sum(any(map(str.isdigit, key)) for key in document)
    return len(kinds) == 1 and not nested and 2 * with_digit > len(document)


def _with_id(key: str, value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return {"question_id": id_from_text(key), **value}
    # MMMU's own tools write false for an answer that they could not read.
    return {"question_id": id_from_text(key), "answer": None if value is False else value}


def _json(path: str) -> Iterator[Record]:
    return rows_of(read_document(path))


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
            for line in _lines(file, path):
                empty = False
                yield line
    except OSError as error:
        raise cannot_read(path, error) from error
    if empty:
        raise InputError("holds no rows", path=path, fix="Check that the tool finished.")


def _lines(lines: Iterable[bytes], path: str) -> Iterator[tuple[str, Any]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            value = parse_with_nan(line.removeprefix(_BOM))
        except json.JSONDecodeError as error:
            raise InputError(
                f"not valid JSON, or truncated ({error.msg})",
                path=path,
                where=f"line {number}",
                fix="Write the file again, or remove the line.",
            ) from error
        yield f"line {number}", value


def _json_lines(path: str) -> Iterator[Record]:
    for where, row in json_lines(path):
        if not isinstance(row, dict):
            raise InputError("is not an object", where=where, fix=_AS_OBJECT)
        yield Record(row, where)


def _delimited(path: str) -> Iterator[Record]:
    delimiter = "\t" if ending(path) == ".tsv" else ","
    fix = "Save it again as CSV, with quotes around cells that hold commas."
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            rows = csv_rows(file, delimiter=delimiter, fix=fix)
            _, header = next(rows, (0, []))
            _check_header(header)
            for line, row in rows:
                if row and len(row) != len(header):
                    raise InputError(
                        f"has {len(row)} fields, the header {len(header)}",
                        where=f"line {line}",
                        fix='Put a value that holds the delimiter or a newline in "quotes".',
                    )
                if row:
                    yield TextRecord(dict(zip(header, row, strict=True)), f"line {line}")
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 text (byte {error.start})", fix="Save it as UTF-8.") from error
    except OSError as error:
        raise cannot_read(path, error) from error


def _workbook(path: str) -> Iterator[Record]:
    with need("reading .xlsx needs openpyxl", extra="import"):
        import openpyxl
    try:
        with warnings.catch_warnings():
            # What is invalid is left out: it may be the sheet with the rows.
            warnings.filterwarnings("error", ".*contains (an )?invalid", UserWarning)
            book = openpyxl.load_workbook(path, read_only=True)
        try:
            yield from _sheet(book.worksheets[0])
        finally:
            book.close()
    except (InputError, MemoryError):
        raise
    except Exception as error:  # a broken archive or its XML raises nearly anything
        raise InputError(
            f"not a readable .xlsx workbook ({error})", fix="Save it again as .xlsx, or as .tsv."
        ) from error


def _sheet(sheet: Any) -> Iterator[Record]:
    rows = sheet.iter_rows()
    header = [_cell(cell) for cell in next(rows, ())]
    _check_header(header)
    for number, row in enumerate(rows, start=2):
        cells = [_cell(cell) for cell in row]
        if any(cells):
            yield TextRecord(dict(zip(header, cells, strict=False)), f"row {number}")


def _cell(cell: Any) -> str:
    """A cell as text, as the sheet shows it."""
    value = cell.value
    if isinstance(value, str):
        return _CONTROL.sub(lambda found: chr(int(found[1], 16)), value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, date | time):
        return _show_date(value, cell.number_format)
    if isinstance(value, int | float):
        if decimals := _DECIMALS.fullmatch(cell.number_format):
            return f"{value:.{len(decimals[1] or '')}{decimals[2] or 'f'}}"
        return as_text(value, "")
    return str(value)


def _show_date(value: date | time, number_format: str) -> str:
    """A date or time as its cell's format shows it."""
    if number_format == "mm-dd-yy":  # how the format of the reader's country is stored
        number_format = "m/d/yyyy"
    half = "AM/PM" in number_format.upper()
    shown = []
    clock = False  # whether an m means minutes
    parts = _DATE_PART.findall(number_format.partition(";")[0])
    for place, part in enumerate(parts):
        kind = part.lower()
        if kind[0] == "m" and (clock or any(p[0] in "sS" for p in parts[place + 1 : place + 3])):
            kind = kind.replace("m", "n")
        clock = kind[0] == "h" or (clock and not kind[0].isalpha())
        if kind in _DATE_FORMS:
            form = _DATE_FORMS[kind]
            text = value.strftime("%I" if half and form == "%H" else form)
            shown.append(text.lstrip("0") or "0" if len(kind) == 1 else text)
        elif not kind.startswith("["):
            shown.append(part.strip('"').removeprefix("\\"))
    return "".join(shown) if any(p.lower() in _DATE_FORMS for p in parts) else str(value)


def _check_header(header: list[str]) -> None:
    if not any(header):
        raise InputError("has no header", fix="Name the columns in the first line.")
    check_once(header, filter(None, header))


def _parquet(path: str) -> Iterator[Record]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from vqa_ensemble.files.parquet import unreadable

    try:
        file = pq.ParquetFile(path)
        names = [name for name in file.schema_arrow.names if not _holds_bytes(file, name)]
        yield from _batches(file.iter_batches(columns=names))
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
            "holds no .arrow files", fix="Give the folder of one split, as save_to_disk writes it."
        )
    for shard in shards:
        for record in read_records(str(shard)):
            record.where = f"{shard.name} {record.where}"
            yield record


def _arrow(path: str) -> Iterator[Record]:
    import pyarrow as pa

    try:
        with pa.memory_map(path) as source:
            try:
                batches: Any = pa.ipc.open_stream(source)
            except pa.ArrowInvalid:
                file = pa.ipc.open_file(source)
                batches = (file.get_batch(i) for i in range(file.num_record_batches))
            yield from _batches(batches)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"not a readable Arrow file ({error})", fix=DAMAGED) from error


def _batches(batches: Any) -> Iterator[Record]:
    rows = (row for batch in batches for row in _shortest(batch).to_pylist())
    return (Record(row, f"row {number}") for number, row in enumerate(rows))


def _shortest(batch: Any) -> Any:
    """A batch whose 32-bit floats have the digits they are written with: 0.1, not 0.10000000149."""
    import pyarrow as pa

    for place, field in enumerate(batch.schema):
        if pa.types.is_float32(field.type) or pa.types.is_float16(field.type):
            column = batch.column(place).cast(pa.float32()).cast(pa.string()).cast(pa.float64())
            batch = batch.set_column(place, field.name, column)
        elif pa.types.is_temporal(field.type):
            # As text: Python knows neither the year 100,000 nor every zone, and few are answers.
            naive = pa.timestamp(field.type.unit) if pa.types.is_timestamp(field.type) else None
            column = batch.column(place)
            column = column.cast(pa.int64()).cast(naive) if naive else column
            batch = batch.set_column(place, field.name, column.cast(pa.string()))
    return batch
