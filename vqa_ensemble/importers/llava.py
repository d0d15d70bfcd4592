"""Answers of LLaVA's ``model_vqa*.py``: ``{"question_id", "prompt", "text", "model_id"}`` a line.

For some benchmarks ``question_id`` is the image's (TextVQA, MME), with several prompts: see
``--questions`` and ``--by-position``. In the files of questions beside them ``text`` is what is
asked; they have an ``image`` and are not read.
"""

from __future__ import annotations

from vqa_ensemble.files.records import Record
from vqa_ensemble.importers.base import ImportOptions, Votes, by_row, one_answer


def recognizes(row: Record) -> bool:
    """Whether a file's first row is of this format."""
    told = {"prompt", "answer_id", "model_id"} & row.keys()
    return {"question_id", "text"} <= row.keys() and bool(told) and "image" not in row


def votes(row: Record, options: ImportOptions) -> Votes:
    """The vote of a row."""
    return one_answer(row, options, "question_id", "text")


read = by_row(votes, uses="text")
