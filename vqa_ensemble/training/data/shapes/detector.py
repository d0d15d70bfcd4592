"""Regions of a scene as an object detector would propose them.

What Faster R-CNN's proposals are like (Anderson et al. 2018): large figures are found many
times over with boxes that shake a little, small ones few times and with low confidence;
some boxes hold two neighbours, some a part of a figure, many only background. They come the
most confident first, so the first K of them miss small figures where K is low and bring
duplicates and background where it is high.

A region's vector is made from what its box holds: colours by the share of the box that they
fill, shapes also by how much of the figure is inside, sizes, and a trace of the place, all
blurred by noise, projected at random and cut at zero as the features of a network are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vqa_ensemble.arrays import Floats, Floats32
from vqa_ensemble.training.data.shapes.beliefs import LOOKALIKES
from vqa_ensemble.training.data.shapes.scenes import LARGEST, RGB, SHAPES, SIDE, SMALLEST, Scene

WIDTH = 64  # numbers that describe a region
MOST_REGIONS = 100
_FEWEST_BACKGROUND, _MOST_BACKGROUND = 15, 60
_KINDS = {name: number for number, name in enumerate((*SHAPES, *RGB))}
_TRAITS = len(_KINDS) + 3  # and size, x, y
_NOISE = 0.3
_POSITION = 0.3


@dataclass(frozen=True)
class Proposals:
    """Regions of one picture, the most confident first.

    Attributes
    ----------
    features : ndarray of float16, shape (k, WIDTH)
    boxes : ndarray of float32, shape (k, 4)
        x1, y1, x2, y2 as shares of the picture's sides.
    """

    features: npt.NDArray[np.float16]
    boxes: Floats32


def projection(random: np.random.Generator) -> Floats:
    """The random map from traits to features, one for a whole data set: (traits, WIDTH)."""
    return random.normal(0.0, 1.0, (_TRAITS, WIDTH))


def propose(scene: Scene, projection: Floats, random: np.random.Generator) -> Proposals:
    """Detect the figures of a scene."""
    figures = np.array([figure.box for figure in scene.figures])  # (N, 4) in pixels
    radii = np.array([figure.radius for figure in scene.figures])
    large = (radii - SMALLEST) / (LARGEST - SMALLEST)
    certainty = np.clip(0.45 + 0.45 * large + random.normal(0, 0.1, len(radii)), 0.15, 0.95)

    copies = 2 + random.poisson(1 + 9 * large)
    owner = np.repeat(np.arange(len(figures)), copies)
    shaken = _shake(figures[owner], random.gamma(2.0, 0.06, len(owner)), random)
    pairs = _neighbours(figures, random)
    parts = np.flatnonzero(random.random(len(figures)) < large)
    background = _random_boxes(int(random.integers(_FEWEST_BACKGROUND, _MOST_BACKGROUND)), random)
    boxes = np.concatenate([shaken, pairs, _part(figures[parts], random), background])
    boxes = np.clip(boxes, 0, SIDE)
    # An overlap with a figure makes confident, a poor one less so.
    best = _overlap(boxes, figures)
    scores = (best * certainty).max(1) + random.normal(0, 0.08, len(boxes))
    first = np.argsort(-scores, kind="stable")[:MOST_REGIONS]
    boxes = boxes[first]

    traits = _traits(scene, boxes, figures, large, random)
    blur = _NOISE * random.normal(size=(len(boxes), WIDTH)) * np.sqrt(_TRAITS) / 2
    features = np.maximum(traits @ projection + blur, 0)
    return Proposals(features.astype(np.float16), (boxes / SIDE).astype(np.float32))


def _traits(
    scene: Scene, boxes: Floats, figures: Floats, large: Floats, random: np.random.Generator
) -> Floats:
    """What each box holds: shapes, colours, size, place; (k, traits)."""
    looks = np.zeros((len(figures), len(_KINDS)))
    for row, figure in enumerate(scene.figures):
        for name in (figure.shape, figure.color):
            # The detector itself takes one thing for another, in all boxes of the figure.
            mistaken = random.beta(1.0, 6 + 6 * large[row])
            looks[row, _KINDS[name]] += 1 - mistaken
            looks[row, _KINDS[LOOKALIKES[name]]] += mistaken
    inside = _intersection(boxes, figures)
    of_box = inside / _area(boxes)[:, None]
    of_figure = inside / _area(figures)
    colors = of_box @ looks[:, len(SHAPES) :]
    colors[:, _KINDS[scene.background] - len(SHAPES)] += 0.5 * (1 - of_box.sum(1)).clip(0)
    shapes = (of_box * of_figure**2) @ looks[:, : len(SHAPES)]
    size = (boxes[:, 2] - boxes[:, 0] + boxes[:, 3] - boxes[:, 1]) / (4 * LARGEST)
    place = _POSITION * ((boxes[:, :2] + boxes[:, 2:]) / SIDE - 1)
    return 2 * np.concatenate([shapes, colors, size[:, None], place], 1)


def _shake(boxes: Floats, strength: Floats, random: np.random.Generator) -> Floats:
    """Boxes whose sides moved, each by so much of the box and never past the opposite one."""
    sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    shift = np.clip(strength[:, None] * random.normal(size=boxes.shape), -0.45, 0.45)
    return boxes + sides * shift


def _neighbours(figures: Floats, random: np.random.Generator) -> Floats:
    """Boxes around two figures that lie close together, half of those there are."""
    low = np.minimum(figures[:, None, :2], figures[None, :, :2])
    high = np.maximum(figures[:, None, 2:], figures[None, :, 2:])
    both = np.concatenate([low, high], -1)
    filled = (_area(figures)[:, None] + _area(figures)) / _area(both)
    close = np.triu(filled > 0.5, k=1) & (random.random(filled.shape) < 0.5)
    result: Floats = both[close]
    return result


def _part(figures: Floats, random: np.random.Generator) -> Floats:
    """A quarter to a half of each figure, at one of its corners."""
    sides = figures[:, 2:] - figures[:, :2]
    cut = random.uniform(0.5, 0.7, sides.shape) * sides
    low = figures[:, :2] + random.integers(0, 2, sides.shape) * (sides - cut)
    return np.concatenate([low, low + cut], 1)


def _random_boxes(count: int, random: np.random.Generator) -> Floats:
    sides = random.uniform(0.08, 0.5, (count, 2)) * SIDE
    low = random.random((count, 2)) * (SIDE - sides)
    return np.concatenate([low, low + sides], 1)


def _area(boxes: Floats) -> Floats:
    sides = np.maximum(boxes[..., 2:] - boxes[..., :2], 1e-6)
    area: Floats = sides.prod(-1)
    return area


def _intersection(boxes: Floats, figures: Floats) -> Floats:
    """Area of each box's intersection with each figure's box: (k, N)."""
    low = np.maximum(boxes[:, None, :2], figures[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], figures[None, :, 2:])
    area: Floats = np.maximum(high - low, 0).prod(-1)
    return area


def _overlap(boxes: Floats, figures: Floats) -> Floats:
    """Intersection over union: (k, N)."""
    inside = _intersection(boxes, figures)
    return inside / (_area(boxes)[:, None] + _area(figures) - inside)
