"""The metrics of single benchmarks: figures that their public evaluators gave, and properties.

docs/metrics.md says which evaluators, and on how many answers they were compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vqa_ensemble.answers.normalize import evalai_answer
from vqa_ensemble.errors import InputError
from vqa_ensemble.questions.benchmarks import BenchmarkAnnotations
from vqa_ensemble.questions.vqa import annotations_from_rows
from vqa_ensemble.scoring.chartqa import relaxed
from vqa_ensemble.scoring.metric import Answers, Metric, encode, metric_named


def ready(name: str, keys: Sequence[Sequence[str]], **known: Any) -> Metric:
    """The metric over questions 0, 1, … with these right answers."""
    ids = list(range(len(keys)))
    types = known.pop("types", ["t"] * len(keys))
    annotations = annotations_from_rows(ids, types, types, keys)
    return metric_named(name)(BenchmarkAnnotations(annotations, **known))


def scores(metric: Metric, texts: Sequence[str]) -> list[float]:
    return metric.score(np.arange(len(texts)), *encode(texts)).tolist()


def figures(metric: Metric, texts: Sequence[str]) -> dict[str, float | None]:
    """What it reports beside the mean, of an answer to every question."""
    questions = np.arange(len(texts))
    answers = Answers(questions, list(texts))
    return metric.more(np.array(scores(metric, texts)), questions, answers)


# ------------------------------------------------------------------------------ ChartQA

CHARTQA = [
    ("20", "21", 1),
    ("20", "19", 1),
    ("20", "21.01", 0),
    ("0.6", "0.63", 0),  # 5.000000000000005 % in doubles
    ("100", "105.2", 0),
    ("0.05", "5%", 1),
    ("5%", "5 %", 1),
    ("5", "5%", 0),
    ("1000", "1,000", 0),
    ("1000", "1_000", 1),
    ("5", "５", 1),
    ("0", "0.0", 0),
    ("0", "0", 1),
    ("-5", "5", 0),
    ("inf", "1", 0),
    ("2009", "2010", 1),
    ("Yes", "yES", 1),
    ("Blue", "blue.", 0),
    ("", "", 1),
]


@pytest.mark.parametrize(("key", "answer", "expected"), CHARTQA)
def test_chartqa(key: str, answer: str, expected: float) -> None:
    assert scores(ready("chartqa", [[key]]), [answer]) == [expected]


def test_chartqa_takes_the_best_of_several_keys_and_strips_both() -> None:
    assert scores(ready("chartqa", [["7", "20 "], ["x"]]), [" 20.5", "y"]) == [1, 0]


@given(st.floats(0.01, 1e6), st.floats(-0.2, 0.2))
def test_chartqa_numbers_are_right_within_five_percent(key: float, off: float) -> None:
    answer = key * (1 + off)
    assert relaxed(repr(answer), repr(key)) == (abs(answer - key) / key <= 0.05)


# ------------------------------------------------------------------------------ A-OKVQA


def test_a_okvqa_counts_people_as_written() -> None:
    keys = [["cat"] * 2 + ["Cat"] * 3 + ["dog"] * 5] * 5
    given = ["cat", "Cat", "dog", "CAT", "cat "]
    assert scores(ready("a-okvqa", keys), given) == [2 / 3, 1, 1, 0, 0]


def test_a_okvqa_leaves_out_difficult_questions() -> None:
    metric = ready("a-okvqa", [["a"] * 3] * 3, difficult=[False, True, False])
    assert metric.counted.tolist() == metric.asked.tolist() == [True, False, True]
    with pytest.raises(InputError, match="--metric multiple-choice"):
        ready("a-okvqa", [["a"] * 3], difficult=[True])


# ------------------------------------------------------------------------------ TextVQA

EVALAI = [
    ("a,b", "ab"),
    ("1,000-2", "1000 2"),
    ("Dog's", "dog 's"),
    ("What's up?", "what 's up"),
    ("it's 5, 6", "it 's 5 6"),
    ("no.5", "no.5"),
    ("U.S.A.", "usa"),
    ("<5", "5"),
    ("dont", "don't"),
    ("The two", "2"),
]


@pytest.mark.parametrize(("text", "form"), EVALAI)
def test_evalai_form(text: str, form: str) -> None:
    assert evalai_answer(text) == form


def test_textvqa_normalises_answers_that_all_agree() -> None:
    agreed = [["Coca-Cola"] * 10] * 2
    assert scores(ready("textvqa", agreed), ["coca cola", "cocacola"]) == [1, 0]
    assert scores(ready("vqa", agreed), ["coca cola", "Coca-Cola"]) == [0, 1]


@pytest.mark.parametrize(("people", "expected"), [(0, 0), (1, 0.3), (2, 0.6), (3, 0.9), (4, 1)])
def test_textvqa_holds_out_one_person_at_a_time(people: int, expected: float) -> None:
    keys = [["x's"] * people + [f"y{i}" for i in range(10 - people)]]
    assert scores(ready("textvqa", keys), ["X 's"]) == [pytest.approx(expected)]
