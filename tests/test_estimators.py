"""The scikit-learn estimators: pandas tables in and out, and the command line's results."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_line import Runner
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from vqa_ensemble.answers.answer_map import AnswerMap, write_answer_map
from vqa_ensemble.errors import InputError
from vqa_ensemble.estimators import LearnedEnsemble, VotingEnsemble
from vqa_ensemble.questions.vqa import read_submission
from vqa_ensemble.voting.methods import COMBINERS

TYPE_OF = {"yes": "yes/no", "no": "yes/no", "2": "number", "3": "number", "red": "other"}
# The same answers' types, some of them shared by two.
SOFT = AnswerMap.from_pairs([*TYPE_OF.items(), *TYPE_OF.items(), ("red", "number"), ("2", "other")])
SKILL = {"a": 0.9, "b": 0.6, "c": 0.5, "d": 0.3}


def make_members(n: int = 150, *, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """Four members of different skill, what is right, and every question's type."""
    rng = np.random.default_rng(seed)
    answers = np.array(list(TYPE_OF))
    right = rng.choice(answers, n)
    rows = []
    for name, skill in SKILL.items():
        for q in range(n):
            given = rng.choice(answers, 3, replace=False)
            if rng.random() < skill:
                given = np.array([right[q], *given[given != right[q]][:2]])
            for answer, confidence in zip(given, sorted(rng.random(3))[::-1], strict=True):
                rows.append((name, 10 + q, str(answer), confidence))
    X = pd.DataFrame(rows, columns=["member", "question_id", "answer", "confidence"])
    y = pd.DataFrame({"question_id": 10 + np.arange(n), "answer": right})
    types = pd.Series([TYPE_OF[answer] for answer in right], index=y["question_id"])
    return X, y, types


def write_members(X: pd.DataFrame, folder: Path) -> list[Path]:
    paths = []
    for name, own in X.groupby("member"):
        paths.append(folder / f"{name}.parquet")
        own.drop(columns="member").to_parquet(paths[-1], index=False)
    return paths


@pytest.mark.parametrize(
    ("options", "flags"),
    [
        ({"method": "question-type"}, []),
        ({"method": "question-type", "soft_map": True, "revote": "votes"},
         ["--soft-map", "--revote", "votes"]),
        ({"method": "majority", "merge": True}, ["--merge"]),
        ({"method": "mean", "normalize": True}, ["--normalize"]),
    ],
)  # fmt: skip
def test_votes_equal_the_command_lines(
    cli: Runner, tmp_path: Path, options: dict[str, object], flags: list[str]
) -> None:
    X, _, _ = make_members()
    X.loc[::7, "answer"] = X.loc[::7, "answer"].str.replace("2", "two")
    write_answer_map(tmp_path / "map.csv", SOFT)
    output = tmp_path / "submission.json"
    cli.good(
        "vote", *write_members(X, tmp_path), "--map", tmp_path / "map.csv", "-o", output,
        "--method", options["method"], *flags,
    )  # fmt: skip
    voting = VotingEnsemble(**options, answer_map=tmp_path / "map.csv").fit()
    shuffled = X.sample(frac=1, random_state=0)
    answers = voting.predict(shuffled)
    submission = read_submission(output)
    assert answers["answer"].tolist() == submission.answers
    assert answers["question_id"].tolist() == submission.question_ids.tolist()


@pytest.mark.slow
def test_a_learned_ensemble_equals_the_command_lines(cli: Runner, tmp_path: Path) -> None:
    X, y, types = make_members()
    paths = write_members(X, tmp_path)
    y.to_parquet(tmp_path / "y.parquet")
    types.rename("question_type").rename_axis("question_id").reset_index().to_csv(
        tmp_path / "types.csv", index=False
    )
    learned = LearnedEnsemble("stacking").fit(X, y, question_types=types)
    learned.save(tmp_path / "ours.toml")
    cli.good(
        "fit", *paths, "--annotations", tmp_path / "y.parquet", "--method", "stacking",
        "--question-types", tmp_path / "types.csv", "-o", tmp_path / "theirs.toml",
    )  # fmt: skip
    ours, theirs = ((tmp_path / f"{name}.toml").read_text() for name in ("ours", "theirs"))
    assert ours == theirs

    new, _, new_types = make_members(80, seed=1)
    new_types.rename("question_type").rename_axis("question_id").reset_index().to_csv(
        tmp_path / "types.csv", index=False
    )
    cli.good(
        "vote", *write_members(new, tmp_path), "--ensemble", tmp_path / "ours.toml",
        "--question-types", tmp_path / "types.csv", "-o", tmp_path / "submission.json",
    )  # fmt: skip
    answers = LearnedEnsemble.load(tmp_path / "theirs.toml").predict(new, question_types=new_types)
    assert answers["answer"].tolist() == read_submission(tmp_path / "submission.json").answers


