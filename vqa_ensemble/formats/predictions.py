"""Prediction files: the contract between members and the engine.

One parquet file a member and split, in long form:

=============  ===========================  =============================================
column         type                         meaning
=============  ===========================  =============================================
question_id    int64 or string              the question
answer         string (dictionary-encoded)  one answer the member considers
confidence     float32 in [0, 1]            how sure it is; need not sum to 1 over answers
=============  ===========================  =============================================

Files written here are sorted by question, then confidence (falling), then answer, so a
question's first row is the member's vote. Files made by other tools with the same columns
load too: unsorted, plain strings, other widths, without metadata (the member is then named
after the file), or without ``confidence`` (one answer a question, a hard vote).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow.fs import FileType

from vqa_ensemble._version import __version__
from vqa_ensemble.errors import ABSENT, DAMAGED, NOT_A_FILE, InputError
from vqa_ensemble.formats.atomic import atomic_path
from vqa_ensemble.formats.locations import locate, store_error

COLUMNS = ("question_id", "answer", "confidence")
FORMAT_VERSION = 1
DEFAULT_TOP_K = 10
# Small enough that a range of questions skips most of a large file by its statistics.
ROW_GROUP_ROWS = 131_072
# float32 softmax and sigmoid overshoot 1 by a few units in the last place.
CONFIDENCE_SLACK = 1e-6

_PREFIX = "vqa_ensemble."


@dataclass(frozen=True)
class Metadata:
    """Where a prediction file comes from; every field but ``member`` may be empty.

    Stored as parquet key-value metadata under ``vqa_ensemble.<field>``.
    """

    member: str
    dataset: str = ""
    split: str = ""
    top_k: str = ""
    recipe: str = ""
    recipe_hash: str = ""
    seed: str = ""
    created_by: str = ""
    created_at: str = ""
    format_version: str = ""


@dataclass(frozen=True)
class Predictions:
    """One member's answers, sorted by question, then confidence (falling), then answer.

    Attributes
    ----------
    path : str
        The file they came from.
    metadata : Metadata
    question_ids : ndarray of int64 or of str objects, shape (Q,)
        Distinct, rising.
    starts : ndarray of int64, shape (Q + 1,)
        Rows of question ``q`` are ``starts[q]:starts[q + 1]``; never empty.
    vocabulary : pyarrow.StringArray, shape (A,)
        Distinct answers in alphabetical (code point) order; some may have no row.
    answers : ndarray of int32, shape (R,)
        Each row's answer as an index into ``vocabulary``.
    confidences : ndarray of float32, shape (R,)
    """

    path: str
    metadata: Metadata
    question_ids: npt.NDArray[np.int64] | npt.NDArray[np.object_]
    starts: npt.NDArray[np.int64]
    vocabulary: pa.StringArray
    answers: npt.NDArray[np.int32]
    confidences: npt.NDArray[np.float32]

    @property
    def member(self) -> str:
        """The member's name."""
        return self.metadata.member

    def top(self) -> list[str]:
        """Each question's most confident answer, in the order of ``question_ids``."""
        codes = pa.array(self.answers[self.starts[:-1]])
        answers: list[str] = self.vocabulary.take(codes).to_pylist()
        return answers


# --------------------------------------------------------------------------- writing


def write_predictions(
    path: str | os.PathLike[str],
    question_ids: Sequence[int] | Sequence[str] | npt.NDArray[np.generic],
    answers: Sequence[str] | npt.NDArray[np.int32],
    confidences: npt.ArrayLike,
    *,
    member: str,
    vocabulary: Sequence[str] | None = None,
    dataset: str = "",
    split: str = "",
    top_k: int | None = DEFAULT_TOP_K,
    recipe: str = "",
    recipe_hash: str = "",
    seed: int | str = "",
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
    member : str
        The member's name.
    vocabulary : sequence of str, optional
        The answers that integer ``answers`` stand for.
    top_k : int, optional
        Keep each question's ``top_k`` most confident answers; None keeps all.
    dataset, split, recipe, recipe_hash, seed
        Recorded as metadata.

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
            "confidence": pa.array(np.asarray(confidences, dtype=np.float32)),
        }
    )
    metadata = new_metadata(
        member=member,
        dataset=dataset,
        split=split,
        top_k=top_k,
        recipe=recipe,
        recipe_hash=recipe_hash,
        seed=seed,
    )
    save_predictions(path, predictions_from_table(table, str(path), metadata), top_k=top_k)


