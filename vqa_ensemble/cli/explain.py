"""vqa-ensemble explain"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from vqa_ensemble.cli.common import (
    check_normalize,
    console,
    key_file,
    key_options,
    metric_option,
    output_options,
    print_json,
    read_vote_options,
    status,
    voting_options,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from vqa_ensemble.report.explanation import CountedAnswer, CountedType, Explanation, MemberVote

# What a screen holds: further answers of a member, and candidates of a tally; -v shows all.
_ANSWERS, _CANDIDATES = 3, 8
_BAR_WIDTH = 24


@click.command("explain")
@click.argument("question_id")
@click.argument("predictions", nargs=-1, required=True, type=click.Path())
@voting_options
@click.option(
    "--questions", metavar="FILE", help="Questions JSON, parquet or CSV with the questions' words."
)
@click.option(
    "--annotations",
    metavar="FILE",
    help="Annotations JSON, or a table with one right answer, to say how right each answer is.",
)
@key_options
@metric_option
@output_options
def command(
    question_id: str,
    predictions: tuple[str, ...],
    questions: str | None,
    annotations: str | None,
    id_column: str,
    type_column: str,
    metric: str | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    **voting: Any,
) -> None:
    """Show how the answer to one question came about, step by step.

    First every member's vote, then the votes counted, summed by question type, the type that
    wins, the members' votes inside that type, and the answer with most of these. PREDICTIONS
    are parquet files, one a member; one that lacks the question abstains.

    \b
    Example:
      vqa-ensemble explain 262148000 preds/val/*.parquet --map vqa-v2 --annotations val.json
    """
    check_normalize(voting)
    if metric is not None and annotations is None:
        raise click.UsageError("--metric needs --annotations, to score by")
    from vqa_ensemble.report.explanation import explain_question

    with status(f"Voting over {len(predictions)} members", quiet=quiet):
        record = explain_question(
            predictions,
            question_id,
            read_vote_options(**voting, missing="abstain"),
            questions=questions,
            annotations=annotations and key_file(annotations, id_column, type_column),
            metric=metric,
        )
    if as_json:
        print_json(record.to_dict())
    else:
        _print(record, verbose)


def _print(record: Explanation, verbose: bool) -> None:
    from rich.markup import escape

    out, scores = console(markup=True), record.scores
    present = sum(member.vote is not None for member in record.members)
    words = f": {escape(record.question)}" if record.question is not None else ""
    out.print(f"[bold]Question {escape(str(record.question_id))}[/bold]{words}")
    out.print(f"{present} of {len(record.members)} members vote, method {record.method}")

    out.print("\n[bold]1. First votes[/bold]")
    out.print(_first_votes(record.members, None if verbose else _ANSWERS))
    out.print("\n[bold]2. Counted[/bold]")
    again = record.type_votes is not None or record.votes != record.first_votes
    out.print(_counts(record.first_votes, scores, None if again else record, verbose))
    if record.question_type is not None:
        _print_types(out, record, record.question_type)
    if again:
        step = "3. Weighed" if record.type_votes is None else "5. Counted again"
        out.print(f"\n[bold]{step}[/bold]")
        out.print(_counts(record.votes, scores, record, verbose))

    out.print(f"\n[bold]Answer: {escape(record.answer)}[/bold]")
    if record.majority_answer != record.answer:
        out.print(f"A plain majority would say {escape(record.majority_answer)}.")
    if scores is not None and record.right_answers is not None:
        said = (
            escape(answer) + (f" \N{MULTIPLICATION SIGN}{people}" if people > 1 else "")
            for answer, people in record.right_answers.items()
        )
        score = f"{100 * scores.get(record.answer, 0):.0f} % by {record.metric}"
        out.print(f"Right: {', '.join(said)}. Score {score}.")


def _print_types(out: Console, record: Explanation, winner: str) -> None:
    """The type vote and what it changes, or only the type where there was none."""
    from rich.markup import escape

    if record.type_votes is None:
        out.print(f"\nThe question is of the type {escape(winner)}.")
        return
    out.print("\n[bold]3. Summed by question type[/bold]")
    out.print(_type_votes(record.type_votes, winner, record.type_tie_break))
    out.print(f"\n[bold]4. Votes inside {escape(winner)}[/bold]")
    changed = [m for m in record.members if m.revote != m.vote]
    if changed:
        out.print(_revotes(changed))
    stay = sum(m.vote is not None and m.vote == m.revote for m in record.members)
    if stay:
        out.print(f"{'The other ' if changed else ''}{stay} stay with their first vote.")


def _table(*columns: str, right: Sequence[str] = ()) -> Table:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 2), header_style="dim")
    for name in columns:
        table.add_column(name, justify="right" if name in right else "left", no_wrap=name in right)
    return table


def _first_votes(members: Sequence[MemberVote], further: int | None) -> Table:
    from rich.markup import escape

    table = _table("member", "votes", "confidence", "then", right=("confidence",))
    for member in members:
        if not member.answers:
            table.add_row(escape(member.member), "[dim]lacks the question[/dim]")
            continue
        first, *rest = member.answers
        others = [f"{escape(a.answer)} {a.confidence:.2f}" for a in rest[:further]]
        others += ["…"] if len(others) < len(rest) else []
        table.add_row(
            escape(member.member),
            escape(first.answer),
            f"{first.confidence:.2f}",
            f"[dim]{', '.join(others)}[/dim]",
        )
    return table


def _counts(
    counts: Sequence[CountedAnswer],
    scores: dict[str, float] | None,
    decided: Explanation | None,
    verbose: bool,
) -> Table:
    """Candidates by votes; the winner is marked if this is the round that ``decided``."""
    from rich.markup import escape

    typed = any(count.question_type for count in counts)
    columns = ["answer", "votes", "confidence"]
    columns += ["type"] if typed else []
    columns += ["score"] if scores is not None else []
    table = _table(*columns, "", right=("votes", "confidence", "score"))
    for count in counts if verbose else counts[:_CANDIDATES]:
        answer = count.answer
        row = [escape(answer), _votes(count.votes), f"{count.confidence:.2f}"]
        row += [escape(count.question_type or "")] if typed else []
        row += [f"{100 * scores.get(answer, 0):.0f} %"] if scores is not None else []
        wins = decided is not None and answer == decided.answer
        mark = ""
        if wins and decided is not None:
            mark = "← wins" + _tie(decided.tie_break)
        table.add_row(*row, mark, style="bold green" if wins else None)
    if not verbose and len(counts) > _CANDIDATES:
        table.add_row(f"[dim]and {len(counts) - _CANDIDATES} more[/dim]")
    return table


def _type_votes(counts: Sequence[CountedType], winner: str, tie_break: str | None) -> Table:
    from rich.markup import escape

    table = _table("type", "votes", "", right=("votes",))
    votes_of = {count.question_type: count.votes for count in counts}
    most = max(votes_of.values())
    votes_of.setdefault(winner, 0)
    for name, votes in sorted(votes_of.items(), key=lambda pair: -pair[1]):
        wins = name == winner
        bar = "█" * math.ceil(_BAR_WIDTH * votes / most)
        mark = ""
        if wins:
            # A type that does not lead was named by a table.
            given = votes < most
            mark = " ← given" if given else " ← wins" + _tie(tie_break)
        table.add_row(
            escape(name),
            _votes(votes),
            bar + mark,
            style="bold green" if wins else None,
        )
    return table


def _revotes(members: Sequence[MemberVote]) -> Table:
    from rich.markup import escape

    table = _table("member", "first", "again")
    for member in members:
        first, again = (
            "[dim]abstains[/dim]" if answer is None else escape(answer)
            for answer in (member.vote, member.revote)
        )
        table.add_row(escape(member.member), first, again)
    return table


def _tie(rule: str | None) -> str:
    """What broke a tie, in words."""
    words = {
        "confidence": "larger summed confidence",
        "count": "more frequent in the map",
        "prior": "more frequent in the map",
        "alphabetical": "first in the alphabet",
    }
    return "" if rule is None else f", tied: {words[rule]}"


def _votes(votes: float) -> str:
    return f"{votes:.0f}" if votes == int(votes) else f"{votes:.2f}"
