"""Output of Hugging Face pipelines, saved as JSON.

For every question ``visual-question-answering`` gives ``[{"score", "answer"}, …]``: the top
answers of a classifier with their sigmoid scores, or ``[{"answer"}]`` of a generating model.
``image-text-to-text``, which is left of the two in transformers 5, gives
``[{"input_text", "generated_text"}]``; ``document-question-answering`` has ``start`` and ``end``
too. They know no question ids. These ways to save it are read:

- a list with an entry for every question, or a line with one, in the order of ``--questions``;
- an object from question id to entry;
- rows of any kind of table with ``question_id`` and the entry under any other name, or with
  ``score`` and ``answer`` of the only answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vqa_ensemble.errors import InputError, at, shown
from vqa_ensemble.files.records import (
    JSON_LINES,
    Record,
    as_number,
    as_text,
    ending,
    id_from_text,
    json_lines,
    read_document,
    read_records,
)
from vqa_ensemble.importers.base import ImportOptions, QuestionId, Ranked, Votes, content_text

# The key that holds the answer, and all keys beside it. People's answers in a data set have others.
_KEYS = (
    ("answer", {"score", "answer", "start", "end", "words"}),
    ("generated_text", {"input_text", "generated_text"}),
)
# What may stand beside a single answer. With other columns, "score" may be anything: how well
# the answer fits what people said, for instance.
_BESIDE = {"question_id", "question", "image", "image_id"}

_ENTRY = 'what the pipeline gave, a list of {"score": …, "answer": …}'


def recognizes(row: Record) -> bool:
    """Whether a file's first row is of this format."""
    if "question_id" not in row:
        return False
    single = _is_entry([{key: row[key] for key in row.keys() - _BESIDE}]) and "score" in row
    return single or any(value and _is_entry(value) for value in row.values())


def recognizes_document(document: Any) -> bool:
    """Whether a JSON document is of this format."""
    if isinstance(document, dict):
        return all(map(_is_entry, document.values())) and bool(document)
    if isinstance(document, list) and document:
        row = document[0]
        return _is_entry(row) or (_is_entry([row]) and "score" in row and "answer" in row)
    return False


def recognizes_lines(path: str) -> bool:
    """Whether it is a file of JSON lines, one for what the pipeline gave for a question."""
    return ending(path) in JSON_LINES and recognizes_document([next(json_lines(path))[1]])


def read(path: str, options: ImportOptions) -> Iterator[Votes]:
    """The votes of saved output; InputError names the file and the row."""
    for position, (question, entry, where) in enumerate(_entries(path)):
        with at(path, where):
            yield Votes(question, _answers(entry), where, position if question is None else None)


def _entries(path: str) -> Iterator[tuple[QuestionId | None, Any, str]]:
    """The question's id where the file has it, what the pipeline gave for it, and the place."""
    document = read_document(path) if ending(path) == ".json" else None
    if recognizes_lines(path):
        yield from ((None, entry, where) for where, entry in json_lines(path))
    elif isinstance(document, dict) and recognizes_document(document):
        yield from ((id_from_text(q), entry, f"question {q}") for q, entry in document.items())
    elif isinstance(document, list) and recognizes_document(document):
        yield from ((None, entry, f"row {place}") for place, entry in enumerate(document))
    else:
        for row in read_records(path):
            with at(path, row.where):
                question, entry = row.id("question_id"), _entry(row)
                if entry is None:
                    raise InputError(
                        "has no answers beside its question_id", fix=f"Save it with {_ENTRY}."
                    )
                yield question, entry, row.where


def _is_entry(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(one, dict) and any(key in one and one.keys() <= keys for key, keys in _KEYS)
        for one in value
    )


def _entry(row: Record) -> Any:
    """What the pipeline gave, of a row; None if there is nothing like it."""
    if {"score", "answer"} <= row.keys():
        return {key: row[key] for key in ("score", "answer")}
    entries = [value for value in row.values() if _is_entry(value)]
    # An empty list may be of any other column.
    return max(entries, key=bool, default=None)


def _answers(entry: Any) -> Ranked:
    scored = [entry] if isinstance(entry, dict) else entry
    if not _is_entry(scored):
        raise InputError(f"is {shown(entry)}", fix=f"It must be {_ENTRY}.")
    return [
        (
            as_text(one["answer"], "answer") if "answer" in one else _generated(one),
            None if one.get("score") is None else as_number(one["score"], "score"),
        )
        for one in scored
    ]


def _generated(one: Mapping[str, Any]) -> str:
    """What a model generated, without what it was asked: the pipeline may give back both."""
    text = one["generated_text"]
    if isinstance(text, list) and text and isinstance(text[-1], dict):  # a chat
        return content_text(text[-1].get("content")) or ""
    text = as_text(text, "generated_text")
    asked = one.get("input_text")
    return text.removeprefix(asked) if isinstance(asked, str) else text
