"""Answers that mean the same, counted as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vqa_ensemble.formats.predictions import Predictions


def merge_answers(
    predictions: Predictions, canonical: Callable[[Sequence[str]], Sequence[str]]
) -> Predictions:
    """Rewrite every answer to its canonical form; merged answers keep the largest confidence.

    An answer whose canonical form is empty stays as it is: the normal form of the letter
    ``"a"``, say, is the empty string, which no leaderboard takes.

    Parameters
    ----------
    predictions : Predictions
    canonical : callable
        Maps a list of answers to their canonical forms, in the same order.

    Examples
    --------
    >>> from vqa_ensemble.formats.predictions import predictions_from_rows
    >>> p = predictions_from_rows("m", [(1, "Red", 0.4), (1, "red", 0.3), (1, "blue", 0.2)])
    >>> merged = merge_answers(p, lambda answers: [answer.lower() for answer in answers])
    >>> merged.vocabulary.to_pylist(), merged.confidences.round(1).tolist()
    (['blue', 'red'], [0.4000000059604645, 0.20000000298023224])
    """
    before = predictions.vocabulary.to_pylist()
    after = pa.array(
        [form or answer for form, answer in zip(canonical(before), before, strict=True)],
        pa.string(),
    )
    vocabulary = after.unique()
    vocabulary = vocabulary.take(pc.sort_indices(vocabulary))
    answers = np.asarray(pc.index_in(after, vocabulary), dtype=np.int32)[predictions.answers]
    counts = np.diff(predictions.starts)
    questions = np.repeat(np.arange(len(counts)), counts)
    confidences = predictions.confidences

    # Equal confidences are ranked by answer, and the answers have changed.
    order = np.lexsort((answers, -confidences, questions))
    questions, answers, confidences = questions[order], answers[order], confidences[order]
    # A stable sort by pair leaves each pair's most confident row first.
    pairs = questions * len(vocabulary) + answers
    _, first = np.unique(pairs, return_index=True)
    first.sort()
    starts = np.searchsorted(questions[first], np.arange(len(counts) + 1))
    return replace(
        predictions,
        starts=starts,
        vocabulary=vocabulary,
        answers=answers[first],
        confidences=confidences[first],
    )
