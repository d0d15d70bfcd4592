"""Turn other tools' prediction files into one member's prediction file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vqa_ensemble.errors import InputError, at
from vqa_ensemble.importers import FORMATS, importer
from vqa_ensemble.importers.base import ImportOptions, Votes
from vqa_ensemble.importers.collect import Collected, collect
from vqa_ensemble.importers.detect import detect_format
from vqa_ensemble.importers.lavis import merged_file
from vqa_ensemble.predictions.files import write_predictions
from vqa_ensemble.questions.benchmarks import Source
from vqa_ensemble.scoring.metric import Metric, encode, read_metric

# Answers that the report shows.
SHOWN = 3


@dataclass(frozen=True)
class ImportReport:
    """What an import did.

    Attributes
    ----------
    member : str
    formats : list of str
        The formats of the files, without repeats.
    files : int
        Files read.
    partial_files : int
        Files of single ranks that were left out, since the file they merge into was given.
    questions, answers : int
        What was written.
    hard_answers : int
        Questions whose answer came without a confidence.
    confidence : float or None
        The confidence that these were given; None if there are none.
    metric : str or None
        What it was measured by; None if it was not measured.
    repeated : int
        Rows that said again what another row had said.
    missing : dict of str to int
        Questions in the files without an answer, by reason.
    unanswered : int
        Questions of the questions file that are in no file.
    extracted : dict of str to int
        Answers by what they were found by in longer texts.
    examples : dict of str to (str, str)
        One text and its answer for each.
    raw : int
        Answers that are not in VQA normal form.
    caution : str
        What to say of them, if they are many.
    same_as : list of str
        Columns of right answers that equal the model's on every row.
    shown : dict of str to str
        The first few questions and their answers.
    """

    member: str
    formats: list[str]
    files: int
    partial_files: int
    questions: int
    answers: int
    hard_answers: int
    confidence: float | None
    metric: str | None
    repeated: int
    missing: dict[str, int]
    unanswered: int
    extracted: dict[str, int]
    examples: dict[str, tuple[str, str]]
    raw: int
    caution: str
    same_as: list[str]
    shown: dict[str, str]

    def to_dict(self) -> dict[str, object]:
        """As JSON has it."""
        return asdict(self)


class Accuracy(NamedTuple):
    """The member's own accuracy on annotations: what its answers are worth on average.

    Attributes
    ----------
    annotations : sequence of path-like or KeyFile
        What it is measured on.
    metric : str, optional
        What it is measured by, of :data:`vqa_ensemble.scoring.METRICS`; the benchmark's own if
        not given.
    """

    annotations: Sequence[Source]
    metric: str | None = None


def import_predictions(
    paths: Sequence[str],
    output: str | os.PathLike[str],
    options: ImportOptions,
    *,
    format_name: str | None = None,
    member: str | None = None,
    confidence: float | Accuracy = 1.0,
) -> ImportReport:
    """Read files of one model, and write them as one prediction file.

    Parameters
    ----------
    paths : sequence of str
    output : path-like
    options : ImportOptions
    format_name : str, optional
        One of :data:`~vqa_ensemble.importers.FORMATS`; found for each file if not given.
    member : str, optional
        Named after ``output`` if not given.
    confidence : float or Accuracy
        What an answer without confidence gets, in [0, 1].

    Raises
    ------
    InputError
        Naming the file, and the row and the question where there is one.
    """
    whole = _without_partial_files(paths)
    found = {path: _format(path, format_name, options) for path in whole}

    def sources() -> Iterator[tuple[str, Iterator[Votes]]]:
        for path, (name, of_path) in found.items():
            yield path, importer(name).read(path, of_path)

    collected = collect(sources(), options)
    given = by = None
    if collected.hard:
        if isinstance(confidence, Accuracy):
            ready = read_metric(confidence.annotations, confidence.metric).one_by_one()
            by = ready.name
            with at(whole[0]):
                given = _accuracy(collected, ready)
        else:
            given = float(confidence)
    name = member or Path(output).stem
    rows = [
        (question, answer, given if score is None else score)
        for question, answers in collected.votes.items()
        for answer, score in answers
    ]
    ids, answers, scores = zip(*rows, strict=True)
    write_predictions(output, ids, answers, scores, member=name, top_k=options.top_k)
    return ImportReport(
        member=name,
        formats=list(dict.fromkeys(name for name, _ in found.values())),
        files=len(whole),
        partial_files=len(paths) - len(whole),
        questions=len(collected.votes),
        answers=len(rows),
        hard_answers=collected.hard,
        confidence=given,
        metric=by,
        repeated=collected.repeated,
        missing=dict(collected.missing),
        unanswered=collected.unanswered,
        extracted=dict(collected.reader.marks),
        examples=collected.reader.examples,
        raw=collected.reader.raw.total(),
        caution=collected.reader.caution,
        same_as=sorted(collected.same_as),
        shown={str(q): ranked[0][0] for q, ranked in islice(collected.votes.items(), SHOWN)},
    )


def _format(path: str, name: str | None, options: ImportOptions) -> tuple[str, ImportOptions]:
    """The format of a file, and the options to read it with; refuses one that it does not heed."""
    found = (name, options) if name else detect_format(path, options)
    ignored = [option for option in options.named if option not in FORMATS[found[0]].options]
    if ignored:
        given = " and ".join(f"--{option.replace('_', '-')}" for option in ignored)
        raise InputError(
            f"is read as {found[0]}, which knows no {given}",
            path=path,
            fix="Leave it out, or name another format before the files: table takes any column.",
        )
    return found


def _without_partial_files(paths: Sequence[str]) -> list[str]:
    """The files but for those of single ranks that another file merges."""
    whole = []
    for path in paths:
        merged = merged_file(path)
        if merged in paths:
            continue
        if merged is not None and Path(merged).exists():
            raise InputError(
                "holds the results of one rank only", path=path, fix=f"Give {merged} in its place."
            )
        whole.append(path)
    return whole


def _accuracy(collected: Collected, metric: Metric) -> float:
    """The member's mean score in [0, 1] on the annotated questions that it answers."""
    ids = enumerate(metric.annotations.question_ids.tolist())
    places = {str(question): i for i, question in ids if metric.counted[i]}
    answered = [
        (places[str(question)], answers[0][0])
        for question, answers in collected.votes.items()
        if str(question) in places
    ]
    if not answered:
        raise InputError(
            "answers none of the annotated questions, so its accuracy is not known",
            fix="Give the annotations of the split it answers, or a number as --confidence.",
        )
    questions, texts = zip(*answered, strict=True)
    return float(metric.score(np.array(questions), *encode(texts)).mean())
