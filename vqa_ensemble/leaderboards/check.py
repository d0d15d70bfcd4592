"""What a leaderboard would refuse in a submission: everything, not only the first fault."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from vqa_ensemble.files.records import id_from_text
from vqa_ensemble.files.spreadsheet import is_formula, unguard
from vqa_ensemble.leaderboards.files import LEADERBOARDS, VQA, Leaderboard, read_rows
from vqa_ensemble.questions.benchmarks import BenchmarkQuestions, Source, read_benchmark_questions
from vqa_ensemble.questions.ids import first_few

# A submission for all 447,793 test questions of VQA v2 takes about 20 MB.
LARGE_BYTES = 100_000_000
EXAMPLES = 5


@dataclass(frozen=True)
class Problem:
    """One kind of fault in a submission.

    Attributes
    ----------
    level : {"error", "warning"}
    problem : str
        What is wrong, without the count.
    count : int
        How many entries or questions are affected.
    examples : tuple of str
        The first few of them: ids, or ``entry 12`` (counted from 0) where there is no id.
    """

    level: str
    problem: str
    count: int
    examples: tuple[str, ...] = ()

    def __str__(self) -> str:
        """One line for a person."""
        shown = f" ({first_few(self.examples, self.count)})" if self.examples else ""
        return f"{self.problem}: {self.count:,}{shown}"


def check_submission(
    document: Any,
    question_ids: Sequence[Any],
    *,
    size: int = 0,
    leaderboard: Leaderboard = VQA,
    questions: BenchmarkQuestions | None = None,
) -> list[Problem]:
    """List everything that is wrong with a parsed submission.

    Parameters
    ----------
    document : object
        The parsed rows, of whatever form.
    question_ids : sequence of int or str
        The questions it must answer, each once.
    size : int
        Bytes of the file.
    leaderboard : Leaderboard
        Whose names and types the rows must have.
    questions : BenchmarkQuestions, optional
        What else is known of the questions, in the order of ``question_ids``.

    Returns
    -------
    list of Problem
        Empty if it can be submitted.

    Examples
    --------
    >>> for problem in check_submission([{"question_id": 1, "answer": ""}], [1, 2]):
    ...     print(problem)
    answers are empty: 1 (1)
    questions have no answer: 1 (2)
    """
    if not isinstance(document, list):
        return [Problem("error", f"file holds {_instead_of_list(document, leaderboard)}", 1)]
    id_type = leaderboard.id_type or (type(question_ids[0]) if len(question_ids) else int)
    rows = [entry for entry in document if isinstance(entry, dict)]
    answered = Counter(
        question
        for question in (_question(row, leaderboard, id_type) for row in rows)
        if type(question) is id_type
    )
    faults = [
        *_entry_faults(document, leaderboard, id_type),
        *_question_faults(answered, question_ids),
        *_particular_faults(leaderboard, rows, question_ids, questions),
        _strange_keys(document, leaderboard),
    ]
    problems = [
        Problem(level, text, len(places), tuple(map(str, places[:EXAMPLES])))
        for level, text, places in faults
        if places
    ]
    if size > LARGE_BYTES:
        problems.append(Problem("warning", "file is large for a submission, in bytes", size))
    return problems


def is_acceptable(problems: Sequence[Problem]) -> bool:
    """Whether a leaderboard would take it, as far as is known: warnings may be among them."""
    return all(problem.level != "error" for problem in problems)


@dataclass(frozen=True)
class CheckReport:
    """What a check of a submission found.

    Attributes
    ----------
    submission : str
    leaderboard : str or None
        Whose rules it was checked by; None for those of all.
    ok : bool
        Whether it would be taken, as far as is known.
    questions, bytes : int
        How many it must answer, and the size of the file.
    problems : list of Problem
    """

    submission: str
    leaderboard: str | None
    ok: bool
    questions: int
    bytes: int
    problems: list[Problem]


def check_file(submission: str, questions: Source, leaderboard: str | None = None) -> CheckReport:
    """Check a submission file against a benchmark's questions.

    Parameters
    ----------
    submission : str
    questions : path-like or KeyFile
        Questions or annotations file.
    leaderboard : str, optional
        One of :data:`~vqa_ensemble.leaderboards.files.LEADERBOARDS`.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    known = read_benchmark_questions(questions)
    board = LEADERBOARDS[leaderboard] if leaderboard else VQA
    size = os.path.getsize(submission) if os.path.isfile(submission) else 0
    rows = read_rows(submission, board)
    if isinstance(rows, list):
        known = known.like(row.get(board.id_key) for row in rows if isinstance(row, dict))
    ids = known.images if board.id_key == "image" else known.question_ids
    problems = check_submission(rows, ids, size=size, leaderboard=board, questions=known)
    return CheckReport(submission, leaderboard, is_acceptable(problems), len(ids), size, problems)


# Level, what is wrong, and the places where it is: ids, or entries without one.
_Fault = tuple[str, str, Sequence[Any]]


def _instead_of_list(document: Any, board: Leaderboard) -> str:
    if board.shape == "object":
        return "no object from question id to answers"
    kind = "an object" if isinstance(document, dict) else f"a {type(document).__name__}"
    return f"{kind}, not a list of answers"


def _place(position: int, row: dict[str, Any], board: Leaderboard) -> Any:
    question = row.get(board.id_key)
    return f"entry {position}" if question is None else question


