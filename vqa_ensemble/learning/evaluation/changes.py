"""What changing answers gains and loses, type by type."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vqa_ensemble.arrays import Bools, Floats
from vqa_ensemble.voting.question_types import NO_TYPE, QuestionTypes


@dataclass(frozen=True)
class Change:
    """Questions of one type whose answer changed.

    Attributes
    ----------
    type : str or None
        None where questions have no type.
    gained, lost, neutral : int
        Questions whose new answer scores more than the old one, less, or the same.
    net : float
        Sum of new scores less that of old ones.
    """

    type: str | None
    gained: int
    lost: int
    neutral: int
    net: float


def count_changes(
    before: Floats, after: Floats, changed: Bools, types: QuestionTypes
) -> list[Change]:
    """Changed answers by type, the types in the order of their names, without types last.

    Types without a changed answer are left out.

    Parameters
    ----------
    before, after : ndarray of float64, shape (Q,)
        How right the old and the new answer are.
    changed : ndarray of bool, shape (Q,)
    types : QuestionTypes

    Examples
    --------
    >>> types = QuestionTypes(("color", "number"), np.array([0, 1, 1, 1]))
    >>> before, after = np.array([0, 0.3, 1, 0]), np.array([0, 1, 0, 1])
    >>> [found] = count_changes(before, after, np.array([False, True, True, False]), types)
    >>> found.type, found.gained, found.lost, found.neutral, round(found.net, 1)
    ('number', 1, 1, 0, -0.3)
    """
    difference = np.round(after - before, 9)
    found = []
    for code, name in [*enumerate(types.names), (NO_TYPE, None)]:
        own = difference[changed & (types.of == code)]
        if len(own):
            gained, lost = int((own > 0).sum()), int((own < 0).sum())
            found.append(Change(name, gained, lost, len(own) - gained - lost, float(own.sum())))
    return found
