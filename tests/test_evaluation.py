"""Honest comparison: folds, paired intervals, bounds, ties, copies, and the choice of a method."""

from __future__ import annotations

import inspect
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import pytest
from command_line import Runner
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples

from vqa_ensemble.answers.answer_map import AnswerMap, write_answer_map
from vqa_ensemble.answers.types import resolve
from vqa_ensemble.errors import InputError
from vqa_ensemble.learning.combiners import stacking
from vqa_ensemble.learning.combiners.base import Combiner, combiner_class
from vqa_ensemble.learning.combiners.candidates import Candidates, gather_candidates
from vqa_ensemble.learning.combiners.fitted import FittedEnsemble
from vqa_ensemble.learning.combiners.member_votes import member_accuracy
from vqa_ensemble.learning.combiners.stacking import Stacking
from vqa_ensemble.learning.comparison import Unfitted, evaluate_methods
from vqa_ensemble.learning.evaluation import diagnostics
from vqa_ensemble.learning.evaluation.bootstrap import compare_paired, standard_error
from vqa_ensemble.learning.evaluation.changes import count_changes
from vqa_ensemble.learning.evaluation.choosing import Choice, choose_method
from vqa_ensemble.learning.evaluation.copies import describe_copies
from vqa_ensemble.learning.evaluation.cross_validation import Factory, cross_validate
from vqa_ensemble.learning.evaluation.folds import grouped_folds
from vqa_ensemble.learning.evaluation.refits import Refits
from vqa_ensemble.learning.evaluation.reliability import reliability
from vqa_ensemble.learning.evaluation.ties import answer_ties
from vqa_ensemble.learning.questions import Questions
from vqa_ensemble.predictions.files import predictions_from_rows, write_predictions
from vqa_ensemble.voting.ballots import Ballots, align
from vqa_ensemble.voting.majority import majority_vote
from vqa_ensemble.voting.methods import METHODS, load, make_elector
from vqa_ensemble.voting.question_types import QuestionTypes

Integers = npt.NDArray[np.int64]
QUICK = ["majority", "mean", "best-single"]


def toy_ballots(votes: list[list[tuple[str, float]]]) -> Ballots:
    """One vote a question and member: ``votes[m][q]``."""
    return align(
        [
            predictions_from_rows(f"m{m}", [(q, a, c) for q, (a, c) in enumerate(ranked)])
            for m, ranked in enumerate(votes)
        ]
    )


def label(ballots: Ballots, right: list[str], groups: Integers | None = None) -> Questions:
    candidates = gather_candidates(ballots)
    given_answers = np.asarray(candidates.vocabulary, dtype=object)[candidates.answers]
    return Questions(
        candidates,
        (given_answers == np.asarray(right, dtype=object)[candidates.questions]).astype(float),
        QuestionTypes.none(len(ballots)),
        np.arange(len(ballots)) if groups is None else groups,
        ballots,
    )


def random_members(
    seed: int, n_questions: int, skills: tuple[float, ...], n_options: int = 4
) -> Questions:
    """Members that are right with some probability, else any option, at random confidence."""
    rng = np.random.default_rng(seed)
    options = [chr(ord("a") + o) for o in range(n_options)]
    right = rng.choice(options, n_questions).tolist()
    votes = []
    for skill in skills:
        knows = rng.random(n_questions) < skill
        guesses = rng.choice(options, n_questions)
        answers = np.where(knows, right, guesses).tolist()
        votes.append(list(zip(answers, rng.uniform(0.3, 1, n_questions).tolist(), strict=True)))
    return label(toy_ballots(votes), right)


# ------------------------------------------------------------------------------- folds


@st.composite
def groups_and_types(draw: st.DrawFn) -> tuple[Integers, Integers]:
    """Up to 60 groups of 1 to 4 questions, every group of one type."""
    sizes = draw(st.lists(st.integers(1, 4), min_size=2, max_size=60))
    types = draw(st.lists(st.integers(-1, 3), min_size=len(sizes), max_size=len(sizes)))
    return np.repeat(np.arange(len(sizes)), sizes), np.repeat(types, sizes)


