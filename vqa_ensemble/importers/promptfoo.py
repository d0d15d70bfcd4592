"""promptfoo's JSON output: ``{"results": {"results": [{"vars", "provider", "response"}]}}``.

A file may hold several models and prompts; only one of each can be a member. The question's id is
among the ``vars`` (``question_id`` or ``id``, or as ``--question-id-column`` says), else the test's
place. Repeats are samples of one question.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vqa_ensemble.errors import InputError, at
from vqa_ensemble.files.records import Record, as_id, as_text, read_records
from vqa_ensemble.importers.base import ImportOptions, Votes, by_row, sampled
from vqa_ensemble.importers.columns import right_answers

_IDS = ("question_id", "questionId", "qid", "id")


def recognizes(row: Record) -> bool:
    """Whether a file's first row is of this format."""
    return {"promptIdx", "testIdx", "vars"} <= row.keys()


def votes(row: Record, options: ImportOptions) -> Votes:
    """The vote of one test, prompt and provider."""
    variables = row["vars"] if isinstance(row["vars"], dict) else {}
    named = options.question_id_column
    name = named or next((name for name in _IDS if name in variables), None)
    question = None if name is None else as_id(Record(variables, row.where)[name], name)
    place, response = row["testIdx"], row.get("response")
    vote = Votes(question, [], row.where, place if isinstance(place, int) else None)
    if row.get("error") or not isinstance(response, dict) or response.get("error"):
        return vote._replace(missing="the request failed")
    text = as_text(response.get("output"), "output")
    return vote._replace(answers=[(text, None)], right=right_answers(variables, ""))


_rows = by_row(votes)


def read(path: str, options: ImportOptions) -> Iterator[Votes]:
    """The votes of a file; InputError names it and the row."""
    models = {(_name(row.get("provider")), str(row["promptIdx"])) for row in read_records(path)}
    with at(path):
        if len(models) > 1:
            known = ", ".join(sorted(f"{name} with prompt {prompt}" for name, prompt in models))
            raise InputError(
                f"holds the answers of several: {known}",
                fix="Run or export one model and one prompt a file; promptfoo can run one provider "
                "of several.",
            )
    return sampled(_rows(path, options))


def _name(provider: Any) -> str:
    if isinstance(provider, dict):
        return str(provider.get("label") or provider.get("id"))
    return str(provider)
