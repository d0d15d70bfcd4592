"""vqa-ensemble verify"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vqa_ensemble.cli.common import console, output_options, print_json
from vqa_ensemble.errors import InputError

if TYPE_CHECKING:
    from vqa_ensemble.elections.provenance import Record


@click.command("verify")
@click.argument("submission", type=click.Path(path_type=Path))
@click.option("--rerun", is_flag=True, help="Run the recorded command again and compare the bytes.")
@output_options
def command(submission: Path, rerun: bool, as_json: bool, quiet: bool, verbose: bool) -> None:
    """Check that a submission is the one its record describes, and that it can be made again.

    'vote' writes the record beside the submission: the command, versions, and the SHA-256 of
    every input and output. Exit code 1 says that a file is missing or has changed, or that the
    command run again gave other bytes.

    \b
    Example:
      vqa-ensemble verify submission.json --rerun
    """
    from vqa_ensemble.elections.provenance import verify

    found = verify(submission)
    problems = list(found.problems)
    if rerun and not problems:
        problems += _rerun(submission, found.record)
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


def _rerun(submission: Path, record: Record) -> list[str]:
    """Run the recorded command into another file; what differs."""
    from vqa_ensemble.cli import group
    from vqa_ensemble.elections.provenance import fingerprint, work_folder
    from vqa_ensemble.files.atomic import scratch_folder

    if record.arguments[:1] != ["vote"]:  # a record is a file like any other: not trusted
        raise InputError(
            f"its record is of '{' '.join(record.arguments[:1])}', not of a vote",
            path=submission,
            fix="Leave out --rerun.",
        )
    before = Path.cwd()
    with scratch_folder() as folder:
        again = folder / "submission.json"
        arguments = [*record.arguments, "-o", str(again), "--no-provenance", "--quiet"]
        if len(record.outputs) > 1:
            arguments += ["--audit", str(folder / "audit.parquet")]
        os.chdir(work_folder(record))
        try:
            group.main(arguments, prog_name="vqa-ensemble", standalone_mode=False)
        finally:
            os.chdir(before)
        if fingerprint(again).sha256 != record.outputs[0].sha256:
            return [f"{submission}: the command run again gives other bytes"]
    return []
