"""Compare the ways to combine members on questions whose answers are known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Self

import numpy as np

from vqa_ensemble.arrays import Floats, Ints
from vqa_ensemble.errors import InputError
from vqa_ensemble.learning.combiners.base import make_combiner
from vqa_ensemble.learning.combiners.member_votes import member_accuracy
from vqa_ensemble.learning.evaluation import diagnostics, ties
from vqa_ensemble.learning.evaluation.bootstrap import Comparison, compare_paired, standard_error
from vqa_ensemble.learning.evaluation.choosing import EQUAL_VOTES, choose_method
from vqa_ensemble.learning.evaluation.copies import describe_copies
from vqa_ensemble.learning.evaluation.cross_validation import (
    CrossValidation,
    Learner,
    cross_validate,
)
from vqa_ensemble.learning.evaluation.folds import grouped_folds
from vqa_ensemble.learning.evaluation.refits import Refits
from vqa_ensemble.learning.fit import BEST_SINGLE
from vqa_ensemble.learning.questions import Questions
from vqa_ensemble.voting.elector import Context, Elector
from vqa_ensemble.voting.methods import COMBINERS, METHODS, VOTES, make_elector

# Ways to vote that no ensemble is made of.
_VOTES_ONLY = tuple(name for name in VOTES if name not in COMBINERS)
# Random orders of members that the size curve averages: fewer where every one is a fit.
_ORDERS, _ORDERS_LEARNED = 20, 3

Told = Callable[[str], object]


@dataclass(frozen=True)
class CompareOptions:
    """What to compare.

    Attributes
    ----------
    methods : sequence of str, optional
        Names of combiners; all if not given. Equal votes and the best single member always
        take part, and question-type voting where there is a map.
    n_folds, seed : int
    contributions_of : str, optional
        The method for the members' contributions; none if not given.
    sizes : bool
        Whether to score ensembles of 1 to M members.
    """

    methods: Sequence[str] | None = None
    n_folds: int = 5
    seed: int = 0
    contributions_of: str | None = EQUAL_VOTES
    sizes: bool = False


@dataclass(frozen=True)
class MethodScore:
    """How a method does; all figures here are shares, not percent."""

    method: str
    accuracy: float
    standard_error: float
    by_type: dict[str, float]
    against_best_single: Comparison
    against_majority: Comparison


@dataclass(frozen=True)
class Chosen:
    """What ``fit --method auto`` takes; see ``choosing.Choice``."""

    method: str
    reason: str
    gain: float


@dataclass(frozen=True)
class Bound:
    """A score that no way to combine these members can exceed."""

    accuracy: float
    by_type: dict[str, float]


@dataclass(frozen=True)
class MemberScore:
    """How a member does alone, and what it adds to the others."""

    member: str
    accuracy: float
    by_type: dict[str, float]
    contribution: Comparison | None


@dataclass(frozen=True)
class MethodComparison:
    """Everything that ``vqa-ensemble compare`` reports.

    Attributes
    ----------
    questions, groups : int
    metric : str, optional
        What all figures are of, of :data:`vqa_ensemble.scoring.METRICS`.
    groups_given : bool
    warning : str, optional
        As of :func:`copies_warning`.
    folds, seed : int
    types : dict of str to int
        Questions of each type that has some.
    methods : list of MethodScore
    failures : dict of str to str
        Why a method has no scores.
    chosen : Chosen
    oracle : dict of str to Bound
        ``voted``: the best of the members' top answers; ``listed``: of all their answers.
    members : list of MemberScore
    contributions_of : str, optional
    error_correlation : list of list of float, optional
        Members by members; None where it is not defined.
    most_correlated : list of tuple
        See :func:`vqa_ensemble.learning.evaluation.diagnostics.most_correlated`.
    ties : dict of str to dict
        Method → ``type`` and ``answer`` → the rules that broke ties.
    sizes : dict of str to list of SizeScore, optional
    """

    questions: int
    metric: str | None
    groups: int
    groups_given: bool
    warning: str | None
    folds: int
    seed: int
    types: dict[str, int]
    methods: list[MethodScore]
    failures: dict[str, str]
    chosen: Chosen
    oracle: dict[str, Bound]
    members: list[MemberScore]
    contributions_of: str | None
    error_correlation: list[list[float | None]]
    most_correlated: list[tuple[str, str, float]]
    ties: dict[str, dict[str, list[ties.TieBreak]]]
    sizes: dict[str, list[diagnostics.SizeScore]] | None

    def to_dict(self) -> dict[str, Any]:
        """For JSON; without sizes if none were asked for."""
        content = asdict(self)
        if self.sizes is None:
            del content["sizes"]
        return content


@dataclass(frozen=True)
class Unfitted:
    """A way to vote, beside what is fitted.

    Attributes
    ----------
    elector : Elector
    whole : Questions
        All questions with all members. A vote can elect an answer that is no candidate any more
        when some members are left out: one that was given no confidence.
    """

    elector: Elector
    whole: Questions

    def fit(self, questions: Questions) -> Self:
        """Learn nothing."""
        return self

    def like(self, other: Self) -> Self:
        """Keep nothing."""
        return self

    def right(self, questions: Questions) -> Floats:
        """How right the vote is on each question; 0 where no member votes."""
        voted = np.flatnonzero(questions.candidates.present.any(axis=1))
        scores = np.zeros(len(questions))
        if len(voted):
            ballots = questions.ballots.select(voted)
            rows = np.searchsorted(self.whole.ballots.question_ids, ballots.question_ids)
            answer = self.elector.vote(ballots, Context(questions.answer_types)).answer
            scores[voted] = self.whole.targets[self.whole.candidates.find(rows, answer)]
        return scores


def make_method(name: str, questions: Questions, seed: int) -> Learner:
    """A fresh combiner of that name, or the vote where none is."""
    if METHODS[name].combiner:
        return make_combiner(name, seed)
    return Unfitted(make_elector(name), questions)


def copies_warning(questions: Questions) -> str | None:
    """What to warn of if questions look like copies and no groups were given."""
    if questions.groups_given:
        return None
    found = describe_copies(questions.candidates.question_ids)
    if found is None:
        return None
    return (
        f"questions look like copies of one another ({found}), and no groups are given. Copies on "
        "both sides of a split inflate every figure of a method that learns. Name the column "
        "that copies share with --groups FILE:COLUMN."
    )


def evaluate_methods(
    questions: Questions,
    methods: Sequence[str],
    *,
    n_folds: int = 5,
    seed: int = 0,
    after: Told = lambda method: None,
) -> tuple[CrossValidation, Ints]:
    """Cross-validate methods by name, with equal votes and the best single member among them.

    Returns
    -------
    CrossValidation
        In the order of :data:`~vqa_ensemble.voting.methods.METHODS`.
    folds : ndarray of int64, shape (Q,)

    Raises
    ------
    InputError
        If a method is unknown, equal votes or the best single member fail, or the questions
        cannot be split.
    """
    for name in methods:
        if name not in COMBINERS:
            raise InputError(
                f"no method '{name}'", where="--methods", fix=f"Known: {', '.join(COMBINERS)}."
            )
    wanted = {
        name: partial(make_combiner, name, seed)
        for name in COMBINERS
        if name in (*methods, EQUAL_VOTES, BEST_SINGLE)
    }
    folds = grouped_folds(questions.groups, questions.types.of, n_folds, seed)
    result = cross_validate(wanted, questions, folds, after=after)
    for name in (EQUAL_VOTES, BEST_SINGLE):
        if name in result.failures:
            raise InputError(
                f"'{name}' failed: {result.failures[name]}",
                fix="Use more questions, or look at the members with vqa-ensemble inspect.",
            )
    return result, folds


def compare(
    questions: Questions,
    options: CompareOptions | None = None,
    *,
    given: Mapping[str, Floats] | None = None,
    after: Told = lambda step: None,
) -> MethodComparison:
    """Everything that ``vqa-ensemble compare`` reports.

    Parameters
    ----------
    questions : Questions
        With ballots; what needs a map is compared if they have one.
    options : CompareOptions, optional
    given : mapping of str to ndarray of float64, shape (Q,), optional
        Scores of other ways to answer, put beside those of the methods.
    after : callable
        Told after each step that takes time.

    Raises
    ------
    InputError
        If a method is unknown, or the questions cannot be split into folds.
    """
    options = options or CompareOptions()
    candidates, types, groups = questions.candidates, questions.types, questions.groups
    seed, names = options.seed, questions.names
    _check_contributions(options.contributions_of, questions)
    result, folds = evaluate_methods(
        questions, options.methods or COMBINERS, n_folds=options.n_folds, seed=seed, after=after
    )
    choice = choose_method(result.scores, groups, seed=seed)
    has_map = questions.answer_types is not None
    votes = [EQUAL_VOTES, *(m for m in _VOTES_ONLY if has_map or not METHODS[m].needs_map)]
    scores = {**result.scores, **(given or {})}
    for name in votes[1:]:
        scores[name] = make_method(name, questions, seed).right(questions)

    def refits(name: str) -> Refits:
        return Refits(
            partial(make_method, name, questions, seed),
            questions,
            folds,
            learns=METHODS[name].learns,
            fitted=result.fitted.get(name, ()),
            scores=scores.get(name),
        )

    added = {}
    if options.contributions_of is not None and len(names) > 1:
        of_some = partial(refits(options.contributions_of).out_of_fold, like=len(names))
        added = diagnostics.contributions(of_some, names, groups, seed=seed, after=after)
    sizes = None
    if options.sizes:
        curve = partial(
            diagnostics.size_curve,
            questions=questions,
            folds=folds,
            seed=seed,
            after=lambda size: after(f"size {size}"),
        )
        sizes = _size_curves(curve, refits, votes, choice.method, len(names))
    bounds = diagnostics.oracle(candidates, questions.targets)
    members = member_accuracy(candidates, questions.targets)
    correlation = diagnostics.error_correlation(members, candidates.present)
    return MethodComparison(
        questions=len(questions),
        metric=questions.metric,
        groups=len(np.unique(groups)),
        groups_given=questions.groups_given,
        warning=copies_warning(questions),
        folds=int(folds.max()) + 1,
        seed=seed,
        types=types.counts(),
        methods=_method_scores(scores, questions, seed),
        failures=result.failures,
        chosen=Chosen(choice.method, choice.reason, choice.gain),
        oracle={
            name: Bound(float(values.mean()), diagnostics.by_type(values, types))
            for name, values in bounds.items()
        },
        members=[
            MemberScore(name, float(own.mean()), diagnostics.by_type(own, types), added.get(name))
            for name, own in zip(names, members.T, strict=True)
        ],
        contributions_of=options.contributions_of if added else None,
        error_correlation=[
            [None if np.isnan(value) else value for value in row] for row in correlation.tolist()
        ],
        most_correlated=diagnostics.most_correlated(correlation, names),
        ties=_ties(questions, votes),
        sizes=sizes,
    )


def _size_curves(
    curve: Callable[..., list[diagnostics.SizeScore]],
    refits: Callable[[str], Refits],
    votes: Iterable[str],
    chosen: str,
    n_members: int,
) -> dict[str, list[diagnostics.SizeScore]]:
    """Curves of all votes, and of the chosen method at few sizes if it is none of them."""
    sizes = {name: curve(refits(name).score, orders=_ORDERS) for name in votes}
    if chosen not in sizes:
        few = sorted({n for n in (*diagnostics.TALK_SIZES, n_members) if n <= n_members})
        sizes[chosen] = curve(refits(chosen).score, sizes=few, orders=_ORDERS_LEARNED)
    return sizes


def _method_scores(
    scores: Mapping[str, Floats], questions: Questions, seed: int
) -> list[MethodScore]:
    groups = questions.groups
    against = partial(compare_paired, groups=groups, seed=seed)
    return [
        MethodScore(
            method=name,
            accuracy=float(values.mean()),
            standard_error=standard_error(values, groups),
            by_type=diagnostics.by_type(values, questions.types),
            against_best_single=against(values, scores[BEST_SINGLE]),
            against_majority=against(values, scores[EQUAL_VOTES]),
        )
        for name, values in scores.items()
    ]


def _check_contributions(method: str | None, questions: Questions) -> None:
    if method is None:
        return
    if method not in METHODS:
        known = ", ".join((*COMBINERS, *_VOTES_ONLY))
        raise InputError(f"no method '{method}'", where="--contributions", fix=f"Known: {known}.")
    if METHODS[method].needs_map and questions.answer_types is None:
        raise InputError(f"{METHODS[method].label} needs a map", fix="Give it with --map.")


def _ties(questions: Questions, votes: Iterable[str]) -> dict[str, dict[str, list[ties.TieBreak]]]:
    found: dict[str, dict[str, list[ties.TieBreak]]] = {}
    for name in votes:
        election = questions.elect(make_elector(name))
        by_type = ties.type_ties(election, questions)
        found[name] = {"type": by_type} if by_type else {}
        found[name]["answer"] = ties.answer_ties(election, questions)
    return found