def _question(row: dict[str, Any], board: Leaderboard, id_type: type) -> Any:
    """A row's question, if it has one; what a spreadsheet's guard hides is read."""
    question = row.get(board.id_key)
    if board.shape == "csv" and isinstance(question, str):
        return id_from_text(unguard(question)) if id_type is int else unguard(question)
    return question


def _entry_faults(document: list[Any], board: Leaderboard, id_type: type) -> list[_Fault]:
    """What is wrong with single entries, in the order in which it is met."""
    found: dict[str, list[Any]] = {}
    for position, entry in enumerate(document):
        if not isinstance(entry, dict):
            found.setdefault("entries are not objects", []).append(f"entry {position}")
            continue
        for problem, place in (
            _id_fault(position, entry, board, id_type),
            (_answer_fault(entry, board), _place(position, entry, board)),
        ):
            if problem:
                found.setdefault(problem, []).append(place)
    return [("error", problem, places) for problem, places in found.items()]


def _id_fault(
    position: int, row: dict[str, Any], board: Leaderboard, id_type: type
) -> tuple[str, Any]:
    """What is wrong with a row's question, and its place; nothing is empty."""
    if board.id_key not in row:
        return f"entries have no {board.id_key}", f"entry {position}"
    question = _question(row, board, id_type)
    if type(question) is id_type:
        return "", question
    kind = "an integer" if id_type is int else "a string"
    return f"{_plural(board.id_key)} are not {kind}", repr(question)[:40]


def _answer_fault(row: dict[str, Any], board: Leaderboard) -> str:
    """What is wrong with a row's answer; nothing is empty."""
    if board.answer_key not in row:
        return f"entries have no {board.answer_key}"
    answer = row[board.answer_key]
    if not isinstance(answer, str):
        return f"{_plural(board.answer_key)} are not strings"
    if not answer.strip():
        return f"{_plural(board.answer_key)} are empty"
    if board.shape == "csv" and is_formula(answer):
        return "answers are formulas to a spreadsheet"
    return ""


def _question_faults(answered: Counter[Any], question_ids: Sequence[Any]) -> list[_Fault]:
    """What is wrong with the answers taken together."""
    wanted = set(question_ids)
    repeated = [question for question, count in answered.items() if count > 1]
    lacking = [question for question in question_ids if question not in answered]
    strange = [question for question in answered if question not in wanted]
    return [
        ("error", "questions are answered more than once", repeated),
        ("error", "questions have no answer", lacking),
        ("error", "questions are not in the questions file", strange),
    ]


def _strange_keys(document: list[Any], board: Leaderboard) -> _Fault:
    known = {board.id_key, board.answer_key, board.optional_key}
    places = [
        _place(position, entry, board)
        for position, entry in enumerate(document)
        if isinstance(entry, dict) and not entry.keys() <= known
    ]
    return "warning", f"entries have keys beside {board.id_key} and {board.answer_key}", places


def _plural(key: str) -> str:
    return {"question_id": "question ids", "questionId": "question ids"}.get(
        key, key.replace("_", " ") + "s"
    )


def _particular_faults(
    leaderboard: Leaderboard,
    rows: list[dict[str, Any]],
    question_ids: Sequence[Any],
    questions: BenchmarkQuestions | None,
) -> list[_Fault]:
    """What the rules that a leaderboard has for itself forbid."""
    subset = questions.subset if questions is not None else ""
    if leaderboard.name == "vqa-v2" and subset.startswith("test-dev"):
        # The server takes the same file for both, and scores a part of it.
        text = "questions file is that of test-dev; give the whole test's, which test-dev needs too"
        return [("error", text, [subset])]
    if leaderboard.name == "vizwiz":
        names = [row["image"] for row in rows if isinstance(row.get("image"), str)]
        wrong = [name for name in names if not name.endswith(".jpg")]
        return [("error", "images are not names of .jpg files", wrong)]
    if leaderboard.name == "gqa":
        # GQA compares answers as they are written, and its own are in lower case.
        wrong = [
            row.get("questionId")
            for row in rows
            if isinstance(row.get("prediction"), str)
            and row["prediction"] != row["prediction"].lower().strip()
        ]
        return [("warning", "predictions are not in lower case, so cannot be right", wrong)]
    if leaderboard.optional_key:
        return _optional_faults(leaderboard, rows, question_ids, questions)
    return []


def _optional_faults(
    leaderboard: Leaderboard,
    rows: list[dict[str, Any]],
    question_ids: Sequence[Any],
    questions: BenchmarkQuestions | None,
) -> list[_Fault]:
    key = leaderboard.optional_key
    given = [row for row in rows if key in row]
    lacking = [row.get(leaderboard.id_key) for row in rows if key not in row]
    faults: list[_Fault] = [
        ("error", f"entries have no {key}, which others have", lacking if given else [])
    ]
    if questions is not None and questions.choices is not None:
        choices = dict(zip(map(str, question_ids), questions.choices, strict=True))
        wrong = [
            row[leaderboard.id_key]
            for row in given
            if row[key] not in choices.get(str(row.get(leaderboard.id_key)), (row[key],))
        ]
        faults.append(("error", f"{_plural(key)} are none of the question's choices", wrong))
    return faults
