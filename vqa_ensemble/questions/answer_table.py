"""Tables of answers: CSV, TSV, JSON, JSON lines, xlsx, parquet, Hugging Face ``datasets``.

One row an answer, or one row a question with lists of answers and confidences. Without a
confidence column each question has one answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from vqa_ensemble.errors import InputError, at
from vqa_ensemble.files.records import (
    Record,
    as_number,
    as_text,
    ending,
    id_from_text,
    read_records,
)
from vqa_ensemble.files.spreadsheet import unguard


class Columns(NamedTuple):
    """The names of a table's columns."""

    question_id: str = "question_id"
    answer: str = "answer"
    confidence: str = "confidence"


class Answered(NamedTuple):
    """A question's answers, each with its confidence or None, and its first row."""

    question: int | str
    answers: list[tuple[str, float | None]]
    row: Record


def read_answers(
    path: str, columns: Columns, rows: Iterable[Record] | None = None
) -> Iterator[Answered]:
    """The answers of each question of a table; ``rows`` are its own if they were read before.

    Raises
    ------
    InputError
        Naming the file and the row: a column missing, one answer with two confidences, several
        answers a question without confidences.
    """
    questions: dict[int | str, dict[str, tuple[float | None, str]]] = {}
    first: dict[int | str, Record] = {}
    for row in read_records(path) if rows is None else rows:
        with at(path, row.where):
            question = row.id(columns.question_id)
            if isinstance(question, str) and ending(path) == ".csv":
                question = id_from_text(unguard(question))
            first.setdefault(question, row)
            answers = questions.setdefault(question, {})
            for answer, confidence in row_answers(row, columns):
                _add(answers, _plain(answer, path), confidence, row.where, question)
    for question, answers in questions.items():
        pairs = [(answer, value[0]) for answer, value in answers.items()]
        yield Answered(question, pairs, first[question])


def _plain(text: str, path: str) -> str:
    """The text as it was before it was made harmless to spreadsheets."""
    return unguard(text) if ending(path) == ".csv" else text


def row_answers(row: Record, columns: Columns) -> list[tuple[str, float | None]]:
    """The answers of one row, each with its confidence or None."""
    given, scores = row[columns.answer], row.get(columns.confidence)
    if not isinstance(given, list):
        given, scores = [given], [scores]
    elif scores is None:
        scores = [None] * len(given)
    if not isinstance(scores, list) or len(scores) != len(given):
        raise InputError(
            f"'{columns.answer}' and '{columns.confidence}' differ in length",
            fix="Give as many confidences as answers.",
        )
    answers = [as_text(answer, columns.answer) for answer in given]
    confidences = [
        None if score in (None, "") else as_number(score, columns.confidence) for score in scores
    ]
    return list(zip(answers, confidences, strict=True))


def _add(
    answers: dict[str, tuple[float | None, str]],
    answer: str,
    confidence: float | None,
    where: str,
    question: int | str,
) -> None:
    before, there = answers.setdefault(answer, (confidence, where))
    # The same row twice says nothing new; one answer with two confidences does not fit.
    if before != confidence:
        raise InputError(
            f"answer {answer!r} to question {question} has confidence {confidence} here "
            f"and {before} in {there}",
            fix="Keep one of them.",
        )
    if len(answers) > 1 and confidence is None:
        other = next(iter(answers))
        raise InputError(
            f"question {question} has the answer {answer!r} here and {other!r} in "
            f"{answers[other][1]}",
            fix="Keep one, name a column of confidences with --confidence-column, or give "
            "--samples if they are samples of one model.",
        )
