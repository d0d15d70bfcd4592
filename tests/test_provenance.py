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


def record_again(voted: Path, *more: str, drop: int = 0) -> None:
    """Put more into the recorded command."""
    path = Path(f"{voted}.provenance.json")
    record = json.loads(path.read_text())
    record["arguments"] = [*record["arguments"][drop:], *more]
    path.write_text(json.dumps(record))


@pytest.mark.parametrize(
    "more",
    [
        ["--audit", "precious.parquet"],
        ["-o", "precious.parquet"],
        ["--output=precious.parquet", "--provenance"],
        ["--engine", "ray", "--address", "127.0.0.1:1"],
        ["--strict", "--json", "--verbose"],
    ],
)
def test_a_record_cannot_make_a_vote_again_write_or_connect(
    cli: Runner, voted: Path, more: list[str]
) -> None:
    precious = voted.with_name("precious.parquet")
    precious.write_bytes(b"mine")
    record_again(voted, *more)
    before = sorted(voted.parent.iterdir())
    cli.good("verify", voted, "--rerun")
    assert precious.read_bytes() == b"mine"
    assert sorted(voted.parent.iterdir()) == before


@pytest.mark.parametrize("option", [None, "--map", "--ensemble", "--synonyms", "--question-types"])
def test_a_record_reads_what_lies_below_its_folder_only(
    cli: Runner, voted: Path, option: str | None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "m.csv"
    outside.write_text("answer,canonical\na,b\n")
    for name in (str(outside), f"../{outside.parent.name}/m.csv"):
        record_again(voted, *([option] if option else []), name)
        ran = cli("verify", voted, "--rerun")
        assert ran.code == 1
        assert "--allow-outside" in ran.err
    link = voted.with_name("link.csv")
    link.symlink_to(outside)
    record_again(voted, *([option] if option else []), "link.csv")
    assert "--allow-outside" in cli("verify", voted, "--rerun").err
    ran = cli("verify", voted, "--rerun", "--allow-outside")
    assert "--allow-outside" not in ran.err


@pytest.mark.parametrize("url", ["s3://bucket/m", "github://a:b@/m", "memory://m", "a::ftp://h/m"])
def test_a_record_reaches_no_url_by_itself(cli: Runner, voted: Path, url: str) -> None:
    path = Path(f"{voted}.provenance.json")
    record = json.loads(path.read_text())
    record["inputs"].append({"role": "map", "path": url, "bytes": 3, "sha256": "00"})
    path.write_text(json.dumps(record))
    ran = cli.good("verify", voted, "--json")
    assert ran.json["notes"] == [f"{url} was not looked at: it is a URL (--allow-urls)"]
    record_again(voted, url)
    assert "--allow-urls" in cli("verify", voted, "--rerun").err
    assert cli("verify", voted, "--allow-urls").code == 1


@pytest.mark.parametrize("more", [["m\0.parquet"], ["--map", "a\0b"], ["--nonsense"], ["--help"]])
def test_a_recorded_command_that_is_none_is_refused(
    cli: Runner, voted: Path, more: list[str]
) -> None:
    record_again(voted, *more)
    ran = cli("verify", voted, "--rerun")
    assert ran.code == 1
    assert "Leave out --rerun" in ran.err
    assert ran.out == ""


def test_a_shipped_map_is_no_file_outside(cli: Runner, voted: Path) -> None:
    cli.good("vote", "m0.parquet", "--map", "easy-vqa", "-o", "shipped.json")
    cli.good("verify", "shipped.json", "--rerun")
