"""From a trained member to its prediction files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from vqa_ensemble.arrays import Bools, Codes, Floats32, Ints
from vqa_ensemble.errors import InputError
from vqa_ensemble.predictions.member import Metadata
from vqa_ensemble.predictions.stream import prediction_stream
from vqa_ensemble.training import distributed
from vqa_ensemble.training.checkpoint import Member
from vqa_ensemble.training.data.examples import Examples
from vqa_ensemble.training.data.given_answers import give_answers, option_codes
from vqa_ensemble.training.data.splits import Dataset
from vqa_ensemble.training.recipe import recipe_hash

_BATCH_SIZE = 512


@dataclass(frozen=True)
class BatchPrediction:
    """A member's best answers to B questions.

    Attributes
    ----------
    rows : ndarray, shape (B,)
        The questions' places among the examples.
    answers : ndarray of int32, shape (B, k)
        Indices into the member's answers, or places among the question's options for a
        member that chooses; the most confident first.
    confidences : ndarray of float32, shape (B, k)
        Sigmoid scores: how likely each answer alone is right. They need not sum to 1.
    score : float
        Soft score of the most confident answers, summed; 0 if the split has no answers.
    """

    rows: Ints
    answers: Codes
    confidences: Floats32
    score: float


def known_examples(member: Member, dataset: Dataset, split: str) -> Examples:
    """A split as the member sees it.

    Raises
    ------
    InputError
        If there is no such split, its regions are not as wide as in training, it has answers
        and the member (unless it chooses among options) knows none of them, or it lacks the
        answers that the member reads.
    """
    content = dataset.split(split)
    examples = Examples([content], member.words, member.answers, member.recipe.data.words)
    if examples.width != member.width:
        raise InputError(
            f"regions of split '{split}' are {examples.width} numbers wide; "
            f"{member.name} was trained on {member.width}",
            fix="Give the split the kind of regions that the member was trained on.",
        )
    give_answers(examples, type(member.model))
    given = content.answers.answers if content.answers and not examples.chooses else None
    if given is not None and not set(given) & set(member.answers):
        raise InputError(
            f"none of the answers of split '{split}' is among the {len(member.answers):,} of "
            f"{member.name}",
            fix="Predict the data set that the member was trained on.",
        )
    return examples


def predict_examples(
    member: Member, examples: Examples, rows: Ints, *, top_k: int, device: torch.device
) -> Iterator[BatchPrediction]:
    """Run a member over the examples in ``rows``, batch by batch; ``top_k = 0`` keeps every answer.

    This runs in float32 whatever the training did, since 16 bits would round different
    confidences to the same number.

    Raises
    ------
    InputError
        With the question, if a confidence is not finite.
    """
    member.model.eval()
    with torch.inference_mode():
        for start in range(0, len(rows), _BATCH_SIZE):
            batch_rows = rows[start : start + _BATCH_SIZE]
            batch = examples.batch(batch_rows).to(device)
            logits = member.model(batch.inputs)
            count = min(top_k or logits.shape[1], logits.shape[1])
            best = logits.float().sigmoid().topk(count, dim=1)
            confidences = best.values.cpu().numpy()
            if not np.isfinite(confidences).all():
                row = batch_rows[int((~np.isfinite(confidences)).any(1).argmax())]
                raise InputError(
                    f"{member.name} gives a confidence that is not finite",
                    where=f"question {examples.question_ids[row]}",
                    fix="Train it again, with a lower rate: its weights are broken.",
                )
            score = 0.0
            if batch.targets is not None:
                score = float(batch.targets.gather(1, best.indices[:, :1]).sum())
            answers = best.indices.cpu().numpy().astype(np.int32)
            yield BatchPrediction(batch_rows, answers, confidences, score)


def score_examples(member: Member, examples: Examples, device: torch.device) -> float:
    """Mean soft score of examples that have answers; processes share the work.

    Raises
    ------
    InputError
        As :func:`predict_examples`.
    """
    rows = np.arange(distributed.rank(), len(examples), distributed.size())
    predicted = predict_examples(member, examples, rows, top_k=1, device=device)
    score = torch.tensor(sum(batch.score for batch in predicted), dtype=torch.float64)
    return float(distributed.total(score.to(device))) / len(examples)


def write_split(
    member: Member,
    dataset: Dataset,
    split: str,
    folder: str | os.PathLike[str],
    *,
    device: torch.device,
    top_k: int | None = None,
) -> tuple[Path, float | None]:
    """Predict a split into ``folder/<split>/<member>.parquet``; the path and the score.

    ``top_k`` answers a question are kept, 0 for all, by default as many as the recipe says.
    Questions stream through in the order of their ids, so memory does not grow with the split.

    Raises
    ------
    InputError
        As :func:`known_examples` and :func:`predict_examples`, or if the file cannot be
        written.
    """
    examples = known_examples(member, dataset, split)
    top_k = member.recipe.predict.top_k if top_k is None else top_k
    path, score = Path(folder) / split / f"{member.name}.parquet", 0.0
    rows = np.argsort(examples.question_ids, kind="stable")
    metadata = Metadata(
        member=member.name,
        dataset=dataset.name,
        split=split,
        recipe=member.name,
        recipe_hash=recipe_hash(member.recipe),
        seed=str(member.recipe.member.seed),
    ).written_now(top_k or None)
    vocabulary, options = option_codes(examples) if examples.chooses else (member.answers, None)
    with prediction_stream(path, vocabulary, metadata) as write:
        for batch in predict_examples(member, examples, rows, top_k=top_k, device=device):
            ids, answers = examples.question_ids[batch.rows], batch.answers
            if options is not None:
                answers = np.take_along_axis(options[batch.rows], answers, 1)
            for rows_alike, kept in _rows_alike(answers >= 0):
                write(
                    ids[rows_alike],
                    answers[rows_alike][:, kept],
                    batch.confidences[rows_alike][:, kept],
                )
            score += batch.score
    return path, None if examples.targets is None else score / len(examples)


def _rows_alike(there: Bools) -> Iterator[tuple[slice, Bools]]:
    """Runs of rows that have entries at the same places, and which places."""
    changes = np.flatnonzero((there[1:] != there[:-1]).any(1)) + 1
    for start, stop in pairwise([0, *changes.tolist(), len(there)]):
        yield slice(start, stop), there[start]
