"""Prediction files read range by range of question_id, so that no file need fit into memory.

A parquet footer says which question ids each row group holds. Where these ranges follow one
another, as in the files that this package writes, a range of questions is read by reading a
few row groups. A file whose row groups overlap, or are too large, is first parted by
question_id into pieces on disk, in memory bounded by the size of a piece.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vqa_ensemble.errors import DAMAGED, InputError, as_input_error, at
from vqa_ensemble.files.locations import file_stamp, is_local, locate
from vqa_ensemble.files.parquet import unreadable
from vqa_ensemble.predictions.decoding import (
    COLUMNS,
    Common,
    RowNumbers,
    check_no_nulls,
    check_text,
    decode_predictions,
)
from vqa_ensemble.predictions.files import (
    ROW_GROUP_ROWS,
    check_has_rows,
    check_row_count,
    open_predictions,
    read_metadata,
)
from vqa_ensemble.predictions.member import Metadata, Predictions

logger = logging.getLogger(__name__)

# Row groups up to the default size of common writers are read whole.
MAX_GROUP_ROWS = 1 << 20
# Pieces on disk: at most this many files are open at once.
MAX_PIECES = 256


@dataclass(frozen=True)
class Span:
    """Question ids above ``low`` up to and including ``high``; None is without bound."""

    low: Any = None
    high: Any = None


@dataclass(frozen=True)
class RowGroup:
    """Consecutive rows: where in the file, how many, the first's number, bounds of their ids."""

    index: int
    rows: int
    start: int
    first: Any
    last: Any