def save_predictions(
    path: str | os.PathLike[str], predictions: Predictions, *, top_k: int | None = None
) -> None:
    """Write ``predictions``, sorted as they are; ``top_k`` keeps the first rows of each question.

    Raises
    ------
    InputError
        If ``path`` cannot be written.
    """
    counts = np.diff(predictions.starts)
    question = np.repeat(np.arange(len(counts)), counts)
    answers, confidences = predictions.answers, predictions.confidences
    if top_k is not None and len(counts) and counts.max() > top_k:
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
            "confidence": pa.array(confidences),
        }
    )
    with (
        atomic_path(path) as temporary,
        open_writer(temporary, table.schema, predictions.metadata) as writer,
    ):
        for start, end in pairwise(row_group_bounds(np.bincount(question))):
            writer.write_table(table.slice(start, end - start), row_group_size=end - start)


def row_group_bounds(counts: npt.NDArray[np.int64]) -> list[int]:
    """Rows at which row groups start, and the last ends: no question lies in two.

    Parameters
    ----------
    counts : ndarray of int, shape (Q,)
        Rows of each question.
    """
    ends = np.concatenate([[0], np.cumsum(counts)])
    bounds = [0]
    while bounds[-1] < ends[-1]:
        whole = np.searchsorted(ends, bounds[-1] + ROW_GROUP_ROWS, side="right") - 1
        at_least = np.searchsorted(ends, bounds[-1], side="right")
        bounds.append(int(ends[max(whole, at_least)]))
    return bounds


def open_writer(path: Path, schema: pa.Schema, metadata: Metadata) -> pq.ParquetWriter:
    """What writes tables of sorted predictions into a file."""
    fields = {_PREFIX + name: value for name, value in vars(metadata).items() if value}
    integers = pa.types.is_integer(schema.field("question_id").type)
    return pq.ParquetWriter(
        path,
        schema.with_metadata(fields),
        compression="zstd",
        use_dictionary=["answer"],
        write_statistics=["question_id"],
        column_encoding={"question_id": "DELTA_BINARY_PACKED"} if integers else None,
    )


def new_metadata(
    *,
    member: str,
    dataset: str = "",
    split: str = "",
    top_k: int | None = DEFAULT_TOP_K,
    recipe: str = "",
    recipe_hash: str = "",
    seed: int | str = "",
) -> Metadata:
    """Metadata of a file written now by this version."""
    return Metadata(
        member=member,
        dataset=dataset,
        split=split,
        top_k="all" if top_k is None else str(top_k),
        recipe=recipe,
        recipe_hash=recipe_hash,
        seed=str(seed),
        created_by=f"vqa-ensemble {__version__}",
        created_at=timestamp(),
        format_version=str(FORMAT_VERSION),
    )


