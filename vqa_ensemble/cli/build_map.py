"""vqa-ensemble build-map"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from vqa_ensemble.cli.common import (
    OutputFile,
    choice,
    console,
    key_file,
    key_options,
    new_table,
    output_options,
    print_json,
    status,
)

if TYPE_CHECKING:
    from vqa_ensemble.answers.answer_map import AnswerMap


@click.command("build-map")
@click.argument("annotations", nargs=-1, required=True, type=click.Path())
@click.option(
    "-o",
    "--output",
    required=True,
    type=OutputFile(".csv", ".parquet", only=True),
    help="Map to write: .csv or .parquet.",
)
@click.option("--force", is_flag=True, help="Replace a map that was edited by hand.")
@choice("--by", ["answer_type", "question_type"], "Which of an annotation's two types to learn.")
@key_options
@output_options
def command(
    annotations: tuple[str, ...],
    output: str,
    force: bool,
    by: str,
    id_column: str,
    type_column: str,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Learn the answer-to-question-type map from annotations.

    ANNOTATIONS are VQA annotation JSON files, a file of another benchmark, or a table of answers.
    Every annotator's answer, in normal form, is counted against its question's type. The map is a
    table that can be read and edited: answer, question_type, count, share. One that was edited
    since it was built is replaced only with --force.

    Also printed is how well the type of an answer that the map lacks would be guessed: by a
    classifier on its characters (cross-validated), by a rule, and by the most frequent type.

    \b
    Example:
      vqa-ensemble build-map v2_mscoco_train2014_annotations.json -o mappings/vqa-v2.csv
    """
    from vqa_ensemble.answers.answer_map import check_as_built, write_answer_map
    from vqa_ensemble.answers.build_map import build_map
    from vqa_ensemble.answers.types import TypeResolver

    if not force:
        check_as_built(output)
    with status("Learning the map", quiet=quiet):
        keys = [key_file(annotation, id_column, type_column) for annotation in annotations]
        answer_map = build_map(keys, by=by)
        write_answer_map(output, answer_map)
        unseen = {} if quiet and not as_json else TypeResolver(answer_map).cross_validate()
    report = _report(answer_map, unseen)
    if as_json:
        print_json({**report, "output": output})
    elif not quiet:
        _print(report, output)


def _report(answer_map: AnswerMap, unseen: dict[str, float | None]) -> dict[str, Any]:
    import numpy as np

    names = answer_map.type_names
    types = np.array([names.index(name) for name in answer_map.question_types])
    counts = np.bincount(types, weights=answer_map.counts).astype(int)
    answers = np.bincount(types)  # pairs are distinct
    return {
        "annotations": int(answer_map.counts.sum()),
        "answers": len(set(answer_map.answers)),
        "pairs": len(answer_map.answers),
        "types": {
            name: {"annotations": int(count), "answers": int(n)}
            for name, count, n in zip(names, counts, answers, strict=True)
        },
        "unseen_accuracy": unseen,
    }


def _print(report: dict[str, Any], output: str) -> None:
    out = console()
    out.print(
        f"{report['answers']:,} answers in {report['annotations']:,} annotations, "
        f"{report['pairs']:,} pairs of answer and type"
    )
    table = new_table("type", "annotations", "share", "answers")
    for name, row in report["types"].items():
        share = row["annotations"] / report["annotations"]
        table.add_row(name, f"{row['annotations']:,}", f"{share:.1%}", f"{row['answers']:,}")
    out.print(table)
    unseen = dict(report["unseen_accuracy"])
    n = unseen.pop("answers")
    shown = ", ".join(
        f"{name} {'n/a' if value is None else f'{value:.1f}%'}" for name, value in unseen.items()
    )
    out.print(f"Type of an answer not in the map, guessed ({n:,} answers held out): {shown}")
    out.print(f"Wrote {output}")
