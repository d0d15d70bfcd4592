"""Outputs: no input is overwritten, and what is replaced keeps what is its own."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from command_line import Runner
from leftovers import make_old

from vqa_ensemble.cli import COMMANDS, group
from vqa_ensemble.cli.common import OutputFile
from vqa_ensemble.errors import InputError
from vqa_ensemble.files.atomic import atomic_write, inputs_kept, scratch_folder
from vqa_ensemble.predictions.files import read_predictions, write_predictions

IDS = list(range(20))
VOTE = ("vote", "m0.parquet", "m1.parquet", "m2.parquet", "--method", "majority")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: three members, annotations, questions, a map, a question table."""
    monkeypatch.chdir(tmp_path)
    for m in range(3):
        answers = ["yes" if q % (m + 2) else "red" for q in IDS]
        write_predictions(f"m{m}.parquet", IDS, answers, np.ones(len(IDS)), member=f"m{m}")
    truth = [{"question_id": q, "answer": "yes" if q % 2 else "red"} for q in IDS]
    rows = [
        {
            **row,
            "answer_type": "yes/no" if row["answer"] == "yes" else "other",
            "question_type": "what",
            "answers": [{"answer": row["answer"]}] * 10,
        }
        for row in truth
    ]
    asked = [{"question_id": q, "image_id": q, "question": f"What is {q}?"} for q in IDS]
    Path("annotations.json").write_text(json.dumps({"annotations": rows}))
    Path("questions.json").write_text(json.dumps({"questions": asked}))
    Path("answers.json").write_text(json.dumps(truth))
    Path("map.csv").write_text("answer,question_type,count\nyes,yes/no,3\nred,other,2\n")
    types = "".join(f"{q},{'a' if q % 2 else 'b'}\n" for q in IDS)
    Path("types.csv").write_text("question_id,question_type\n" + types)
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


# A command, and the option that is given one of its own inputs.
CLASHES = [
    (*VOTE, "-o", "m1.parquet"),
    (*VOTE, "--audit", "m1.parquet"),
    (*VOTE[:4], "--map", "map.csv", "-o", "map.csv"),
    (*VOTE[:4], "--map", "map.csv", "--question-types", "types.csv:question_type",
     "--audit", "types.csv"),
    (*VOTE, "-o", "s.json", "--audit", "./s.json"),
    ("fit", "m0.parquet", "m1.parquet", "--annotations", "annotations.json",
     "-o", "annotations.json"),
    ("report", "m0.parquet", "m1.parquet", "--annotations", "annotations.json",
     "-o", "annotations.json"),
    ("build-map", "annotations.json", "-o", "annotations.json"),
    ("import", "m0.parquet", "-o", "m0.parquet"),
    ("export", "answers.json", "--to", "gqa", "-o", "answers.json"),
    ("export", "answers.json", "--to", "gqa", "--questions", "questions.json",
     "-o", "questions.json"),
    ("predict-types", "--train-questions", "questions.json", "--train-annotations",
     "annotations.json", "--questions", "questions.json", "-o", "questions.json"),
]  # fmt: skip


@pytest.mark.parametrize("arguments", CLASHES, ids=lambda a: f"{a[0]} {a[-1]}")
def test_an_output_that_is_an_input_is_refused(
    cli: Runner, folder: Path, arguments: tuple[str, ...]
) -> None:
    before = contents(folder)
    ran = cli(*arguments)
    assert ran.code == 1
    assert arguments[-1] in ran.err
    assert ran.err.count("\n") == 1
    assert contents(folder) == before


@pytest.mark.parametrize("kind", ["link", "hard link", "spelled otherwise", "URL", "to a link"])
def test_a_file_is_known_by_any_name(cli: Runner, folder: Path, kind: str) -> None:
    Path("link.json").symlink_to("answers.json")
    Path("hard.json").hardlink_to("answers.json")
    output = {
        "link": "link.json",
        "hard link": "hard.json",
        "spelled otherwise": f"../{folder.name}/./answers.json",
        "URL": f"file://{folder}/answers.json",
        "to a link": "answers.json",
    }[kind]
    given = "link.json" if kind == "to a link" else "answers.json"
    before = contents(folder)
    ran = cli("export", given, "--to", "gqa", "-o", output)
    assert ran.code == 1
    assert f"is an input of this command ({given})" in ran.err
    assert contents(folder) == before


