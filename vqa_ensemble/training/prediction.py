"""From a trained member to its prediction files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from vqa_ensemble.errors import InputError
from vqa_ensemble.formats.predictions import write_predictions
from vqa_ensemble.formats.recipe import recipe_hash
from vqa_ensemble.formats.vqa_json import QuestionIds
from vqa_ensemble.training.checkpoint import Member
from vqa_ensemble.training.data.examples import Dataset, Examples


@dataclass(frozen=True)
class SplitPrediction:
    """A member's best answers to every question of a split.

    Attributes
    ----------
    question_ids : ndarray, shape (Q,)
    answers : ndarray of int64, shape (Q, k)
        Indices into the member's answers, the most confident first.
    confidences : ndarray of float32, shape (Q, k)
        Sigmoid scores: how likely each answer alone is right. They need not sum to 1.
    score : float or None
        Mean soft score of the most confident answers, where the split has answers.
    """

    question_ids: QuestionIds
    answers: npt.NDArray[np.int64]
    confidences: npt.NDArray[np.float32]
    score: float | None


def predict_split(
    member: Member,
    dataset: Dataset,
    split: str,
    *,
    top_k: int,
    device: torch.device,
    batch_size: int = 512,
) -> SplitPrediction:
    """Run a member over a split; ``top_k = 0`` keeps every answer.

    This runs in float32 whatever the training did, since 16 bits would round different
    confidences to the same number.

    Raises
    ------
    InputError
        If there is no such split, or its regions are not as wide as in training.
    """
    examples = Examples(
        [dataset.split(split)], member.words, member.answers, member.recipe.data.words
    )
    if examples.width != member.width:
        raise InputError(
            f"regions of split '{split}' are {examples.width} numbers wide; "
            f"{member.name} was trained on {member.width}"
        )
    count = min(top_k or len(member.answers), len(member.answers))
    answers, confidences, score = [], [], 0.0
    member.model.eval()
    with torch.inference_mode():
        for start in range(0, len(examples), batch_size):
            rows = np.arange(start, min(start + batch_size, len(examples)))
            batch = examples.batch(rows).to(device)
            logits = member.model(batch.features, batch.boxes, batch.mask, batch.tokens)
            best = logits.float().sigmoid().topk(count, dim=1)
            answers.append(best.indices.cpu().numpy())
            confidences.append(best.values.cpu().numpy())
            if batch.targets is not None:
                score += float(batch.targets.gather(1, best.indices[:, :1]).sum())
    return SplitPrediction(
        examples.question_ids,
        np.concatenate(answers),
        np.concatenate(confidences),
        None if examples.targets is None else score / len(examples),
    )


def write_split(
    member: Member,
    dataset: Dataset,
    split: str,
    folder: str | os.PathLike[str],
    *,
    top_k: int,
    device: torch.device,
) -> tuple[Path, float | None]:
    """Predict a split into ``folder/<split>/<member>.parquet``; the path and the score.

    Raises
    ------
    InputError
        As :func:`predict_split`, or if the file cannot be written.
    """
    predicted = predict_split(member, dataset, split, top_k=top_k, device=device)
    path = Path(folder) / split / f"{member.name}.parquet"
    write_predictions(
        path,
        np.repeat(predicted.question_ids, predicted.answers.shape[1]),
        predicted.answers.ravel().astype(np.int32),
        predicted.confidences.ravel(),
        member=member.name,
        vocabulary=member.answers,
        dataset=dataset.name,
        split=split,
        top_k=top_k or None,
        recipe=member.name,
        recipe_hash=recipe_hash(member.recipe),
        seed=member.recipe.member.seed,
    )
    return path, predicted.score
