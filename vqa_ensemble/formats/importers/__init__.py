"""Predictions of other tools, one module a format.

A module has ``read(path, options)``, which gives the :class:`~.base.Votes` of a file one question
at a time, and ``recognizes(row)`` if files of the format are told by their first row. Answers are
kept as they are written, without the spaces around them: bringing them into one form is left to
the vote.
"""

from __future__ import annotations

import importlib
from types import ModuleType

# Name of a format → (its module, what it is).
FORMATS = {
    "lmms-eval": ("lmms_eval", "lmms-eval *_samples_*.jsonl"),
    "vlmevalkit": ("vlmevalkit", "VLMEvalKit predictions: xlsx, tsv, json"),
    "vqa": ("vqa", "VQA and EvalAI results"),
    "lavis": ("lavis", "LAVIS results, A-OKVQA dictionaries"),
    "mmf": ("mmf", "MMF reports, with topk"),
    "gqa": ("gqa", "GQA results"),
    "vizwiz": ("vizwiz", "VizWiz results"),
    "pipeline": ("pipeline", "Hugging Face VQA pipeline output"),
    "openai-batch": ("openai_batch", "OpenAI-style batch output, with token log-probabilities"),
    "logits": ("logits", "npy, npz or pt scores and a vocabulary"),
    "table": ("table", "parquet, csv, tsv, xlsx, json, jsonl, datasets folders with named columns"),
}


def importer(name: str) -> ModuleType:
    """The module of a format."""
    return importlib.import_module(f"{__name__}.{FORMATS[name][0]}")
