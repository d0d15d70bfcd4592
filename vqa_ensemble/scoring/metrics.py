"""One answer a question, scored by the metric that a benchmark uses."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vqa_ensemble.formats.benchmarks import BenchmarkAnnotations
from vqa_ensemble.formats.predictions import read_predictions
from vqa_ensemble.formats.vqa_json import Annotations, read_submission
from vqa_ensemble.normalize import normalize_answers
from vqa_ensemble.questions.ids import QuestionIds
from vqa_ensemble.scoring.anls import anls
from vqa_ensemble.scoring.exact_match import (
    exact_match,
    multiple_choice,
    reference_answers,
    same_text,
)
from vqa_ensemble.scoring.tdiuc import mean_per_type
from vqa_ensemble.scoring.vizwiz import (
    unanswerable_confidences,
    unanswerable_confidences_of,
    unanswerable_precision,
    unanswerable_questions,
)
from vqa_ensemble.scoring.vqa_accuracy import HumanAnswers, Scores, find_questions, score_texts
from vqa_ensemble.scoring.wordnet import WordNet
from vqa_ensemble.scoring.wups import wups


@dataclass(frozen=True)
class Answers:
    """One answer a question.

    Attributes
    ----------
    path : str
    question_ids : ndarray of int64 or of str objects, shape (R,)
    texts : list of str, length R
    unanswerable : ndarray of float64, shape (R,)
        Confidence that the question cannot be answered.
    """

    path: str
    question_ids: QuestionIds
    texts: list[str]
    unanswerable: npt.NDArray[np.float64]


@dataclass(frozen=True)
class MetricScores:
    """What a file scores.

    Attributes
    ----------
    scores : Scores
        The metric in percent, overall and by type.
    more : dict of str to float or None
        Figures in percent that the metric has beside its mean; None where it is not defined.
    """

    scores: Scores
    more: dict[str, float | None] = field(default_factory=dict)


def read_answers(path: str | os.PathLike[str]) -> Answers:
    """Read a submission, or a prediction file's most confident answers.

    Raises
    ------
    InputError
        If the file is bad.
    """
    name = os.fspath(path)
    if Path(name).suffix == ".parquet":
        predictions = read_predictions(name)
        return Answers(
            name,
            predictions.question_ids,
            predictions.top(),
            unanswerable_confidences_of(predictions),
        )
    submission = read_submission(name)
    return Answers(
        name,
        submission.question_ids,
        submission.answers,
        unanswerable_confidences(submission.answers),
    )


class Metric:
    """A metric, made ready for scoring files against the same annotations.

    Parameters
    ----------
    name : str
        One of :data:`vqa_ensemble.scoring.METRICS`.
    benchmark : BenchmarkAnnotations
    wordnet : path-like, optional
        Folder of WordNet's files for WUPS, as :class:`vqa_ensemble.scoring.wordnet.WordNet`
        takes it.

    Raises
    ------
    InputError
        If the annotations lack what the metric needs, or WordNet is not there.
    """

    def __init__(
        self,
        name: str,
        benchmark: BenchmarkAnnotations,
        wordnet: str | os.PathLike[str] | None = None,
    ) -> None:
        self._name = name
        self._benchmark = benchmark
        self._annotations = benchmark.annotations
        if name in ("vqa", "vizwiz"):
            prepare = HumanAnswers.prepare if name == "vqa" else HumanAnswers.as_written
            self._humans = prepare(self._annotations)
        elif name != "anls":
            self._references = benchmark.right_choices or reference_answers(self._annotations)
        if name == "wups":
            self._wordnet = WordNet(wordnet)

    def score(self, answers: Answers, *, missing: str = "error") -> MetricScores:
        """Score one file.

        Parameters
        ----------
        missing : {"error", "wrong"}
            What to do with annotated questions that have no answer: refuse, or score them 0.

        Raises
        ------
        InputError
            If a question is not annotated, or lacks an answer and ``missing`` is ``"error"``.
        """
        annotations = self._annotations
        questions = find_questions(
            annotations, answers.question_ids, missing=missing, path=answers.path
        )
        accuracy = np.zeros(len(annotations))
        accuracy[questions] = self._score(questions, answers.texts)
        more: dict[str, float | None] = {}
        if self._name == "vizwiz":
            confidences = np.zeros(len(annotations))
            confidences[questions] = answers.unanswerable
            precision = unanswerable_precision(confidences, self._unanswerable())
            more["unanswerable AP"] = None if precision is None else round(100 * precision, 2)
        if self._name == "tdiuc":
            forms = np.array(normalize_answers(self._references), dtype=object).astype(str)
            means = mean_per_type(accuracy, annotations.question_types, forms)
            more = {
                "arithmetic MPT": round(100 * means.arithmetic, 2),
                "harmonic MPT": round(100 * means.harmonic, 2),
                "arithmetic N-MPT": round(100 * means.normalized_arithmetic, 2),
                "harmonic N-MPT": round(100 * means.normalized_harmonic, 2),
            }
        if self._name == "wups":
            references = [self._references[q] for q in questions.tolist()]
            plain = wups(answers.texts, references, self._wordnet.similarity, threshold=0.0)
            more["WUPS@0.0"] = round(100 * float(plain.sum()) / len(annotations), 2)
        return MetricScores(Scores.of(accuracy, annotations, len(questions)), more)

    def _score(self, questions: npt.NDArray[np.int64], texts: list[str]) -> npt.NDArray[np.float64]:
        """What every answer scores, in [0, 1]."""
        if self._name in ("vqa", "vizwiz"):
            return score_texts(self._humans, questions, texts)
        places = questions.tolist()
        if self._name == "anls":
            return anls(texts, [_humans(self._annotations, q) for q in places])
        references = [self._references[q] for q in places]
        if self._name == "gqa":
            return same_text(texts, references)
        if self._name == "multiple-choice":
            choices = self._benchmark.choices
            options = None if choices is None else [choices[q] for q in places]
            return multiple_choice(texts, references, options)
        if self._name == "wups":
            return wups(texts, references, self._wordnet.similarity)
        return exact_match(texts, references)

    def _unanswerable(self) -> npt.NDArray[np.bool_]:
        if self._benchmark.answerable is not None:
            return ~np.array(self._benchmark.answerable)
        return unanswerable_questions(self._annotations)


def _humans(annotations: Annotations, question: int) -> list[str]:
    begin, end = annotations.starts[question : question + 2].tolist()
    return [annotations.vocabulary[code] for code in annotations.answers[begin:end].tolist()]
