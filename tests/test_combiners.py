"""Combiners: worked examples, invariants, and slow or foreign references."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples, members

from vqa_ensemble.learning.combiners.accuracy_weights import AccuracyWeights, shrunken_accuracies
from vqa_ensemble.learning.combiners.base import Combiner, choose, combiner_class
from vqa_ensemble.learning.combiners.baselines import BestSingle, Majority, Mean
from vqa_ensemble.learning.combiners.calibration import (
    Temperatures,
    apply_temperatures,
    fit_temperatures,
)
from vqa_ensemble.learning.combiners.candidates import Candidates, gather_candidates
from vqa_ensemble.learning.combiners.dawid_skene import DawidSkene
from vqa_ensemble.learning.combiners.greedy_selection import GreedySelection
from vqa_ensemble.learning.combiners.wawa import Wawa
from vqa_ensemble.learning.combiners.zero_based_skill import ZeroBasedSkill
from vqa_ensemble.learning.questions import Questions
from vqa_ensemble.predictions.files import predictions_from_rows
from vqa_ensemble.voting.ballots import align
from vqa_ensemble.voting.methods import COMBINERS
from vqa_ensemble.voting.question_types import QuestionTypes

Ranked = dict[int, list[tuple[str, float]]]


def gather(voters: dict[str, Ranked]) -> Candidates:
    return gather_candidates(
        align(
            [
                predictions_from_rows(
                    name, [(q, a, c) for q, ranked in questions.items() for a, c in ranked]
                )
                for name, questions in voters.items()
            ],
            missing="abstain",
        )
    )


def hard(votes: dict[str, str]) -> Candidates:
    """Member → its votes, one letter a question; a blank is no vote."""
    return gather(
        {
            name: {q: [(a, 1.0)] for q, a in enumerate(letters) if a != " "}
            for name, letters in votes.items()
        }
    )


def targets_for(candidates: Candidates, right: str) -> npt.NDArray[np.float64]:
    answers = [candidates.vocabulary[code] for code in candidates.answers]
    return np.array(
        [float(a == right[q]) for q, a in zip(candidates.questions, answers, strict=True)]
    )


def chosen(
    combiner: Combiner, candidates: Candidates, types: QuestionTypes | None = None
) -> list[str]:
    scores = combiner.score(candidates, types or QuestionTypes.none(len(candidates)))
    return [candidates.vocabulary[c] for c in candidates.answers[choose(candidates, scores)]]


def accuracy(candidates: Candidates, scores: npt.NDArray[np.float64], targets: Any) -> Any:
    return targets[choose(candidates, scores)]


def fit(combiner: Combiner, candidates: Candidates, right: str) -> Combiner:
    n = len(candidates)
    return combiner.fit(
        Questions(candidates, targets_for(candidates, right), QuestionTypes.none(n), np.arange(n))
    )


def random_members(
    seed: int, n_questions: int = 300, skills: tuple[float, ...] = (0.8, 0.7, 0.6, 0.3, 0.25)
) -> tuple[Candidates, npt.NDArray[np.float64], QuestionTypes]:
    """Members over four answers; the first letters are the right ones with these odds."""
    rng = np.random.default_rng(seed)
    right = rng.integers(4, size=n_questions)
    voters: dict[str, Ranked] = {}
    for m, skill in enumerate(skills):
        logits = rng.gumbel(size=(n_questions, 4))
        logits[np.arange(n_questions), right] += 4 * (skill - 0.25)
        p = np.exp(2 * logits)
        p /= p.sum(axis=1, keepdims=True)
        voters[f"m{m}"] = {
            q: [("abcd"[a], float(p[q, a])) for a in range(4)]
            for q in range(n_questions)
            # Every member lacks some questions, never all members the same.
            if q % 10 != m
        }
    candidates = gather(voters)
    types = QuestionTypes(("x", "y"), np.where(rng.random(n_questions) < 0.1, -1, right % 2))
    return candidates, targets_for(candidates, "".join("abcd"[a] for a in right)), types


every_method = pytest.mark.parametrize("method", sorted(COMBINERS))


# ------------------------------------------------------------------ all of them


@every_method
def test_what_was_learned_survives_json(method: str) -> None:
    candidates, targets, types = random_members(0)
    fitted = combiner_class(method)().fit(
        Questions(candidates, targets, types, np.arange(len(candidates)))
    )
    again = combiner_class(method).from_dict(json.loads(json.dumps(fitted.to_dict())))
    np.testing.assert_allclose(
        again.score(candidates, types), fitted.score(candidates, types), atol=1e-12
    )
    assert again.to_dict() == fitted.to_dict()


@every_method
def test_fitting_again_gives_the_same(method: str) -> None:
    candidates, targets, types = random_members(1)
    groups = np.arange(len(candidates)) // 2
    first, second = (
        combiner_class(method)().fit(Questions(candidates, targets, types, groups))
        for _ in range(2)
    )
    assert first.to_dict() == second.to_dict()


@every_method
def test_the_order_of_members_does_not_matter(method: str) -> None:
    """Members renamed so that they come in another order vote as before."""
    candidates, targets, types = random_members(2)
    order = np.array([3, 0, 4, 1, 2])
    shuffled = replace(
        candidates,
        confidences=candidates.confidences[:, order],
        present=candidates.present[:, order],
    )
    groups = np.arange(len(candidates))
    here = (
        combiner_class(method)()
        .fit(Questions(candidates, targets, types, groups))
        .score(candidates, types)
    )
    there = (
        combiner_class(method)()
        .fit(Questions(shuffled, targets, types, groups))
        .score(shuffled, types)
    )
    np.testing.assert_array_equal(choose(candidates, here), choose(shuffled, there))


@every_method
@pytest.mark.parametrize("seed", range(3))
def test_it_is_far_better_than_guessing_one_of_four(method: str, seed: int) -> None:
    candidates, targets, types = random_members(seed)
    fitted = combiner_class(method)().fit(
        Questions(candidates, targets, types, np.arange(len(candidates)))
    )
    scores = fitted.score(candidates, types)
    assert np.isfinite(scores).all()
    assert accuracy(candidates, scores, targets).mean() > 0.6


@every_method
def test_no_types_and_unseen_types_are_fine(method: str) -> None:
    candidates, targets, types = random_members(3)
    groups = np.arange(len(candidates))
    plain = QuestionTypes.none(len(candidates))
    fitted = combiner_class(method)().fit(Questions(candidates, targets, plain, groups))
    assert np.isfinite(fitted.score(candidates, types)).all()
    fitted = combiner_class(method)().fit(Questions(candidates, targets, types, groups))
    strange = QuestionTypes(("z",), np.zeros(len(candidates), dtype=np.int64))
    np.testing.assert_allclose(
        fitted.score(candidates, strange), fitted.score(candidates, plain), atol=1e-12
    )


@every_method
@examples(25, deadline=None)
@given(voters=members(n_questions=4), right=st.data())
def test_odd_small_inputs_are_fine(method: str, voters: list[Ranked], right: st.DataObject) -> None:
    candidates = gather({f"m{m}": questions for m, questions in enumerate(voters)})
    share = st.sampled_from([0.0, 0.3, 0.6, 1.0])
    targets = np.array(
        right.draw(
            st.lists(share, min_size=len(candidates.answers), max_size=len(candidates.answers))
        )
    )
    n = len(candidates)
    types = QuestionTypes(("x", "y"), np.arange(n) % 3 - 1)
    fitted = combiner_class(method)().fit(Questions(candidates, targets, types, np.arange(n)))
    assert np.isfinite(fitted.score(candidates, types)).all()
    json.dumps(fitted.to_dict(), allow_nan=False)


@pytest.mark.parametrize("method", ["majority", "mean", "wawa", "zero-based-skill", "dawid-skene"])
def test_the_unsupervised_look_at_no_targets(method: str) -> None:
    candidates, targets, types = random_members(4)
    groups = np.arange(len(candidates))
    here = combiner_class(method)().fit(Questions(candidates, targets, types, groups))
    there = combiner_class(method)().fit(
        Questions(candidates, np.zeros_like(targets), types, groups)
    )
    assert here.to_dict() == there.to_dict()


# ------------------------------------------------------------------ baselines


def test_majority_breaks_ties_by_the_voters_confidence_alone() -> None:
    candidates = gather({"m0": {0: [("a", 0.5), ("b", 0.4)]}, "m1": {0: [("b", 0.45), ("c", 0.4)]}})
    assert chosen(Majority(), candidates) == ["a"]
    assert chosen(Mean(), candidates) == ["b"]


def test_where_the_best_member_has_no_answer_the_next_best_speaks() -> None:
    candidates = hard({"m0": "aaa ", "m1": "abbb", "m2": "bbbc"})
    fitted = fit(BestSingle(), candidates, "aaab")
    # m0 is right 3 times of 4, m1 twice, m2 never.
    assert fitted.to_dict() == {"ranking": ["m0", "m1", "m2"]}
    assert chosen(fitted, candidates) == ["a", "a", "a", "b"]


# ------------------------------------------------------------------ accuracy weights


def test_types_that_differ_are_trusted_apart() -> None:
    n = 200
    right = np.zeros((n, 2))
    right[::2, 0] = right[1::2, 1] = 1.0
    types = QuestionTypes(("even", "odd"), np.arange(n) % 2)
    table = shrunken_accuracies(right, right >= 0, types, np.arange(n))
    np.testing.assert_allclose(table, [[1, 0], [0, 1], [0.5, 0.5]], atol=0.01)


def test_types_that_differ_by_chance_are_not_trusted_apart() -> None:
    rng = np.random.default_rng(0)
    right = (rng.random((400, 8)) < 0.7).astype(float)
    types = QuestionTypes(tuple("abcdefghij"), rng.integers(10, size=400))
    table = shrunken_accuracies(right, right >= 0, types, np.arange(400))
    raw = np.array([right[types.of == t].mean(axis=0) for t in range(10)])
    assert np.abs(table[:-1] - table[-1]).mean() < 0.25 * np.abs(raw - table[-1]).mean()


def test_copies_of_a_question_count_as_one() -> None:
    """With every question copied four times, the shrinkage is that of one copy."""
    rng = np.random.default_rng(1)
    types = QuestionTypes(("a", "b"), np.arange(40) % 2)
    right = (rng.random((40, 3)) < np.where(types.of == 0, 0.9, 0.5)[:, None]).astype(float)
    once = shrunken_accuracies(right, right >= 0, types, np.arange(40))
    copied = shrunken_accuracies(
        np.repeat(right, 4, axis=0),
        np.ones((160, 3), dtype=bool),
        QuestionTypes(types.names, np.repeat(types.of, 4)),
        np.repeat(np.arange(40), 4),
    )
    np.testing.assert_allclose(once, copied, atol=0.02)


@pytest.mark.parametrize("method", ["accuracy-weights", "greedy-selection"])
def test_noise_beside_three_good_members_is_outvoted(method: str) -> None:
    """Learned on 300 questions, on 300 others better than equal votes by far."""
    skills = (0.8, 0.75, 0.7) + (0.25,) * 7
    candidates, targets, types = random_members(5, 600, skills)
    rows = candidates.questions < 300
    known, new = np.arange(300), np.arange(300, 600)
    fitted = combiner_class(method)().fit(
        Questions(candidates.select(known), targets[rows], types.select(known), known)
    )
    scores = {
        name: accuracy(
            candidates.select(new),
            combiner.score(candidates.select(new), types.select(new)),
            targets[~rows],
        ).mean()
        for name, combiner in (("ours", fitted), ("majority", Majority()))
    }
    assert scores["ours"] > scores["majority"] + 0.05


@pytest.mark.parametrize("seed", range(5))
def test_weights_learned_from_noise_cost_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    draw = ["".join(rng.choice(list("abcd"), 1200)) for _ in range(6)]
    votes, right = {f"m{m}": v for m, v in enumerate(draw[:5])}, draw[5]
    fitted = fit(AccuracyWeights(), hard({n: v[:200] for n, v in votes.items()}), right[:200])
    new, types = hard({n: v[200:] for n, v in votes.items()}), QuestionTypes.none(1000)
    targets = targets_for(new, right[200:])
    ours, majority = (
        accuracy(new, combiner.score(new, types), targets).mean()
        for combiner in (fitted, Majority())
    )
    assert ours > majority - 0.03


# ------------------------------------------------------------------ ensemble selection


def test_equal_confidences_do_not_leave_one_member_alone() -> None:
    rng = np.random.default_rng(0)
    right = rng.choice(list("abcd"), 600)
    votes = {
        f"m{m}": "".join(np.where(rng.random(600) < 0.65, right, rng.choice(list("abcd"), 600)))
        for m in range(6)
    }
    candidates = hard(votes)
    fitted = GreedySelection()
    fit(fitted, candidates, "".join(right))
    assert sum(weight > 0.05 for weight in fitted.weights.values()) >= 3
    targets, types = targets_for(candidates, "".join(right)), QuestionTypes.none(600)
    single = fit(BestSingle(), candidates, "".join(right)).score(candidates, types)
    ours = accuracy(candidates, fitted.score(candidates, types), targets).mean()
    assert ours > accuracy(candidates, single, targets).mean() + 0.05


def test_a_clearly_better_member_carries_the_ensemble() -> None:
    rng = np.random.default_rng(0)
    right = rng.choice(list("abcd"), 600)
    noise = {f"m{m}": "".join(rng.choice(list("abcd"), 600)) for m in range(1, 4)}
    candidates = hard({"m0": "".join(right), **noise})
    fitted = fit(GreedySelection(), candidates, "".join(right))
    assert chosen(fitted, candidates) == right.tolist()


def test_without_a_question_that_matters_the_votes_stay_equal() -> None:
    candidates = hard({"m0": "ab", "m1": "ab", "m2": "ba"})
    fitted = fit(GreedySelection(), candidates, "zz")
    weights = fitted.to_dict()["weights"]
    np.testing.assert_allclose(list(weights.values()), 1 / 3)


# ------------------------------------------------------------------ agreement


def plain_votes(votes: dict[str, str], skills: dict[str, float]) -> list[str]:
    """Weighted vote; of level answers, that with more votes, then the first."""
    winners = []
    for q in range(len(next(iter(votes.values())))):
        tally: Counter[str] = Counter()
        count: Counter[str] = Counter()
        for name, letters in votes.items():
            if letters[q] != " ":
                tally[letters[q]] += skills[name]
                count[letters[q]] += 1
        winners.append(min(tally, key=lambda a: (-round(tally[a], 9), -count[a], a)))
    return winners


def plain_agreement(votes: dict[str, str], winners: list[str]) -> dict[str, float]:
    shares = {}
    for name, letters in votes.items():
        cast = [(a, w) for a, w in zip(letters, winners, strict=True) if a != " "]
        shares[name] = sum(a == w for a, w in cast) / max(len(cast), 1)
    return shares


def lettered(draw_blank: bool = True) -> st.SearchStrategy[dict[str, str]]:
    letters = st.text("abc " if draw_blank else "ab", min_size=6, max_size=6)
    # The last member has every question, so that no question is nobody's.
    return st.tuples(
        st.lists(letters, min_size=1, max_size=5), st.text("abc", min_size=6, max_size=6)
    ).map(lambda pair: {f"m{m}": v for m, v in enumerate([*pair[0], pair[1]]) if v.strip()})


@examples(60, deadline=None)
@given(votes=lettered())
def test_wawa_is_its_definition(votes: dict[str, str]) -> None:
    fitted = Wawa()
    fit(fitted, hard(votes), "a" * 6)
    expected = plain_agreement(votes, plain_votes(votes, dict.fromkeys(votes, 1.0)))
    assert fitted.skills == pytest.approx(expected)
    assert chosen(fitted, hard(votes)) == plain_votes(votes, expected)


@examples(40, deadline=None)
@given(votes=lettered())
def test_zero_based_skill_is_its_definition(votes: dict[str, str]) -> None:
    fitted = ZeroBasedSkill()
    fit(fitted, hard(votes), "a" * 6)
    skills, step = dict.fromkeys(votes, 1.0), 1.0
    for iteration in range(1, 101):
        step = step / 2 if iteration % 20 == 0 else step
        agreement = plain_agreement(votes, plain_votes(votes, skills))
        skills = {name: s + step * (agreement[name] - s) for name, s in skills.items()}
    assert fitted.skills == pytest.approx(skills, abs=1e-6)


def test_dawid_skene_is_its_definition() -> None:
    """EM over dictionaries, with the exact probabilities rather than logarithms."""
    rng = np.random.default_rng(0)
    right = rng.choice(list("abcd"), 80)
    votes = {
        f"m{m}": "".join(np.where(rng.random(80) < skill, right, rng.choice(list("abcd"), 80)))
        for m, skill in enumerate((0.9, 0.7, 0.5, 0.3))
    }
    votes["m3"] = " " * 40 + votes["m3"][40:]
    belief = []
    for q in range(80):
        cast = Counter(v[q] for v in votes.values() if v[q] != " ")
        belief.append({a: n / cast.total() for a, n in cast.items()})
    p: dict[str, float] = {}
    for _ in range(100):
        for name, v in votes.items():
            shares = [belief[q][v[q]] for q in range(80) if v[q] != " "]
            p[name] = min(max(sum(shares) / len(shares), 1e-3), 1 - 1e-3)
        for q in range(80):
            wrong = max(len(belief[q]) - 1, 1)
            likelihood = {
                a: float(
                    np.prod(
                        [
                            p[name] if v[q] == a else (1 - p[name]) / wrong
                            for name, v in votes.items()
                            if v[q] != " "
                        ]
                    )
                )
                for a in belief[q]
            }
            total = sum(likelihood.values())
            belief[q] = {a: value / total for a, value in likelihood.items()}
    fitted = DawidSkene()
    fit(fitted, hard(votes), "a" * 80)
    assert fitted.accuracies == pytest.approx(p, abs=1e-4)
    assert chosen(fitted, hard(votes)) == [max(sorted(b), key=b.__getitem__) for b in belief]


@pytest.fixture(scope="module")
def crowd() -> dict[str, str]:
    """Five members, two answers: no vote is ever level."""
    rng = np.random.default_rng(7)
    right = rng.random(400) < 0.5
    return {
        f"m{m}": "".join("ab"[int(r)] for r in np.where(rng.random(400) < skill, right, ~right))
        for m, skill in enumerate((0.9, 0.8, 0.7, 0.65, 0.55))
    }


@pytest.mark.filterwarnings("ignore:The inplace keyword", "ignore::DeprecationWarning")
def test_the_agreement_methods_match_crowd_kit(crowd: dict[str, str]) -> None:
    aggregation = pytest.importorskip("crowdkit.aggregation")
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(
        [(q, name, a) for name, v in crowd.items() for q, a in enumerate(v)],
        columns=["task", "worker", "label"],
    )
    # Every member lists both answers, so that K is 2 as it is for crowd-kit.
    both = gather(
        {
            name: {q: [(a, 1.0), ("b" if a == "a" else "a", 0.0)] for q, a in enumerate(v)}
            for name, v in crowd.items()
        }
    )
    for ours, theirs, attribute in (
        (Wawa(), aggregation.Wawa(), "skills"),
        (ZeroBasedSkill(), aggregation.ZeroBasedSkill(), "skills"),
        (DawidSkene(), aggregation.OneCoinDawidSkene(n_iter=200, tol=1e-9), "accuracies"),
    ):
        fit(ours, both, "a" * 400)
        theirs.fit(table)
        # crowd-kit's Dawid–Skene also estimates the answers' frequencies, here about equal.
        tolerance = 0.01 if isinstance(ours, DawidSkene) else 1e-6
        expected = {name: float(skill) for name, skill in theirs.skills_.items()}
        assert getattr(ours, attribute) == pytest.approx(expected, abs=tolerance)
        # Its own predict() fails beside new releases of scikit-learn.
        labels = (
            theirs.labels_
            if isinstance(ours, DawidSkene)
            else aggregation.MajorityVote().fit(table, skills=theirs.skills_).labels_
        )
        same = np.mean(np.array(chosen(ours, both)) == labels.sort_index().to_numpy())
        assert same > 0.98 if isinstance(ours, DawidSkene) else same == 1.0


# ------------------------------------------------------------------ calibration


def softmax_members(
    temperatures: dict[str, float], n: int = 3000
) -> tuple[Candidates, npt.NDArray[np.float64]]:
    """Members whose probabilities are right, then sharpened by a temperature below 1."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1.5, (n, 4))
    true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    right = (true.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1).clip(0, 3)
    voters = {}
    for name, t in temperatures.items():
        p = np.exp(logits / t)
        p /= p.sum(axis=1, keepdims=True)
        voters[name] = {q: [("abcd"[a], float(p[q, a])) for a in range(4)] for q in range(n)}
    candidates = gather(voters)
    return candidates, targets_for(candidates, "".join("abcd"[a] for a in right))


