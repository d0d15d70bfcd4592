"""Members trained as Ray tasks: what one process gives, and one's failure its own."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

torch = pytest.importorskip("torch")
ray = pytest.importorskip("ray", reason="needs the extra [ray]")

from click.testing import CliRunner  # noqa: E402

from vqa_ensemble.cli import group  # noqa: E402
from vqa_ensemble.errors import InputError  # noqa: E402
from vqa_ensemble.predictions.files import read_predictions  # noqa: E402
from vqa_ensemble.training import ray_session  # noqa: E402
from vqa_ensemble.training.checkpoint import load_checkpoint  # noqa: E402
from vqa_ensemble.training.ray_session import train_members_on_ray  # noqa: E402
from vqa_ensemble.training.recipe import Recipe, recipe_from_dict  # noqa: E402
from vqa_ensemble.training.session import Outcome, RunOptions, train_members  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # Ray's own, at start and end

QUESTIONS, IMAGES = 40, 4


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    ray.init(
        num_cpus=2, num_gpus=0, log_to_driver=False, include_dashboard=False, logging_level="error"
    )
    yield
    ray.shutdown()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small data set in the form of VQA v2."""
    random = np.random.default_rng(0)
    folder = tmp_path / "data"
    (folder / "regions").mkdir(parents=True)
    np.save(folder / "regions" / "features.npy", random.random((IMAGES, 3, 5), np.float32))
    corners = np.sort(random.random((IMAGES, 3, 2, 2), np.float32), axis=2)
    np.save(folder / "regions" / "boxes.npy", corners.reshape(IMAGES, 3, 4))
    np.save(folder / "regions" / "image_ids.npy", np.arange(IMAGES))
    for split, start in (("train", 0), ("validation", 1000)):
        ids = range(start, start + QUESTIONS)
        questions = [
            {"question_id": q, "image_id": q % IMAGES, "question": f"is it {q % 3}?"} for q in ids
        ]
        annotations = [
            {
                "question_id": q,
                "question_type": "is it",
                "answer_type": "other",
                "answers": [{"answer": "yes" if q % 3 else "dog"}] * 10,
            }
            for q in ids
        ]
        (folder / f"{split}_questions.json").write_text(json.dumps({"questions": questions}))
        (folder / f"{split}_annotations.json").write_text(json.dumps({"annotations": annotations}))
    return folder


def content(name: str, root: Path, gpus: float = 0) -> dict[str, Any]:
    return {
        "member": {"name": name},
        "data": {"dataset": "vqa-v2", "root": str(root), "min_answers": 1},
        "model": {"architecture": "butd", "hidden": 8, "word_vectors": "random"},
        "training": {"epochs": 2, "batch_size": 16, "gpus": gpus},
    }


@dataclass(frozen=True, kw_only=True)
class Fatal(Recipe):
    """A recipe that kills the worker that trains by it."""

    driver: int = 0

    def __getattribute__(self, name: str) -> Any:
        if name == "predict" and os.getpid() != self.driver:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__getattribute__(name)


