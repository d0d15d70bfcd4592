"""The record beside a submission, and whether it still holds."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from command_line import Runner

from vqa_ensemble.answers.answer_map import AnswerMap, write_answer_map
from vqa_ensemble.predictions.files import write_predictions


@pytest.fixture
def voted(cli: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A submission made in ``tmp_path`` from relative paths."""
    monkeypatch.chdir(tmp_path)
    for m, answer in enumerate(["yes", "2", "yes"]):
        write_predictions(f"m{m}.parquet", [1, 2], [answer, "no"], [0.5, 0.7], member=f"m{m}")
    write_answer_map("map.csv", AnswerMap.from_pairs([("yes", "yes/no"), ("2", "number")]))
    members = [f"m{m}.parquet" for m in range(3)]
    cli.good("vote", *members, "--map", "map.csv", "-o", "s.json", "--audit", "a.parquet")
    return tmp_path / "s.json"


def test_the_record_names_every_file_with_its_hash(voted: Path) -> None:
    record = json.loads(Path(f"{voted}.provenance.json").read_text())
    assert record["arguments"][0] == "vote"
    assert record["versions"]["vqa-ensemble"]
    files = [*record["inputs"], *record["outputs"]]
    assert [file["path"] for file in files] == [
        "m0.parquet", "m1.parquet", "m2.parquet", "map.csv", "s.json", "a.parquet"
    ]  # fmt: skip
    for file in files:
        content = (voted.parent / file["path"]).read_bytes()
        assert file["sha256"] == hashlib.sha256(content).hexdigest()
        assert file["bytes"] == len(content)


def test_what_has_not_changed_is_verified_from_any_folder(
    cli: Runner, voted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    ran = cli.good("verify", voted, "--rerun")
    assert "6 files are as recorded, and the command run again gives the same bytes" in ran.out
    assert Path.cwd() == elsewhere
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("name", ["m1.parquet", "map.csv", "s.json", "a.parquet"])
@pytest.mark.parametrize("change", ["longer", "gone"])
def test_what_has_changed_is_named(cli: Runner, voted: Path, name: str, change: str) -> None:
    path = voted.parent / name
    if change == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes() + b" ")
    ran = cli("verify", voted, "--json")
    assert ran.code == 1
    (problem,) = ran.json["problems"]
    assert name in problem
    assert ran.json["checked"] == 5


def test_a_record_that_does_not_fit_the_command_is_found_by_running_it(
    cli: Runner, voted: Path
) -> None:
    path = Path(f"{voted}.provenance.json")
    path.write_text(path.read_text().replace('"--map"', '"--revote", "votes", "--map"'))
    cli.good("verify", voted, "--rerun")  # another way to the same answers
    voted.write_text("[]\n")
    record = json.loads(path.read_text())
    record["outputs"][0]["sha256"] = hashlib.sha256(b"[]\n").hexdigest()
    path.write_text(json.dumps(record))
    ran = cli("verify", voted, "--rerun")
    assert ran.code == 1
    assert "gives other bytes" in ran.err


def test_only_votes_are_run_again(cli: Runner, voted: Path) -> None:
    path = Path(f"{voted}.provenance.json")
    path.write_text(path.read_text().replace('"vote"', '"demo"'))
    ran = cli("verify", voted, "--rerun")
    assert ran.code == 1
    assert "its record is of 'demo', not of a vote" in ran.err


def test_another_version_is_noted_but_no_error(cli: Runner, voted: Path) -> None:
    path = Path(f"{voted}.provenance.json")
    record = json.loads(path.read_text())
    record["versions"]["numpy"] = "1.0"
    path.write_text(json.dumps(record))
    assert any(
        "numpy was 1.0, is" in note for note in cli.good("verify", voted, "--json").json["notes"]
    )


def test_no_record_or_a_broken_one_is_said(cli: Runner, voted: Path) -> None:
    path = Path(f"{voted}.provenance.json")
    path.write_text('{"arguments": 3}')
    ran = cli("verify", voted)
    assert ran.code == 1
    assert "is not a record" in ran.err
    path.unlink()
    ran = cli("verify", voted)
    assert ran.code == 1
    assert "has no record" in ran.err


def test_no_provenance_leaves_the_submission_alone(cli: Runner, voted: Path) -> None:
    Path(f"{voted}.provenance.json").unlink()
    cli.good("vote", "m0.parquet", "--map", "map.csv", "-o", "s.json", "--no-provenance")
    assert not Path(f"{voted}.provenance.json").exists()
