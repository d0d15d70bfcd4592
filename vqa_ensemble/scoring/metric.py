"""What every metric has: each is a subclass of :class:`Metric` in a module of its own.

A new one is a module with its class as ``METRIC``, and a line in
:data:`vqa_ensemble.scoring.METRICS`.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from vqa_ensemble.errors import InputError, at
from vqa_ensemble.predictions.member import Predictions
from vqa_ensemble.questions.benchmarks import (
    BenchmarkAnnotations,
    Source,
    read_benchmark_annotations,
)
from vqa_ensemble.questions.ids import QuestionIds
from vqa_ensemble.questions.key import KeyFile
from vqa_ensemble.questions.table import read_question_column
from vqa_ensemble.questions.vqa import Annotations
from vqa_ensemble.scoring import METRICS

Similarity = Callable[[str, str], float]
Codes = npt.NDArray[np.integer]
Scored = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Answers:
    """One answer a question.

    Attributes
    ----------
    question_ids : ndarray of int64 or of str objects, shape (R,)
        Distinct.
    texts : list of str, length R
    predictions : Predictions, optional
        What they are the most confident answers of.
    """

    question_ids: QuestionIds
    texts: list[str]
    predictions: Predictions | None = None


class Metric(ABC):
    """A metric, made ready for scoring answers to annotated questions; see :func:`make_metric`.

    Parameters
    ----------
    benchmark : BenchmarkAnnotations
        Q questions.
    wordnet : callable
        Opens WordNet: returns the similarity of two nouns. Only metrics that need it call it.

    Raises
    ------
    InputError
        If the annotations lack what the metric needs.

    Attributes
    ----------
    name : str
        In :data:`vqa_ensemble.scoring.METRICS`.
    people : int
        Human answers to a question without which no answer can be wholly right.
    together : bool
        Whether a question's score hangs on the answers to others, as :meth:`whole` has it.
    asked, counted : ndarray of bool, shape (Q,)
        Questions that must be answered, and those whose scores enter the means: all of them,
        unless a subclass knows better.
    notes : list of str
        What a reader of the figures should know.
    """

    name = ""
    people = 1
    together = False

    def __init__(
        self, benchmark: BenchmarkAnnotations, wordnet: Callable[[], Similarity] | None = None
    ) -> None:
        self.benchmark, self.wordnet = benchmark, wordnet
        self.annotations = benchmark.annotations
        self.asked = self.counted = np.ones(len(self.annotations), dtype=np.bool_)
        self.notes: list[str] = []
        self._check_people()
        self.prepare()

    def _check_people(self) -> None:
        sizes = np.diff(self.annotations.starts)
        few = np.flatnonzero(sizes < self.people)
        if len(few):
            own = self.benchmark.metric
            other = own if metric_named(own).people < self.people else "exact-match"
            raise InputError(
                f"has fewer than {self.people} human answers, as have {len(few):,} of "
                f"{len(sizes):,} questions: no answer would be wholly right by this metric",
                where=f"question {self.annotations.question_ids[few[0]]}",
                fix=f"Score by the metric {other}, or leave these questions out.",
            )

    @abstractmethod
    def prepare(self) -> None:
        """Make ready what all answers are compared with; raises InputError if it is not there."""

    @abstractmethod
    def score(self, questions: Codes, answers: Codes, vocabulary: Sequence[str]) -> Scored:
        """What any answers to any questions score, in [0, 1].

        Parameters
        ----------
        questions : ndarray of int, shape (R,)
            The question of each row, as its position in the annotations; it may stand in many.
        answers : ndarray of int, shape (R,)
            The answer of each row, as an index into ``vocabulary``.
        vocabulary : sequence of str

        Returns
        -------
        ndarray of float64, shape (R,)
        """

    def one_by_one(self) -> Metric:
        """Itself; raises InputError if questions cannot be scored one by one."""
        if self.together:
            raise InputError(
                f"the metric {self.name} scores questions together; here each needs its own score",
                fix="Take another --metric, of choices multiple-choice.",
            )
        return self

    def whole(self, scores: Scored) -> Scored:
        """What questions score, shape (Q,), where that hangs on the scores of others."""
        return scores

    def more(self, scores: Scored, questions: Codes, answers: Answers) -> dict[str, float | None]:
        """Figures in percent beside the mean of the scores; None where one is not defined.

        Parameters
        ----------
        scores : ndarray of float64, shape (Q,)
            In the order of the annotations; 0 for questions without an answer.
        questions : ndarray of int, shape (R,)
            The place in the annotations of each of ``answers``.
        """
        return {}


class ReferenceMetric(Metric):
    """A metric that compares each answer, as text, with what is right for its question.

    ``references`` holds that, by question: the one right answer, unless a subclass has more.
    ``alternatives`` are other such lists: the best score counts.
    """

    alternatives: Sequence[list[str]] = ()

    def prepare(self) -> None:
        """Find the right answers."""
        self.references: list[Any] = self.benchmark.right_choices or reference_answers(
            self.annotations
        )
        if self.benchmark.alternatives:
            self.alternatives = _alternatives(self.annotations)

    def score(self, questions: Codes, answers: Codes, vocabulary: Sequence[str]) -> Scored:
        """As :meth:`Metric.score`."""
        texts = [vocabulary[code] for code in answers.tolist()]
        best, first = self.compare(questions, texts), self.references
        for alternative in self.alternatives:
            self.references = alternative
            best = np.maximum(best, self.compare(questions, texts))
        self.references = first
        return best

    @abstractmethod
    def compare(self, questions: Codes, texts: list[str]) -> Scored:
        """What the answers score, given as R texts."""

    def right(self, questions: Codes) -> list[Any]:
        """The right answers to these questions."""
        return [self.references[question] for question in questions.tolist()]


def metric_named(name: str) -> type[Metric]:
    """The metric of this name in :data:`vqa_ensemble.scoring.METRICS`."""
    if name not in METRICS:
        raise InputError(f"no metric '{name}'", fix=f"Known: {', '.join(METRICS)}.")
    metric: type[Metric] = import_module(f"vqa_ensemble.scoring.{METRICS[name]}").METRIC
    return metric


class AnyReference(ReferenceMetric):
    """A metric for which each distinct human answer is right: the best score of them counts."""

    def prepare(self) -> None:
        """List every question's answers."""
        known = self.annotations
        flat = [known.vocabulary[code] for code in known.answers.tolist()]
        self.references = [
            list(dict.fromkeys(flat[begin:end])) for begin, end in pairwise(known.starts.tolist())
        ]

    def compare(self, questions: Codes, texts: list[str]) -> Scored:
        """The best of :meth:`agreement` with the right answers."""
        pairs = zip(texts, self.right(questions), strict=True)
        best = [max(self.agreement(text, one) for one in right) for text, right in pairs]
        return np.array(best, dtype=np.float64)

    @abstractmethod
    def agreement(self, answer: str, reference: str) -> float:
        """What an answer scores against one right answer, in [0, 1]."""


