"""vqa-ensemble check"""

from __future__ import annotations

import click

from vqa_ensemble.cli.common import console, id_option, key_file, output_options, print_json
from vqa_ensemble.leaderboards.files import LEADERBOARDS


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
@id_option
@output_options
def command(
    submission: str,
    questions: str | None,
    annotations: str | None,
    leaderboard: str | None,
    id_column: str,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Check that a submission answers every question once, in the form a leaderboard takes.

    Says everything that is wrong, with counts and the first few question ids. Exits with 1 if
    there is an error; warnings alone leave 0.

    \b
    Examples:
      vqa-ensemble check submission.json --questions questions.json
      vqa-ensemble check gqa.json --leaderboard gqa --questions submission_all_questions.json
    """
    if (questions is None) == (annotations is None):
        raise click.UsageError("give one of --questions and --annotations")
    from vqa_ensemble.leaderboards.check import check_file

    known = key_file(str(questions or annotations), id_column)
    report = check_file(submission, known, leaderboard)
    if as_json:
        print_json(report)
    else:
        out = console()
        for problem in report.problems:
            out.print(f"{problem.level}: {problem}", markup=False)
        if report.ok and not quiet:
            size = f"{report.questions:,} questions, {report.bytes:,} bytes"
            out.print(f"{submission}: good, {size}", markup=False)
    if not report.ok:
        raise SystemExit(1)
