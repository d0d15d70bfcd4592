"""What a leaderboard would refuse in a submission: everything, not only the first fault."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from vqa_ensemble.formats.benchmarks import BenchmarkQuestions
from vqa_ensemble.formats.importers.base import id_from_text
from vqa_ensemble.formats.leaderboards import VQA, Leaderboard
from vqa_ensemble.formats.spreadsheet import is_formula, unguard

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
        shown = ", ".join(self.examples) + (", …" if self.count > len(self.examples) else "")
        return f"{self.problem}: {self.count:,}" + (f" ({shown})" if self.examples else "")


def check_submission(
    document: Any,
    question_ids: Sequence[int] | Sequence[str],
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
    question_ids : sequence of int or of str
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
        if leaderboard.shape == "object":
            return [Problem("error", "file holds no object from question id to answers", 1)]
        found = "an object" if isinstance(document, dict) else f"a {type(document).__name__}"
        return [Problem("error", f"file holds {found}, not a list of answers", 1)]
    id_key, answer_key = leaderboard.id_key, leaderboard.answer_key
    id_type = leaderboard.id_type or (type(question_ids[0]) if len(question_ids) else int)
    found_at: dict[str, list[str]] = {}

    def note(problem: str, place: object) -> None:
        found_at.setdefault(problem, []).append(str(place))

    answered: Counter[Any] = Counter()
    extra: list[str] = []
    known = {id_key, answer_key, leaderboard.optional_key}
    for position, entry in enumerate(document):
        if not isinstance(entry, dict):
            note("entries are not objects", f"entry {position}")
            continue
        question = entry.get(id_key)
        place = f"entry {position}" if question is None else question
        if leaderboard.shape == "csv" and isinstance(question, str):
            question = id_from_text(unguard(question)) if id_type is int else unguard(question)
        if id_key not in entry:
            note(f"entries have no {id_key}", place)
        elif type(question) is not id_type:
            kind = "an integer" if id_type is int else "a string"
            note(f"{_plural(id_key)} are not {kind}", repr(question)[:40])
        else:
            answered[question] += 1
        if answer_key not in entry:
            note(f"entries have no {answer_key}", place)
        elif not isinstance(entry[answer_key], str):
            note(f"{_plural(answer_key)} are not strings", place)
        elif not entry[answer_key].strip():
            note(f"{_plural(answer_key)} are empty", place)
        elif leaderboard.shape == "csv" and is_formula(entry[answer_key]):
            note("answers are formulas to a spreadsheet", place)
        if not entry.keys() <= known:
            extra.append(str(place))

    wanted = set(question_ids)
    found_at["questions are answered more than once"] = [
        str(question) for question, count in answered.items() if count > 1
    ]
    found_at["questions have no answer"] = [str(q) for q in question_ids if q not in answered]
    found_at["questions are not in the questions file"] = [
        str(question) for question in answered if question not in wanted
    ]
    problems = [
        Problem("error", problem, len(places), tuple(places[:EXAMPLES]))
        for problem, places in found_at.items()
        if places
    ]
    rows = [entry for entry in document if isinstance(entry, dict)]
    problems += _particular_rules(leaderboard, rows, question_ids, questions)
    if extra:
        text = f"entries have keys beside {id_key} and {answer_key}"
        problems.append(Problem("warning", text, len(extra), tuple(extra[:EXAMPLES])))
    if size > LARGE_BYTES:
        problems.append(Problem("warning", "file is large for a submission, in bytes", size))
    return problems


def _plural(key: str) -> str:
    return {"question_id": "question ids", "questionId": "question ids"}.get(
        key, key.replace("_", " ") + "s"
    )


def _particular_rules(
    leaderboard: Leaderboard,
    rows: list[dict[str, Any]],
    question_ids: Sequence[int] | Sequence[str],
    questions: BenchmarkQuestions | None,
) -> list[Problem]:
    """The rules that a leaderboard has for itself."""
    faults: list[tuple[str, str, list[Any]]] = []
    subset = questions.subset if questions is not None else ""
    if leaderboard.name == "vqa-v2" and subset.startswith("test-dev"):
        # The server takes the same file for both, and scores a part of it.
        text = "questions file is that of test-dev; give the whole test's, which test-dev needs too"
        faults.append(("error", text, [subset]))
    if leaderboard.name == "vizwiz":
        names = [row["image"] for row in rows if isinstance(row.get("image"), str)]
        wrong = [name for name in names if not name.endswith(".jpg")]
        faults.append(("error", "images are not names of .jpg files", wrong))
    if leaderboard.name == "gqa":
        # GQA compares answers as they are written, and its own are in lower case.
        wrong = [
            row.get("questionId")
            for row in rows
            if isinstance(row.get("prediction"), str)
            and row["prediction"] != row["prediction"].lower().strip()
        ]
        faults.append(("warning", "predictions are not in lower case, so cannot be right", wrong))
    if leaderboard.optional_key:
        faults += _optional_answers(leaderboard, rows, question_ids, questions)
    return [
        Problem(level, text, len(places), tuple(map(str, places[:EXAMPLES])))
        for level, text, places in faults
        if places
    ]


def _optional_answers(
    leaderboard: Leaderboard,
    rows: list[dict[str, Any]],
    question_ids: Sequence[int] | Sequence[str],
    questions: BenchmarkQuestions | None,
) -> list[tuple[str, str, list[Any]]]:
    key = leaderboard.optional_key
    given = [row for row in rows if key in row]
    lacking = [row.get(leaderboard.id_key) for row in rows if key not in row]
    faults = [("error", f"entries have no {key}, which others have", lacking if given else [])]
    if questions is not None and questions.choices is not None:
        choices = dict(zip(map(str, question_ids), questions.choices, strict=True))
        wrong = [
            row[leaderboard.id_key]
            for row in given
            if row[key] not in choices.get(str(row.get(leaderboard.id_key)), (row[key],))
        ]
        faults.append(("error", f"{_plural(key)} are none of the question's choices", wrong))
    return faults
