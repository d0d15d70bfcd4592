"""vqa-ensemble check"""

from __future__ import annotations

import click

from vqa_ensemble.cli.common import console, json_option, output_options, print_json


@click.command("check")
@click.argument("submission", type=click.Path())
@click.option("--questions", type=click.Path(), help="Questions JSON that it must answer.")
@click.option(
    "--annotations", type=click.Path(), help="Annotations JSON, where there is no questions file."
)
@json_option
@output_options
def command(
    submission: str,
    questions: str | None,
    annotations: str | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Check that a submission answers every question once, in the form a leaderboard takes.

    Says everything that is wrong, with counts and the first few question ids. Exits with 1 if
    there is an error; warnings alone leave 0.

    \b
    Example:
      vqa-ensemble check submission.json --questions questions.json
    """
    if (questions is None) == (annotations is None):
        raise click.UsageError("give either --questions or --annotations")
    import os

    from vqa_ensemble.formats.vqa_json import read_annotations, read_json, read_questions
    from vqa_ensemble.scoring.submission_check import check_submission

    if questions is not None:
        ids = read_questions(questions).question_ids.tolist()
    else:
        assert annotations is not None
        ids = read_annotations(annotations).question_ids.tolist()
    document = read_json(submission)
    size = os.path.getsize(submission)
    problems = check_submission(document, ids, size=size)
    good = all(problem.level != "error" for problem in problems)
    if as_json:
        print_json(
            {
                "submission": submission,
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
