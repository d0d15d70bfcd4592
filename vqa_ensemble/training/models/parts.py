"""Parts that the architectures share.

Shapes: B examples, K regions a picture, D numbers a region, T words a question, H hidden
width, A answers.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from vqa_ensemble.errors import InputError
from vqa_ensemble.training.data.batch import Inputs
from vqa_ensemble.training.data.vocabulary import PADDING
from vqa_ensemble.training.models.counting import Counter
from vqa_ensemble.training.models.kernels import Dropout, Gru, Linear
from vqa_ensemble.training.recipe import ModelSection

GLOVE_WIDTH = 50
_BOX_NUMBERS = 6


def gated_tanh(x: Tensor) -> Tensor:
    """Tanh of the first half of the last axis times sigmoid of the second (..., 2H) -> (..., H).

    y = tanh(Wx + b) ∘ σ(W'x + b') of Anderson et al. 2018, section 3.3; W and W' are one
    matrix here.
    """
    content, gate = x.chunk(2, dim=-1)
    return torch.tanh(content) * torch.sigmoid(gate)


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu_,
    "swish": functional.silu,  # x·σ(x): Ramachandran et al. 2017 with β = 1
    "gelu": functional.gelu,
    "tanh": torch.tanh,
    "gated-tanh": gated_tanh,
}


class Nonlinear(nn.Module):
    """Dropout, a linear map, an activation: (..., inputs) -> (..., outputs)."""

    def __init__(self, inputs: int, outputs: int, activation: str, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = Dropout(dropout)
        self.linear = Linear(inputs, preactivation_width(outputs, activation))
        self.activation = ACTIVATIONS[activation]

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.activation(self.linear(self.dropout(x)))
        return result


def preactivation_width(outputs: int, activation: str) -> int:
    """Numbers that ``activation`` turns into ``outputs`` numbers."""
    return 2 * outputs if activation == "gated-tanh" else outputs


def masked_softmax(logits: Tensor, mask: Tensor, dim: int | tuple[int, ...]) -> Tensor:
    """Softmax over ``dim`` in float32 of the places where ``mask``; zero elsewhere.

    ``mask`` is broadcast against ``logits``. Where nothing is left, all is zero.
    """
    logits = logits.float().masked_fill(~mask, -torch.inf)
    highest = logits.detach().amax(dim, keepdim=True)
    # Where nothing is left the highest is -inf, and -inf - -inf would be NaN.
    weights = torch.exp(logits - highest.masked_fill(highest == -torch.inf, 0))
    total = weights.sum(dim, keepdim=True)
    return weights / total.clamp_min(torch.finfo(total.dtype).tiny)


class QuestionEncoder(nn.Module):
    """Word embedding and a GRU: tokens (B, T) -> states (B, T, H) and the last state (B, H).

    Padding is on the right, which the states before it cannot see; the last state is the one
    at the last word. Also returns where there are words, (B, T).

    With ``tfidf_embedding`` a word has a second embedding beside the first.
    """

    def __init__(self, words: int, section: ModelSection) -> None:
        super().__init__()
        packaged = section.word_vectors == "glove" and not section.glove_file
        width = GLOVE_WIDTH if packaged else section.word_width
        self.embedding = nn.Embedding(words, width, padding_idx=PADDING)
        self.tfidf_embedding: nn.Embedding | None = None
        if section.tfidf_embedding:
            self.tfidf_embedding = nn.Embedding(words, width, padding_idx=PADDING)
            width *= 2
        self.dropout = Dropout(section.dropout)
        self.gru = Gru(width, section.hidden)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mask = tokens != PADDING
        longest = int(mask.sum(1).max())
        tokens, mask = tokens[:, :longest], mask[:, :longest]
        embedded = self.embedding(tokens)
        if self.tfidf_embedding is not None:
            embedded = torch.cat([embedded, self.tfidf_embedding(tokens)], -1)
        states = self.gru(self.dropout(embedded))
        last = mask.sum(1) - 1
        return states, states[torch.arange(len(states), device=states.device), last], mask


class RegionEncoder(nn.Module):
    """Features and boxes of regions to vectors: (B, K, D), (B, K, 4), (B, K) -> (B, K, width).

    With ``region_layers = 0`` the features pass as they are (regions that are not there are
    zero). Else the box (corners, width, height) is appended and layers make ``hidden``
    numbers of it.
    """

    def __init__(self, features: int, section: ModelSection) -> None:
        super().__init__()
        self.layers = nn.Sequential()
        self.width = features
        for layer in range(section.region_layers):
            inputs = features + _BOX_NUMBERS if layer == 0 else section.hidden
            self.layers.append(Nonlinear(inputs, section.hidden, section.activation))
            self.width = section.hidden

    def forward(self, features: Tensor, boxes: Tensor, mask: Tensor) -> Tensor:
        there = mask[..., None]
        features = features.masked_fill(~there, 0)
        if not self.layers:
            return features
        boxes = boxes.masked_fill(~there, 0)
        sides = boxes[..., 2:] - boxes[..., :2]
        encoded: Tensor = self.layers(torch.cat([features, boxes, sides], -1))
        return encoded


class PatchConvolution(nn.Module):
    """Encodes the patches of a square grid together: (B, K, 3·P·P) -> (B, K, hidden).

    The patches are put back into their picture, whose sides are halved log2 P times, first by
    means and then by convolutions of 3 x 3 with stride 2: one place a patch is left, which has
    seen its neighbours too. Channels double from 16; the patch's box is appended.
    """

    def __init__(self, features: int, section: ModelSection) -> None:
        super().__init__()
        self.patch = math.isqrt(features // 3)
        halvings = self.patch.bit_length() - 1
        if 3 * self.patch**2 != features or self.patch != 2**halvings or halvings < 2:
            raise InputError(
                f"a convolution needs square RGB patches of 4, 8, 16 or 32 pixels a side; "
                f"these regions have {features} numbers",
                where="model.region_encoder",
                fix="Set data.patch, or use region_encoder = 'layers'.",
            )
        self.activation = ACTIVATIONS[section.activation]
        self.width = section.hidden
        channels = [3, *(16 * 2**i for i in range(halvings - 2)), section.hidden - _BOX_NUMBERS]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(
                inputs, preactivation_width(outputs, section.activation), 3, stride=2, padding=1
            )
            for inputs, outputs in itertools.pairwise(channels)
        )

    def forward(self, features: Tensor, boxes: Tensor, mask: Tensor) -> Tensor:
        grid, side = math.isqrt(features.shape[1]), self.patch
        if grid**2 != features.shape[1]:
            raise InputError(
                f"a convolution needs a square of patches; there are {features.shape[1]}",
                where="data.regions",
                fix="Set it to 0, or use region_encoder = 'layers'.",
            )
        patches = features.reshape(-1, grid, grid, side, side, 3)  # (B, row, column, y, x, 3)
        picture = patches.permute(0, 5, 1, 3, 2, 4).flatten(4).flatten(2, 3)  # (B, 3, Y, X)
        maps = functional.avg_pool2d(picture, 2)
        for convolution in self.convolutions:
            # Channels last for the activation: a gated one halves the last axis.
            maps = self.activation(convolution(maps).movedim(1, -1)).movedim(-1, 1)
        sides = boxes[..., 2:] - boxes[..., :2]
        return torch.cat([maps.flatten(2).transpose(1, 2), boxes, sides], -1)


class Classifier(nn.Module):
    """Two weight-normalised layers: (B, H) -> logits (B, A).

    The hidden layer is twice as wide as its input, as in bottom-up attention's published
    classifiers (Teney et al. 2018).
    """

    def __init__(self, answers: int, section: ModelSection) -> None:
        super().__init__()
        width, activation = 2 * section.hidden, section.classifier_activation
        if activation == "same":
            activation = section.activation
        self.hidden = Nonlinear(section.hidden, width, activation)
        self.dropout = Dropout(section.classifier_dropout)
        self.output = Linear(width, answers)

    def forward(self, joint: Tensor) -> Tensor:
        logits: Tensor = self.output(self.dropout(self.hidden(joint)))
        return logits


class Counts(nn.Module):
    """One counter for all glimpses, and for each its own layer that makes a state of the count.

    Parameters
    ----------
    section : ModelSection
    glimpses : int
    """

    def __init__(self, section: ModelSection, glimpses: int) -> None:
        super().__init__()
        objects = section.counter_objects
        self.counter = Counter(objects, normalize=section.counter_normalize)
        self.embed = nn.ModuleList(
            Nonlinear(objects + 1, section.hidden, section.activation) for _ in range(glimpses)
        )

    def forward(self, logits: Tensor, boxes: Tensor, mask: Tensor, glimpse: int) -> Tensor:
        """Attention logits (B, K), before any softmax, to a state of the count (B, H)."""
        count = self.counter(torch.sigmoid(logits.float()), boxes, mask)  # (B, objects + 1)
        state: Tensor = self.embed[glimpse](count)
        return state


class VqaModel(nn.Module):
    """What every architecture is: regions and a question in, a logit per answer out.

    Attributes
    ----------
    name : str
        As recipes call the architecture.
    chooses : bool
        It scores the options of multiple choice, not the answers of the vocabulary.
    reads_answer : bool
        It is given the annotated answer, as the only option.
    """

    name: ClassVar[str]
    chooses: ClassVar[bool] = False
    reads_answer: ClassVar[bool] = False

    def __init__(self, section: ModelSection, *, width: int, words: int, answers: int) -> None:
        super().__init__()
        self.question = QuestionEncoder(words, section)
        encoder = PatchConvolution if section.region_encoder == "convolution" else RegionEncoder
        self.regions = encoder(width, section)
        self.classifier = Classifier(answers, section)

    def forward(self, x: Inputs) -> Tensor:
        """Logits of the answers, shape (B, A), or (B, C) from a model that ``chooses``."""
        raise NotImplementedError