@dataclass(frozen=True)
class PredictionFile:
    """A prediction file that can be read by ranges of question_id.

    Attributes
    ----------
    path : str
    metadata : Metadata
    has_string_ids : bool
    groups : tuple of RowGroup
        Their ranges rise; neighbours may share one question.
    footer : pyarrow.parquet.FileMetaData
    stamp : tuple of int
        Size and time of change when it was opened.
    pieces : str, optional
        The folder of its pieces, one a group, if it had to be parted.
    """

    path: str
    metadata: Metadata
    has_string_ids: bool
    groups: tuple[RowGroup, ...]
    footer: pq.FileMetaData
    stamp: tuple[int, int]
    pieces: str | None = None

    @property
    def member(self) -> str:
        """The member's name."""
        return self.metadata.member

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.footer.num_rows)

    def read(self, span: Span, common: Common | None = None) -> Predictions:
        """The predictions for the questions of a range, possibly none.

        Parameters
        ----------
        common : Common, optional
            What this range has in common in the files read so far.

        Raises
        ------
        InputError
            As :func:`vqa_ensemble.predictions.files.read_predictions`, and if the file has
            changed since it was opened.
        """
        groups = self._groups_of(span)
        if not groups:
            return self._nothing()
        table, rows = self._read_groups(groups, _columns(self.footer), common)
        with at(self.path):
            p = decode_predictions(table, self.path, self.metadata, rows, common)
        return _cut(p, span)

    def read_question(self, question_id: int | str) -> Predictions:
        """The predictions for one question, possibly none; its type must be that of the ids."""
        # A string's longest proper prefix stands before it.
        low = question_id - 1 if isinstance(question_id, int) else question_id[:-1]
        near = self.read(Span(low, question_id))
        n = len(near.question_ids)
        has = n > 0 and near.question_ids[-1] == question_id
        return _between(near, n - has, n)

    def question_ids(self, span: Span) -> npt.NDArray[Any]:
        """The distinct question ids of a range, rising."""
        groups = self._groups_of(span)
        if not groups:
            return self._nothing().question_ids
        table, _ = self._read_groups(groups, ["question_id"])
        ids = np.unique(_id_values(table["question_id"]))
        below = 0 if span.low is None else int(np.searchsorted(ids, span.low, side="right"))
        return ids[below : _end(ids, span)]

    def check_unchanged(self) -> None:
        """Raise InputError if the file has changed since it was opened."""
        if file_stamp(self.path) != self.stamp:
            raise InputError(
                "changed while it was being read", path=self.path, fix="Give the command again."
            )

    def _groups_of(self, span: Span) -> list[RowGroup]:
        return [
            group
            for group in self.groups
            if (span.low is None or group.last > span.low)
            and (span.high is None or group.first <= span.high)
        ]

    def _read_groups(
        self, groups: list[RowGroup], columns: list[str], common: Common | None = None
    ) -> tuple[pa.Table, RowNumbers]:
        if self.pieces is not None:
            table = pa.concat_tables(_read_piece(self.pieces, g.index) for g in groups)
            return table.select(columns), np.asarray(table["row"])
        self.check_unchanged()
        try:
            filesystem, name = locate(self.path)
            local = is_local(filesystem)
            with (
                filesystem.open_input_file(name) as source,
                pq.ParquetFile(
                    source,
                    metadata=self.footer,
                    read_dictionary=["answer"],
                    pre_buffer=not local,  # few large requests
                ) as file,
            ):
                indices = [group.index for group in groups]
                common = common or Common()
                stored = self._stored_ids(source, indices) if local else None
                known = stored is not None and stored == common.stored_ids
                if known:
                    columns = [name for name in columns if name != "question_id"]
                table = file.read_row_groups(indices, columns=columns, use_threads=False)
                if known:
                    table = table.add_column(0, "question_id", common.question_id)
                elif common.question_id is None:
                    common.question_id, common.stored_ids = table["question_id"], stored
        except (OSError, pa.ArrowException) as error:
            self.check_unchanged()
            raise unreadable(self.path, error) from error
        self.check_unchanged()
        with at(self.path):
            _check_groups(table, groups)
        start = groups[0].start
        return table, range(start, start + table.num_rows)

    def _stored_ids(self, source: pa.NativeFile, indices: list[int]) -> list[object]:
        """The column question_id as it stands in the file: what is equal here decodes equally.

        Members' files mostly are: reading these few bytes spares decoding the column.
        """
        column = _leaf(self.footer)
        stored: list[object] = [self.footer.schema.column(column)]
        for index in indices:
            chunk = self.footer.row_group(index).column(column)
            start = chunk.dictionary_page_offset or chunk.data_page_offset
            content = source.read_at(chunk.total_compressed_size, start)
            stored += [chunk.num_values, chunk.compression, chunk.encodings, content]
        return stored

    def _nothing(self) -> Predictions:
        return Predictions(
            path=self.path,
            metadata=self.metadata,
            question_ids=np.zeros(0, dtype=object if self.has_string_ids else np.int64),
            starts=np.zeros(1, dtype=np.int64),
            vocabulary=pa.array([], pa.string()),
            answers=np.zeros(0, dtype=np.int32),
            confidences=np.zeros(0, dtype=np.float32),
        )


def open_prediction_file(path: str | os.PathLike[str], scratch: Path) -> PredictionFile:
    """Open a file for reading by ranges.

    Parameters
    ----------
    scratch : Path
        An existing folder for the pieces of a file whose rows are not in order.

    Raises
    ------
    InputError
        As :func:`vqa_ensemble.predictions.files.open_predictions`, and for a file without
        rows.
    """
    path = os.fspath(path)
    stamp = file_stamp(path)
    with open_predictions(path) as file:
        footer, metadata = file.metadata, read_metadata(file, path)
        kind = file.schema_arrow.field("question_id").type
    with at(path):
        check_has_rows(footer.num_rows)
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    with at(path), as_input_error("'question_id' is not UTF-8", UnicodeDecodeError, fix=DAMAGED):
        groups = _groups_in_footer(footer)
    opened = PredictionFile(
        path, metadata, not pa.types.is_integer(kind), tuple(groups), footer, stamp
    )
    if any(group.first is None for group in groups):  # no statistics
        if len(groups) > 1 or groups[0].rows > MAX_GROUP_ROWS:
            return _part(opened, scratch)
        ids = opened.question_ids(Span())
        return replace(opened, groups=(replace(groups[0], first=ids[0], last=ids[-1]),))
    in_order = all(before.last <= after.first for before, after in pairwise(groups))
    if not in_order or max(group.rows for group in groups) > MAX_GROUP_ROWS:
        return _part(opened, scratch)
    return opened


