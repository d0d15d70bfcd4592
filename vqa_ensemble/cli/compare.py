"""vqa-ensemble compare"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from vqa_ensemble.cli.common import (
    console,
    labelled_options,
    new_table,
    output_options,
    print_json,
    progress,
    read_labelled,
)

if TYPE_CHECKING:
    from vqa_ensemble.learning.comparison import MethodComparison
    from vqa_ensemble.learning.evaluation.bootstrap import Comparison


@click.command("compare")
@click.argument("predictions", nargs=-1, required=True, type=click.Path())
@labelled_options
@click.option(
    "--methods", metavar="NAME,…", help="Compare only these, and majority and best-single."
)
@click.option("--folds", default=5, show_default=True, type=click.IntRange(min=2))
@click.option("--sizes", is_flag=True, help="Score ensembles of 1 to all members as well.")
@click.option(
    "--contributions",
    default="majority",
    show_default=True,
    metavar="METHOD|none",
    help="Method whose loss without each member is shown; it is fitted anew for every member.",
)
@output_options
def command(
    predictions: tuple[str, ...],
    methods: str | None,
    folds: int,
    seed: int,
    sizes: bool,
    contributions: str,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    **labelled_by: Any,
) -> None:
    """Compare the ways to combine members, on questions they were not fitted on.

    PREDICTIONS are parquet files, one a member, on questions whose answers are known. Every
    method is cross-validated; differences are paired, with 95 % bootstrap intervals over groups
    of questions. Figures are percent. With --map, question-type voting is compared too.

    \b
    Example:
      vqa-ensemble compare preds/val/*.parquet --annotations val.json --map easy-vqa
    """
    from vqa_ensemble.learning.comparison import CompareOptions, compare

    with progress(quiet=quiet) as bar:
        task = bar.add_task("Reading predictions", total=None)
        report = compare(
            read_labelled(predictions, **labelled_by),
            CompareOptions(
                methods=methods.split(",") if methods else None,
                n_folds=folds,
                seed=seed,
                contributions_of=None if contributions == "none" else contributions,
                sizes=sizes,
            ),
            after=lambda step: bar.update(task, description=f"Comparing: {step}"),
        )
    if as_json:
        print_json(report.to_dict())
        return
    _print_methods(report)
    _print_types(report, verbose)
    _print_members(report, verbose)
    _print_ties(report)
    if report.sizes is not None:
        _print_sizes(report, verbose)


def _table(title: str, *columns: str) -> Any:
    table = new_table(*columns, title=title, title_justify="left")
    for i, column in enumerate(table.columns):
        column.overflow, column.no_wrap = "fold", i > 0
    return table


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.2f}"


def _interval(comparison: Comparison | None) -> str:
    if comparison is None:
        return ""
    low, high = 100 * comparison.low, 100 * comparison.high
    return f"{100 * comparison.difference:+.2f} [{low:+.2f}, {high:+.2f}]"


def _print_methods(report: MethodComparison) -> None:
    grouped = "" if report.groups == report.questions else f" in {report.groups:,} groups"
    scored = f", scored by {report.metric}" if report.metric else ""
    table = _table(
        f"{report.questions:,} questions{grouped}, {report.folds}-fold cross-validation{scored}",
        "method",
        "accuracy",
        "s.e.",
        "over best single",
        "over majority",
    )
    for row in report.methods:
        table.add_row(
            row.method,
            _percent(row.accuracy),
            _percent(row.standard_error),
            _interval(None if row.method == "best-single" else row.against_best_single),
            _interval(None if row.method == "majority" else row.against_majority),
        )
    for name in ("voted for", "listed"):
        bound = report.oracle[name.split()[0]].accuracy
        table.add_row(f"oracle, {name}", _percent(bound), style="dim")
    out = console()
    out.print(table)
    for name, reason in report.failures.items():
        out.print(f"{name} failed: {reason}")
    chosen = report.chosen
    out.print(f"fit --method auto takes {chosen.method}: {chosen.reason}.")


def _print_types(report: MethodComparison, verbose: bool) -> None:
    if not report.types:
        return
    # A screen holds a few methods: those named in the comparisons, and the best others.
    rows = sorted(report.methods, key=lambda row: -row.accuracy)
    needed = ("majority", "best-single", "question-type", report.chosen.method)
    shown = [row for row in rows if row.method in needed]
    shown += [row for row in rows if row not in shown][: len(rows) if verbose else 5 - len(shown)]
    table = _table("\nBy question type", "type", "questions", *(row.method for row in shown))
    table.add_column("oracle", justify="right", style="dim")
    for name, count in report.types.items():
        figures = (_percent(row.by_type[name]) for row in shown)
        bound = _percent(report.oracle["voted"].by_type[name])
        table.add_row(name, f"{count:,}", *figures, bound)
    console().print(table)


def _print_members(report: MethodComparison, verbose: bool) -> None:
    added = report.contributions_of
    columns = ("member", "accuracy", f"adds to {added}") if added else ("member", "accuracy")
    table = _table("\nMembers", *columns)
    for row in sorted(report.members, key=lambda row: (-row.accuracy, row.member)):
        figures = [_interval(row.contribution)] if added else []
        table.add_row(row.member, _percent(row.accuracy), *figures)
    out = console()
    out.print(table)
    if report.most_correlated:
        pairs = (f"{a} and {b} {value:.2f}" for a, b, value in report.most_correlated)
        out.print("\nMost correlated errors: " + "; ".join(pairs))


def _print_ties(report: MethodComparison) -> None:
    table = _table("\nTies", "vote", "asked", "still tied", "decided", "right", "right by chance")
    for method, kinds in report.ties.items():
        for kind, rules in kinds.items():
            for rule in rules:
                table.add_row(
                    f"{method}, {kind}",
                    rule.rule,
                    f"{rule.tied:,}",
                    f"{rule.decided:,}",
                    _percent(rule.score),
                    _percent(rule.chance),
                )
    console().print(table)


def _print_sizes(report: MethodComparison, verbose: bool) -> None:
    largest = len(report.members)
    for method, points in (report.sizes or {}).items():
        table = _table(f"\nEnsemble size, {method}", "members", "best first", "random")
        for point in points:
            if not verbose and point.size not in (1, 2, 3, 5, 10, 15, 20, largest):
                continue
            table.add_row(
                str(point.size),
                f"{_percent(point.best_first)} ± {_percent(point.best_first_error)}",
                f"{_percent(point.random)} ± {_percent(point.random_spread)}",
            )
        console().print(table)
