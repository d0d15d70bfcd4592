"""Score files by the metric that a benchmark uses."""

from __future__ import annotations

import os
from collections.abc import Sequence

from vqa_ensemble.formats.benchmarks import BenchmarkAnnotations, read_benchmark_annotations
from vqa_ensemble.scoring.metrics import Metric, MetricScores, read_answers

Paths = Sequence[str | os.PathLike[str]]


def evaluate(
    paths: Paths,
    annotations: BenchmarkAnnotations | Paths,
    metric: str = "vqa",
    *,
    missing: str = "error",
    wordnet: str | os.PathLike[str] | None = None,
) -> list[MetricScores]:
    """Score submissions, and the most confident answers of prediction files.

    Parameters
    ----------
    paths : sequence of path-like
    annotations : BenchmarkAnnotations or sequence of path-like
        Read, or the files to read, several only of VQA.
    metric : str
        One of :data:`vqa_ensemble.scoring.METRICS`.
    missing : {"error", "wrong"}
        What to do if a file lacks annotated questions: refuse it, or score these 0.
    wordnet : path-like, optional
        Folder of WordNet's files, for WUPS.

    Returns
    -------
    list of MetricScores, one a file
        In percent.

    Raises
    ------
    InputError
        If a file is bad, or the annotations lack what the metric needs.
    """
    if not isinstance(annotations, BenchmarkAnnotations):
        annotations = read_benchmark_annotations(annotations)
    ready = Metric(metric, annotations, wordnet)
    return [ready.score(read_answers(path), missing=missing) for path in paths]
