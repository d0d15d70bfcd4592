"""The counting module's published toy task as a study; it needs no data set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import torch

from vqa_ensemble.files.atomic import atomic_write
from vqa_ensemble.studies.design import Options
from vqa_ensemble.studies.measuring import code_digest
from vqa_ensemble.studies.tables import CURVES, Column, Table, TableRow, spread_of_seeds
from vqa_ensemble.training.toy_counting import DIFFICULTIES, count_toy_scenes

WAYS = ("sum of attention", "counter", "counter + normalize")
VALUES = (0.0, 0.25, 0.5, 0.75, 1.0)
# Updates and scenes an update: the paper's, and what one core does in a few minutes.
SIZES = {"full": (1000, 1024), "small": (150, 256)}


def toy_counting(
    name: str,
    folder: Path,
    options: Options,
    *,
    tell: Callable[[str, float], object] = lambda what, share: None,
) -> Table:
    """Accuracy of counting over the side of the boxes, and over noise.

    Points that are done are kept in ``toy`` in the folder, by the code that made them.
    """
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    updates, scenes = SIZES[options.scale]
    code = code_digest()
    rows = []
    for label, side, noise in _points():
        found = []
        for seed in range(options.seeds):
            what = f"{label}, seed {seed}"
            tell(what, 0.0)
            file = f"{code}-{updates}x{scenes}.{side:g}-{noise:g}-seed{seed}.json"
            kept = folder / "toy" / file
            if options.fresh or not kept.is_file():
                accuracies = count_toy_scenes(side, noise, seed, updates, scenes)
                atomic_write(kept, orjson.dumps(accuracies))
                tell(what, 1.0)
            found.append(orjson.loads(kept.read_bytes()))
        columns = zip(WAYS, zip(*found, strict=True), strict=True)
        rows.append(
            TableRow(label, {way: [100 * one for one in shares] for way, shares in columns})
        )
    return Table(
        name,
        "Counting module: the toy task of its paper",
        "boxes",
        tuple(Column(way, 1, score=True) for way in WAYS),
        rows,
        [
            "Share of scenes of ten boxes counted right, in percent; easy: the other parameter is "
            f"0, hard: 0.5. {updates} updates of {scenes} scenes; the paper has 1000 of 1024.",
            spread_of_seeds(options.seeds),
        ],
        layout=CURVES,
    )


def _points() -> Iterator[tuple[str, float, float]]:
    """Name, side and noise of every point of the four sweeps."""
    for difficulty, fixed in DIFFICULTIES.items():
        for value in VALUES:
            yield f"{difficulty}, side {value:g}", value, fixed
        for value in VALUES:
            yield f"{difficulty}, noise {value:g}", fixed, value
