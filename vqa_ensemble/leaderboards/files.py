"""The files that VQA leaderboards take, one answer a question.

============  ========================================================================
leaderboard   file
============  ========================================================================
vqa-v2        ``[{"question_id": 1, "answer": "yes"}]``, as visualqa.org has it
ok-vqa        the same
textvqa       the same
gqa           ``[{"questionId": "02930152", "prediction": "yes"}]``
vizwiz        ``[{"image": "VizWiz_test_00000000.jpg", "answer": "yes"}]``
a-okvqa       ``{"22MexNk": {"direct_answer": "yes", "multiple_choice": "yes"}}``
csv           ``question_id,answer``, cells that would be formulas with an apostrophe
============  ========================================================================

Importing this module is cheap: the command line names the leaderboards in its help.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vqa_ensemble.errors import InputError
from vqa_ensemble.files.atomic import atomic_write
from vqa_ensemble.files.spreadsheet import guard
from vqa_ensemble.files.table import write_csv
from vqa_ensemble.files.text import check_ending

QuestionId = int | str


@dataclass(frozen=True)
class Leaderboard:
    """What a leaderboard's file looks like.

    Attributes
    ----------
    name : str
    shape : {"list", "object", "csv"}
    id_key, answer_key : str
        Names of a row's question and answer.
    id_type : type, optional
        ``int`` or ``str``; None if it is that of the questions.
    optional_key : str
        A second answer that rows may have.
    """

    name: str
    shape: str = "list"
    id_key: str = "question_id"
    answer_key: str = "answer"
    id_type: type | None = int
    optional_key: str = ""


# What a VQA submission is where no leaderboard is named.
VQA = Leaderboard("vqa", id_type=None)
LEADERBOARDS = {
    one.name: one
    for one in (
        Leaderboard("vqa-v2"),
        Leaderboard("vizwiz", id_key="image", id_type=str),
        Leaderboard("textvqa"),
        Leaderboard("gqa", id_key="questionId", answer_key="prediction", id_type=str),
        Leaderboard("ok-vqa"),
        Leaderboard(
            "a-okvqa",
            shape="object",
            answer_key="direct_answer",
            id_type=str,
            optional_key="multiple_choice",
        ),
        Leaderboard("csv", shape="csv", id_type=None),
    )
}


def make_rows(
    leaderboard: Leaderboard,
    question_ids: Sequence[QuestionId],
    answers: Sequence[str],
    optional: Mapping[QuestionId, str] | None = None,
) -> list[dict[str, Any]]:
    """A row for every answer, with the names and types of the leaderboard.

    Parameters
    ----------
    question_ids : sequence of int or str, length Q
    answers : sequence of str, length Q
    optional : mapping, optional
        The second answer to every question.

    Raises
    ------
    InputError
        If an id is not of the leaderboard's type, or a second answer is missing.

    Examples
    --------
    >>> make_rows(LEADERBOARDS["gqa"], [7], ["yes"])
    [{'questionId': '7', 'prediction': 'yes'}]
    """
    rows = []
    for question, answer in zip(question_ids, answers, strict=True):
        row: dict[str, Any] = {leaderboard.id_key: question, leaderboard.answer_key: answer}
        if leaderboard.id_type is str:
            row[leaderboard.id_key] = str(question)
        elif leaderboard.id_type is int and not isinstance(question, int):
            raise InputError(
                f"{leaderboard.name} has no such question: its ids are integers",
                where=f"question {question!r}",
                fix="Give the answers to the leaderboard's own questions.",
            )
        if optional is not None:
            if question not in optional:
                raise InputError(
                    f"has no {leaderboard.optional_key}",
                    where=f"question {question}",
                    fix="Answer it in the file of the other kind of answers, too.",
                )
            row[leaderboard.optional_key] = optional[question]
        if leaderboard.shape == "csv":
            row = {name: guard(v) if isinstance(v, str) else v for name, v in row.items()}
        rows.append(row)
    return rows


def write_rows(
    path: str | os.PathLike[str], leaderboard: Leaderboard, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Write what :func:`make_rows` gave, whole or not at all.

    Raises
    ------
    InputError
        If ``path`` cannot be written.
    """
    import orjson

    if leaderboard.shape == "csv":
        header = [leaderboard.id_key, leaderboard.answer_key]
        write_csv(path, header, (row.values() for row in rows))
        return
    if leaderboard.shape == "list":
        lines = [orjson.dumps(row) for row in rows]
        atomic_write(path, b"[" + b",\n".join(lines) + b"]\n")
        return
    lines = []
    for row in rows:
        value = {name: given for name, given in row.items() if name != leaderboard.id_key}
        lines.append(orjson.dumps(row[leaderboard.id_key]) + b": " + orjson.dumps(value))
    atomic_write(path, b"{" + b",\n".join(lines) + b"}\n")


def read_rows(path: str | os.PathLike[str], leaderboard: Leaderboard) -> Any:
    """What a file holds as a list of rows; anything but a list if it is of another shape.

    Raises
    ------
    InputError
        If it is missing, or not JSON or CSV at all.
    """
    if leaderboard.shape == "csv":
        from vqa_ensemble.files.records import read_records

        check_ending(path, (".csv",))
        return [dict(row) for row in read_records(os.fspath(path))]
    from vqa_ensemble.files.json import read_json

    document = read_json(path)
    if leaderboard.shape == "object" and isinstance(document, dict):
        return [
            {leaderboard.id_key: question, **value} if isinstance(value, dict) else value
            for question, value in document.items()
        ]
    # A list is as wrong where an object belongs as an object is where a list does.
    return None if leaderboard.shape == "object" else document
