"""The command line's manners: exit codes, JSON, quiet, errors without tracebacks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from command_line import Runner

import vqa_ensemble
from vqa_ensemble.answers.answer_map import AnswerMap, write_answer_map
from vqa_ensemble.cli import COMMANDS
from vqa_ensemble.predictions.files import write_predictions
from vqa_ensemble.predictions.member import Metadata

BALLOTS = {
    "m1": [(1, "2", 0.9), (2, "cat", 0.8)],
    "m2": [(1, "3", 0.5), (2, "cat", 0.6)],
    "m3": [(1, "yes", 0.8), (1, "2", 0.1), (2, "dog", 0.9)],
    "m4": [(1, "yes", 0.7), (1, "3", 0.2), (2, "cat", 0.5)],
    "m5": [(1, "4", 0.4), (2, "cat", 0.9)],
}
MAP = AnswerMap.from_pairs(
    [
        ("2", "number"),
        ("3", "number"),
        ("4", "number"),
        ("yes", "yes/no"),
        ("cat", "other"),
        ("dog", "other"),
    ]
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five members' predictions and a map."""
    for name, rows in BALLOTS.items():
        ids, answers, confidences = zip(*rows, strict=True)
        path = tmp_path / "preds" / f"{name}.parquet"
        write_predictions(path, ids, answers, confidences, member=Metadata(name, "toy"))
    write_answer_map(tmp_path / "map.csv", MAP)
    return tmp_path


def predictions(folder: Path) -> list[Path]:
    return sorted((folder / "preds").glob("*.parquet"))


# -------------------------------------------------------------------------------- vote


def test_vote_writes_a_submission_and_an_audit_file(cli: Runner, folder: Path) -> None:
    submission, audit = folder / "submission.json", folder / "audit.parquet"
    ran = cli.good(
        "vote",
        *predictions(folder),
        "--map",
        folder / "map.csv",
        "-o",
        submission,
        "--audit",
        audit,
    )
    assert json.loads(submission.read_text()) == [
        {"question_id": 1, "answer": "2"},
        {"question_id": 2, "answer": "cat"},
    ]
    first, second = pq.read_table(audit).to_pylist()
    assert first["question_type"] == "number"
    assert first["majority_answer"] == "yes"
    assert first["tie_break"] == "confidence"
    assert [(v["answer"], v["votes"]) for v in first["votes"]] == [("2", 2), ("3", 2), ("4", 1)]
    assert (first["first_votes"][0]["answer"], first["first_votes"][0]["votes"]) == ("yes", 2)
    assert {v["question_type"]: v["votes"] for v in first["type_votes"]} == {
        "number": 3,
        "yes/no": 2,
    }
    assert (first["agreement"], first["margin"]) == (0.2, 0)
    assert (second["answer"], second["agreement"], second["margin"]) == ("cat", 0.8, 3)
    assert second["tie_break"] is None
    for line in ("questions", "changed by re-voting", "broken by confidence", "Wrote"):
        assert line in ran.out


def test_vote_prints_its_summary_as_json(cli: Runner, folder: Path) -> None:
    summary = cli.good("vote", *predictions(folder), "--map", folder / "map.csv", "--json").json
    assert summary["members"] == ["m1", "m2", "m3", "m4", "m5"]
    assert summary["types"] == {"number": 1, "other": 1, "yes/no": 0}
    assert summary["answer_ties"] == {"confidence": 1, "count": 0, "alphabetical": 0}


def test_the_order_of_files_does_not_change_a_byte(cli: Runner, folder: Path) -> None:
    outputs = []
    for files in (predictions(folder), predictions(folder)[::-1]):
        for name in ("submission.json", "audit.parquet"):
            (folder / name).unlink(missing_ok=True)
        cli.good("vote", *files, "--map", folder / "map.csv", "-o", folder / "submission.json",
                 "--audit", folder / "audit.parquet")  # fmt: skip
        outputs.append([(folder / n).read_bytes() for n in ("submission.json", "audit.parquet")])
    assert outputs[0] == outputs[1]


def test_editing_the_map_file_changes_the_vote(cli: Runner, folder: Path) -> None:
    answer_map = folder / "map.csv"
    arguments = ("vote", *predictions(folder), "--map", answer_map, "-o", folder / "s.json")
    cli.good(*arguments)
    assert json.loads((folder / "s.json").read_text())[0]["answer"] == "2"
    answer_map.write_text(answer_map.read_text().replace("4,number", "4,yes/no"))
    cli.good(*arguments)
    assert json.loads((folder / "s.json").read_text())[0]["answer"] == "yes"


