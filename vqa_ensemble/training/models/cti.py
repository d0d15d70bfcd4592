"""Compact trilinear interaction of a picture, a question and an answer.

Do et al. 2019, "Compact Trilinear Interaction for Visual Question Answering", section 3. With
regions v_k, states of the question's words q_t and of the answer's words a_s, every triple
has a weight in an attention map M, and the joint vector is

    z = Σ_k Σ_t Σ_s M_kts (v_k W_v ∘ q_t W_q ∘ a_s W_a).

Logits of M with a full core tensor would need far too many parameters; PARALIND (Bro et al.
2009) cuts it into R = 32 small cores G_r,

    M = softmax(Σ_r ⟦G_r; V W_vr, Q W_qr, A W_ar⟧)    over all regions x words x answer words.

As in the authors' network, γ glimpses are chained by residual learning, z updating the states
of both the question and the answer, and the projections are followed by an activation.

An answer must be given before it can be scored. :class:`ChoiceInteraction` scores the options of
multiple choice. :class:`TeacherInteraction` reads the annotated answer of an open-ended question
and so cannot predict, but what it thinks of all the other answers can teach a student that
reads only picture and question (section 4.2).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vqa_ensemble.training.data.batch import Inputs
from vqa_ensemble.training.data.vocabulary import PADDING
from vqa_ensemble.training.models.kernels import Dropout, Linear, narrowed
from vqa_ensemble.training.models.parts import Nonlinear, QuestionEncoder, VqaModel, masked_softmax
from vqa_ensemble.training.recipe import ModelSection

RANK = 32
# An option that is not there: no confidence, and neither loss nor gradient, in float16 too.
NOT_THERE = -1e4


class TrilinearInteraction(VqaModel):
    """Picture, question and C answers to what the classifier says of each: (B, C, outputs)."""

    def __init__(self, section: ModelSection, *, width: int, words: int, answers: int) -> None:
        super().__init__(section, width=width, words=words, answers=answers)
        self.answer = QuestionEncoder(words, section)
        self.answer.embedding = self.question.embedding
        self.answer.tfidf_embedding = self.question.tfidf_embedding
        # One draw for all maps of the regions, as in bilinear attention.
        self.dropout = Dropout(section.dropout)
        self.attention = TrilinearAttentionMaps(self.regions.width, section)
        self.glimpses = nn.ModuleList(
            TrilinearGlimpse(self.regions.width, section) for _ in range(section.glimpses)
        )

    def interact(self, x: Inputs) -> Tensor:
        """The classifier's outputs for each answer: (B, C, outputs)."""
        assert x.choices is not None
        batch, count = x.choices.shape[:2]
        v = self.dropout(narrowed(self.regions(x.features, x.boxes, x.mask)))  # (B, K, V)
        q, _, words = self.question(x.tokens)  # (B, T, H), (B, T)
        a, _, answer_words = self.answer(x.choices.flatten(0, 1))  # (B·C, S, H), (B·C, S)
        a = a.unflatten(0, (batch, count))
        answer_words = answer_words.view(batch, count, -1)
        logits = self.attention(v, q, a)  # (B, C, γ, T, S, K)
        there = (
            words[:, None, None, :, None, None]
            & answer_words[:, :, None, None, :, None]
            & x.mask[:, None, None, None, None]
        )
        maps = masked_softmax(logits, there, (-3, -2, -1))
        q = q[:, None]  # the answers' own from here on: (B, C, T, H)
        for g, glimpse in enumerate(self.glimpses):
            for_q, for_a = glimpse(v, q, a, maps[:, :, g])
            q, a = q + for_q[:, :, None], a + for_a[:, :, None]
        question = (q * words[:, None, :, None]).sum(2)
        joint = question + (a * answer_words[..., None]).sum(2)  # (B, C, H)
        outputs: Tensor = self.classifier(joint)
        return outputs


