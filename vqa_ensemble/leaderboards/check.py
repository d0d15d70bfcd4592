"""What a leaderboard would refuse in a submission: everything, not only the first fault."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from string import ascii_uppercase
from typing import Any

from vqa_ensemble.answers.extraction import without_reasoning
from vqa_ensemble.answers.normalize import normalize_answer
from vqa_ensemble.errors import shown
from vqa_ensemble.files.records import id_from_text
from vqa_ensemble.files.spreadsheet import is_formula, unguard
from vqa_ensemble.leaderboards.files import (
    LEADERBOARDS,
    VQA,
    Leaderboard,
    options_by_letter,
    read_rows,
    write_rows,
)
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
        *_text_faults(rows, leaderboard, questions),
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
    mended : dict of str to int
        What was mended, and how often.
    """

    submission: str
    leaderboard: str | None
    ok: bool
    questions: int
    bytes: int
    problems: list[Problem]
    mended: dict[str, int] = field(default_factory=dict)


def check_file(
    submission: str,
    questions: Source,
    leaderboard: str | None = None,
    *,
    members: Sequence[str] = (),
    fixed: str | None = None,
    fill: str | None = None,
) -> CheckReport:
    """Check a submission file against a benchmark's questions, and mend it if asked to.

    Parameters
    ----------
    submission : str
    questions : path-like or KeyFile
        Questions or annotations file.
    leaderboard : str, optional
        One of :data:`~vqa_ensemble.leaderboards.files.LEADERBOARDS`.
    members : sequence of str
        Prediction files, whose answers the submission's are compared with.
    fixed : str, optional
        Where to write the submission with what :func:`mend` can mend; it is what is checked then,
        and is not written if a leaderboard would refuse it.
    fill : str, optional
        As :func:`mend` takes it.

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
        rows = _numbered(rows, known.question_ids, board)
        known = known.like(row.get(board.id_key) for row in rows if isinstance(row, dict))
    ids = known.images if board.id_key == "image" else known.question_ids
    if board.id_type is str:
        ids = [*map(str, ids)]
    mended: dict[str, int] = {}
    if fixed is not None and isinstance(rows, list):
        rows, mended = mend(rows, ids, board, fill)
    problems = check_submission(rows, ids, size=size, leaderboard=board, questions=known)
    if members and isinstance(rows, list):
        problems += _unlike_members(rows, board, members)
    ok = is_acceptable(problems)
    if fixed is not None and ok:
        write_rows(fixed, board, rows)
    return CheckReport(submission, leaderboard, ok, len(ids), size, problems, mended)


def _numbered(rows: list[Any], question_ids: Sequence[Any], board: Leaderboard) -> list[Any]:
    """Rows with the ids of the questions in their places, where lines may go without ids."""
    # The evaluator of POPE takes answers by their order alone.
    by_order = board.text_key and board.shape == "lines"
    if not by_order or any(isinstance(row, dict) and board.id_key in row for row in rows):
        return rows
    by_place = zip(rows, question_ids, strict=False)
    return [{board.id_key: one, **row} for row, one in by_place if isinstance(row, dict)]


def mend(
    rows: Sequence[Any],
    question_ids: Sequence[Any],
    board: Leaderboard = VQA,
    fill: str | None = None,
) -> tuple[list[Any], dict[str, int]]:
    """The rows of a submission with what can be mended without guessing, and what that was.

    Ids of the wrong type become the questions' own, numbers among the answers text; of rows that
    say the same, one stays. ``fill`` answers questions whose answer is empty or missing.

    Examples
    --------
    >>> mend([{"question_id": "7", "answer": 2}, {"question_id": 7, "answer": "2"}], [7])
    ([{'question_id': 7, 'answer': '2'}], {'ids of another type': 1, 'answers that were \
numbers': 1, 'entries given twice': 1})
    """
    known = {str(question): question for question in question_ids}
    found: Counter[str] = Counter()
    kept: list[Any] = []
    seen: set[str] = set()
    answered = set()
    for entry in rows:
        if not isinstance(entry, dict):
            kept.append(entry)
            continue
        own = _asked(entry, known, board)
        row, mended = _mend_row(entry, own, board, fill)
        found.update(mended)
        if (same := repr(row)) in seen:
            found["entries given twice"] += 1
            continue
        seen.add(same)
        answered.add(str(own))
        kept.append(row)
    lacking = [question for name, question in known.items() if name not in answered]
    if fill is not None and lacking and not board.text_key:
        kept += [{board.id_key: question, board.answer_key: fill} for question in lacking]
        found["missing answers filled"] = len(lacking)
    return kept, dict(found)


def _asked(row: dict[str, Any], known: Mapping[str, Any], board: Leaderboard) -> Any:
    """The question that a row's id means, whatever its type; None if there is none."""
    question = row.get(board.id_key)
    if isinstance(question, float) and question.is_integer():
        question = int(question)
    return known.get(str(_question({board.id_key: question}, board, str)).strip())