def test_calibration_undoes_a_temperature() -> None:
    candidates, targets = softmax_members({"bold": 0.5, "fair": 1.0, "shy": 2.0})
    types = QuestionTypes.none(len(candidates))
    fitted = fit_temperatures(Questions(candidates, targets, types, np.arange(len(candidates))))
    assert fitted.general == pytest.approx({"bold": 2.0, "fair": 1.0, "shy": 0.5}, rel=0.08)
    calibrated = apply_temperatures(candidates, types, fitted).confidences
    np.testing.assert_allclose(calibrated[:, 0], calibrated[:, 2], atol=0.01)


def test_a_small_type_keeps_its_members_temperature() -> None:
    candidates, targets = softmax_members({"bold": 0.5})
    of = np.zeros(len(candidates), dtype=np.int64)
    of[:3] = 1
    fitted = fit_temperatures(
        Questions(
            candidates, targets, QuestionTypes(("large", "small"), of), np.arange(len(candidates))
        )
    )
    assert fitted.by_type["small"]["bold"] == pytest.approx(fitted.general["bold"], rel=0.15)


def test_hard_votes_keep_temperature_1_and_their_confidence() -> None:
    candidates = gather(
        {
            "m0": {q: [("a", 0.6)] for q in range(9)},
            "m1": {q: [("b", 1.0), ("a", 1.0)] for q in range(9)},
        }
    )
    types = QuestionTypes.none(9)
    fitted = fit_temperatures(
        Questions(candidates, targets_for(candidates, "a" * 9), types, np.arange(9))
    )
    assert fitted.general == {"m0": 1.0, "m1": 1.0}
    calibrated = apply_temperatures(candidates, types, fitted)
    np.testing.assert_allclose(calibrated.confidences[0], [0.6, 0.5])


@examples(50, deadline=None)
@given(voters=members(n_questions=4), t=st.floats(0.05, 20))
def test_calibration_keeps_order_and_sum(voters: list[Ranked], t: float) -> None:
    candidates = gather({f"m{m}": questions for m, questions in enumerate(voters)})
    temperatures = Temperatures(dict.fromkeys(candidates.names, t))
    after = apply_temperatures(candidates, QuestionTypes.none(len(candidates)), temperatures)
    before, first = candidates.confidences, candidates.starts[:-1]
    sums = np.add.reduceat(before, first, axis=0)
    np.testing.assert_allclose(
        np.add.reduceat(after.confidences, first, axis=0), np.minimum(sums, 1), atol=1e-5
    )
    # What was the most confident answer still is.
    best = np.maximum.reduceat(after.confidences, first, axis=0)[candidates.questions]
    assert np.isclose(after.confidences, best, atol=1e-6)[candidates.votes].all()
