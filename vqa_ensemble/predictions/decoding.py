"""The rows of a prediction file, checked and turned into sorted arrays.

Errors get the file's path from the reader, by ``with at(path):``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from vqa_ensemble import ragged
from vqa_ensemble.errors import DAMAGED, InputError, as_input_error
from vqa_ensemble.predictions.member import Metadata, Predictions
from vqa_ensemble.questions.ids import QuestionIds

COLUMNS = ("question_id", "answer", "confidence")
# float32 softmax and sigmoid overshoot 1 by a few units in the last place.
CONFIDENCE_SLACK = 1e-6


class RowNumbers(Protocol):
    """Anything that gives the number in the file of a row at hand."""

    def __getitem__(self, row: int, /) -> int: ...


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
    def question_ids(self) -> QuestionIds:
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
        As :func:`vqa_ensemble.predictions.files.read_predictions`.
    """
    for name in set(COLUMNS) & set(table.column_names):
        check_text(table[name], name)
    rows = range(table.num_rows) if rows is None else rows
    common = common or Common()
    layout = _lay_out(table["question_id"], rows, common)
    answers, vocabulary = _encode_answers(table["answer"], rows, common)
    has_confidence = "confidence" in table.column_names
    if has_confidence:
        confidences = _check_confidences(table["confidence"], rows)
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
            where=f"row {rows[repeated]}",
            fix="Keep one row for each question and answer.",
        )
    if not has_confidence and layout.most > 1:
        many = int(np.argmax(layout.counts > 1))
        raise InputError(
            f"has {int(layout.counts[many])} answers but the file no 'confidence' column",
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


def _lay_out(column: pa.ChunkedArray, rows: RowNumbers, common: Common) -> Layout:
    if common.layout is not None and column.equals(common.question_id):
        return common.layout
    layout = Layout(*_encode_ids(column, rows))
    if common.layout is None:
        common.question_id, common.layout = column, layout
    return layout


def _encode_ids(
    column: pa.ChunkedArray, rows: RowNumbers
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.object_] | None]:
    """Integers that sort as the ids do, and the sorted distinct ids if these are strings."""
    check_no_nulls(column, "question_id", rows)
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_integer(kind):
        try:
            return _to_numpy(column.cast(pa.int64())), None
        except pa.ArrowInvalid as error:
            raise InputError(
                "a question_id does not fit into 64-bit signed integers",
                fix="Write such ids as strings.",
            ) from error
    codes, distinct = _sorted_dictionary(column)
    return codes.astype(np.int64), np.asarray(distinct.to_pylist(), dtype=object)


def _encode_answers(
    column: pa.ChunkedArray, rows: RowNumbers, common: Common
) -> tuple[npt.NDArray[np.int32], pa.StringArray]:
    """Codes of the answers, and the distinct ones; spaces around are no part of an answer."""
    check_no_nulls(column, "answer", rows)
    known = common.vocabulary
    if known is not None and pa.types.is_dictionary(column.type):
        chunks = [chunk for chunk in column.chunks if len(chunk)]
        if all(chunk.dictionary.equals(known) for chunk in chunks):
            return _indices(chunks), known
    codes, vocabulary = _sorted_dictionary(column)
    stripped = pc.utf8_trim_whitespace(vocabulary)
    if not stripped.equals(vocabulary):
        vocabulary = stripped.unique()
        vocabulary = vocabulary.take(pc.sort_indices(vocabulary))
        codes = np.asarray(pc.index_in(stripped, vocabulary), dtype=np.int32)[codes]
    common.vocabulary = common.vocabulary or vocabulary
    return codes, vocabulary


def _sorted_dictionary(column: pa.ChunkedArray) -> tuple[npt.NDArray[np.int32], pa.StringArray]:
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


def check_text(column: pa.ChunkedArray, name: str) -> None:
    """Raise InputError if a column of strings is not UTF-8."""
    with as_input_error(f"'{name}' is not UTF-8 text", pa.ArrowInvalid, fix=DAMAGED):
        column.validate(full=True)


def check_no_nulls(column: pa.ChunkedArray, name: str, rows: RowNumbers) -> None:
    """Raise InputError, with the row, if the column has a null."""
    if column.null_count:
        row = rows[int(np.argmax(np.asarray(column.is_null())))]
        raise InputError(
            f"'{name}' is null", where=f"row {row}", fix="Fill it in, or drop the row."
        )


def _check_confidences(column: pa.ChunkedArray, rows: RowNumbers) -> npt.NDArray[np.floating]:
    check_no_nulls(column, "confidence", rows)
    values = _to_numpy(column)
    least, most = values.min(), values.max()  # NaN if there is one
    if not (least >= 0 and most <= 1 + CONFIDENCE_SLACK):
        row = int(np.argmax(~((values >= 0) & (values <= 1 + CONFIDENCE_SLACK))))
        raise InputError(
            f"confidence is {values[row]}; it must lie in [0, 1]",
            where=f"row {rows[row]}",
            fix="Write probabilities (softmax or sigmoid), not logits or percent.",
        )
    narrow = values.astype(np.float32, copy=False)
    if narrow is not values and not np.array_equal(narrow, values):  # float64 says more
        narrow = values.astype(np.float64, copy=False)
    return narrow if most <= 1 else np.minimum(narrow, narrow.dtype.type(1))


def _is_ranked(
    layout: Layout, confidences: npt.NDArray[np.floating], answers: npt.NDArray[np.int32]
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
        pairs = ragged.owner(layout.starts) * (int(answers.max()) + 1) + answers
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