def test_every_output_file_is_checked() -> None:
    """An option named output is a file that is checked, or a folder."""
    context = click.Context(group)
    for name in COMMANDS:
        command = group.get_command(context, name)
        assert command is not None
        for option in command.params:
            if option.name in ("output", "audit"):
                kind = option.type
                assert isinstance(kind, OutputFile) or (
                    isinstance(kind, click.Path) and kind.type is Path
                ), name


def test_the_shells_first_file_is_no_output(cli: Runner, folder: Path) -> None:
    """``-o *.parquet`` is ``-o m0.parquet m1.parquet m2.parquet``."""
    for number in range(2):
        table = pa.table({"id": IDS, "prediction": ["yes"] * len(IDS)})
        pq.write_table(table, f"t{number}.parquet")
    before = contents(folder)
    members = ("m0.parquet", "m1.parquet", "m2.parquet")
    for arguments in (
        ("vote", "--method", "majority", "-o", *members),
        ("vote", "--method", "majority", "--audit", *members),
        ("fit", "--annotations", "annotations.json", "-o", *members),
        ("report", "--annotations", "annotations.json", "-o", *members),
        ("import", "-o", "t0.parquet", "t1.parquet"),
        ("build-map", "-o", "types.csv", "annotations.json"),
    ):
        assert cli(*arguments).code == 1, arguments
        assert contents(folder) == before


@pytest.mark.parametrize("name", ["map.csv", "s.csv", "s.parquet", "s.json.gz", "s.JSONL"])
def test_a_name_of_another_format_is_refused(cli: Runner, folder: Path, name: str) -> None:
    ran = cli(*VOTE, "-o", name)
    assert ran.code == 1
    assert "Give a file that ends in .json" in ran.err


@pytest.mark.parametrize("name", ["submission", "s.json", "s.2026", "s.txt"])
def test_other_names_are_the_users_own(cli: Runner, name: str) -> None:
    cli.good(*VOTE, "-o", name)
    assert len(json.loads(Path(name).read_bytes())) == len(IDS)


def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "vqa_ensemble", *arguments]
    return subprocess.run(command, check=True, capture_output=True, **options)  # type: ignore[call-overload,no-any-return]


@pytest.mark.parametrize("output", ["-", "/dev/stdout", "/dev/fd/1"])
def test_a_submission_goes_to_standard_output(folder: Path, output: str) -> None:
    run(*VOTE, "-o", "s.json")
    before = set(contents(folder))
    ran = run(*VOTE, "-o", output)
    assert ran.stdout == Path("s.json").read_bytes()
    assert b"majority" in ran.stderr
    assert set(contents(folder)) == before


def test_standard_output_that_is_a_file_is_written_to(folder: Path) -> None:
    Path("out").write_text("before\n")
    for _ in range(2):
        with Path("out").open("ab") as out:
            command = [sys.executable, "-m", "vqa_ensemble", "build-map", "annotations.json"]
            subprocess.run([*command, "-qo", "/dev/stdout"], check=True, stdout=out)
    begin, *tables = Path("out").read_text().split("answer,")
    assert begin == "before\n"
    assert tables[0] == tables[1]


def test_every_file_can_go_to_standard_output(cli: Runner) -> None:
    labelled = ("m0.parquet", "m1.parquet", "m2.parquet", "--annotations", "annotations.json")
    assert cli.good("build-map", "annotations.json", "-o", "-").out.startswith("answer,")
    assert 'method = "' in cli.good("fit", *labelled, "--method", "majority", "-o", "-").out
    assert cli.good("export", "answers.json", "--to", "gqa", "-o", "-").json[0]["prediction"]
    ran = cli.good("predict-types", "--train-questions", "questions.json", "--train-annotations",
                   "annotations.json", "--questions", "questions.json", "-o", "-")  # fmt: skip
    assert ran.out.splitlines()[0] == "question_id,question_type"


def test_parquet_on_standard_output_is_whole() -> None:
    ran = run("import", "answers.json", "-o", "-", "--member", "m")
    Path("again.parquet").write_bytes(ran.stdout)
    assert read_predictions("again.parquet").member == "m"


@pytest.mark.parametrize(
    "more", [("--json",), ("--audit", "-"), ("--engine", "ray"), ("--audit", "/dev/stdout")]
)
def test_standard_output_is_written_by_one(cli: Runner, more: tuple[str, ...]) -> None:
    ran = cli(*VOTE, "-o", "-", *more)
    assert ran.code in (1, 2)
    assert ran.out == ""


