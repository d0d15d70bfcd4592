"""VQA v2's answer types, and the one that an answer's form suggests."""

from __future__ import annotations

from collections.abc import Collection

from vqa_ensemble.answers.normalize import TENS, UNITS
from vqa_ensemble.errors import InputError

# In the order of the leaderboard.
USUAL_TYPES = ("yes/no", "number", "other")

_NUMBER_WORDS = frozenset([*UNITS, *TENS, "hundred", "thousand", "million", "dozen"])


def in_usual_order(types: Collection[str]) -> list[str]:
    """Distinct types in the order of the leaderboard; any others follow alphabetically.

    Examples
    --------
    >>> in_usual_order({"time", "color", "number", "yes/no"})
    ['yes/no', 'number', 'color', 'time']
    """
    return [*(t for t in USUAL_TYPES if t in types), *sorted(set(types).difference(USUAL_TYPES))]


def type_by_rule(answer: str) -> str:
    """The VQA v2 answer type that an answer's form suggests.

    Examples
    --------
    >>> [type_by_rule(answer) for answer in ("no", "12", "twenty two", "2 dogs")]
    ['yes/no', 'number', 'number', 'other']
    """
    words = answer.split()
    if answer in ("yes", "no"):
        return "yes/no"
    if words and all(w in _NUMBER_WORDS or w.replace(".", "", 1).isdecimal() for w in words):
        return "number"
    return "other"


def check_rule_applies(names: Collection[str]) -> None:
    """Raise InputError unless the rule's types are among ``names``."""
    if not set(USUAL_TYPES) <= set(names):
        raise InputError(
            f"the rule for unseen answers knows the types {', '.join(USUAL_TYPES)}; the map has "
            f"{', '.join(names)}",
            fix="Use --unseen classifier or one of the map's types.",
        )