@given(groups_and_types(), st.integers(2, 6), st.integers(0, 3))
def test_folds_keep_groups_whole_and_types_even(
    questions: tuple[Integers, Integers], n_folds: int, seed: int
) -> None:
    groups, types = questions
    folds = grouped_folds(groups, types, n_folds, seed)
    n_made = min(n_folds, len(np.unique(groups)))
    assert set(folds.tolist()) == set(range(n_made))
    assert all(len(set(folds[groups == g].tolist())) == 1 for g in np.unique(groups))
    for t in np.unique(types):
        counts = np.bincount(folds[types == t], minlength=n_made)
        assert np.ptp(counts) <= np.bincount(groups[types == t]).max()


@given(groups_and_types(), st.randoms(use_true_random=False))
def test_folds_do_not_depend_on_the_order_of_questions(
    questions: tuple[Integers, Integers], random: Any
) -> None:
    groups, types = questions
    order = list(range(len(groups)))
    random.shuffle(order)
    folds = grouped_folds(groups, types)
    np.testing.assert_array_equal(grouped_folds(groups[order], types[order]), folds[order])


def test_a_group_of_several_types_is_not_split() -> None:
    groups, types = np.repeat(np.arange(10), 3), np.tile([0, 1, 1], 10)
    folds = grouped_folds(groups, types)
    assert np.bincount(folds).tolist() == [6] * 5
    assert (folds.reshape(-1, 3) == folds[::3, None]).all()


def test_one_group_cannot_be_cross_validated() -> None:
    with pytest.raises(InputError, match="one group"):
        grouped_folds(np.zeros(5, dtype=np.int64), np.zeros(5, dtype=np.int64))


# --------------------------------------------------------------------- paired intervals


def test_the_paired_bootstrap_is_that_of_drawing_groups_one_by_one() -> None:
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 80, 300)
    first, second = rng.choice([0, 0.3, 0.6, 0.9, 1], (2, 300))
    ours = compare_paired(first, second, groups, replicates=20_000)
    difference = first - second
    members = [np.flatnonzero(groups == g) for g in np.unique(groups)]
    draws = []
    for _ in range(2000):
        drawn = np.concatenate([members[g] for g in rng.integers(0, len(members), len(members))])
        draws.append(difference[drawn].mean())
    assert ours.difference == pytest.approx(difference.mean())
    assert ours.standard_error == pytest.approx(np.std(draws), rel=0.06)
    assert ours.low == pytest.approx(np.quantile(draws, 0.025), abs=0.01)
    assert ours.high == pytest.approx(np.quantile(draws, 0.975), abs=0.01)
    assert standard_error(difference, groups) == pytest.approx(ours.standard_error, rel=0.06)


def test_copies_add_no_evidence() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.integers(0, 2, (2, 200)).astype(float)
    once = compare_paired(first, second, np.arange(200))
    copied = compare_paired(np.tile(first, 4), np.tile(second, 4), np.tile(np.arange(200), 4))
    ignored = compare_paired(np.tile(first, 4), np.tile(second, 4), np.arange(800))
    assert copied.standard_error == pytest.approx(once.standard_error, rel=1e-9)
    assert ignored.standard_error == pytest.approx(once.standard_error / 2, rel=0.1)


