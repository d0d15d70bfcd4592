"""The same inputs give the same bytes, whatever the machine is set to."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vqa_ensemble.predictions.files import write_predictions

SETTINGS: dict[str, dict[str, str]] = {
    "plain": {},
    "hash seed": {"PYTHONHASHSEED": "12345"},
    "locale": {"LC_ALL": "C"},
    "another locale": {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"},
    "time zone": {"TZ": "Pacific/Kiritimati"},
    "threads": {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2", "ARROW_NUM_THREADS": "1"},
    "UTF-8 mode off": {"PYTHONUTF8": "0", "PYTHONIOENCODING": "latin-1"},
}
OUTPUTS = ("map.csv", "submission.json", "audit.parquet", "ensemble.toml", "fitted.json")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    generator = np.random.default_rng(0)
    answers = ["yes", "no", "2", "3", "İstanbul", "café", "red"]
    types = ["yes/no", "yes/no", "number", "number", "other", "other", "other"]
    questions = 300
    truth = generator.integers(0, len(answers), questions)
    for m in range(4):
        guess = np.where(generator.random(questions) < 0.6, truth, generator.permutation(truth))
        second = (guess + 1) % len(answers)
        write_predictions(
            folder / f"m{m}.parquet",
            np.repeat(np.arange(questions), 2),
            np.stack([guess, second], axis=1).ravel().astype(np.int32),
            np.tile([0.75, 0.25], questions),
            member=f"m{m}",
            vocabulary=answers,
        )
    rows = [
        f'{{"question_id": {q}, "question_type": "what", "answer_type": "{types[a]}", '
        f'"answers": [{", ".join(3 * [f"""{{"answer": "{answers[a]}"}}"""])}]}}'
        for q, a in enumerate(truth.tolist())
    ]
    (folder / "a.json").write_text(f'{{"annotations": [{", ".join(rows)}]}}', encoding="utf-8")
    return folder


def run_everything(inputs: Path, output: Path, members: list[str], extra: dict[str, str]) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **extra}

    def run(*arguments: object) -> None:
        command = [sys.executable, "-m", "vqa_ensemble", *map(str, arguments)]
        subprocess.run(command, cwd=inputs, env=environment, check=True, capture_output=True)

    run("build-map", "a.json", "-o", output / "map.csv")
    with_map = (*members, "--map", output / "map.csv")
    run("vote", *with_map, "-o", output / "submission.json", "--audit", output / "audit.parquet")
    ensemble = output / "ensemble.toml"
    run("fit", *with_map, "--annotations", "a.json", "--method", "accuracy-weights", "-o", ensemble)
    run("vote", *with_map, "--ensemble", ensemble, "-o", output / "fitted.json")


@pytest.mark.slow
def test_settings_and_order_change_no_byte(inputs: Path, tmp_path: Path) -> None:
    members = [f"m{m}.parquet" for m in range(4)]
    seen: dict[str, dict[str, bytes]] = {}
    for number, (name, extra) in enumerate(SETTINGS.items()):
        output = tmp_path / str(number)
        output.mkdir()
        order = members if number % 2 == 0 else members[::-1]
        run_everything(inputs, output, order, extra)
        seen[name] = {file: (output / file).read_bytes() for file in OUTPUTS}
    for name, files in seen.items():
        for file, content in files.items():
            assert content == seen["plain"][file], (name, file)