def percent(share: float) -> float:
    """A share in percent, rounded to two decimals."""
    return round(100 * float(share), 2)


def read_metric(
    sources: Sequence[Source],
    name: str | None = None,
    *,
    question_types: str | None = None,
    wordnet: str | os.PathLike[str] | None = None,
) -> Metric:
    """The metric of this name, or the benchmark's own, made ready on files of annotations.

    Parameters
    ----------
    sources : sequence of KeyFile or path-like
        As :func:`~vqa_ensemble.questions.benchmarks.read_benchmark_annotations` takes them.
    name : str, optional
        In :data:`vqa_ensemble.scoring.METRICS`.
    question_types : str, optional
        ``FILE[:COLUMN]`` with every question's type, in place of the annotations' own.
    wordnet : path-like, optional
        Folder of WordNet's files for WUPS; by default ``WNSEARCHDIR``, then as
        :class:`vqa_ensemble.files.wordnet.WordNet` finds it.

    Raises
    ------
    InputError
        If a file is bad, there is no such metric, or the annotations lack what it needs.
    """
    benchmark = read_benchmark_annotations(sources)
    if question_types is not None:
        benchmark = _with_types(benchmark, question_types)
    with at(KeyFile.of(sources[0])):
        return make_metric(benchmark, name, wordnet=wordnet)


def _with_types(benchmark: BenchmarkAnnotations, spec: str) -> BenchmarkAnnotations:
    known = benchmark.annotations
    types = read_question_column(spec, "question_type", known.question_ids)
    codes, names = encode(types)
    replaced = replace(known, question_types=codes.astype(np.int32), question_type_names=names)
    return replace(benchmark, annotations=replaced)


def make_metric(
    benchmark: BenchmarkAnnotations,
    name: str | None = None,
    *,
    wordnet: str | os.PathLike[str] | None = None,
) -> Metric:
    """As :func:`read_metric`, on annotations that are read."""

    def similarity() -> Similarity:
        from vqa_ensemble.files.wordnet import WordNet

        return WordNet(wordnet or os.environ.get("WNSEARCHDIR")).similarity

    name = name or benchmark.metric
    metric = metric_named(name)(benchmark, similarity)
    metric.name = name
    return metric


def encode(texts: Sequence[str]) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Codes of answers, shape (R,), and the distinct ones that they are indices of.

    Examples
    --------
    >>> codes, vocabulary = encode(["yes", "no", "yes"])
    >>> codes.tolist(), vocabulary
    ([0, 1, 0], ['yes', 'no'])
    """
    vocabulary = list(dict.fromkeys(texts))
    code = {text: number for number, text in enumerate(vocabulary)}
    return np.fromiter(map(code.__getitem__, texts), np.int64, len(texts)), vocabulary


def reference_answers(annotations: Annotations) -> list[str]:
    """The answer that most humans gave to each question, as written; the first of them on a tie."""
    codes = annotations.answers.tolist()
    return [
        annotations.vocabulary[Counter(codes[begin:end]).most_common(1)[0][0]]
        for begin, end in pairwise(annotations.starts.tolist())
    ]


def _alternatives(annotations: Annotations) -> list[list[str]]:
    """The first answer to every question, the second and so on; the last again where none is left.

    Empty if all questions have one answer.
    """
    begins, sizes = annotations.starts[:-1], np.diff(annotations.starts)
    columns = range(sizes.max() if sizes.max() > 1 else 0)
    places = (begins + np.minimum(number, sizes - 1) for number in columns)
    return [[annotations.vocabulary[code] for code in annotations.answers[one]] for one in places]