def timestamp() -> str:
    """The time in UTC; SOURCE_DATE_EPOCH stands in for reproducible files."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    moment = datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)
    return moment.isoformat(timespec="seconds")


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
            "confidence": pa.array(confidences, pa.float32()),
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
        if info.type == FileType.NotFound:
            raise InputError("no such file", path=path, fix=ABSENT)
        if info.type != FileType.File:
            raise InputError("is not a file", path=path, fix=NOT_A_FILE)
        if info.size == 0:
            raise InputError("is empty (0 bytes)", path=path, fix=DAMAGED)
    except (OSError, pa.ArrowException) as error:
        raise store_error(path, "cannot be reached", error) from error
    try:
        file = pq.ParquetFile(name, filesystem=filesystem)
        _check_columns(file.schema_arrow, path)
        return pq.ParquetFile(
            name, metadata=file.metadata, read_dictionary=["answer"], filesystem=filesystem
        )
    except PermissionError as error:
        raise InputError(
            "permission denied", path=path, fix="Allow this user to read it."
        ) from error
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
    if version.isdigit() and int(version) > FORMAT_VERSION:
        raise InputError(
            f"has format version {version}; this vqa-ensemble reads up to {FORMAT_VERSION}",
            path=path,
            fix="Upgrade vqa-ensemble.",
        )
    fields = {name: stored.get(name, "") for name in Metadata.__dataclass_fields__}
    fields["member"] = fields["member"] or Path(locate(path)[1]).stem
    return Metadata(**fields)


def unreadable(path: str, error: Exception) -> InputError:
    """What to say about a file that pyarrow cannot read."""
    reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
    return InputError(
        f"not a readable parquet file, or truncated ({reason})",
        path=path,
        fix=DAMAGED,
    )


def _check_columns(schema: pa.Schema, path: str) -> None:
    for column in COLUMNS:
        if column not in schema.names:
            if column == "confidence":
                continue
            raise InputError(
                f"has no column '{column}'; its columns are: {', '.join(schema.names) or 'none'}",
                path=path,
                fix="Rename the one that holds it, or add it.",
            )
        if schema.names.count(column) > 1:
            raise InputError(
                f"has the column '{column}' twice", path=path, fix="Rename one of them."
            )
        kind = schema.field(column).type
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        if not any(fits(kind) for fits, _ in _TYPES[column]):
            wanted = " or ".join(name for _, name in _TYPES[column] if name)
            raise InputError(f"column '{column}' is {kind}", path=path, fix=f"It must be {wanted}.")


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


class RowNumbers(Protocol):
    """Anything that gives the number in the file of a row at hand."""

    def __getitem__(self, row: int, /) -> int: ...


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
    _check_columns(table.schema, path)
    if table.num_rows == 0:
        raise InputError(
            "holds no predictions (0 rows)",
            path=path,
            fix="Predict again: the run that wrote it gave no answer.",
        )
    return decode_predictions(table, path, metadata, rows)


class Layout:
    """Which rows are of which question.

    Parameters
    ----------
    codes : ndarray of int64, shape (R,)
        Each row's question: its id, or an index into ``distinct``.
    distinct : ndarray of str objects, optional
        Rising ids.
    """

    def __init__(
        self, codes: npt.NDArray[np.int64], distinct: npt.NDArray[np.object_] | None
    ) -> None:
        self.codes = codes
        self.distinct = distinct
        # Whether row r + 1 is of another question than row r.
        self.turns = codes[1:] != codes[:-1]
        self.starts = np.empty(np.count_nonzero(self.turns) + 2, dtype=np.int64)
        self.starts[0], self.starts[-1] = 0, len(codes)
        np.add(np.flatnonzero(self.turns), 1, out=self.starts[1:-1])
        self.questions = codes[self.starts[:-1]]
        self.is_rising = bool((self.questions[1:] > self.questions[:-1]).all())

    @cached_property
    def question_ids(self) -> npt.NDArray[np.int64] | npt.NDArray[np.object_]:
        """The distinct ids, rising if the rows are."""
        return self.questions if self.distinct is None else self.distinct[self.questions]

    @cached_property
    def counts(self) -> npt.NDArray[np.int64]:
        """Rows of each question."""
        return np.diff(self.starts)

    @cached_property
    def most(self) -> int:
        """Rows of the question that has most."""
        return int(self.counts.max())

    @cached_property
    def together(self) -> list[npt.NDArray[np.bool_]]:
        """By distance 1, 2, … less than ``most``: whether row r + distance is of r's question."""
        same = ~self.turns
        masks = [same]
        for distance in range(1, self.most - 1):
            masks.append(masks[-1][:-1] & same[distance:])
        return masks[: self.most - 1]


@dataclass
class Common:
    """What files have in common, so that it is worked out and checked for the first only.

    Attributes
    ----------
    question_id : pyarrow.ChunkedArray, optional
        The column of the first file.
    stored_ids : object, optional
        The same as it stands in the file, to compare.
    layout : Layout, optional
        What it says.
    vocabulary : pyarrow.StringArray, optional
        The first file's distinct answers, known to be sorted.
    """

    question_id: pa.ChunkedArray | None = None
    stored_ids: object = None
    layout: Layout | None = None
    vocabulary: pa.StringArray | None = None


