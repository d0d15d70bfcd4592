"""Many models' logs at once: which files are whose, and of the split that is asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from vqa_ensemble.errors import InputError
from vqa_ensemble.importers.base import ImportOptions
from vqa_ensemble.importers.detect import detect_format

_ENDINGS = (".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".xlsx", ".parquet")
_SPLIT = re.compile(
    r"(?<![a-z])(train|minival|validation|val|test-?dev|test-?std|testdev|dev|test)(?![a-z])", re.I
)
_SAMPLES = re.compile(r"(?:.*_)?samples_(.+)")  # of lmms-eval
# What tools leave beside their answers: scores and checkpoints.
_BESIDE = re.compile(r"(?:^|_)(results|acc|score|auxmatch|openai_result|checkpoint|PREV)$")
# Parts of names that tell parts of one run, not tasks.
_PARTS = re.compile(r"rank|chunk|part|shard|gpu|of|[\d_.\-]")
_OTHER = ("is of no known format", "holds no list of rows", "holds no rows")


class Logs(NamedTuple):
    """The files of each model, and why others were left out."""

    members: dict[str, list[str]]
    left_out: dict[str, str]


def find_logs(
    inputs: Sequence[str], output: str, split: str | None, options: ImportOptions
) -> Logs:
    """The logs in folders, by model: a folder's name, or of a file beside others its own.

    Parameters
    ----------
    inputs : sequence of str
        Folders, or files.
    output : str
        The folder to write to, in which nothing is a log.
    split : str, optional
        Files that name another one are left out.
    options : ImportOptions

    Raises
    ------
    InputError
        If there are none, or a model's files are of several splits or tasks.
    """
    members: dict[str, list[str]] = {}
    left_out: dict[str, str] = {}
    named: dict[str, set[str]] = {}
    written = Path(output).resolve()
    for model, path in _files(inputs):
        if written in path.resolve().parents:
            continue
        of_split = _split(path.stem)
        if split and of_split and of_split != _split(split):
            left_out[str(path)] = f"is of the split {of_split}"
        elif _BESIDE.search(path.stem):
            left_out[str(path)] = "holds scores or a checkpoint, by its name"
        elif (reason := _unreadable(path, options)) is not None:
            left_out[str(path)] = reason
        else:
            members.setdefault(model, []).append(str(path))
            named.setdefault(model, set()).add(of_split)
    for model, paths in members.items():
        splits = sorted(filter(None, named[model]))
        if len(splits) > 1:
            raise InputError(
                f"the logs of {model} are of the splits {' and '.join(splits)}",
                fix="Choose one with --split.",
            )
        tasks = {_task(Path(path)): path for path in paths}
        if len(tasks) > 1:
            raise InputError(
                f"the logs of {model} are of several tasks: {', '.join(sorted(tasks.values()))}",
                fix="Give the files of one task.",
            )
    if not members:
        raise InputError(
            "there are no logs to import", path=inputs[0], fix="Check the folder and --split."
        )
    return Logs(members, left_out)


def _files(inputs: Sequence[str]) -> list[tuple[str, Path]]:
    """Each file with its model."""
    found = []
    for one in map(Path, inputs):
        inside = sorted(one.rglob("*")) if one.is_dir() else [one]
        for path in inside:
            if one.is_dir() and (path.suffix.lower() not in _ENDINGS or path.is_dir()):
                continue
            parts = path.relative_to(one).parts if one.is_dir() else (path.name,)
            of_run = _SAMPLES.fullmatch(path.stem) is not None
            model = parts[0] if len(parts) > 1 else path.stem
            if len(parts) == 1 and of_run:
                model = path.resolve().parent.name
            found.append((model, path))
    return found


def _split(name: str) -> str:
    last = [*_SPLIT.finditer(name)][-1:]
    return last[0][1].lower().replace("validation", "val").replace("-", "") if last else ""


def _task(path: Path) -> str:
    samples = _SAMPLES.fullmatch(path.stem)
    return samples[1] if samples else _PARTS.sub("", path.stem.lower())


def _unreadable(path: Path, options: ImportOptions) -> str | None:
    """Why a file is no log, if it is none; what is broken is an error."""
    try:
        detect_format(str(path), options)
    except InputError as error:
        if error.problem.startswith(_OTHER):
            return error.problem
        raise
    return None
