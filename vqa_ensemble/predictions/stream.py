"""Prediction files too large for memory, written as their questions come."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from vqa_ensemble.errors import InputError
from vqa_ensemble.files.atomic import atomic_path
from vqa_ensemble.predictions.files import ROW_GROUP_ROWS, open_writer, row_group_bounds
from vqa_ensemble.predictions.member import Metadata

Write = Callable[[npt.NDArray[Any], npt.NDArray[np.integer], npt.NDArray[np.float32]], None]


@contextmanager
def prediction_stream(
    path: str | os.PathLike[str], vocabulary: Sequence[str], metadata: Metadata
) -> Iterator[Write]:
    """Yield what writes the next questions of a prediction file, whole or not at all.

    The file is that of :func:`vqa_ensemble.predictions.files.write_predictions`; memory holds
    one row group and the questions at hand. What is yielded takes

    - question ids, shape (Q,): rising, and above those before;
    - answers, shape (Q, k): indices into ``vocabulary``, each once a question;
    - confidences of float32, shape (Q, k), in [0, 1].

    Parameters
    ----------
    vocabulary : sequence of str
        Distinct answers.
    metadata : Metadata

    Raises
    ------
    InputError
        If ``path`` cannot be written, or no question came.
    """
    order = np.argsort(np.array(vocabulary, dtype=object))
    code_of = np.empty(len(order), np.int32)
    code_of[order] = np.arange(len(order))
    dictionary = pa.array([vocabulary[answer] for answer in order], pa.string())
    waiting: list[pa.Table] = []
    counts: list[npt.NDArray[np.int64]] = []  # rows of each question waiting
    writer: pq.ParquetWriter | None = None

    with atomic_path(path) as temporary, ExitStack() as stack:

        def flush(*, last: bool = False) -> None:
            """Write whole row groups; the last one too, which may be smaller."""
            nonlocal writer
            table, rows_of = pa.concat_tables(waiting), np.concatenate(counts)
            writer = writer or stack.enter_context(open_writer(temporary, table.schema, metadata))
            bounds = row_group_bounds(rows_of)
            for start, end in pairwise(bounds if last else bounds[:-1]):
                writer.write_table(table.slice(start, end - start), row_group_size=end - start)
            if not last:
                rest = bounds[-2]
                waiting[:] = [table.slice(rest)]
                counts[:] = [rows_of[np.searchsorted(np.cumsum(rows_of), rest, side="right") :]]

        def write(
            ids: npt.NDArray[Any],
            answers: npt.NDArray[np.integer],
            confidences: npt.NDArray[np.float32],
        ) -> None:
            codes = code_of[answers]
            by_confidence = np.lexsort((codes, -confidences))
            codes = np.take_along_axis(codes, by_confidence, 1)
            table = pa.table(
                {
                    "question_id": pa.array(ids).take(
                        pa.array(np.repeat(np.arange(len(ids)), codes.shape[1]))
                    ),
                    "answer": pa.DictionaryArray.from_arrays(pa.array(codes.ravel()), dictionary),
                    "confidence": np.take_along_axis(confidences, by_confidence, 1).ravel(),
                }
            )
            waiting.append(table)
            counts.append(np.full(len(ids), codes.shape[1]))
            if sum(table.num_rows for table in waiting) > ROW_GROUP_ROWS:
                flush()

        yield write
        if not waiting:
            raise InputError(
                "there are no predictions to write",
                path=path,
                fix="Predict a split that has questions.",
            )
        flush(last=True)
