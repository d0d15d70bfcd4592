"""Counting answers that mean the same as one, over all questions of an election."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from vqa_ensemble.answers.normalize import SIGNS, normalize_answers, vote_form
from vqa_ensemble.answers.synonyms import count_top_answers, find_merges
from vqa_ensemble.answers.types import REMEMBERED_ANSWERS
from vqa_ensemble.elections.options import VoteOptions
from vqa_ensemble.elections.summary import VoteSummary
from vqa_ensemble.predictions.member import ABSTAIN, Predictions
from vqa_ensemble.voting.ballots import Ballots
from vqa_ensemble.voting.merge import Merges, merge_answers
from vqa_ensemble.voting.result import Election

_form = lru_cache(maxsize=REMEMBERED_ANSWERS)(vote_form)


def forms(answers: Sequence[str]) -> list[str]:
    """Each answer in the form of :func:`~vqa_ensemble.answers.normalize.vote_form`."""
    return [_form(answer) for answer in answers]


def normalized(options: VoteOptions, predictions: Iterable[Predictions]) -> Iterable[Predictions]:
    """The predictions in normal form, if they are to be normalised or merged."""
    if not (options.normalize or options.merge):
        return predictions
    return (merge_answers(p, forms) for p in predictions)


def merges_of(
    options: VoteOptions, predictions: Iterable[Predictions], more: Iterable[str] = ()
) -> Merges | None:
    """Which answers mean the same, from all that all members say; None if nothing is asked for.

    Parameters
    ----------
    options : VoteOptions
        Whether to merge by the rules, and by which synonyms; the map says which answers are
        frequent.
    predictions : iterable of Predictions
        Every member's, in as many pieces as one likes.
    more : iterable of str
        Answers that no member may have given, such as those of a key.
    """
    rules, synonyms, answer_map = options.merge, options.synonyms, options.answer_map
    if not rules and synonyms is None:
        return None
    frequency: dict[str, int] = {}
    if answer_map is not None:
        for answer, count in zip(answer_map.answers, answer_map.counts.tolist(), strict=True):
            frequency[answer] = frequency.get(answer, 0) + count
    given = count_top_answers(normalized(options, predictions))
    votes = dict.fromkeys(more, 0) | given
    representatives = find_merges(votes, rules=rules, synonyms=synonyms, frequency=frequency)
    return Merges(representatives, frozenset((synonyms or {}).values()))


def count_effect(
    summary: VoteSummary,
    merges: Merges,
    without: tuple[Ballots, Election],
    merged: tuple[Ballots, Election],
    *,
    by_form: bool,
) -> None:
    """Add to the summary how many votes were rewritten and how many answers changed by it.

    ``by_form`` says whether answers were brought into normal form first.
    """
    votes, merged_votes = (_strings(ballots.vocabulary, ballots.top()[0]) for ballots, _ in (
        without, merged
    ))  # fmt: skip
    summary.merged_votes += int((votes != merged_votes).sum())
    before, after = (
        _strings(merges.of(read(ballots.vocabulary)), election.answer)
        for read, (ballots, election) in ((forms if by_form else list, without), (list, merged))
    )
    summary.changed_by_merging += int((before != after).sum())


def count_kept_apart(ballots: Ballots) -> int:
    """Questions with votes for two answers of one normal form, which a vote counts apart."""
    if not any(SIGNS.intersection(answer) for answer in ballots.vocabulary):
        return 0
    official = normalize_answers(ballots.vocabulary)
    seen = Counter(form for form in official if form)
    alike = [code for code, form in enumerate(official) if seen[form] > 1]
    if not alike:
        return 0
    place = {form: code for code, form in enumerate(dict.fromkeys(official))}
    form_of = np.array([*(place[form] for form in official), ABSTAIN])
    votes = np.sort(ballots.top()[0], axis=1)
    votes = votes[np.isin(votes, alike).any(axis=1)]
    of_forms = np.sort(form_of[votes], axis=1)
    distinct, fewer = ((np.diff(one, axis=1) != 0).sum(axis=1) for one in (votes, of_forms))
    return int((fewer < distinct).sum())


def _strings(vocabulary: list[str], codes: npt.NDArray[np.int32]) -> npt.NDArray[np.object_]:
    return np.array([*vocabulary, None], dtype=object)[np.where(codes == ABSTAIN, -1, codes)]
