"""vqa-ensemble export"""

from __future__ import annotations

import click

from vqa_ensemble.cli.common import OutputFile, console, output_options, print_json
from vqa_ensemble.leaderboards.files import LEADERBOARDS


@click.command("export")
@click.argument("answers", type=click.Path())
@click.option(
    "--to",
    "leaderboard",
    required=True,
    type=click.Choice(list(LEADERBOARDS)),
    help="The leaderboard whose file to write.",
)
@click.option("-o", "--output", required=True, type=OutputFile(), help="File to write.")
@click.option(
    "--questions",
    type=click.Path(),
    help="The benchmark's questions: the file is checked against them; nothing wrong is written.",
)
@click.option("--fill", metavar="ANSWER", help="Answer for questions that have none.")
@click.option(
    "--multiple-choice",
    type=click.Path(),
    help="Answers among the options, for A-OKVQA's second score.",
)
@output_options
def command(
    answers: str,
    leaderboard: str,
    output: str,
    questions: str | None,
    fill: str | None,
    multiple_choice: str | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Write answers as the file that a leaderboard takes.

    ANSWERS is a submission (.json) that 'vote' wrote, or a prediction file (.parquet), of which
    each question's most confident answer is taken. Exits with 1, and writes nothing, if the
    leaderboard would refuse the file.

    \b
    Examples:
      vqa-ensemble export submission.json --to gqa --questions test_questions.json -o gqa.json
      vqa-ensemble export submission.json --to csv -o answers.csv
    """
    from vqa_ensemble.leaderboards.export import export_answers

    report = export_answers(
        answers,
        output,
        leaderboard,
        questions=questions,
        fill=fill,
        multiple_choice=multiple_choice,
    )
    if as_json:
        print_json(report)
    else:
        out = console()
        for problem in report.problems:
            out.print(f"{problem.level}: {problem}")
        if report.ok and not quiet:
            filled = f", {report.filled:,} filled in" if report.filled else ""
            out.print(f"Wrote {output}: {report.answers:,} answers{filled}")
    if not report.ok:
        raise SystemExit(1)
