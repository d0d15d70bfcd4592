"""Loss, delayed updates and optimisers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from vqa_ensemble.formats.recipe import TrainingSection
from vqa_ensemble.training.data.examples import Batch
from vqa_ensemble.training.precision import MixedPrecision

# Of the logits (B, A) for a batch, summed over its examples.
Loss = Callable[[Tensor, Batch], Tensor]


def soft_target_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Binary cross-entropy summed over answers and over examples: (B, A), (B, A) -> ().

    Teney et al. 2018, section 3.5: every answer is a yes/no decision whose right answer is
    the share of annotators behind it.
    """
    return functional.binary_cross_entropy_with_logits(logits.float(), targets, reduction="sum")


def soft_score(logits: Tensor, targets: Tensor) -> Tensor:
    """Soft target of each example's best answer, summed: (B, A), (B, A) -> ()."""
    best = logits.argmax(1, keepdim=True)
    return targets.gather(1, best).sum()


def supervised_loss(logits: Tensor, batch: Batch) -> Tensor:
    """:func:`soft_target_loss` of a batch that has targets."""
    assert batch.targets is not None
    return soft_target_loss(logits, batch.targets)


def accumulate_gradients(
    model: nn.Module,
    batches: Iterable[Batch],
    examples: int,
    precision: MixedPrecision,
    loss_of: Loss = supervised_loss,
) -> tuple[float, float]:
    """Add up the gradient of the mean loss over ``examples`` that come in several batches.

    Every batch counts by its number of examples, so the sum is the gradient of one large
    batch whether or not the last one is smaller (delayed updates, Ott et al. 2018).

    Returns
    -------
    loss, score : float
        Means over the examples.
    """
    losses, scores = [], []
    for batch in batches:
        assert batch.targets is not None
        with precision.autocast():
            logits = model(batch.features, batch.boxes, batch.mask, batch.tokens)
            loss = loss_of(logits, batch) / examples
        precision.backward(loss)
        losses.append(loss.detach())
        scores.append(soft_score(logits.detach(), batch.targets) / examples)
    return float(torch.stack(losses).sum()), float(torch.stack(scores).sum())


def build_optimizer(model: nn.Module, section: TrainingSection) -> torch.optim.Optimizer:
    """The recipe's optimiser over all parameters."""
    kinds: dict[str, type[torch.optim.Optimizer]] = {
        "adamax": torch.optim.Adamax,
        "adamw": torch.optim.AdamW,
    }
    options: dict[str, Any] = {"lr": section.learning_rate, "weight_decay": section.weight_decay}
    return kinds[section.optimizer](model.parameters(), **options)
