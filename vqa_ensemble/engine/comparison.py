"""Compare the ways to combine members on questions whose answers are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from vqa_ensemble.combiners.base import make_combiner
from vqa_ensemble.engine.fit import BEST_SINGLE
from vqa_ensemble.engine.labelled import Labelled
from vqa_ensemble.errors import InputError
from vqa_ensemble.evaluation import diagnostics, ties
from vqa_ensemble.evaluation.bootstrap import compare_paired, standard_error
from vqa_ensemble.evaluation.choosing import EQUAL_VOTES, choose_method
from vqa_ensemble.evaluation.copies import describe_copies
from vqa_ensemble.evaluation.cross_validation import (
    CrossValidation,
    Questions,
    cross_validate,
    find_candidates,
)
from vqa_ensemble.evaluation.folds import grouped_folds
from vqa_ensemble.evaluation.refits import Refits
from vqa_ensemble.voting.answer_types import AnswerTypes
from vqa_ensemble.voting.ballots import Ballots, MemberBallots
from vqa_ensemble.voting.majority import majority_vote
from vqa_ensemble.voting.methods import COMBINERS, METHODS
from vqa_ensemble.voting.question_type import question_type_vote

QUESTION_TYPE = "question-type"
# Random orders of members that the size curve averages: fewer where every one is a fit.
_ORDERS, _ORDERS_LEARNED = 20, 3

Array = npt.NDArray[np.float64]
Told = Callable[[str], object]


def known_questions(labelled: Labelled) -> Questions:
    """The same as :func:`load_labelled` gives, as what is cross-validated."""
    return Questions(labelled.candidates, labelled.targets, labelled.types, labelled.groups)


def copies_warning(labelled: Labelled) -> str | None:
    """What to warn of if questions look like copies and no groups were given."""
    if labelled.groups_given:
        return None
    found = describe_copies(labelled.candidates.question_ids)
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
) -> tuple[CrossValidation, npt.NDArray[np.int64]]:
    """Cross-validate methods by name, with equal votes and the best single member among them.

    Returns
    -------
    CrossValidation
        In the order of the registry.
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
    labelled: Labelled,
    *,
    answer_types: AnswerTypes | None = None,
    methods: Sequence[str] | None = None,
    n_folds: int = 5,
    seed: int = 0,
    contributions_of: str | None = EQUAL_VOTES,
    sizes: bool = False,
    given: Mapping[str, Array] | None = None,
    after: Told = lambda step: None,
) -> dict[str, Any]:
    """Everything that ``vqa-ensemble compare`` reports.

    Parameters
    ----------
    labelled : Labelled
    answer_types : AnswerTypes, optional
        Of the ballots' vocabulary; question-type voting is compared if given.
    methods : sequence of str, optional
        Names of combiners; all if not given. Equal votes and the best single member always
        take part.
    n_folds, seed : int
    contributions_of : str, optional
        The combiner, or ``"question-type"``, for the members' contributions; none if not given.
    sizes : bool
        Whether to score ensembles of 1 to M members.
    given : mapping of str to ndarray of float64, shape (Q,), optional
        Scores of other ways to answer, put beside those of the methods.
    after : callable
        Told after each step that takes time.

    Returns
    -------
    dict
        Figures are shares, not percent.

    Raises
    ------
    InputError
        If a method is unknown, or the questions cannot be split into folds.
    """
    questions = known_questions(labelled)
    candidates, types, groups = questions.candidates, questions.types, questions.groups
    _check_contributions(contributions_of, answer_types)
    result, folds = evaluate_methods(
        questions, methods or list(COMBINERS), n_folds=n_folds, seed=seed, after=after
    )
    choice = choose_method(result.scores, groups, seed=seed)
    scores = {**result.scores, **(given or {})}
    tie_breaks = _ties(labelled, answer_types)
    if answer_types is not None:
        scores[QUESTION_TYPE] = _score_question_type(
            questions, labelled.ballots, answer_types, np.arange(len(questions))
        )
    bound = diagnostics.oracle(candidates, questions.targets)
    members = diagnostics.member_scores(candidates, questions.targets)
    correlation = diagnostics.error_correlation(members, candidates.present)
    added = {}

    def refits(name: str) -> Refits:
        return Refits(
            partial(make_combiner, name, seed),
            questions,
            folds,
            learns=METHODS[name].learns,
            fitted=result.fitted.get(name, ()),
            scores=result.scores.get(name),
        )

    if contributions_of is not None and len(candidates.names) > 1:
        again = None if contributions_of == QUESTION_TYPE else refits(contributions_of)

        def of_some(columns: npt.NDArray[np.integer]) -> Array:
            if again is not None:
                return again.out_of_fold(columns, like=len(candidates.names))
            assert answer_types is not None  # checked above
            some = _some_members(labelled.ballots, columns)
            return _score_question_type(questions, some, answer_types, np.arange(len(questions)))

        added = diagnostics.contributions(of_some, candidates.names, groups, seed=seed, after=after)
    report: dict[str, Any] = {
        "questions": len(questions),
        "groups": len(np.unique(groups)),
        "groups_given": labelled.groups_given,
        "warning": copies_warning(labelled),
        "folds": int(folds.max()) + 1,
        "seed": seed,
        "types": {
            name: int((types.of == t).sum())
            for t, name in enumerate(types.names)
            if (types.of == t).any()
        },
        "methods": [
            {
                "method": name,
                "accuracy": float(values.mean()),
                "standard_error": standard_error(values, groups),
                "by_type": diagnostics.by_type(values, types),
                "against_best_single": _against(values, scores[BEST_SINGLE], groups, seed),
                "against_majority": _against(values, scores[EQUAL_VOTES], groups, seed),
            }
            for name, values in scores.items()
        ],
        "failures": result.failures,
        "chosen": {"method": choice.method, "reason": choice.reason, "gain": choice.gain},
        "oracle": {
            name: {"accuracy": float(values.mean()), "by_type": diagnostics.by_type(values, types)}
            for name, values in (("voted", bound.voted), ("listed", bound.listed))
        },
        "members": [
            {
                "member": name,
                "accuracy": float(members[:, m].mean()),
                "by_type": diagnostics.by_type(members[:, m], types),
                "contribution": added[name].to_dict() if name in added else None,
            }
            for m, name in enumerate(candidates.names)
        ],
        "contributions_of": contributions_of if added else None,
        "error_correlation": [
            [None if np.isnan(value) else float(value) for value in row] for row in correlation
        ],
        "most_correlated": diagnostics.most_correlated(correlation, candidates.names),
        "ties": tie_breaks,
    }
    if sizes:
        report["sizes"] = _sizes(
            labelled, questions, folds, answer_types, choice.method, refits, seed, after
        )
    return report


