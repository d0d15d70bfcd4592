"""The splits of a recipe put together: what one member is trained on."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from vqa_ensemble import ragged
from vqa_ensemble.errors import InputError
from vqa_ensemble.training.data.examples import Examples
from vqa_ensemble.training.data.splits import (
    Dataset,
    SoftAnswers,
    Split,
    answer_vocabulary,
    answers_of,
)
from vqa_ensemble.training.data.vocabulary import build_words, tokenize
from vqa_ensemble.training.recipe import DataSection

logger = logging.getLogger(__name__)
_TRAIN_FIX = "Add it, or leave the split out of data.train_splits."
_VOCABULARY_FIX = "Add it, or leave the split out of data.vocabulary_splits."


def training_examples(
    dataset: Dataset, data: DataSection, *, answer_words: bool = False
) -> Examples:
    """Read the splits to train on, and make the vocabularies.

    Of extra splits (Visual Genome) only questions stay whose answer is in the vocabulary and
    whose picture the other splits show. How many questions are longer than ``data.words`` is
    logged as a warning. With ``answer_words`` the words of the answer vocabulary are words too.

    Raises
    ------
    InputError
        If a split is missing or broken, has no answers, or shares a question with another.
    """
    splits = [dataset.split(name) for name in data.train_splits]
    if all(split.extra for split in splits):
        raise InputError("has extra questions only", where="data.train_splits", fix="Add 'train'.")
    given = {split.name: answers_of(split, split.name, fix=_TRAIN_FIX) for split in splits}
    _check_distinct(splits)
    if data.question_types:
        splits = [split.of_types(data.question_types) for split in splits]
    answers = _vocabulary(dataset, data, given, [s.name for s in splits if not s.extra])
    splits = [_usable(split, splits, answers) if split.extra else split for split in splits]
    texts = [text for split in splits for text in split.questions]
    _warn_of_long_questions(texts, data.words)
    words = build_words([*texts, *_options(splits), *(answers if answer_words else ())])
    return Examples(splits, words, answers, data.words)


def _vocabulary(
    dataset: Dataset, data: DataSection, given: dict[str, SoftAnswers], usual: Sequence[str]
) -> list[str]:
    """The answers of ``data.vocabulary_splits``, by default the ``usual``; ``given`` are read."""
    parts = []
    for name in data.vocabulary_splits or usual:
        # Splits that are not trained on need no regions.
        part = given.get(name) or answers_of(dataset.read(name), name, fix=_VOCABULARY_FIX)
        parts.append(part)
    return list(answer_vocabulary(parts, data.min_answers))


def _options(splits: Sequence[Split]) -> Iterator[str]:
    """The options of multiple choice."""
    for split in splits:
        for row in split.choices or ():
            yield from row


def _check_distinct(splits: Sequence[Split]) -> None:
    for one, other in combinations(splits, 2):
        listed = other.question_ids.tolist()
        shared = set(one.question_ids.tolist()).intersection(listed)
        if shared:
            first = next(question for question in listed if question in shared)
            raise InputError(
                f"splits '{one.name}' and '{other.name}' share {len(shared):,} questions, the "
                f"first is {first}",
                where="data.train_splits",
                fix="Leave one of them out of train_splits.",
            )


def _usable(split: Split, splits: Sequence[Split], answers: Sequence[str]) -> Split:
    """The questions of an extra split that can be learnt from without peeking."""
    assert split.answers is not None
    shown = np.concatenate([other.pictures for other in splits if not other.extra])
    known = np.isin(split.answers.answers, answers)[split.answers.codes]
    rows = ragged.owner(split.answers.starts)[known]
    answered = np.bincount(rows, minlength=len(split.questions)) > 0
    return split.select(np.flatnonzero(answered & np.isin(split.pictures, shown)))


def _warn_of_long_questions(texts: Sequence[str], limit: int) -> None:
    longer = [text for text in texts if len(tokenize(text)) > limit]
    if longer:
        logger.warning(
            "%s of %s training questions have more than data.words = %d words and lose their last "
            "ones; the longest has %d.",
            f"{len(longer):,}",
            f"{len(texts):,}",
            limit,
            max(len(tokenize(text)) for text in longer),
        )