def plan_spans(files: Sequence[PredictionFile], rows: int | None = None) -> list[Span]:
    """Part the questions into ranges of about ``rows`` rows over all files, in rising order.

    Ranges end where row groups end: files with the same questions and answers per question are
    read without reading any group twice.
    """
    rows = rows or ROW_GROUP_ROWS * len(files)
    ends = sorted((group.last, group.rows) for file in files for group in file.groups)
    cuts, so_far = [], 0
    for (last, group_rows), (following, following_rows) in pairwise(ends):
        so_far += group_rows
        if following != last and so_far + following_rows // 2 >= rows:  # the nearest end
            cuts.append(last)
            so_far = 0
    bounds = [None, *cuts, None]
    return [Span(low, high) for low, high in pairwise(bounds)]


def _columns(footer: pq.FileMetaData) -> list[str]:
    """The columns that are read, of those that the file has at its top level."""
    names = footer.schema.to_arrow_schema().names
    return [name for name in COLUMNS if name in names]


def _leaf(footer: pq.FileMetaData) -> int:
    """Where the footer has question_id: a field inside another column may have the same name."""
    schema = footer.schema
    return next(c for c in range(len(schema.names)) if schema.column(c).path == "question_id")


def _check_groups(table: pa.Table, groups: list[RowGroup]) -> None:
    """Raise InputError if row groups do not hold what the footer, by which they are read, says."""
    check_row_count(table.num_rows, sum(group.rows for group in groups))
    column = table["question_id"]
    check_text(column, "question_id")
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    start = 0
    for group in groups:
        bounds = pc.min_max(column.slice(start, group.rows)).as_py()
        start += group.rows
        if group.first is None or bounds["min"] is None:  # without statistics; all null
            continue
        if bounds["min"] < group.first or bounds["max"] > group.last:
            raise InputError(
                f"holds ids from {bounds['min']!r} to {bounds['max']!r}, but its statistics say "
                f"{group.first!r} to {group.last!r}",
                where=f"row group {group.index}",
                fix="Write the file again with another program: this one's statistics are wrong.",
            )


def _groups_in_footer(footer: pq.FileMetaData) -> list[RowGroup]:
    column = _leaf(footer)
    groups, start = [], 0
    for g in range(footer.num_row_groups):
        group = footer.row_group(g)
        if group.num_rows == 0:
            continue
        statistics = group.column(column).statistics
        known = statistics is not None and statistics.has_min_max
        first, last = (statistics.min, statistics.max) if known else (None, None)
        groups.append(RowGroup(g, group.num_rows, start, first, last))
        start += group.num_rows
    return groups


def _cut(p: Predictions, span: Span) -> Predictions:
    """The questions of ``p`` that lie in the range."""
    ids = p.question_ids
    low = 0 if span.low is None else int(np.searchsorted(ids, span.low, side="right"))
    return _between(p, low, _end(ids, span))


def _between(p: Predictions, low: int, high: int) -> Predictions:
    """Questions ``low`` to ``high - 1`` of ``p``."""
    if low == 0 and high == len(p.question_ids):
        return p
    rows = slice(int(p.starts[low]), int(p.starts[high]))
    return replace(
        p,
        question_ids=p.question_ids[low:high],
        starts=p.starts[low : high + 1] - p.starts[low],
        answers=p.answers[rows],
        confidences=p.confidences[rows],
    )


def _end(ids: npt.NDArray[Any], span: Span) -> int:
    return len(ids) if span.high is None else int(np.searchsorted(ids, span.high, side="right"))


