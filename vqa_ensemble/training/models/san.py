"""Stacked attention: Yang et al. 2016, "Stacked Attention Networks for Image QA".

With regions v and u⁰ = q, every layer looks again with what the layers before it found,

    p = softmax(W_P tanh(W_I v ⊕ (W_Q u + b_A)) + b_P),    u' = Σ_i p_i v_i + u.

With a counter, the count of what a layer's attention is on is embedded and added to u'.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vqa_ensemble.training.data.batch import Inputs
from vqa_ensemble.training.models.kernels import Dropout, Linear
from vqa_ensemble.training.models.parts import Counts, VqaModel, masked_softmax
from vqa_ensemble.training.recipe import ModelSection


class StackedAttention(VqaModel):
    """The question, refined by what each layer of attention finds, looks again."""

    name = "san"

    def __init__(self, section: ModelSection, *, width: int, words: int, answers: int) -> None:
        super().__init__(section, width=width, words=words, answers=answers)
        # Equation 5: regions come into the space of the question.
        self.project = Linear(self.regions.width, section.hidden)
        self.layers = nn.ModuleList(AttentionLayer(section) for _ in range(section.glimpses))
        self.counts = Counts(section, section.glimpses) if section.counter else None

    def forward(self, x: Inputs) -> Tensor:
        v = torch.tanh(self.project(self.regions(x.features, x.boxes, x.mask)))  # (B, K, H)
        _, query, _ = self.question(x.tokens)  # u⁰ = v_Q: (B, H)
        for number, layer in enumerate(self.layers):
            attention = layer(v, query)  # (B, K)
            weights = masked_softmax(attention, x.mask, dim=1)
            # Equations 17, 18 and 22: ṽ = Σ p_i v_i, u = ṽ + the query.
            query = (weights[:, None] @ v)[:, 0] + query
            if self.counts is not None:
                query = query + self.counts(attention, x.boxes, x.mask, number)
        logits: Tensor = self.classifier(query)  # equation 23 with a deeper classifier
        return logits


class AttentionLayer(nn.Module):
    """W_P tanh(W_I v ⊕ (W_Q u + b_A)) + b_P, equations 15 and 16 before the softmax: (B, K)."""

    def __init__(self, section: ModelSection) -> None:
        super().__init__()
        self.region = nn.Linear(section.hidden, section.hidden, bias=False)
        self.query = nn.Linear(section.hidden, section.hidden)
        self.dropout = Dropout(section.attention_dropout)
        self.attend = nn.Linear(section.hidden, 1)

    def forward(self, v: Tensor, query: Tensor) -> Tensor:
        both = torch.tanh(self.region(v) + self.query(query)[:, None])  # (B, K, H)
        logits: Tensor = self.attend(self.dropout(both))[..., 0]
        return logits
