"""What people would answer, and ten of them who do.

A question's beliefs are the probability of each answer that people give: near the border of two
thirds of the picture some say "top" and some "center", the higher a count the more people
are off by one, and a share of the people call gray "grey". One question in eight is of the
kind on which people disagree much.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from vqa_ensemble.training.data.shapes.scenes import (
    MEDIUM,
    MOST_FIGURES,
    SIDE,
    SMALL,
    Figure,
    choose,
)

Beliefs = dict[str, float]
ANNOTATORS = 10

_DOUBTFUL = 0.12
_DOUBT, _LITTLE_DOUBT = 0.45, 0.05
# What a colour or a shape may be taken for.
LOOKALIKES = {
    "red": "orange",
    "blue": "purple",
    "green": "blue",
    "yellow": "orange",
    "white": "gray",
    "black": "gray",
    "orange": "red",
    "purple": "blue",
    "pink": "purple",
    "gray": "white",
    "tan": "white",
    "circle": "heart",
    "square": "diamond",
    "triangle": "diamond",
    "star": "cross",
    "diamond": "square",
    "heart": "circle",
    "cross": "star",
}
_OTHER_WORDS = {
    "gray": "grey",
    "purple": "violet",
    "tan": "beige",
    "circle": "ball",
    "diamond": "rhombus",
    "cross": "plus",
    "large": "big",
    "small": "little",
    "center": "middle",
    "top left": "upper left",
    "top right": "upper right",
    "bottom left": "lower left",
    "bottom right": "lower right",
    "left": "left side",
    "right": "right side",
    "nothing": "none",
    "0": "none",
    "2": "two",
    "3": "three",
}
_SHARE_OF_OTHER_WORDS = 0.15
_ROWS, _COLUMNS = ("top", "", "bottom"), ("left", "", "right")


def answers_of_people(beliefs: Beliefs, random: np.random.Generator) -> list[dict[str, str | int]]:
    """Ten people's answers in the official form; who doubts more is less often sure."""
    answers: list[dict[str, str | int]] = []
    for number in range(1, ANNOTATORS + 1):
        answer = choose(random, beliefs)
        sure = random.random() < 0.3 + 0.7 * beliefs[answer]
        if answer in _OTHER_WORDS and random.random() < _SHARE_OF_OTHER_WORDS:
            answer = _OTHER_WORDS[answer]
        answers.append(
            {
                "answer": answer,
                "answer_confidence": "yes" if sure else "maybe",
                "answer_id": number,
            }
        )
    return answers


def yes_or_no(yes: bool, random: np.random.Generator, *, close: bool = False) -> Beliefs:
    """Beliefs in a statement that is true or not; ``close`` if that is hard to see."""
    wrong = 0.35 if close else 0.7 * _doubt(random)
    return {"yes": 1 - wrong, "no": wrong} if yes else {"no": 1 - wrong, "yes": wrong}


def count(number: int, random: np.random.Generator) -> Beliefs:
    """Beliefs in a count."""
    wrong = min(0.5, _doubt(random) * (0.4 + 0.25 * number))
    near = [other for other in (number - 1, number + 1) if 0 <= other <= MOST_FIGURES]
    return {str(number): 1 - wrong} | {str(other): wrong / len(near) for other in near}


def looks(truth: str, random: np.random.Generator) -> Beliefs:
    """Beliefs in a colour or a shape."""
    wrong = _doubt(random)
    return {truth: 1 - wrong, LOOKALIKES[truth]: wrong}


def place(figure: Figure) -> Beliefs:
    """Beliefs in nine places, which blur at the borders of the picture's thirds."""
    axes = []
    for value, names in ((figure.y, _ROWS), (figure.x, _COLUMNS)):
        low = 1 / (1 + np.exp((value - SIDE / 3) / 4))
        high = 1 / (1 + np.exp((2 * SIDE / 3 - value) / 4))
        axes.append(dict(zip(names, (low, 1 - low - high, high), strict=True)))
    rows, columns = axes
    return shares(
        (f"{row} {column}".strip() or "center", float(rows[row] * columns[column]))
        for row in rows
        for column in columns
    )


def size(figure: Figure) -> Beliefs:
    """Beliefs in three sizes, which blur where one becomes the next."""
    small = 1 / (1 + np.exp(2 * (figure.radius - SMALL)))
    large = 1 / (1 + np.exp(2 * (MEDIUM - figure.radius)))
    return {"small": small, "medium": 1 - small - large, "large": large}


def nearest(distances: Iterable[tuple[float, str]]) -> Beliefs:
    """Beliefs in which of some things is the nearest; half as far beyond is hardly believed."""
    ranked = sorted(distances)
    return shares((name, float(np.exp((ranked[0][0] - far) / 6))) for far, name in ranked)


def shares(weights: Iterable[tuple[str, float]]) -> Beliefs:
    """Weights added up by answer, divided by their sum."""
    beliefs: Beliefs = {}
    for answer, weight in weights:
        beliefs[answer] = beliefs.get(answer, 0.0) + weight
    total = sum(beliefs.values())
    return {answer: weight / total for answer, weight in beliefs.items()}


def _doubt(random: np.random.Generator) -> float:
    """The probability of another answer than the true one."""
    return _DOUBT if random.random() < _DOUBTFUL else _LITTLE_DOUBT
