"""Output of Hugging Face pipelines, saved as JSON.

For every question ``visual-question-answering`` gives ``[{"score", "answer"}, …]``: the top
answers of a classifier with their sigmoid scores, or ``[{"answer"}]`` of a generating model.
``image-text-to-text``, which is left of the two in transformers 5, gives
``[{"input_text", "generated_text"}]``. They know no question ids. These ways to save it are read:

- a list with an entry for every question, or a line with one, in the order of ``--questions``;
- an object from question id to entry;
- rows of any kind of table with ``question_id`` and the entry under any other name, or with
  ``score`` and ``answer`` of the only answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vqa_ensemble.errors import InputError, shown
from vqa_ensemble.formats.importers.base import (
    ImportOptions,
    Votes,
    id_from_text,
    read_answer,
    read_confidence,
    read_id,
)
from vqa_ensemble.formats.importers.records import (
    JSON_LINES,
    ending,
    json_lines,
    read_document,
    read_records,
    value_of,
)

# The key that holds the answer, and all keys beside it. People's answers in a data set have others.
_KEYS = (
    ("answer", {"score", "answer"}),
    ("generated_text", {"input_text", "generated_text"}),
)
# What may stand beside a single answer. With other columns, "score" may be anything: how well
# the answer fits what people said, for instance.
_BESIDE = {"question_id", "question", "image", "image_id"}

_ENTRY = 'what the pipeline gave, a list of {"score": …, "answer": …}'


def recognizes(row: Mapping[str, Any]) -> bool:
    """Whether a file's first row is of this format."""
    if "question_id" not in row:
        return False
    single = row.keys() - _BESIDE == {"score", "answer"}
    return single or any(value and _is_entry(value) for value in row.values())


def recognizes_document(document: Any) -> bool:
    """Whether a JSON document is of this format."""
    if isinstance(document, dict):
        return all(map(_is_entry, document.values())) and bool(document)
    if isinstance(document, list) and document:
        row = document[0]
        return _is_entry(row) or (isinstance(row, dict) and row.keys() == {"score", "answer"})
    return False


def recognizes_lines(path: str) -> bool:
    """Whether it is a file of JSON lines, one for what the pipeline gave for a question."""
    return ending(path) in JSON_LINES and recognizes_document([next(json_lines(path))[1]])


def read(path: str, options: ImportOptions) -> Iterator[Votes]:
    """The votes of saved output.

    Raises
    ------
    InputError
        Naming the file and the row.
    """
    document = read_document(path) if ending(path) == ".json" else None
    if recognizes_lines(path):
        for position, (where, entry) in enumerate(json_lines(path)):
            yield Votes(None, _answers(entry, path, where), where, position)
    elif isinstance(document, dict) and recognizes_document(document):
        for question, entry in document.items():
            where = f"question {question}"
            yield Votes(id_from_text(question), _answers(entry, path, where), where)
    elif isinstance(document, list) and recognizes_document(document):
        for position, entry in enumerate(document):
            where = f"row {position}"
            yield Votes(None, _answers(entry, path, where), where, position)
    else:
        for where, row in read_records(path):
            question = read_id(
                value_of(row, "question_id", path, where), "question_id", path, where
            )
            entry = _entry(row)
            if entry is None:
                raise InputError(
                    "has no answers beside its question_id",
                    path=path,
                    where=where,
                    fix=f"Save it with {_ENTRY}.",
                )
            yield Votes(question, _answers(entry, path, where), where)


def _is_entry(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(one, dict) and any(key in one and one.keys() <= keys for key, keys in _KEYS)
        for one in value
    )


def _entry(row: Mapping[str, Any]) -> Any:
    """What the pipeline gave, of a row; None if there is nothing like it."""
    if {"score", "answer"} <= row.keys():
        return {key: row[key] for key in ("score", "answer")}
    entries = [value for value in row.values() if _is_entry(value)]
    # An empty list may be of any other column.
    return max(entries, key=bool, default=None)


def _answers(entry: Any, path: str, where: str) -> list[tuple[str, float | None]]:
    scored = [entry] if isinstance(entry, dict) else entry
    if not _is_entry(scored):
        raise InputError(f"is {shown(entry)}", path=path, where=where, fix=f"It must be {_ENTRY}.")
    return [
        (
            read_answer(one["answer"], "answer", path, where)
            if "answer" in one
            else _generated(one, path, where),
            None
            if one.get("score") is None
            else read_confidence(one["score"], "score", path, where),
        )
        for one in scored
    ]


def _generated(one: Mapping[str, Any], path: str, where: str) -> str:
    """What a model generated, without what it was asked: the pipeline may give back both."""
    text = one["generated_text"]
    if isinstance(text, list) and text and isinstance(text[-1], dict):  # a chat
        return read_answer(text[-1].get("content"), "content", path, where)
    text = read_answer(text, "generated_text", path, where)
    asked = one.get("input_text")
    return text.removeprefix(asked) if isinstance(asked, str) else text
