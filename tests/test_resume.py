"""Runs that are killed at any moment, and go on as if nothing had happened."""

from __future__ import annotations

import json
import multiprocessing
import random
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from vqa_ensemble.errors import InputError  # noqa: E402
from vqa_ensemble.training import trainer as trainer_module  # noqa: E402
from vqa_ensemble.training.checkpoint import load_checkpoint, save_checkpoint  # noqa: E402
from vqa_ensemble.training.recipe import Recipe  # noqa: E402
from vqa_ensemble.training.trainer import Trainer  # noqa: E402

CPU = torch.device("cpu")
KILLS = 6
pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning"),
]


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Report, log and save at every update."""
    for name, value in {"REPORT_SECONDS": 0, "CHECKPOINT_SECONDS": 0, "LOG_EVERY": 1}.items():
        monkeypatch.setattr(trainer_module, name, value)


def train_and_tell(recipe: Recipe, folder: Path, updates: Connection) -> None:
    Trainer(recipe, folder, CPU).train(lambda now: updates.send(now.update))


def test_a_run_killed_at_random_moments_ends_with_the_same_bits(
    make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    recipe = make_recipe(accumulate=[1, 2], epochs=4, evaluate="validation")
    whole = Trainer(recipe, tmp_path / "whole", CPU).train().model.state_dict()

    draw = random.Random(0)
    folder, saved = tmp_path / "killed", []
    for _ in range(KILLS):
        receive, send = multiprocessing.Pipe(duplex=False)
        fork = multiprocessing.get_context("fork")
        process = fork.Process(target=train_and_tell, args=(recipe, folder, send))
        process.start()
        for _ in range(draw.randint(1, 3)):
            receive.recv()
        time.sleep(draw.uniform(0, 0.02))  # an update and its checkpoint take about as long
        process.kill()
        process.join()
        assert process.exitcode == -9
        saved.append(load_checkpoint(folder, CPU)[1]["update"])
    last = Trainer(recipe, folder, CPU)
    assert 0 < saved[0] < saved[-1] < last.plan.updates
    killed = last.train().model.state_dict()

    for name in whole:
        assert torch.equal(whole[name], killed[name]), name
    assert list(folder.glob(".*")) == []
    logs = [
        [json.loads(line) for line in (tmp_path / name / "log.jsonl").read_text().splitlines()]
        for name in ("whole", "killed")
    ]
    for key in ("update", "epoch", "loss", "score", "learning_rate", "evaluation"):
        assert [line[key] for line in logs[0]] == [line[key] for line in logs[1]], key


def test_tensorboard_shows_every_point_once(
    make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    recipe, folder = make_recipe(evaluate="validation"), tmp_path / "run"
    Trainer(recipe, folder, CPU).train(stop_after=9)
    Trainer(recipe, folder, CPU).train()
    events = EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert [event.step for event in events.Scalars("loss")] == list(range(1, 22))
    assert [event.step for event in events.Scalars("evaluation")] == [7, 14, 21]
    assert [event.value for event in events.Scalars("loss")] == pytest.approx(
        [line["loss"] for line in lines]
    )


def test_a_checkpoint_of_other_weights_is_refused(
    make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    member = Trainer(make_recipe(), tmp_path / "run", CPU).train(stop_after=1)
    member.model.classifier = torch.nn.Identity()
    save_checkpoint(tmp_path / "run" / "checkpoint.pt", member)
    with pytest.raises(InputError, match="holds other weights than the models of this"):
        load_checkpoint(tmp_path / "run", CPU)


def test_a_checkpoint_runs_no_code(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    torch.save({"format_version": 1, "recipe": print}, path)
    with pytest.raises(InputError, match="is not a readable checkpoint"):
        load_checkpoint(path, CPU)
