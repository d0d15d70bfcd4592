"""Score files by the metric that a benchmark uses."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vqa_ensemble.arrays import Floats
from vqa_ensemble.errors import at
from vqa_ensemble.predictions.files import read_predictions
from vqa_ensemble.questions.vqa import read_submission
from vqa_ensemble.scoring.metric import Answers, Metric, encode, read_metric
from vqa_ensemble.scoring.vqa_accuracy import Scores, find_questions

Paths = Sequence[str | os.PathLike[str]]


@dataclass(frozen=True)
class FileScores:
    """What a file scores.

    Attributes
    ----------
    file : str
    scores : Scores
        The metric in percent, overall and by type.
    more : dict of str to float or None
        Figures in percent that the metric has beside its mean; None where it is not defined.
    accuracy : ndarray of float64, shape (C,)
        What each question that counts scores, in [0, 1], in the order of the annotations.
    notes : tuple of str
        What a reader of the figures should know.
    """

    file: str
    scores: Scores
    more: dict[str, float | None]
    accuracy: Floats
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As ``evaluate --json`` prints it."""
        return {
            "file": self.file,
            "overall": self.scores.overall,
            **self.more,
            "per_answer_type": self.scores.per_answer_type,
            "per_question_type": self.scores.per_question_type,
            "mean_of_answer_types": self.scores.mean_of_answer_types,
            "mean_of_question_types": self.scores.mean_of_question_types,
            "missing": len(self.scores.per_question) - self.scores.answered,
            **({"notes": list(self.notes)} if self.notes else {}),
        }


def evaluate(
    paths: Paths,
    annotations: Metric | Paths,
    metric: str | None = None,
    *,
    missing: str = "error",
) -> list[FileScores]:
    """Score submissions, and the most confident answers of prediction files.

    Parameters
    ----------
    paths : sequence of path-like
    annotations : Metric or sequence of path-like
        A metric made ready on them, or the files to read, several only of VQA.
    metric : str, optional
        One of :data:`vqa_ensemble.scoring.METRICS`; the benchmark's own if not given.
    missing : {"error", "wrong"}
        What to do if a file lacks annotated questions: refuse it, or score these 0.

    Returns
    -------
    list of FileScores, one a file
        In percent.

    Raises
    ------
    InputError
        If a file is bad, or the annotations lack what the metric needs.
    """
    ready = annotations if isinstance(annotations, Metric) else read_metric(annotations, metric)
    return [_score_file(os.fspath(path), ready, missing) for path in paths]


def _score_file(path: str, metric: Metric, missing: str) -> FileScores:
    answers = _read_answers(path)
    with at(path):
        questions = find_questions(
            metric.annotations, answers.question_ids, missing=missing, asked=metric.asked
        )
    accuracy = np.zeros(len(metric.annotations))
    accuracy[questions] = metric.score(questions, *encode(answers.texts))
    whole = metric.whole(accuracy)
    scores = Scores.of(whole, metric.annotations, len(questions), metric.counted)
    more = metric.more(accuracy, questions, answers)
    return FileScores(path, scores, more, whole[metric.counted], tuple(metric.notes))


def _read_answers(path: str) -> Answers:
    if Path(path).suffix == ".parquet":
        predictions = read_predictions(path)
        return Answers(predictions.question_ids, predictions.top(), predictions)
    submission = read_submission(path)
    return Answers(submission.question_ids, submission.answers)