@pytest.mark.parametrize("ending", ["toml", "json"])
@pytest.mark.parametrize("method", ["question-type", "majority", "mean"])
def test_a_saved_vote_votes_the_same(tmp_path: Path, method: str, ending: str) -> None:
    X, _, _ = make_members()
    options = {"soft_map": True, "merge": True, "synonyms": {"red": "crimson"}}
    voting = VotingEnsemble(method, answer_map=SOFT, **options).fit()
    voting.save(tmp_path / f"vote.{ending}")
    loaded = VotingEnsemble.load(tmp_path / f"vote.{ending}")
    pd.testing.assert_frame_equal(loaded.predict_proba(X), voting.predict_proba(X))
    assert loaded.get_params()["synonyms"] == {"red": "crimson"}
    assert "crimson" in set(loaded.predict(X)["answer"])
    with pytest.raises(InputError, match="no method 'vote/"):
        LearnedEnsemble.load(tmp_path / f"vote.{ending}")


@pytest.mark.slow
@pytest.mark.parametrize("method", ["auto", *COMBINERS])
def test_a_saved_ensemble_predicts_the_same(tmp_path: Path, method: str) -> None:
    X, y, types = make_members()
    groups = pd.Series(np.arange(150) // 2, index=y["question_id"])
    learned = LearnedEnsemble(method).fit(X, y, question_types=types, groups=groups)
    learned.save(tmp_path / "ensemble.json")
    loaded = LearnedEnsemble.load(tmp_path / "ensemble.json")
    before, after = (e.predict(X, question_types=types) for e in (learned, loaded))
    pd.testing.assert_frame_equal(before, after)
    assert loaded.scores_ == pytest.approx(learned.scores_, abs=1e-5)
    assert learned.score(X, y, question_types=types) > 0.5
    with pytest.raises(InputError, match="not a vote"):
        VotingEnsemble.load(tmp_path / "ensemble.json")


@pytest.mark.parametrize(
    "estimator",
    [
        VotingEnsemble("mean", answer_map=SOFT, merge=True, synonyms={"a": "b"}),
        LearnedEnsemble("stacking", specialists={"a": ["number"]}, random_state=3),
    ],
)
def test_parameters_and_clones(estimator: VotingEnsemble | LearnedEnsemble) -> None:
    copy = clone(estimator)
    assert copy is not estimator
    assert repr(copy.get_params()) == repr(estimator.get_params())
    copy.set_params(method="majority")
    assert copy.method == "majority" != estimator.method
    with pytest.raises(NotFittedError):
        copy.predict(make_members(3)[0])
    with pytest.raises(ValueError, match="Invalid parameter"):
        copy.set_params(depth=3)


def test_probabilities_add_up_and_the_winner_comes_first() -> None:
    X, y, types = make_members()
    for estimator in (
        VotingEnsemble("mean").fit(),
        VotingEnsemble("question-type").fit(y=y, question_types=types),
        LearnedEnsemble("stacking").fit(X, y),
    ):
        shares = estimator.predict_proba(X)
        by_question = shares.groupby("question_id")
        np.testing.assert_allclose(by_question["probability"].sum(), 1)
        assert (by_question["answer"].first().to_numpy() == estimator.predict(X)["answer"]).all()


def test_types_may_stand_in_the_table_or_beside_it() -> None:
    X, y, types = make_members()
    inside = X.assign(question_type=types.loc[X["question_id"]].to_numpy())
    voting = VotingEnsemble(answer_map=SOFT).fit()
    given = voting.predict(X, question_types=types)
    pd.testing.assert_frame_equal(given, voting.predict(inside))
    # A question's type fixes which answers may win, where anybody gives one.
    won = [TYPE_OF[answer] for answer in given["answer"]]
    by_vote = [TYPE_OF[answer] for answer in voting.predict(X)["answer"]]
    assert np.mean(won == types) > np.mean(by_vote == types)

    y_with_types = y.assign(question_type=types.to_numpy())
    learned = [
        VotingEnsemble().fit(y=y, question_types=types),
        VotingEnsemble().fit(y=y_with_types),
        VotingEnsemble().fit(inside, y),
    ]
    assert len({tuple(v.answer_map_.answers) for v in learned}) == 1
    assert learned[0].answer_map_.type_names == ("number", "other", "yes/no")


def test_scores_make_several_answers_right() -> None:
    X, y, _ = make_members()
    also = y.assign(answer="yes", score=0.3)[y["answer"] != "yes"]
    both = pd.concat([y.assign(score=1.0), also])
    voting = VotingEnsemble("majority").fit()
    assert voting.score(X, both) > voting.score(X, y)
    hard = X[X.groupby(["member", "question_id"]).cumcount() == 0].drop(columns="confidence")
    assert voting.predict(hard)["answer"].isin(list(TYPE_OF)).all()


def test_specialists_are_heard_on_their_types_only() -> None:
    X, y, types = make_members()
    learned = LearnedEnsemble("majority", specialists={"a": ["number"]})
    learned.fit(X, y, question_types=types)
    others = types.index[types != "number"]
    some = X[X["question_id"].isin(others)]
    without = some.drop(some.index[some["member"] == "a"])
    heard = learned.predict(some, question_types=types)
    alone = LearnedEnsemble("majority").fit(X[X["member"] != "a"], y).predict(without)
    assert (heard["answer"] == alone["answer"]).mean() > 0.99


def test_bad_tables_are_named() -> None:
    X, y, types = make_members(60)
    voting = VotingEnsemble("majority").fit()
    with pytest.raises(InputError, match="has no column 'member'"):
        voting.predict(X.drop(columns="member"))
    with pytest.raises(InputError, match="predictions of a>, row 0: confidence is 7"):
        voting.predict(X.assign(confidence=[7.0] + [0.5] * (len(X) - 1)))
    with pytest.raises(InputError, match="'answer' is null"):
        voting.predict(X.assign(answer=X["answer"].where(X.index > 2)))
    with pytest.raises(InputError, match="stands twice"):
        voting.predict(pd.concat([X, X]))
    late = X.assign(question_id=X["question_id"] + 60 * (X["member"] == "a"))
    with pytest.raises(InputError, match="lacks 60 of 120 questions"):
        voting.predict(late)
    learned = LearnedEnsemble("stacking")
    with pytest.raises(InputError, match="question 10: 1 of 60 questions have no right answer"):
        learned.fit(X, y.iloc[1:])
    with pytest.raises(InputError, match=r"score is 2\.0"):
        learned.fit(X, y.assign(score=2.0))
    with pytest.raises(InputError, match="question 69: 1 of 60 questions have no question type"):
        learned.fit(X, y, question_types=types.iloc[:-1])
    with pytest.raises(InputError, match="question 10: has more than one group"):
        learned.fit(X, y, groups=pd.concat([types, types]))
    with pytest.raises(InputError, match="no method 'best'"):
        LearnedEnsemble("best").fit(X, y)
    with pytest.raises(InputError, match="needs an answer-to-question-type map"):
        VotingEnsemble().fit()
    with pytest.raises(InputError, match="cannot be learned without question types"):
        VotingEnsemble().fit(y=y)


def hand_made(**said: str) -> pd.DataFrame:
    rows = [(name, q, answer, 0.9) for name, answer in said.items() for q in range(20)]
    return pd.DataFrame(rows, columns=["member", "question_id", "answer", "confidence"])


@pytest.mark.parametrize(
    ("key", "metric", "own", "score"),
    [
        (["yes"], None, "exact-match", 1.0),
        (["no", "Yes"], None, "exact-match", 1.0),
        (["yes"] * 4 + ["no"], None, "vqa", 1.0),
        (["yes"] * 2 + ["no"] * 8, None, "vqa", 0.6),
        (["yes"] * 2 + ["no"] * 8, "a-okvqa", "a-okvqa", 0.0),
        (["yes"], "gqa", "gqa", 0.0),
        (["Yes."], "gqa", "gqa", 1.0),
    ],
)
def test_the_key_or_the_user_names_the_metric(
    tmp_path: Path, key: list[str], metric: str | None, own: str, score: float
) -> None:
    X = hand_made(a="Yes.", b="Yes.", c="no idea")
    y = pd.DataFrame([(q, a) for q in range(20) for a in key], columns=["question_id", "answer"])
    voting = VotingEnsemble("majority", metric=metric).fit()
    learned = LearnedEnsemble("best-single", metric=metric).fit(X, y)
    assert voting.score(X, y) == pytest.approx(score)
    assert learned.scores_["majority"] == pytest.approx(score)
    assert learned.ensemble_.fit["metric"] == own
    assert clone(learned).metric == metric
    voting.save(tmp_path / "v.toml")
    assert VotingEnsemble.load(tmp_path / "v.toml").score(X, y) == pytest.approx(score)
    learned.save(tmp_path / "e.toml")
    again = LearnedEnsemble.load(tmp_path / "e.toml", metric=metric)
    assert again.score(X, y) == learned.score(X, y)


def test_a_metric_that_cannot_be_applied_is_refused() -> None:
    X, y = hand_made(a="3", b="3"), pd.DataFrame({"question_id": range(20), "answer": 3})
    assert VotingEnsemble("majority").fit().score(X, y) == 1.0
    for metric, message in (("vqa", "fewer than 4 human answers"), ("best", "no metric 'best'")):
        with pytest.raises(InputError, match=message):
            LearnedEnsemble(metric=metric).fit(X, y)
    with pytest.raises(InputError, match="'score', beside the metric 'gqa'"):
        LearnedEnsemble(metric="gqa").fit(X, y.assign(score=1.0))
    with pytest.raises(InputError, match="row 4: 'answer' is empty"):
        LearnedEnsemble().fit(X, y.assign(answer=[None if q == 4 else "3" for q in range(20)]))


def test_real_members_vote_as_on_the_command_line(
    cli: Runner, shared_data: Path, tmp_path: Path
) -> None:
    paths = sorted((shared_data / "mmbench" / "preds").glob("*.parquet"))[:6]
    output = tmp_path / "submission.json"
    cli.good("vote", *paths, "--method", "majority", "-o", output)
    X = pd.concat([pd.read_parquet(path).assign(member=path.stem) for path in paths])
    answers = VotingEnsemble("majority").fit().predict(X)
    assert answers["answer"].tolist() == read_submission(output).answers
