"""Answer keys that are tables: a row a question, or several, with columns found by name.

A question has one right answer, or several of which any is right: lists, objects with an
``answer`` each, lists written as text, texts parted by ``|``, or several rows.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, takewhile
from string import ascii_uppercase
from typing import Any, NamedTuple

from vqa_ensemble.errors import InputError, at, shown
from vqa_ensemble.files.records import Record, as_text, ending, ids_from_texts
from vqa_ensemble.files.spreadsheet import unguard
from vqa_ensemble.files.text import list_from_text
from vqa_ensemble.questions.table import ID_NAMES, NAME_COLUMN, split_column

# What benchmarks call types that are neither of questions nor of answers.
_OTHER_TYPES = ("category", "type")
# Where rows of one id differ in these, they are of two questions.
_OF_ONE_QUESTION = ("question", "image_id", "image", "doc_id")
# A list of texts as Python or JSON writes it; what numpy prints lacks the commas.
_TEXT = r"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_LIST = re.compile(rf"\[\s*(?:{_TEXT}\s*(?:,\s*{_TEXT}\s*)*)?\]", re.DOTALL)
_LIST_BEGINS = re.compile(r"""\[\s*(?:["']|\]$)""")
# The VQA accuracy of an answer needs three people beside the one who is held out.
_LEAST_ANNOTATORS = 4


@dataclass(frozen=True)
class KeyFile:
    """A key, and what its columns are called.

    Attributes
    ----------
    path : str
    answer : str
        ``answers`` or ``answer`` if empty.
    id : str
        One of :data:`~vqa_ensemble.questions.table.ID_NAMES` if empty; several with commas between
        are one id together.
    type : str
        Of both kinds of types; ``answer_type`` and ``question_type`` if empty.
    """

    path: str
    answer: str = ""
    id: str = ""
    type: str = ""

    @classmethod
    def of(cls, spec: KeyFile | str | os.PathLike[str]) -> KeyFile:
        """From ``FILE`` or ``FILE:COLUMN``."""
        return spec if isinstance(spec, KeyFile) else cls(*split_column(os.fspath(spec), ""))

    def __fspath__(self) -> str:
        """The path alone, for messages."""
        return self.path

    def id_in(self, row: Record) -> str:
        """What the column of ids is called; nothing is empty."""
        return self.id or next((name for name in ID_NAMES if name in row), "")


class KeyRow(NamedTuple):
    """A question of a key; a type is empty, and options and original None, where it has none."""

    question: int | str
    image: int | str
    answers: list[str]
    question_type: str
    answer_type: str
    options: tuple[str, ...] | None
    original: int | str | None
    text: str


class Key(NamedTuple):
    """The questions of a key.

    Attributes
    ----------
    rows : list of KeyRow
    annotators : bool
        Whether a question's answers are what people said, not alternatives.
    ids_told : bool
        Whether the file tells if ids are integers or strings.
    """

    rows: list[KeyRow]
    annotators: bool
    ids_told: bool


class _Columns(NamedTuple):
    """What a table's columns are called; empty where there is none, or it is not wanted."""

    id: str
    answer: str
    types: tuple[str, str]


@dataclass
class _Question:
    """What rows of one id say: answers with the row of each, and whether one was a list."""

    first: Record
    types: tuple[str, ...]
    answers: list[tuple[str, str]] = field(default_factory=list)
    listed: bool = False


def read_key(
    records: Iterable[Record], file: KeyFile, *, as_texts: bool, answered: bool = True
) -> Key:
    """The questions of a table, in order.

    Parameters
    ----------
    records : iterable of Record
        At least one.
    as_texts : bool
        Whether the file has nothing but text: ids are integers if all are written as such.
    answered : bool
        Whether answers and types are wanted.

    Raises
    ------
    InputError
        Naming the row: no such column, no answer, rows of one id that are of two questions.
    """
    records = iter(records)
    first = next(records)
    columns = _find_columns(first, file, answered=answered)
    clean = unguard if ending(file.path) == ".csv" else str
    questions: dict[int | str, _Question] = {}
    for row in chain([first], records):
        with at(None, row.where):
            _add_row(questions, row, columns, clean)
    answers = _answers_of(questions.values())
    ids = ids_from_texts(list(map(str, questions))) if as_texts else list(questions)
    if len(set(map(type, ids))) > 1:
        raise InputError(
            "question ids are integers and strings", fix="Make them all integers, or all strings."
        )
    rows = [
        KeyRow(
            question,
            _image(known.first, question),
            given,
            known.types[0],
            known.types[1],
            _options(known.first),
            known.first.get("g_index"),
            str(known.first.get("question", "")),
        )
        for question, known, given in zip(ids, questions.values(), answers, strict=True)
    ]
    return Key(rows, answered and are_annotators(answers), not as_texts)


def _find_columns(row: Record, file: KeyFile, *, answered: bool) -> _Columns:
    id_name = file.id_in(row)
    if not id_name:
        raise _no_column(row, ID_NAMES[0], "Name the column of ids with --id-column.")
    if not answered:
        return _Columns(id_name, "", ("", ""))
    return _Columns(id_name, _answer_column(row, file.answer), _type_columns(row, file.type))


def _no_column(row: Record, name: str, fix: str) -> InputError:
    columns = ", ".join(map(str, row)) or "none"
    return InputError(f"has no column '{name}'; its columns are: {columns}", fix=fix)


def _answer_column(row: Record, wanted: str) -> str:
    """The column asked for, else a list of ``answers`` before the one ``answer`` beside it."""
    names = ["answer", "answers"]
    if isinstance(row.get("answers"), (list, dict)):
        names.reverse()
    found = next((name for name in ([wanted] if wanted else names) if name in row), None)
    if found is None:
        raise _no_column(row, wanted or "answer", NAME_COLUMN)
    return found


def _type_columns(row: Record, wanted: str) -> tuple[str, str]:
    """The columns of question types and of answer types; empty if there is none."""
    if wanted:
        if wanted not in row:
            raise _no_column(row, wanted, "Name the column of types with --type-column.")
        return wanted, wanted
    first, second = (name if name in row else "" for name in ("question_type", "answer_type"))
    other = next((name for name in _OTHER_TYPES if name in row), "")
    return first or second or other, second or first or other


def _add_row(
    questions: dict[int | str, _Question],
    row: Record,
    columns: _Columns,
    clean: Callable[[str], str],
) -> None:
    """Put a row's answers beside those of its question."""
    lacking = [name for name in (columns.answer, *columns.types) if name and name not in row]
    if lacking:
        raise InputError(f"has no '{lacking[0]}'", fix="Add it, or take the row out.")
    question = row.id(columns.id)
    question = clean(question) if isinstance(question, str) else question
    types = tuple(clean(row.text(name)).strip() if name else "" for name in columns.types)
    known = questions.setdefault(question, _Question(row, types))
    if known.first is not row:
        _check_same_question(known, row, question, types)
    if not columns.answer:
        return
    cell = row[columns.answer]
    given = [clean(text).strip() for text in _texts(cell, columns.answer)]
    if not any(given):
        raise InputError("has no right answer", fix="Fill it in, or take the question out.")
    known.answers += [(text, row.where) for text in given]
    known.listed |= isinstance(cell, (list, dict))


def _check_same_question(
    known: _Question, row: Record, question: int | str, types: tuple[str, ...]
) -> None:
    differs = [name for name in _OF_ONE_QUESTION if known.first.get(name) != row.get(name)]
    if types != known.types:
        differs.append("type")
    if differs:
        raise InputError(
            f"question {question} has another '{differs[0]}' here than in {known.first.where}",
            fix="Give every question an id of its own; --id-column FIRST,SECOND joins columns.",
        )


def _texts(value: Any, name: str) -> list[str]:
    """The answers in a cell: a text, a list, an object with an ``answer``, or a list of those."""
    value = _unwrapped(value)
    entries = value if isinstance(value, list) else [value]
    return [as_text(_unwrapped(entry), name) for entry in entries]


def _unwrapped(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return next((value[key] for key in ("answer", "text") if key in value), value)


def _answers_of(questions: Collection[_Question]) -> list[list[str]]:
    """The answers of every question, texts that are several taken apart where no cell is a list."""
    parted = {}
    if not any(known.listed for known in questions):
        parted = _part([pair for known in questions for pair in known.answers])
    return [
        [part for text, _ in known.answers for part in parted.get(text, [text])]
        for known in questions
    ]


def _part(answers: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """Texts that are several answers, with these.

    Text is a list, or parted by ``|``, only if all of the column can be read so.
    """
    lists = {text: where for text, where in answers if _LIST_BEGINS.match(text)}
    if lists:
        read = {text: list_from_text(text) for text in lists if _LIST.fullmatch(text)}
        for text, where in answers:
            if not read.get(text):
                what = "is not a list, as others are" if text not in lists else "is no whole list"
                raise InputError(
                    f"the answer {shown(text)} {what}",
                    where=where,
                    fix='Write each as JSON has it: ["cat", "kitten"].',
                )
        return {text: [part.strip() for part in parts or ()] for text, parts in read.items()}
    parted = {text: text.split("|") for text, _ in answers if "|" in text}
    # |x|, a || b and P(A|B) are answers of their own, and so is all else of such a column.
    if not all(_is_whole(part) for parts in parted.values() for part in parts):
        return {}
    return {text: [part.strip() for part in parts] for text, parts in parted.items()}


def _is_whole(part: str) -> bool:
    closed = all(part.count(left) == part.count(right) for left, right in ("()", "[]", "{}"))
    return bool(part.strip()) and closed


def _image(row: Record, question: int | str) -> int | str:
    given = (row.get(name) for name in ("image_id", "image_path", "image"))
    return next((one for one in given if isinstance(one, (int, str)) and one != ""), question)


def _options(row: Record) -> tuple[str, ...] | None:
    """The options of a question: a list, a list as text, or columns A, B and so on."""
    given = row.get("options", row.get("choices"))
    if isinstance(given, str) and _LIST.fullmatch(given.strip()):
        given = list_from_text(given.strip())
    if isinstance(given, list):
        return tuple(as_text(option, "options") for option in given)
    letters = [*takewhile(lambda letter: row.get(letter) not in (None, ""), ascii_uppercase)]
    return tuple(as_text(row[letter], letter) for letter in letters) if len(letters) > 1 else None


def are_annotators(answers: Sequence[Sequence[str]]) -> bool:
    """Whether answers are what people said, not alternatives.

    People are equally many for all questions and repeat each other; alternatives do not.
    """
    number = len(answers[0])
    return (
        number >= _LEAST_ANNOTATORS
        and all(len(given) == number for given in answers)
        and any(len(set(given)) < number for given in answers)
    )
