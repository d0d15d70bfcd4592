"""What this installation has: versions, optional parts, GPUs, threads and folders."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from vqa_ensemble._version import __version__
from vqa_ensemble.resources import list_maps, list_recipes, maps_folder, recipes_folder

_DISTRIBUTION = "vqa-ensemble"
# What each extra is for; those for working on the package itself are not listed.
PARTS = {
    "train": "train and predict with members",
    "demo": "the demo's data set and word vectors",
    "features": "region features from HDF5 and LMDB",
    "grid": "grid features from a backbone",
    "tensorboard": "training curves in TensorBoard",
    "study": "the talk's tables, measured",
    "import": "spreadsheets of other tools",
    "metrics": "ANLS",
    "wups": "WUPS",
    "report": "the report",
    "pandas": "the Python estimators",
    "ray": "many machines",
}


def examine() -> dict[str, Any]:
    """Everything ``vqa-ensemble doctor`` says, ready for JSON.

    Returns
    -------
    dict
        ``version``, ``python``, ``executable``, ``system``; ``cores`` this process may use;
        ``packages``, the needed ones, and ``parts``, by extra, each package with ``package``,
        ``needs`` (a version range), ``version`` (None if missing) and ``good``; ``torch``
        (None if missing); ``folders``; the ``recipes`` and ``maps`` that ship; ``problems``,
        what keeps commands from working.
    """
    requirements = _requirements()
    packages = [_package(r) for r in requirements if r.marker is None or r.marker.evaluate()]
    parts = {}
    for name, use in PARTS.items():
        extra = [
            _package(r)
            for r in requirements
            if r.marker is not None
            and r.marker.evaluate({"extra": name})
            and not r.marker.evaluate({"extra": ""})
        ]
        complete = bool(requirements) and all(row["good"] for row in extra)
        parts[name] = {"use": use, "complete": complete, "packages": extra}
    problems = [
        f"{row['package']} is {'missing' if row['version'] is None else row['version']}; "
        f"pip install '{row['package']}{row['needs']}'"
        for row in packages
        if not row["good"]
    ]
    if not requirements:
        problems.append("not installed, so what it needs is not known; pip install .")
    return {
        "version": __version__,
        "python": platform.python_version(),
        "executable": sys.executable,
        "system": platform.platform(),
        "cores": len(os.sched_getaffinity(0)),
        "packages": packages,
        "parts": parts,
        "torch": _torch(),
        "folders": {
            "working": _folder(Path.cwd()),
            "temporary": _folder(Path(tempfile.gettempdir())),
        },
        "recipes": {"path": str(recipes_folder()), "names": list_recipes()},
        "maps": {"path": str(maps_folder()), "names": list_maps()},
        "problems": problems,
    }


def _requirements() -> list[Requirement]:
    """As installed; empty in a checkout that is not."""
    try:
        return [Requirement(text) for text in requires(_DISTRIBUTION) or ()]
    except PackageNotFoundError:
        return []


def _package(requirement: Requirement) -> dict[str, Any]:
    try:
        found = version(requirement.name)
    except PackageNotFoundError:
        found = None
    # A development version of a library is judged by its number, too.
    good = found is not None and requirement.specifier.contains(found, prereleases=True)
    return {
        "package": requirement.name,
        "needs": str(requirement.specifier),
        "version": found,
        "good": good,
    }


def _torch() -> dict[str, Any] | None:
    """What members can be trained on; None without torch."""
    if importlib.util.find_spec("torch") is None:
        return None
    import torch

    from vqa_ensemble.training.precision import choose_precision

    gpus = [torch.device("cuda", i) for i in range(torch.cuda.device_count())]
    return {
        "version": torch.__version__,
        "threads": torch.get_num_threads(),
        "cuda": torch.version.cuda,
        "gpus": [
            {
                "name": torch.cuda.get_device_name(gpu),
                "bytes": torch.cuda.get_device_properties(gpu).total_memory,
                "auto_precision": choose_precision("auto", gpu),
            }
            for gpu in gpus
        ],
        "cpu_auto_precision": choose_precision("auto", torch.device("cpu")),
        "cpu_bfloat16_instructions": _has_bfloat16_instructions(),
    }


def _has_bfloat16_instructions() -> bool | None:
    """Whether the processor multiplies bfloat16 by itself; None if the system does not say."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return None
    flags = {flag for line in text.splitlines() if ":" in line for flag in line.split()}
    return bool(flags & {"avx512_bf16", "amx_bf16", "avx_ne_convert", "bf16"})


def _folder(path: Path) -> dict[str, Any]:
    """Its path, bytes free, and whether this process may write there."""
    return {
        "path": str(path),
        "free": shutil.disk_usage(path).free,
        "writable": os.access(path, os.W_OK),
    }
