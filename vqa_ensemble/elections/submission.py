"""Submissions written piece by piece, as large as they may be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from vqa_ensemble.questions.ids import QuestionIds

_SEPARATOR = b",\n"


def submission_lines(
    question_ids: QuestionIds, vocabulary: Sequence[str], answers: npt.NDArray[np.int32]
) -> bytes:
    """The lines of a submission for Q questions; every line ends in a comma and a newline.

    Parameters
    ----------
    question_ids : ndarray of int64 or of str objects, shape (Q,)
    vocabulary : sequence of str
    answers : ndarray of int32, shape (Q,)
        Indices into ``vocabulary``.

    Examples
    --------
    >>> submission_lines(np.array([7, 9]), ["no", 'a "cat"'], np.array([1, 0]))
    b'{"question_id": 7, "answer": "a \\\\"cat\\\\""},\\n{"question_id": 9, "answer": "no"},\\n'
    """
    if not len(answers):
        return b""
    # Few distinct answers: each is quoted once, and Arrow writes the lines.
    used = np.flatnonzero(np.bincount(answers))
    code = np.searchsorted(used, answers)
    quoted = _large([orjson.dumps(vocabulary[a]).decode() for a in used.tolist()])
    if question_ids.dtype == np.int64:
        ids = pa.array(question_ids).cast(pa.large_string())
    else:
        ids = _large([orjson.dumps(q).decode() for q in question_ids.tolist()])
    fixed = _large(['{"question_id": ', ', "answer": ', "}" + _SEPARATOR.decode(), ""])
    lines = pc.binary_join_element_wise(
        fixed[0], ids, fixed[1], quoted.take(pa.array(code)), fixed[2], fixed[3]
    )
    text: bytes = lines.buffers()[2].to_pybytes()
    return text


def _large(strings: list[str]) -> pa.LargeStringArray:
    """Strings that may be longer than 2 GB together."""
    return pa.array(strings, pa.large_string())


class SubmissionWriter:
    """Joins the lines of consecutive ranges of questions into one JSON list."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._file.write(b"[")
        self._empty = True

    def write(self, lines: bytes) -> None:
        """Append what :func:`submission_lines` gave."""
        if not lines:
            return
        if not self._empty:
            self._file.write(_SEPARATOR)
        self._file.write(memoryview(lines)[: -len(_SEPARATOR)])
        self._empty = False

    def close(self) -> None:
        """End the list."""
        self._file.write(b"]\n")
        self._file.close()
