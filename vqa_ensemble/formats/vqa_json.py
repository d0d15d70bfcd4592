"""The JSON files of the VQA datasets: questions, annotations, submissions.

They follow the formats of visualqa.org (VQA v1 and v2), which many later datasets share:
a questions file is ``{"questions": [{"question_id", "image_id", "question"}, ...]}``, an
annotations file ``{"annotations": [{"question_id", "question_type", "answer_type",
"answers": [{"answer"}, ...]}, ...]}``, and a submission ``[{"question_id", "answer"}, ...]``.
Everything is read into columns, since one Python object for each of four million human
answers is slow to work on.
"""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa

from vqa_ensemble.errors import DAMAGED, InputError, at, shown
from vqa_ensemble.formats.atomic import atomic_write
from vqa_ensemble.formats.text import cannot_read, check_not_packed, check_regular_file
from vqa_ensemble.questions.ids import (
    QuestionIds,
    check_distinct,
    check_same_type,
    question_ids_of,
)

_NOUNS = {
    int: "an integer",
    str: "a string",
    list: "a list",
    dict: "an object",
    type(None): "null",
}


@dataclass(frozen=True)
class Questions:
    """Questions in file order.

    Attributes
    ----------
    question_ids : ndarray of int64 or of str objects, shape (Q,)
        Distinct.
    texts : list of str, length Q
    image_ids : list of int or str, length Q
    """

    question_ids: QuestionIds
    texts: list[str]
    image_ids: list[int | str]


@dataclass(frozen=True)
class Annotations:
    """Human answers to questions, in file order.

    Attributes
    ----------
    question_ids : ndarray of int64 or of str objects, shape (Q,)
        Distinct.
    question_types, answer_types : ndarray of int32, shape (Q,)
        Indices into ``question_type_names`` and ``answer_type_names``.
    question_type_names, answer_type_names : list of str
        Distinct, in order of first appearance.
    starts : ndarray of int64, shape (Q + 1,)
        The human answers to question ``q`` are ``answers[starts[q]:starts[q + 1]]``;
        never empty, usually ten.
    answers : ndarray of int32, shape (N,)
        Indices into ``vocabulary``.
    vocabulary : list of str
        Distinct answers as the annotators wrote them, in order of first appearance.
    multiple_choice_answers : list of str, length Q, or None
        The answer that the data set itself calls the right one; None where a file has none.
    """

    question_ids: QuestionIds
    question_types: npt.NDArray[np.int32]
    question_type_names: list[str]
    answer_types: npt.NDArray[np.int32]
    answer_type_names: list[str]
    starts: npt.NDArray[np.int64]
    answers: npt.NDArray[np.int32]
    vocabulary: list[str]
    multiple_choice_answers: list[str] | None = None

    def __len__(self) -> int:
        """The number of questions."""
        return len(self.question_ids)


@dataclass(frozen=True)
class Submission:
    """One answer a question, in file order.

    Attributes
    ----------
    question_ids : ndarray of int64 or of str objects, shape (Q,)
        Distinct.
    answers : list of str, length Q
    """

    question_ids: QuestionIds
    answers: list[str]


# --------------------------------------------------------------------------- reading


def read_json(path: str | os.PathLike[str], *, nan: bool = False) -> Any:
    """Parse a JSON file; a byte-order mark is accepted.

    Parameters
    ----------
    path : str or path-like
    nan : bool
        Accept ``NaN`` and ``Infinity``, see :func:`parse_with_nan`.

    Raises
    ------
    InputError
        If it is missing, not a regular file, empty, not UTF-8, or not JSON (with the line
        and column).
    """
    check_regular_file(path)
    try:
        content = Path(path).read_bytes().removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise cannot_read(path, error) from error
    if not content.strip():
        raise InputError("is empty", path=path, fix=DAMAGED)
    try:
        with _garbage_collection_paused():
            return parse_with_nan(content) if nan else orjson.loads(content)
    except json.JSONDecodeError as error:
        check_not_packed(content, path)
        _check_utf8(content, path)
        raise InputError(
            f"not valid JSON, or truncated ({error.msg})",
            path=path,
            where=f"line {error.lineno} column {error.colno}",
            fix=DAMAGED,
        ) from error