def decode_predictions(
    table: pa.Table,
    path: str,
    metadata: Metadata,
    rows: RowNumbers | None = None,
    common: Common | None = None,
) -> Predictions:
    """Check the rows of a file, or of a part of it, and turn them into sorted arrays.

    Parameters
    ----------
    table : pyarrow.Table
        At least one row.
    rows : sequence of int, optional
        Each row's number in the file, for messages.
    common : Common, optional
        Filled in by the first file, looked at by the others.

    Raises
    ------
    InputError
        As :func:`read_predictions`.
    """
    rows = range(table.num_rows) if rows is None else rows
    common = common or Common()
    layout = _lay_out(table["question_id"], path, rows, common)
    answers, vocabulary = _encode_answers(table["answer"], path, rows, common)
    has_confidence = "confidence" in table.column_names
    if has_confidence:
        confidences = _check_confidences(table["confidence"], path, rows)
    else:
        confidences = np.ones(len(answers), dtype=np.float32)

    if not (layout.is_rising and _is_ranked(layout, confidences, answers)):
        order = np.lexsort((answers, -confidences, layout.codes))
        layout = Layout(layout.codes[order], layout.distinct)
        confidences, answers = confidences[order], answers[order]
        rows = _Rows(rows, order)

    repeated = _first_duplicate(layout, answers)
    if repeated is not None:
        question = layout.question_ids[np.searchsorted(layout.starts, repeated, side="right") - 1]
        raise InputError(
            f"answer {vocabulary[int(answers[repeated])].as_py()!r} stands twice for question "
            f"{question}",
            path=path,
            where=f"row {rows[repeated]}",
            fix="Keep one row for each question and answer.",
        )
    if not has_confidence and layout.most > 1:
        many = int(np.argmax(layout.counts > 1))
        raise InputError(
            f"has {int(layout.counts[many])} answers but the file no 'confidence' column",
            path=path,
            where=f"question {layout.question_ids[many]}",
            fix="Give one answer a question, or add confidences.",
        )
    return Predictions(
        path, metadata, layout.question_ids, layout.starts, vocabulary, answers, confidences
    )


@dataclass(frozen=True)
class _Rows:
    """Row numbers after sorting, worked out only where a message needs one."""

    before: RowNumbers
    order: npt.NDArray[np.intp]

    def __getitem__(self, row: int) -> int:
        return int(self.before[int(self.order[row])])


def _lay_out(column: pa.ChunkedArray, path: str, rows: RowNumbers, common: Common) -> Layout:
    if common.layout is not None and column.equals(common.question_id):
        return common.layout
    layout = Layout(*_encode_ids(column, path, rows))
    if common.layout is None:
        common.question_id, common.layout = column, layout
    return layout


def _encode_ids(
    column: pa.ChunkedArray, path: str, rows: RowNumbers
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.object_] | None]:
    """Integers that sort as the ids do, and the sorted distinct ids if these are strings."""
    check_no_nulls(column, "question_id", path, rows)
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_integer(kind):
        try:
            return _to_numpy(column.cast(pa.int64())), None
        except pa.ArrowInvalid as error:
            raise InputError(
                "a question_id does not fit into 64-bit signed integers",
                path=path,
                fix="Write such ids as strings.",
            ) from error
    codes, distinct = _sorted_dictionary(column)
    return codes.astype(np.int64), np.asarray(distinct.to_pylist(), dtype=object)


def _encode_answers(
    column: pa.ChunkedArray, path: str, rows: RowNumbers, common: Common
) -> tuple[npt.NDArray[np.int32], pa.StringArray]:
    check_no_nulls(column, "answer", path, rows)
    known = common.vocabulary
    if known is not None and pa.types.is_dictionary(column.type):
        chunks = [chunk for chunk in column.chunks if len(chunk)]
        if all(chunk.dictionary.equals(known) for chunk in chunks):
            return _indices(chunks), known
    codes, vocabulary = _sorted_dictionary(column)
    common.vocabulary = common.vocabulary or vocabulary
    return codes, vocabulary


