"""vqa-ensemble check"""

from __future__ import annotations

import click

from vqa_ensemble.cli.common import console, output_options, print_json
from vqa_ensemble.formats.leaderboards import LEADERBOARDS


@click.command("check")
@click.argument("submission", type=click.Path())
@click.option("--questions", type=click.Path(), help="Questions JSON that it must answer.")
@click.option(
    "--annotations", type=click.Path(), help="Annotations JSON, where there is no questions file."
)
@click.option(
    "--leaderboard",
    type=click.Choice(list(LEADERBOARDS)),
    help="Whose rules to check; those of every VQA leaderboard if not given.",
)
@output_options
def command(
    submission: str,
    questions: str | None,
    annotations: str | None,
    leaderboard: str | None,
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
    import os

    from vqa_ensemble.formats.benchmarks import read_benchmark_questions
    from vqa_ensemble.formats.leaderboards import VQA, read_rows
    from vqa_ensemble.scoring.submission_check import check_submission

    known = read_benchmark_questions(str(questions or annotations))
    board = LEADERBOARDS[leaderboard] if leaderboard else VQA
    ids = known.images if board.id_key == "image" else known.question_ids
    size = os.path.getsize(submission) if os.path.isfile(submission) else 0
    problems = check_submission(
        read_rows(submission, board),
        ids,  # type: ignore[arg-type]
        size=size,
        leaderboard=board,
        questions=known,
    )
    good = all(problem.level != "error" for problem in problems)
    if as_json:
        print_json(
            {
                "submission": submission,
                "leaderboard": leaderboard,
                "ok": good,
                "questions": len(ids),
                "bytes": size,
                "problems": [vars(problem) for problem in problems],
            }
        )
    else:
        out = console()
        for problem in problems:
            out.print(f"{problem.level}: {problem}", markup=False)
        if good and not quiet:
            out.print(f"{submission}: good, {len(ids):,} questions, {size:,} bytes", markup=False)
    if not good:
        raise SystemExit(1)
