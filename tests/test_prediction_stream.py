"""Predictions written as they come are the file that is written at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from strategies import examples

from vqa_ensemble.errors import InputError
from vqa_ensemble.predictions import stream as module
from vqa_ensemble.predictions.files import read_predictions, write_predictions
from vqa_ensemble.predictions.member import Metadata
from vqa_ensemble.predictions.stream import prediction_stream


@given(
    questions=st.integers(1, 30),
    answers=st.integers(1, 6),
    part=st.integers(1, 12),
    group=st.integers(1, 40),
    strings=st.booleans(),
    seed=st.integers(0, 99),
)
@examples(40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_parts_of_any_size_give_the_same_file(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    questions: int,
    answers: int,
    part: int,
    group: int,
    strings: bool,
    seed: int,
) -> None:
    random = np.random.default_rng(seed)
    vocabulary = random.permutation(["a", "b", "é", "Z", "no", "yes"]).tolist()
    numbers = np.sort(random.choice(1000, questions, replace=False))
    ids = np.array([f"q{n:03}" for n in numbers], object) if strings else numbers
    codes = np.array([random.permutation(6)[:answers] for _ in range(questions)])
    confidences = random.integers(0, 4, codes.shape).astype(np.float32) / 4  # with ties

    monkeypatch.setattr(module, "ROW_GROUP_ROWS", group)
    monkeypatch.setattr("vqa_ensemble.predictions.files.ROW_GROUP_ROWS", group)
    with prediction_stream(tmp_path / "parts", vocabulary, Metadata(member="m")) as write:
        for start in range(0, questions, part):
            rows = slice(start, start + part)
            write(ids[rows], codes[rows], confidences[rows])
    write_predictions(
        tmp_path / "whole",
        np.repeat(ids, answers),
        codes.ravel(),
        confidences.ravel(),
        member="m",
        vocabulary=vocabulary,
        top_k=None,
    )
    one, other = (pq.read_table(tmp_path / name).to_pydict() for name in ("parts", "whole"))
    assert one == other
    assert read_predictions(tmp_path / "parts").metadata.member == "m"
    groups = pq.ParquetFile(tmp_path / "parts").metadata
    sizes = [groups.row_group(i).num_rows for i in range(groups.num_row_groups)]
    whole = max(answers, group - group % answers)  # no question lies in two
    assert sizes[:-1] == [whole] * (len(sizes) - 1)
    assert 0 < sizes[-1] <= whole


def test_nothing_is_left_of_a_stream_that_fails(tmp_path: Path) -> None:
    def fail(*questions: Any) -> None:
        with prediction_stream(tmp_path / "predictions", ["a"], Metadata(member="m")) as write:
            for question in questions:
                write(*question)
                raise RuntimeError

    with pytest.raises(InputError, match="there are no predictions"):
        fail()
    with pytest.raises(RuntimeError):
        fail((np.array([1]), np.array([[0]]), np.array([[0.5]], np.float32)))
    assert list(tmp_path.iterdir()) == []