def _id_values(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_integer(column.type):
        # Ids beyond int64 wrap here; decoding the rows refuses them.
        return np.asarray(column.cast(pa.int64(), safe=False))
    return np.asarray(column.to_pylist(), dtype=object)


# ------------------------------------------------------------- files that are not in order


def _part(file: PredictionFile, scratch: Path) -> PredictionFile:
    """Part a file's rows by question_id into pieces on disk, each small enough to sort."""
    n_pieces = max(1, min(MAX_PIECES, -(-file.rows // (4 * ROW_GROUP_ROWS))))
    if file.rows > MAX_GROUP_ROWS:
        logger.warning(
            "%s: its %s rows are not in order of question_id; sorting them to a temporary file "
            "first. Sorted files save this step.",
            file.path,
            f"{file.rows:,}",
        )
    folder = scratch / f"{len(list(scratch.iterdir())):05d}"
    folder.mkdir()
    bounds = _quantiles(file, n_pieces)
    writers: dict[int, pa.ipc.RecordBatchFileWriter] = {}
    groups: dict[int, RowGroup] = {}
    row = 0
    for batch in _batches(file, None):
        ids = _id_values(batch["question_id"])
        batch = batch.append_column("row", pa.array(np.arange(row, row + len(ids))))
        row += len(ids)
        piece = np.searchsorted(bounds, ids, side="right")
        order = np.argsort(piece, kind="stable")
        ends = np.searchsorted(piece[order], np.arange(len(bounds) + 2))
        for p in np.flatnonzero(np.diff(ends)).tolist():
            mine = order[ends[p] : ends[p + 1]]
            part = batch.take(pa.array(mine))
            if p not in writers:
                writers[p] = pa.ipc.new_file(str(folder / f"{p}.arrow"), part.schema)
            writers[p].write_table(part)
            least, most = ids[mine].min(), ids[mine].max()
            so_far = groups.get(p, RowGroup(p, 0, 0, least, most))
            first, last = min(so_far.first, least), max(so_far.last, most)
            groups[p] = RowGroup(p, so_far.rows + len(mine), 0, first, last)
    for writer in writers.values():
        writer.close()
    return replace(file, groups=tuple(groups[p] for p in sorted(groups)), pieces=str(folder))


def _quantiles(file: PredictionFile, n: int) -> npt.NDArray[Any]:
    """Ids that part the rows about evenly, from a regular sample."""
    if n == 1:
        return np.zeros(0, dtype=object if file.has_string_ids else np.int64)
    step = max(1, file.rows // (1000 * n))
    sample = np.concatenate(
        [_id_values(batch["question_id"])[::step] for batch in _batches(file, ["question_id"])]
    )
    sample.sort()
    return np.unique(sample[np.arange(1, n) * len(sample) // n])


def _batches(file: PredictionFile, columns: list[str] | None) -> Iterator[pa.Table]:
    """All rows in file order; answers as plain strings, since dictionaries differ by batch."""
    columns = columns or _columns(file.footer)
    row = 0
    try:
        filesystem, name = locate(file.path)
        with pq.ParquetFile(
            name, metadata=file.footer, pre_buffer=False, filesystem=filesystem
        ) as parquet:
            for batch in parquet.iter_batches(ROW_GROUP_ROWS, columns=columns):
                table = pa.Table.from_batches([batch])
                rows = range(row, file.rows)
                with at(file.path):
                    check_no_nulls(table["question_id"], "question_id", rows)
                    check_text(table["question_id"], "question_id")
                row += table.num_rows
                for position, field in enumerate(table.schema):
                    if pa.types.is_dictionary(field.type):
                        plain = table[field.name].cast(field.type.value_type)
                        table = table.set_column(position, field.name, plain)
                yield table
        with at(file.path):
            check_row_count(row, file.rows)
    except (OSError, pa.ArrowException) as error:
        file.check_unchanged()
        raise unreadable(file.path, error) from error
    file.check_unchanged()


def _read_piece(folder: str, piece: int) -> pa.Table:
    with pa.memory_map(f"{folder}/{piece}.arrow") as source:
        return pa.ipc.open_file(source).read_all()
