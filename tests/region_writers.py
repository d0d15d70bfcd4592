"""Three pictures' regions, written as each public extractor writes its files."""

from __future__ import annotations

import base64
import io
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

WIDTH, SIZE = 6, (200.0, 100.0)
IDS = [42, 7, 100005]
COUNTS = [3, 1, 5]


def picture(image: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(image)
    # Numbers that float16 holds exactly, so that every path must give the same.
    features = random.integers(-50, 50, (count, WIDTH)).astype(np.float32) / 8
    corners = np.sort(random.integers(0, 17, (count, 2, 2)), axis=1).astype(np.float32) / 16
    return features, corners.reshape(count, 4)


PICTURES = {image: picture(image, count) for image, count in zip(IDS, COUNTS, strict=True)}


def in_pixels(boxes: np.ndarray) -> np.ndarray:
    return boxes * np.array([*SIZE, *SIZE], np.float32)


def coded(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array, np.float32)).decode()


def write_tsv(folder: Path) -> Path:
    lines = [
        f"{image}\t{SIZE[0]:g}\t{SIZE[1]:g}\t{len(boxes)}\t{coded(in_pixels(boxes))}\t{coded(f)}\n"
        for image, (f, boxes) in PICTURES.items()
    ]
    path = folder / "karpathy_val_resnet101_faster_rcnn_genome.tsv.0"
    path.write_text("".join(lines))
    return path


def write_lxmert(folder: Path) -> Path:
    """Regions in another order than their confidence says."""
    lines = []
    for image, (features, boxes) in PICTURES.items():
        count = len(boxes)
        order = np.random.default_rng(1).permutation(count)
        confidence = np.linspace(0.9, 0.1, count)[order]
        nothing = coded(np.zeros(count))
        cells = [
            f"COCO_val2014_{image:012d}", f"{SIZE[1]:g}", f"{SIZE[0]:g}", nothing,
            coded(confidence), nothing, nothing, str(count),
            coded(in_pixels(boxes)[order]), coded(features[order]),
        ]  # fmt: skip
        lines.append("\t".join(cells) + "\n")
    path = folder / "val2014_obj36.tsv"
    path.write_text("".join(lines))
    return path


def write_hdf5(folder: Path, *, index: str = "pkl", spatial: bool = True) -> Path:
    """Adaptive, as bilinear attention's public code writes it, with a row that is not used."""
    h5py = pytest.importorskip("h5py")
    path = folder / "val.hdf5"
    ends = np.cumsum(COUNTS)
    boxes = np.concatenate([b for _, b in PICTURES.values()])
    with h5py.File(path, "w") as file:
        file["image_features"] = np.concatenate([f for f, _ in PICTURES.values()])
        file["image_bb"] = in_pixels(boxes)
        if spatial:
            file["spatial_features"] = np.concatenate([boxes, boxes[:, 2:] - boxes[:, :2]], 1)
        else:
            file["image_w"], file["image_h"] = ([side] * (len(IDS) + 1) for side in SIZE)
        file["pos_boxes"] = np.concatenate([np.stack([ends - COUNTS, ends], 1), [[0, 0]]])
    rows = {image: row for row, image in enumerate(IDS)}
    if index == "pkl":
        (folder / "val_imgid2idx.pkl").write_bytes(pickle.dumps(rows, 2))
    elif index == "json":
        (folder / "val_imgid2idx.json").write_text(json.dumps(rows))
    return path


def write_hdf5_with_sizes(folder: Path) -> Path:
    return write_hdf5(folder, index="json", spatial=False)


def write_npz_folder(folder: Path) -> Path:
    for image, (features, boxes) in PICTURES.items():
        np.savez(folder / f"{image}.npz", features=features, boxes=boxes)
    return folder


def write_transposed_npz(folder: Path) -> Path:
    """As the public bottom-up attention in PyTorch writes them."""
    for image, (features, boxes) in PICTURES.items():
        np.savez(
            folder / f"COCO_val2014_{image:012d}.jpg.npz",
            x=features.T,
            bbox=in_pixels(boxes),
            num_bbox=len(boxes),
            image_w=SIZE[0],
            image_h=SIZE[1],
            info=np.array({"objects": [1]}, dtype=object),
        )
    return folder


def write_lmdb(folder: Path) -> Path:
    """As ViLBERT's public code reads them."""
    lmdb = pytest.importorskip("lmdb")
    path = folder / "val.lmdb"
    with lmdb.open(str(path), map_size=1 << 22) as database, database.begin(write=True) as out:
        for image, (features, boxes) in PICTURES.items():
            entry: dict[str, Any] = {"image_id": str(image), "num_boxes": len(boxes)}
            entry |= {"image_w": SIZE[0], "image_h": SIZE[1]}
            entry["boxes"] = coded(in_pixels(boxes)).encode()
            entry["features"] = coded(features).encode()
            out.put(str(image).encode(), pickle.dumps(entry))
        out.put(b"keys", pickle.dumps([str(image).encode() for image in IDS]))
    return path


def write_lmdb_of_arrays(folder: Path) -> Path:
    """As MMF writes them."""
    lmdb = pytest.importorskip("lmdb")
    path = folder / "val.lmdb"
    with lmdb.open(str(path), map_size=1 << 22) as database, database.begin(write=True) as out:
        for image, (features, boxes) in PICTURES.items():
            name = f"val2014/COCO_val2014_{image:012d}"
            entry = {
                "feature_path": name,
                "features": features,
                "bbox": in_pixels(boxes),
                "image_width": SIZE[0],
                "image_height": SIZE[1],
                "num_boxes": len(boxes),
                "objects": np.zeros(len(boxes), int),
            }
            out.put(name.encode(), pickle.dumps(entry))
    return path


def write_lmdb_of_npz(folder: Path) -> Path:
    lmdb = pytest.importorskip("lmdb")
    path = folder / "val.lmdb"
    with lmdb.open(str(path), map_size=1 << 22) as database, database.begin(write=True) as out:
        for image, (features, boxes) in PICTURES.items():
            buffer = io.BytesIO()
            np.savez(buffer, features=features, boxes=boxes)
            out.put(str(image).encode(), buffer.getvalue())
    return path
