"""Questions whose answers are known: what is learned from, compared on and reported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from vqa_ensemble import ragged
from vqa_ensemble.answers.types import AnswerTypes
from vqa_ensemble.arrays import Bools, Codes, Floats, Ints
from vqa_ensemble.elections.cautions import Caution
from vqa_ensemble.learning.combiners.candidates import Candidates
from vqa_ensemble.voting.ballots import Ballots
from vqa_ensemble.voting.elector import Context, Elector
from vqa_ensemble.voting.question_types import QuestionTypes
from vqa_ensemble.voting.result import Election


@dataclass(frozen=True)
class Questions:
    """What members say of Q questions, C candidates in all, and how right each is.

    Attributes
    ----------
    candidates : Candidates
    targets : ndarray of float64, shape (C,)
        How right each candidate is, in [0, 1].
    types : QuestionTypes
    groups : ndarray of int64, shape (Q,)
        Copies of one question share a group: no cross-validation splits it.
    cast : Ballots, optional
        What the candidates were gathered from; needed to hold elections.
    answer_types : AnswerTypes, optional
        What a map says of the ballots' vocabulary.
    groups_given : bool
        Whether the user named the groups; otherwise every question is its own.
    metric : str, optional
        What the targets measure, of :data:`vqa_ensemble.scoring.METRICS`.
    cautions : sequence of Caution
        What looks like a mistake among the members.
    """

    candidates: Candidates
    targets: Floats
    types: QuestionTypes
    groups: Ints
    cast: Ballots | None = None
    answer_types: AnswerTypes | None = None
    groups_given: bool = False
    metric: str | None = None
    cautions: Sequence[Caution] = ()

    def __len__(self) -> int:
        """The number of questions."""
        return len(self.candidates)

    @property
    def ballots(self) -> Ballots:
        """The members' ranked answers."""
        assert self.cast is not None
        return self.cast

    @property
    def names(self) -> tuple[str, ...]:
        """The members', length M."""
        return self.candidates.names

    def select(self, positions: npt.NDArray[np.integer]) -> Questions:
        """Some of the questions, in the order given."""
        return replace(
            self,
            candidates=self.candidates.select(positions),
            targets=self.targets[ragged.take(self.candidates.starts, positions)[1]],
            types=self.types.select(positions),
            groups=self.groups[positions],
            cast=None if self.cast is None else self.cast.select(positions),
        )

    def where(self, chosen: Bools) -> Questions:
        """Some of the questions; ``chosen`` has shape (Q,)."""
        return self.select(np.flatnonzero(chosen))

    def members(self, columns: npt.NDArray[np.integer]) -> Questions:
        """The same questions put to some of the members only."""
        columns = np.sort(columns)
        fewer = self.candidates.members(columns)
        rows = self.candidates.find(fewer.questions, fewer.answers)
        cast = None if self.cast is None else self.cast.of_members(columns)
        return replace(self, candidates=fewer, targets=self.targets[rows], cast=cast)

    def sample(
        self, most: int, seed: int | np.random.Generator, *, whole_groups: bool = False
    ) -> Questions:
        """All questions, or if there are more than ``most`` a random part of about so many.

        Parameters
        ----------
        most : int
        seed : int or Generator
        whole_groups : bool
            Draw groups, not single questions.
        """
        if len(self) <= most:
            return self
        return self.select(self.draw(most, seed, whole_groups=whole_groups))

    def draw(
        self, most: int, seed: int | np.random.Generator, *, whole_groups: bool = False
    ) -> Ints:
        """Where the questions stand that :meth:`sample` gives."""
        if len(self) <= most:
            return np.arange(len(self))
        rng = np.random.default_rng(seed)
        if not whole_groups:
            return np.sort(rng.permutation(len(self))[:most])
        distinct, group = np.unique(self.groups, return_inverse=True)
        return np.flatnonzero((rng.random(len(distinct)) < most / len(self))[group])

    def elect(self, elector: Elector) -> Election:
        """Hold an election on them; the types go by the map."""
        return elector.vote(self.ballots, Context(self.answer_types))

    def score(self, answers: Codes) -> Floats:
        """How right an answer to every question is, all of them candidates; shape (Q,)."""
        return self.targets[self.candidates.find(np.arange(len(self)), answers)]
