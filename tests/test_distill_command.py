"""Students taught by prediction files: what the teacher says, what it lacks, exact resume."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import tomli_w  # noqa: E402
from command_line import Runner  # noqa: E402
from tiny_vqa import QUESTIONS, tiny_recipe, write_data  # noqa: E402

from vqa_ensemble.errors import InputError  # noqa: E402
from vqa_ensemble.learning.combiners.base import combiner_class  # noqa: E402
from vqa_ensemble.learning.combiners.fitted import FittedEnsemble  # noqa: E402
from vqa_ensemble.learning.ensemble_file import write_ensemble  # noqa: E402
from vqa_ensemble.learning.teaching import write_teacher  # noqa: E402
from vqa_ensemble.predictions.files import read_predictions, write_predictions  # noqa: E402
from vqa_ensemble.training.checkpoint import load_checkpoint  # noqa: E402
from vqa_ensemble.training.data.teacher import read_teacher  # noqa: E402
from vqa_ensemble.training.recipe import recipe_from_dict, recipe_hash, recipe_to_dict  # noqa: E402
from vqa_ensemble.training.trainer import Trainer  # noqa: E402

CPU = torch.device("cpu")
ACCURACIES = {"exponent": 2.0, "accuracies": {"a": 0.8, "b": 0.4}, "type_accuracies": {}}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_data(tmp_path / "data")


def write_member(path: Path, questions: int = QUESTIONS, *, right: float = 0.9) -> Path:
    """A member that knows the training set of ``write_data``, and an answer of its own."""
    rows = [
        (q, answer, confidence)
        for q in range(questions)
        for answer, confidence in (
            ("yes" if q % 3 else "dog", right),
            ("dog" if q % 3 else "yes", 0.05),
            ("unheard of", 0.01),
        )
    ]
    ids, answers, confidences = zip(*rows, strict=True)
    write_predictions(path, ids, answers, confidences, member=path.stem)
    return path


def test_the_mean_of_members_is_taught(tmp_path: Path) -> None:
    one = write_member(tmp_path / "one.parquet", right=0.9)
    other = write_member(tmp_path / "other.parquet", QUESTIONS - 10, right=0.5)
    path = tmp_path / "teacher.parquet"
    with pytest.raises(InputError, match="other"):
        write_teacher(path, [one, other])
    assert write_teacher(path, [one, other], missing="abstain") == QUESTIONS
    teacher = read_teacher(path, np.array([0, 1, 45, 999]), ["dog", "yes"])
    dense = teacher.confidences.dense(np.arange(4), 2)
    # Question 45 is known to the first member alone, question 999 to none.
    expected = [[0.7, 0.05], [0.05, 0.7], [0.9, 0.05], [0, 0]]
    torch.testing.assert_close(dense, torch.tensor(expected))
    assert (teacher.taught, teacher.dropped) == (3, 3)
    assert "knows 3 of 4 training questions; the others" in teacher.describe()


@pytest.mark.parametrize(
    ("method", "learned", "expected"),
    [
        ("greedy-selection", {"weights": {"a": 0.75, "b": 0.25}}, [0.05, 0.8, 0.01]),
        ("accuracy-weights", ACCURACIES | {"ballots": "votes"}, [0, 1, 0]),
        # 0.9 + 0.5² · 0.5 of the confidence in all three answers.
        ("accuracy-weights", ACCURACIES | {"ballots": "confidences"}, [0.057, 0.932, 0.011]),
        ("mean", {}, [0.05, 0.7, 0.01]),
        ("best-single", {"ranking": ["b", "a"]}, [0, 1, 0]),
        ("majority", {}, [0, 1, 0]),
    ],
)
def test_an_ensemble_weighs_its_members(
    tmp_path: Path, method: str, learned: dict[str, Any], expected: list[float]
) -> None:
    files = [write_member(tmp_path / f"{n}.parquet", right=r) for n, r in (("a", 0.9), ("b", 0.5))]
    combiner = combiner_class(method).from_dict(learned)
    path = tmp_path / "teacher.parquet"
    write_teacher(path, files, ensemble=FittedEnsemble(combiner, ("a", "b"), ()))
    teacher = read_teacher(path, np.array([1]), ["dog", "yes", "unheard of"])
    dense = teacher.confidences.dense(np.array([0]), 3)
    expected_row = torch.tensor([expected], dtype=torch.float32)
    torch.testing.assert_close(dense, expected_row, rtol=0, atol=5e-4)


def test_a_member_that_lacks_a_question_takes_its_weight_along(tmp_path: Path) -> None:
    files = [
        write_member(tmp_path / "a.parquet", right=0.6),
        write_member(tmp_path / "b.parquet", QUESTIONS - 10, right=0.2),
    ]
    combiner = combiner_class("greedy-selection").from_dict({"weights": {"a": 0.75, "b": 0.25}})
    path = tmp_path / "teacher.parquet"
    ensemble = FittedEnsemble(combiner, ("a", "b"), ())
    write_teacher(path, files, ensemble=ensemble, missing="abstain")
    teacher = read_teacher(path, np.array([1, 46]), ["yes"])
    dense = teacher.confidences.dense(np.arange(2), 1)
    torch.testing.assert_close(dense, torch.tensor([[0.5], [0.6]]))


def test_a_stacked_ensemble_teaches_its_probabilities(tmp_path: Path) -> None:
    files = [write_member(tmp_path / f"{n}.parquet", right=r) for n, r in (("a", 0.9), ("b", 0.5))]
    combiner = combiner_class("dawid-skene").from_dict({"accuracies": {"a": 0.8, "b": 0.6}})
    path = tmp_path / "teacher.parquet"
    write_teacher(path, files, ensemble=FittedEnsemble(combiner, ("a", "b"), ()))
    predictions = read_predictions(path)
    totals = np.add.reduceat(predictions.confidences, predictions.starts[:-1])
    np.testing.assert_allclose(totals, 1, rtol=1e-6)
    assert predictions.top()[:2] == ["dog", "yes"]


@pytest.mark.slow
def test_a_student_learns_from_its_teacher_alone(root: Path, tmp_path: Path) -> None:
    """With alpha 1 the annotators are not heard: the student says what the teacher says."""
    teacher = tmp_path / "wrong.parquet"
    ids = np.arange(QUESTIONS)
    write_predictions(
        teacher, ids, ["dog" if q % 3 else "yes" for q in ids], np.full(QUESTIONS, 0.99), member="w"
    )
    recipe = tiny_recipe(root, epochs=20, schedule="constant", model={"dropout": 0.0})
    content = recipe_to_dict(recipe)
    shares = {}
    for alpha in (0.0, 1.0):
        content["distillation"] = {"teacher": str(teacher), "alpha": alpha}
        scores: list[float] = []
        trainer = Trainer(recipe_from_dict(content), tmp_path / f"{alpha}", CPU)
        trainer.train(lambda now, kept=scores: kept.append(now.score))
        shares[alpha] = scores[-1]
    # "yes" to every third question scores 0, "dog" to the others too, and the other way round.
    assert shares[1.0] < shares[0.0] - 0.2


def test_a_resumed_student_ends_with_the_same_bits(root: Path, tmp_path: Path) -> None:
    teacher = write_member(tmp_path / "teacher.parquet", QUESTIONS - 7)
    recipe = tiny_recipe(root, accumulate=2).with_teacher(str(teacher))
    Trainer(recipe, tmp_path / "whole", CPU).train()
    Trainer(recipe, tmp_path / "parts", CPU).train(stop_after=5)
    Trainer(recipe, tmp_path / "parts", CPU).train()
    whole, parts = (load_checkpoint(tmp_path / name, CPU)[0].model for name in ("whole", "parts"))
    for one, other in zip(whole.parameters(), parts.parameters(), strict=True):
        assert torch.equal(one, other)
    alone = Trainer(recipe.with_teacher(""), tmp_path / "alone", CPU).train().model
    assert not all(
        torch.equal(a, b) for a, b in zip(whole.parameters(), alone.parameters(), strict=True)
    )
    write_member(teacher, QUESTIONS - 8)
    with pytest.raises(InputError, match="was trained by another teacher"):
        Trainer(recipe, tmp_path / "parts", CPU)


def test_the_hash_follows_the_lesson_but_not_where_it_lies(root: Path) -> None:
    plain = tiny_recipe(root)
    assert recipe_hash(plain.with_teacher("a")) == recipe_hash(plain.with_teacher("b"))
    assert recipe_hash(plain.with_teacher("a")) != recipe_hash(plain)


def test_a_teacher_of_other_questions_is_refused(root: Path, tmp_path: Path) -> None:
    teacher = tmp_path / "validation.parquet"
    write_predictions(teacher, [1000, 1001], ["yes", "dog"], [0.5, 0.5], member="t")
    with pytest.raises(InputError, match=r"says nothing about the 50 training questions.*split"):
        Trainer(tiny_recipe(root).with_teacher(str(teacher)), tmp_path / "run", CPU)
    write_predictions(teacher, [0, 1], ["Yes!", "A dog."], [0.5, 0.5], member="t")
    with pytest.raises(InputError, match=r"none of the student's \d answers a chance.*normal form"):
        Trainer(tiny_recipe(root).with_teacher(str(teacher)), tmp_path / "run", CPU)
    write_predictions(teacher, ["1000"], ["yes"], [0.5], member="t")
    with pytest.raises(InputError, match="ids are of another type"):
        Trainer(tiny_recipe(root).with_teacher(str(teacher)), tmp_path / "run", CPU)


def test_the_command_teaches_from_members_to_predictions(
    root: Path, tmp_path: Path, cli: Runner
) -> None:
    recipe = tmp_path / "student.toml"
    content = recipe_to_dict(tiny_recipe(root, "student", epochs=1))
    recipe.write_text(tomli_w.dumps(content))
    members = tmp_path / "members.toml"
    content["member"] = {"name": "member", "seed": 1}
    members.write_text(tomli_w.dumps(content))
    runs, preds = tmp_path / "runs", tmp_path / "preds"
    common = ["-o", runs, "--predictions", preds, "--threads", 1, "--json"]
    cli.good("train", members, "--split", "train", *common)
    other = write_member(preds / "train" / "other.parquet", QUESTIONS - 5)
    arguments = ["distill", "--teacher", preds / "train" / "member.parquet", other,
                 "--recipe", recipe, "--alpha", 0.7, *common]  # fmt: skip
    ran = cli(*arguments)
    assert ran.code == 1
    assert "other" in ran.err
    result = cli.good(*arguments, "--missing", "abstain").json
    assert json.dumps(result["notes"]).count("knows 50 of 50")
    assert read_predictions(preds / "validation" / "student.parquet").member == "student"
    trained, _ = load_checkpoint(runs / "student", CPU)
    assert trained.recipe.distillation.alpha == 0.7

    ran = cli(*arguments, "--missing", "abstain", "--temperature", "nan")
    assert (ran.code, ran.out) == (1, "")
    assert "distillation.temperature: is nan. It must be between" in ran.err

    ensemble = FittedEnsemble(combiner_class("mean")(), ("member", "stranger"), ())
    write_ensemble(tmp_path / "ensemble.toml", ensemble.to_file())
    ran = cli(*arguments, "--ensemble", tmp_path / "ensemble.toml", "--missing", "abstain")
    assert ran.code == 1
    assert "fitted with other members" in ran.err


def test_a_teacher_is_not_overwritten_by_its_student(
    cli: Runner, tmp_path: Path, root: Path
) -> None:
    folder = tmp_path / "preds" / "train"
    folder.mkdir(parents=True)
    teacher = write_member(folder / "student.parquet")
    recipe = tmp_path / "student.toml"
    recipe.write_text(tomli_w.dumps(recipe_to_dict(tiny_recipe(root, "student"))))
    before = teacher.read_bytes()
    ran = cli("distill", "--teacher", teacher, "--recipe", recipe, "--split", "train", "-o",
              tmp_path / "runs", "--predictions", tmp_path / "preds")  # fmt: skip
    assert ran.code == 1
    assert "student.parquet: is to be written, and is an input" in ran.err
    assert teacher.read_bytes() == before
    assert not (tmp_path / "runs").exists()
