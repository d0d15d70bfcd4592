"""The studies by name: the talk's tables, and what the talk's figures were.

The talk is Tran and Tjiputra, "Surpassing State-of-the-Art VQA with Deep Learning Optimization
Techniques under Limited GPU Resources", GTC 2019, S9824. Its figures are of VQA 2.0, test-dev.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from vqa_ensemble.errors import InputError
from vqa_ensemble.studies.bench import Bench
from vqa_ensemble.studies.design import Row
from vqa_ensemble.studies.distillation import distillation
from vqa_ensemble.studies.ensembles import ensemble_size
from vqa_ensemble.studies.recipe_study import MEMORY, TIME, RecipeStudy
from vqa_ensemble.studies.tables import AXIS, Table

_TYPES = ("overall", "yes/no", "number", "other")

COUNTER = {"model.counter": True}
NORMALIZED = {"model.counter": True, "model.counter_normalize": True}
SWISH = {"model.classifier_activation": "swish", "model.classifier_dropout": 0.45}
SAN = {"model.architecture": "san", "model.glimpses": 2}
BUTD = {"model.architecture": "butd", "model.glimpses": 1}

# The ten members of the ensemble, as changes of the base recipe: ``members/vqa-v2-01.toml`` to
# ``vqa-v2-10.toml`` are these.
MEMBERS = (
    Row("BAN", NORMALIZED),
    Row("BAN, Swish", {**NORMALIZED, **SWISH}),
    Row("BAN, Swish, 4 glimpses", {**NORMALIZED, **SWISH, "model.glimpses": 4}),
    Row("BAN, Swish, 100 proposals", {**NORMALIZED, **SWISH, "data.regions": 100}),
    Row("BAN, Swish, 36 proposals", {**NORMALIZED, **SWISH, "data.regions": 36}),
    Row("BAN, counter not normalized", {**COUNTER, **SWISH}),
    Row("BAN, no counter", {**SWISH, "model.counter": False}),
    Row("BAN, GELU", {**NORMALIZED, "model.classifier_activation": "gelu"}),
    Row("SAN, Swish", {**NORMALIZED, **SAN, **SWISH}),
    Row("BUTD, gated tanh", {**BUTD, "model.counter": False, "model.activation": "gated-tanh"}),
)
STUDENT = {**BUTD, "model.counter": False}


def talk(*figures: float) -> dict[str, float]:
    """The talk's scores: overall, yes/no, number, other."""
    return dict(zip(_TYPES, figures, strict=False))


def _proposals(bench: Bench) -> list[Row]:
    if bench.base.data.dataset == "easy-vqa":
        raise InputError(
            "easy-VQA's regions are patches; the study needs a detector's proposals",
            fix="Use --dataset shapes, or vqa-v2.",
        )
    rows = (
        (30, 68.65, 5782, 4.65),
        (40, 68.94, 6382, 5.74),
        (50, 69.12, 7134, 6.06),
        (60, 69.07, 8656, 6.5),
        (70, 69.03, 10594, 6.91),
        (100, 69.11, 11308, 6.93),
    )
    return [
        Row(
            str(regions),
            {"data.regions": regions},
            {"overall": score, "memory (MiB)": memory, "time (h)": hours},
            reference="" if regions == 50 else "50",
        )
        for regions, score, memory, hours in rows
    ]


def _counter(bench: Bench) -> list[Row]:
    none = {"model.counter": False}
    return [
        Row("SAN", {**SAN, **none}),
        Row("SAN + counter", {**SAN, **COUNTER}, talk(68.09, 83.14, 51.62, 58.97), "SAN"),
        Row("SAN + counter + normalize", {**SAN, **NORMALIZED}, {}, "SAN + counter"),
        Row("BAN", none),
        Row("BAN + counter", COUNTER, talk(69.8, 85.19, 53.38, 60.37), "BAN"),
        Row(
            "BAN + counter + normalize",
            NORMALIZED,
            talk(69.92, 85.31, 54.06, 60.35),
            "BAN + counter",
        ),
    ]