def _check_contributions(method: str | None, answer_types: AnswerTypes | None) -> None:
    if method == QUESTION_TYPE and answer_types is None:
        raise InputError("question-type voting needs a map", fix="Give it with --map.")
    if method not in (None, QUESTION_TYPE, *COMBINERS):
        known = ", ".join((*COMBINERS, QUESTION_TYPE))
        raise InputError(f"no method '{method}'", where="--contributions", fix=f"Known: {known}.")


def _against(
    values: Array, other: Array, groups: npt.NDArray[np.int64], seed: int
) -> dict[str, float]:
    return compare_paired(values, other, groups, seed=seed).to_dict()


def _ties(labelled: Labelled, answer_types: AnswerTypes | None) -> dict[str, Any]:
    candidates, targets = labelled.candidates, labelled.targets
    counts = None if answer_types is None else answer_types.count
    plain = majority_vote(labelled.ballots, counts)
    by_rule = ties.answer_ties(plain, candidates, targets, counts)
    found = {EQUAL_VOTES: {"answer": [rule.to_dict() for rule in by_rule]}}
    if answer_types is not None:
        typed = question_type_vote(labelled.ballots, answer_types)
        by_type = ties.type_ties(typed, candidates, targets)
        by_rule = ties.answer_ties(typed, candidates, targets, counts)
        found[QUESTION_TYPE] = {
            "type": [rule.to_dict() for rule in by_type],
            "answer": [rule.to_dict() for rule in by_rule],
        }
    return found


def _sizes(
    labelled: Labelled,
    questions: Questions,
    folds: npt.NDArray[np.int64],
    answer_types: AnswerTypes | None,
    chosen: str,
    refits: Callable[[str], Refits],
    seed: int,
    after: Told,
) -> dict[str, list[dict[str, Any]]]:
    """The curve of equal votes, of question-type voting, and the talk's sizes of what is chosen."""
    n_members = len(questions.candidates.names)
    curve = partial(
        diagnostics.size_curve,
        questions=questions,
        folds=folds,
        seed=seed,
        after=lambda size: after(f"size {size}"),
    )

    found = {EQUAL_VOTES: curve(refits(EQUAL_VOTES).score, orders=_ORDERS)}
    if answer_types is not None:

        def typed(columns: npt.NDArray[np.integer], fold: int) -> Array:
            rows = np.flatnonzero(folds == fold)
            ballots = _some_members(labelled.ballots, columns)
            return _score_question_type(questions, ballots, answer_types, rows)

        found[QUESTION_TYPE] = curve(typed, orders=_ORDERS)
    if chosen not in found:
        few = sorted({size for size in (*diagnostics.TALK_SIZES, n_members) if size <= n_members})
        found[chosen] = curve(refits(chosen).score, sizes=few, orders=_ORDERS_LEARNED)
    return {name: [point.to_dict() for point in points] for name, points in found.items()}


def _some_members(ballots: Ballots, columns: npt.NDArray[np.integer]) -> Ballots:
    return Ballots(
        ballots.question_ids,
        ballots.vocabulary,
        tuple(ballots.names[c] for c in columns),
        tuple(ballots.members[c] for c in columns),
    )


def _score_question_type(
    questions: Questions,
    ballots: Ballots,
    answer_types: AnswerTypes,
    rows: npt.NDArray[np.integer],
) -> Array:
    """How right question-type voting is on some questions; 0 where no member votes."""
    counts = np.array([np.diff(member.starts)[rows] for member in ballots.members])
    voted = (counts > 0).any(axis=0)
    asked = rows[voted]
    some = Ballots(
        ballots.question_ids[asked],
        ballots.vocabulary,
        ballots.names,
        tuple(_some_questions(member, asked) for member in ballots.members),
    )
    scores = np.zeros(len(rows))
    if len(asked):
        answer = question_type_vote(some, answer_types).answer
        scores[voted] = questions.targets[find_candidates(questions.candidates, asked, answer)]
    return scores


def _some_questions(member: MemberBallots, rows: npt.NDArray[np.integer]) -> MemberBallots:
    sizes = np.diff(member.starts)[rows]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    kept = np.repeat(member.starts[:-1][rows] - starts[:-1], sizes) + np.arange(starts[-1])
    return MemberBallots(starts, member.answers[kept], member.confidences[kept])
