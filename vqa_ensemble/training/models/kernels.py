"""Layers that are quicker than torch's own where training spends its time.

Each does what torch's would; the tests compare values and gradients.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


def narrowed(x: Tensor) -> Tensor:
    """In the type of mixed precision, where that is on."""
    if torch.is_autocast_enabled(x.device.type):
        return x.to(torch.get_autocast_dtype(x.device.type))
    return x


class Linear(nn.Linear):
    """A linear map whose weight has a direction and a length of its own: (..., I) -> (..., O).

    y = g / ‖V‖ · V x + b: weight normalisation (Salimans and Kingma 2016) with one length g for
    the whole matrix. At first g = ‖V‖.
    """

    def __init__(self, inputs: int, outputs: int, *, bias: bool = True) -> None:
        super().__init__(inputs, outputs, bias)
        # He et al. 2015: torch's default shrinks the signal at every layer, and a product of
        # two shrunken signals starts so close to zero that training hardly begins.
        nn.init.kaiming_uniform_(self.weight, nonlinearity="relu")
        if bias:
            nn.init.zeros_(self.bias)
        self.length = nn.Parameter(self.weight.detach().norm())

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = _NormalizedLinear.apply(  # type: ignore[no-untyped-call]
            narrowed(x.reshape(-1, x.shape[-1])), self.weight, self.length
        )
        if self.bias is not None:
            y += self.bias.to(y.dtype)
        return y.view(*x.shape[:-1], -1)


class _NormalizedLinear(torch.autograd.Function):
    """g / ‖V‖ · x Vᵀ, for x (N, I), V (O, I) and a number g.

    A product with the normalised weight costs several passes over the weight, forward and
    back, into fresh memory. Here the factor is applied to what comes out, and with G = dyᵀ x

        dg = ⟨G, V⟩ / ‖V‖,    dV = g / ‖V‖ · (G - ⟨G, V⟩ / ‖V‖² · V)

    is written over G.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, length: Tensor) -> Tensor:
        norm = torch.linalg.vector_norm(weight)
        narrow = weight.to(x.dtype)
        ctx.save_for_backward(x, weight, narrow, length, norm)
        return (x @ narrow.T).mul_(length / norm)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
        x, weight, narrow, length, norm = ctx.saved_tensors
        dx = (dy @ narrow).mul_(length / norm) if ctx.needs_input_grad[0] else None
        dweight = (dy.T @ x).to(weight.dtype)  # G
        along = torch.dot(dweight.flatten(), weight.flatten()) / norm
        dweight.addcmul_(weight, along / norm, value=-1).mul_(length / norm)
        return dx, dweight, along


class Dropout(nn.Dropout):
    """Dropout that draws four decisions from one random number on a CPU.

    Drawing one number each, as torch does, is a tenth of a training step there. A decision has
    16 bits, so the share that is dropped is p to within 1/131,072.
    """

    def forward(self, x: Tensor) -> Tensor:
        if (
            not self.training
            or not self.p
            or x.device.type != "cpu"
            or torch.compiler.is_compiling()
        ):
            return super().forward(x)
        numbers = torch.empty(-(-x.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
        bits = numbers.view(torch.int16)[: x.numel()].view_as(x)
        kept = bits >= round(self.p * 2**16) - 2**15
        return x * kept.to(x.dtype).mul_(1 / (1 - self.p))


class Gru(nn.GRU):
    """One layer of gated recurrent units: (B, T, I) -> (B, T, H); torch's, quicker on a CPU.

    torch adds a gradient of the recurrent weight at every word. Here the words' parts are kept
    and multiplied once.
    """

    weight_ih_l0: Tensor
    weight_hh_l0: Tensor
    bias_ih_l0: Tensor
    bias_hh_l0: Tensor

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__(inputs, hidden, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        states: Tensor
        if x.device.type != "cpu" or torch.compiler.is_compiling():
            states, _ = super().forward(x)
            return states
        from_words = functional.linear(x, self.weight_ih_l0, self.bias_ih_l0)
        states = _Recurrence.apply(  # type: ignore[no-untyped-call]
            from_words, self.weight_hh_l0, self.bias_hh_l0
        )
        return states


class _Recurrence(torch.autograd.Function):
    """The states of a GRU from what its words add to the gates: (B, T, 3H) -> (B, T, H).

    With gates r, z, n in torch's order, and c = W h + b from the last state h,

        r = σ(x_r + c_r),    z = σ(x_z + c_z),    n = tanh(x_n + r ∘ c_n),
        h' = (1 - z) ∘ n + z ∘ h.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        narrow, bias = weight.to(x.dtype), bias.to(x.dtype)
        h = x.new_zeros(len(x), weight.shape[1])
        states, kept = [h], []
        for step in x.unbind(1):
            c_rz, c_n = torch.addmm(bias, h, narrow.T).tensor_split([2 * h.shape[1]], 1)
            x_rz, x_n = step.tensor_split([2 * h.shape[1]], 1)
            r, z = torch.sigmoid(x_rz + c_rz).chunk(2, 1)
            n = torch.tanh(torch.addcmul(x_n, r, c_n))
            h = torch.lerp(n, h, z)
            states.append(h)
            kept.append((r, z, n, c_n))
        ctx.kept, ctx.states, ctx.dtype = kept, states, weight.dtype
        ctx.save_for_backward(narrow)
        return torch.stack(states[1:], 1)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, dstates: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        (narrow,) = ctx.saved_tensors
        dx, dc = [], []
        dh = torch.zeros_like(dstates[:, 0])
        for step in range(len(ctx.kept) - 1, -1, -1):
            r, z, n, c_n = ctx.kept[step]
            dh = dh + dstates[:, step]
            dn = dh * (1 - z) * (1 - n * n)
            dz = dh * (ctx.states[step] - n) * z * (1 - z)
            dr = dn * c_n * r * (1 - r)
            dx.append(torch.cat([dr, dz, dn], 1))
            dc.append(torch.cat([dr, dz, dn * r], 1))
            dh = torch.addmm(dh * z, dc[-1], narrow)
        gates = torch.cat(dc[::-1])
        dweight = gates.T @ torch.cat(ctx.states[:-1])
        return torch.stack(dx[::-1], 1), dweight.to(ctx.dtype), gates.sum(0).to(ctx.dtype)
