"""Names that the command line offers; imports nothing heavy."""

from __future__ import annotations

TOY = "toy-counting"
STUDY_NAMES = (
    "proposals",
    "counter",
    "classifier",
    "precision",
    "delayed-updates",
    "ensemble-size",
    "distillation",
    TOY,
)
SCALE_NAMES = ("full", "small")
