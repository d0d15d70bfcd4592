"""What prediction files hold."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from vqa_ensemble.elections.cautions import Caution, cautions_among
from vqa_ensemble.predictions.files import read_predictions
from vqa_ensemble.predictions.member import ABSTAIN, Metadata
from vqa_ensemble.voting.agreement import pairwise_agreement
from vqa_ensemble.voting.ballots import align


@dataclass(frozen=True)
class InspectedMember:
    """What a prediction file holds.

    Attributes
    ----------
    path, member : str
    rows, questions : int
    answers_per_question : tuple of int
        The least and the most.
    distinct_answers : int
    metadata : Metadata
    agreement : float or None
        Mean agreement with the others; None if there are none.
    agreement_with : dict of str to float
        Agreement with each other member.
    """

    path: str
    member: str
    rows: int
    questions: int
    answers_per_question: tuple[int, int]
    distinct_answers: int
    metadata: Metadata
    agreement: float | None
    agreement_with: dict[str, float]


@dataclass(frozen=True)
class Inspection:
    """What prediction files hold together.

    Attributes
    ----------
    questions, common_questions : int
        In any file, and in all.
    distinct_answers : int
    unanimous : int
        Common questions with one top answer.
    members : list of InspectedMember
        By name.
    cautions : list of Caution
        What looks like a mistake.
    """

    questions: int
    common_questions: int
    distinct_answers: int
    unanimous: int
    members: list[InspectedMember]
    cautions: list[Caution]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def inspect_files(paths: Sequence[str | os.PathLike[str]]) -> Inspection:
    """Describe prediction files, and how far their members agree.

    Raises
    ------
    InputError
        If a file is bad, or two are of one member.
    """
    predictions = [read_predictions(path) for path in paths]
    ballots = align(predictions, missing="abstain")
    by_name = {p.member: p for p in predictions}
    votes, _ = ballots.top()
    agreement = pairwise_agreement(votes)
    common = (votes != ABSTAIN).all(axis=1)
    members = []
    for m, name in enumerate(ballots.names):
        p = by_name[name]
        counts = np.diff(p.starts)
        others = {other: float(agreement[m, n]) for n, other in enumerate(ballots.names) if n != m}
        members.append(
            InspectedMember(
                path=p.path,
                member=name,
                rows=len(p.answers),
                questions=len(p.question_ids),
                answers_per_question=(int(counts.min()), int(counts.max())),
                distinct_answers=len(np.unique(p.answers)),
                metadata=p.metadata,
                agreement=float(np.nanmean(list(others.values()))) if others else None,
                agreement_with=others,
            )
        )
    return Inspection(
        questions=len(ballots),
        common_questions=int(common.sum()),
        distinct_answers=len(ballots.vocabulary),
        unanimous=int((common & (votes == votes[:, :1]).all(axis=1)).sum()),
        members=members,
        cautions=cautions_among(ballots, [p.metadata for p in predictions]),
    )
