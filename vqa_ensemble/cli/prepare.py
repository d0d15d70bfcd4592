"""vqa-ensemble prepare"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vqa_ensemble.cli.common import console, new_table, output_options, print_json, status
from vqa_ensemble.training.recipe import DATASETS

if TYPE_CHECKING:
    from vqa_ensemble.training.data.splits import RawSplit
    from vqa_ensemble.training.data.summary import DatasetSummary, SplitSummary

VOCABULARY_FILE = "answers.csv"


@click.command("prepare")
@click.argument("dataset", type=click.Choice(DATASETS))
@click.option("--root", default="", metavar="FOLDER", help="Where the data set lies.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Folder to write the vocabulary and the converted files to; nothing is written without.",
)
@click.option(
    "--vocabulary-split",
    "vocabulary_splits",
    multiple=True,
    metavar="SPLIT",
    help="Split whose answers make the vocabulary; repeat. [default: train and validation]",
)
@click.option(
    "--min-answers",
    type=click.IntRange(min=1),
    default=9,
    show_default=True,
    help="Questions that an answer must be the answer of to enter the vocabulary.",
)
@click.option(
    "--words",
    type=click.IntRange(1, 64),
    default=14,
    show_default=True,
    help="Words a question that a model is to read.",
)
@click.option(
    "--images",
    type=click.IntRange(6, 1_000_000),
    default=2400,
    show_default=True,
    help="shapes: pictures to make, with eight questions each; two thirds are for training.",
)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="shapes: what to make."
)
@output_options
def command(
    dataset: str,
    root: str,
    output: Path | None,
    images: int,
    seed: int,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    **learned: Any,
) -> None:
    """Check a data set's files, and show what a model would learn from them.

    Shown are, for every split, questions, images and answers, how much of the soft targets
    the answer vocabulary covers, and how long the questions are. --output writes the
    vocabulary (answers.csv) and, of a data set in another form, SPLIT_questions.json and
    SPLIT_annotations.json in the official form of VQA v2, as build-map, evaluate and check
    read them. Which files each data set needs is in docs/datasets.md.

    shapes, an offline stand-in for VQA v2, is made in --output: pictures, questions of all
    answer types, ten answers each and the regions of a detector. The answers of its test
    split lie apart, in held-out.

    \b
    Example:
      vqa-ensemble prepare easy-vqa -o data
      vqa-ensemble prepare shapes -o shapes --images 6000
      vqa-ensemble prepare vqa-v2 --root vqa2
      vqa-ensemble prepare gqa --root gqa -o data/gqa --words 20
    """
    from vqa_ensemble.cli.train import require_torch

    require_torch()
    from vqa_ensemble.files.atomic import inputs_kept
    from vqa_ensemble.training.data import open_dataset
    from vqa_ensemble.training.data.official import write_official
    from vqa_ensemble.training.data.shapes import write_shapes
    from vqa_ensemble.training.data.summary import summarize, write_vocabulary
    from vqa_ensemble.training.recipe import DataSection

    if dataset == "shapes" and not root:
        if output is None:
            raise click.UsageError("shapes needs --output, to make it there, or --root, to read it")
        with status("Making shapes", quiet=quiet):
            write_shapes(output, images=images, seed=seed)
        root = str(output)
    elif not root and dataset != "easy-vqa":
        raise click.UsageError(f"{dataset} needs --root, the folder of its files")
    opened = open_dataset(DataSection(dataset=dataset, root=root))
    written: list[Path] = []
    # Those of GQA may have the names of files that are written.
    kept = Path(root).iterdir() if root and not opened.official else ()

    def each(name: str, split: RawSplit) -> None:
        if output is not None and not opened.official:
            written.extend(write_official(output, dataset, name, split))

    with status(f"Reading {dataset}", quiet=quiet), inputs_kept(kept):
        summary = summarize(opened, each=each, **learned)
        if output is not None:
            write_vocabulary(output / VOCABULARY_FILE, summary.vocabulary)
            written.append(output / VOCABULARY_FILE)
    if as_json:
        print_json({**summary.to_dict(), "written": [str(path) for path in written]})
    elif not quiet:
        _print(summary)
        if written:
            console().print(f"Wrote {', '.join(path.name for path in written)} to {output}")


def _print(summary: DatasetSummary) -> None:
    out = console()
    _print_splits(summary)
    answer_types = [split.answer_types for split in summary.splits]
    question_types = [split.question_types for split in summary.splits]
    if any(answer_types):
        _print_types("answer type", summary, answer_types)
    if any(question_types) and question_types != answer_types:
        _print_types("question type", summary, question_types)
    out.print(
        f"Vocabulary: {len(summary.vocabulary):,} answers, each the answer of at least "
        f"{summary.min_answers} questions of {' and '.join(summary.vocabulary_splits)}"
    )
    out.print(
        "Soft targets: min(1, n/3) for an answer that n of ten people gave; 1 where a question "
        "has one answer"
    )
    out.print(
        f"Questions: {summary.words} words, padded on the right; a question's state is the one "
        "at its last word"
    )
    for split in summary.splits:
        if split.longer:
            out.print(
                f"Warning: {split.longer:,} of {split.questions:,} questions of {split.name} are "
                f"longer, up to {max(split.lengths)} words: their last words are lost. Raise "
                "data.words to keep them."
            )


def _print_splits(summary: DatasetSummary) -> None:
    table = new_table(
        "split", "questions", "images", "answers", "covered", "best score", "words", "longest",
        f"over {summary.words}",
    )  # fmt: skip
    for split in summary.splits:
        table.add_row(split.name, *_cells(split))
    console().print(table)


def _cells(split: SplitSummary) -> list[str]:
    words = sum(length * count for length, count in split.lengths.items()) / split.questions
    return [
        f"{split.questions:,}",
        f"{split.images:,}",
        "–" if split.answers is None else f"{split.answers:,}",
        "–" if split.covered is None else f"{split.covered:.1%}",
        "–" if split.best_score is None else f"{split.best_score:.1%}",
        f"{words:.1f}",
        f"{max(split.lengths)}",
        f"{split.longer:,}",
    ]


# Types beyond these are counted together; VQA v2 has 65 question types.
_MOST_TYPES = 12


def _print_types(title: str, summary: DatasetSummary, kinds: list[dict[str, int]]) -> None:
    names = list(dict.fromkeys(name for types in kinds for name in types))
    shown = [i for i, types in enumerate(kinds) if types]
    table = new_table(title, *(summary.splits[i].name for i in shown))
    for name in names[:_MOST_TYPES]:
        table.add_row(name, *(f"{kinds[i].get(name, 0):,}" for i in shown))
    rest = names[_MOST_TYPES:]
    if rest:
        counts = (sum(kinds[i].get(name, 0) for name in rest) for i in shown)
        table.add_row(f"{len(rest)} more", *(f"{count:,}" for count in counts))
    console().print(table)