class ChoiceInteraction(TrilinearInteraction):
    """Multiple choice: a logit for each option, (B, C)."""

    name = "cti"
    chooses = True

    def __init__(self, section: ModelSection, *, width: int, words: int, answers: int) -> None:
        super().__init__(section, width=width, words=words, answers=1)

    def forward(self, x: Inputs) -> Tensor:
        assert x.choices is not None
        logits = self.interact(x)[..., 0]
        return logits.masked_fill((x.choices == PADDING).all(2), NOT_THERE)


class TeacherInteraction(TrilinearInteraction):
    """A teacher: the annotated answer in, as (B, 1, S) ``choices``, logits (B, A) out."""

    name = "cti-teacher"
    reads_answer = True

    def forward(self, x: Inputs) -> Tensor:
        return self.interact(x)[:, 0]


class TrilinearAttentionMaps(nn.Module):
    """Logits of M: v (B, K, V), q (B, T, H) and a (B, C, S, H) give (B, C, γ, T, S, K)."""

    def __init__(self, regions: int, section: ModelSection) -> None:
        super().__init__()
        # Half of the hidden width over all cores, as published: 512 of 1024, 16 a core.
        self.slice = max(section.hidden // (2 * RANK), 1)
        width, activation = RANK * self.slice, section.activation
        self.region = Nonlinear(regions, width, activation)
        self.word = Nonlinear(section.hidden, width, activation, section.dropout)
        self.answer_word = Nonlinear(section.hidden, width, activation, section.dropout)
        self.dropout = Dropout(section.attention_dropout)
        # Sums of R · d³ products of activations: logits of about unit size at first.
        core = torch.randn(section.glimpses, RANK, self.slice, self.slice, self.slice)
        self.core = nn.Parameter(core / (RANK * self.slice**3) ** 0.5)

    def forward(self, v: Tensor, q: Tensor, a: Tensor) -> Tensor:
        cut = (RANK, self.slice)
        regions = self.region(v)  # (B, K, R·d)
        words = self.dropout(self.word(q)).unflatten(-1, cut)  # (B, T, R, d)
        answers = self.answer_word(a).unflatten(-1, cut)  # (B, C, S, R, d)
        # The shorter sequences first, so that nothing grows to K · T · S · R · d.
        pairs = torch.einsum("bcsrl,grijl->bcgsrij", answers, self.core.to(answers.dtype))
        triples = torch.einsum("btrj,bcgsrij->bcgtsri", words, pairs)
        rows = triples.flatten(-2).flatten(1, 4)  # (B, C·γ·T·S, R·d)
        logits: Tensor = rows @ regions.transpose(1, 2)
        return logits.view(*triples.shape[:5], -1)


class TrilinearGlimpse(nn.Module):
    """z of one attention map, as updates of the question's and the answers' states.

    v (B, K, V), q (B, C or 1, T, H), a (B, C, S, H) and M (B, C, T, S, K) give 2 x (B, C, H).
    """

    def __init__(self, regions: int, section: ModelSection) -> None:
        super().__init__()
        hidden, activation = section.hidden, section.activation
        self.region = Nonlinear(regions, hidden, activation)
        self.word = Nonlinear(hidden, hidden, activation, section.dropout)
        self.answer_word = Nonlinear(hidden, hidden, activation, section.dropout)
        self.dropout = Dropout(section.dropout)
        self.to_question = Linear(hidden, hidden)
        self.to_answer = Linear(hidden, hidden)

    def forward(self, v: Tensor, q: Tensor, a: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        # Regions first: (B, C·T·S, K) @ (B, K, H), then the sums over t and s.
        attended = weights.flatten(1, 3) @ self.region(v)
        attended = attended.view(*weights.shape[:4], -1)  # (B, C, T, S, H)
        attended = (attended * self.word(q)[:, :, :, None]).sum(2)  # (B, C, S, H)
        z = self.dropout((attended * self.answer_word(a)).sum(2))  # (B, C, H)
        return self.to_question(z), self.to_answer(z)
