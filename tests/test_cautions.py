"""Mistakes that a vote would hide: what is said of members that do not belong together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from command_line import Runner
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples

from vqa_ensemble.answers.answer_map import AnswerMap, write_answer_map
from vqa_ensemble.elections.cautions import (
    Evidence,
    cautions_among,
    find_cautions,
    gather_evidence,
)
from vqa_ensemble.predictions.files import write_predictions
from vqa_ensemble.predictions.member import ABSTAIN, Metadata

QUESTIONS = 400
ANSWERS = ["yes", "no", "2", "red", "on table", "cat"]


def good_answers(seed: int, right: float = 0.7) -> list[str]:
    """A member that is right on a share of the questions; all agree on what is right."""
    truth = np.random.default_rng(0).choice(ANSWERS, QUESTIONS)
    generator = np.random.default_rng([1, seed])
    guess = generator.choice(ANSWERS, QUESTIONS)
    return np.where(generator.random(QUESTIONS) < right, truth, guess).tolist()


def write(folder: Path, members: dict[str, list[str]], **metadata: str) -> list[Path]:
    paths = []
    for name, answers in members.items():
        path = folder / f"{name}.parquet"
        ids = list(range(len(answers)))
        write_predictions(
            path, ids, answers, [0.5] * len(answers), member=Metadata(name, **metadata)
        )
        paths.append(path)
    return paths


@pytest.fixture
def members() -> dict[str, list[str]]:
    return {f"m{seed}": good_answers(seed) for seed in range(4)}


def warnings(cli: Runner, *args: object) -> list[dict[str, object]]:
    found: list[dict[str, object]] = cli.good("vote", *args, "--json").json["cautions"]
    return found


def test_members_that_belong_together_raise_none(
    cli: Runner, tmp_path: Path, members: dict[str, list[str]]
) -> None:
    assert warnings(cli, *write(tmp_path, members), "--method", "majority") == []


def swapped(answers: list[str]) -> list[str]:
    return np.random.default_rng(5).permutation(answers).tolist()


MISTAKES = {
    "copy": lambda answers: list(answers["m1"]),
    "stray": lambda answers: swapped(answers["m0"]),
    "vocabulary": lambda answers: [f"{answer}!?" for answer in answers["m0"]],
    "raw": lambda answers: [f"The {a.upper()}." if a == "red" else a for a in good_answers(9)],
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_member_that_does_not_belong_is_named(
    cli: Runner, tmp_path: Path, members: dict[str, list[str]], kind: str
) -> None:
    paths = write(tmp_path, {**members, "odd": MISTAKES[kind](members)})
    (found,) = [w for w in warnings(cli, *paths, "--method", "majority") if w["kind"] == kind]
    assert "odd" in found["members"]
    assert {"m0", "m2", "m3"}.isdisjoint(found["members"])


def test_strict_turns_a_warning_into_an_error_and_writes_nothing(
    cli: Runner, tmp_path: Path, members: dict[str, list[str]]
) -> None:
    paths = write(tmp_path, {**members, "odd": list(members["m2"])})
    output = tmp_path / "out" / "submission.json"
    ran = cli("vote", *paths, "--method", "majority", "--strict", "-o", output)
    assert ran.code == 1
    assert "m2, odd give the same answers" in ran.err
    assert list(output.parent.iterdir()) == []
    ran = cli.good("vote", *paths, "--method", "majority", "-o", output)
    assert "WARNING: m2, odd give the same answers to all 400 questions" in ran.err
    assert output.is_file()


def test_files_of_different_splits_are_noticed_by_their_metadata(
    cli: Runner, tmp_path: Path, members: dict[str, list[str]]
) -> None:
    paths = write(tmp_path, members, split="validation")
    paths += write(tmp_path, {"late": good_answers(7)}, split="test")
    (found,) = warnings(cli, *paths, "--method", "majority")
    assert found["kind"] == "split"
    assert "late: test" in str(found["message"])


def test_a_member_that_lacks_most_questions_is_noticed(
    cli: Runner, tmp_path: Path, members: dict[str, list[str]]
) -> None:
    paths = write(tmp_path, {**members, "short": good_answers(7)[:100]})
    found = warnings(cli, *paths, "--method", "majority", "--missing", "abstain")
    assert [(w["kind"], w["members"]) for w in found] == [("missing", ["short"])]


def test_a_map_of_another_data_set_is_noticed(
    cli: Runner, tmp_path: Path, members: dict[str, list[str]]
) -> None:
    known = write_map(tmp_path / "known.csv", ANSWERS)
    foreign = write_map(tmp_path / "foreign.csv", ["circle", "square", "yes"])
    paths = write(tmp_path, members)
    assert warnings(cli, *paths, "--map", known) == []
    assert "map" in [w["kind"] for w in warnings(cli, *paths, "--map", foreign)]


def write_map(path: Path, answers: list[str]) -> Path:
    write_answer_map(path, AnswerMap.from_pairs([(answer, "other") for answer in answers]))
    return path


def test_fit_compare_and_inspect_warn_too(
    cli: Runner, tmp_path: Path, members: dict[str, list[str]]
) -> None:
    paths = write(tmp_path, {**members, "odd": list(members["m2"])})
    truth = np.random.default_rng(0).choice(ANSWERS, QUESTIONS)
    table = tmp_path / "truth.csv"
    lines = [f"{q},{answer}" for q, answer in enumerate(truth)]
    table.write_text("\n".join(["question_id,answer", *lines]) + "\n")
    assert "m2, odd give the same answers" in cli.good("inspect", *paths).err
    args = (*paths, "--annotations", table)
    ran = cli.good("fit", *args, "--method", "majority", "-o", tmp_path / "e.toml")
    assert "m2, odd give the same answers" in ran.err
    assert cli("compare", *args, "--strict").code == 1


@pytest.mark.parametrize("seed", range(3))
def test_real_models_raise_none_until_ids_are_swapped(shared_data: Path, seed: int) -> None:
    from vqa_ensemble.predictions.files import read_predictions
    from vqa_ensemble.voting.ballots import align

    predictions = [read_predictions(p) for p in (shared_data / "mmbench/preds").glob("*.parquet")]
    ballots = align(predictions)
    metadata = [p.metadata for p in predictions]
    assert cautions_among(ballots, metadata) == []
    generator = np.random.default_rng(seed)
    m = int(generator.integers(len(ballots.names)))
    votes = ballots.top()[0].copy()
    votes[:, m] = generator.permutation(votes[:, m])
    ballots.__dict__["_top"] = (votes, ballots.top()[1])
    (found,) = cautions_among(ballots, metadata)
    assert (found.kind, found.members) == ("stray", (ballots.names[m],))


@examples(50, deadline=None)
@given(
    st.lists(st.lists(st.integers(ABSTAIN, 4), min_size=3, max_size=3), min_size=2, max_size=30),
    st.data(),
)
def test_evidence_adds_up_and_does_not_depend_on_order(
    rows: list[list[int]], data: st.DataObject
) -> None:
    votes = np.array(rows, dtype=np.int32)
    order = data.draw(st.permutations(range(3)))
    there, back = gather_evidence(votes, ANSWERS), gather_evidence(votes[:, order], ANSWERS)
    assert [there.fingerprint[m] for m in order] == back.fingerprint
    assert np.allclose([there.agreement[m] for m in order], back.agreement)
    equal = [(votes[:, 0] == votes[:, m]).all() for m in range(3)]
    assert [there.fingerprint[0] == there.fingerprint[m] for m in range(3)] == equal
    total = Evidence()
    for part in (there, back):
        total.merge(part)
    assert total.present == [a + b for a, b in zip(there.present, back.present, strict=True)]
    assert total.questions == 2 * len(rows)


def test_winners_unlike_the_votes_are_noticed() -> None:
    votes = np.random.default_rng(0).integers(0, len(ANSWERS), (200, 5)).astype(np.int32)
    names = [f"m{m}" for m in range(5)]
    usual = gather_evidence(votes, ANSWERS, votes[:, 0])
    odd = gather_evidence(votes, ANSWERS, np.full(200, ANSWERS.index("cat"), dtype=np.int32))
    assert [c.kind for c in find_cautions(names, usual, questions=200)] == []
    (found,) = find_cautions(names, odd, questions=200)
    assert found.kind == "distribution"
    assert "'cat' is 100.0% of them" in found.message


def test_members_that_are_raw_as_a_whole_are_told_what_changes(
    cli: Runner, tmp_path: Path, members: dict[str, list[str]]
) -> None:
    chat = {name: [f"{a.capitalize()}." for a in answers] for name, answers in members.items()}
    paths = write(tmp_path, chat)
    said = warnings(cli, *paths, "--method", "majority")
    assert [caution["kind"] for caution in said] == ["raw"]
    assert "1,600 of 1,600 answers looked at (100%) change" in str(said[0]["message"])
    for option in ("--normalize", "--merge"):
        assert warnings(cli, *paths, "--method", "majority", option) == []
    truth = tmp_path / "y.csv"
    rows = [f"{q},{answer}" for q, answer in enumerate(good_answers(0, 1.0))]
    truth.write_text("\n".join(["question_id,answer", *rows]))
    fit = ("fit", *paths, "--annotations", truth, "--method", "majority", "-o", tmp_path / "e.toml")
    assert "answers looked at (100%) change" in cli.good(*fit).err
    assert cli.good(*fit, "--normalize").err == ""


def test_letters_of_options_are_not_raw(cli: Runner, tmp_path: Path) -> None:
    truth = np.random.default_rng(0).choice([*"ABCD"], QUESTIONS).tolist()
    votes = {name: truth[:-k] + ["A"] * k for k, name in enumerate("xyz", start=20)}
    assert warnings(cli, *write(tmp_path, votes), "--method", "majority") == []
