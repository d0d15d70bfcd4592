"""Predictions of other tools, one module a format, each with a line in :data:`FORMATS`.

A module has ``read(path, options)``, which gives the :class:`~.base.Votes` of a file one question
at a time (``read = by_row(votes)`` where each row has its own), and ``recognizes(row)`` if files of
the format are told by their first row. Answers are kept as they are written, without the spaces
around them: bringing them into one form is left to the vote.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import NamedTuple

_PLACE = ("by_position",)
_COLUMNS = ("question_id_column", "answer_column", "confidence_column", *_PLACE)


class Format(NamedTuple):
    """A format: its module, what it is, and its turn where a file's first row tells formats.

    The most particular formats have their turn first; none is not told by a row. ``options`` are
    those of ``ImportOptions`` that the format heeds; any other is refused, never dropped.
    """

    module: str
    what: str
    turn: int | None = None
    options: tuple[str, ...] = _PLACE


FORMATS = {
    "lmms-eval": Format("lmms_eval", "lmms-eval *_samples_*.jsonl", 1),
    "vlmevalkit": Format(
        "vlmevalkit", "VLMEvalKit predictions: xlsx, tsv, json", 3, _COLUMNS[:2] + _PLACE
    ),
    "vqa": Format("vqa", "VQA and EvalAI results", 9, _COLUMNS),
    "lavis": Format("lavis", "LAVIS results, A-OKVQA dictionaries", 7, _COLUMNS),
    "mmf": Format("mmf", "MMF reports, with topk", 4, ("activation", *_PLACE)),
    "gqa": Format("gqa", "GQA results", 5, _COLUMNS),
    "vizwiz": Format("vizwiz", "VizWiz results", 8, _COLUMNS),
    "pipeline": Format("pipeline", "Hugging Face VQA pipeline output", 6),
    "llava": Format("llava", "LLaVA answers jsonl", 8, _COLUMNS),
    "llamafactory": Format("llamafactory", "LlamaFactory generated_predictions.jsonl, by place", 8),
    "anthropic-batch": Format("anthropic_batch", "results of Anthropic message batches", 2, ()),
    "gemini-batch": Format("gemini_batch", "results of Gemini batches", 2, ()),
    "inspect": Format("inspect_log", "Inspect logs, as JSON", 1, ()),
    "promptfoo": Format("promptfoo", "promptfoo JSON output", 1, ("question_id_column", *_PLACE)),
    "label-studio": Format(
        "label_studio", "Label Studio tasks with predictions", 1, _COLUMNS[:2] + _PLACE
    ),
    "openai-batch": Format(
        "openai_batch", "OpenAI-style batch output, with token log-probabilities", 2, ()
    ),
    "logits": Format(
        "logits",
        "npy, npz or pt scores and a vocabulary",
        options=("vocabulary", "activation", *_PLACE),
    ),
    "table": Format(
        "table",
        "parquet, csv, tsv, xlsx, json, jsonl, datasets folders with named columns",
        options=_COLUMNS,
    ),
}


def importer(name: str) -> ModuleType:
    """The module of a format."""
    return importlib.import_module(f"{__name__}.{FORMATS[name].module}")
