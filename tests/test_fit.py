"""Learning an ensemble and voting with it, through the command line and the arrays below it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_line import Runner

from vqa_ensemble.elections.options import VoteOptions
from vqa_ensemble.errors import InputError
from vqa_ensemble.learning.combiners.base import choose
from vqa_ensemble.learning.combiners.candidates import Candidates, gather_candidates
from vqa_ensemble.learning.combiners.fitted import FittedEnsemble, read_fitted
from vqa_ensemble.learning.combiners.stacking import Stacking
from vqa_ensemble.learning.ensemble_file import read_ensemble, write_ensemble
from vqa_ensemble.learning.fit import fit
from vqa_ensemble.learning.labelled import load_labelled
from vqa_ensemble.learning.questions import Questions
from vqa_ensemble.predictions.files import predictions_from_rows
from vqa_ensemble.questions.table import QuestionColumn
from vqa_ensemble.voting.ballots import align
from vqa_ensemble.voting.elector import Context
from vqa_ensemble.voting.question_types import QuestionTypes

WORDS = [f"w{n}" for n in range(8)]
TYPES = ("color", "number")


def simulate(
    n_questions: int, skills: list[tuple[float, float]], seed: int, path: Path
) -> tuple[list[Path], Path]:
    """Members that name the right answer with a probability of their own per type.

    Writes one prediction file a member and a table with the answers and types.
    """
    rng = np.random.default_rng(seed)
    path.mkdir(parents=True, exist_ok=True)
    types = rng.integers(2, size=n_questions)
    answers = rng.integers(8, size=n_questions)
    files = []
    for m, skill in enumerate(skills):
        right = rng.random(n_questions) < np.array(skill)[types]
        first = np.where(right, answers, rng.integers(8, size=n_questions))
        second = (first + rng.integers(1, 8, size=n_questions)) % 8
        confidence = rng.uniform(0.4, 0.9, size=n_questions) + 0.1 * right
        frame = pd.DataFrame(
            {
                "question_id": np.tile(np.arange(n_questions), 2),
                "answer": [WORDS[a] for a in np.concatenate([first, second])],
                "confidence": np.concatenate([confidence, 1 - confidence]),
            }
        )
        files.append(path / f"member{m}.parquet")
        frame.to_parquet(files[-1])
    table = path / "questions.parquet"
    pd.DataFrame(
        {
            "question_id": np.arange(n_questions),
            "answer": [WORDS[a] for a in answers],
            "question_type": [TYPES[t] for t in types],
        }
    ).to_parquet(table)
    return files, table


SPECIALISTS = [(0.9, 0.1), (0.1, 0.9), (0.35, 0.35), (0.3, 0.3), (0.3, 0.3)]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fit")
    simulate(600, SPECIALISTS, 0, folder / "val")
    simulate(600, SPECIALISTS, 1, folder / "test")
    return folder


def members(folder: Path) -> list[Path]:
    return sorted(folder.glob("member*.parquet"))


def score(submission: Path, table: Path) -> float:
    given = {row["question_id"]: row["answer"] for row in json.loads(submission.read_text())}
    frame = pd.read_parquet(table)
    return float(
        np.mean([given[q] == a for q, a in zip(frame.question_id, frame.answer, strict=True)])
    )


# ------------------------------------------------------------------ through the commands


def test_fit_then_vote_beats_the_majority_on_new_questions(cli: Runner, data: Path) -> None:
    val, test, ensemble = data / "val", data / "test", data / "ensemble.toml"
    types = ["--question-types", val / "questions.parquet"]
    result = cli.good("fit", *members(val), "--annotations", val / "questions.parquet", *types,
                      "-o", ensemble, "--json").json  # fmt: skip
    assert result["accuracy"][result["method"]] > result["accuracy"]["majority"]
    for name, options in {
        "majority": ["--method", "majority"],
        "fitted": ["--ensemble", ensemble, "--question-types", test / "questions.parquet"],
    }.items():
        cli.good("vote", *members(test), *options, "-o", data / f"{name}.json")
    fitted, majority = (
        score(data / f"{n}.json", test / "questions.parquet") for n in ("fitted", "majority")
    )
    assert fitted > majority + 0.1


@pytest.mark.slow
def test_every_method_can_be_fitted_saved_and_voted_with(cli: Runner, data: Path) -> None:
    from vqa_ensemble.voting.methods import COMBINERS

    val = data / "val"
    types = ["--question-types", val / "questions.parquet"]
    for method in COMBINERS:
        for ending in ("toml", "json"):
            path = data / f"{method}.{ending}"
            cli.good("fit", *members(val), "--annotations", val / "questions.parquet", *types,
                     "--method", method, "-o", path, "-q")  # fmt: skip
            cli.good("vote", *members(val), "--ensemble", path, *types, "-o", data / "s.json", "-q")
            assert score(data / "s.json", val / "questions.parquet") > 0.5, method


def test_the_order_of_files_does_not_change_the_ensemble(cli: Runner, data: Path) -> None:
    val = data / "val"
    texts = []
    for files in (members(val), members(val)[::-1]):
        cli.good("fit", *files, "--annotations", val / "questions.parquet", "-o", data / "e.toml",
                 "--method", "stacking", "-q")  # fmt: skip
        texts.append((data / "e.toml").read_text())
    assert texts[0] == texts[1]


def test_vote_says_which_member_carried_which_type(cli: Runner, data: Path) -> None:
    val, ensemble = data / "val", data / "carried.toml"
    types = ["--question-types", val / "questions.parquet"]
    cli.good("fit", *members(val), "--annotations", val / "questions.parquet", *types,
             "--method", "stacking", "-o", ensemble)  # fmt: skip
    ran = cli.good("vote", *members(val), "--ensemble", ensemble, *types)
    assert "color: the answer was most often that of member0" in ran.out
    assert "number: the answer was most often that of member1" in ran.out


def test_specialists_are_heard_on_their_types_only(cli: Runner, data: Path) -> None:
    val = data / "val"
    table = val / "questions.parquet"
    common = ["fit", *members(val), "--annotations", table, "--question-types", table,
              "--method", "majority", "-o", data / "e.toml", "--json"]  # fmt: skip
    everybody = cli.good(*common).json["accuracy"]["majority"]
    heard = cli.good(
        *common, "--specialist", "member0=color", "--specialist", "member1=number"
    ).json
    assert heard["accuracy"]["majority"] > everybody + 0.5
    assert read_fitted(data / "e.toml").specialists == {
        "member0": ("color",),
        "member1": ("number",),
    }
    ran = cli(*common, "--specialist", "member0=colour")
    assert ran.code == 1
    assert "'colour', which is no question type. Types: color, number" in ran.err


def test_a_vote_without_the_ensembles_members_or_types_is_refused(cli: Runner, data: Path) -> None:
    val, ensemble = data / "val", data / "refused.toml"
    types = ["--question-types", val / "questions.parquet"]
    cli.good("fit", *members(val), "--annotations", val / "questions.parquet", *types,
             "--method", "stacking", "-o", ensemble)  # fmt: skip
    ran = cli("vote", *members(val)[1:], "--ensemble", ensemble, *types)
    assert (ran.code, "lacks member0" in ran.err) == (1, True)
    ran = cli("vote", *members(val), "--ensemble", ensemble)
    assert (ran.code, "--question-types or --map" in ran.err) == (1, True)


# --------------------------------------------------------------------------- the file


def test_an_ensemble_file_is_refused_when_it_is_none(tmp_path: Path) -> None:
    path = tmp_path / "e.toml"
    for text, message in (
        ("x = ", "is not TOML"),
        ("x = 1", "is not an ensemble file"),
        ("format_version = 9", "format version 9.*Upgrade"),
        ("format_version = 1", "'method' is missing"),
        (
            'format_version = 1\nmethod = "x"\nmembers = [1]\ntypes = []\n[learned]',
            "must hold strings",
        ),
        ('format_version = 1\nmethod = "x"\nmembers = []\ntypes = []\n[learned]', "no method 'x'"),
        (
            'format_version = 1\nmethod = "stacking"\nmembers = []\ntypes = []\n[learned]',
            "incomplete",
        ),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=rf"e\.toml[:,] .*{message}"):
            read_fitted(path)
    with pytest.raises(InputError, match="no such file"):
        read_ensemble(tmp_path / "absent.toml")
    with pytest.raises(InputError, match=r"ends in \.toml or \.json"):
        read_ensemble(tmp_path / "e.yaml")


@pytest.mark.parametrize("number", ["inf", "nan", "1e9999"])
def test_learned_numbers_that_are_not_finite_are_refused(tmp_path: Path, number: str) -> None:
    path = tmp_path / "e.toml"
    path.write_text(
        'format_version = 1\nmethod = "stacking"\nmembers = ["a"]\ntypes = []\n'
        f"[learned.members]\na = [0.5, {number}]\n"
    )
    with pytest.raises(InputError, match=r"e\.toml, learned\.members\.a\.1: is not a finite"):
        read_ensemble(path)


# ------------------------------------------------------------------------------ stacking


def hand_made(*questions: dict[str, list[tuple[str, float]]]) -> Candidates:
    names = sorted({name for question in questions for name in question})
    return gather_candidates(
        align(
            [
                predictions_from_rows(
                    name,
                    [
                        (q, a, c)
                        for q, question in enumerate(questions)
                        for a, c in question.get(name, [])
                    ],
                )
                for name in names
            ],
            missing="abstain",
        )
    )


def test_untrained_stacking_is_an_equal_vote() -> None:
    candidates = hand_made(
        {"a": [("x", 0.9)], "b": [("y", 0.6)], "c": [("y", 0.6)]},
        {"a": [("x", 0.5)], "b": [("x", 0.5)], "c": [("y", 0.9)]},
    )
    types = QuestionTypes.none(2)
    nothing_to_learn = np.zeros(len(candidates.answers))
    stacking = Stacking(ridge=(10.0, 10.0)).fit(
        Questions(candidates, nothing_to_learn, types, np.arange(2))
    )
    truth = np.array([0.0, 1.0, 1.0, 0.0])
    chosen = choose(candidates, stacking.score(candidates, types))
    assert truth[chosen].tolist() == [1.0, 1.0]


def test_the_loss_falls_to_its_minimum() -> None:
    """No small step in any direction lowers the penalised loss."""
    from vqa_ensemble.learning.combiners.stacking import _Problem, features

    rng = np.random.default_rng(0)
    questions = [
        {
            m: [
                (WORDS[a], float(p))
                for a, p in zip(rng.permutation(8)[:3], rng.random(3), strict=True)
            ]
            for m in "abc"
        }
        for _ in range(60)
    ]
    candidates = hand_made(*questions)
    targets = (rng.random(len(candidates.answers)) < 0.3).astype(float)
    types = QuestionTypes(("t", "u"), rng.integers(2, size=60))
    problem = _Problem(Questions(candidates, targets, types, np.arange(60)), features(candidates))
    solution = problem.solve((3.0, 3.0))

    def penalised(shared: np.ndarray, deviations: np.ndarray) -> float:
        from dataclasses import replace

        moved = replace(solution, shared=shared, deviations=deviations)
        loss = problem._loss(problem._utilities(moved))[0]
        prior = np.array([0, 0, 0, 0, 1, 1])
        ridge = np.array([3, 3, 3, 10, 10, 10])
        return float(loss + 0.5 * ridge @ (shared - prior) ** 2 + 1.5 * (deviations**2).sum())

    best = penalised(solution.shared, solution.deviations)
    for _ in range(50):
        step = 0.02 * rng.normal(size=6), 0.02 * rng.normal(size=(2, 3))
        assert penalised(solution.shared + step[0], solution.deviations + step[1]) > best - 1e-4


def typed(table: Path | str) -> VoteOptions:
    return VoteOptions(question_types=QuestionColumn(str(table), "question_type"))


def test_stacking_learns_to_trust_by_type(data: Path) -> None:
    labelled = load_labelled(
        members(data / "val"),
        annotations=str(data / "val" / "questions.parquet"),
        options=typed(data / "val" / "questions.parquet"),
    )
    fitted = fit(labelled, method="stacking")
    stacking = fitted.ensemble.combiner
    assert isinstance(stacking, Stacking)
    color, number = stacking.deviations
    assert color[0] > number[0] + 0.3
    assert number[1] > color[1] + 0.3


def test_stacking_keeps_several_right_answers(tmp_path: Path) -> None:
    candidates = hand_made(*[{"a": [("x", 0.8)], "b": [("y", 0.7)], "c": [("z", 0.9)]}] * 40)
    targets = np.tile([1.0, 0.6, 0.0], 40)
    types = QuestionTypes.none(40)
    stacking = Stacking().fit(Questions(candidates, targets, types, np.arange(40)))
    scores = stacking.score(candidates, types)[:3]
    assert scores[0] > scores[1] > scores[2]


def test_saving_and_loading_changes_no_vote(data: Path, tmp_path: Path) -> None:
    labelled = load_labelled(
        members(data / "val"),
        annotations=str(data / "val" / "questions.parquet"),
        options=typed(data / "val" / "questions.parquet"),
    )
    ensemble = fit(labelled, method="stacking").ensemble
    write_ensemble(tmp_path / "e.toml", ensemble.to_file())
    again = FittedEnsemble.from_file(read_ensemble(tmp_path / "e.toml"))
    context = Context(question_types=labelled.types)
    before, after = ensemble.vote(labelled.ballots, context), again.vote(labelled.ballots, context)
    assert (before.answer == after.answer).mean() > 0.99


# ------------------------------------------------------------------------- real members


@pytest.mark.slow
def test_real_models_beat_greedy_selection_and_the_best_single(shared_data: Path) -> None:
    questions = str(shared_data / "mmbench" / "questions.parquet")
    labelled = load_labelled(
        sorted((shared_data / "mmbench" / "preds").glob("*.parquet"))[::3],
        annotations=questions,
        groups=f"{questions}:base_question_id",
        options=typed(questions),
    )
    scores = fit(labelled, method="stacking").scores
    assert scores["stacking"] > scores["best-single"] + 0.01
    assert scores["stacking"] > scores["majority"] + 0.03


# ------------------------------------------------------------------------- the metric


def vizwiz_key(path: Path, n: int) -> Path:
    """Ten people each, who wrote capitals: VizWiz compares them as written, VQA does not."""
    people = [["Red"] * 6 + ["Blue"] * 4 if q % 2 else ["red"] * 6 + ["Blue"] * 4 for q in range(n)]
    rows = [
        {"image": f"{q}.jpg", "question": "?", "answers": [{"answer": a} for a in answers]}
        for q, answers in enumerate(people)
    ]
    path.write_text(json.dumps(rows))
    return path


def test_weights_are_learned_on_the_leaderboards_metric(cli: Runner, tmp_path: Path) -> None:
    key = vizwiz_key(tmp_path / "val.json", 40)
    files = []
    for name, answer in (("a", "red"), ("b", "blue")):
        files.append(tmp_path / f"{name}.parquet")
        ids = [f"{q}.jpg" for q in range(40)]
        pd.DataFrame({"question_id": ids, "answer": answer, "confidence": 0.9}).to_parquet(
            files[-1]
        )
    for metric, accuracy in ((None, 50.0), ("vizwiz", 50.0), ("vqa", 100.0)):
        options = ["--metric", metric] if metric else []
        scored = cli.good("evaluate", files[0], "--annotations", key, *options, "--json").json
        fitted = cli.good("fit", *files, "--annotations", key, *options, "--method", "best-single",
                          "-o", tmp_path / "e.toml", "--json").json  # fmt: skip
        assert fitted["metric"] == scored["metric"] == (metric or "vizwiz")
        assert fitted["accuracy"]["best-single"] == scored["files"][0]["overall"] == accuracy


def test_fit_and_evaluate_have_one_rule_for_normal_forms(cli: Runner, tmp_path: Path) -> None:
    key, member = tmp_path / "key.csv", tmp_path / "m.parquet"
    right = ["yes"] * 17 + ["no"] * 3
    lines = [f"{q},{answer}" for q, answer in enumerate(right)]
    key.write_text("\n".join(["question_id,right", *lines]))
    said = {"question_id": range(20), "answer": "Yes.", "confidence": 0.9}
    pd.DataFrame(said).to_parquet(member)
    spec = f"{key}:right"
    (scored,) = cli.good("evaluate", member, "--annotations", spec, "--json").json["files"]
    compared = cli.good("compare", member, "--annotations", spec, "--json").json
    assert (scored["overall"], compared["members"][0]["accuracy"]) == (85.0, 0.85)
    exactly = cli.good("compare", member, "--annotations", spec, "--metric", "gqa", "--json").json
    assert exactly["members"][0]["accuracy"] == 0


def test_questions_that_do_not_count_teach_nothing(cli: Runner, tmp_path: Path) -> None:
    rows = [
        {
            "question_id": f"q{q}",
            "choices": ["cat", "dog"],
            "correct_choice_idx": 0,
            "direct_answers": ["cat"] * 10,
            "difficult_direct_answer": q >= 10,
        }
        for q in range(30)
    ]
    (tmp_path / "val.json").write_text(json.dumps(rows))
    ids = [row["question_id"] for row in rows]
    files = []
    for name, first, rest in (("a", "cat", "dog"), ("b", "dog", "cat")):
        files.append(tmp_path / f"{name}.parquet")
        answers = [first] * 10 + [rest] * 20
        pd.DataFrame({"question_id": ids, "answer": answers, "confidence": 0.9}).to_parquet(
            files[-1]
        )
    common = ("compare", *files, "--annotations", tmp_path / "val.json", "--json")
    direct, choices = cli.good(*common).json, cli.good(*common, "--metric", "multiple-choice").json
    assert (direct["questions"], choices["questions"]) == (10, 30)
    assert [m["accuracy"] for m in direct["members"]] == [1, 0]
    assert [m["accuracy"] for m in choices["members"]] == [
        pytest.approx(1 / 3),
        pytest.approx(2 / 3),
    ]
