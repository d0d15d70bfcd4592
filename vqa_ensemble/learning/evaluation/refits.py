"""One method fitted anew on some of the members: what each adds, and ensembles of every size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from vqa_ensemble.arrays import Floats, Ints
from vqa_ensemble.errors import InputError
from vqa_ensemble.learning.evaluation.cross_validation import Factory, Learner
from vqa_ensemble.learning.questions import Questions


class Refits:
    """Out-of-fold scores of a method on any of the members.

    What a method can keep from a fit on other members (:meth:`Learner.like`: stacking spends 24
    of its 25 fits on choosing its ridge strengths) is found once for each fold and number of
    members, on the other folds.

    Parameters
    ----------
    make : callable
        Makes a fresh learner.
    questions : Questions
    folds : ndarray of int64, shape (Q,)
    learns : bool
        Whether the method learns; if not, no fold is held out from it.
    fitted : sequence of Learner, optional
        Those fitted on all members, by the fold that was held out.
    scores : ndarray of float64, shape (Q,), optional
        Theirs.
    """

    def __init__(
        self,
        make: Factory,
        questions: Questions,
        folds: Ints,
        *,
        learns: bool = True,
        fitted: Sequence[Learner] = (),
        scores: Floats | None = None,
    ) -> None:
        self._make, self._questions, self._folds, self._learns = make, questions, folds, learns
        self._n_members = len(questions.names)
        # By fold and number of members.
        self._first = {(fold, self._n_members): one for fold, one in enumerate(fitted)}
        everyone = tuple(range(self._n_members))
        self._known: dict[tuple[int, ...], Floats] = {} if scores is None else {everyone: scores}

    def score(
        self, columns: npt.NDArray[np.integer], fold: int, *, like: int | None = None
    ) -> Floats:
        """How right the ensemble of some members is on the fold's questions, in their order.

        Parameters
        ----------
        columns : ndarray of int, shape (N,)
        fold : int
        like : int, optional
            The number of members whose strengths are kept, instead of N.

        Raises
        ------
        InputError
            If the method cannot be fitted.
        """
        held_out = self._folds == fold
        key = tuple(columns.tolist())
        if not self._learns and key not in self._known:
            # Only the last: the same members are asked for fold after fold.
            questions = self._questions.members(columns)
            self._known = {key: self._make().fit(questions).right(questions)}
        if key in self._known:
            known: Floats = self._known[key][held_out]
            return known
        training = self._questions.where(~held_out).members(columns)
        testing = self._questions.where(held_out).members(columns)
        place = (fold, like or len(columns))
        try:
            learner = self._fresh(place).fit(training)
            scores = learner.right(testing)
        except (ValueError, ArithmeticError) as error:
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            raise InputError(
                f"the method cannot be fitted on a part of these questions: {reason}",
                fix="Use another method, or more questions.",
            ) from error
        self._first.setdefault(place, learner)
        return scores

    def out_of_fold(self, columns: npt.NDArray[np.integer], *, like: int | None = None) -> Floats:
        """The same on all questions, shape (Q,)."""
        scores = np.empty(len(self._questions))
        for fold in range(int(self._folds.max()) + 1):
            scores[self._folds == fold] = self.score(columns, fold, like=like)
        return scores

    def _fresh(self, place: tuple[int, int]) -> Learner:
        learner = self._make()
        return learner.like(self._first[place]) if place in self._first else learner