def _sorted_dictionary(
    column: pa.ChunkedArray,
) -> tuple[npt.NDArray[np.int32], pa.StringArray]:
    """Codes that sort as the strings do, and the distinct strings in that order."""
    if pa.types.is_dictionary(column.type):
        column = column.unify_dictionaries()
    else:
        column = column.cast(pa.large_string()).dictionary_encode()
    chunks = [chunk for chunk in column.chunks if len(chunk)]
    codes = _indices(chunks)
    distinct = chunks[-1].dictionary.cast(pa.string())
    if pc.all(pc.less(distinct[:-1], distinct[1:])).as_py() is not False:
        return codes, distinct  # as this package writes them
    # Another writer's dictionary may list strings no row uses, or one string twice.
    used = np.zeros(len(distinct), dtype=np.bool_)
    used[codes] = True
    vocabulary = distinct.filter(pa.array(used)).unique()
    vocabulary = vocabulary.take(pc.sort_indices(vocabulary))
    position = pc.index_in(distinct, vocabulary).fill_null(-1)
    return np.asarray(position, dtype=np.int32)[codes], vocabulary


def _indices(chunks: list[pa.DictionaryArray]) -> npt.NDArray[np.int32]:
    """Codes without a copy where they lie in one piece."""
    parts = [np.asarray(chunk.indices, dtype=np.int32) for chunk in chunks]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _to_numpy(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    """The values without a copy where they lie in one piece."""
    return np.asarray(column.chunk(0) if column.num_chunks == 1 else column)


def check_no_nulls(column: pa.ChunkedArray, name: str, path: str, rows: RowNumbers) -> None:
    """Raise InputError, with the row, if the column has a null."""
    if column.null_count:
        row = rows[int(np.argmax(np.asarray(column.is_null())))]
        raise InputError(
            f"'{name}' is null", path=path, where=f"row {row}", fix="Fill it in, or drop the row."
        )


def _check_confidences(
    column: pa.ChunkedArray, path: str, rows: RowNumbers
) -> npt.NDArray[np.float32]:
    check_no_nulls(column, "confidence", path, rows)
    values = _to_numpy(column)
    least, most = values.min(), values.max()  # NaN if there is one
    if not (least >= 0 and most <= 1 + CONFIDENCE_SLACK):
        row = int(np.argmax(~((values >= 0) & (values <= 1 + CONFIDENCE_SLACK))))
        raise InputError(
            f"confidence is {values[row]}; it must lie in [0, 1]",
            path=path,
            where=f"row {rows[row]}",
            fix="Write probabilities (softmax or sigmoid), not logits or percent.",
        )
    values = values.astype(np.float32, copy=False)
    return values if most <= 1 else np.minimum(values, np.float32(1))


def _is_ranked(
    layout: Layout, confidences: npt.NDArray[np.float32], answers: npt.NDArray[np.int32]
) -> bool:
    """Whether each question's rows are by falling confidence, then rising answer."""
    falls = confidences[1:] < confidences[:-1]
    falls |= layout.turns
    if falls.all():
        return True
    level = np.flatnonzero(~falls)
    rises = confidences[level + 1] > confidences[level]
    return not rises.any() and bool((answers[level + 1] >= answers[level]).all())


def _first_duplicate(layout: Layout, answers: npt.NDArray[np.int32]) -> int | None:
    """The row that repeats an answer of its question; None if there is none."""
    if layout.most > 16:
        question = np.repeat(np.arange(len(layout.counts), dtype=np.int64), layout.counts)
        pairs = question * (int(answers.max()) + 1) + answers
        by_pair = np.argsort(pairs, kind="stable")
        again = np.flatnonzero(pairs[by_pair][1:] == pairs[by_pair][:-1])
        return int(by_pair[again[0] + 1]) if len(again) else None
    # Few answers a question: compare each row with its followers.
    for distance, together in enumerate(layout.together, start=1):
        equal = answers[distance:] == answers[:-distance]
        equal &= together
        if equal.any():
            return distance + int(np.argmax(equal))
    return None
