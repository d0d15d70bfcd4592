"""Scenes of coloured figures, and their pictures."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from vqa_ensemble.arrays import Floats

if TYPE_CHECKING:
    from PIL.Image import Image

Key = TypeVar("Key")

SIDE = 112  # of a picture, in pixels
MOST_FIGURES = 10
BACKGROUNDS = {"white": 5.0, "gray": 3.0, "black": 2.0, "tan": 1.0}
# How common each is: as in natural pictures, few are common and the tail is long.
SHAPES = {
    "circle": 10.0,
    "square": 8.0,
    "triangle": 7.0,
    "star": 5.0,
    "diamond": 3.0,
    "heart": 2.0,
    "cross": 1.0,
}
COLORS = {
    "red": 10.0,
    "blue": 9.0,
    "green": 7.0,
    "yellow": 6.0,
    "white": 4.0,
    "black": 4.0,
    "orange": 3.0,
    "purple": 2.0,
    "pink": 1.0,
}
RGB = {
    "red": (214, 39, 40),
    "blue": (31, 87, 200),
    "green": (44, 150, 60),
    "yellow": (245, 215, 40),
    "white": (252, 252, 252),
    "black": (24, 24, 24),
    "orange": (250, 135, 20),
    "purple": (125, 60, 165),
    "pink": (245, 140, 190),
    "gray": (140, 140, 140),
    "tan": (215, 190, 150),
}
# Radii from small to large; the words change at these.
SMALLEST, SMALL, MEDIUM, LARGEST = 6.0, 9.0, 12.5, 18.0
_SCALE = 4  # drawn so much larger and reduced, for smooth edges


@dataclass(frozen=True)
class Figure:
    """One figure: centre and radius in pixels."""

    shape: str
    color: str
    x: float
    y: float
    radius: float

    @property
    def box(self) -> tuple[float, float, float, float]:
        """x1, y1, x2, y2 in pixels."""
        return (
            self.x - self.radius,
            self.y - self.radius,
            self.x + self.radius,
            self.y + self.radius,
        )

    @property
    def size(self) -> str:
        """small, medium or large."""
        if self.radius < SMALL:
            return "small"
        return "medium" if self.radius < MEDIUM else "large"


@dataclass(frozen=True)
class Scene:
    """Figures on a background; none hides another."""

    background: str
    figures: tuple[Figure, ...]


def choose(random: np.random.Generator, weights: dict[Key, float]) -> Key:
    """A key, by weight."""
    bounds = np.cumsum(list(weights.values()))
    return list(weights)[int(np.searchsorted(bounds, random.random() * bounds[-1], "right"))]


def sample_scene(random: np.random.Generator) -> Scene:
    """Draw a scene: two to ten figures, many of which share a shape or a colour."""
    background = choose(random, BACKGROUNDS)
    colors = {color: weight for color, weight in COLORS.items() if color != background}
    wanted = int(random.integers(2, MOST_FIGURES + 1))
    # In some scenes nearly all figures are of a kind, so that high counts occur.
    repeat = random.choice([0.25, 0.55, 0.85])
    figures: list[Figure] = []
    for _ in range(wanted):
        shape, color = choose(random, SHAPES), choose(random, colors)
        if figures and random.random() < repeat:
            shape = figures[int(random.integers(len(figures)))].shape
        if figures and random.random() < repeat:
            color = figures[int(random.integers(len(figures)))].color
        placed = _place(random, figures)
        if placed is not None:
            figures.append(Figure(shape, color, *placed))
    return Scene(background, tuple(figures))


def _place(random: np.random.Generator, figures: list[Figure]) -> tuple[float, float, float] | None:
    """Centre and radius of a figure that touches no other; None if no place was found."""
    for _ in range(60):
        radius = SMALLEST + (LARGEST - SMALLEST) * random.random() ** 1.5
        x, y = radius + 1 + random.random(2) * (SIDE - 2 * radius - 2)
        if all(
            max(abs(x - other.x), abs(y - other.y)) > radius + other.radius + 1 for other in figures
        ):
            return round(float(x), 2), round(float(y), 2), round(float(radius), 2)
    return None


def draw(scene: Scene) -> Image:
    """The picture of a scene, SIDE x SIDE pixels, RGB."""
    from PIL import Image, ImageDraw

    side = SIDE * _SCALE
    image = Image.new("RGB", (side, side), RGB[scene.background])
    pen = ImageDraw.Draw(image)
    for figure in scene.figures:
        color = RGB[figure.color]
        if figure.shape == "circle":
            x1, y1, x2, y2 = (_SCALE * corner for corner in figure.box)
            pen.ellipse((x1, y1, x2, y2), fill=color)
            continue
        centre = np.array([figure.x, figure.y])
        outline = (centre + figure.radius * _OUTLINES[figure.shape]) * _SCALE
        pen.polygon([(float(x), float(y)) for x, y in outline], fill=color)
    return image.reduce(_SCALE)


def _polygon(corners: int) -> Floats:
    """A regular polygon in the unit circle, one corner at the top."""
    turn = 2 * math.pi * np.arange(corners) / corners - math.pi / 2
    return np.stack([np.cos(turn), np.sin(turn)], 1)


def _star() -> Floats:
    return _polygon(10) * np.where(np.arange(10) % 2, 0.42, 1.0)[:, None]


def _heart() -> Floats:
    t = np.linspace(0, 2 * math.pi, 60, endpoint=False)
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return np.stack([16 * np.sin(t) ** 3, -y - 2.5], 1) / 16


_CROSS = [(-1, 3), (1, 3), (1, 1), (3, 1), (3, -1), (1, -1)]
_OUTLINES = {
    "square": np.array([(-0.92, -0.92), (0.92, -0.92), (0.92, 0.92), (-0.92, 0.92)]),
    "triangle": np.array([(0, -1), (1, 0.85), (-1, 0.85)]),
    "diamond": np.array([(0, -1), (0.75, 0), (0, 1), (-0.75, 0)]),
    "star": _star(),
    "heart": _heart(),
    "cross": np.array(_CROSS + [(-x, -y) for x, y in _CROSS]) / 3,
}
