"""Bilinear attention: Kim et al. 2018, "Bilinear Attention Networks", section 3.

X are the states of the question's words, Y the regions, one a column in the paper and one a
row here. With an attention map A, a bilinear attention network is

    f'_k = (XᵀU')_kᵀ A (YᵀV')_k,    BAN(X, Y; A) = Pᵀ f',

the maps themselves come from low-rank bilinear pooling, γ glimpses g that share U and V,

    A_g = softmax(((1 · p_gᵀ) ∘ XᵀU) VᵀY)    over all words x regions,

and the glimpses are chained by residual learning of attention, f_0 = X,

    f_{i+1} = BAN_i(f_i, Y; A_i) · 1ᵀ + f_i.

With a counter, a region's attention is the highest of its logits over the words, and the count
of what a glimpse is on is embedded and added to f_{i+1} too, as in the authors' own network.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vqa_ensemble.training.data.batch import Inputs
from vqa_ensemble.training.models.kernels import Dropout, Linear, narrowed
from vqa_ensemble.training.models.parts import Counts, Nonlinear, VqaModel, masked_softmax
from vqa_ensemble.training.recipe import ModelSection

# The maps' joint space is this many times as wide as the hidden states.
ATTENTION_RANK = 3


class BilinearAttention(VqaModel):
    """Every word attends to every region, γ times; each glimpse refines the words' states."""

    name = "ban"

    def __init__(self, section: ModelSection, *, width: int, words: int, answers: int) -> None:
        super().__init__(section, width=width, words=words, answers=answers)
        # One draw for all maps of the regions: random numbers are a large part of a step.
        self.dropout = Dropout(section.dropout)
        self.attention = BilinearAttentionMaps(self.regions.width, section)
        self.glimpses = nn.ModuleList(
            Glimpse(self.regions.width, section) for _ in range(section.glimpses)
        )
        self.counts = Counts(section, section.glimpses) if section.counter else None

    def forward(self, x: Inputs) -> Tensor:
        y = self.dropout(narrowed(self.regions(x.features, x.boxes, x.mask)))  # (B, K, V)
        states, _, words = self.question(x.tokens)  # (B, T, H), (B, T)
        attention = self.attention(states, y)  # (B, γ, T, K)
        maps = masked_softmax(attention, words[:, None, :, None] & x.mask[:, None, None], (-2, -1))
        for g, glimpse in enumerate(self.glimpses):
            states = glimpse(states, y, maps[:, g])[:, None] + states
            if self.counts is not None:
                highest = attention[:, g].masked_fill(~words[..., None], -torch.inf).amax(1)
                states = states + self.counts(highest, x.boxes, x.mask, g)[:, None]
        joint = (states * words[..., None]).sum(1)  # (B, H)
        logits: Tensor = self.classifier(joint)
        return logits


class BilinearAttentionMaps(nn.Module):
    """((1 · p_gᵀ) ∘ XᵀU) VᵀY, the logits of A_g.

    X (B, T, H) and Y (B, K, V) give (B, γ, T, K). U and V are shared by the glimpses and
    are followed by an activation.
    """

    def __init__(self, regions: int, section: ModelSection) -> None:
        super().__init__()
        rank = ATTENTION_RANK * section.hidden
        self.word = Nonlinear(section.hidden, rank, section.activation, section.dropout)
        self.region = Nonlinear(regions, rank, section.activation)
        # Products of two activations of `rank` numbers: logits of about unit size at first.
        self.weight = nn.Parameter(torch.randn(section.glimpses, rank) / rank**0.5)
        self.bias = nn.Parameter(torch.zeros(section.glimpses, 1, 1))
        self.dropout = Dropout(section.attention_dropout)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        x = self.dropout(self.word(x))[:, None] * self.weight[:, None].to(y.dtype)
        y = self.region(y)  # (B, K, rank)
        # The words of all glimpses as the rows of one product: (B, γT, rank) @ (B, rank, K).
        logits = x.flatten(1, 2) @ y.transpose(1, 2)
        return logits.view(*x.shape[:3], -1) + self.bias  # (B, γ, T, K)


class Glimpse(nn.Module):
    """One bilinear attention network with its residual projection.

    f'_k = (XᵀU')_kᵀ A (YᵀV')_k, then a linear map Pᵀf': (B, H).
    """

    def __init__(self, regions: int, section: ModelSection) -> None:
        super().__init__()
        hidden, activation = section.hidden, section.activation
        self.word = Nonlinear(hidden, hidden, activation, section.dropout)
        self.region = Nonlinear(regions, hidden, activation)
        self.dropout = Dropout(section.dropout)
        self.project = Linear(hidden, hidden)

    def forward(self, x: Tensor, y: Tensor, weights: Tensor) -> Tensor:
        # Σ_t Σ_k A_tk x_th y_kh, the regions first: (B, T, K) @ (B, K, H).
        pooled = (self.word(x) * (weights @ self.region(y))).sum(1)
        update: Tensor = self.project(self.dropout(pooled))
        return update
