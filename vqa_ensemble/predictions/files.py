"""Prediction files: the contract between members and the engine.

One parquet file a member and split, in long form:

=============  ===========================  =============================================
column         type                         meaning
=============  ===========================  =============================================
question_id    int64 or string              the question
answer         string (dictionary-encoded)  one answer the member considers
confidence     float in [0, 1]              how sure it is; need not sum to 1 over answers
=============  ===========================  =============================================

Files written here are sorted by question, then confidence (falling), then answer, so a
question's first row is the member's vote. Files made by other tools with the same columns
load too: unsorted, plain strings, other widths, without metadata (the member is then named
after the file), or without ``confidence`` (one answer a question, a hard vote). Confidences are
written as float32, and as float64 where float32 would make two answers of a question alike.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow.fs import FileType

from vqa_ensemble import ragged
from vqa_ensemble.errors import ABSENT, DAMAGED, NOT_A_FILE, InputError, at
from vqa_ensemble.files.atomic import atomic_path
from vqa_ensemble.files.locations import locate, store_error
from vqa_ensemble.files.parquet import unreadable
from vqa_ensemble.predictions.decoding import COLUMNS, RowNumbers, decode_predictions
from vqa_ensemble.predictions.member import FORMAT_VERSION, Metadata, Predictions

DEFAULT_TOP_K = 10
# Small enough that a range of questions skips most of a large file by its statistics.
ROW_GROUP_ROWS = 131_072

_PREFIX = "vqa_ensemble."


# --------------------------------------------------------------------------- writing


def write_predictions(
    path: str | os.PathLike[str],
    question_ids: Sequence[int] | Sequence[str] | npt.NDArray[np.generic],
    answers: Sequence[str] | npt.NDArray[np.int32],
    confidences: npt.ArrayLike,
    *,
    member: str | Metadata,
    vocabulary: Sequence[str] | None = None,
    top_k: int | None = DEFAULT_TOP_K,
) -> None:
    """Write one member's predictions, whole or not at all.

    Parameters
    ----------
    path : path-like
    question_ids : sequence of int or str, shape (R,)
        One entry a row, in any order.
    answers : sequence of str, or ndarray of int, shape (R,)
        The answer of each row; integers index ``vocabulary``.
    confidences : array-like of float, shape (R,)
        In [0, 1].
    member : str or Metadata
        The member's name, or all that is to be recorded of it.
    vocabulary : sequence of str, optional
        The answers that integer ``answers`` stand for.
    top_k : int, optional
        Keep each question's ``top_k`` most confident answers; None keeps all.

    Raises
    ------
    InputError
        As :func:`read_predictions` does for the same rows, and when ``path`` cannot be
        written.
    """
    if vocabulary is not None:
        codes = pa.array(np.asarray(answers, dtype=np.int32))
        column = pa.DictionaryArray.from_arrays(codes, pa.array(vocabulary, pa.string()))
    else:
        column = pa.array(answers, pa.string()).dictionary_encode()
    ids = question_ids if isinstance(question_ids, np.ndarray) else list(question_ids)
    table = pa.table(
        {
            "question_id": pa.array(ids),
            "answer": column,
            "confidence": pa.array(np.asarray(confidences, dtype=np.float64)),
        }
    )
    metadata = Metadata(member) if isinstance(member, str) else member
    predictions = predictions_from_table(table, str(path), metadata.written_now(top_k))
    save_predictions(path, predictions, top_k=top_k)


def save_predictions(
    path: str | os.PathLike[str], predictions: Predictions, *, top_k: int | None = None
) -> None:
    """Write ``predictions``, sorted as they are; ``top_k`` keeps the first rows of each question.

    Raises
    ------
    InputError
        If ``path`` cannot be written.
    """
    question = ragged.owner(predictions.starts)
    answers, confidences = predictions.answers, predictions.confidences
    if top_k is not None:
        keep = np.arange(len(question)) - predictions.starts[question] < top_k
        question, answers, confidences = question[keep], answers[keep], confidences[keep]
    ids = pa.array(predictions.question_ids)
    used, codes = np.unique(answers, return_inverse=True)
    table = pa.table(
        {
            "question_id": ids.take(pa.array(question)),
            "answer": pa.DictionaryArray.from_arrays(
                pa.array(codes.astype(np.int32)), predictions.vocabulary.take(pa.array(used))
            ),
            "confidence": pa.array(_narrowed(confidences, question)),
        }
    )
    with (
        atomic_path(path) as temporary,
        open_writer(temporary, table.schema, predictions.metadata) as writer,
    ):
        for start, end in pairwise(row_group_bounds(np.bincount(question))):
            writer.write_table(table.slice(start, end - start), row_group_size=end - start)


def _narrowed(
    confidences: npt.NDArray[np.floating], question: npt.NDArray[np.int64]
) -> npt.NDArray[np.floating]:
    """The confidences of sorted rows as float32, unless that loses what tells two apart."""
    narrow = confidences.astype(np.float32, copy=False)
    lost = (narrow[1:] == narrow[:-1]) & (confidences[1:] != confidences[:-1])
    lost &= question[1:] == question[:-1]
    vanished = (narrow < np.finfo(np.float32).tiny) & (narrow != confidences)
    return confidences if lost.any() or vanished.any() else narrow


def row_group_bounds(counts: npt.NDArray[np.int64]) -> list[int]:
    """Rows at which row groups start, and the last ends: no question lies in two.

    Parameters
    ----------
    counts : ndarray of int, shape (Q,)
        Rows of each question.
    """
    ends = ragged.from_sizes(counts)
    bounds = [0]
    while bounds[-1] < ends[-1]:
        whole = np.searchsorted(ends, bounds[-1] + ROW_GROUP_ROWS, side="right") - 1
        at_least = np.searchsorted(ends, bounds[-1], side="right")
        bounds.append(int(ends[max(whole, at_least)]))
    return bounds


def is_own(schema: pa.Schema) -> bool:
    """Whether a parquet file is one that :func:`open_writer` wrote."""
    return any(key.startswith(_PREFIX.encode()) for key in schema.metadata or {})


def open_writer(path: Path, schema: pa.Schema, metadata: Metadata) -> pq.ParquetWriter:
    """What writes tables of sorted predictions into a file."""
    recorded = {_PREFIX + name: value for name, value in vars(metadata).items() if value}
    integers = pa.types.is_integer(schema.field("question_id").type)
    return pq.ParquetWriter(
        path,
        schema.with_metadata(recorded),
        compression="zstd",
        use_dictionary=["answer"],
        write_statistics=["question_id"],
        column_encoding={"question_id": "DELTA_BINARY_PACKED"} if integers else None,
    )


def predictions_from_rows(
    member: str, rows: Sequence[tuple[int, str, float]] | Sequence[tuple[str, str, float]]
) -> Predictions:
    """Predictions from (question_id, answer, confidence) rows in any order, checked as a file is.

    Raises
    ------
    InputError
        As :func:`read_predictions`; the place is ``<member>``.
    """
    ids, answers, confidences = zip(*rows, strict=True) if rows else ((), (), ())
    table = pa.table(
        {
            "question_id": pa.array(ids, None if ids else pa.int64()),
            "answer": pa.array(answers, pa.string()),
            "confidence": pa.array(confidences, pa.float64()),
        }
    )
    return predictions_from_table(table, f"<{member}>", Metadata(member=member))


# --------------------------------------------------------------------------- reading


def read_predictions(path: str | os.PathLike[str]) -> Predictions:
    """Read and check one prediction file.

    Raises
    ------
    InputError
        Naming the file, and the row where there is one: not a parquet file, truncated or
        empty; a column missing or of the wrong type; a null; a confidence that is NaN or
        outside [0, 1]; an answer given twice for a question; several answers a question
        without confidences.
    """
    name = os.fspath(path)
    file = open_predictions(name)
    columns = [column for column in COLUMNS if column in file.schema_arrow.names]
    try:
        table = file.read(columns=columns)
    except (OSError, pa.ArrowException) as error:
        raise unreadable(name, error) from error
    with at(name):
        check_row_count(table.num_rows, file.metadata.num_rows)
    return predictions_from_table(table, name, read_metadata(file, name))


def open_predictions(path: str) -> pq.ParquetFile:
    """Open a prediction file, its answers dictionary-encoded, and check its columns.

    Raises
    ------
    InputError
        If it is missing, not a regular file, or not parquet, or a column is missing or of
        the wrong type.
    """
    filesystem, name = locate(path)
    try:
        info = filesystem.get_file_info(name)
    except (OSError, pa.ArrowException) as error:
        raise store_error(path, "cannot be reached", error) from error
    with at(path):
        if info.type == FileType.NotFound:
            raise InputError("no such file", fix=ABSENT)
        if info.type != FileType.File:
            raise InputError("is not a file", fix=NOT_A_FILE)
        if info.size == 0:
            raise InputError("is empty (0 bytes)", fix=DAMAGED)
        try:
            file = pq.ParquetFile(name, filesystem=filesystem)
            _check_columns(file.schema_arrow)
            return pq.ParquetFile(
                name, metadata=file.metadata, read_dictionary=["answer"], filesystem=filesystem
            )
        except PermissionError as error:
            raise InputError("permission denied", fix="Allow this user to read it.") from error
        except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
            raise unreadable(path, error) from error


def read_metadata(file: pq.ParquetFile, path: str) -> Metadata:
    """The file's own metadata; the member is named after the file where it names none.

    Raises
    ------
    InputError
        If the file was written in a later format than this version reads.
    """
    stored = {
        key.decode("utf-8", "replace").removeprefix(_PREFIX): value.decode("utf-8", "replace")
        for key, value in (file.schema_arrow.metadata or {}).items()
        if key.startswith(_PREFIX.encode())
    }
    version = stored.get("format_version", "")
    if version.isdecimal() and float(version) > FORMAT_VERSION:
        raise InputError(
            f"has format version {version}; this vqa-ensemble reads up to {FORMAT_VERSION}",
            path=path,
            fix="Upgrade vqa-ensemble.",
        )
    given = {field.name: stored.get(field.name, "") for field in fields(Metadata)}
    given["member"] = given["member"] or Path(locate(path)[1]).stem
    return Metadata(**given)


def check_has_rows(rows: int) -> None:
    """Raise InputError if a file has none."""
    if rows == 0:
        raise InputError(
            "holds no predictions (0 rows)",
            fix="Predict again: the run that wrote it gave no answer.",
        )


def check_row_count(read: int, said: int) -> None:
    """Raise InputError if not as many rows were read as the file's footer says."""
    if read != said:
        raise InputError(f"its footer says {said} rows, but it holds {read}", fix=DAMAGED)


