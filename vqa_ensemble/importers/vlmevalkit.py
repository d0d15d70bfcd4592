"""VLMEvalKit predictions: ``<model>_<dataset>.xlsx``, ``.tsv`` or ``.json``.

Rows have an ``index``, a ``prediction`` and, for multiple choice, a column for each option. All
is read as text: "None", "NA" and "2" are answers. "Failed to obtain answer …" is no vote. Where
a row has options, the vote is a letter (:mod:`vqa_ensemble.answers.choices`). The ``.pkl`` that the
tool falls back to is never read.
"""

from __future__ import annotations

from collections.abc import Iterator

from vqa_ensemble.errors import at
from vqa_ensemble.files.records import Record, id_from_text, is_text_table, read_records
from vqa_ensemble.importers.base import ImportOptions, Votes
from vqa_ensemble.importers.reading import options_of

FAILED = "Failed to obtain answer"


def recognizes(row: Record) -> bool:
    """Whether a file's first row is of this format."""
    return "index" in row and "prediction" in row


def read(path: str, options: ImportOptions) -> Iterator[Votes]:
    """The votes of a predictions file; InputError names it and the row."""
    as_text_has_it = is_text_table(path)
    for row in read_records(path):
        with at(path, row.where):
            question = row.id("index")
            yield _votes(row, id_from_text(str(question)) if as_text_has_it else question)


def _votes(row: Record, question: int | str) -> Votes:
    text = row.text("prediction")
    if FAILED in text:
        return Votes(question, [], row.where, missing="the model's service failed")
    options = options_of(row)
    return Votes(question, [(text, None)], row.where, options=options, must_choose=bool(options))
