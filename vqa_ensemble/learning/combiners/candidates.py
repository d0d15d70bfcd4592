"""Candidate answers: what any member considers, question by question."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from vqa_ensemble import ragged
from vqa_ensemble.arrays import Bools, Codes, Confidences, Ints
from vqa_ensemble.questions.ids import QuestionIds
from vqa_ensemble.voting.ballots import Ballots
from vqa_ensemble.voting.tally import exact_sums


@dataclass(frozen=True)
class Candidates:
    """All answers that any member gives: C candidates over Q questions, M members.

    Attributes
    ----------
    question_ids : ndarray, shape (Q,)
    starts : ndarray of int64, shape (Q + 1,)
        Candidates of question ``q`` are ``starts[q]:starts[q + 1]``, in alphabetical order;
        never none.
    answers : ndarray of int32, shape (C,)
        Indices into ``vocabulary``.
    vocabulary : list of str, length A
        In alphabetical order.
    names : tuple of str, length M
        Members in alphabetical order.
    confidences : ndarray of float32 or float64, shape (C, M)
        0 where a member does not list the answer.
    present : ndarray of bool, shape (Q, M)
        Whether the member has the question at all.
    """

    question_ids: QuestionIds
    starts: Ints
    answers: Codes
    vocabulary: list[str]
    names: tuple[str, ...]
    confidences: Confidences
    present: Bools

    def __len__(self) -> int:
        """The number of questions."""
        return len(self.starts) - 1

    @cached_property
    def sizes(self) -> Ints:
        """Candidates of each question, shape (Q,)."""
        return np.diff(self.starts)

    @cached_property
    def questions(self) -> Ints:
        """Each candidate's question, shape (C,)."""
        return ragged.owner(self.starts)

    @cached_property
    def votes(self) -> Bools:
        """Whether the candidate is the member's top answer, shape (C, M).

        At most one candidate a question and member; of equally confident ones the
        alphabetically first. A member with no confidence above 0 votes for none.
        """
        best = ragged.maxima(self.starts, self.confidences)
        level = (self.confidences == best[self.questions]) & (self.confidences > 0)
        # The first of a question's level candidates: the count of them so far is one.
        so_far = np.cumsum(level, axis=0, dtype=np.int32)
        before = so_far[self.starts[:-1]] - level[self.starts[:-1]]
        first = level & (so_far - before[self.questions] == 1)
        return np.asarray(first)

    @cached_property
    def summed(self) -> npt.NDArray[np.int64]:
        """Each candidate's summed confidence, see :func:`exact_sums`, shape (L, C)."""
        return exact_sums(self.confidences, lambda digit: digit.sum(axis=1))

    def select(self, questions: npt.NDArray[np.integer]) -> Candidates:
        """The candidates of some questions, in the order given."""
        starts, rows = ragged.take(self.starts, questions)
        return replace(
            self,
            question_ids=self.question_ids[questions],
            starts=starts,
            answers=self.answers[rows],
            confidences=self.confidences[rows],
            present=self.present[questions],
        )

    def members(self, columns: npt.NDArray[np.integer]) -> Candidates:
        """The same with some members only; candidates that none of them lists are dropped.

        Questions that none of them has keep their candidates.
        """
        confidences, present = self.confidences[:, columns], self.present[:, columns]
        listed = np.asarray((confidences > 0).any(axis=1))
        nobody = ~ragged.maxima(self.starts, listed)
        keep = listed | nobody[self.questions]
        return replace(
            self,
            starts=ragged.from_sizes(ragged.sums(self.starts, keep.astype(np.int64))),
            answers=self.answers[keep],
            names=tuple(self.names[c] for c in columns),
            confidences=confidences[keep],
            present=present,
        )

    def find(self, questions: npt.NDArray[np.integer], answers: npt.NDArray[np.integer]) -> Ints:
        """The rows of some answers to some questions, all of them candidates."""
        width = len(self.vocabulary)
        pairs = self.questions * width + self.answers
        return np.searchsorted(pairs, questions * np.int64(width) + answers)


def gather_candidates(ballots: Ballots) -> Candidates:
    """Put every member's confidences side by side, one row a question and answer.

    Examples
    --------
    >>> from vqa_ensemble.voting.ballots import ballots_from_votes
    >>> found = gather_candidates(ballots_from_votes({
    ...     "a": [("cat", 0.5), ("dog", 0.25)], "b": [("dog", 0.75)]}))
    >>> [found.vocabulary[code] for code in found.answers], found.confidences.tolist()
    (['cat', 'dog'], [[0.5, 0.0], [0.25, 0.75]])
    """
    width = len(ballots.vocabulary)
    pairs = [ragged.owner(member.starts) * width + member.answers for member in ballots.members]
    # Sorting integers is several times faster than numpy.unique, which hashes them.
    joined = np.sort(np.concatenate(pairs))
    distinct = joined[np.flatnonzero(np.diff(joined, prepend=-1))]
    kind = np.result_type(*(member.confidences for member in ballots.members))
    confidences = np.zeros((len(distinct), len(pairs)), kind)
    for m, (rows, member) in enumerate(zip(pairs, ballots.members, strict=True)):
        confidences[np.searchsorted(distinct, rows), m] = member.confidences
    return Candidates(
        question_ids=ballots.question_ids,
        starts=np.searchsorted(distinct, np.arange(len(ballots) + 1) * width),
        answers=(distinct % width).astype(np.int32),
        vocabulary=ballots.vocabulary,
        names=ballots.names,
        confidences=confidences,
        present=np.stack([np.diff(member.starts) > 0 for member in ballots.members], axis=1),
    )
