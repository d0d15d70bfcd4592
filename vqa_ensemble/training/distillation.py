"""The loss that teaches a student what a teacher knows beside the right answer.

Hinton et al. 2015, "Distilling the Knowledge in a Neural Network", section 2.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from vqa_ensemble.training.data.batch import Batch
from vqa_ensemble.training.optimization import Loss, soft_target_loss, supervised_loss
from vqa_ensemble.training.recipe import DistillationSection


def distillation_loss(
    logits: Tensor, teacher: Tensor, targets: Tensor, *, alpha: float, temperature: float
) -> Tensor:
    """The weighted sum of what the teacher and what the annotators say, summed over examples.

        alpha · T² · KL(teacher || student) + (1 - alpha) · supervised

    Both distributions are softmax(logits / T) over the answers. The talk writes the first
    term as the cross-entropy of the student against the teacher, which is this divergence
    plus the teacher's entropy: the gradient is the same, and only the divergence is zero when
    the student has learnt all. Its direction is that of the cross-entropy: where the teacher
    sees a chance, the student must too. T² keeps the size of the gradient when T changes.

    Parameters
    ----------
    logits : Tensor, shape (B, A)
        The student's.
    teacher : Tensor, shape (B, A)
        The teacher's logits, see :func:`teacher_logits`; -inf where an answer has no chance.
    targets : Tensor, shape (B, A)
        Soft scores of the annotated answers, for :func:`soft_target_loss`.
    alpha : float
        Weight of the teacher, from 0 to 1.
    temperature : float
        T > 0; above 1 the teacher's second thoughts weigh more.

    Returns
    -------
    Tensor, shape ()
    """
    learnt = functional.log_softmax(logits.float() / temperature, dim=1)
    taught = functional.softmax(teacher.float() / temperature, dim=1)
    divergence = functional.kl_div(learnt, taught, reduction="sum")
    supervised = soft_target_loss(logits, targets)
    return alpha * temperature**2 * divergence + (1 - alpha) * supervised


def teacher_logits(confidences: Tensor) -> Tensor:
    """Logits of a teacher known by its confidences, each in [0, 1]: (B, A) -> (B, A).

    Members are trained with a sigmoid an answer and an ensemble's confidence is a mean of
    theirs, so the log-odds ln(p / (1 - p)) undo the sigmoid: the logits of a single member
    come back exactly, up to the rounding of confidences next to 1. An answer with confidence
    0 (not among the k that a prediction file keeps) gets -inf, no chance at any temperature;
    every example needs one that is above 0.

    Examples
    --------
    >>> teacher_logits(torch.tensor([[0.5, 0.25, 0.0]]))
    tensor([[ 0.0000, -1.0986,    -inf]])
    """
    # Only the upper end needs a limit: 1 - p is 0 from 1 - 6e-8 on.
    highest = 1 - torch.finfo(torch.float32).eps
    return torch.logit(confidences.float().clamp_max(highest))


def student_loss(section: DistillationSection) -> Loss:
    """The loss of a batch: distilled where its questions have a teacher, else supervised."""

    def loss(logits: Tensor, batch: Batch) -> Tensor:
        if batch.teacher is None or batch.targets is None:
            return supervised_loss(logits, batch)
        taught = batch.teacher.any(1)
        distilled = distillation_loss(
            logits[taught],
            teacher_logits(batch.teacher[taught]),
            batch.targets[taught],
            alpha=section.alpha,
            temperature=section.temperature,
        )
        return distilled + soft_target_loss(logits[~taught], batch.targets[~taught])

    return loss
