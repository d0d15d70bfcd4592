"""vqa-ensemble grid-features"""

from __future__ import annotations

from pathlib import Path

import click

from vqa_ensemble.cli.common import console, output_folder, output_options, print_json, status
from vqa_ensemble.cli.train import require_torch


@click.command("grid-features")
@click.argument("images", type=click.Path(path_type=Path))
@click.option("--backbone", required=True, metavar="NAME", help="Network of timm: resnet50, …")
@click.option(
    "--weights",
    required=True,
    type=click.Path(path_type=Path),
    help="Its weights: a .safetensors or .pth file.",
)
@output_folder("Folder of the store: 'regions' in the data set's folder.")
@click.option(
    "--size",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Side that pictures are resized to; 0 is what the network was trained on. A network "
    "with a stride of 32 makes 7 x 7 cells of 224 and 14 x 14 of 448.",
)
@click.option("--batch-size", type=click.IntRange(1), default=32, show_default=True)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@output_options
def command(
    images: Path,
    backbone: str,
    weights: Path,
    output: Path,
    size: int,
    batch_size: int,
    device: str,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Make region features from pictures: the cells of a network's last feature maps.

    IMAGES is a folder of pictures named after their ids.

    \b
    Example:
      vqa-ensemble grid-features val2014 --backbone resnet50 --weights resnet50.safetensors \\
        -o vqa2/regions
    """
    require_torch()
    from vqa_ensemble.training.grid_features import (
        find_pictures,
        timm_backbone,
        write_grid_features,
    )
    from vqa_ensemble.training.precision import choose_device

    chosen = choose_device(device)
    pictures = find_pictures(images)
    network = timm_backbone(backbone, weights, chosen)
    with status(f"Features of {len(pictures):,} pictures", quiet=quiet):
        store = write_grid_features(
            pictures, network, output, size=size, batch_size=batch_size, device=chosen
        )
    cells = int(store.counts[0])
    if as_json:
        print_json(
            {
                "output": str(output),
                "pictures": len(pictures),
                "cells": cells,
                "width": store.width,
            }
        )
    elif not quiet:
        console().print(
            f"Wrote {cells} cells of {len(pictures):,} pictures to {output}, each "
            f"{store.width:,} numbers"
        )
