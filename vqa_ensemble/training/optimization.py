"""Loss, delayed updates and optimisers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from vqa_ensemble.training import distributed
from vqa_ensemble.training.data.batch import Batch
from vqa_ensemble.training.precision import MixedPrecision
from vqa_ensemble.training.recipe import TrainingSection

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
    network: nn.Module,
    batches: Iterable[Batch],
    precision: MixedPrecision,
    *,
    share: int,
    window: int,
    loss_of: Loss = supervised_loss,
) -> Tensor:
    """Add up the gradient of the mean loss over an update's examples, in several batches.

    Every example counts the same, so the sum is the gradient of one large batch whether or
    not batches are of one size (delayed updates, Ott et al. 2018). Processes that train
    together exchange gradients at the last batch only.

    Parameters
    ----------
    network : Module
    batches : iterable of Batch
    precision : MixedPrecision
    share : int
        Examples in ``batches``; with 0, one batch that does not count.
    window : int
        Examples of the update, over all processes.

    Returns
    -------
    Tensor, shape (2,)
        Loss and score, summed over the examples in ``batches``.
    """
    # DistributedDataParallel takes the mean over processes.
    weight = distributed.size() / window if share else 0.0
    no_exchange = getattr(network, "no_sync", nullcontext)
    sums, seen = [], 0
    for batch in batches:
        assert batch.targets is not None
        seen += len(batch)
        with nullcontext() if seen >= share else no_exchange():
            with precision.autocast():
                logits = network(batch.inputs)
                loss = loss_of(logits, batch)
            precision.backward(loss * weight)
        sums.append(torch.stack([loss.detach(), soft_score(logits.detach(), batch.targets)]))
    return torch.stack(sums).sum(0) * bool(share)


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether torch found no memory, on a GPU or on the CPU."""
    return isinstance(error, torch.OutOfMemoryError) or "DefaultCPUAllocator" in str(error)


class Adamax(torch.optim.Adamax):
    """torch's Adamax, about twice as fast on a CPU: Kingma and Ba 2015, section 7.1.

    torch takes each of its passes over a whole parameter, from memory. Here a piece of the
    parameter that fits into a cache goes through all of them; the steps are the same.
    """

    PIECE = 1 << 18  # numbers

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Update the parameters that have a gradient."""
        parameters = [p for group in self.param_groups for p in group["params"]]
        if closure is not None or any(p.device.type != "cpu" for p in parameters):
            return super().step(closure)
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, group)
        return None

    def _update(self, parameter: Tensor, group: dict[str, Any]) -> None:
        assert parameter.grad is not None
        state, (beta1, beta2) = self.state[parameter], group["betas"]
        if not state:
            state["step"] = torch.tensor(0.0)
            state["exp_avg"] = torch.zeros_like(parameter)
            state["exp_inf"] = torch.zeros_like(parameter)
        state["step"] += 1
        rate = group["lr"] / (1 - beta1 ** state["step"].item())
        whole = (parameter, parameter.grad.contiguous(), state["exp_avg"], state["exp_inf"])
        pieces = (tensor.view(-1).split(self.PIECE) for tensor in whole)
        for p, g, m, u in zip(*pieces, strict=True):
            if group["weight_decay"]:
                g = g.add(p, alpha=group["weight_decay"])
            m.lerp_(g, 1 - beta1)
            torch.maximum(u.mul_(beta2), g.abs().add_(group["eps"]), out=u)
            p.addcdiv_(m, u, value=-rate)


def build_optimizer(model: nn.Module, section: TrainingSection) -> torch.optim.Optimizer:
    """The recipe's optimiser over all parameters."""
    kinds: dict[str, type[torch.optim.Optimizer]] = {
        "adamax": Adamax,
        "adamw": torch.optim.AdamW,
    }
    options: dict[str, Any] = {"lr": section.learning_rate, "weight_decay": section.weight_decay}
    if section.optimizer == "adamw":
        options["fused"] = True  # one pass over the parameters: four times as fast on a CPU
    return kinds[section.optimizer](model.parameters(), **options)
