"""Grid features: the last maps of a network that classifies pictures, one region a cell.

Jiang et al. 2020, "In Defense of Grid Features for Visual Question Answering". Cells lie row by
row and have no score, so all of them are to be read (``data.regions = 0``).
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from vqa_ensemble.arrays import Floats32
from vqa_ensemble.errors import ABSENT, InputError, as_input_error, at
from vqa_ensemble.files.picture import read_picture
from vqa_ensemble.regions.picture import image_id
from vqa_ensemble.regions.store import RegionStore, write_store

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")


@dataclass(frozen=True)
class Backbone:
    """A network that makes feature maps, and the pictures it wants.

    Attributes
    ----------
    maps : callable
        Pictures (B, 3, Y, X) to maps (B, D, rows, columns).
    mean, std : tuple of float
        Of each channel of the pictures, from 0 to 1, that the network was trained on.
    size : int
        Side of those pictures in pixels.
    """

    maps: Callable[[Tensor], Tensor]
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)
    size: int = 224


def write_grid_features(
    pictures: Sequence[Path],
    backbone: Backbone,
    folder: str | os.PathLike[str],
    *,
    size: int = 0,
    batch_size: int = 32,
    device: torch.device | None = None,
) -> RegionStore:
    """Write a store with the cells of each picture's maps as its regions.

    Pictures are resized to squares of ``size`` pixels (0: the backbone's), so that boxes are
    shares of the whole picture whatever its sides; their ids come from the file names.

    Raises
    ------
    InputError
        If a picture cannot be read, two have one id, or a feature is not finite.
    """
    device = device or torch.device("cpu")
    side = size or backbone.size
    mean, std = (
        torch.tensor(values, device=device)[:, None, None]
        for values in (backbone.mean, backbone.std)
    )
    with write_store(folder) as store, torch.inference_mode():
        for start in range(0, len(pictures), batch_size):
            paths = pictures[start : start + batch_size]
            pixels = torch.from_numpy(np.stack([_read_picture(path, side) for path in paths]))
            scaled = pixels.to(device).permute(0, 3, 1, 2).float() / 255
            maps = backbone.maps((scaled - mean) / std)
            boxes = grid_boxes(*maps.shape[2:])
            features = maps.flatten(2).transpose(1, 2).float().cpu().numpy()
            for path, cells in zip(paths, features, strict=True):
                store.add(image_id(path.stem), cells, boxes, path=path)
    return RegionStore(folder)


def grid_boxes(rows: int, columns: int) -> Floats32:
    """The cells of a grid, row by row, as shares of its sides: (rows · columns, 4).

    Examples
    --------
    >>> grid_boxes(1, 2).tolist()
    [[0.0, 0.0, 0.5, 1.0], [0.5, 0.0, 1.0, 1.0]]
    """
    y, x = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    corners = np.stack([x, y, x + 1, y + 1], -1).reshape(-1, 4)
    boxes: Floats32 = (corners / np.array([columns, rows] * 2)).astype(np.float32)
    return boxes


def find_pictures(folder: Path) -> list[Path]:
    """The pictures in a folder, by name.

    Raises
    ------
    InputError
        If there are none.
    """
    with at(folder):
        if not folder.is_dir():
            raise InputError("no such folder", fix=ABSENT)
        found = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)
        if not found:
            problem = f"holds no pictures ({', '.join(PICTURES)})"
            raise InputError(problem, fix="Name the folder the pictures are in.")
        return found


def timm_backbone(name: str, weights: Path, device: torch.device) -> Backbone:
    """A network of ``timm`` with weights from a file.

    Raises
    ------
    InputError
        If timm cannot be imported, has no such network, or the weights do not fit.
    """
    # torchvision, which timm imports, raises RuntimeError beside a torch that is not its own.
    with as_input_error(
        "grid features need timm, which cannot be imported here",
        *(ImportError, RuntimeError),
        fix="Install it: pip install 'vqa-ensemble[grid]', with this torch's torchvision.",
    ):
        import timm
    if not timm.is_model(name):
        near = timm.list_models(f"*{name}*")[:5]
        raise InputError(
            f"timm has no network '{name}'",
            where="--backbone",
            fix=f"There are: {', '.join(near)}." if near else "timm.list_models() names them.",
        )
    model = timm.create_model(name, pretrained=False)
    try:
        timm.models.load_checkpoint(model, str(weights))
    except Exception as error:
        # Anything from a missing file to a layer of another shape.
        reason = shorten(str(error) or type(error).__name__, 200, placeholder=" …")
        raise InputError(
            f"are not the weights of {name}: {reason}",
            path=weights,
            fix="Give weights that timm made for this backbone.",
        ) from error
    settings = model.pretrained_cfg
    return Backbone(
        FeatureMaps(model).to(device).eval(),
        tuple(settings["mean"]),
        tuple(settings["std"]),
        settings["input_size"][-1],
    )


class FeatureMaps(nn.Module):
    """What a network of timm has before its pooling, as maps (B, D, rows, columns).

    ``forward_features`` gives maps (B, D, rows, columns), the same with D last, or the tokens
    of a square grid (B, prefix + rows · columns, D), by the kind of network.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, pictures: Tensor) -> Tensor:
        features: Tensor = self.model.forward_features(pictures)  # type: ignore[operator]
        if features.ndim == 3:
            tokens = features[:, getattr(self.model, "num_prefix_tokens", 0) :]
            side = math.isqrt(tokens.shape[1])
            return tokens.transpose(1, 2).reshape(len(tokens), -1, side, side)
        return features if features.shape[1] == self.model.num_features else features.movedim(3, 1)


def _read_picture(path: Path, side: int) -> npt.NDArray[np.uint8]:
    from PIL.Image import Resampling

    return np.asarray(read_picture(path).resize((side, side), Resampling.BICUBIC))
