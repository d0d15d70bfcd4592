"""Question ids: one type, each once, and where they stand among others."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vqa_ensemble.errors import InputError, at
from vqa_ensemble.questions.ids import (
    check_same_type,
    first_few,
    look_up,
    question_ids_of,
    union,
)

INTEGERS = st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, unique=True)
STRINGS = st.lists(st.text(), min_size=1, unique=True)


@given(INTEGERS | STRINGS)
def test_ids_are_kept_in_order_and_found_where_they_stand(values: list[Any]) -> None:
    ids = question_ids_of(values)
    assert ids.tolist() == values
    assert ids.dtype == (object if isinstance(values[0], str) else np.int64)
    assert look_up(ids[::-1], ids).tolist() == list(range(len(values)))[::-1]


@given(st.data())
def test_what_is_not_known_is_not_found(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from([st.integers(0, 9), st.text("ab", max_size=2)]))
    wanted, known = (data.draw(st.lists(kind, min_size=1, unique=True)) for _ in range(2))
    found = look_up(question_ids_of(wanted), question_ids_of(known)).tolist()
    assert found == [known.index(one) if one in known else -1 for one in wanted]


def test_integers_are_not_found_among_strings() -> None:
    assert look_up(np.array([1, 2]), np.array(["1"], dtype=object)).tolist() == [-1, -1]
    assert look_up(np.array([1]), np.zeros(0, dtype=np.int64)).tolist() == [-1]


@given(st.lists(st.lists(st.integers(0, 9), min_size=1, unique=True), min_size=1, max_size=4))
def test_the_union_has_every_id_once_in_order(lists: list[list[int]]) -> None:
    together = union([np.array(sorted(one)) for one in lists]).tolist()
    assert together == sorted({one for listed in lists for one in listed})


@given(st.lists(st.integers(0, 99)), st.integers(0, 3))
def test_messages_name_five_at_most(ids: list[int], more: int) -> None:
    named = first_few(ids[:5], of=len(ids[:5]) + more).split(", ")
    assert named[:-1] == [str(one) for one in ids[:5]][: len(named) - 1]
    assert (named[-1] == "…") == (len(ids[:5]) + more > 5)
    assert first_few(ids) == first_few(ids[:5], of=len(ids))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1, "1"], "a.json, answers[1]: id '1' is not of the type of the first, 1. Write all"),
        ([1, 2, 1], "a.json, question 1: stands more than once in the file. Keep one of them."),
        ([2, 2, 1, 1], "question 2: stands more than once in the file, and 1 more questions do."),
        ([1, 2**63], f"a.json: id {2**63} does not fit into 64-bit signed integers. Write such"),
    ],
)
def test_bad_ids_are_refused(values: list[Any], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)), at("a.json"):
        question_ids_of(values, name="id", where="answers")


def test_integers_against_strings_are_refused() -> None:
    integers, strings = question_ids_of([1]), question_ids_of(["1"])
    check_same_type(integers, integers, "in b.json")
    with pytest.raises(InputError, match=r"of another type \(integer, string\) than in b.json"):
        check_same_type(integers, strings, "in b.json")
