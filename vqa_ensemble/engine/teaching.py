"""An ensemble as a teacher: one confidence for every question and answer."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vqa_ensemble.combiners.base import Combiner
from vqa_ensemble.combiners.baselines import Mean
from vqa_ensemble.combiners.candidates import Candidates
from vqa_ensemble.combiners.fitted import FittedEnsemble, shares
from vqa_ensemble.combiners.greedy_selection import GreedySelection
from vqa_ensemble.engine.labelled import find_types
from vqa_ensemble.formats.answer_map import AnswerMap
from vqa_ensemble.formats.predictions import read_predictions, write_predictions
from vqa_ensemble.voting.ballots import align

# Methods whose scores are (weighted) mean confidences, and those whose are log-probabilities up
# to a constant. The scores of the others are sums of votes.
_MEANS = ("mean", "calibrated-mean", "greedy-selection")
_LOGARITHMS = ("dawid-skene", "stacking")


def write_teacher(
    path: str | os.PathLike[str],
    members: Sequence[str | os.PathLike[str]],
    *,
    ensemble: FittedEnsemble | None = None,
    answer_map: AnswerMap | None = None,
    missing: str = "error",
) -> int:
    """Combine members' predictions into one prediction file; returns the number of questions.

    An answer's confidence is the mean of those that the members give it. With an ensemble it
    is the weighted mean, where its method makes one; else the probability, or the part of the
    votes, that its method gives the answer.

    Parameters
    ----------
    path : path-like
        The file to write; the teacher is named after it.
    members : sequence of path-like
        Prediction files.
    ensemble : FittedEnsemble, optional
        What ``fit`` learned of these members.
    answer_map : AnswerMap, optional
        Gives question types to an ensemble that needs them.
    missing : {"error", "abstain"}
        What to do where a member lacks a question that another has.

    Raises
    ------
    InputError
        If a file is bad, or the members do not fit together or are not the ensemble's.
    """
    ballots = align([read_predictions(member) for member in members], missing=missing)
    if ensemble is None:
        ensemble = FittedEnsemble(Mean(), ballots.names, ())
    types = find_types(ballots, answer_map=answer_map)
    candidates, scores, _ = ensemble.score(ballots, types)
    write_predictions(
        path,
        ballots.question_ids[candidates.questions],
        candidates.answers,
        np.clip(_confidences(ensemble.combiner, candidates, scores), 0, 1),
        member=Path(path).stem,
        vocabulary=ballots.vocabulary,
        top_k=None,
    )
    return len(ballots)


def _confidences(
    combiner: Combiner, candidates: Candidates, scores: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    if combiner.method in _LOGARITHMS:
        return shares(candidates, scores)
    if combiner.method in _MEANS:
        # Means are over all members; those that lack the question have added nothing.
        weights = np.full(len(candidates.names), 1 / len(candidates.names))
        if isinstance(combiner, GreedySelection):
            weights = np.array([combiner.weights[name] for name in candidates.names])
        totals = candidates.present @ weights
    else:
        totals = np.add.reduceat(scores, candidates.starts[:-1])
    # Where there were no votes at all there is nothing to teach.
    parts: npt.NDArray[np.float64] = scores / np.where(totals > 0, totals, 1)[candidates.questions]
    return parts
