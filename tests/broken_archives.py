"""Readers of other tools' files, of region features and of checkpoints, for broken files."""

from __future__ import annotations

import io
import json
import random
import tempfile
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import foreign_files as foreign
import numpy as np
import region_writers as regions
from broken_files import READERS, VALUES, Reader, as_json, break_value
from tiny_vqa import tiny_recipe

from vqa_ensemble.importers.base import ImportOptions
from vqa_ensemble.importers.import_predictions import import_predictions
from vqa_ensemble.questions.benchmarks import (
    BenchmarkQuestions,
    read_benchmark_annotations,
    read_benchmark_questions,
)
from vqa_ensemble.regions.files import convert_regions
from vqa_ensemble.regions.store import RegionStore


def written(write: Callable[[Path], Path], name: str = "") -> Callable[[], bytes]:
    """The bytes of what ``write`` writes, given a folder, or the file ``name`` in it."""

    @cache
    def good() -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            path = write(Path(folder) / name)
            return (path / "data.mdb" if path.is_dir() else path).read_bytes()

    return good


# ----------------------------------------------------------------------- predictions of others


def bring(format_name: str, **options: Any) -> Callable[[Path], object]:
    """What imports a file of a format, or of the format that it is found to have."""

    def read(path: Path) -> object:
        known = ImportOptions(questions=BenchmarkQuestions(foreign.IDS, foreign.IDS), **options)
        output = path.with_name("imported.parquet")
        return import_predictions(
            [str(path)], output, known, format_name=format_name or None, member="m"
        )

    return read


def bring_scores(path: Path) -> object:
    vocabulary = path.with_name("answers.txt")
    vocabulary.write_text("\n".join(foreign.VOCABULARY))
    return bring("logits", vocabulary=str(vocabulary))(path)


TABLE = {"question_id_column": "qid", "answer_column": "reply", "confidence_column": "score"}
IMPORTED = [
    ("lmms-eval", ".jsonl", foreign.lmms_eval),
    ("vlmevalkit", ".xlsx", foreign.vlmevalkit_xlsx),
    ("llava", ".jsonl", foreign.llava),
    ("llamafactory", ".jsonl", foreign.llamafactory),
    ("anthropic-batch", ".jsonl", foreign.anthropic_batch),
    ("gemini-batch", ".jsonl", foreign.gemini_batch),
    ("inspect", ".json", foreign.inspect_log),
    ("promptfoo", ".json", foreign.promptfoo),
    ("label-studio", ".json", foreign.label_studio),
    ("vlmevalkit", ".tsv", foreign.vlmevalkit_tsv),
    ("vqa", ".json", foreign.vqa),
    ("lavis", ".json", foreign.lavis),
    ("mmf", ".json", foreign.mmf),
    ("gqa", ".json", foreign.gqa),
    ("pipeline", ".json", foreign.pipeline),
    ("openai-batch", ".jsonl", foreign.openai_batch),
]


# ------------------------------------------------------------------------------- benchmarks

_HUMAN = [{"answer": word, "answer_confidence": "yes"} for word in ("cat", "a cat", "dog")]
BENCHMARKS: dict[str, Any] = {
    "gqa": {
        str(q): {
            "question": "?",
            "imageId": f"n{q}",
            "answer": "yes",
            "types": {"structural": "verify", "semantic": "attr"},
        }
        for q in range(3)
    },
    "textvqa": {
        "data": [
            {"question_id": q, "question": "?", "image_id": "a", "answers": ["x", "y"]}
            for q in range(3)
        ]
    },
    "a-okvqa": [
        {
            "question_id": f"q{q}",
            "question": "?",
            "choices": ["x", "y"],
            "correct_choice_idx": 1,
            "direct_answers": ["x"],
        }
        for q in range(3)
    ],
    "vizwiz": [
        {
            "image": f"{q}.jpg",
            "question": "?",
            "answers": _HUMAN,
            "answerable": 1,
            "answer_type": "other",
        }
        for q in range(3)
    ],
}


def read_benchmark(path: Path) -> object:
    return read_benchmark_questions(path), read_benchmark_annotations([path])


# ----------------------------------------------------------------------------------- arrays

ARRAYS: list[Any] = [
    np.zeros(0),
    np.zeros((0, 4), np.float32),
    np.zeros((3, 0), np.float32),
    np.full((3, 4), np.nan, np.float32),
    np.full((3, 4), np.inf),
    np.float64(-1),
    np.array(2**63 - 1),
    np.arange(3) - 5,
    np.array(["a", "b", "c"]),
    np.array(["a", "a", "a"]),
    np.array([True, False, True]),
    np.array([1 + 2j] * 3),
    np.zeros((2, 2, 2, 2)),
    np.array(["2026-01-01"] * 3, "M8[s]"),
    np.array([(1, 2.0)], [("a", "i4"), ("b", "f8")]),
    np.array([b"\xff\xfe", b"", b"x"]),
]


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def spoil_npz(content: bytes, generator: random.Random) -> bytes:
    with np.load(io.BytesIO(content)) as file:
        arrays: dict[str, Any] = dict(file)
    name = generator.choice(list(arrays))
    spoilt = _spoil_array(arrays.pop(name), generator)
    if spoilt is not None:
        arrays[name] = spoilt
    return npz(**arrays)


def spoil_npy(content: bytes, generator: random.Random) -> bytes:
    spoilt = _spoil_array(np.load(io.BytesIO(content)), generator)
    return npy(np.zeros(1) if spoilt is None else spoilt)


