"""What a data set holds: the figures that ``vqa-ensemble prepare`` shows."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from vqa_ensemble import ragged
from vqa_ensemble.errors import InputError
from vqa_ensemble.files.table import write_csv
from vqa_ensemble.training.data.folder import FolderDataset
from vqa_ensemble.training.data.splits import (
    Dataset,
    RawSplit,
    SoftAnswers,
    answer_vocabulary,
    answers_of,
)
from vqa_ensemble.training.data.vocabulary import tokenize

# The splits whose answers make the vocabulary if nothing else is said.
VOCABULARY_SPLITS = ("train", "validation")


@dataclass(frozen=True)
class SplitSummary:
    """One split.

    Attributes
    ----------
    name : str
    questions, images : int
        Questions, and distinct images they are about.
    answers : int or None
        Distinct answers in normal form; None if it has none.
    covered : float or None
        Share of the soft targets' sum that falls on answers in the vocabulary.
    best_score : float or None
        Mean score if every question got its best answer in the vocabulary: the highest that a
        model can reach.
    lengths : dict of int to int
        Questions of each number of words.
    longer : int
        Questions with more words than the limit.
    answer_types, question_types : dict of str to int
        Questions of each type, the frequent ones first; empty if there are none.
    """

    name: str
    questions: int
    images: int
    answers: int | None
    covered: float | None
    best_score: float | None
    lengths: dict[int, int]
    longer: int
    answer_types: dict[str, int]
    question_types: dict[str, int]


@dataclass(frozen=True)
class DatasetSummary:
    """A whole data set.

    Attributes
    ----------
    dataset : str
    splits : list of SplitSummary
    vocabulary : dict of str to int
        The answers and how many questions of ``vocabulary_splits`` each is the answer of, the
        frequent ones first.
    vocabulary_splits : list of str
    min_answers, words : int
        As in a recipe's ``[data]``.
    """

    dataset: str
    splits: list[SplitSummary]
    vocabulary: dict[str, int]
    vocabulary_splits: list[str]
    min_answers: int
    words: int

    def to_dict(self) -> dict[str, Any]:
        """What ``prepare --json`` prints: of the vocabulary its size."""
        report = asdict(self)
        report["vocabulary"] = len(self.vocabulary)
        report["padding"] = "right"
        report["splits"] = {split.pop("name"): split for split in report["splits"]}
        return report


def summarize(
    dataset: Dataset,
    *,
    vocabulary_splits: Sequence[str] = (),
    min_answers: int = 9,
    words: int = 14,
    each: Callable[[str, RawSplit], None] = lambda name, split: None,
) -> DatasetSummary:
    """Read every split that is there, once.

    Parameters
    ----------
    dataset : Dataset
    vocabulary_splits : sequence of str
        Splits whose answers make the vocabulary; by default those of train and validation that
        are there, or else all that have answers.
    min_answers : int
        Questions that an answer must be the answer of. It is counted as the public reference
        counts it, so that 9 gives 3,129 answers on VQA v2: once for each question whose
        ``multiple_choice_answer`` it is, in normal form.
    words : int
        Words a question that a model reads.
    each : callable
        Called with every split that was read, before it is let go.

    Raises
    ------
    InputError
        If no split is there, a file is broken, or a split for the vocabulary has no answers.
    """
    if not dataset.split_names and isinstance(dataset, FolderDataset):
        first = next(iter(dataset.files.values()))
        raise InputError(
            f"no such file, nor any other of {dataset.name}",
            path=first,
            fix="Give the folder they are in with --root, or download them.",
        )
    answers: dict[str, SoftAnswers] = {}
    described, extra = [], set()
    for name in dataset.split_names:
        raw = dataset.read(name)
        if name in VOCABULARY_SPLITS and not vocabulary_splits:
            answers_of(raw, name, fix="Add it, or choose other splits with --vocabulary-split.")
        each(name, raw)
        described.append(_describe(name, raw, words))
        if raw.answers is not None:
            answers[name] = raw.answers
        if raw.extra:
            extra.add(name)
    usual = [name for name in VOCABULARY_SPLITS if name in answers]
    wanted = list(vocabulary_splits) or usual or [name for name in answers if name not in extra]
    _check_answered(wanted or ["train"], answers)
    vocabulary = answer_vocabulary([answers[name] for name in wanted], min_answers)
    return DatasetSummary(
        dataset.name,
        [_with_coverage(split, answers.get(split.name), vocabulary) for split in described],
        vocabulary,
        wanted,
        min_answers,
        words,
    )


def _check_answered(names: Sequence[str], answers: Mapping[str, SoftAnswers]) -> None:
    for name in names:
        if name not in answers:
            there = ", ".join(answers) or "none"
            raise InputError(f"split '{name}' has no answers", fix=f"There are those of: {there}.")


def write_vocabulary(path: str | os.PathLike[str], vocabulary: dict[str, int]) -> None:
    """Write a CSV file with the columns ``answer`` and ``questions``.

    Raises
    ------
    InputError
        If ``path`` cannot be written.
    """
    write_csv(path, ["answer", "questions"], vocabulary.items())


def _describe(name: str, raw: RawSplit, words: int) -> SplitSummary:
    texts = Counter(raw.questions.texts)  # questions repeat
    lengths: Counter[int] = Counter()
    for text, count in texts.items():
        lengths[len(tokenize(text))] += count
    return SplitSummary(
        name=name,
        questions=len(raw.questions.texts),
        images=len(set(raw.questions.image_ids)),
        answers=None if raw.answers is None else len(raw.answers.answers),
        covered=None,
        best_score=None,
        lengths=dict(sorted(lengths.items())),
        longer=sum(count for length, count in lengths.items() if length > words),
        answer_types=dict(Counter(raw.answer_types or ()).most_common()),
        question_types=dict(Counter(raw.question_types or ()).most_common()),
    )


def _with_coverage(
    split: SplitSummary, answers: SoftAnswers | None, vocabulary: dict[str, int]
) -> SplitSummary:
    if answers is None:
        return split
    known = np.array([answer in vocabulary for answer in answers.answers])[answers.codes]
    scores = np.where(known, answers.scores, 0)
    best = ragged.maxima(answers.starts, scores)
    return replace(
        split,
        covered=float(scores.sum() / answers.scores.sum()),
        best_score=float(best.mean()),
    )
