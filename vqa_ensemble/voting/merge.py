"""Answers that mean the same, counted as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from vqa_ensemble import ragged
from vqa_ensemble.predictions.decoding import CONFIDENCE_SLACK
from vqa_ensemble.predictions.member import Predictions
from vqa_ensemble.voting.ballots import Ballots, MemberBallots


def merge_answers(
    predictions: Predictions, canonical: Callable[[Sequence[str]], Sequence[str]]
) -> Predictions:
    """Rewrite every answer to its canonical form.

    Confidences of a question that add up to at most 1 are shares of samples, or probabilities:
    those of merged answers are added. Of other scores the largest is kept. An answer whose
    canonical form is empty stays as it is.

    Parameters
    ----------
    predictions : Predictions
    canonical : callable
        Maps a list of answers to their canonical forms, in the same order.

    Examples
    --------
    >>> from vqa_ensemble.predictions.files import predictions_from_rows
    >>> p = predictions_from_rows("m", [(1, "Red", 0.4), (1, "red", 0.3), (1, "blue", 0.2)])
    >>> merged = merge_answers(p, lambda answers: [answer.lower() for answer in answers])
    >>> merged.vocabulary.to_pylist(), merged.confidences.round(2).tolist()
    (['blue', 'red'], [0.7, 0.2])
    """
    before = predictions.vocabulary.to_pylist()
    after = pa.array(
        [form or answer for form, answer in zip(canonical(before), before, strict=True)],
        pa.string(),
    )
    vocabulary = after.unique()
    vocabulary = vocabulary.take(pc.sort_indices(vocabulary))
    answers = np.asarray(pc.index_in(after, vocabulary), dtype=np.int32)[predictions.answers]
    starts, answers, confidences = _merge_rows(
        predictions.starts, answers, predictions.confidences, len(vocabulary)
    )
    return replace(
        predictions,
        starts=starts,
        vocabulary=vocabulary,
        answers=answers,
        confidences=confidences,
    )


@dataclass(frozen=True)
class Merges:
    """Classes of answers that mean the same.

    Attributes
    ----------
    representatives : mapping of str to str
        Answer → the answer that stands for its class, for all that are not their own.
    fixed : frozenset of str
        Representatives that are to be written whatever the members wrote.
    """

    representatives: Mapping[str, str]
    fixed: frozenset[str] = frozenset()

    def of(self, answers: Sequence[str]) -> list[str]:
        """Each answer's representative."""
        return [self.representatives.get(answer, answer) for answer in answers]


def merge_ballots(ballots: Ballots, merges: Merges) -> Ballots:
    """Count answers of a class as one, question by question.

    In a question, all answers of a class are rewritten to the one that most members rank
    first there, so that what is written suits the question ("pan" here, "pans" there): a
    scorer may tell them apart. Ties go to the class's representative, then to the
    alphabetically first. Fixed representatives are written in any case. A member's merged
    answers have their confidences as in :func:`merge_answers`.

    Examples
    --------
    >>> from vqa_ensemble.voting.ballots import ballots_from_votes
    >>> ballots = ballots_from_votes({
    ...     "a": [("pan", 0.9)], "b": [("pan", 0.8)], "c": [("pans", 0.9), ("pan", 0.1)]})
    >>> merged = merge_ballots(ballots, Merges({"pan": "pans"}))
    >>> [merged.vocabulary[code] for code in merged.top()[0][0]]
    ['pan', 'pan', 'pan']
    """
    class_names = merges.of(ballots.vocabulary)
    vocabulary = sorted({*ballots.vocabulary, *class_names})
    code = {answer: c for c, answer in enumerate(vocabulary)}
    width = len(vocabulary)
    new_code = np.array([code[answer] for answer in ballots.vocabulary], dtype=np.int64)
    class_of = np.arange(width)
    class_of[new_code] = [code[name] for name in class_names]
    fixed = np.array([answer in merges.fixed for answer in vocabulary])
    variants = np.bincount(class_of[new_code], minlength=width)
    merged = (variants[class_of] > 1) | fixed[class_of]

    # Votes for each (question, class, answer) that may be rewritten.
    own, given, tops = [], [], []
    for member in ballots.members:
        questions = ragged.owner(member.starts)
        answers = new_code[member.answers]
        rows = np.flatnonzero(merged[answers])
        own.append(questions[rows] * width + class_of[answers[rows]])
        given.append(answers[rows])
        tops.append(member.starts[questions[rows]] == rows)
    # Pairs by their place: questions × answers² may pass 2^63, rows × answers cannot.
    pairs, place = np.unique(np.concatenate(own), return_inverse=True)
    distinct, row = np.unique(place * width + np.concatenate(given), return_inverse=True)
    votes = np.bincount(row, np.concatenate(tops), minlength=len(distinct))
    place, answers = np.divmod(distinct, width)
    classes = pairs[place] % width
    order = np.lexsort((answers, answers != classes, -votes, place))
    _, first = np.unique(place[order], return_index=True)
    written = np.where(fixed[pairs % width], pairs % width, answers[order][first])

    members = []
    for member, mine in zip(ballots.members, own, strict=True):
        answers = new_code[member.answers]
        answers[np.flatnonzero(merged[answers])] = written[np.searchsorted(pairs, mine)]
        members.append(
            MemberBallots(
                *_merge_rows(member.starts, answers.astype(np.int32), member.confidences, width)
            )
        )
    return replace(ballots, vocabulary=vocabulary, members=tuple(members))


def _merge_rows(
    starts: npt.NDArray[np.int64],
    answers: npt.NDArray[np.int32],
    confidences: npt.NDArray[np.floating],
    width: int,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.floating]]:
    """Rank rewritten rows anew, of a question's equal answers one."""
    questions = ragged.owner(starts)
    distinct, row = np.unique(questions * width + answers, return_inverse=True)
    added = np.bincount(row, confidences, minlength=len(distinct))
    most = np.zeros(len(distinct))
    np.maximum.at(most, row, confidences)
    owner, answers = np.divmod(distinct, width)
    total = np.bincount(owner, added, minlength=len(starts) - 1)
    adds_up = total[owner] <= 1 + CONFIDENCE_SLACK
    confidences = np.where(adds_up, added, most).astype(confidences.dtype)
    order = np.lexsort((answers, -confidences, owner))
    starts = np.searchsorted(owner[order], np.arange(len(starts)))
    return starts, answers[order].astype(np.int32), confidences[order]
