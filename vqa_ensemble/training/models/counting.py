"""Counting the objects that attention is on.

Zhang et al. 2018, "Learning to Count Objects in Natural Images for Visual Question Answering",
section 4. Attention says which boxes the question is about; several boxes may show one object,
and a sum of attention counts each of them. The module counts the objects behind the boxes.
Attention a and boxes b become a graph whose vertices are boxes and whose edges are weighted by

    A = a aᵀ,    D_ij = 1 - IoU(b_i, b_j),    Ã = f₁(A) ∘ f₂(D);

D removes the edges within an object. Of m boxes of one object m copies of its edges to others
are left, so every box is scaled down by the number of boxes like it, itself included,

    X = f₄(A) ∘ f₅(D),    Sim_ij = f₃(1 - |a_i - a_j|) Π_k f₃(1 - |X_ik - X_jk|),
    s_i = 1 / Σ_j Sim_ij,    C = Ã ∘ s sᵀ + diag(s ∘ f₁(a ∘ a)).

A graph of c vertices with all its edges and self-loops has c² of them: the count is
√(Σ_ij C_ij). Every f is a learned monotone function of [0, 1] onto itself.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

PIECES = 16


class Counter(nn.Module):
    """Attention and boxes to a count: (B, K), (B, K, 4), (B, K) -> (B, objects + 1).

    The output is the count 0 ... ``objects``, one-hot and interpolated between two whole
    numbers, times the confidence in it,

        f₈(mean_i |f₆(a_i) - ½| + mean_ij |f₇(D_ij) - ½|),

    which is high where attention and overlaps are all close to 0 or to 1.

    Parameters
    ----------
    objects : int
        Boxes that are looked at, those with the most attention, and so the highest count.
    normalize : bool
        Pull A and D apart before anything else is made of them, f(x) = x^(2 (1 - x)), so that
        boxes are rather fully distinct or fully overlapping (2019 talk, "Counting Module").
    """

    def __init__(self, objects: int = 10, *, normalize: bool = False) -> None:
        super().__init__()
        self.objects = objects
        self.normalize = normalize
        self.f1, self.f2, self.f3, self.f4, self.f5, self.f6, self.f7, self.f8 = (
            PiecewiseLinear() for _ in range(8)
        )

    def forward(self, attention: Tensor, boxes: Tensor, mask: Tensor) -> Tensor:
        """Count.

        Parameters
        ----------
        attention : Tensor, shape (B, K)
            In [0, 1], such as the sigmoid of attention logits; not a softmax, whose weights
            get smaller the more objects there are.
        boxes : Tensor, shape (B, K, 4)
            x1, y1, x2, y2.
        mask : Tensor of bool, shape (B, K)
            False where there is no region.
        """
        a, b = self._strongest(attention.float(), boxes.float(), mask)  # (B, N), (B, N, 4)
        edges = a[:, :, None] * a[:, None]  # A: (B, N, N)
        distance = 1 - intersection_over_union(b)  # D: (B, N, N)
        if self.normalize:
            edges, distance = pull_apart(edges), pull_apart(distance)
        scale = 1 / self._similarity(a, edges, distance).sum(2)  # s: (B, N)
        between = self.f1(edges) * self.f2(distance) * scale[:, :, None] * scale[:, None]
        loops = self.f1(edges.diagonal(dim1=1, dim2=2)) * scale
        # The square root has no gradient at 0.
        count = (between.sum((1, 2)) + loops.sum(1) + 1e-20).sqrt()  # (B,)
        certain = (self.f6(a) - 0.5).abs().mean(1) + (self.f7(distance) - 0.5).abs().mean((1, 2))
        counted: Tensor = interpolated_one_hot(count, self.objects) * self.f8(certain)[:, None]
        return counted

    def _strongest(self, a: Tensor, b: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """The N = ``objects`` boxes with the most attention; empty ones without, where short."""
        a, b = a.masked_fill(~mask, 0), b.masked_fill(~mask[..., None], 0)
        missing = max(self.objects - a.shape[1], 0)
        a, b = functional.pad(a, (0, missing)), functional.pad(b, (0, 0, 0, missing))
        a, chosen = a.topk(self.objects, dim=1)
        return a, b.gather(1, chosen[..., None].expand(-1, -1, 4))

    def _similarity(self, a: Tensor, edges: Tensor, distance: Tensor) -> Tensor:
        """How alike two boxes are in attention and in their edges to all boxes: (B, N, N)."""
        x = self.f4(edges) * self.f5(distance)
        alike: Tensor = self.f3(1 - (x[:, :, None] - x[:, None]).abs()).prod(3)
        alike = alike * self.f3(1 - (a[:, :, None] - a[:, None]).abs())
        return alike


class PiecewiseLinear(nn.Module):
    """A monotone function of [0, 1] onto [0, 1], linear in 16 pieces of equal length.

    Its slopes are |w_k| / Σ|w|; equal ones, as at first, give the identity.
    """

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(PIECES))

    def forward(self, x: Tensor) -> Tensor:
        rises = self.weight.abs() / self.weight.abs().sum()
        starts = rises.cumsum(0) - rises
        x = x * PIECES
        piece = x.detach().long().clamp(0, PIECES - 1)
        # On CPU a gather's gradient adds up many times faster than that of an index.
        start, rise = (table.gather(0, piece.flatten()).view_as(x) for table in (starts, rises))
        return start + (x - piece) * rise


def pull_apart(x: Tensor) -> Tensor:
    """x^(2 (1 - x)): raises what is above ½, lowers what is below, keeps 0, ½ and 1."""
    return x ** (2 * (1 - x))


def intersection_over_union(boxes: Tensor) -> Tensor:
    """Of each pair of boxes: (B, N, 4) -> (B, N, N); 0 between boxes without area."""
    low = torch.maximum(boxes[:, :, None, :2], boxes[:, None, :, :2])
    high = torch.minimum(boxes[:, :, None, 2:], boxes[:, None, :, 2:])
    shared = (high - low).clamp_min(0).prod(-1)
    area = (boxes[..., 2:] - boxes[..., :2]).clamp_min(0).prod(-1)
    union = area[:, :, None] + area[:, None] - shared
    return shared / union.clamp_min(torch.finfo(union.dtype).tiny)


def interpolated_one_hot(count: Tensor, most: int) -> Tensor:
    """One-hot between whole numbers: (B,) -> (B, most + 1); what is above ``most`` is ``most``.

    Examples
    --------
    >>> interpolated_one_hot(torch.tensor([2.75]), 4)
    tensor([[0.0000, 0.0000, 0.2500, 0.7500, 0.0000]])
    """
    numbers = torch.arange(most + 1, device=count.device)
    return (1 - (count.clamp_max(most)[:, None] - numbers).abs()).clamp_min(0)