def parse_with_nan(content: bytes) -> Any:
    """Parse JSON in which ``NaN`` and ``Infinity`` may stand.

    They are no JSON, but Python's ``json`` writes them: for cells that a pandas table leaves empty,
    for instance.

    Raises
    ------
    json.JSONDecodeError
        If it is not JSON otherwise.

    Examples
    --------
    >>> parse_with_nan(b'{"C": NaN, "prediction": "NaN"}')
    {'C': nan, 'prediction': 'NaN'}
    """
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        if b"NaN" not in content and b"Infinity" not in content:
            raise
        try:
            document = json.loads(content.decode("utf-8"))
            orjson.dumps(document)  # refuses what is no text: half a surrogate pair
        except json.JSONDecodeError:  # tells the place; orjson's is that of the first NaN
            raise
        except (ValueError, TypeError, RecursionError):
            raise error from None
        return document


def read_questions(path: str | os.PathLike[str]) -> Questions:
    """Read a questions file.

    Raises
    ------
    InputError
        Naming the file and the question: not JSON, a key missing or of the wrong type, a
        question given twice, integer and string ids mixed, no questions.
    """
    return questions_of(read_json(path), path)


def questions_of(document: Any, path: str | os.PathLike[str]) -> Questions:
    """The questions in a parsed file; raises as :func:`read_questions`."""
    entries = _entries(document, "questions", path)
    ids = read_ids(entries, "questions", path)
    texts = column(entries, "questions", "question", (str,), path)
    images = column(entries, "questions", "image_id", (int, str), path)
    return Questions(ids, texts, images)


def read_annotations(
    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    answer_type: str = "answer_type",
) -> Annotations:
    """Read one annotations file, or several (train and val) as if they were one.

    ``answer_type`` is the key to take answer types from (TDIUC has question types only).

    Raises
    ------
    InputError
        Naming the file and the question: not JSON, a key missing or of the wrong type, a
        question given twice (in one file or in two), a question without human answers,
        integer and string ids mixed, no annotations.
    """
    files = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
    if not files:
        raise InputError("no annotations file given", fix="Name at least one.")
    return annotations_of(((path, read_json(path)) for path in files), answer_type=answer_type)


def annotations_of(
    documents: Iterable[tuple[str | os.PathLike[str], Any]], *, answer_type: str = "answer_type"
) -> Annotations:
    """The annotations in (path, parsed file) pairs; raises as :func:`read_annotations`."""
    files, parts = [], []
    for path, document in documents:
        files.append(path)
        parts.append(_annotation_columns(document, path, answer_type))
    for part, path in zip(parts[1:], files[1:], strict=True):
        with at(path):
            check_same_type(part.ids, parts[0].ids, f"in {files[0]}")
    ids = np.concatenate([part.ids for part in parts])
    if len(parts) > 1:
        with at(files[-1]):
            check_distinct(ids.tolist(), "the files given together")
    return _join_annotations(ids, parts)


def annotations_from_rows(
    question_ids: Sequence[int | str],
    question_types: Sequence[str],
    answer_types: Sequence[str],
    answers: Sequence[Sequence[str]],
) -> Annotations:
    """Annotations of other benchmarks, one entry a question in every list.

    Parameters
    ----------
    question_ids : sequence of int or of str, length Q
        Distinct, of one type.
    question_types, answer_types : sequence of str, length Q
    answers : sequence of sequence of str, length Q
        The human answers to each question; at least one.
    """
    ids = question_ids_of(question_ids)
    counts = np.fromiter(map(len, answers), np.int64, len(answers))
    flat = [answer for answered in answers for answer in answered]
    columns = _AnnotationColumns(ids, list(question_types), list(answer_types), counts, flat)
    return _join_annotations(ids, [columns])