def test_a_refused_vote_leaves_the_old_submission(cli: Runner, folder: Path) -> None:
    submission = folder / "submission.json"
    submission.write_text("old")
    (folder / "preds" / "m5.parquet").write_bytes(b"PAR1 not quite")
    ran = cli("vote", *predictions(folder), "--map", folder / "map.csv", "-o", submission)
    assert ran.code == 1
    assert ran.err.startswith("Error: ")
    assert "m5.parquet" in ran.err
    assert len(ran.err.splitlines()) == 1
    assert submission.read_text() == "old"
    assert sorted(path.name for path in folder.iterdir()) == ["map.csv", "preds", "submission.json"]


# ----------------------------------------------------------------------------- inspect


def test_inspect_describes_members_and_their_agreement(cli: Runner, folder: Path) -> None:
    ran = cli.good("inspect", *predictions(folder))
    assert "dataset=toy" in ran.out
    assert "2 questions, 2 of them answered by all" in ran.out
    report = cli.good("inspect", *predictions(folder), "--json").json
    third = report["members"][2]
    assert (third["rows"], third["questions"], third["distinct_answers"]) == (3, 2, 3)
    assert third["answers_per_question"] == [1, 2]
    assert third["agreement_with"] == {"m1": 0, "m2": 0, "m4": 0.5, "m5": 0}


# ----------------------------------------------------------------------------- manners


def test_quiet_prints_nothing(cli: Runner, folder: Path) -> None:
    ran = cli.good(
        "vote", *predictions(folder), "--map", folder / "map.csv", "-q", "-o", folder / "s.json"
    )
    assert (ran.out, ran.err) == ("", "")


@pytest.mark.parametrize(
    "arguments",
    [["vote"], ["vote", "x.parquet", "--method", "best"], ["no-such-command"], ["vote", "--nope"]],
)
def test_wrong_usage_exits_with_2(cli: Runner, arguments: list[str]) -> None:
    assert cli(*arguments).code == 2


def test_bad_input_exits_with_1_and_one_line(cli: Runner) -> None:
    ran = cli("inspect", "absent.parquet")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "Error: absent.parquet: no such file. Check the path.\n"


def test_the_version_is_printed(cli: Runner) -> None:
    assert cli.good("--version").out == f"vqa-ensemble, version {vqa_ensemble.__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(cli: Runner, command: str) -> None:
    text = cli.good(command, "--help").out
    assert "Example" in text
    assert f"vqa-ensemble {command}" in text


def test_output_into_a_pipe_has_no_colour_and_no_progress(folder: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "vqa_ensemble",
        "vote",
        *predictions(folder),
        "--map",
        folder / "map.csv",
    ]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "\x1b" not in ran.stdout
    assert ran.stderr == ""


def test_a_plain_vote_waits_for_no_learning_library(tmp_path: Path) -> None:
    write_predictions(tmp_path / "a.parquet", [1], ["2"], [0.5], member="a")
    arguments = ["vote", str(tmp_path / "a.parquet"), "--method", "majority"]
    code = (
        "import sys\n"
        "from vqa_ensemble.cli import group\n"
        f"group.main({arguments!r}, standalone_mode=False)\n"
        "print([m for m in ('scipy', 'sklearn', 'torch') if m in sys.modules])\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.endswith("[]\n")


@pytest.mark.parametrize("member", ["[/b]", "[red]x", "a\x1b[31mb", ":cat:", "x\\", "a\u202eb"])
def test_names_reach_the_terminal_as_they_are(cli: Runner, tmp_path: Path, member: str) -> None:
    """[/b] ended in a traceback after the file was written, [red] was swallowed."""
    seen = member.replace("\x1b", "\\x1b").replace("\u202e", "\\u202e")
    path, output = tmp_path / "m.parquet", tmp_path / f"{member.replace('/', '')}.json"
    rows = [(1, member, 0.5), (2, "no", 0.5)]
    ids, answers, confidences = zip(*rows, strict=True)
    write_predictions(path, ids, answers, confidences, member=member)
    for command in (
        ["vote", path, "--method", "majority", "-o", output, "-v"],
        ["inspect", path],
        ["explain", "1", path, "--method", "majority"],
        ["verify", output],
    ):
        ran = cli.good(*command)
        assert seen.replace("/", "") in ran.out.replace("/", "")
        assert "\x1b" not in ran.out + ran.err
    ran = cli("inspect", tmp_path / f"no{member.replace('/', '')}.parquet")
    assert ran.code == 1
    assert "\x1b" not in ran.err


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "| true", ""])
def test_a_closed_or_ascii_output_brings_no_traceback(tmp_path: Path, closed: str) -> None:
    path = tmp_path / "m\N{SNOWMAN}.parquet"
    write_predictions(path, [1], ["\N{SNOWMAN}"], [0.5], member="\N{SNOWMAN}")
    command = f"'{sys.executable}' -m vqa_ensemble inspect '{path}' {closed}"
    ran = subprocess.run(
        ["sh", "-c", command],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
        text=True,
    )
    assert "Traceback" not in ran.stdout + ran.stderr
    assert ran.returncode == 0
