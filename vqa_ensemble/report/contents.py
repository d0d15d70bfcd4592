"""What the report shows, as plain data."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vqa_ensemble import ragged
from vqa_ensemble.errors import InputError
from vqa_ensemble.learning.combiners.fitted import FittedEnsemble
from vqa_ensemble.learning.combiners.member_votes import member_accuracy
from vqa_ensemble.learning.comparison import (
    CompareOptions,
    MemberScore,
    MethodComparison,
    MethodScore,
    compare,
)
from vqa_ensemble.learning.evaluation.bootstrap import Comparison
from vqa_ensemble.learning.evaluation.changes import Change, count_changes
from vqa_ensemble.learning.evaluation.choosing import EQUAL_VOTES
from vqa_ensemble.learning.evaluation.reliability import Reliability, reliability
from vqa_ensemble.learning.fit import BEST_SINGLE
from vqa_ensemble.learning.questions import Questions
from vqa_ensemble.voting.agreement import pairwise_agreement
from vqa_ensemble.voting.elector import Context
from vqa_ensemble.voting.methods import COMBINERS, METHODS, VOTES, make_elector
from vqa_ensemble.voting.result import Election

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Contents:
    """What the report shows of an ensemble over Q questions.

    Attributes
    ----------
    election : Election
        The ensemble's, on the questions' ballots.
    scores, majority_scores : ndarray of float64, shape (Q,)
        How right the ensemble's answers are, and those of equal votes.
    comparison : MethodComparison
        With sizes.
    row : str
        The comparison's row of the ensemble.
    name : str
        What the ensemble is called in a sentence.
    out_of_fold : bool
        Whether the ensemble was fitted on these questions, so that its row is that of its
        method fitted anew, by cross-validation.
    changes : list of Change
        Answers that are not the majority's.
    agreement : ndarray of float64, shape (M, M)
        Members in the order of the ballots.
    own_reliability : Reliability
        Of the ensemble, by its winner's share of the votes.
    reliability : dict of str to Reliability
        Of each member by its confidence, on the questions it has.
    """

    election: Election
    scores: Array
    majority_scores: Array
    comparison: MethodComparison
    row: str
    name: str
    out_of_fold: bool
    changes: list[Change]
    agreement: Array
    own_reliability: Reliability
    reliability: dict[str, Reliability]

    def method(self, name: str) -> MethodScore:
        """The comparison's row of that name."""
        return next(row for row in self.comparison.methods if row.method == name)


def report_contents(
    questions: Questions,
    *,
    ensemble: FittedEnsemble | None = None,
    ensemble_path: str = "the ensemble",
    seed: int = 0,
    after: Callable[[str], object] = lambda step: None,
) -> Contents:
    """Hold the ensemble's vote, and compare it with its members and with equal votes.

    The ensemble is the fitted one if given, else question-type voting if there is a map, else
    equal votes.

    Parameters
    ----------
    questions : Questions
        With ballots.
    ensemble : FittedEnsemble, optional
    ensemble_path : str
        Its file, for its name.
    seed : int
        Of folds and intervals.
    after : callable
        Told after each step that takes time.

    Raises
    ------
    InputError
        If the ensemble has other members or types, or the questions cannot be split into folds.
    """
    if ensemble is not None:
        election = ensemble.vote(questions.ballots, Context(question_types=questions.types))
        method = ensemble.method
    else:
        # With a map, what vote does by default.
        method = EQUAL_VOTES if questions.answer_types is None else VOTES[0]
        election = questions.elect(make_elector(method))
    scores = questions.score(election.answer)
    given = {} if ensemble is None else {Path(ensemble_path).name: scores}
    comparison = compare(
        questions,
        CompareOptions(
            methods=[method if method in COMBINERS else EQUAL_VOTES],
            seed=seed,
            contributions_of=method,
            sizes=True,
        ),
        given=given,
        after=after,
    )
    if method in comparison.failures:
        raise InputError(
            f"'{method}' cannot be fitted on a part of these questions: "
            f"{comparison.failures[method]}",
            fix="Report on more questions.",
        )
    out_of_fold = ensemble is not None and _was_fitted_on(ensemble, comparison)
    row = method if ensemble is None or out_of_fold else Path(ensemble_path).name
    majority_scores = questions.score(election.plurality)
    changed = election.answer != election.plurality
    return Contents(
        election=election,
        scores=scores,
        majority_scores=majority_scores,
        comparison=comparison,
        row=row,
        name=METHODS[method].label or method,
        out_of_fold=out_of_fold,
        changes=count_changes(majority_scores, scores, changed, questions.types),
        agreement=pairwise_agreement(questions.ballots.top()[0]),
        own_reliability=reliability(_winners_shares(election), scores),
        reliability=_reliability(questions),
    )


def _was_fitted_on(ensemble: FittedEnsemble, comparison: MethodComparison) -> bool:
    """Whether its record may be of these questions: as many, and equal votes score the same."""
    record = ensemble.fit
    if record.get("questions") != comparison.questions:
        return False
    if record.get("metric") != comparison.metric:
        return True  # its scores are of something else: it cannot be ruled out
    if record["questions_compared"] != record["questions"]:
        return True  # equal votes were scored on a part of them: it cannot be ruled out
    [majority] = (r.accuracy for r in comparison.methods if r.method == EQUAL_VOTES)
    # The file holds six digits.
    return math.isclose(record["accuracy"][EQUAL_VOTES], 100 * majority, rel_tol=1e-5)


def _winners_shares(election: Election) -> Array:
    tally = election.tally
    won = tally.answers == election.answer[tally.questions]
    shares: Array = tally.votes[won] / ragged.sums(tally.starts, tally.votes)
    return shares


def _reliability(questions: Questions) -> dict[str, Reliability]:
    right = member_accuracy(questions.candidates, questions.targets)
    confidences = questions.ballots.top()[1].astype(np.float64)
    present = questions.candidates.present.T
    return {
        name: reliability(confidences[has, m], right[has, m])
        for m, (name, has) in enumerate(zip(questions.names, present, strict=True))
    }


def best_member(contents: Contents) -> MemberScore:
    """The member that is most often right."""
    return max(contents.comparison.members, key=lambda member: member.accuracy)


def headline(contents: Contents) -> str:
    """How the ensemble does against the best member and equal votes, in two sentences."""
    comparison, row = contents.comparison, contents.method(contents.row)
    against = []
    if contents.row != BEST_SINGLE:
        single = f"the best member, {best_member(contents).member}"
        against.append(_against(row.against_best_single, single))
    if contents.row != EQUAL_VOTES:
        against.append(_against(row.against_majority, "a plain majority vote"))
    n_members = len(comparison.members)
    members = "1 member" if n_members == 1 else f"{n_members} members"
    accuracy = f"{100 * row.accuracy:.2f}\N{NO-BREAK SPACE}%"
    return (
        f"The ensemble of {members} ({contents.name}) scores {accuracy} on "
        f"{comparison.questions:,} questions. That is {', and '.join(against)}."
    )


def _against(comparison: Comparison, other: str) -> str:
    low, high = 100 * comparison.low, 100 * comparison.high
    difference = 100 * comparison.difference
    interval = f"95\N{NO-BREAK SPACE}% interval {low:+.2f} to {high:+.2f}"
    if low <= 0 <= high:
        return f"not surely different from {other} ({difference:+.2f} points, {interval})"
    better = "better" if difference > 0 else "worse"
    return f"{abs(difference):.2f} points {better} than {other} ({interval})"