def _join_annotations(ids: QuestionIds, parts: list[_AnnotationColumns]) -> Annotations:
    question_types, question_type_names = _encode(part.question_types for part in parts)
    answer_types, answer_type_names = _encode(part.answer_types for part in parts)
    answers, vocabulary = _encode(part.answers for part in parts)
    counts = np.concatenate([part.counts for part in parts])
    chosen = [part.multiple_choice_answers for part in parts]
    return Annotations(
        question_ids=ids,
        question_types=question_types,
        question_type_names=question_type_names,
        answer_types=answer_types,
        answer_type_names=answer_type_names,
        starts=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        answers=answers,
        vocabulary=vocabulary,
        multiple_choice_answers=[answer for part in chosen for answer in part or ()]
        if all(chosen)
        else None,
    )


def read_submission(path: str | os.PathLike[str]) -> Submission:
    """Read a submission; keys beside ``question_id`` and ``answer`` are ignored.

    Raises
    ------
    InputError
        Naming the file and the question: not JSON, not a list, a key missing or of the
        wrong type, a question given twice, integer and string ids mixed, no answers.
    """
    entries = list_of_objects(read_json(path), "", path)
    ids = read_ids(entries, "", path)
    return Submission(ids, column(entries, "", "answer", (str,), path))


@dataclass(frozen=True)
class _AnnotationColumns:
    ids: QuestionIds
    question_types: list[str]
    answer_types: list[str]
    counts: npt.NDArray[np.int64]
    answers: list[str]
    multiple_choice_answers: list[str] | None = None


def _annotation_columns(
    document: Any, path: str | os.PathLike[str], answer_type: str
) -> _AnnotationColumns:
    entries = _entries(document, "annotations", path)
    ids = read_ids(entries, "annotations", path)
    question_types = column(entries, "annotations", "question_type", (str,), path)
    answer_types = column(entries, "annotations", answer_type, (str,), path)
    humans = column(entries, "annotations", "answers", (list,), path)
    counts = np.fromiter(map(len, humans), np.int64, len(humans))
    if not counts.all():
        question = ids[int(np.argmin(counts))]
        raise InputError(
            "has no human answers",
            path=path,
            where=f"question {question}",
            fix="Give its answers, or take the question out.",
        )
    try:
        answers = [human["answer"] for answered in humans for human in answered]
    except (KeyError, TypeError):
        answers = []
    if not answers or set(map(type, answers)) != {str}:
        _raise_bad_human_answer(humans, ids, path)
    chosen: list[Any] = [entry.get("multiple_choice_answer") for entry in entries]
    given = set(map(type, chosen)) == {str}
    return _AnnotationColumns(
        ids, question_types, answer_types, counts, answers, chosen if given else None
    )


def _raise_bad_human_answer(
    humans: list[list[Any]], ids: QuestionIds, path: str | os.PathLike[str]
) -> None:
    for question, answered in zip(ids, humans, strict=True):
        for position, human in enumerate(answered):
            if not isinstance(human, dict) or not isinstance(human.get("answer"), str):
                raise InputError(
                    f"answers[{position}] is {shown(human)}",
                    path=path,
                    where=f"question {question}",
                    fix='It must be an object with a string "answer".',
                )


