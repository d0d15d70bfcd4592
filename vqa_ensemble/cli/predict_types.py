"""vqa-ensemble predict-types"""

from __future__ import annotations

import click

from vqa_ensemble.cli.common import (
    OutputFile,
    choice,
    console,
    new_table,
    output_options,
    print_json,
    status,
)


@click.command("predict-types")
@click.option(
    "--train-questions",
    required=True,
    type=click.Path(),
    help="VQA question JSON whose types are known.",
)
@click.option(
    "--train-annotations",
    required=True,
    type=click.Path(),
    help="Its annotation JSON.",
)
@click.option(
    "--questions", required=True, type=click.Path(), help="VQA question JSON to predict types for."
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=OutputFile(".csv", ".parquet", only=True),
    help="Table to write: .csv or .parquet.",
)
@choice("--by", ["answer_type", "question_type"], "Which of an annotation's two types to predict.")
@output_options
def command(
    train_questions: str,
    train_annotations: str,
    questions: str,
    output: str,
    by: str,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Predict question types from the questions' words.

    A classifier learns the types of annotated questions and writes those of other questions as
    a table (question_id, question_type), which every command's --question-types reads. Where
    the two files share questions, these get their types from a classifier that has not seen
    them, so that weights can be learned on them.

    Also printed is how often such a type is right: cross-validated, with the questions on one
    image kept together, beside always saying the most frequent type.

    \b
    Example:
      vqa-ensemble predict-types --train-questions train_questions.json \\
        --train-annotations train_annotations.json --questions test_questions.json \\
        -o types.parquet
    """
    from vqa_ensemble.answers.predict_types import predict_types
    from vqa_ensemble.questions.table import write_question_column

    with status("Learning question types", quiet=quiet):
        result = predict_types(train_questions, train_annotations, questions, by=by)
        write_question_column(output, "question_type", result.question_ids, result.types.tolist())
    if as_json:
        print_json({**result.to_dict(), "output": output})
    elif not quiet:
        _print_counts(result.counts)
        out = console()
        right = "n/a (all on one image)" if result.accuracy is None else f"{result.accuracy:.1f}%"
        out.print(
            f"Right on held-out questions of the {result.trained_on:,} learned from: {right}; "
            f"always '{result.majority}': {result.majority_accuracy:.1f}%"
        )
        if result.out_of_fold:
            out.print(f"{result.out_of_fold:,} questions were learned from too: predicted held out")
        out.print(f"Wrote {output}")


def _print_counts(counts: dict[str, int]) -> None:
    table = new_table("type", "questions", "share")
    for name, count in counts.items():
        table.add_row(name, f"{count:,}", f"{count / sum(counts.values()):.1%}")
    console().print(table)