def test_one_member_that_fails_does_not_take_the_others_along(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = recipe_from_dict(content("good", root))
    lost = recipe_from_dict(content("lost", tmp_path / "nowhere"))
    large = recipe_from_dict(content("large", root, gpus=1))
    kept = {f.name: getattr(good, f.name) for f in fields(Recipe)}
    kept["member"] = recipe_from_dict(content("killed", root)).member
    killed = Fatal(**kept, driver=os.getpid())
    # Workers cannot import this module.
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    monkeypatch.setattr(ray_session, "RETRIES", 0)
    monkeypatch.setattr(ray_session, "_with_absolute_paths", lambda recipe: recipe)
    said: list[str] = []
    outcomes = train_members_on_ray(
        [lost, killed, large, good],
        RunOptions(runs=tmp_path / "runs", predictions=tmp_path / "preds", device="cpu"),
        finished=lambda outcome: said.append(outcome.member),
    )
    assert [outcome.member for outcome in outcomes] == ["lost", "killed", "large", "good"]
    assert sorted(said) == ["good", "killed", "large", "lost"]
    assert "nowhere" in outcomes[0].error
    assert "its worker was lost" in outcomes[1].error
    assert outcomes[2].error == "needs 1 GPU; the cluster has 0"
    assert not outcomes[3].error
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    here = train_members(
        [good], RunOptions(runs=tmp_path / "here", predictions=tmp_path / "p", device="cpu")
    )
    torch.set_num_threads(before)
    one, other = (read_predictions(o.files["validation"]) for o in (here[0], outcomes[3]))
    np.testing.assert_array_equal(one.confidences, other.confidences)
    assert one.top() == other.top()


class FatalOnce(Recipe):
    """A recipe that kills the worker that trains by it, once, after the first checkpoint."""

    driver: ClassVar[int]
    run: ClassVar[Path]

    def __getattribute__(self, name: str) -> Any:
        if name == "training" and os.getpid() != self.driver:
            killed = self.run / "log-when-killed"
            if (self.run / "checkpoint.pt").exists() and not killed.exists():
                killed.write_bytes((self.run / "log.jsonl").read_bytes())
                os.kill(os.getpid(), signal.SIGKILL)
        return super().__getattribute__(name)


def test_a_member_whose_worker_is_killed_goes_on_from_its_checkpoint(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = recipe_from_dict(content("member", root))
    kept = {f.name: getattr(recipe, f.name) for f in fields(Recipe)}
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    monkeypatch.setattr(ray_session, "_with_absolute_paths", lambda recipe: recipe)
    weights, confidences = [], []
    for name in ("disturbed", "quiet"):
        run = tmp_path / name / "member"
        FatalOnce.driver, FatalOnce.run = os.getpid(), run
        (outcome,) = train_members_on_ray(
            [FatalOnce(**kept) if name == "disturbed" else recipe],
            RunOptions(runs=tmp_path / name, predictions=tmp_path / name, device="cpu"),
        )
        assert not outcome.error
        weights.append(load_checkpoint(run, torch.device("cpu"))[0].model.state_dict())
        confidences.append(read_predictions(outcome.files["validation"]).confidences)
    before = (tmp_path / "disturbed/member/log-when-killed").read_bytes()
    after = (tmp_path / "disturbed/member/log.jsonl").read_bytes()
    assert before
    assert after.startswith(before)  # with its times: the first epoch was not trained again
    assert len(after) > len(before)
    for name, weight in weights[1].items():
        torch.testing.assert_close(weights[0][name], weight, rtol=0, atol=0)
    np.testing.assert_array_equal(*confidences)


def test_what_a_worker_says_is_noted(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train(
        recipes: list[Recipe], run: RunOptions, *, say: Callable[[str], None]
    ) -> list[Outcome]:
        say("out of memory with 256 examples at once")
        return [Outcome(recipes[0].member.name, notes=("teacher: …",))]

    monkeypatch.setattr(ray_session, "train_members", train)
    recipe = recipe_from_dict(content("member", root))
    worker = ray_session._train._function
    outcome = worker(recipe, RunOptions(runs=tmp_path, predictions=tmp_path, device="cpu"))
    assert outcome.notes == ("out of memory with 256 examples at once", "teacher: …")


def test_the_command_trains_on_the_cluster(root: Path, tmp_path: Path) -> None:
    recipes = []
    for name, place in (("one", "data"), ("two", "data"), ("bad", "nowhere")):
        recipes.append(tmp_path / f"{name}.toml")
        recipes[-1].write_text(
            f'[member]\nname = "{name}"\n[data]\ndataset = "vqa-v2"\nmin_answers = 1\n'
            f'root = "{tmp_path / place}"\n'
            '[model]\narchitecture = "san"\nhidden = 8\nword_vectors = "random"\n'
            "[training]\nepochs = 1\nbatch_size = 16\n"
        )
    arguments = ["train", *map(str, recipes), "--engine", "ray", "--device", "cpu", "--json"]
    folders = ["-o", str(tmp_path / "runs"), "--predictions", str(tmp_path / "preds")]
    result = CliRunner().invoke(group, [*arguments, *folders])
    assert isinstance(result.exception, InputError)
    assert "1 of 3 members failed: bad" in str(result.exception)
    for name in ("one", "two"):
        predictions = read_predictions(tmp_path / "preds" / "validation" / f"{name}.parquet")
        assert len(predictions.question_ids) == QUESTIONS


def test_workers_are_told_of_files_by_absolute_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = recipe_from_dict(content("member", Path("data"))).with_teacher("teacher.parquet")
    told = ray_session._with_absolute_paths(recipe)
    assert told.data.root == str(tmp_path / "data")
    assert told.distillation.teacher == str(tmp_path / "teacher.parquet")
    assert ray_session._with_absolute_paths(told.with_teacher("")).distillation.teacher == ""
