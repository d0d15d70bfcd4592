"""What a leaderboard would refuse in a submission: everything, not only the first fault."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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
    document: Any, question_ids: Sequence[int] | Sequence[str], *, size: int = 0
) -> list[Problem]:
    """List everything that is wrong with a parsed submission.

    Parameters
    ----------
    document : object
        The parsed JSON, of whatever form.
    question_ids : sequence of int or of str
        The questions it must answer, each once.
    size : int
        Bytes of the file.

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
        found = "an object" if isinstance(document, dict) else f"a {type(document).__name__}"
        return [Problem("error", f"file holds {found}, not a list of answers", 1)]
    id_type = type(question_ids[0]) if len(question_ids) else int
    found_at: dict[str, list[str]] = {}

    def note(problem: str, place: object) -> None:
        found_at.setdefault(problem, []).append(str(place))

    answered: Counter[Any] = Counter()
    extra: list[str] = []
    for position, entry in enumerate(document):
        if not isinstance(entry, dict):
            note("entries are not objects", f"entry {position}")
            continue
        question = entry.get("question_id")
        place = f"entry {position}" if question is None else question
        if "question_id" not in entry:
            note("entries have no question_id", place)
        elif type(question) is not id_type:
            kind = "an integer" if id_type is int else "a string"
            note(f"question ids are not {kind}", repr(question)[:40])
        else:
            answered[question] += 1
        if "answer" not in entry:
            note("entries have no answer", place)
        elif not isinstance(entry["answer"], str):
            note("answers are not strings", place)
        elif not entry["answer"].strip():
            note("answers are empty", place)
        if not entry.keys() <= {"question_id", "answer"}:
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
    if extra:
        text = "entries have keys beside question_id and answer"
        problems.append(Problem("warning", text, len(extra), tuple(extra[:EXAMPLES])))
    if size > LARGE_BYTES:
        problems.append(Problem("warning", "file is large for a submission, in bytes", size))
    return problems
