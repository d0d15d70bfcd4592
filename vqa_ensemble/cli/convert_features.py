"""vqa-ensemble convert-features"""

from __future__ import annotations

from pathlib import Path

import click

from vqa_ensemble.cli.common import console, output_folder, output_options, print_json, status


@click.command("convert-features")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@output_folder("Folder of the store: 'regions' in the data set's folder.")
@click.option(
    "--regions",
    "limit",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Keep the first so many regions of each picture; 0 keeps all.",
)
@output_options
def command(
    files: tuple[Path, ...], output: Path, limit: int, as_json: bool, quiet: bool, verbose: bool
) -> None:
    """Put region features into one memory-mapped store, checked, as training reads them.

    FILES are TSV files of bottom-up attention, HDF5 files, LMDB databases, .npz files or
    folders of them; docs/features.md describes each.

    \b
    Example:
      vqa-ensemble convert-features trainval/*.tsv* -o vqa2/regions
    """
    from vqa_ensemble.regions.files import convert_regions

    with status(f"Converting to {output}", quiet=quiet):
        store = convert_regions(files, output, limit=limit)
    pictures, regions = len(store.image_ids), int(store.counts.sum())
    if as_json:
        print_json(
            {
                "output": str(output),
                "pictures": pictures,
                "regions": regions,
                "fewest": int(store.counts.min()),
                "most": int(store.counts.max()),
                "width": store.width,
            }
        )
    elif not quiet:
        console().print(
            f"Wrote {regions:,} regions of {pictures:,} pictures to {output}, each "
            f"{store.width:,} numbers: {store.counts.min()} to {store.counts.max()} a picture"
        )
