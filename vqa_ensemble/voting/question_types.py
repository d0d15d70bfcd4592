"""The types of questions, wherever they come from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vqa_ensemble.arrays import Ints
from vqa_ensemble.errors import InputError

NO_TYPE = -1


@dataclass(frozen=True)
class QuestionTypes:
    """The type of every question: Q questions, T types.

    Attributes
    ----------
    names : tuple of str, length T
        In alphabetical order; empty if there are no types.
    of : ndarray of int64, shape (Q,)
        Indices into ``names``; NO_TYPE where unknown.
    """

    names: tuple[str, ...]
    of: Ints

    @classmethod
    def none(cls, n_questions: int) -> QuestionTypes:
        """No types at all."""
        return cls((), np.full(n_questions, NO_TYPE))

    def counts(self) -> dict[str, int]:
        """How many questions each type has that has some, in the order of the names."""
        numbers = np.bincount(self.of[self.of != NO_TYPE], minlength=len(self.names)).tolist()
        return {name: n for name, n in zip(self.names, numbers, strict=True) if n}

    def select(self, questions: npt.NDArray[np.integer]) -> QuestionTypes:
        """The types of some questions, in the order given."""
        return QuestionTypes(self.names, self.of[questions])

    def renamed(self, names: tuple[str, ...]) -> QuestionTypes:
        """The same types as indices into other names; those not among them are unknown."""
        code = np.array([names.index(n) if n in names else NO_TYPE for n in self.names] + [NO_TYPE])
        return QuestionTypes(names, code[self.of])

    def among(self, names: tuple[str, ...]) -> Ints:
        """The types as indices into a map's.

        Raises
        ------
        InputError
            If one is not among them.
        """
        renamed = self.renamed(names).of
        if (renamed == NO_TYPE).any():
            strange = self.names[self.of[int(np.argmax(renamed == NO_TYPE))]]
            raise InputError(
                f"the question type '{strange}' is none of the map's: {', '.join(names)}",
                fix="Use a map and a table of types with the same names.",
            )
        return renamed