@given(st.integers(0, 100))
def test_intervals_do_not_depend_on_the_order_of_questions(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = rng.random((2, 50)).round(1)
    groups, order = rng.integers(0, 20, 50), rng.permutation(50)
    ours = compare_paired(first, second, groups, replicates=50)
    theirs = compare_paired(first[order], second[order], groups[order], replicates=50)
    assert (ours.low, ours.high) == (theirs.low, theirs.high)
    assert compare_paired(first, first, groups, replicates=50).standard_error == 0


# ------------------------------------------------------------------------ out of fold


def fit_and_score(make: Factory, training: Questions, testing: Questions) -> Any:
    return make().fit(training).right(testing)


class Spy(Combiner):
    """Remembers what it was fitted on; fails if asked for that."""

    method = "spy"

    def fit(self, questions: Questions) -> Self:
        ids = questions.candidates.question_ids
        self.seen = set(questions.groups.tolist()), set(ids.tolist())
        return self

    def score(self, candidates: Candidates, types: Any) -> npt.NDArray[np.float64]:
        assert not self.seen[1] & set(candidates.question_ids.tolist())
        assert not self.seen[0] & {q // 3 for q in candidates.question_ids.tolist()}
        return candidates.votes.sum(axis=1).astype(float)

    def to_dict(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_dict(cls, fitted: dict[str, Any]) -> Self:
        return cls()


class Failing(Spy):
    def score(self, candidates: Candidates, types: Any) -> npt.NDArray[np.float64]:
        return np.full(len(candidates.answers), np.nan)


def test_no_method_is_scored_on_what_it_was_fitted_on() -> None:
    questions = random_members(0, 60, (0.5, 0.6, 0.7))
    questions = Questions(
        questions.candidates, questions.targets, questions.types, np.arange(60) // 3
    )
    folds = grouped_folds(questions.groups, questions.types.of)
    result = cross_validate({"spy": Spy, "bad": Failing}, questions, folds)
    majority = fit_and_score(combiner_class("majority"), questions, questions)
    np.testing.assert_array_equal(result.scores["spy"], majority)
    assert list(result.scores) == ["spy"]
    assert "not finite" in result.failures["bad"]


@given(st.integers(0, 50))
@examples(20)
def test_fewer_members_keep_the_targets_of_their_answers(seed: int) -> None:
    questions = random_members(seed, 10, (0.2, 0.5, 0.8))
    fewer = questions.members(np.array([2, 0]))
    assert fewer.candidates.names == ("m0", "m2")
    whole = member_accuracy(questions.candidates, questions.targets)
    part = member_accuracy(fewer.candidates, fewer.targets)
    np.testing.assert_array_equal(part, whole[:, [0, 2]])


# ------------------------------------------------------------------------- diagnostics


def test_the_oracle_is_the_best_answer_voted_for_or_listed() -> None:
    ballots = align(
        [
            predictions_from_rows("a", [(0, "x", 0.6), (0, "y", 0.4), (1, "x", 1.0)]),
            predictions_from_rows("b", [(0, "z", 0.9), (1, "y", 0.5)]),
        ]
    )
    questions = label(ballots, ["y", "y"])
    bound = diagnostics.oracle(questions.candidates, questions.targets)
    assert (bound["voted"].tolist(), bound["listed"].tolist()) == ([0, 1], [1, 1])


def test_error_correlation_is_pearsons_over_common_questions() -> None:
    rng = np.random.default_rng(0)
    scores = rng.choice([0, 0.3, 1], (40, 3))
    present = np.ones((40, 3), dtype=bool)
    present[:10, 0] = False
    found = diagnostics.error_correlation(scores, present)
    assert found[1, 2] == pytest.approx(np.corrcoef(scores[:, 1], scores[:, 2])[0, 1])
    assert found[0, 2] == pytest.approx(np.corrcoef(scores[10:, 0], scores[10:, 2])[0, 1])
    scores[:, 1] = 1
    assert np.isnan(diagnostics.error_correlation(scores, present)[1, 2])


def test_a_method_that_cannot_be_fitted_is_refused_where_it_stands_alone() -> None:
    questions = random_members(3, 40, (0.9, 0.4))

    def refuse() -> Any:
        raise ValueError("no fit")

    folds = grouped_folds(questions.groups, questions.types.of)
    with pytest.raises(InputError, match="ValueError: no fit"):
        Refits(refuse, questions, folds).out_of_fold(np.arange(2))


def test_a_member_better_than_the_rest_contributes_and_noise_does_not() -> None:
    questions = random_members(3, 400, (0.9, 0.4, 0.4, 0.0))
    folds = grouped_folds(questions.groups, questions.types.of)

    score = Refits(combiner_class("majority"), questions, folds).out_of_fold
    found = diagnostics.contributions(score, questions.candidates.names, questions.groups)
    assert found["m0"].low > 0
    assert found["m3"].high < found["m0"].low


def test_refits_of_what_learns_nothing_are_votes_on_the_fold() -> None:
    questions = random_members(5, 60, (0.2, 0.9, 0.3))
    folds = grouped_folds(questions.groups, questions.types.of)
    refits = Refits(combiner_class("mean"), questions, folds, learns=False)
    for columns in (np.array([0, 2]), np.array([1]), np.array([0, 1, 2])):
        for fold in range(5):
            testing = questions.where(folds == fold).members(columns)
            expected = fit_and_score(combiner_class("mean"), testing, testing)
            np.testing.assert_array_equal(refits.score(columns, fold), expected)


def test_stacking_chooses_its_strengths_once_a_fold_and_number_of_members(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    questions = random_members(6, 200, (0.9, 0.5, 0.4, 0.1))
    folds = grouped_folds(questions.groups, questions.types.of, 3)
    whole = cross_validate({"stacking": Stacking}, questions, folds)
    everyone = np.arange(4)
    refits = Refits(
        Stacking,
        questions,
        folds,
        fitted=whole.fitted["stacking"],
        scores=whole.scores["stacking"],
    )
    asked = []

    def choose(*given: Any) -> tuple[float, float]:
        asked.append(given)
        return (30.0, 30.0)

    monkeypatch.setattr(stacking, "choose_ridge", choose)
    np.testing.assert_array_equal(refits.out_of_fold(everyone), whole.scores["stacking"])
    # Without a member, with the strengths that were chosen with all of them.
    without = refits.out_of_fold(everyone[1:], like=4)
    assert not asked
    first = whole.fitted["stacking"][0]
    assert isinstance(first, Stacking)
    anew = Stacking(ridge=first.ridge)
    training, testing = (
        questions.where(side).members(everyone[1:]) for side in (folds != 0, folds == 0)
    )
    np.testing.assert_array_equal(
        without[folds == 0], fit_and_score(lambda: anew, training, testing)
    )
    # Two members: chosen for the first pair, kept for the second.
    refits.out_of_fold(np.array([0, 1]))
    refits.out_of_fold(np.array([2, 3]))
    assert len(asked) == 3


def test_the_size_curve_ends_in_all_members_and_starts_with_the_best() -> None:
    questions = random_members(4, 300, (0.2, 0.9, 0.3))
    folds = grouped_folds(questions.groups, questions.types.of)

    def score(columns: npt.NDArray[np.integer], fold: int) -> npt.NDArray[np.float64]:
        testing = questions.where(folds == fold).members(columns)
        return fit_and_score(combiner_class("majority"), testing, testing)

    curve = diagnostics.size_curve(score, questions, folds, orders=6)
    members = member_accuracy(questions.candidates, questions.targets).mean(axis=0)
    everyone = fit_and_score(combiner_class("majority"), questions, questions).mean()
    assert [point.size for point in curve] == [1, 2, 3]
    assert curve[0].best_first == pytest.approx(members[1])
    assert members.min() < curve[0].random < members.max()
    assert curve[0].random_spread > 0
    assert (curve[2].best_first, curve[2].random) == pytest.approx((everyone, everyone))
    assert curve[2].random_spread == pytest.approx(0)


def test_ties_are_counted_with_what_each_rule_got_right() -> None:
    ballots = toy_ballots(
        [
            [("x", 0.5), ("x", 0.5), ("x", 0.5), ("x", 0.5)],
            [("y", 0.9), ("y", 0.9), ("y", 0.5), ("x", 0.5)],
        ]
    )
    questions = label(ballots, ["y", "x", "z", "x"])
    confidence, count, alphabet = answer_ties(majority_vote(ballots), questions)
    assert (confidence.tied, confidence.decided) == (3, 2)
    assert (confidence.score, confidence.chance) == (0.5, 0.5)
    assert (count.tied, count.decided, count.score, count.chance) == (1, 0, None, None)
    assert (alphabet.tied, alphabet.decided, alphabet.score, alphabet.chance) == (1, 1, 0, 0)


def test_find_candidates_finds_every_row() -> None:
    candidates = random_members(5, 30, (0.1, 0.5, 0.5)).candidates
    rows = candidates.find(candidates.questions, candidates.answers)
    np.testing.assert_array_equal(rows, np.arange(len(candidates.answers)))


# ------------------------------------------------------------------------------ copies


def vqa_ids(n_images: int, seed: int = 0) -> Integers:
    """VQA ids: image id · 1000 + number, a few questions an image."""
    rng = np.random.default_rng(seed)
    images = np.sort(rng.choice(581_929, n_images, replace=False))
    numbers = rng.integers(3, 12, n_images)
    return np.concatenate([i * 1000 + np.arange(n) for i, n in zip(images, numbers, strict=True)])


@pytest.mark.parametrize("n_images", [1, 2, 5, 30, 1000, 40_000])
def test_vqa_ids_are_no_copies(n_images: int) -> None:
    assert describe_copies(vqa_ids(n_images)) is None


@given(st.integers(0, 10**7), st.integers(1, 5000))
@examples(50)
def test_consecutive_ids_are_no_copies(first: int, n: int) -> None:
    assert describe_copies(np.arange(first, first + n)) is None
    assert describe_copies(np.array([str(i) for i in range(n)], dtype=object)) is None


def test_string_ids_with_a_suffix_are_copies() -> None:
    ids = [f"dog{i}_{copy}" for i in range(30) for copy in range(2)]
    assert "dog0_0, dog0_1" in str(describe_copies(np.array(ids, dtype=object)))
    assert describe_copies(np.array([f"q_{i}" for i in range(99)], dtype=object)) is None
    ids = [str(i + copy * 10_000) for i in range(100) for copy in range(3)]
    assert describe_copies(np.array(ids, dtype=object)) is not None


def test_real_copies_are_found(shared_data: Path) -> None:
    ids = pq.read_table(shared_data / "mmbench" / "questions.parquet")["question_id"].to_numpy()
    assert "1, 1000001" in str(describe_copies(ids))


# ------------------------------------------------------------------------------ choice


def choose(questions: Questions) -> Choice:
    scores = evaluate_methods(questions, QUICK)[0].scores
    return choose_method(scores, questions.groups)


@pytest.mark.parametrize("alike", [0.0, 0.7])
def test_on_noise_the_choice_is_mostly_equal_votes(alike: float) -> None:
    chosen = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        common = rng.integers(0, 2, 400)
        scores = {
            name: np.where(rng.random(400) < alike, common, rng.integers(0, 2, 400)).astype(float)
            for name in ("majority", *"abcdefgh")
        }
        chosen.append(choose_method(scores, np.arange(400)).method)
    # The best of eight is better by a standard error on half the seeds.
    assert chosen.count("majority") >= 32


def test_on_noise_members_or_few_questions_nothing_is_lost() -> None:
    lost = []
    for seed in range(8):
        n_known, skills = (20, (0.3, 0.5, 0.6, 0.4)) if seed % 2 else (300, (0.0,) * 5)
        questions = random_members(seed, n_known + 2000, skills)
        known = np.arange(len(questions)) < n_known
        choice = choose(questions.where(known))
        scores = {
            name: fit_and_score(
                combiner_class(name), questions.where(known), questions.where(~known)
            ).mean()
            for name in (choice.method, "majority")
        }
        lost.append(scores["majority"] - scores[choice.method])
        assert seed % 2 == 0 or choice.method == "majority"
    assert np.mean(lost) <= 0.002


def test_a_much_better_member_is_chosen_over_equal_votes() -> None:
    questions = random_members(0, 400, (0.95, 0.1, 0.1, 0.1, 0.1))
    choice = choose(questions)
    assert choice.method == "best-single"
    assert choice.gain > choice.comparison.standard_error


def test_of_equal_methods_the_first_is_chosen() -> None:
    majority, better = np.tile([1.0, 0, 0, 0], 50), np.tile([1.0, 1, 1, 0], 50)
    scores = {"majority": majority, "simple": better, "complex": better.copy()}
    assert choose_method(scores, np.arange(200)).method == "simple"
    assert choose_method({"x": majority, "majority": majority}, np.arange(200)).best == "majority"


# -------------------------------------------------------------- changes and reliability

shares = st.sampled_from([0.0, 0.3, 0.6, 0.9, 1.0])


@given(st.lists(st.tuples(shares, shares, st.booleans(), st.integers(-1, 2)), min_size=1))
def test_every_changed_answer_is_counted_once(
    rows: list[tuple[float, float, bool, int]],
) -> None:
    before, after = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    changed, types = np.array([r[2] for r in rows]), np.array([r[3] for r in rows])
    found = count_changes(before, after, changed, QuestionTypes(("a", "b", "c"), types))
    assert sum(c.gained + c.lost + c.neutral for c in found) == changed.sum()
    assert sum(c.gained for c in found) == (changed & (after > before)).sum()
    assert sum(c.net for c in found) == pytest.approx((after - before)[changed].sum())


@given(st.lists(st.tuples(st.floats(0, 1), shares), min_size=1), st.integers(1, 20))
def test_bins_hold_every_question_once(rows: list[tuple[float, float]], n_bins: int) -> None:
    confidence, scores = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    found = reliability(confidence, scores, n_bins)
    assert sum(b.questions for b in found.bins) == len(rows)
    total = sum(b.questions * (b.confidence - b.score) for b in found.bins)
    assert total == pytest.approx((confidence - scores).sum())
    assert 0 <= found.calibration_error <= 1
    # One bin measures the bias alone; more bins can only find more.
    assert found.calibration_error >= abs((confidence - scores).mean()) - 1e-9


# ------------------------------------------------------------------------ command line


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three members on 80 questions of two types, their answers, and a map."""
    rng = np.random.default_rng(0)
    ids = np.arange(100, 180)
    number = ids % 2 == 0
    right = np.where(number, rng.choice(["1", "2"], 80), rng.choice(["yes", "no"], 80))
    wrong = np.where(number, "3", "maybe")
    for m, skill in enumerate((0.9, 0.5, 0.5)):
        answers = np.where(rng.random(80) < skill, right, wrong)
        path = tmp_path / "preds" / f"m{m}.parquet"
        write_predictions(path, ids, answers.tolist(), rng.uniform(0.2, 1, 80), member=f"m{m}")
    rows = zip(ids, right, np.where(number, "number", "yes/no"), ids // 2, strict=True)
    lines = ["question_id,answer,question_type,base", *(",".join(map(str, row)) for row in rows)]
    (tmp_path / "questions.csv").write_text("\n".join(lines) + "\n")
    pairs = [(a, "number") for a in "123"] + [(a, "yes/no") for a in ("yes", "no", "maybe")]
    write_answer_map(tmp_path / "map.csv", AnswerMap.from_pairs(pairs))
    return tmp_path


def compare(cli: Runner, folder: Path, *more: object) -> Any:
    files = sorted((folder / "preds").glob("*.parquet"))
    table = folder / "questions.csv"
    return cli.good("compare", *files, "--annotations", table, "--methods", "mean", *more)


def test_compare_prints_every_part(cli: Runner, folder: Path) -> None:
    ran = compare(cli, folder, "--map", folder / "map.csv", "--sizes")
    for part in ("majority", "question-type", "oracle", "adds to majority", "Most correlated",
                 "alphabetical", "Ensemble size", "fit --method auto takes", "yes/no"):  # fmt: skip
        assert part in ran.out
    assert ran.err == ""


def test_compare_as_json_has_every_figure(cli: Runner, folder: Path) -> None:
    report = compare(
        cli, folder, "--map", folder / "map.csv", "--groups", f"{folder / 'questions.csv'}:base",
        "--question-types", folder / "questions.csv", "--sizes", "--json",
    ).json  # fmt: skip
    assert (report["questions"], report["groups"]) == (80, 40)
    assert report["types"] == {"number": 40, "yes/no": 40}
    rows = {row["method"]: row for row in report["methods"]}
    assert list(rows) == ["majority", "mean", "best-single", "question-type"]
    assert rows["majority"]["against_majority"]["difference"] == 0
    single = rows["best-single"]
    assert single["accuracy"] == pytest.approx(
        (single["by_type"]["number"] + single["by_type"]["yes/no"]) / 2
    )
    assert report["oracle"]["voted"]["accuracy"] >= max(row["accuracy"] for row in rows.values())
    assert len(report["error_correlation"]) == 3
    assert [rule["rule"] for rule in report["ties"]["question-type"]["type"]] == [
        "confidence", "prior", "alphabetical",
    ]  # fmt: skip
    assert [point["size"] for point in report["sizes"]["question-type"]] == [1, 2, 3]


def test_the_order_of_files_does_not_change_the_comparison(cli: Runner, folder: Path) -> None:
    files = sorted((folder / "preds").glob("*.parquet"))
    options = ("--annotations", folder / "questions.csv", "--methods", "mean", "--json")
    assert cli.good("compare", *files, *options).out == cli.good(
        "compare", *files[::-1], *options
    ).out  # fmt: skip


def test_members_that_lack_questions_may_abstain(cli: Runner, folder: Path) -> None:
    write_predictions(folder / "preds" / "m3.parquet", [100, 101], ["1", "no"], [1, 1], member="m3")
    report = compare(
        cli, folder, "--missing", "abstain", "--map", folder / "map.csv", "--sizes", "--json"
    ).json
    assert [point["size"] for point in report["sizes"]["question-type"]] == [1, 2, 3, 4]


def test_question_type_voting_can_be_asked_what_members_add(cli: Runner, folder: Path) -> None:
    added = ("--contributions", "question-type")
    report = compare(cli, folder, "--map", folder / "map.csv", *added, "--json").json
    assert report["contributions_of"] == "question-type"
    everyone = {row["method"]: row["accuracy"] for row in report["methods"]}["question-type"]
    fewer = sorted((folder / "preds").glob("*.parquet"))[1:]
    table, map_file = folder / "questions.csv", folder / "map.csv"
    without = cli.good(
        "compare", *fewer, "--annotations", table, "--methods", "mean", "--map", map_file, "--json"
    ).json
    left = {row["method"]: row["accuracy"] for row in without["methods"]}["question-type"]
    assert report["members"][0]["contribution"]["difference"] == pytest.approx(everyone - left)
    files = sorted((folder / "preds").glob("*.parquet"))
    ran = cli("compare", *files, "--annotations", folder / "questions.csv", *added)
    assert (ran.code, "--map" in ran.err) == (1, True)


@pytest.mark.parametrize("option", ["--methods", "--contributions"])
def test_an_unknown_method_is_refused(cli: Runner, folder: Path, option: str) -> None:
    files = sorted((folder / "preds").glob("*.parquet"))
    ran = cli("compare", *files, "--annotations", folder / "questions.csv", option, "magic")
    assert ran.code == 1
    assert ran.err.startswith(f"Error: {option}: no method 'magic'. Known: ")


# -------------------------------------------------------------------------- real members


def test_real_members_are_compared_honestly(cli: Runner, shared_data: Path) -> None:
    data = shared_data / "mmbench"
    table = data / "questions.parquet"
    arguments = ("compare", *sorted((data / "preds").glob("*.parquet")), "--annotations", table,
                 "--question-types", table, "--methods", "mean", "--json")  # fmt: skip
    warned = cli.good(*arguments, "--contributions", "none")
    assert warned.err.startswith("WARNING: questions look like copies")
    ran = cli.good(*arguments, "--groups", f"{table}:base_question_id")
    assert ran.err == ""
    accuracy = {row["method"]: row["accuracy"] for row in ran.json["methods"]}
    # The figures that others measure with the same folds: the best single model and the mean.
    assert accuracy["best-single"] == pytest.approx(0.8392, abs=2e-4)
    assert accuracy["mean"] == pytest.approx(0.8154, abs=2e-4)
    assert ran.json["chosen"]["method"] == "best-single"
    ignoring, grouped = (
        {row["method"]: row["against_majority"]["standard_error"] for row in report["methods"]}
        for report in (warned.json, ran.json)
    )
    assert grouped["best-single"] > 1.2 * ignoring["best-single"]


# ------------------------------------------------------------------------- every method


@pytest.mark.parametrize("name", METHODS)
def test_the_list_of_methods_says_what_their_classes_do(name: str) -> None:
    method = METHODS[name]
    kinds = [load(place) for place in (method.elector, method.combiner) if place]
    assert kinds
    for kind in kinds:
        assert kind.method == name
        parameters = inspect.signature(kind).parameters
        assert set(method.takes) == parameters.keys() & {"seed", "revote"}
    if method.combiner and not method.learns:
        questions = random_members(0, 20, (0.9, 0.2))
        fitted = combiner_class(name)().fit(questions)
        assert fitted.to_dict() == combiner_class(name)().to_dict()


def test_every_elector_votes_alike_on_plain_ballots() -> None:
    questions = random_members(1, 80, (0.9, 0.3, 0.5))
    one_type = AnswerMap.from_pairs((answer, "letter") for answer in "abcd")
    questions = replace(questions, answer_types=resolve(one_type, questions.ballots.vocabulary))
    majority, typed = (questions.elect(make_elector(m)) for m in ("majority", "question-type"))
    np.testing.assert_array_equal(majority.answer, typed.answer)
    fitted = FittedEnsemble(combiner_class("majority")(), questions.names, ())
    np.testing.assert_array_equal(questions.elect(fitted).answer, majority.answer)


@given(st.integers(0, 50))
def test_a_vote_on_a_part_of_the_questions_is_part_of_the_vote(seed: int) -> None:
    questions = random_members(seed, 30, (0.2, 0.5, 0.8))
    chosen = np.random.default_rng(seed).random(30) < 0.5
    votes = Unfitted(make_elector("majority"), questions)
    np.testing.assert_array_equal(
        votes.right(questions.where(chosen)), votes.right(questions)[chosen]
    )
    fewer = questions.members(np.array([2, 0]))
    assert fewer.ballots.names == fewer.names == ("m0", "m2")


def test_a_sample_is_small_and_keeps_groups_whole() -> None:
    questions = random_members(2, 200, (0.5, 0.5))
    questions = replace(questions, groups=np.arange(200) // 4)
    assert questions.sample(200, 0) is questions
    assert len(questions.sample(50, 0)) == 50
    some = questions.sample(50, 0, whole_groups=True)
    assert 0 < len(some) < 120
    assert set(np.unique(some.groups, return_counts=True)[1].tolist()) == {4}


def test_a_vote_can_elect_what_no_remaining_member_trusts() -> None:
    ballots = toy_ballots([[("x", 0.0)], [("x", 0.9)], [("y", 0.8)]])
    questions = label(ballots, ["x"])
    alone = questions.members(np.array([0]))
    votes = Unfitted(make_elector("majority"), questions)
    assert votes.right(alone).tolist() == [1.0]
    assert votes.right(questions.members(np.array([2]))).tolist() == [0.0]


def test_intervals_are_printed_as_they_are(cli: Runner, folder: Path) -> None:
    printed = compare(cli, folder).out
    assert " [" in printed
    assert "\\" not in printed
