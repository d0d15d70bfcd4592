"""Processes that train a member together give what one process gives."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import tomli_w  # noqa: E402
from command_line import Runner  # noqa: E402
from tiny_vqa import NO_DROPOUT, assert_close_weights  # noqa: E402

from vqa_ensemble.predictions.files import read_predictions  # noqa: E402
from vqa_ensemble.training import distributed, session  # noqa: E402
from vqa_ensemble.training.checkpoint import load_checkpoint  # noqa: E402
from vqa_ensemble.training.meter import Meter  # noqa: E402
from vqa_ensemble.training.recipe import Recipe, recipe_to_dict  # noqa: E402
from vqa_ensemble.training.session import RunOptions, train_members  # noqa: E402
from vqa_ensemble.training.trainer import Trainer  # noqa: E402

CPU = torch.device("cpu")
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


def train_by_two(recipe: Recipe, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    path = folder / f"{recipe.member.name}.toml"
    folder.mkdir(exist_ok=True)
    path.write_text(tomli_w.dumps(recipe_to_dict(recipe)))
    outputs = ["-o", str(folder / "runs"), "--predictions", str(folder / "preds")]
    command = [*TORCHRUN, "-m", "vqa_ensemble", "train", str(path), *outputs, *options]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=100)


def test_two_processes_train_the_member_of_one(
    make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    # Windows of 14, 14, 14 and 8 examples in parts of 7, 7 and 4; then of 7 and one of 1, of
    # which the second process has none.
    recipe = make_recipe(
        batch_size=7, accumulate=[2, 1], epochs=2, evaluate="validation", model=NO_DROPOUT
    )
    ran = train_by_two(recipe, tmp_path / "two")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("tiny: ") == 1  # rank 0 speaks for both
    folders = {"runs": tmp_path / "one" / "runs", "predictions": tmp_path / "one" / "preds"}
    (outcome,) = train_members([recipe], RunOptions(device="cpu", **folders))
    assert not outcome.error

    def state(name: str) -> dict[str, Any]:
        member, _ = load_checkpoint(tmp_path / name / "runs" / "tiny", CPU)
        return dict(member.model.state_dict())

    assert_close_weights(state("one"), state("two"))
    one, two = (log(tmp_path / name / "runs" / "tiny") for name in ("one", "two"))
    assert [line["update"] for line in two] == [line["update"] for line in one]
    for key in ("loss", "score", "evaluation"):
        assert [line[key] for line in two] == pytest.approx([line[key] for line in one], abs=1e-4)
    predictions = read_predictions(tmp_path / "two" / "preds" / "validation" / "tiny.parquet")
    expected = read_predictions(outcome.files["validation"])
    assert predictions.top() == expected.top()


def test_the_others_wait_for_their_turn_before_they_read_the_checkpoint(
    make_recipe: Callable[..., Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    monkeypatch.setattr(distributed, "rank", lambda: 1)
    monkeypatch.setattr(distributed, "meet", lambda: order.append("meet"))
    monkeypatch.setattr(session, "Trainer", lambda *_, **__: order.append("read"))
    train_members([make_recipe()], RunOptions(runs=tmp_path, predictions=tmp_path, device="cpu"))
    assert order == ["meet", "read"]


def test_the_first_process_always_has_examples_to_report_of(
    make_recipe: Callable[..., Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = Trainer(make_recipe(batch_size=3), tmp_path, CPU)
    monkeypatch.setattr(distributed, "size", lambda: 4)
    shares = []
    for rank in range(4):
        monkeypatch.setattr(distributed, "rank", lambda rank=rank: rank)
        shares.append(trainer.plan.share(0).tolist())
    assert [len(share) for share in shares] == [1, 1, 1, 0]
    assert [*itertools.chain(*shares)] == trainer.plan.rows(0).tolist()
    meter = Meter(0)
    meter.add(torch.zeros(2), 0)  # the last process
    assert meter.means()["loss"] == 0


def test_a_recipe_that_cannot_be_read_ends_the_run_of_several_processes(
    make_recipe: Callable[..., Recipe],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cli: Runner,
) -> None:
    # One that goes on is killed by torchrun when the other ends with an error.
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text(tomli_w.dumps(recipe_to_dict(make_recipe())))
    bad.write_text("[member]\n")
    monkeypatch.setenv("WORLD_SIZE", "2")
    ran = cli("train", good, bad, "-o", tmp_path / "runs", "--predictions", tmp_path / "preds")
    assert ran.code == 1
    assert "bad.toml, member.name: missing key" in ran.err
    assert not (tmp_path / "runs").exists()


def log(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
