"""What a data set gives: named splits of questions about pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from vqa_ensemble import ragged
from vqa_ensemble.arrays import Bools, Floats32, Ints
from vqa_ensemble.errors import InputError
from vqa_ensemble.questions.ids import QuestionIds
from vqa_ensemble.questions.vqa import Questions

Value = TypeVar("Value")


class Regions(Protocol):
    """Regions of pictures, read by the picture's row."""

    @property
    def width(self) -> int:
        """Numbers that describe a region (D)."""

    def read(self, rows: Ints) -> tuple[npt.NDArray[np.floating], Floats32, Bools]:
        """Features (B, K, D), boxes (B, K, 4), and which regions there are (B, K).

        Features are of the type they are stored in. Boxes are x1, y1, x2, y2 as shares of the
        picture's width and height.
        """


@dataclass(frozen=True)
class SoftAnswers:
    """Answers of each question with their scores in (0, 1], stored sparsely.

    Attributes
    ----------
    starts : ndarray of int64, shape (Q + 1,)
        Entries of question ``q`` are ``starts[q]:starts[q + 1]``.
    codes : ndarray of int64, shape (R,)
        Indices into ``answers``.
    scores : ndarray of float32, shape (R,)
    answers : list of str
    counts : ndarray of int64, shape (len(answers),)
        Questions whose answer, the most given one, each is.
    """

    starts: Ints
    codes: Ints
    scores: Floats32
    answers: list[str]
    counts: Ints

    def select(self, questions: Ints) -> SoftAnswers:
        """The entries of some questions."""
        starts, entries = ragged.take(self.starts, questions)
        return replace(self, starts=starts, codes=self.codes[entries], scores=self.scores[entries])


@dataclass(frozen=True)
class Split:
    """Questions about pictures, with answers where they are public.

    Attributes
    ----------
    name : str
    question_ids : ndarray of int64 or of str objects, shape (Q,)
    questions : list of str, length Q
    pictures : ndarray of int64, shape (Q,)
        The picture's row in ``regions``.
    regions : Regions
    answers : SoftAnswers or None
    types : list of str, length Q, or None
        The annotated answer type of each question.
    choices : list of tuple of str, length Q, or None
        Multiple choice: the options of each question, in normal form. The right one is
        in ``answers``.
    extra : bool
        Extra training questions of another source: they add nothing to the answer
        vocabulary, and count only where it has their answer.
    answers_file : Path or None
        Where the answers lie, or would lie.
    """

    name: str
    question_ids: QuestionIds
    questions: list[str]
    pictures: Ints
    regions: Regions
    answers: SoftAnswers | None
    types: list[str] | None = None
    choices: list[tuple[str, ...]] | None = None
    extra: bool = False
    answers_file: Path | None = None

    def select(self, rows: Ints) -> Split:
        """Some of the questions; the counts of answers stay those of all."""

        def chosen(values: list[Value] | None) -> list[Value] | None:
            return None if values is None else [values[row] for row in rows]

        return replace(
            self,
            question_ids=self.question_ids[rows],
            questions=[self.questions[row] for row in rows],
            pictures=self.pictures[rows],
            answers=None if self.answers is None else self.answers.select(rows),
            types=chosen(self.types),
            choices=chosen(self.choices),
        )

    def of_types(self, names: Sequence[str]) -> Split:
        """The questions of some types only.

        Raises
        ------
        InputError
            If the split has no types, or no question of these.
        """
        there = sorted(set(self.types or []))
        rows = np.flatnonzero(np.isin(self.types or [], list(names)))
        if not len(rows):
            raise InputError(
                f"split '{self.name}' has no questions of type {', '.join(names)}",
                where="data.question_types",
                fix=f"There are: {', '.join(there) or 'none; it has no annotations'}.",
            )
        return self.select(rows)


@dataclass(frozen=True)
class RawSplit:
    """A split as its files have it, before its pictures' regions are looked up.

    Attributes
    ----------
    questions : Questions
    path : Path or None
        The file that names the pictures; None if a package does.
    answers, choices, extra, answers_file
        As in :class:`Split`.
    answer_types, question_types : list of str, length Q, or None
    """

    questions: Questions
    path: Path | None
    answers: SoftAnswers | None = None
    answer_types: list[str] | None = None
    question_types: list[str] | None = None
    choices: list[tuple[str, ...]] | None = None
    extra: bool = False
    answers_file: Path | None = None

    def about(self, name: str, pictures: Ints, regions: Regions) -> Split:
        """The split, whose questions' ``pictures`` are rows of ``regions``."""
        return Split(
            name,
            self.questions.question_ids,
            self.questions.texts,
            pictures,
            regions,
            self.answers,
            self.answer_types,
            self.choices,
            self.extra,
            self.answers_file,
        )


class Dataset(Protocol):
    """A data set made of named splits."""

    @property
    def name(self) -> str:
        """As recipes call it."""

    @property
    def official(self) -> bool:
        """Whether its files are in the form of VQA v2 already."""

    @property
    def split_names(self) -> tuple[str, ...]:
        """The splits there are."""

    def read(self, name: str) -> RawSplit:
        """Read a split's files; :class:`InputError` if there is none of that name."""

    def split(self, name: str) -> Split:
        """Read a split with its regions; :class:`InputError` as :meth:`read`."""


def answers_of(split: Split | RawSplit, name: str, *, fix: str) -> SoftAnswers:
    """The answers of a split that must have some.

    Raises
    ------
    InputError
        If it has none, naming the file that is missing, with ``fix``.
    """
    if split.answers is None:
        file = split.answers_file
        missing = file is not None and not file.is_file()
        raise InputError(
            f"no such file; it holds the answers of split '{name}'"
            if missing
            else f"split '{name}' has no answers to learn from",
            path=file,
            fix=fix,
        )
    return split.answers


def answer_vocabulary(parts: Iterable[SoftAnswers], least: int) -> dict[str, int]:
    """Answers of at least ``least`` questions with their counts, the frequent ones first.

    Raises
    ------
    InputError
        If no answer is frequent enough.
    """
    counts: Counter[str] = Counter()
    for part in parts:
        counts.update(dict(zip(part.answers, part.counts.tolist(), strict=True)))
    kept = [answer for answer, count in counts.items() if count >= least]
    if not kept:
        raise InputError(
            f"no answer is the most given of {least} questions",
            where="data.min_answers",
            fix="Lower it.",
        )
    return {answer: counts[answer] for answer in sorted(kept, key=lambda a: (-counts[a], a))}
