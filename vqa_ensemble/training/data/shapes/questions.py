"""Questions about a scene.

The mix of yes/no, number and other questions, the many phrasings of one thing, the balance of
yes and no, and negative examples that share a colour or a shape with the picture follow VQA v2:
the words alone should not give the answer away.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vqa_ensemble.training.data.shapes import beliefs
from vqa_ensemble.training.data.shapes.beliefs import Beliefs
from vqa_ensemble.training.data.shapes.scenes import (
    BACKGROUNDS,
    COLORS,
    SHAPES,
    Figure,
    Scene,
    choose,
)

_GENERIC = ("shape", "object", "figure", "thing")
# Phrases for where one figure lies from another: axis (0 is x) and direction.
_SIDES = {
    "left of": (0, -1),
    "to the left of": (0, -1),
    "right of": (0, 1),
    "to the right of": (0, 1),
    "above": (1, -1),
    "higher than": (1, -1),
    "below": (1, 1),
    "under": (1, 1),
}
# Of the official question types (first words), those that occur here.
_QUESTION_TYPES = (
    "are there, are there any, can you, do you, does the, how, how many, is the, is there, "
    "is there a, is this, what, what color, what color is the, what is, what is the, what kind of, "
    "where is the, which"
).split(", ")


@dataclass(frozen=True)
class Question:
    """A question with the probability of each answer that people give."""

    text: str
    beliefs: Beliefs


# Asks about a scene, where it can.
Kind = Callable[[Scene, np.random.Generator], Question | None]


def ask(scene: Scene, random: np.random.Generator, count: int) -> list[Question]:
    """Draw ``count`` questions, none asked twice."""
    asked: dict[str, Question] = {}
    while len(asked) < count:
        question = choose(random, _KINDS)(scene, random)
        if question is not None:
            asked.setdefault(question.text, question)
    return list(asked.values())


def question_type(text: str) -> str:
    """The longest official question type that a question begins with.

    Examples
    --------
    >>> question_type("What color is the star?"), question_type("In which part is it?")
    ('what color is the', 'none of the above')
    """
    words = f"{text.lower()} "
    types = (kind for kind in _QUESTION_TYPES if words.startswith(f"{kind} "))
    return max(types, key=len, default="none of the above")


# --------------------------------------------------------------------------- yes/no


def _exists(scene: Scene, random: np.random.Generator) -> Question | None:
    there = random.random() < 0.5
    if random.random() < 0.4:
        shapes = {figure.shape for figure in scene.figures}
        weights = {shape: w for shape, w in SHAPES.items() if (shape in shapes) == there}
        name = choose(random, weights)
    else:
        name = " ".join(_color_and_shape(scene, random, there=there))
    text = _pick(
        random,
        f"Is there {_article(name)} {name}?",
        f"Is there {_article(name)} {name} in the picture?",
        f"Are there any {_plural(name)}?",
        f"Are there any {_plural(name)} in this image?",
        f"Do you see {_article(name)} {name}?",
        f"Can you see {_article(name)} {name}?",
        f"Does the picture show {_article(name)} {name}?",
    )
    return Question(text, beliefs.yes_or_no(there, random))


def _has_color(scene: Scene, random: np.random.Generator, figure: Figure, name: str) -> Question:
    is_so = random.random() < 0.5
    color = figure.color if is_so else _another_color(scene, figure.color, random)
    text = _pick(
        random,
        f"Is the {name} {color}?",
        f"Is the color of the {name} {color}?",
        f"Is the {name} {color} or not?",
    )
    return Question(text, beliefs.yes_or_no(is_so, random))


def _lies(scene: Scene, random: np.random.Generator) -> Question | None:
    one, other = (scene.figures[i] for i in random.choice(len(scene.figures), 2, replace=False))
    name, other_name = _name(scene, one, random), _name(scene, other, random)
    phrase = choose(random, dict.fromkeys(_SIDES, 1.0))
    distance = _distance(one, other, phrase)
    if name is None or other_name is None or abs(distance) < 4:
        return None
    text = f"Is the {name} {phrase} the {other_name}?"
    return Question(text, beliefs.yes_or_no(distance > 0, random, close=abs(distance) < 8))


def _more(scene: Scene, random: np.random.Generator) -> Question | None:
    what = _pick(random, "color", "shape")
    counts = Counter(getattr(figure, what) for figure in scene.figures)
    if len(counts) < 2:
        return None
    one, other = (str(value) for value in random.choice(sorted(counts), 2, replace=False))
    generic = _pick(random, *_GENERIC)
    names = [_plural(f"{value} {generic}" if what == "color" else value) for value in (one, other)]
    text = _pick(
        random,
        f"Are there more {names[0]} than {names[1]}?",
        f"Do you see more {names[0]} than {names[1]}?",
    )
    return Question(text, beliefs.yes_or_no(counts[one] > counts[other], random))


def _is_background(scene: Scene, random: np.random.Generator) -> Question | None:
    color = scene.background if random.random() < 0.4 else choose(random, BACKGROUNDS)
    text = _pick(
        random, f"Is the background {color}?", f"Is this {_article(color)} {color} background?"
    )
    return Question(text, beliefs.yes_or_no(color == scene.background, random))


# --------------------------------------------------------------------------- number


def _count(scene: Scene, random: np.random.Generator) -> Question | None:
    generic = _pick(random, *_GENERIC)
    shape, color = _color_and_shape(scene, random, there=random.random() < 0.9)[::-1]
    kind = choose(random, {"all": 2.0, "shape": 4.0, "color": 2.5, "both": 1.5})
    name = {
        "all": generic,
        "shape": shape,
        "color": f"{color} {generic}",
        "both": f"{color} {shape}",
    }[kind]
    number = sum(
        (kind in ("all", "color") or figure.shape == shape)
        and (kind in ("all", "shape") or figure.color == color)
        for figure in scene.figures
    )
    many = _plural(name)
    text = _pick(
        random,
        f"How many {many} are there?",
        f"How many {many} are in the picture?",
        f"How many {many} do you see?",
        f"How many {many} are shown?",
        f"What is the number of {many}?",
    )
    return Question(text, beliefs.count(number, random))


def _count_kinds(scene: Scene, random: np.random.Generator) -> Question | None:
    what = _pick(random, "color", "shape")
    number = len({getattr(figure, what) for figure in scene.figures})
    text = _pick(
        random,
        f"How many different {what}s are there?",
        f"How many kinds of {what}s do you see?",
        f"How many {what}s are used?",
    )
    return Question(text, beliefs.count(number, random))


# --------------------------------------------------------------------------- other


def _color_of(scene: Scene, random: np.random.Generator, figure: Figure, name: str) -> Question:
    text = _pick(
        random,
        f"What color is the {name}?",
        f"What is the color of the {name}?",
        f"Which color does the {name} have?",
    )
    return Question(text, beliefs.looks(figure.color, random))


def _shape_of(scene: Scene, random: np.random.Generator) -> Question | None:
    figure = _any_figure(scene, random)
    if sum(other.color == figure.color for other in scene.figures) > 1:
        return None
    generic = _pick(random, *_GENERIC)
    text = _pick(
        random,
        f"What shape is the {figure.color} {generic}?",
        f"What is the {figure.color} {generic}?",
        f"What is {figure.color}?",
        f"What kind of shape is {figure.color}?",
    )
    return Question(text, beliefs.looks(figure.shape, random))


def _where(scene: Scene, random: np.random.Generator, figure: Figure, name: str) -> Question:
    text = _pick(
        random,
        f"Where is the {name}?",
        f"In which part of the picture is the {name}?",
        f"What part of the image is the {name} in?",
    )
    return Question(text, beliefs.place(figure))


def _size_of(scene: Scene, random: np.random.Generator, figure: Figure, name: str) -> Question:
    text = _pick(random, f"How big is the {name}?", f"What size is the {name}?")
    return Question(text, beliefs.size(figure))


def _neighbour(scene: Scene, random: np.random.Generator, figure: Figure, name: str) -> Question:
    phrase = choose(random, dict.fromkeys(_SIDES, 1.0))
    there = [
        (float(np.hypot(other.x - figure.x, other.y - figure.y)), other.shape)
        for other in scene.figures
        if _distance(other, figure, phrase) > 4
    ]
    text = _pick(random, f"What is {phrase} the {name}?", f"What shape is {phrase} the {name}?")
    return Question(text, beliefs.nearest(there) if there else {"nothing": 1.0})


def _most_common(scene: Scene, random: np.random.Generator) -> Question | None:
    what = _pick(random, "color", "shape")
    ranked = Counter(getattr(figure, what) for figure in scene.figures).most_common(2)
    if len(ranked) < 2 or ranked[0][1] == ranked[1][1]:
        return None
    text = _pick(
        random,
        f"What is the most common {what}?",
        f"Which {what} is the most frequent?",
        f"What {what} are most of the {_plural(_pick(random, *_GENERIC))}?",
    )
    return Question(text, beliefs.looks(ranked[0][0], random))


def _extreme(scene: Scene, random: np.random.Generator) -> Question | None:
    largest = random.random() < 0.6
    figure, second = sorted(scene.figures, key=lambda it: it.radius, reverse=largest)[:2]
    if abs(figure.radius - second.radius) < 1:
        return None
    word = _pick(random, *(("biggest", "largest") if largest else ("smallest", "tiniest")))
    generic = _pick(random, *_GENERIC)
    what = _pick(random, "color", "shape")
    text = f"What {what} is the {word} {generic}?"
    return Question(text, beliefs.looks(getattr(figure, what), random))


def _background(scene: Scene, random: np.random.Generator) -> Question | None:
    text = _pick(
        random,
        "What color is the background?",
        "What is the background color?",
        "Which color is behind the shapes?",
    )
    return Question(text, beliefs.looks(scene.background, random))


def _of_one(
    ask: Callable[[Scene, np.random.Generator, Figure, str], Question], *, by_color: bool = True
) -> Kind:
    """Questions about any figure that has a name of its own."""

    def kind(scene: Scene, random: np.random.Generator) -> Question | None:
        figure = _any_figure(scene, random)
        name = _name(scene, figure, random, by_color=by_color)
        return None if name is None else ask(scene, random, figure, name)

    return kind


_KINDS: dict[Kind, float] = {
    _exists: 15.0,
    _of_one(_has_color, by_color=False): 11.0,
    _lies: 5.0,
    _more: 3.0,
    _is_background: 2.0,
    _count: 25.0,
    _count_kinds: 1.0,
    _of_one(_color_of, by_color=False): 14.0,
    _shape_of: 12.0,
    _of_one(_where): 11.0,
    _of_one(_size_of): 4.0,
    _of_one(_neighbour): 3.0,
    _most_common: 3.0,
    _extreme: 3.0,
    _background: 2.0,
}


# --------------------------------------------------------------------------- words


def _name(
    scene: Scene, figure: Figure, random: np.random.Generator, *, by_color: bool = True
) -> str | None:
    """A name that only this figure has; None if there is none."""
    others = [other for other in scene.figures if other is not figure]
    names = []
    if all(other.shape != figure.shape for other in others):
        names.append(figure.shape)
    if all((other.shape, other.size) != (figure.shape, figure.size) for other in others):
        names.append(f"{figure.size} {figure.shape}")
    if by_color and all(other.color != figure.color for other in others):
        names.append(f"{figure.color} {_pick(random, *_GENERIC)}")
    if by_color and all(
        (other.shape, other.color) != (figure.shape, figure.color) for other in others
    ):
        names.append(f"{figure.color} {figure.shape}")
    return _pick(random, *names) if names else None


def _color_and_shape(scene: Scene, random: np.random.Generator, *, there: bool) -> tuple[str, str]:
    """Of a figure, or that no figure has: then half of the time each has it on its own."""
    pairs = {(figure.color, figure.shape) for figure in scene.figures}
    if there:
        figure = _any_figure(scene, random)
        return figure.color, figure.shape
    while True:
        color, shape = _any_figure(scene, random).color, _any_figure(scene, random).shape
        if random.random() < 0.5 or len(pairs) == 1:
            color = _another_color(scene, color, random)
        if (color, shape) not in pairs:
            return color, shape


def _another_color(scene: Scene, color: str, random: np.random.Generator) -> str:
    """Half of the time one that the picture holds, if there is."""
    others = sorted({figure.color for figure in scene.figures} - {color})
    if others and random.random() < 0.5:
        return _pick(random, *others)
    return choose(random, {other: weight for other, weight in COLORS.items() if other != color})


def _distance(one: Figure, other: Figure, phrase: str) -> float:
    """How far ``one`` lies from ``other`` in the direction of a phrase, in pixels."""
    axis, direction = _SIDES[phrase]
    return direction * ((one.x, one.y)[axis] - (other.x, other.y)[axis])


def _any_figure(scene: Scene, random: np.random.Generator) -> Figure:
    return scene.figures[int(random.integers(len(scene.figures)))]


def _pick(random: np.random.Generator, *options: str) -> str:
    return options[int(random.integers(len(options)))]


def _article(name: str) -> str:
    return "an" if name[0] in "aeiou" else "a"


def _plural(name: str) -> str:
    return f"{name}es" if name.endswith("s") else f"{name}s"