def _spoil_array(array: Any, generator: random.Random) -> Any:
    """Another array, or None for none at all."""
    how = generator.randrange(5)
    if how == 0:
        return None
    if how == 1:
        return array[:-1] if array.ndim else array
    if how == 2:
        return array.T
    if how == 3 and array.dtype.kind in "fi" and array.size:
        array = array.copy()
        worst = [-1, 2**31 - 1] if array.dtype.kind == "i" else [np.nan, -np.inf, 1e30, -1]
        with np.errstate(over="ignore"):
            array.flat[generator.randrange(array.size)] = generator.choice(worst)
        return array
    return generator.choice(ARRAYS)


def first_picture(folder: Path) -> Path:
    return regions.write_npz_folder(folder) / "42.npz"


def first_transposed(folder: Path) -> Path:
    return regions.write_transposed_npz(folder) / "COCO_val2014_000000000042.jpg.npz"


def hdf5_with_ids(folder: Path) -> Path:
    import h5py

    path = regions.write_hdf5(folder, index="")
    with h5py.File(path, "a") as file:
        file["image_ids"] = [*regions.IDS, 9]
        file["pos_boxes"][-1] = [0, 1]
    return path


def convert(path: Path) -> object:
    return convert_regions([path], path.with_name("store"))


def read_store(name: str) -> Callable[[Path], object]:
    """A store of which one file is the given one; read as training does."""

    def read(path: Path) -> object:
        folder = path.with_name("given")
        convert_regions([regions_file(path)], folder)
        path.replace(folder / f"{name}.npy")
        store = RegionStore(folder)
        return store.read(np.arange(len(store.image_ids)))

    return read


def regions_file(path: Path) -> Path:
    good = path.with_name("good.tsv")
    good.write_bytes(written(regions.write_tsv)())
    return good


def store_file(name: str) -> Callable[[], bytes]:
    def write(folder: Path) -> Path:
        convert_regions([regions.write_tsv(folder)], folder / "store")
        return folder / "store" / f"{name}.npy"

    return written(write)


# ------------------------------------------------------------------------------ checkpoints


def checkpoint(folder: Path) -> Path:
    """Of a small network that has seen nothing."""
    from vqa_ensemble.training.checkpoint import Member, save_checkpoint
    from vqa_ensemble.training.models import build_model

    recipe = tiny_recipe(folder)
    words, answers = ["is", "it"], ["yes", "no"]
    model = build_model(recipe.model, width=5, words=len(words), answers=len(answers))
    path = folder / "checkpoint.pt"
    save_checkpoint(path, Member(recipe, words, answers, 5, model), {"update": 3})
    return path


def load(path: Path) -> object:
    import torch

    from vqa_ensemble.training.checkpoint import load_checkpoint

    return load_checkpoint(path, torch.device("cpu"))


def spoil_torch(content: bytes, generator: random.Random) -> bytes:
    import torch

    document = break_value(torch.load(io.BytesIO(content), weights_only=True), generator)
    file = io.BytesIO()
    torch.save(document, file)
    return file.getvalue()


def torch_scores(folder: Path) -> Path:
    import torch

    path = folder / "scores.pt"
    torch.save({"logits": torch.tensor(foreign.scores()), "question_ids": foreign.IDS}, path)
    return path


def spoil_lines(content: bytes, generator: random.Random) -> bytes:
    """Break a value in JSON lines."""
    rows = break_value([json.loads(line) for line in content.splitlines()], generator)
    rows = rows if isinstance(rows, list) else [rows]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def spoil_zip(content: bytes, generator: random.Random) -> bytes:
    """Break a file inside an archive, which stays one."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    name = generator.choice(list(files))
    if generator.random() < 0.2:
        del files[name]
    else:
        at = generator.randrange(len(files[name]) + 1)
        value = generator.choice([v for v in VALUES if isinstance(v, str)])
        middle = value.encode("utf-8", "surrogatepass")
        files[name] = files[name][:at] + middle + files[name][at + generator.randrange(9) :]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, part in files.items():
            archive.writestr(name, part)
    return out.getvalue()


ALL_READERS = [
    *READERS,
    *(
        Reader(
            f"import {name}{ending}",
            ending,
            written(write, f"file{ending}"),
            bring(name),
            {".jsonl": spoil_lines, ".xlsx": spoil_zip}.get(ending),
        )
        for name, ending, write in IMPORTED
    ),
    Reader("import table", ".csv", written(foreign.table_csv, "file.csv"), bring("table", **TABLE)),
    Reader("import, detected", ".json", written(foreign.vqa, "file.json"), bring("")),
    Reader(
        "import logits.npy",
        ".npy",
        lambda: npy(np.array(foreign.scores(), np.float32)),
        bring_scores,
        spoil_npy,
    ),
    Reader(
        "import logits.npz",
        ".npz",
        lambda: npz(logits=np.array(foreign.scores(), np.float32), question_ids=foreign.IDS),
        bring_scores,
        spoil_npz,
    ),
    Reader("import logits.pt", ".pt", written(torch_scores), bring_scores, spoil_torch),
    *(
        Reader(f"benchmark, {name}", ".json", as_json(document), read_benchmark)
        for name, document in BENCHMARKS.items()
    ),
    Reader("regions.tsv", ".tsv", written(regions.write_tsv), convert),
    Reader("regions of LXMERT", ".tsv", written(regions.write_lxmert), convert),
    Reader("regions.hdf5", ".hdf5", written(hdf5_with_ids), convert),
    Reader("regions.lmdb", ".lmdb", written(regions.write_lmdb), convert),
    Reader("regions.npz", ".npz", written(first_picture), convert, spoil_npz),
    Reader("regions.npz, transposed", ".npz", written(first_transposed), convert),
    *(
        Reader(f"store, {name}", ".npy", store_file(name), read_store(name), spoil_npy, alone=False)
        for name in ("image_ids", "counts", "features", "boxes")
    ),
    Reader("checkpoint", ".pt", written(checkpoint), load, spoil_torch),
]
