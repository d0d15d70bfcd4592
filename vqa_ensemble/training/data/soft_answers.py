"""From what annotators wrote to the scores that a model learns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from vqa_ensemble import ragged
from vqa_ensemble.answers.normalize import normalize_answers
from vqa_ensemble.arrays import Ints
from vqa_ensemble.training.data.splits import SoftAnswers

# min(1, n/3): three of ten annotators make an answer right (Antol et al. 2015). Public code
# that takes 0, .3, .6, .9, 1 for n = 0…4 averages that over the subsets of nine annotators.
OF_TEN = 3
# Where each question has one answer, it is right.
OF_ONE = 1


def soft_answers(
    starts: Ints,
    given: npt.NDArray[np.integer],
    written: Sequence[str],
    *,
    enough: int,
    chosen: Sequence[str] | None = None,
) -> SoftAnswers:
    """Scores min(1, n / enough) of the normalised answers.

    Parameters
    ----------
    starts : ndarray of int64, shape (Q + 1,)
        The answers given to question ``q`` are ``given[starts[q]:starts[q + 1]]``.
    given : ndarray of int, shape (N,)
        Indices into ``written``.
    written : sequence of str
        Distinct answers as they were written.
    enough : int
        Annotators that make an answer right.
    chosen : sequence of str, length Q, optional
        The answer of each question for :attr:`SoftAnswers.counts`, as the data set names it
        (``multiple_choice_answer`` of VQA); by default the most given one, of equals the
        alphabet's first.
    """
    normal = normalize_answers(written)
    chosen = None if chosen is None else normalize_answers(chosen)
    answers = sorted({*normal, *(chosen or ())})
    number = {answer: position for position, answer in enumerate(answers)}
    code_of = np.array([number[answer] for answer in normal], np.int64)
    pairs, votes = np.unique(
        ragged.owner(starts) * len(answers) + code_of[given], return_counts=True
    )
    answered, codes = np.divmod(pairs, max(len(answers), 1))
    if chosen is None:
        # Pairs are sorted, so ties go to the alphabet.
        by_votes = np.lexsort((pairs, -votes, answered))
        first = codes[by_votes[np.flatnonzero(np.diff(answered[by_votes], prepend=-1))]]
    else:
        first = np.array([number[answer] for answer in chosen], np.int64)
    return SoftAnswers(
        starts=np.searchsorted(answered, np.arange(len(starts))).astype(np.int64),
        codes=codes,
        scores=np.minimum(1, votes / enough).astype(np.float32),
        answers=answers,
        counts=np.bincount(first, minlength=len(answers)),
    )


def single_answers(answers: Sequence[str]) -> SoftAnswers:
    """One right answer a question, of which there are Q.

    Examples
    --------
    >>> single_answers(["A dog.", "two"]).answers
    ['2', 'dog']
    """
    written = list(dict.fromkeys(answers))
    number = {answer: position for position, answer in enumerate(written)}
    given = np.array([number[answer] for answer in answers], np.int64)
    return soft_answers(np.arange(len(answers) + 1), given, written, enough=OF_ONE)
