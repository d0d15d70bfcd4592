"""LlamaFactory's ``generated_predictions.jsonl``: ``{"prompt", "predict", "label"}`` a line.

There are no ids: rows are in the order of the data set. ``label`` is the right answer.
"""

from __future__ import annotations

from vqa_ensemble.files.records import Record
from vqa_ensemble.importers.base import ImportOptions, Votes, by_row


def recognizes(row: Record) -> bool:
    """Whether a file's first row is of this format."""
    return {"prompt", "predict", "label"} <= row.keys() and "question_id" not in row


def votes(row: Record, options: ImportOptions) -> Votes:
    """The vote of a row."""
    return Votes(None, [(row.text("predict"), None)], row.where)


read = by_row(votes, uses="predict", in_order=True)