def _classifier(bench: Bench) -> list[Row]:
    """Updates are delayed as in the base recipe, or by two batches if that does not delay any."""
    accumulate = list(bench.base.training.accumulate)
    delayed = {**COUNTER, "training.accumulate": accumulate if max(accumulate) > 1 else 2}
    return [
        Row("baseline", {**COUNTER, "training.accumulate": 1}, talk(69.59, 85.0, 53.25, 60.11)),
        Row("+ delayed updates", delayed, talk(69.69, 85.06, 53.91, 60.13), "baseline"),
        Row(
            "+ Swish + dropout 0.45",
            {**delayed, **SWISH},
            talk(69.8, 85.19, 53.38, 60.37),
            "+ delayed updates",
        ),
        Row(
            "+ normalized count",
            {**delayed, **SWISH, **NORMALIZED},
            talk(69.92, 85.31, 54.06, 60.35),
            "+ Swish + dropout 0.45",
        ),
    ]


def _precision(bench: Bench) -> list[Row]:
    figures = {
        "BUTD": ((69.20, 10250, 5.78), (69.22, 9366, 4.30)),
        "SAN": ((69.44, 8352, 16.89), (69.50, 6174, 14.80)),
        "BAN": ((69.60, 11012, 6.62), (69.57, 8932, 4.92)),
    }
    rows = []
    for name, changes in (("BUTD", STUDENT), ("SAN", {**SAN, **COUNTER}), ("BAN", COUNTER)):
        for kind, precision, (score, memory, hours) in zip(
            ("FP32", "mixed"), ("float32", bench.mixed_precision), figures[name], strict=True
        ):
            rows.append(
                Row(
                    f"{name}, {kind}",
                    {**changes, "training.precision": precision},
                    {"overall": score, "memory (MiB)": memory, "time (h)": hours},
                    reference="" if kind == "FP32" else f"{name}, FP32",
                )
            )
    return rows


def _delayed_updates(bench: Bench) -> list[Row]:
    rows: list[Row] = []
    for size, frequency, scale, figures in (
        (256, 1, 1.0, (70.04, 85.42, 54.04, 60.52)),
        (32, 8, 1.0, (69.91, 85.19, 52.5, 60.82)),
        (32, 16, 2.0, (69.93, 85.49, 53.86, 60.27)),
        (32, 16, 3.0, (69.58, 85.19, 52.9, 60.03)),
        (16, 16, 1.0, (69.82, 85.3, 53.22, 60.35)),
        (16, 32, 2.0, (69.79, 85.21, 53.23, 60.36)),
    ):
        label = f"batch {size}" + (f", freq {frequency}" if frequency > 1 else "")
        label += f", {scale:g}x lr" if scale > 1 else ""
        changes = {
            "training.batch_size": size,
            "training.accumulate": frequency,
            "training.learning_rate_scale": scale,
        }
        rows.append(Row(label, changes, talk(*figures), "batch 256" if rows else ""))
    return rows


STUDIES: dict[str, Callable[[str, Bench], Table]] = {
    "proposals": RecipeStudy(
        "Number of object proposals K", "proposals", _proposals, (MEMORY, TIME), AXIS
    ),
    "counter": RecipeStudy("Counting module", "model", _counter),
    "classifier": RecipeStudy("Classifier and delayed updates", "model", _classifier),
    "precision": RecipeStudy(
        "Mixed precision",
        "model",
        _precision,
        (MEMORY, TIME),
        note="The talk measured three models and does not say which; they stand in its order.",
    ),
    "delayed-updates": RecipeStudy(
        "Delayed updates: batch size, frequency, learning rate",
        "updates",
        _delayed_updates,
        (MEMORY, TIME),
    ),
    "ensemble-size": partial(ensemble_size, rows=MEMBERS),
    "distillation": partial(distillation, rows=MEMBERS, student=STUDENT),
}
