"""What prediction files hold."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from vqa_ensemble.engine.cautions import cautions_among
from vqa_ensemble.formats.predictions import read_predictions
from vqa_ensemble.voting.agreement import pairwise_agreement
from vqa_ensemble.voting.ballots import ABSTAIN, align


def inspect_files(paths: Sequence[str | os.PathLike[str]]) -> dict[str, Any]:
    """Describe prediction files, and how far their members agree.

    Returns
    -------
    dict
        ``questions``, ``common_questions`` (answered by all), ``distinct_answers``,
        ``unanimous`` (common questions with one top answer), and ``members``: per file its
        path, member, rows, questions, least and most answers a question, distinct answers,
        metadata, mean agreement with the others, and agreement with each of them; and
        ``cautions``: what looks like a mistake.

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
    metadata = [p.metadata for p in predictions]
    common = (votes != ABSTAIN).all(axis=1)
    members = []
    for m, name in enumerate(ballots.names):
        p = by_name[name]
        counts = np.diff(p.starts)
        others = {other: float(agreement[m, n]) for n, other in enumerate(ballots.names) if n != m}
        members.append(
            {
                "path": p.path,
                "member": name,
                "rows": len(p.answers),
                "questions": len(p.question_ids),
                "answers_per_question": [int(counts.min()), int(counts.max())],
                "distinct_answers": len(np.unique(p.answers)),
                "metadata": asdict(p.metadata),
                "agreement": float(np.nanmean(list(others.values()))) if others else None,
                "agreement_with": others,
            }
        )
    return {
        "questions": len(ballots),
        "common_questions": int(common.sum()),
        "distinct_answers": len(ballots.vocabulary),
        "unanimous": int((common & (votes == votes[:, :1]).all(axis=1)).sum()),
        "members": members,
        "cautions": [asdict(caution) for caution in cautions_among(ballots, metadata)],
    }
