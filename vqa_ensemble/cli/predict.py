"""vqa-ensemble predict"""

from __future__ import annotations

from pathlib import Path

import click

from vqa_ensemble.cli.common import console, output_folder, output_options, print_json, status
from vqa_ensemble.cli.train import require_torch


@click.command("predict")
@click.argument("checkpoints", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--split", "splits", multiple=True, required=True, help="Split to predict; repeat for more."
)
@output_folder("Folder for the prediction files: SPLIT/MEMBER.parquet.", "preds")
@click.option(
    "--top-k",
    type=click.IntRange(min=0),
    help="Answers a question, 0 for all; by default as many as the recipe says.",
)
@click.option("--data-root", metavar="FOLDER", help="Where the data set lies.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@output_options
def command(
    checkpoints: tuple[Path, ...],
    splits: tuple[str, ...],
    output: Path,
    top_k: int | None,
    data_root: str | None,
    device: str,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Write trained members' per-answer confidences for splits of their data set.

    CHECKPOINTS are checkpoint files, or folders of runs. Splits without public answers, such
    as a test split, can be predicted too.

    \b
    Example:
      vqa-ensemble predict runs/easy-vqa-ban --split test -o preds
    """
    require_torch()
    from vqa_ensemble.training.checkpoint import load_checkpoint
    from vqa_ensemble.training.data import open_dataset
    from vqa_ensemble.training.precision import choose_device
    from vqa_ensemble.training.prediction import write_split

    chosen_device = choose_device(device)
    written = []
    for checkpoint in checkpoints:
        member, _ = load_checkpoint(checkpoint, chosen_device)
        dataset = open_dataset(member.recipe.with_root(data_root).data)
        for split in splits:
            with status(f"{member.name} on {split}", quiet=quiet):
                path, score = write_split(
                    member, dataset, split, output, top_k=top_k, device=chosen_device
                )
            written.append(
                {"member": member.name, "split": split, "score": score, "file": str(path)}
            )
            if not (quiet or as_json):
                known = "" if score is None else f": {100 * score:.2f} %"
                console().print(f"{member.name} on {split}{known} → {path}")
    if as_json:
        print_json(written)
