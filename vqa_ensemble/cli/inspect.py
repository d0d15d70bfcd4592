"""vqa-ensemble inspect"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from vqa_ensemble.cli.common import console, new_table, output_options, print_json, status, warn

if TYPE_CHECKING:
    from vqa_ensemble.elections.inspection import Inspection


@click.command("inspect")
@click.argument("predictions", nargs=-1, required=True, type=click.Path())
@output_options
def command(predictions: tuple[str, ...], as_json: bool, quiet: bool, verbose: bool) -> None:
    """Show what prediction files hold, and how far their members agree.

    Agreement is the share of questions on which a member's top answer equals another's,
    averaged over the other members; --json has every pair, -v all metadata.

    \b
    Example:
      vqa-ensemble inspect preds/test/*.parquet
    """
    from vqa_ensemble.elections.inspection import inspect_files

    with status(f"Reading {len(predictions)} files", quiet=quiet):
        report = inspect_files(predictions)
    for caution in report.cautions:
        warn(caution.message)
    if as_json:
        print_json(report.to_dict())
        return
    _print(report, verbose)


def _print(report: Inspection, verbose: bool) -> None:
    columns = ("member", "rows", "questions", "k", "answers", "agreement", "metadata")
    table = new_table(*columns, left={"metadata"})
    for member in report.members:
        known = {key: value for key, value in asdict(member.metadata).items() if value}
        shown = (
            known if verbose else {k: known[k] for k in ("dataset", "split", "seed") if k in known}
        )
        low, high = member.answers_per_question
        table.add_row(
            member.member,
            f"{member.rows:,}",
            f"{member.questions:,}",
            f"{high}" if low == high else f"{low}-{high}",
            f"{member.distinct_answers:,}",
            "" if member.agreement is None else f"{member.agreement:.1%}",
            ", ".join(f"{k}={v.splitlines()[0][:60]}" for k, v in shown.items() if k != "member"),
        )
    out = console()
    out.print(table)
    if len(report.members) > 1:
        out.print(
            f"{report.questions:,} questions, {report.common_questions:,} of them answered "
            f"by all; {report.distinct_answers:,} distinct answers; unanimous on "
            f"{report.unanimous:,}"
        )
