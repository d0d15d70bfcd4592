"""Question ids: all of a file, or of a vote, are integers, or all are strings.

Functions here know no file: their errors get its path from the reader, by ``with at(path):``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from vqa_ensemble.errors import InputError

# Shape (Q,).
QuestionIds = npt.NDArray[np.int64] | npt.NDArray[np.object_]

_SHOWN = 5


def question_ids_of(
    values: Sequence[Any], *, name: str = "question_id", where: str = ""
) -> QuestionIds:
    """The distinct ids of a file's entries, all of them integers or all strings.

    Parameters
    ----------
    values : sequence of int or of str, shape (Q,)
        At least one.
    name : str
        What the file calls them.
    where : str
        The list that they stand in.

    Raises
    ------
    InputError
        Naming the entry or the question: types are mixed, an id repeats, or does not fit into 64
        bits.

    Examples
    --------
    >>> question_ids_of([3, 1]), question_ids_of(["b", "a"])
    (array([3, 1]), array(['b', 'a'], dtype=object))
    """
    if len(set(map(type, values))) > 1:
        wrong = next(i for i, value in enumerate(values) if type(value) is not type(values[0]))
        raise InputError(
            f"{name} {values[wrong]!r} is not of the type of the first, {values[0]!r}",
            where=f"{where}[{wrong}]",
            fix="Write all ids as integers, or all as strings.",
        )
    check_distinct(values, "the file")
    if isinstance(values[0], str):
        return np.array(values, dtype=object)
    try:
        return np.array(values, dtype=np.int64)
    except OverflowError as error:
        wrong = next(value for value in values if not -(2**63) <= value < 2**63)
        raise InputError(
            f"{name} {wrong} does not fit into 64-bit signed integers",
            fix="Write such ids as strings.",
        ) from error


def check_distinct(values: Sequence[Any], within: str) -> None:
    """Raise InputError naming the first of ``values`` that repeats."""
    if len(set(values)) == len(values):
        return
    repeated = [value for value, count in Counter(values).items() if count > 1]
    more = f", and {len(repeated) - 1} more questions do" if len(repeated) > 1 else ""
    raise InputError(
        f"stands more than once in {within}{more}",
        where=f"question {repeated[0]}",
        fix="Keep one of them.",
    )


def check_same_type(ids: QuestionIds, others: QuestionIds, whose: str) -> None:
    """Raise InputError if one are integers and the others, which are ``whose``, strings."""
    if ids.dtype != others.dtype:
        raise InputError(
            f"question ids are of another type (integer, string) than {whose}",
            fix="Give all files the same question ids: all integers or all strings.",
        )


def alike(ids: QuestionIds, others: QuestionIds, *, told: bool) -> tuple[QuestionIds, QuestionIds]:
    """Both as strings if one are integers and the type of one is not ``told``, else as they are.

    Examples
    --------
    >>> alike(np.array([7]), np.array(["7"], object), told=False)
    (array(['7'], dtype=object), array(['7'], dtype=object))
    """
    if told or ids.dtype == others.dtype:
        return ids, others
    first, second = (np.array([*map(str, one.tolist())], object) for one in (ids, others))
    return first, second


def look_up(wanted: QuestionIds, known: QuestionIds) -> npt.NDArray[np.int64]:
    """Where each of ``wanted`` stands among the ``known``; -1 where it does not.

    Examples
    --------
    >>> look_up(np.array([5, 8, 6]), np.array([6, 7, 5])).tolist()
    [2, -1, 0]
    """
    if wanted.dtype != known.dtype or not len(known):
        return np.full(len(wanted), -1)
    found = pc.index_in(pa.array(wanted), pa.array(known))
    return np.asarray(found.fill_null(-1), dtype=np.int64)


def look_up_all(
    wanted: QuestionIds, known: QuestionIds, *, told: bool, whose: str, fix: str
) -> npt.NDArray[np.int64]:
    """Where each of the members' questions stands among the ``known``, of which it must be one.

    Raises
    ------
    InputError
        If some are not there (``fix`` says what to do), or ids are of another type and ``told``.
    """
    known, wanted = alike(known, wanted, told=told)
    check_same_type(known, wanted, "the members'")
    position = look_up(wanted, known)
    lacking = wanted[position < 0]
    if len(lacking):
        raise InputError(
            f"lacks {len(lacking)} of {whose}{len(wanted)} questions: {first_few(lacking)}", fix=fix
        )
    return position


def union(ids: Sequence[QuestionIds]) -> QuestionIds:
    """The distinct ids of sorted lists, sorted; cheap when all lists are the same."""
    first = ids[0]
    if all(len(other) == len(first) and (other == first).all() for other in ids[1:]):
        return first
    return np.unique(np.concatenate(ids))


def first_few(ids: npt.NDArray[Any] | Sequence[Any], of: int | None = None) -> str:
    """The first five, and whether there are more: ``of`` in all, as many as given if None.

    Examples
    --------
    >>> first_few([1, 2]), first_few(range(1, 7))
    ('1, 2', '1, 2, 3, 4, 5, …')
    """
    n = len(ids) if of is None else of
    return ", ".join(map(str, ids[:_SHOWN])) + (", …" if n > _SHOWN else "")