def _mend_row(
    entry: dict[str, Any], own: Any, board: Leaderboard, fill: str | None
) -> tuple[dict[str, Any], list[str]]:
    """A row with what can be mended in it alone, and what that was."""
    row, mended = dict(entry), []
    question, answer = row.get(board.id_key), row.get(board.answer_key)
    if own is not None and board.shape != "csv" and (type(own), own) != (type(question), question):
        row[board.id_key] = own
        mended.append("ids of another type")
    if type(answer) is int:
        row[board.answer_key] = str(answer)
        mended.append("answers that were numbers")
    elif fill is not None and (answer is None or not str(answer).strip()):
        row[board.answer_key] = fill
        mended.append("empty answers filled")
    return row, mended


# A submission's answers are unlike the members' if they differ so much more than these do.
_UNLIKE = 2.0
_LEAST_UNLIKE = 0.2


def _unlike_members(
    rows: Sequence[Any], board: Leaderboard, members: Sequence[str]
) -> list[Problem]:
    """Whether the answers are distributed as those of the members are, each's most confident."""
    from vqa_ensemble.predictions.files import read_predictions

    given = {
        str(row[board.id_key]): normalize_answer(row[board.answer_key])
        for row in rows
        if isinstance(row, dict) and isinstance(row.get(board.answer_key), str)
        and board.id_key in row
    }  # fmt: skip
    counts = []
    for path in members:
        predictions = read_predictions(path)
        pairs = zip(predictions.question_ids.tolist(), predictions.top(), strict=True)
        counts.append(Counter(normalize_answer(a) for q, a in pairs if str(q) in given))
    pooled = sum(counts, Counter[str]())
    if not (given and pooled):
        return []

    def excess(some: Counter[str]) -> dict[str, float]:
        return {a: some[a] / some.total() - pooled[a] / pooled.total() for a in some}

    def distance(some: Counter[str]) -> float:
        """Share of the answers that would have to be others."""
        return sum(difference for difference in excess(some).values() if difference > 0)

    own = Counter(given.values())
    if distance(own) <= max(_LEAST_UNLIKE, _UNLIKE * max(map(distance, filter(None, counts)))):
        return []
    most, difference = max(excess(own).items(), key=lambda pair: pair[1])
    theirs = own[most] / own.total() - difference
    text = (
        f"answers are distributed unlike the members': {shown(most)} is "
        f"{own[most] / own.total():.0%} of them, {theirs:.0%} of the members'"
    )
    return [Problem("warning", text, own[most])]


# Level, what is wrong, and the places where it is: ids, or entries without one.
_Fault = tuple[str, str, Sequence[Any]]


def _instead_of_list(document: Any, board: Leaderboard) -> str:
    if board.shape in ("object", "dictionary"):
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
    known = {board.id_key, board.answer_key, board.optional_key, board.text_key}
    known |= set(ascii_uppercase) if board.shape == "workbook" else set()
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
    if leaderboard.name == "pope":
        given = [row.get(leaderboard.id_key) for row in rows]
        moved = [a for a, b in zip(given, question_ids, strict=False) if a != b]
        if sorted(map(str, given)) == sorted(map(str, question_ids)):
            return [("error", "answers are not in the order of the questions", moved)]
    return []


# Answers are texts of a model if so many of a file look like it.
_RAW_SHARE = 0.1
_RAW_WORDS = 12
_RAW_END = re.compile(r"\w\w[.!]\s*\Z")
_LETTER = re.compile(r"\s*[(\[]?[A-Z][)\].:]?\s*")


def _text_faults(
    rows: Sequence[dict[str, Any]], board: Leaderboard, questions: BenchmarkQuestions | None
) -> list[_Fault]:
    """Answers that are not what the question asks for: a model's words, letters, other words."""
    reasoning, raw, letters, wrong = [], [], [], []
    places = {}
    if questions is not None:
        places = {str(one): place for place, one in enumerate(questions.question_ids)}
    for row in rows:
        answer, question = row.get(board.answer_key), row.get(board.id_key)
        if not isinstance(answer, str) or not answer.strip():
            continue
        found = without_reasoning(answer)
        if found.missing or found.marks:
            reasoning.append(question)
        elif len(answer.split()) > _RAW_WORDS or "\n" in answer or _RAW_END.search(answer):
            raw.append(question)
        if _LETTER.fullmatch(answer):
            letters.append(question)
        options = options_by_letter(questions, places.get(str(question)))
        allowed = {"letters": [*options], "yes or no": ["yes", "no", "Yes", "No"]}.get(board.takes)
        if allowed and answer not in allowed:
            wrong.append(question)
    faults: list[_Fault] = [
        ("error", "answers hold reasoning or marks of a model, not the answer alone", reasoning)
    ]
    if len(raw) > _RAW_SHARE * len(rows):
        faults.append(("warning", "answers read like a model's raw text: sentences", raw))
    if not board.takes and len(letters) > max(1, len(rows) // 2):
        text = "answers are letters of options, where words are due"
        faults.append(("warning", text, letters))
    what = "letters of the question's options" if board.takes == "letters" else "yes or no"
    return [*faults, ("error", f"{_plural(board.answer_key)} are not {what}", wrong)]


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
