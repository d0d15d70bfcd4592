"""Counting answers that mean the same as one, over all questions of an election."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from vqa_ensemble.engine.options import VoteOptions
from vqa_ensemble.engine.summary import VoteSummary
from vqa_ensemble.formats.answer_map import AnswerMap
from vqa_ensemble.formats.predictions import Predictions
from vqa_ensemble.voting.ballots import Ballots
from vqa_ensemble.voting.result import Election
from vqa_ensemble.voting.synonyms import count_top_answers, find_merges, rewrite


def merges_wanted(
    options: VoteOptions,
    synonyms: Mapping[str, str] | None,
    answer_map: AnswerMap | None,
    predictions: Iterable[Predictions],
) -> dict[str, str] | None:
    """What to rewrite answers to, from all that all members say; None if nothing is asked for.

    Parameters
    ----------
    predictions : iterable of Predictions
        Every member's, in as many pieces as one likes.
    """
    if not options.merge and synonyms is None:
        return None
    frequency: dict[str, int] = {}
    if answer_map is not None:
        for answer, count in zip(answer_map.answers, answer_map.counts.tolist(), strict=True):
            frequency[answer] = frequency.get(answer, 0) + count
    votes = count_top_answers(predictions)
    return find_merges(votes, rules=options.merge, synonyms=synonyms, frequency=frequency)


def count_effect(
    summary: VoteSummary,
    merges: Mapping[str, str],
    predictions: Iterable[Predictions],
    without: tuple[Ballots, Election],
    merged: tuple[Ballots, Election],
) -> None:
    """Add to the summary how many votes were rewritten and how many answers changed by it."""
    for p in predictions:
        rewritten = np.array([answer in merges for answer in p.vocabulary.to_pylist()], bool)
        summary.merged_votes += int(rewritten[p.answers[p.starts[:-1]]].sum())
    before = np.array(rewrite(without[0].vocabulary, merges), object)[without[1].answer]
    after = np.array(merged[0].vocabulary, object)[merged[1].answer]
    summary.changed_by_merging += int((before != after).sum())
