"""vqa-ensemble prepare"""

from __future__ import annotations

from pathlib import Path

import click

from vqa_ensemble.cli.common import console, json_option, output_options, print_json, status


@click.command("prepare")
@click.argument("dataset", type=click.Choice(["easy-vqa"]))
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder for the question and annotation files.",
)
@json_option
@output_options
def command(dataset: str, output: Path, as_json: bool, quiet: bool, verbose: bool) -> None:
    """Write a data set's questions and annotations in the official VQA v2 form.

    For every split: SPLIT_questions.json and SPLIT_annotations.json, as build-map, evaluate
    and check read them.

    \b
    Example:
      vqa-ensemble prepare easy-vqa -o data
    """
    from vqa_ensemble.cli.train import require_torch

    require_torch()
    from vqa_ensemble.training.data.easy_vqa import EasyVqa
    from vqa_ensemble.training.data.official import write_official

    written = {}
    with status(f"Writing {dataset}", quiet=quiet):
        opened = EasyVqa()
        for name in opened.split_names:
            split = opened.read(name)
            write_official(output, dataset, name, split)
            written[name] = len(split.questions.texts)
    if as_json:
        print_json({"dataset": dataset, "output": str(output), "questions": written})
    elif not quiet:
        counts = ", ".join(f"{split} {n:,}" for split, n in written.items())
        console().print(f"Wrote the questions and annotations of {dataset} to {output}: {counts}")
