"""What every data set hands to the training loop."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vqa_ensemble import ragged
from vqa_ensemble.errors import InputError
from vqa_ensemble.formats.vqa_json import Questions
from vqa_ensemble.questions.ids import QuestionIds
from vqa_ensemble.training.data.batch import Batch, Inputs
from vqa_ensemble.training.data.vocabulary import PADDING, encode_questions

FloatArray = npt.NDArray[np.float32]
Value = TypeVar("Value")


class Regions(Protocol):
    """Regions of pictures, read by the picture's row."""

    @property
    def width(self) -> int:
        """Numbers that describe a region (D)."""

    def read(
        self, rows: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.floating], FloatArray, npt.NDArray[np.bool_]]:
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

    starts: npt.NDArray[np.int64]
    codes: npt.NDArray[np.int64]
    scores: FloatArray
    answers: list[str]
    counts: npt.NDArray[np.int64]

    def select(self, questions: npt.NDArray[np.int64]) -> SoftAnswers:
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
    pictures: npt.NDArray[np.int64]
    regions: Regions
    answers: SoftAnswers | None
    types: list[str] | None = None
    choices: list[tuple[str, ...]] | None = None
    extra: bool = False
    answers_file: Path | None = None

    def select(self, rows: npt.NDArray[np.int64]) -> Split:
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

    def about(self, name: str, pictures: npt.NDArray[np.int64], regions: Regions) -> Split:
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


@dataclass(frozen=True)
class SparseRows:
    """Rows of numbers of which most are zero.

    Attributes
    ----------
    starts : ndarray of int64, shape (Q + 1,)
        Entries of row ``q`` are ``starts[q]:starts[q + 1]``.
    columns : ndarray of int64, shape (R,)
    values : ndarray of float32, shape (R,)
    """

    starts: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]
    values: FloatArray

    def arrays(self) -> tuple[npt.NDArray[Any], ...]:
        """All there is to it."""
        return self.starts, self.columns, self.values

    def dense(self, rows: npt.NDArray[np.int64], width: int) -> Tensor:
        """Some of the rows, shape (B,), with their zeros: (B, width)."""
        dense = np.zeros((len(rows), width), np.float32)
        starts, entries = ragged.take(self.starts, rows)
        dense[ragged.owner(starts), self.columns[entries]] = self.values[entries]
        return torch.from_numpy(dense)


class Examples:
    """Splits of one data set as numbers, cut into batches on demand.

    Parameters
    ----------
    splits : sequence of Split
        Taken one after another.
    words, answers : sequence of str
        The vocabularies; answers outside count for nothing.
    length : int
        Words a question (T).

    Attributes
    ----------
    teacher : SparseRows or None
        A teacher's confidences by question and answer; set by whoever has one.
    chooses : bool
        Whether the options' scores are a batch's targets, not the answers'; set for a model
        that chooses.

    Raises
    ------
    InputError
        If the splits' regions are not equally wide.
    """

    def __init__(
        self, splits: Sequence[Split], words: Sequence[str], answers: Sequence[str], length: int
    ) -> None:
        self.splits = list(splits)
        widths = {split.name: split.regions.width for split in splits}
        if len(set(widths.values())) > 1:
            raise InputError(
                f"the regions of the splits are not equally wide: {widths}",
                fix="Take all of them from one detector.",
            )
        self.words, self.answers = list(words), list(answers)
        self.question_ids: QuestionIds = np.concatenate([s.question_ids for s in splits])
        self.pictures = np.concatenate([split.pictures for split in splits])
        self._part = np.repeat(np.arange(len(splits)), [len(s.questions) for s in splits])
        texts = [text for split in splits for text in split.questions]
        self.tokens = torch.from_numpy(encode_questions(texts, words, length))
        self.targets = _join_targets([split.answers for split in splits], self.answers)
        self.teacher: SparseRows | None = None
        self.chooses = False
        self.choices, self.choice_targets = _encode_choices(splits, words, length)

    def __len__(self) -> int:
        return len(self.pictures)

    @property
    def width(self) -> int:
        """Numbers that describe a region (D)."""
        return self.splits[0].regions.width

    def digest(self) -> str:
        """Changes when the questions, their order or what is right to answer do.

        Pictures and their regions do not count.
        """
        arrays = [self.tokens.numpy()]
        if self.targets is not None:
            arrays += self.targets.arrays()
        if self.choices is not None:
            arrays.append(self.choices.numpy())
        if self.choice_targets is not None:
            arrays.append(self.choice_targets.numpy())
        return digest(*arrays)

    def batch(self, rows: npt.NDArray[np.int64]) -> Batch:
        """The examples in ``rows``, shape (B,)."""
        features, boxes, mask = self._read_regions(rows)
        chosen, width = torch.from_numpy(rows), len(self.answers)
        if self.chooses:
            targets = None if self.choice_targets is None else self.choice_targets[chosen]
        else:
            targets = None if self.targets is None else self.targets.dense(rows, width)
        inputs = Inputs(
            torch.from_numpy(features),
            torch.from_numpy(boxes),
            torch.from_numpy(mask),
            self.tokens[chosen],
            None if self.choices is None else self.choices[chosen],
        )
        teacher = None if self.teacher is None else self.teacher.dense(rows, width)
        return Batch(inputs, targets, teacher)

    def _read_regions(
        self, rows: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.floating], FloatArray, npt.NDArray[np.bool_]]:
        parts = self._part[rows]
        if (parts == parts[0]).all():
            return self.splits[int(parts[0])].regions.read(self.pictures[rows])
        read = {
            int(p): self.splits[p].regions.read(self.pictures[rows[parts == p]])
            for p in np.unique(parts)
        }
        most = max(mask.shape[1] for _, _, mask in read.values())
        kind = np.result_type(*(its_features for its_features, _, _ in read.values()))
        features = np.zeros((len(rows), most, self.width), kind)
        boxes = np.zeros((len(rows), most, 4), np.float32)
        mask = np.zeros((len(rows), most), np.bool_)
        for part, (its_features, its_boxes, its_mask) in read.items():
            chosen, count = np.flatnonzero(parts == part), its_mask.shape[1]
            features[chosen, :count] = its_features
            boxes[chosen, :count] = its_boxes
            mask[chosen, :count] = its_mask
        return features, boxes, mask