@contextmanager
def _garbage_collection_paused() -> Iterator[None]:
    """Parsing makes millions of objects, none of them garbage: looking takes a quarter of it."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _check_utf8(content: bytes, path: str | os.PathLike[str]) -> None:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"not UTF-8 text (byte {error.start})", path=path, fix="Save it as UTF-8."
        ) from error


def _entries(document: Any, key: str, path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    if not isinstance(document, dict) or key not in document:
        found = (
            "a list"
            if isinstance(document, list)
            else f"the keys {', '.join(map(repr, list(document)[:8])) or 'none'}"
            if isinstance(document, dict)
            else shown(document)
        )
        raise InputError(
            f"is not a VQA {key} file: expected an object with the key '{key}', found {found}",
            path=path,
            fix=f"Give the data set's {key} file.",
        )
    return list_of_objects(document[key], key, path)


def list_of_objects(entries: Any, key: str, path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """``entries``, checked to be what is under ``key``: objects, at least one.

    Raises
    ------
    InputError
        Naming ``path`` and the entry.
    """
    if not isinstance(entries, list):
        what = f"'{key}'" if key else "all of it"
        raise InputError(
            f"{what} is {shown(entries)}", path=path, fix="It must be a list of objects."
        )
    if not entries:
        raise InputError(f"holds no {key or 'answers'}", path=path, fix=DAMAGED)
    if set(map(type, entries)) != {dict}:
        wrong = next(i for i, entry in enumerate(entries) if type(entry) is not dict)
        raise InputError(
            f"is {shown(entries[wrong])}",
            path=path,
            where=f"{key}[{wrong}]",
            fix="It must be an object.",
        )
    return entries


def column(
    entries: list[dict[str, Any]],
    key: str,
    name: str,
    types: tuple[type, ...],
    path: str | os.PathLike[str],
    id_key: str = "question_id",
) -> list[Any]:
    """The value of ``name`` in every entry, checked to be of ``types`` exactly.

    Raises
    ------
    InputError
        Naming ``path`` and the entry, by its ``id_key`` or else by its place under ``key``.
    """
    try:
        values = [entry[name] for entry in entries]
    except KeyError:
        wrong = next(i for i, entry in enumerate(entries) if name not in entry)
        raise InputError(
            f"has no '{name}'",
            path=path,
            where=_place(entries[wrong], key, wrong, id_key),
            fix="Add it, or take the entry out.",
        ) from None
    if not set(map(type, values)) <= set(types):
        wrong = next(i for i, value in enumerate(values) if type(value) not in types)
        raise InputError(
            f"'{name}' is {shown(values[wrong])}",
            path=path,
            where=_place(entries[wrong], key, wrong, id_key),
            fix=f"It must be {' or '.join(_NOUNS[kind] for kind in types)}.",
        )
    return values


def _place(entry: dict[str, Any], key: str, position: int, id_key: str) -> str:
    identity = entry.get(id_key)
    noun = "image" if id_key == "image_id" else "question"
    return f"{key}[{position}]" if identity is None else f"{noun} {identity}"


def read_ids(
    entries: list[dict[str, Any]],
    key: str,
    path: str | os.PathLike[str],
    id_key: str = "question_id",
) -> QuestionIds:
    """The distinct ids of questions, all of them integers or all strings.

    Raises
    ------
    InputError
        Naming ``path`` and the entry.
    """
    values = column(entries, key, id_key, (int, str), path)
    with at(path):
        return question_ids_of(values, name=id_key, where=key)


def _encode(columns: Iterable[list[str]]) -> tuple[npt.NDArray[np.int32], list[str]]:
    """Codes of strings and the distinct strings, in order of first appearance."""
    chunks = [pa.array(column, pa.large_string()) for column in columns]
    encoded = pa.chunked_array(chunks).combine_chunks().dictionary_encode()
    return np.asarray(encoded.indices, dtype=np.int32), encoded.dictionary.to_pylist()


# --------------------------------------------------------------------------- writing


def write_submission(
    path: str | os.PathLike[str],
    question_ids: Sequence[int] | Sequence[str] | npt.NDArray[np.generic],
    answers: Sequence[str],
) -> None:
    """Write a submission ordered by question id, one answer a line, whole or not at all.

    Raises
    ------
    InputError
        If a question is given twice, or ``path`` cannot be written.
    """
    ids = np.asarray(question_ids)
    listed = ids.tolist()
    with at(path):
        check_distinct(listed, "the submission")
    to_json: Callable[[Any], bytes] = orjson.dumps
    # Answers repeat: most of the time goes into quoting them, so each is quoted once.
    quoted = {answer: to_json(answer) for answer in set(answers)}
    lines = [
        b'{"question_id": %b, "answer": %b}' % (to_json(listed[i]), quoted[answers[i]])
        for i in np.argsort(ids, kind="stable").tolist()
    ]
    atomic_write(path, b"[" + b",\n".join(lines) + b"]\n")
