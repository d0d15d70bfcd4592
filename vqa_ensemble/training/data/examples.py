"""What the training loop takes: splits as numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vqa_ensemble import ragged
from vqa_ensemble.arrays import Bools, Floats32, Ints
from vqa_ensemble.errors import InputError
from vqa_ensemble.questions.ids import QuestionIds
from vqa_ensemble.training.data.batch import Batch, Inputs
from vqa_ensemble.training.data.splits import SoftAnswers, Split
from vqa_ensemble.training.data.vocabulary import PADDING, encode_questions


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

    starts: Ints
    columns: Ints
    values: Floats32

    def arrays(self) -> tuple[npt.NDArray[Any], ...]:
        """All there is to it."""
        return self.starts, self.columns, self.values

    def dense(self, rows: Ints, width: int) -> Tensor:
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
        # Numbers that describe a region (D).
        self.width = splits[0].regions.width
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

    def digest(self) -> str:
        """Changes when the questions, their order or what is right to answer do.

        Pictures and their regions do not count.
        """
        targets = () if self.targets is None else self.targets.arrays()
        choices = [t.numpy() for t in (self.choices, self.choice_targets) if t is not None]
        return digest(self.tokens.numpy(), *targets, *choices)

    def batch(self, rows: Ints) -> Batch:
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

    def _read_regions(self, rows: Ints) -> tuple[npt.NDArray[np.floating], Floats32, Bools]:
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
