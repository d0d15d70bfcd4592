"""VLMEvalKit predictions: ``<model>_<dataset>.xlsx``, ``.tsv`` or ``.json``.

Rows have an ``index``, a ``prediction`` and, for multiple choice, a column for each option. All
is read as text: "None", "NA" and "2" are answers. "Failed to obtain answer …" is no vote. What
a model thought aloud, up to ``</think>``, is not part of its answer (the tool parts them itself if
it is run with ``SPLIT_THINK``). Where
a row has options, the vote is the letter found by the rules of
:mod:`vqa_ensemble.formats.importers.choices`. The ``.pkl`` that the tool falls back to is never
read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from string import ascii_uppercase
from typing import Any

from vqa_ensemble.formats.importers.base import (
    ImportOptions,
    Votes,
    id_from_text,
    read_answer,
    read_id,
)
from vqa_ensemble.formats.importers.choices import choose_option
from vqa_ensemble.formats.importers.records import is_text_table, read_records, value_of

FAILED = "Failed to obtain answer"


def recognizes(row: Mapping[str, Any]) -> bool:
    """Whether a file's first row is of this format."""
    return "index" in row and "prediction" in row


def read(path: str, options: ImportOptions) -> Iterator[Votes]:
    """The votes of a predictions file.

    Raises
    ------
    InputError
        Naming the file and the row.
    """
    for where, row in read_records(path):
        question = read_id(value_of(row, "index", path, where), "index", path, where)
        if is_text_table(path):
            question = id_from_text(str(question))
        written = read_answer(value_of(row, "prediction", path, where), "prediction", path, where)
        text = written.rpartition("</think>")[2].strip()
        choices = _options(row, path, where)
        if FAILED in text:
            yield Votes(question, [], where, missing="the model's service failed")
        elif not choices or not text:
            yield Votes(question, [(text, None)], where)
        elif letter := choose_option(text, choices):
            yield Votes(question, [(letter, None)], where)
        else:
            yield Votes(question, [], where, missing="no single option recognised")


def _options(row: Mapping[str, Any], path: str, where: str) -> dict[str, str]:
    texts = {
        letter: read_answer(row[letter], letter, path, where)
        for letter in ascii_uppercase
        if letter in row
    }
    return {letter: text for letter, text in texts.items() if text}
