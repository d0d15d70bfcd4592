"""Tables with named columns: CSV, TSV, JSON, JSON lines, xlsx, parquet, Hugging Face ``datasets``.

One row an answer, or one row a question with lists of answers and confidences. Without a
confidence column each question has one answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vqa_ensemble.errors import InputError
from vqa_ensemble.formats.importers.base import (
    ImportOptions,
    QuestionId,
    Votes,
    id_from_text,
    read_answer,
    read_confidence,
    read_id,
)
from vqa_ensemble.formats.importers.records import ending, is_text_table, read_records, value_of
from vqa_ensemble.formats.spreadsheet import unguard


def recognizes(row: Mapping[str, Any], options: ImportOptions) -> bool:
    """Whether a file's first row has the columns that the options name."""
    return options.question_id_column in row and options.answer_column in row


def read(path: str, options: ImportOptions) -> Iterator[Votes]:
    """The votes of a table.

    Raises
    ------
    InputError
        Naming the file and the row: a column missing, one answer with two confidences, several
        answers a question without confidences.
    """
    questions: dict[QuestionId, dict[str, tuple[float | None, str]]] = {}
    for where, row in read_records(path):
        question = _question_id(row, options, path, where)
        answers = questions.setdefault(question, {})
        for answer, confidence in _answers(row, options, path, where):
            before = answers.setdefault(answer, (confidence, where))
            # The same row twice says nothing new; one answer with two confidences does not fit.
            if before[0] != confidence:
                raise InputError(
                    f"answer {answer!r} to question {question} has confidence {confidence} here "
                    f"and {before[0]} in {before[1]}",
                    path=path,
                    where=where,
                    fix="Keep one of them.",
                )
            if len(answers) > 1 and confidence is None:
                other = next(iter(answers))
                raise InputError(
                    f"question {question} has the answer {answer!r} here and {other!r} in "
                    f"{answers[other][1]}",
                    path=path,
                    where=where,
                    fix="Keep one, or name a column of confidences with --confidence-column.",
                )
    for question, answers in questions.items():
        where = next(iter(answers.values()))[1] if answers else f"question {question}"
        yield Votes(question, [(answer, value[0]) for answer, value in answers.items()], where)


def _question_id(
    row: Mapping[str, Any], options: ImportOptions, path: str, where: str
) -> QuestionId:
    name = options.question_id_column
    question = read_id(value_of(row, name, path, where), name, path, where)
    if is_text_table(path):
        return id_from_text(unguard(str(question)) if ending(path) == ".csv" else str(question))
    return question


def _answers(
    row: Mapping[str, Any], options: ImportOptions, path: str, where: str
) -> list[tuple[str, float | None]]:
    given = value_of(row, options.answer_column, path, where)
    scores = row.get(options.confidence_column)
    if not isinstance(given, list):
        given, scores = [given], [scores]
    elif scores is None:
        scores = [None] * len(given)
    if not isinstance(scores, list) or len(scores) != len(given):
        raise InputError(
            f"'{options.answer_column}' and '{options.confidence_column}' differ in length",
            path=path,
            where=where,
            fix="Give as many confidences as answers.",
        )
    answers = [read_answer(answer, options.answer_column, path, where) for answer in given]
    if ending(path) == ".csv":
        answers = [unguard(answer) for answer in answers]
    confidences = [
        None
        if score is None or score == ""
        else read_confidence(score, options.confidence_column, path, where)
        for score in scores
    ]
    return list(zip(answers, confidences, strict=True))
