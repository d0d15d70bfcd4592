"""import: a folder of many models' logs becomes a member a model."""

from __future__ import annotations

from pathlib import Path

import foreign_files as foreign
import pytest
from command_line import Runner
from foreign_files import ANSWERS
from test_import import answers


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Two models' folders, a file of its own, and what tools leave beside them."""
    folder = tmp_path / "logs"
    for model in ("llava", "qwen"):
        (folder / model).mkdir(parents=True)
        foreign.lmms_eval(folder / model / "20260801_samples_vqav2_val.jsonl")
        foreign.lmms_eval(folder / model / "20260801_samples_vqav2_test.jsonl")
        foreign.dump(folder / model / "20260801_results.json", {"results": {"vqav2_val": {"x": 1}}})
    foreign.vqa(folder / "blip_val.json")
    foreign.dump(folder / "settings.json", {"model": "x"})
    (folder / "run.log").write_text("done")
    return folder


def test_a_member_a_model(tmp_path: Path, cli: Runner, logs: Path) -> None:
    ran = cli.good("import", logs, "--split", "val", "-o", tmp_path / "preds")
    written = sorted((tmp_path / "preds" / "val").iterdir())
    assert [path.name for path in written] == ["blip_val.parquet", "llava.parquet", "qwen.parquet"]
    assert all(answers(path) == ANSWERS for path in written)
    said = " ".join(ran.out.split())
    assert said.count("262148002 2") == 3, "three answers of each"
    assert f"{logs / 'settings.json'} holds no list of rows" in said
    assert "_samples_vqav2_test.jsonl is of the split test" in said
    assert "Next, with annotations: vqa-ensemble compare" in said
    assert cli("vote", *written, "--method", "majority", "-o", tmp_path / "a.json").code == 0
    for _ in range(2):  # what was written is no log
        inside = cli.good("import", logs, "--split", "val", "-o", logs / "preds", "--json").json
        assert [row["member"] for row in inside["members"]] == ["blip_val", "llava", "qwen"]


def test_what_is_not_clear_is_refused(tmp_path: Path, cli: Runner, logs: Path) -> None:
    output = tmp_path / "preds"
    ran = cli("import", logs, "-o", output)
    assert ran.code == 1
    assert "the logs of llava are of the splits test and val. Choose one with --split" in ran.err
    foreign.lmms_eval(logs / "llava" / "20260801_samples_textvqa_val.jsonl")
    ran = cli("import", logs, "--split", "val", "-o", output)
    assert "the logs of llava are of several tasks" in ran.err
    assert "there are no logs" in cli("import", logs, "--split", "train", "-o", output).err
    assert not output.exists()
    for wrong in ((output, "--member", "m"), (tmp_path / "m.parquet", "--split", "val")):
        assert cli("import", logs, "-o", *wrong).code == 2