@pytest.fixture
def device(folder: Path) -> Iterator[Path]:
    """A device of its own that is like /dev/null."""
    path = folder / "null"
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("needs root")
    yield path
    path.unlink()


@pytest.mark.parametrize("linked", [False, True])
def test_a_device_stays_one(cli: Runner, device: Path, linked: bool) -> None:
    output = Path("null.json") if linked else device
    if linked:
        output.symlink_to(device)
    try:
        device.write_bytes(b"")
    except OSError:
        pytest.skip("needs a file system with devices")
    cli.good(*VOTE, "-o", output, "--audit", output)
    assert stat.S_ISCHR(device.stat().st_mode)
    assert not list(device.parent.glob("*provenance*"))


def test_a_pipe_is_written_to(cli: Runner) -> None:
    os.mkfifo("pipe")
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(Path("pipe").read_bytes()))
    reader.start()
    cli.good(*VOTE, "-o", "pipe")
    reader.join()
    assert len(json.loads(read[0])) == len(IDS)
    assert stat.S_ISFIFO(Path("pipe").stat().st_mode)


def test_a_full_device_is_said(cli: Runner) -> None:
    try:
        os.mknod("full", 0o666 | stat.S_IFCHR, os.makedev(1, 7))
        os.close(os.open("full", os.O_WRONLY))
    except PermissionError:
        pytest.skip("needs root, and a file system with devices")
    ran = cli(*VOTE, "-o", "full")
    assert ran.code == 1
    assert "full: cannot be written: No space left on device" in ran.err


def test_what_a_link_leads_to_is_replaced(cli: Runner) -> None:
    Path("kept").mkdir()
    Path("kept/s.json").write_text("old")
    Path("kept/s.json").chmod(0o640)
    Path("s.json").symlink_to("kept/s.json")
    Path("new.json").symlink_to("kept/new.json")
    for name in ("s.json", "new.json"):
        cli.good(*VOTE, "-o", name)
        assert Path(name).is_symlink()
        assert len(json.loads(Path("kept", name).read_bytes())) == len(IDS)
    assert stat.S_IMODE(Path("kept/s.json").stat().st_mode) == 0o640
    Path("loop.json").symlink_to("loop.json")
    assert "is a link that leads nowhere" in cli(*VOTE, "-o", "loop.json").err


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664, 0o400, 0o755])
def test_a_file_that_is_replaced_passes_on_its_mode(cli: Runner, mode: int) -> None:
    Path("s.json").write_text("old")
    Path("s.json").chmod(mode)
    cli.good(*VOTE, "-o", "s.json")
    assert stat.S_IMODE(Path("s.json").stat().st_mode) == mode


def test_what_an_unfinished_file_holds_is_no_more_open_than_the_old_one(tmp_path: Path) -> None:
    from vqa_ensemble.files.atomic import atomic_path

    path = tmp_path / "secret"
    path.write_text("old")
    path.chmod(0o600)
    with atomic_path(path) as temporary:
        assert stat.S_IMODE(temporary.stat().st_mode) == 0o600
        temporary.write_text("new")
    assert path.read_text() == "new"


def test_no_name_of_an_input_is_written_by_a_function(tmp_path: Path) -> None:
    """Files whose names are made up on the way are held to it too."""
    path = tmp_path / "made.txt"
    path.write_text("input")
    with inputs_kept([path]):
        with pytest.raises(InputError, match="is an input"):
            atomic_write(tmp_path / "." / "made.txt", b"output")
        atomic_write(tmp_path / "other.txt", b"output")
    atomic_write(path, b"output")


