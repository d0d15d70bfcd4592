"""The answers that a model gets beside picture and question, for those that need some."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch

from vqa_ensemble.arrays import Codes
from vqa_ensemble.errors import InputError
from vqa_ensemble.training.data.examples import Examples
from vqa_ensemble.training.data.splits import Split
from vqa_ensemble.training.data.vocabulary import encode_questions

if TYPE_CHECKING:
    from vqa_ensemble.training.models.parts import VqaModel


def give_answers(examples: Examples, model: type[VqaModel]) -> None:
    """Prepare examples for a model that needs answers; for others, do nothing.

    One that chooses among the options of multiple choice has their scores as the targets of a
    batch; one that reads the annotated answer gets it as the only option.

    Raises
    ------
    InputError
        If there are no options, or no annotated answers.
    """
    if model.chooses:
        if examples.choices is None:
            raise InputError(
                f"'{model.name}' chooses among options, and these questions have none",
                where="model.architecture",
                fix="Train 'ban', 'san' or 'butd' on open-ended questions.",
            )
        examples.chooses = True
    elif model.reads_answer:
        if examples.targets is None:
            raise InputError(
                f"'{model.name}' reads the annotated answer, and these questions have none",
                where="model.architecture",
                fix="Predict the splits that the student is trained on.",
            )
        texts = [text for split in examples.splits for text in _annotated_answers(split)]
        length = max(len(text.split()) for text in texts)
        tokens = torch.from_numpy(encode_questions(texts, examples.words, length))
        examples.choices = tokens[:, None]


def _annotated_answers(split: Split) -> Iterator[str]:
    """The best answer of every question, in the vocabulary or not."""
    assert split.answers is not None
    answers = split.answers
    for start, stop in pairwise(answers.starts.tolist()):
        best = start + int(answers.scores[start:stop].argmax()) if stop > start else None
        yield "" if best is None else answers.answers[answers.codes[best]]


def option_codes(examples: Examples) -> tuple[list[str], Codes]:
    """Options of multiple choice as codes: distinct texts, and (Q, C) indices into them.

    -1 stands where a question has fewer options than C, or the same one again.
    """
    rows = [row for split in examples.splits for row in split.choices or ()]
    texts = sorted({option for row in rows for option in row})
    code_of = {text: code for code, text in enumerate(texts)}
    assert examples.choices is not None
    codes = np.full(examples.choices.shape[:2], -1, np.int32)
    for question, row in enumerate(rows):
        for place, option in enumerate(row):
            if option not in row[:place]:
                codes[question, place] = code_of[option]
    return texts, codes
