"""Small inputs for every command that writes, and the commands that read them."""

from __future__ import annotations

import importlib.util
import json
import shlex
from pathlib import Path

import numpy as np
import tomli_w
from click.testing import CliRunner
from tiny_vqa import tiny_recipe, write_data

from vqa_ensemble.cli import group
from vqa_ensemble.predictions.files import write_predictions
from vqa_ensemble.training.recipe import recipe_to_dict

QUESTIONS = 4000
WORDS = ["yes", "no", "1", "2", "red", "blue"]
HAS_TORCH = importlib.util.find_spec("torch") is not None

COMMANDS = {
    "vote": "vote {members} --map {inputs}/map.csv -o s.json --audit audit.parquet",
    "train": "train {inputs}/tiny.toml --split test --device cpu --threads 1",
    "predict": "predict {inputs}/runs/tiny --split test --device cpu",
    "import": "import {inputs}/answers.json -o m.parquet --confidence accuracy "
    "--annotations {inputs}/annotations.json",
    "fit": "fit {members} --annotations {inputs}/annotations.json -o ensemble.toml",
    "report": "report {members} --annotations {inputs}/annotations.json "
    "--questions {inputs}/questions.json --map {inputs}/map.csv -o report.html",
}


def write_inputs(folder: Path) -> None:
    """Three members, answers as another tool writes them, annotations, a map, a trained model."""
    generator = np.random.default_rng(0)
    truth = generator.integers(0, len(WORDS), QUESTIONS)
    for m in range(3):
        first = np.where(generator.random(QUESTIONS) < 0.6, truth, generator.permutation(truth))
        write_predictions(
            folder / f"m{m}.parquet",
            np.repeat(np.arange(QUESTIONS), 2),
            np.stack([first, (first + 1) % len(WORDS)], axis=1).ravel().astype(np.int32),
            np.tile([0.75, 0.25], QUESTIONS),
            member=f"m{m}",
            vocabulary=WORDS,
        )
    answers = [{"question_id": q, "answer": WORDS[a]} for q, a in enumerate(truth.tolist())]
    annotations = [
        {**row, "question_type": "what", "answer_type": "other", "answers": [row] * 3}
        for row in answers
    ]
    questions = [{"question_id": q, "image_id": q, "question": "What?"} for q in range(QUESTIONS)]
    (folder / "answers.json").write_text(json.dumps(answers))
    (folder / "annotations.json").write_text(json.dumps({"annotations": annotations}))
    (folder / "questions.json").write_text(json.dumps({"questions": questions}))
    lines = [f"{word},{'other' if len(word) > 3 else 'short'},1\n" for word in WORDS]
    (folder / "map.csv").write_text("answer,question_type,count\n" + "".join(lines))
    if HAS_TORCH:
        recipe = tiny_recipe(write_data(folder / "data"), epochs=6)
        (folder / "tiny.toml").write_text(tomli_w.dumps(recipe_to_dict(recipe)))
        train = [*arguments(COMMANDS["train"], folder), "-o", str(folder / "runs")]
        train += ["--predictions", str(folder / "preds")]
        assert CliRunner().invoke(group, train).exit_code == 0


def arguments(template: str, inputs: Path) -> list[str]:
    """What to type for one of the commands; its outputs go to the current folder."""
    members = " ".join(str(inputs / f"m{m}.parquet") for m in range(3))
    return [*shlex.split(template.format(inputs=inputs, members=members)), "--quiet"]
