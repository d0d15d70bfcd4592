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
tdiuc         as vqa-v2
chartqa       as vqa-v2, ids of any kind: it has no server
docvqa        ``[{"questionId": 17, "answer": "yes"}]``, InfographicVQA's too
mmmu          ``{"validation_Art_1": "B", "validation_Math_2": "0.5"}``
mmbench       a workbook: index, question, A to D or more, prediction
pope          a line each ``{"question_id": 1, "question": "Is there …?", "answer": "yes"}``, in the
              order of the questions
mme           a line each ``{"question_id": "count/1.jpg", "prompt": "…", "text": "Yes"}``, which
              LLaVA's converter takes apart into MME's files
dictionary    ``{"1": "yes"}``, of no leaderboard
csv           ``question_id,answer``, cells that would be formulas with an apostrophe
============  ========================================================================

Importing this module is cheap: the command line names the leaderboards in its help.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any

from vqa_ensemble.answers.choices import choose_option
from vqa_ensemble.errors import InputError, at
from vqa_ensemble.files.atomic import atomic_write
from vqa_ensemble.files.spreadsheet import guard, workbook
from vqa_ensemble.files.table import write_csv
from vqa_ensemble.files.text import check_ending

if TYPE_CHECKING:
    from vqa_ensemble.questions.benchmarks import BenchmarkQuestions

QuestionId = int | str


@dataclass(frozen=True)
class Leaderboard:
    """What a leaderboard's file looks like.

    Attributes
    ----------
    name : str
    shape : {"list", "object", "dictionary", "lines", "csv", "workbook"}
    id_key, answer_key : str
        Names of a row's question and answer.
    id_type : type, optional
        ``int`` or ``str``; None if it is that of the questions.
    optional_key : str
        A second answer that rows may have.
    text_key : str
        Where the question's words stand; empty if they do not.
    takes : {"", "letters", "yes or no"}
        What answers must be: ``letters`` where the question has options.
    """

    name: str
    shape: str = "list"
    id_key: str = "question_id"
    answer_key: str = "answer"
    id_type: type | None = int
    optional_key: str = ""
    text_key: str = ""
    takes: str = ""

    @property
    def endings(self) -> tuple[str, ...]:
        """What the names of its files end in."""
        kinds = {"csv": (".csv",), "workbook": (".xlsx",), "lines": (".jsonl", ".json")}
        return kinds.get(self.shape, (".json",))


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
        Leaderboard("tdiuc"),
        Leaderboard("chartqa", id_type=None),
        Leaderboard("docvqa", id_key="questionId"),
        Leaderboard("mmmu", shape="dictionary", id_type=str, takes="letters"),
        Leaderboard(
            "mmbench",
            shape="workbook",
            id_key="index",
            answer_key="prediction",
            text_key="question",
            takes="letters",
        ),
        Leaderboard("pope", shape="lines", id_type=None, text_key="question", takes="yes or no"),
        Leaderboard(
            "mme",
            shape="lines",
            answer_key="text",
            id_type=str,
            text_key="prompt",
            takes="yes or no",
        ),
        Leaderboard("dictionary", shape="dictionary", id_type=str),
        Leaderboard("csv", shape="csv", id_type=None),
    )
}


def make_rows(
    leaderboard: Leaderboard,
    question_ids: Sequence[QuestionId],
    answers: Sequence[str],
    optional: Mapping[QuestionId, str] | None = None,
    questions: BenchmarkQuestions | None = None,
) -> list[dict[str, Any]]:
    """A row for every answer, with the names and types of the leaderboard.

    Letters take the place of options, where the leaderboard wants them.

    Parameters
    ----------
    question_ids : sequence of int or str, length Q
    answers : sequence of str, length Q
    optional : mapping, optional
        The second answer to every question.
    questions : BenchmarkQuestions, optional
        Their words and options; the rows come in their order.

    Raises
    ------
    InputError
        If an id is not of the leaderboard's type, a second answer is missing, or the words of
        questions are not known.

    Examples
    --------
    >>> make_rows(LEADERBOARDS["gqa"], [7], ["yes"])
    [{'questionId': '7', 'prediction': 'yes'}]
    """
    places = {}
    if questions is not None:
        places = {str(one): place for place, one in enumerate(questions.question_ids)}
    if leaderboard.text_key and not (questions and any(questions.texts)):
        raise InputError(
            f"{leaderboard.name} wants the words of the questions",
            fix="Give --questions, with what is asked.",
        )
    pairs = list(zip(question_ids, answers, strict=True))
    if leaderboard.text_key:
        pairs.sort(key=lambda pair: places.get(str(pair[0]), len(places)))
    rows = []
    for question, answer in pairs:
        place = places.get(str(question))
        options = options_by_letter(questions, place)
        row: dict[str, Any] = {leaderboard.id_key: _own_id(question, leaderboard)}
        if leaderboard.text_key:
            row[leaderboard.text_key] = "" if place is None else questions.texts[place]  # type: ignore[union-attr]
        if leaderboard.shape == "workbook":
            row |= options
        row[leaderboard.answer_key] = _as_taken(answer, options, leaderboard)
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