def _check_columns(schema: pa.Schema) -> None:
    for column in COLUMNS:
        if column not in schema.names:
            if column == "confidence":
                continue
            raise InputError(
                f"has no column '{column}'; its columns are: {', '.join(schema.names) or 'none'}",
                fix="Rename the one that holds it, or add it.",
            )
        if schema.names.count(column) > 1:
            raise InputError(f"has the column '{column}' twice", fix="Rename one of them.")
        kind = schema.field(column).type
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        if not any(fits(kind) for fits, _ in _TYPES[column]):
            wanted = " or ".join(name for _, name in _TYPES[column] if name)
            raise InputError(f"column '{column}' is {kind}", fix=f"It must be {wanted}.")


def _is_string(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


# Column → the types it may have, the ones we write first.
_TYPES: dict[str, list[tuple[Callable[[pa.DataType], bool], str]]] = {
    "question_id": [(pa.types.is_integer, "int64"), (_is_string, "string")],
    "answer": [(_is_string, "string")],
    "confidence": [(pa.types.is_floating, "float32 in [0, 1]"), (pa.types.is_integer, "")],
}


def predictions_from_table(
    table: pa.Table, path: str, metadata: Metadata, rows: RowNumbers | None = None
) -> Predictions:
    """Check a whole table as a file's is checked, and turn it into predictions.

    Parameters
    ----------
    path : str
        Where the rows come from, for messages.
    rows : sequence of int, optional
        Each row's number there.

    Raises
    ------
    InputError
        As :func:`read_predictions`.
    """
    with at(path):
        _check_columns(table.schema)
        check_has_rows(table.num_rows)
        return decode_predictions(table, path, metadata, rows)
