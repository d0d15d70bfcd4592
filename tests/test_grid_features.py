"""Grid features: cells of feature maps as regions, from any network."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

torch = pytest.importorskip("torch")
Image = pytest.importorskip("PIL.Image")

from torch import Tensor, nn  # noqa: E402

from vqa_ensemble.cli import group  # noqa: E402
from vqa_ensemble.errors import InputError  # noqa: E402
from vqa_ensemble.regions.store import RegionStore  # noqa: E402
from vqa_ensemble.training import grid_features  # noqa: E402
from vqa_ensemble.training.grid_features import (  # noqa: E402
    Backbone,
    FeatureMaps,
    find_pictures,
    write_grid_features,
)

SIDE, CELL = 32, 8
CPU = torch.device("cpu")
# A backbone that shows what it saw: the mean colour of each cell.
MEANS = Backbone(nn.AvgPool2d(CELL), mean=(0.0,) * 3, std=(1.0,) * 3, size=SIDE)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Three pictures twice as wide as high; each column of cells is one colour."""
    folder = tmp_path / "images"
    folder.mkdir()
    for number in (3, 12, 100):
        columns = np.array([[number, 0, 0], [0, number, 0], [0, 0, number], [number] * 3], np.uint8)
        pixels = np.broadcast_to(columns.repeat(16, 0)[None], (32, 64, 3))
        Image.fromarray(np.ascontiguousarray(pixels)).save(folder / f"{number}.png")
    (folder / "notes.txt").write_text("no picture")
    return folder


@pytest.mark.parametrize("batch_size", [1, 2, 32])
def test_cells_are_regions_with_their_places(
    pictures: Path, tmp_path: Path, batch_size: int
) -> None:
    found = find_pictures(pictures)
    store = write_grid_features(found, MEANS, tmp_path / "regions", batch_size=batch_size)
    assert store.counts.tolist() == [16, 16, 16]
    rows = {int(image): row for row, image in enumerate(store.image_ids)}
    assert set(rows) == {3, 12, 100}
    features, boxes, mask = store.read(np.array([rows[100]]))
    assert mask.all()
    for cell, (x1, y1, x2, y2) in zip(features[0], boxes[0], strict=True):
        assert (x2 - x1, y2 - y1) == (0.25, 0.25)
        color = {0: (100, 0, 0), 1: (0, 100, 0), 2: (0, 0, 100), 3: (100, 100, 100)}[int(4 * x1)]
        # The picture is squeezed to a square: colours mix a little at the borders.
        np.testing.assert_allclose(cell * 255, color, atol=12)
    assert sorted(boxes[0, :, 1].tolist()) == boxes[0, :, 1].tolist()  # row by row


def test_size_and_scale_reach_the_network(pictures: Path, tmp_path: Path) -> None:
    seen: list[Tensor] = []

    def maps(batch: Tensor) -> Tensor:
        seen.append(batch)
        return nn.functional.avg_pool2d(batch, 8)

    backbone = Backbone(maps, mean=(0.5, 0.5, 0.5), std=(0.25, 0.5, 1.0), size=SIDE)
    store = write_grid_features(find_pictures(pictures), backbone, tmp_path / "r", size=64)
    assert seen[0].shape == (3, 3, 64, 64)
    assert store.counts[0] == 64
    assert seen[0][:, 0].min() == pytest.approx(-2)
    assert seen[0][:, 2].min() == pytest.approx(-0.5)


class Network(nn.Module):
    """As timm's: maps, maps with channels last, or tokens after two that are no cells."""

    num_features, num_prefix_tokens = 3, 2

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def forward_features(self, pictures: Tensor) -> Tensor:
        maps = nn.functional.avg_pool2d(pictures, CELL)
        if self.kind == "maps":
            return maps
        if self.kind == "channels last":
            return maps.movedim(1, 3)
        tokens = maps.flatten(2).transpose(1, 2)
        return torch.cat([torch.full((len(maps), 2, 3), 9.0), tokens], 1)


@pytest.mark.parametrize("kind", ["maps", "channels last", "tokens"])
def test_every_kind_of_network_gives_maps(kind: str) -> None:
    pictures = torch.rand(2, 3, SIDE, SIDE)
    expected = nn.functional.avg_pool2d(pictures, CELL)
    assert torch.equal(FeatureMaps(Network(kind))(pictures), expected)


@pytest.mark.parametrize(
    ("name", "message"),
    [("1.jpg", r"1\.jpg: is not a readable picture"), ("", "holds no pictures")],
)
def test_bad_pictures_are_named(tmp_path: Path, name: str, message: str) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    if name:
        (folder / name).write_bytes(b"nothing")
    with pytest.raises(InputError, match=message):
        write_grid_features(find_pictures(folder), MEANS, tmp_path / "regions")
    assert not (tmp_path / "regions" / "image_ids.npy").exists()


def fake_timm(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in with the four functions that are used, around :class:`Network`."""
    timm: Any = types.ModuleType("timm")

    def create_model(name: str, *, pretrained: bool) -> nn.Module:
        assert not pretrained  # weights come from the user's file, never from a hub
        model: Any = Network("maps")
        model.scale = nn.Parameter(torch.zeros(1))
        model.pretrained_cfg = {"mean": (0, 0, 0), "std": (1, 1, 1), "input_size": (3, SIDE, SIDE)}
        return model

    def load_checkpoint(model: nn.Module, path: str) -> None:
        model.load_state_dict(torch.load(path, weights_only=True))

    timm.is_model = lambda name: name == "tiny"
    timm.list_models = lambda pattern: ["tiny"] if pattern == "*tin*" else []
    timm.create_model = create_model
    timm.models = types.SimpleNamespace(load_checkpoint=load_checkpoint)
    monkeypatch.setitem(sys.modules, "timm", timm)


def arguments(pictures: Path, tmp_path: Path, backbone: str = "tiny") -> list[str]:
    torch.save({"scale": torch.ones(1)}, tmp_path / "w.pth")
    return [
        "grid-features", str(pictures), "--backbone", backbone, "--weights",
        str(tmp_path / "w.pth"), "-o", str(tmp_path / "regions"), "--device", "cpu",
    ]  # fmt: skip


def test_the_command_writes_a_store(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_timm(monkeypatch)
    result = CliRunner().invoke(group, arguments(pictures, tmp_path), catch_exceptions=False)
    assert "16 cells of 3 pictures" in result.output
    assert RegionStore(tmp_path / "regions").width == 3


def test_what_timm_lacks_is_named(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_timm(monkeypatch)
    with pytest.raises(InputError, match=r"timm has no network 'tin'. There are: tiny"):
        grid_features.timm_backbone("tin", tmp_path / "w.pth", CPU)
    torch.save({"other": torch.ones(1)}, tmp_path / "w.pth")
    with pytest.raises(InputError, match=r"w\.pth: are not the weights of tiny: "):
        grid_features.timm_backbone("tiny", tmp_path / "w.pth", CPU)
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(InputError, match=r"need timm.* pip install 'vqa-ensemble\[grid\]'"):
        grid_features.timm_backbone("tiny", tmp_path / "w.pth", CPU)
