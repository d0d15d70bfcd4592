"""An ensemble as a teacher: one confidence for every question and answer."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vqa_ensemble.answers.answer_map import AnswerMap
from vqa_ensemble.answers.types import TypeResolver
from vqa_ensemble.learning.combiners.baselines import Mean
from vqa_ensemble.learning.combiners.fitted import FittedEnsemble
from vqa_ensemble.predictions.files import read_predictions, write_predictions
from vqa_ensemble.voting.ballots import align
from vqa_ensemble.voting.elector import Context


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
    types = None if answer_map is None else TypeResolver(answer_map)(ballots.vocabulary)
    candidates, scores, _ = ensemble.score(ballots, Context(types))
    write_predictions(
        path,
        ballots.question_ids[candidates.questions],
        candidates.answers,
        np.clip(ensemble.combiner.confidences(candidates, scores), 0, 1),
        member=Path(path).stem,
        vocabulary=ballots.vocabulary,
        top_k=None,
    )
    return len(ballots)