def test_files_of_the_user_that_look_temporary_stay(
    cli: Runner, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = folder / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    keep = folder / "keep"
    keep.mkdir()
    for name in ("vqa-ensemble-notes", "vqa-ensemble-abcdefgh", "vqa-ensemble-0123456_"):
        (scratch / name).mkdir()
        (scratch / name / "thesis.txt").write_text("mine")
        (scratch / name / ".lock").write_text("")
    (scratch / "vqa-ensemble-aaaaaaaa").write_text("mine")  # a file
    (scratch / "vqa-ensemble-bbbbbbbb").symlink_to(keep)  # a link
    (keep / "thesis.txt").write_text("mine")
    with scratch_folder() as own:
        shutil.copy(own / ".lock", keep / ".lock")
    for name in (".s.json.backup.tmp", ".s.json.0123abcd.tmp", ".s.json.vqa-ensemble-notes.tmp"):
        Path(name).write_text("mine")
    Path(".s.json.vqa-ensemble-0123abcd.tmp").symlink_to("keep/thesis.txt")
    for path in folder.rglob("*"):
        os.utime(path, (0, 0), follow_symlinks=False)
    make_old(folder)
    before = contents(folder)
    cli.good(*VOTE, "-o", "s.json", "--no-provenance")
    after = contents(folder)
    after.pop("s.json")
    assert after == before
    assert Path(".s.json.vqa-ensemble-0123abcd.tmp").is_symlink()


def test_what_a_killed_run_left_is_removed(
    cli: Runner, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = folder / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    with scratch_folder() as own:
        shutil.copytree(own, scratch / "vqa-ensemble-abcdefgh")
    Path(".s.json.vqa-ensemble-0123abcd.tmp").write_text("half")
    make_old(folder)
    cli.good(*VOTE, "-o", "s.json")
    assert list(scratch.iterdir()) == []
    assert not Path(".s.json.vqa-ensemble-0123abcd.tmp").exists()


def test_a_long_name_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("ä" * 127)
    atomic_write(path, b"whole")
    assert list(tmp_path.glob("ä*")) == [path]


BUILD = ("build-map", "annotations.json", "-o")


@pytest.mark.parametrize("name", ["built.csv", "built.parquet"])
def test_a_built_map_is_built_again(cli: Runner, name: str) -> None:
    cli.good(*BUILD, name)
    first = Path(name).read_bytes()
    cli.good(*BUILD, name)
    assert Path(name).read_bytes() == first


EDITS = {
    "a count": ("red,other,100,1,", "red,other,7,1,"),
    "a count of one type": ("yes,yes/no,100,1,", "yes,yes/no,101,1,"),
    "a share": ("yes,yes/no,100,1,", "yes,yes/no,100,0.9,"),
    "a type": ("red,other,100", "red,colour,100"),
    "a row more": ("red,other,100,1,\n", "red,other,100,1,\nblue,other,,\n"),
    "a row less": ("red,other,100,1,\n", ""),
}


def without_digest(text: str) -> str:
    """A map as an earlier version wrote it."""
    return "".join(line.rsplit(",", 1)[0] + "\n" for line in text.splitlines())


# Without a digest, what shares and order give away is known.
@pytest.mark.parametrize(
    ("edit", "recorded"), [*((edit, True) for edit in EDITS), ("a row more", False)]
)
def test_an_edited_map_is_kept(cli: Runner, edit: str, recorded: bool) -> None:
    cli.good(*BUILD, "built.csv")
    text = Path("built.csv").read_text()
    assert EDITS[edit][0] in text
    edited = text.replace(*EDITS[edit])
    edited = edited if recorded else without_digest(edited)
    Path("built.csv").write_text(edited)
    ran = cli(*BUILD, "built.csv")
    assert ran.code == 1
    assert "--force" in ran.err
    assert Path("built.csv").read_text() == edited
    cli.good(*BUILD, "built.csv", "--force")
    assert Path("built.csv").read_text() == text


def test_a_map_that_a_spreadsheet_saved_is_as_built(cli: Runner) -> None:
    cli.good(*BUILD, "built.csv")
    header, *lines = Path("built.csv").read_text().splitlines()
    saved = "\r\n".join([header, *reversed(lines), ""])
    Path("built.csv").write_bytes(b"\xef\xbb\xbf" + saved.encode())
    cli.good(*BUILD, "built.csv")


def test_a_map_of_an_earlier_version_is_good(cli: Runner) -> None:
    cli.good(*BUILD, "built.csv")
    new = Path("built.csv").read_text()
    Path("built.csv").write_text(without_digest(new))
    cli.good("vote", "m0.parquet", "m1.parquet", "--map", "built.csv", "-o", "s.json")
    cli.good(*BUILD, "built.csv")
    assert Path("built.csv").read_text() == new


def test_an_empty_file_may_become_a_map(cli: Runner) -> None:
    Path("built.csv").touch()
    cli.good(*BUILD, "built.csv")