def digest(*arrays: npt.NDArray[Any]) -> str:
    """Sixteen hexadecimal digits that change when the arrays do."""
    found = hashlib.sha256()
    for array in arrays:
        found.update(array.tobytes())
    return found.hexdigest()[:16]


def _join_targets(parts: Sequence[SoftAnswers | None], answers: Sequence[str]) -> SparseRows | None:
    """The scores over all parts, by codes in ``answers``; None if one has no answers."""
    number = {answer: position for position, answer in enumerate(answers)}
    counts, codes, scores = [], [], []
    for part in parts:
        if part is None:
            return None
        position = np.array([number.get(answer, -1) for answer in part.answers], np.int64)
        mapped = position[part.codes]
        known = mapped >= 0
        counts.append(np.bincount(ragged.owner(part.starts)[known], minlength=len(part.starts) - 1))
        codes.append(mapped[known])
        scores.append(part.scores[known])
    starts = ragged.from_sizes(np.concatenate(counts))
    return SparseRows(starts, np.concatenate(codes), np.concatenate(scores))


def _encode_choices(
    splits: Sequence[Split], words: Sequence[str], length: int
) -> tuple[Tensor | None, Tensor | None]:
    """Words (Q, C, Ta) and scores (Q, C) of all options; None where a split has none."""
    options = [choice for split in splits for choice in split.choices or ()]
    if any(split.choices is None for split in splits):
        return None, None
    most = max(map(len, options))
    there = torch.arange(most) < torch.tensor([len(row) for row in options])[:, None]
    texts = [option for row in options for option in row]
    encoded = torch.from_numpy(encode_questions(texts, words, length))
    longest = int((encoded != PADDING).sum(1).max())
    tokens = torch.zeros((len(options), most, longest), dtype=torch.int64)
    tokens[there] = encoded[:, :longest]
    if any(split.answers is None for split in splits):
        return tokens, None
    targets = torch.zeros(there.shape)
    targets[there] = torch.tensor([score for split in splits for score in _choice_scores(split)])
    return tokens, targets


def _choice_scores(split: Split) -> Iterator[float]:
    """The score of every option of every question, in order."""
    assert split.answers is not None
    assert split.choices is not None
    starts, codes, scores, answers = (
        split.answers.starts.tolist(),
        split.answers.codes.tolist(),
        split.answers.scores.tolist(),
        split.answers.answers,
    )
    for row, options in enumerate(split.choices):
        entries = range(starts[row], starts[row + 1])
        score_of = {answers[codes[entry]]: scores[entry] for entry in entries}
        yield from (score_of.get(option, 0.0) for option in options)


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
