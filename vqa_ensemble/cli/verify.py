"""vqa-ensemble verify"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vqa_ensemble.cli.common import choice, console, output_options, print_json, read_vote_options
from vqa_ensemble.elections.options import ENGINES
from vqa_ensemble.errors import InputError, shown
from vqa_ensemble.files.locations import is_url

if TYPE_CHECKING:
    from vqa_ensemble.elections.provenance import Record


@click.command("verify")
@click.argument("submission", type=click.Path(path_type=Path))
@click.option("--rerun", is_flag=True, help="Run the recorded command again and compare the bytes.")
@click.option("--allow-urls", is_flag=True, help="Read what the record names by URL.")
@click.option(
    "--allow-outside",
    is_flag=True,
    help="Vote again with files that lie neither below the submission's folder nor below this one.",
)
@choice("--engine", ENGINES, "What votes again, whatever the record says.")
@click.option("--address", help="Ray cluster to use; Ray's own default if not given.")
@output_options
def command(
    submission: Path,
    rerun: bool,
    allow_urls: bool,
    allow_outside: bool,
    engine: str,
    address: str | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Check that a submission is the one its record describes, and that it can be made again.

    'vote' writes the record beside the submission: the command, versions, and the SHA-256 of
    every input and output. Exit code 1 says that a file is missing or has changed, or that the
    command run again gave other bytes.

    A record is a file like any other and may come from anybody: of its command only what decides
    the votes is run again, with the files that the options allow, into a temporary file.

    \b
    Example:
      vqa-ensemble verify submission.json --rerun
    """
    from vqa_ensemble.elections.provenance import verify, work_folder

    here = Path.cwd()
    found = verify(submission, allow_urls=allow_urls)
    problems = list(found.problems)
    if rerun and not problems:
        os.chdir(work_folder(found.record))
        try:
            options = _recorded_options(submission, found.record.arguments)
            roots = [here, (here / submission).parent]
            _check_files(options, None if allow_outside else roots, allow_urls)
            problems += _rerun(here / submission, found.record, options, engine, address)
        finally:
            os.chdir(here)
    if as_json:
        print_json(
            {
                "submission": str(submission),
                "checked": found.checked,
                "rerun": rerun,
                "problems": problems,
                "notes": found.notes,
            }
        )
    elif not quiet:
        out = console()
        for note in found.notes:
            out.print(note)
        if not problems:
            again = ", and the command run again gives the same bytes" if rerun else ""
            out.print(f"{submission}: {found.checked} files are as recorded{again}")
    if problems:
        raise InputError("; ".join(problems), fix="Vote again, or restore the files.")


LEAVE_OUT = "Leave out --rerun."
# What of a recorded vote is run again: what decides its bytes, and nothing that writes or connects.
DECIDING = (
    "predictions", "map_name", "method", "ensemble", "question_types", "revote", "soft_map",
    "unseen", "normalize", "merge", "synonyms", "missing",
)  # fmt: skip


def _recorded_options(submission: Path, arguments: Sequence[str]) -> dict[str, Any]:
    """What a recorded vote was told that decides its result."""
    from vqa_ensemble.cli import vote

    if any("\0" in argument for argument in arguments):
        raise InputError("the command of its record has a NUL", path=submission, fix=LEAVE_OUT)
    if list(arguments[:1]) != ["vote"]:
        raise InputError(
            f"its record is of {shown(' '.join(arguments[:1]))}, not of a vote",
            path=submission,
            fix=LEAVE_OUT,
        )
    parser = click.Command("vote", params=vote.command.params, add_help_option=False)
    try:
        given = parser.make_context("vote", list(arguments[1:])).params
    except click.ClickException as error:
        raise InputError(
            f"the command of its record cannot be run ({error.format_message()})",
            path=submission,
            fix=LEAVE_OUT,
        ) from error
    return {name: given[name] for name in DECIDING}


def _check_files(
    options: Mapping[str, Any], roots: Sequence[Path] | None, allow_urls: bool
) -> None:
    """Raise InputError if a recorded command reads what it may not."""
    from vqa_ensemble.questions.table import split_column
    from vqa_ensemble.resources import find_map, maps_folder

    types = options["question_types"]
    paths = [*options["predictions"], options["ensemble"], options["synonyms"]]
    for path in filter(None, [*paths, options["map_name"], types]):
        if is_url(path) and not allow_urls:
            raise InputError("its record reads a URL", path=path, fix="Allow it: --allow-urls.")
    if roots is None:
        return
    if options["map_name"]:
        paths.append(find_map(options["map_name"]))
    if types:
        paths.append(split_column(types, "question_type")[0])
    within = [root.resolve() for root in [*roots, maps_folder()]]
    for path in filter(None, paths):
        if not is_url(path) and not any(Path(path).resolve().is_relative_to(r) for r in within):
            raise InputError(
                "its record reads a file that lies neither below its folder nor below this one",
                path=path,
                fix="Allow it: --allow-outside.",
            )


def _rerun(
    submission: Path,
    record: Record,
    options: Mapping[str, Any],
    engine: str,
    address: str | None,
) -> list[str]:
    """Vote again into another file; what differs."""
    from vqa_ensemble.cli.vote import ray_engine
    from vqa_ensemble.elections.provenance import fingerprint
    from vqa_ensemble.elections.vote import vote_files
    from vqa_ensemble.files.atomic import scratch_folder

    with scratch_folder() as folder:
        again = folder / "submission.json"
        voting = {name: value for name, value in options.items() if name != "predictions"}
        vote_files(
            options["predictions"],
            read_vote_options(**voting),
            output=again,
            engine=ray_engine(str(again), address) if engine == "ray" else None,
        )
        if fingerprint(again).sha256 != record.outputs[0].sha256:
            return [f"{submission}: the command run again gives other bytes"]
    return []