def _own_id(question: QuestionId, leaderboard: Leaderboard) -> QuestionId:
    """A question's id, of the leaderboard's type."""
    if leaderboard.id_type is str:
        return str(question)
    if leaderboard.id_type is int and not isinstance(question, int):
        raise InputError(
            f"{leaderboard.name} has no such question: its ids are integers",
            where=f"question {question!r}",
            fix="Give the answers to the leaderboard's own questions.",
        )
    return question


def _as_taken(answer: str, options: Mapping[str, str], leaderboard: Leaderboard) -> str:
    """An answer as the leaderboard takes it, if it can be put so: a letter, or yes or no."""
    if leaderboard.takes == "letters" and options:
        return choose_option(answer, options) or answer
    word = answer.strip().rstrip(".").lower()
    if leaderboard.takes and word in ("yes", "no"):
        return word.title() if leaderboard.name == "mme" else word
    return answer


def options_by_letter(questions: BenchmarkQuestions | None, place: int | None) -> dict[str, str]:
    """The options of a question by letter; empty where they are not known."""
    if questions is None or questions.choices is None or place is None:
        return {}
    named = zip(ascii_uppercase, questions.choices[place], strict=False)
    return {letter: text for letter, text in named if text.strip()}


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
    if leaderboard.shape == "workbook":
        names = dict.fromkeys(name for row in rows for name in row)
        names.pop(leaderboard.answer_key, None)
        header = [*names, leaderboard.answer_key]
        with at(path):
            content = workbook(header, [[row.get(name, "") for name in header] for row in rows])
        atomic_write(path, content)
        return
    lines = [orjson.dumps(row) for row in rows]
    if leaderboard.shape == "lines":
        atomic_write(path, b"".join(line + b"\n" for line in lines))
        return
    if leaderboard.shape == "list":
        atomic_write(path, b"[" + b",\n".join(lines) + b"]\n")
        return
    lines = []
    for row in rows:
        value = {name: given for name, given in row.items() if name != leaderboard.id_key}
        content = orjson.dumps(
            value if leaderboard.shape == "object" else value[leaderboard.answer_key]
        )
        lines.append(orjson.dumps(row[leaderboard.id_key]) + b": " + content)
    atomic_write(path, b"{" + b",\n".join(lines) + b"}\n")


def read_rows(path: str | os.PathLike[str], leaderboard: Leaderboard) -> Any:
    """What a file holds as a list of rows; anything but a list if it is of another shape.

    Raises
    ------
    InputError
        If it is missing, or not JSON or CSV at all.
    """
    if leaderboard.shape in ("csv", "workbook", "lines"):
        from vqa_ensemble.files.records import id_from_text, read_records

        if leaderboard.shape != "lines":
            check_ending(path, leaderboard.endings)
        rows = [dict(row) for row in read_records(os.fspath(path))]
        if leaderboard.shape == "workbook":
            rows = [{name: text for name, text in row.items() if text != ""} for row in rows]
            for row in rows:
                row[leaderboard.id_key] = id_from_text(str(row.get(leaderboard.id_key, "")))
        return rows
    from vqa_ensemble.files.json import read_json

    document = read_json(path)
    if leaderboard.shape == "object" and isinstance(document, dict):
        return [
            {leaderboard.id_key: question, **value} if isinstance(value, dict) else value
            for question, value in document.items()
        ]
    if leaderboard.shape == "dictionary" and isinstance(document, dict):
        return [
            {leaderboard.id_key: question, leaderboard.answer_key: value}
            for question, value in document.items()
        ]
    # A list is as wrong where an object belongs as an object is where a list does.
    return None if leaderboard.shape in ("object", "dictionary") else document
