"""vqa-ensemble check"""

from __future__ import annotations

import click

from vqa_ensemble.cli.common import (
    OutputFile,
    console,
    id_option,
    key_file,
    output_options,
    print_json,
)
from vqa_ensemble.leaderboards.files import LEADERBOARDS, VQA


@click.command("check")
@click.argument("submission", type=click.Path())
@click.option("--questions", type=click.Path(), help="Questions that it must answer.")
@click.option(
    "--annotations", type=click.Path(), help="Annotations, where there is no questions file."
)
@click.option(
    "--leaderboard",
    type=click.Choice(list(LEADERBOARDS)),
    help="Whose rules to check; those of every VQA leaderboard if not given.",
)
@click.option(
    "--members",
    multiple=True,
    type=click.Path(),
    help="Prediction file whose answers these should be like; repeat.",
)
@click.option("--fix", is_flag=True, help="Write to --output what can be mended, and check that.")
@click.option("--fill", metavar="ANSWER", help="With --fix: the answer where there is none.")
@click.option("-o", "--output", type=OutputFile(), help="File to write with --fix.")
@id_option
@output_options
def command(
    submission: str,
    questions: str | None,
    annotations: str | None,
    leaderboard: str | None,
    members: tuple[str, ...],
    fix: bool,
    fill: str | None,
    output: str | None,
    id_column: str,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Check that a submission answers every question once, in the form a leaderboard takes.

    Says everything that is wrong, with counts and the first few question ids: of the form, and of
    answers that are a model's text, its reasoning, or letters where words are due. Exits with 1 if
    there is an error; warnings alone leave 0. --fix mends types of ids, rows given twice and, with
    --fill, answers that are empty or missing.

    \b
    Examples:
      vqa-ensemble check submission.json --questions questions.json
      vqa-ensemble check gqa.json --leaderboard gqa --questions submission_all_questions.json
      vqa-ensemble check submission.json --questions questions.json --fix -o fixed.json
    """
    if (questions is None) == (annotations is None):
        raise click.UsageError("give one of --questions and --annotations")
    if fix != (output is not None) or (fill is not None and not fix):
        raise click.UsageError("--fix and --output go together, and --fill with them")
    from vqa_ensemble.files.atomic import is_stream
    from vqa_ensemble.files.text import check_own_ending
    from vqa_ensemble.leaderboards.check import check_file

    if output is not None and not is_stream(output):
        board = LEADERBOARDS[leaderboard] if leaderboard else VQA
        check_own_ending(output, board.endings)

    known = key_file(str(questions or annotations), id_column)
    report = check_file(submission, known, leaderboard, members=members, fixed=output, fill=fill)
    if as_json:
        print_json(report)
    else:
        out = console()
        for problem in report.problems:
            out.print(f"{problem.level}: {problem}")
        for what, count in report.mended.items():
            out.print(f"mended: {what}: {count:,}")
        if report.ok and not quiet:
            size = f"{report.questions:,} questions, {report.bytes:,} bytes"
            out.print(f"{submission}: good, {size}")
    if not report.ok:
        raise SystemExit(1)
