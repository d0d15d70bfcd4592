"""vqa-ensemble import"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vqa_ensemble.cli.common import (
    OutputFile,
    console,
    key_file,
    key_options,
    metric_option,
    new_table,
    output_options,
    print_json,
    status,
    warn,
)
from vqa_ensemble.files.atomic import check_no_input, inputs_kept, is_stream
from vqa_ensemble.importers import FORMATS

if TYPE_CHECKING:
    from vqa_ensemble.importers.import_predictions import ImportReport


def _confidence(ctx: click.Context, param: click.Parameter, value: str) -> float | str:
    if value == "accuracy":
        return value
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise click.BadParameter(f"{value!r} is neither a number in [0, 1] nor 'accuracy'")
    return number


_HELP = """Turn predictions of another tool into a member's prediction file.

FILEs are of one model; rows may be out of order and there twice, but must not contradict each
other. FORMAT is one of these; left out, or auto, each file's format is found. Of folders with many
models' logs, or with --split, OUTPUT is a folder, which gets a member a model, named after its
folder of logs or after the log.

\b
{formats}

\b
Examples:
  vqa-ensemble import results/*_samples_vqav2_test.jsonl -o preds/test/llava.parquet
  vqa-ensemble import logs/ --split val -o preds/
  vqa-ensemble import logits scores.npy --questions questions.json --vocabulary answers.txt \\
      --activation sigmoid -o preds/test/ban.parquet
""".format(formats="\n".join(f"  {name:<16} {known.what}" for name, known in FORMATS.items()))


@click.command("import", help=_HELP)
@click.argument(
    "inputs", nargs=-1, required=True, type=click.Path(), metavar="[FORMAT] FILE [FILE]..."
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=OutputFile(),
    help="Prediction file to write (.parquet), or a folder for many.",
)
@click.option(
    "--questions",
    type=click.Path(),
    help="The benchmark's questions: gives ids to rows that have only their place, and checks ids.",
)
@click.option(
    "--by-position",
    is_flag=True,
    help="Let the place in the data set be the question's id, also where rows have one.",
)
@click.option(
    "--confidence",
    default="1.0",
    show_default=True,
    callback=_confidence,
    metavar="NUMBER|accuracy",
    help="Confidence of answers that come without: a number, or the model's own accuracy on "
    "--annotations.",
)
@click.option(
    "--annotations",
    multiple=True,
    type=click.Path(),
    help="Annotations for --confidence accuracy; may be given several times.",
)
@key_options
@metric_option
@click.option(
    "--activation",
    type=click.Choice(["softmax", "sigmoid", "none"]),
    help="How scores become confidences. Default: softmax for logits, sigmoid for mmf.",
)
@click.option(
    "--vocabulary", type=click.Path(), help="The answers that columns of logits stand for."
)
@click.option("--question-id-column", metavar="NAME", help="By default question_id.")
@click.option(
    "--answer-column",
    metavar="NAME",
    help="The model's answers; by default answer, or the only column that can be theirs.",
)
@click.option("--confidence-column", metavar="NAME", help="By default confidence.")
@click.option(
    "--top-k",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="How many answers a question to keep.",
)
@click.option(
    "--extract",
    default="auto",
    show_default=True,
    metavar="none|auto|REGEX",
    help="Take answers out of texts: without reasoning, tags and boxes; as they are; or the last "
    "match of a regular expression.",
)
@click.option(
    "--normalize", is_flag=True, help="Bring answers into VQA normal form, as 'vote' does."
)
@click.option(
    "--samples",
    is_flag=True,
    help="Rows that answer one question are samples of the model: votes within the member.",
)
@click.option(
    "--split",
    metavar="NAME",
    help="Import logs of many models: those of this split, to OUTPUT/NAME/MODEL.parquet.",
)
@click.option("--member", help="The member's name; that of the output file if not given.")
@output_options
def command(
    inputs: tuple[str, ...],
    output: str,
    questions: str | None,
    by_position: bool,
    confidence: float | str,
    annotations: tuple[str, ...],
    id_column: str,
    type_column: str,
    metric: str | None,
    activation: str | None,
    vocabulary: str | None,
    question_id_column: str | None,
    answer_column: str | None,
    confidence_column: str | None,
    top_k: int,
    extract: str,
    normalize: bool,
    samples: bool,
    split: str | None,
    member: str | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    _check_accuracy(confidence, annotations, metric)
    format_name, files = _format_and_files(inputs)
    many = _of_many(files, output, split, member)
    from vqa_ensemble.importers.base import ImportOptions
    from vqa_ensemble.importers.folder import Logs, find_logs
    from vqa_ensemble.importers.import_predictions import Accuracy, import_predictions
    from vqa_ensemble.importers.reading import check_pattern
    from vqa_ensemble.questions.benchmarks import read_benchmark_questions

    check_pattern(extract)
    with status(f"Importing {len(files)} files", quiet=quiet):
        options = ImportOptions(
            questions=read_benchmark_questions(key_file(questions, id_column))
            if questions
            else None,
            question_id_column=question_id_column,
            answer_column=answer_column,
            confidence_column=confidence_column,
            vocabulary=vocabulary,
            activation=activation,
            top_k=top_k,
            by_position=by_position,
            extract=extract,
            samples=samples,
            normalize=normalize,
        )
        folder = Path(output, split or "")
        if many:
            logs = find_logs(files, output, split, options)
            outputs = {model: str(folder / f"{model}.parquet") for model in logs.members}
        else:
            logs, outputs = Logs({"": [*files]}, {}), {"": output}
        _check_outputs(outputs.values(), logs.members.values())
        keys = [key_file(each, id_column, type_column) for each in annotations]
        reports = {
            outputs[model]: import_predictions(
                paths,
                outputs[model],
                options,
                format_name=format_name,
                member=member,
                confidence=Accuracy(keys, metric) if isinstance(confidence, str) else confidence,
            )
            for model, paths in logs.members.items()
        }
    for report in reports.values():
        if report.caution:
            warn(f"{report.member}: {report.caution}")
    if as_json:
        told = [{**report.to_dict(), "output": path} for path, report in reports.items()]
        print_json({"members": told, "left_out": logs.left_out} if many else told[0])
    elif not quiet:
        for path, report in reports.items():
            _print(report, path)
        if many:
            _print_next(logs.left_out, str(folder / "*.parquet"))


def _check_accuracy(
    confidence: float | str, annotations: Sequence[str], metric: str | None
) -> None:
    """Refuse --confidence accuracy without what measures it, and that without it."""
    if confidence == "accuracy" and not annotations:
        raise click.UsageError("--confidence accuracy needs --annotations, to measure it")
    for name, given in (("--annotations", annotations), ("--metric", metric)):
        if given and confidence != "accuracy":
            raise click.UsageError(
                f"{name} is for --confidence accuracy: give both, or leave it out"
            )


def _format_and_files(inputs: Sequence[str]) -> tuple[str | None, Sequence[str]]:
    """The format that is named before the files, if one is, and the files."""
    first, *rest = inputs
    named = first in FORMATS
    files = rest if named or first == "auto" else inputs
    if not files:
        raise click.UsageError(f"no files given: name them after the format {first}")
    return first if named else None, files


def _of_many(files: Sequence[str], output: str, split: str | None, member: str | None) -> bool:
    """Whether the files are many models' logs; refuses an output that is not for one, or many."""
    is_file = output.endswith(".parquet")
    many = split is not None or (not is_file and any(Path(each).is_dir() for each in files))
    if many and (member is not None or is_stream(output) or is_file):
        raise click.UsageError(
            f"many models' logs go to a folder, each under its own name; --output is '{output}'"
            + (" and --member is given" if member is not None else "")
        )
    if not many and not is_file and not is_stream(output):
        raise click.UsageError(f"--output is '{output}': give a name that ends in .parquet")
    if is_stream(output) and member is None:
        raise click.UsageError(f"--output is '{output}', which names no member: give --member")
    return many


def _check_outputs(outputs: Iterable[str], inputs: Iterable[Sequence[str]]) -> None:
    """Refuse outputs that would take the place of an input, or of a file that is not ours."""
    from vqa_ensemble.files.parquet import check_replaceable
    from vqa_ensemble.predictions.files import is_own

    with inputs_kept(path for paths in inputs for path in paths):
        for path in outputs:
            check_no_input(path)
            check_replaceable(path, "a prediction file of vqa-ensemble", is_own)


def _print_next(left_out: Mapping[str, str], written: str) -> None:
    out = console()
    for path, reason in left_out.items():
        out.print(f"Left out: {path} {reason}")
    out.print(
        f"Next, with annotations: vqa-ensemble compare {written} --annotations FILE\n"
        f"Or vote: vqa-ensemble vote {written} --map NAME -o answers.json",
    )


def _print(report: ImportReport, output: str) -> None:
    table = new_table(show_header=False)
    table.add_row("member", report.member)
    table.add_row("format", ", ".join(report.formats))
    table.add_row("questions", f"{report.questions:,}")
    table.add_row("answers", f"{report.answers:,}")
    if report.confidence is not None:
        by = f", their accuracy by {report.metric}" if report.metric else ""
        table.add_row(
            f"  without confidence, given {report.confidence:.4g}{by}", f"{report.hard_answers:,}"
        )
    for name, count in (
        ("rows that stood twice", report.repeated),
        ("files of single ranks left out", report.partial_files),
        ("questions not in the files", report.unanswered),
    ):
        if count:
            table.add_row(name, f"{count:,}")
    for reason, count in report.missing.items():
        table.add_row(f"no vote: {reason}", f"{count:,}")
    for mark, count in report.extracted.items():
        table.add_row(f"extracted by {mark}", f"{count:,}")
    for question, answer in report.shown.items():
        table.add_row(f"  {question}", answer if len(answer) <= 60 else f"{answer[:59]}…")
    out = console()
    out.print(table)
    for mark, (text, answer) in report.examples.items():
        out.print(f"{mark}: {text!r} is read as {answer!r}")
    for column in report.same_as:
        warn(f"the answers equal the column '{column}' on every row: are they the model's?")
    out.print(f"Wrote {output}")
