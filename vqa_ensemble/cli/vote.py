"""vqa-ensemble vote"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from vqa_ensemble.cli.common import (
    OutputFile,
    check_normalize,
    choice,
    console,
    given_arguments,
    new_table,
    output_options,
    print_json,
    read_vote_options,
    status,
    strict_option,
    voting_options,
    warn,
)
from vqa_ensemble.elections.options import ENGINES, MISSING
from vqa_ensemble.files.atomic import is_stream

if TYPE_CHECKING:
    from vqa_ensemble.elections.provenance import Recorder
    from vqa_ensemble.elections.ray_cluster import RayEngine
    from vqa_ensemble.elections.summary import VoteSummary


@click.command("vote")
@click.argument("predictions", nargs=-1, required=True, type=click.Path())
@voting_options
@click.option("-o", "--output", type=OutputFile(".json"), help="Submission JSON to write.")
@click.option(
    "--audit", type=OutputFile(".parquet"), help="Parquet file for every question's votes."
)
@choice("--missing", MISSING, "When a member lacks questions that others have.")
@choice(
    "--engine", ENGINES, "Vote on this machine, or as Ray tasks on many (needs the extra [ray])."
)
@click.option("--address", help="Ray cluster to use; Ray's own default if not given.")
@click.option(
    "--provenance/--no-provenance",
    default=True,
    show_default=True,
    help="Write OUTPUT.provenance.json, the record that 'verify' checks.",
)
@strict_option
@output_options
def command(
    predictions: tuple[str, ...],
    output: str | None,
    audit: str | None,
    engine: str,
    address: str | None,
    provenance: bool,
    strict: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    **voting: Any,
) -> None:
    """Let members vote on every question, and write the submission.

    PREDICTIONS are parquet files, one a member: paths or URLs (s3, gs, hdfs, ...). Their top
    answers are counted, the counts are summed per question type through the map, the winning
    type is fixed, and the members vote again inside that type. With --ensemble, weights learned
    by 'fit' decide instead.

    \b
    Examples:
      vqa-ensemble vote preds/test/*.parquet --map easy-vqa -o submission.json
      vqa-ensemble vote preds/test/*.parquet --ensemble ensemble.toml -o submission.json
    """
    written = [path for path in (output, audit) if path is not None]
    check_outputs(written, engine, silent=quiet and not as_json)
    check_normalize(voting)
    from vqa_ensemble.elections.audit import is_audit
    from vqa_ensemble.elections.vote import vote_files
    from vqa_ensemble.files.parquet import check_replaceable

    if audit is not None:
        check_replaceable(audit, "an audit file", is_audit)
    recorded = provenance and output is not None and not is_stream(output)
    recorder = record_inputs(predictions, voting) if recorded else None
    cluster = ray_engine(written[0], address) if engine == "ray" else None
    with status(f"Voting over {len(predictions)} members", quiet=quiet):
        summary = vote_files(
            predictions,
            read_vote_options(**voting),
            output=output,
            audit=audit,
            engine=cluster,
            strict=strict,
        )
    if recorder is not None:
        lasting = [path for path in written if not is_stream(path)]
        written.append(recorder.write(lasting))
    for caution in summary.cautions:
        warn(caution.message)
    if cluster is not None:
        cluster.forget()
    if as_json:
        print_json({**summary.to_dict(), "output": output, "audit": audit})
    elif not quiet:
        print_summary(summary, verbose=verbose)
        for path in written:
            console().print(f"Wrote {path}")


def check_outputs(written: Sequence[str], engine: str, *, silent: bool) -> None:
    """Refuse a vote that leaves and says nothing, and Ray where its parts have no place."""
    if not written and silent:
        raise click.UsageError("nothing to do: give -o, --audit or --json, or leave out --quiet")
    if engine == "ray" and not written:
        raise click.UsageError("--engine ray needs -o or --audit: parts are kept beside it")
    if engine == "ray" and is_stream(written[0]):
        raise click.UsageError("--engine ray needs a file as -o: parts are kept beside it")


def record_inputs(predictions: Sequence[str], voting: Mapping[str, Any]) -> Recorder:
    """Start the record of the files that a vote reads, before it reads them."""
    from vqa_ensemble.elections.provenance import Recorder
    from vqa_ensemble.questions.table import QuestionColumn
    from vqa_ensemble.resources import find_map

    types = voting["question_types"]
    files = {
        "map": find_map(voting["map_name"]) if voting["map_name"] else None,
        "ensemble": voting["ensemble"],
        "question types": QuestionColumn(types, "question_type").path if types else None,
        "synonyms": voting["synonyms"],
    }
    inputs = {role: [path] for role, path in files.items() if path is not None}
    return Recorder(given_arguments(), {"predictions": predictions, **inputs})


def ray_engine(output: str, address: str | None) -> RayEngine:
    """The Ray engine, its parts kept beside the output."""
    from vqa_ensemble.errors import need
    from vqa_ensemble.files.locations import parts_folder

    with need("--engine ray needs Ray", extra="ray"):
        from vqa_ensemble.elections.ray_cluster import RayEngine
    return RayEngine(parts_folder(output), address)


def print_summary(summary: VoteSummary, *, verbose: bool = False) -> None:
    """Print what a vote did as a table."""
    table = new_table(show_header=False)
    questions = max(summary.questions, 1)

    def row(name: str, count: int) -> None:
        table.add_row(name, f"{count:,}", f"{count / questions:.1%}")

    table.add_row("method", summary.method)
    table.add_row("members", f"{len(summary.members)}")
    table.add_row("questions", f"{summary.questions:,}")
    for name, count in summary.types.items():
        row(f"  type {name}", count)
    row("unanimous", summary.unanimous)
    if summary.types:
        label = "changed by re-voting" if summary.type_ties else "not the majority's answer"
        row(label, summary.changed_by_revoting)
    for kind, ties in (("type", summary.type_ties), ("answer", summary.answer_ties)):
        if not ties:
            continue
        row(f"{kind} ties", sum(ties.values()))
        for name, count in ties.items():
            if count or verbose:
                row(f"  broken by {name}", count)
    if summary.missing_votes or verbose:
        table.add_row("missing votes", f"{summary.missing_votes:,}")
    if summary.unseen_votes or verbose:
        table.add_row("votes for answers not in the map", f"{summary.unseen_votes:,}")
    if summary.merged_votes or verbose:
        table.add_row("votes rewritten by merging", f"{summary.merged_votes:,}")
        row("answers changed by it", summary.changed_by_merging)
    if summary.kept_apart:
        row("answers that differ by a sign or a decimal comma, kept apart", summary.kept_apart)
    out = console()
    out.print(table)
    for name, by_member in summary.carried.items():
        n = summary.types.get(name, 0)
        most = sorted(by_member, key=lambda member: (-by_member[member], member))[:3]
        if n:
            shares = ", ".join(f"{member} {by_member[member] / n:.0%}" for member in most)
            out.print(f"{name}: the answer was most often that of {shares}")
    if verbose:
        out.print(f"members: {', '.join(summary.members)}")
