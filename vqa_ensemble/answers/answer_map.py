"""The answer-to-question-type map as a file: CSV or parquet, one row a pair seen.

=============  ==========================================================================
column         meaning
=============  ==========================================================================
answer         the answer in VQA normal form
question_type  a type of question it was given to
count          how many annotators gave it to questions of this type
share          P(question_type | answer): the count's part of all the answer's counts
=============  ==========================================================================

The vote uses ``share``; ``count`` breaks ties and gives each type's prior. Both may be left
blank in rows added by hand: a blank share is worked out from the counts, a blank count is 0.

A last column is empty; its name is a digest of the rows, by which a later run knows whether
they were edited. Parquet has the digest in its metadata.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from vqa_ensemble.answers.normalize import normalize_answer
from vqa_ensemble.errors import DAMAGED, InputError, at, shown
from vqa_ensemble.files.atomic import atomic_path, is_stream
from vqa_ensemble.files.spreadsheet import guard, unguard
from vqa_ensemble.files.table import csv_rows, is_parquet, write_csv
from vqa_ensemble.files.text import check_regular_file, read_text

COLUMNS = ("answer", "question_type", "count", "share")
_DIGEST = "sha256_"
# Sums of counts over a million rows still fit into 64 bits.
MOST_COUNTED = 10**12


@dataclass(frozen=True)
class AnswerMap:
    """A soft map P(type | answer) with the counts it was learned from: N pairs seen.

    Attributes
    ----------
    answers, question_types : list of str, length N
    counts : ndarray of int64, shape (N,)
    shares : ndarray of float64, shape (N,)
        Sum to 1 over each answer's rows.
    """

    answers: list[str]
    question_types: list[str]
    counts: npt.NDArray[np.int64]
    shares: npt.NDArray[np.float64]

    @property
    def type_names(self) -> tuple[str, ...]:
        """The distinct question types, in alphabetical order."""
        return tuple(sorted(set(self.question_types)))

    @classmethod
    def from_counts(
        cls, answers: list[str], question_types: list[str], counts: npt.ArrayLike
    ) -> AnswerMap:
        """Build a map from the counts of distinct (answer, question type) pairs.

        Rows are put in reading order: answers by falling total count, then alphabetically;
        an answer's types by falling count, then alphabetically.
        """
        count = np.asarray(counts, dtype=np.int64)
        totals: dict[str, int] = {}
        for answer, n in zip(answers, count.tolist(), strict=True):
            totals[answer] = totals.get(answer, 0) + n
        order = sorted(
            range(len(answers)),
            key=lambda i: (-totals[answers[i]], answers[i], -count[i], question_types[i]),
        )
        total = np.array([totals[answers[i]] for i in order])
        count = count[order]
        return cls(
            [answers[i] for i in order],
            [question_types[i] for i in order],
            count,
            count / total,
        )

    @classmethod
    def from_pairs(cls, pairs: Iterable[tuple[str, str]]) -> AnswerMap:
        """Build a map from (answer, question type) pairs, each counted once per mention.

        Examples
        --------
        >>> answer_map = AnswerMap.from_pairs([("2", "number"), ("2", "number"), ("2", "other")])
        >>> answer_map.question_types, answer_map.shares.round(2).tolist()
        (['number', 'other'], [0.67, 0.33])
        """
        counts: dict[tuple[str, str], int] = {}
        for pair in pairs:
            counts[pair] = counts.get(pair, 0) + 1
        answers, question_types = (list(part) for part in zip(*counts, strict=True))
        return cls.from_counts(answers, question_types, list(counts.values()))


def write_answer_map(path: str | os.PathLike[str], answer_map: AnswerMap) -> None:
    """Write a map as CSV, or as parquet if ``path`` ends so.

    Raises
    ------
    InputError
        If the ending is neither, or ``path`` cannot be written.
    """
    digest = _digest(_cells(answer_map))
    if is_parquet(path):
        table = pa.table(
            [
                pa.array(answer_map.answers),
                pa.array(answer_map.question_types).dictionary_encode(),
                pa.array(answer_map.counts),
                pa.array(answer_map.shares),
            ],
            names=COLUMNS,
        ).replace_schema_metadata({digest: ""})
        with atomic_path(path) as temporary:
            pq.write_table(table, temporary, compression="zstd")
        return
    write_csv(path, (*COLUMNS, digest), ((*map(guard, row), "") for row in _cells(answer_map)))


def _cells(answer_map: AnswerMap) -> Iterator[tuple[str, str, str, str]]:
    """The rows of a map as CSV has them."""
    return zip(
        answer_map.answers,
        answer_map.question_types,
        map(str, answer_map.counts.tolist()),
        (f"{share:.6g}" for share in answer_map.shares.tolist()),
        strict=True,
    )


def _digest(rows: Iterable[tuple[str, ...]]) -> str:
    """What names the rows, in whatever order."""
    lines = sorted(map("\0".join, rows))
    return _DIGEST + hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def check_as_built(path: str | os.PathLike[str]) -> None:
    """Raise InputError if a file is there, and is not a map as :func:`write_answer_map` wrote it.

    A map without a digest is of an earlier version; it was not edited if its shares and its
    order are those of its counts.
    """
    if is_stream(path) or not (os.path.isfile(path) and os.path.getsize(path)):
        return
    with suppress(InputError, TypeError, ValueError, OverflowError):
        found = list(_parquet_rows(os.fspath(path)) if is_parquet(path) else _csv_rows(path))
        rows = [
            (str(r["answer"]), str(r["question_type"]), str(r["count"]), f"{float(r['share']):.6g}")
            for _, r in found
        ]
        if (digest := _recorded_digest(path)) is not None:
            as_built = digest == _digest(rows)
        else:
            answers, types, counts, _ = zip(*rows, strict=True)
            built = AnswerMap.from_counts([*answers], [*types], [*map(int, counts)])
            as_built = rows == [*_cells(built)]
        if as_built:
            return
    raise InputError(
        "is there already, and was edited since it was built, or is no map",
        path=path,
        fix="Give the output another name, or --force to replace it.",
    )


def _recorded_digest(path: str | os.PathLike[str]) -> str | None:
    if is_parquet(path):
        names = [name.decode() for name in pq.read_schema(path).metadata or {}]
    else:
        names = next(csv.reader(io.StringIO(read_text(path))))
    return next((name for name in names if name.startswith(_DIGEST)), None)


def read_answer_map(path: str | os.PathLike[str]) -> AnswerMap:
    """Read a map from CSV or parquet.

    Raises
    ------
    InputError
        Naming the file and the row: a column missing, a count or share that is not a number
        of its kind, an empty question type, a pair given twice, no rows at all.
    """
    with at(path):
        return _read(os.fspath(path))


def _read(path: str) -> AnswerMap:
    seen: dict[tuple[str, str], str] = {}
    answers, question_types, written = [], [], []
    counts: list[int] = []
    shares: list[float] = []
    for where, row in _parquet_rows(path) if is_parquet(path) else _csv_rows(path):
        with at(None, where):
            answer = normalize_answer(str(row["answer"]))
            question_type = str(row["question_type"] or "").strip()
            if not question_type:
                raise InputError("question_type is empty", fix="Name a type, or delete the row.")
            if (answer, question_type) in seen:
                raise InputError(
                    f"answer {answer!r} with question_type {question_type!r} stands already in "
                    f"{seen[answer, question_type]}",
                    fix="Keep one of them.",
                )
            seen[answer, question_type] = where
            answers.append(answer)
            written.append(str(row["answer"]))
            question_types.append(question_type)
            counts.append(_count(row["count"]))
            shares.append(_share(row["share"]))
    if not answers:
        raise InputError("holds no answers", fix="Make it with vqa-ensemble build-map.")
    count = np.array(counts)
    complete = _complete_shares(written, count, shares)
    return AnswerMap(answers, question_types, count, _pool_forms(answers, written, count, complete))


def _csv_rows(path: str | os.PathLike[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    fix = "Save it with the columns answer, question_type, count and share."
    rows = csv_rows(io.StringIO(read_text(path)), fix=fix)
    _, names = next(rows, (0, []))
    _check_columns(names)
    for line, cells in rows:
        if not cells:
            continue
        row: dict[str | None, Any] = dict(zip_longest(names, cells))
        if None in row or row["question_type"] is None:
            raise InputError(
                f"has not the {len(names)} fields of the header",
                where=f"line {line}",
                fix='Put an answer that has a comma in "quotes".',
            )
        yield f"line {line}", {name: _unguarded(row.get(name)) for name in COLUMNS}


def _unguarded(cell: str | None) -> str | None:
    """The text without what keeps a spreadsheet from running it."""
    return None if cell is None else unguard(cell)


def _parquet_rows(path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    check_regular_file(path)
    try:
        table = pq.ParquetFile(path).read()
        names, rows = table.column_names, table.to_pylist()
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise InputError(f"not a readable parquet file ({error})", fix=DAMAGED) from error
    _check_columns(names)
    for i, row in enumerate(rows):
        if row["answer"] is None:
            raise InputError("answer is null", where=f"row {i}", fix="Delete the row.")
        yield f"row {i}", {name: row.get(name) for name in COLUMNS}


def _check_columns(names: Sequence[str]) -> None:
    for column in ("answer", "question_type"):
        if column not in names:
            raise InputError(f"has no column '{column}'", fix=f"A map has: {', '.join(COLUMNS)}.")


def _count(value: Any) -> int:
    if value is None or value == "":
        return 0
    try:
        count = int(value)
    except (TypeError, ValueError, OverflowError):
        count = -1
    whole = not isinstance(value, float) or value == count
    if not (whole and 0 <= count <= MOST_COUNTED):
        raise InputError(
            f"count is {shown(value)}",
            fix=f"It must be a whole number from 0 to {MOST_COUNTED:,}, or empty.",
        )
    return count


def _share(value: Any) -> float:
    if value is None or value == "":
        return math.nan
    try:
        share = float(value)
    except (TypeError, ValueError):
        share = math.nan
    if not 0 <= share <= 1:
        raise InputError(
            f"share is {shown(value)}",
            fix="It must be a number in [0, 1], or empty: it is taken from the counts then.",
        )
    return share


def _complete_shares(
    answers: list[str], counts: npt.NDArray[np.int64], given: list[float]
) -> npt.NDArray[np.float64]:
    """Fill blank shares from the counts, and scale each answer's shares to sum to 1.

    Shares that are the counts' in the six digits of a CSV file are the counts': 1/3 is whole.
    """
    shares = np.array(given)
    group = np.unique(np.array(answers, dtype=object), return_inverse=True)[1]
    blank = np.bincount(group, weights=np.isnan(shares)) > 0
    by_count = counts / np.maximum(np.bincount(group, weights=counts)[group], 1)
    other = np.bincount(group, weights=~np.isclose(shares, by_count, rtol=5e-6, atol=0)) > 0
    # An answer with any blank share takes all of them from its counts (equal if all are 0).
    weights = np.where((blank | ~other)[group], counts, shares)
    empty = np.bincount(group, weights=weights) == 0
    weights[empty[group]] = 1.0
    return np.asarray(weights / np.bincount(group, weights=weights)[group])


def _pool_forms(
    answers: list[str],
    written: list[str],
    counts: npt.NDArray[np.int64],
    shares: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Pool the spellings of a normal form ("0", "none") by how frequent each is."""
    spelling = np.unique(np.array(written, dtype=object), return_inverse=True)[1]
    totals = np.maximum(np.bincount(spelling, weights=counts), 1)
    weights = shares * totals[spelling]
    form = np.unique(np.array(answers, dtype=object), return_inverse=True)[1]
    return np.asarray(weights / np.bincount(form, weights=weights)[form])
