"""Processes that train a member together give what one process gives."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import tomli_w  # noqa: E402
from tiny_vqa import NO_DROPOUT, assert_close_weights  # noqa: E402

from vqa_ensemble.formats.predictions import read_predictions  # noqa: E402
from vqa_ensemble.formats.recipe import Recipe, recipe_to_dict  # noqa: E402
from vqa_ensemble.training.checkpoint import load_checkpoint  # noqa: E402
from vqa_ensemble.training.session import train_members  # noqa: E402

CPU = torch.device("cpu")
pytestmark = pytest.mark.usefixtures("one_thread")
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
    (outcome,) = train_members([recipe], device=CPU, **folders)
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


def log(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
