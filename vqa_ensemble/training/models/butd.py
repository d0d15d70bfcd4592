"""Bottom-up and top-down attention.

Anderson et al. 2018, "Bottom-Up and Top-Down Attention for Image Captioning and Visual
Question Answering", section 3.3; details from Teney et al. 2018, "Tips and Tricks for
Visual Question Answering". With nonlinear layers f, regions v_i and question state q,

    a_i = w_aᵀ f_a([v_i, q]),    α = softmax(a),    v̂ = Σ_i α_i v_i,
    h = f_q(q) ∘ f_v(v̂),         p(y) = σ(W_o f_o(h)).

With a counter, the count of what a is on is embedded and added to h.
"""

from __future__ import annotations

from torch import Tensor

from vqa_ensemble.training.data.batch import Inputs
from vqa_ensemble.training.models.kernels import Dropout, Linear
from vqa_ensemble.training.models.parts import (
    ACTIVATIONS,
    Counts,
    Nonlinear,
    VqaModel,
    masked_softmax,
    preactivation_width,
)
from vqa_ensemble.training.recipe import ModelSection


class BottomUpTopDown(VqaModel):
    """The question attends once to the regions; its state times theirs is classified."""

    name = "butd"

    def __init__(self, section: ModelSection, *, width: int, words: int, answers: int) -> None:
        super().__init__(section, width=width, words=words, answers=answers)
        hidden, activation = section.hidden, section.activation
        # f_a([v, q]): a map of the concatenation is the sum of two maps, and
        # this way the question is not copied for every region.
        attention_width = preactivation_width(hidden, activation)
        self.attend_region = Linear(self.regions.width, attention_width)
        self.attend_question = Linear(hidden, attention_width, bias=False)
        self.activation = ACTIVATIONS[activation]
        self.attention_dropout = Dropout(section.attention_dropout)
        self.attend = Linear(hidden, 1)
        self.join_question = Nonlinear(hidden, hidden, activation, section.dropout)
        self.join_region = Nonlinear(self.regions.width, hidden, activation, section.dropout)
        self.counts = Counts(section, 1) if section.counter else None

    def forward(self, x: Inputs) -> Tensor:
        v = self.regions(x.features, x.boxes, x.mask)  # (B, K, V)
        _, q, _ = self.question(x.tokens)  # (B, H)
        attention = self.attention(v, q)  # a: (B, K)
        weights = masked_softmax(attention, x.mask, dim=1)  # α
        attended = (weights[:, None] @ v)[:, 0]  # v̂: (B, V)
        joint = self.join_question(q) * self.join_region(attended)  # h: (B, H)
        if self.counts is not None:
            joint = joint + self.counts(attention, x.boxes, x.mask, 0)
        logits: Tensor = self.classifier(joint)  # (B, A)
        return logits

    def attention(self, v: Tensor, q: Tensor) -> Tensor:
        """The logits a = w_a f_a([v, q]): (B, K)."""
        both = self.attend_region(v) + self.attend_question(q)[:, None]
        logits: Tensor = self.attend(self.attention_dropout(self.activation(both)))[..., 0]
        return logits
