"""VLMEvalKit predictions: ``<model>_<dataset>.xlsx``, ``.tsv`` or ``.json``.

Rows have an ``index``, a ``prediction`` and, for multiple choice, a column for each option. All
is read as text: "None", "NA" and "2" are answers. "Failed to obtain answer …" is no vote. Where
a row has options, the vote is a letter (:mod:`vqa_ensemble.answers.choices`). The ``.pkl`` that the
tool falls back to is never read.
"""

from __future__ import annotations

from vqa_ensemble.files.records import Record
from vqa_ensemble.importers.base import ImportOptions, Votes, by_row

FAILED = "Failed to obtain answer"


def recognizes(row: Record) -> bool:
    """Whether a file's first row is of this format."""
    return "index" in row and "prediction" in row


def votes(row: Record, options: ImportOptions) -> Votes:
    """The vote of a row."""
    question = row.id(options.question_id_column or "index")
    text = row.text(options.answer_column or "prediction")
    if FAILED in text:
        return Votes(question, [], row.where, missing="the model's service failed")
    return Votes(question, [(text, None)], row.where)


read = by_row(votes, uses="prediction")
