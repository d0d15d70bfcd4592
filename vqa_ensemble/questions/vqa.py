"""The JSON files of the VQA datasets: questions, annotations, submissions.

They follow the formats of visualqa.org (VQA v1 and v2), which many later datasets share:
a questions file is ``{"questions": [{"question_id", "image_id", "question"}, ...]}``, an
annotations file ``{"annotations": [{"question_id", "question_type", "answer_type",
"answers": [{"answer"}, ...]}, ...]}``, and a submission ``[{"question_id", "answer"}, ...]``.
Everything is read into columns, since one Python object for each of four million human
answers is slow to work on.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Annotated, Any, NamedTuple, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from vqa_ensemble import ragged
from vqa_ensemble.errors import InputError, at, shown
from vqa_ensemble.files.json import (
    column,
    garbage_collection_paused,
    is_utf8,
    list_of_objects,
    parse_json,
    read_content,
)
from vqa_ensemble.questions.ids import QuestionIds, check_distinct, check_same_type, question_ids_of

# Entries that are objects of Python at a time. Few, so that the next ones take their places in the
# processor's cache: with 1,000 reading takes twice as long.
_BLOCK = 100
_INTEGERS = range(-(2**63), 2**64)

T = TypeVar("T")
Entry = TypeVar("Entry", bound=msgspec.Struct)


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
    answer_type_key : str
        What files call the answer types: ``answer_type``, or ``question_type`` for both.
    raw_answers : ndarray of int32, shape (N,), and list of str, or None
        Each human answer before the data set stemmed it, as index into a vocabulary, and that;
        None where a file has none (OK-VQA has).
    ids_told : bool
        Whether the file tells if ids are integers or strings; a table of text does not.
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
    answer_type_key: str = "answer_type"
    raw_answers: tuple[npt.NDArray[np.int32], list[str]] | None = None
    ids_told: bool = True

    def __len__(self) -> int:
        """The number of questions."""
        return len(self.question_ids)

    def types(self, by: str) -> tuple[npt.NDArray[np.int32], list[str]]:
        """The answer types or the question types, and their names; ``by`` as ``--by`` takes it."""
        if by == "answer_type":
            return self.answer_types, self.answer_type_names
        return self.question_types, self.question_type_names


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


# ----------------------------------------------------------------- entries, as files have them


class _Question(msgspec.Struct, gc=False):
    question_id: int | str
    question: str
    image_id: int | str


class _Human(msgspec.Struct, gc=False):
    answer: str
    raw_answer: str | None = None


class _Annotation(msgspec.Struct, gc=False):
    question_id: int | str
    question_type: str
    answers: Annotated[list[_Human], msgspec.Meta(min_length=1)]
    answer_type: str | msgspec.UnsetType = msgspec.UNSET
    multiple_choice_answer: str | None = None


class _Answer(msgspec.Struct, gc=False):
    question_id: int | str
    answer: str


def _blocks(content: bytes, key: str, kind: type[Entry]) -> Iterator[list[Entry]]:
    """The entries under ``key``, typed; raises what :func:`_if_typed` catches."""
    if not is_utf8(content):
        raise ValueError
    if key:
        file = msgspec.defstruct("File", [(key, list[msgspec.Raw])])
        entries = getattr(msgspec.json.decode(content, type=file), key)
    else:
        entries = msgspec.json.decode(content, type=list[msgspec.Raw])
    decode = msgspec.json.Decoder(kind).decode
    if not entries:
        raise ValueError
    for begin in range(0, len(entries), _BLOCK):
        yield [decode(entry) for entry in entries[begin : begin + _BLOCK]]


def _if_typed(read: Callable[[], T]) -> T | None:
    """What reads typed entries, or None if a file is not exactly as meant.

    The whole document is parsed then, slowly, and checked: that finds and words what is wrong.
    Only in keys that nobody reads, numbers beyond all floats and very deep nesting pass here.
    """
    try:
        with garbage_collection_paused():
            return read()
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


# --------------------------------------------------------------------------- reading


def read_questions(path: str | os.PathLike[str]) -> Questions:
    """Read a questions file.

    Raises
    ------
    InputError
        Naming the file and the question: not JSON, a key missing or of the wrong type, a
        question given twice, integer and string ids mixed, no questions.
    """
    content = read_content(path)
    questions = _if_typed(lambda: _typed_questions(content))
    return questions or questions_of(parse_json(content, path), path)


def _typed_questions(content: bytes) -> Questions:
    entries = [entry for block in _blocks(content, "questions", _Question) for entry in block]
    images = [entry.image_id for entry in entries]
    if any(type(image) is int and image not in _INTEGERS for image in images):
        raise ValueError  # which orjson takes for a float
    ids = question_ids_of([entry.question_id for entry in entries])
    return Questions(ids, [entry.question for entry in entries], images)


def questions_of(document: Any, path: str | os.PathLike[str]) -> Questions:
    """The questions in a parsed file; raises as :func:`read_questions`."""
    with at(path):
        entries = _entries(document, "questions")
        ids = read_ids(entries, "questions")
        texts = column(entries, "questions", "question", (str,))
        return Questions(ids, texts, column(entries, "questions", "image_id", (int, str)))


def read_annotations(
    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    answer_type: str = "answer_type",
) -> Annotations:
    """Read one annotations file, or several (train and val) as if they were one.

    ``answer_type`` is the key to take answer types from, or ``question_type`` (TDIUC has those
    only).

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
    return join_annotations([(path, read_annotations_file(path, answer_type)) for path in files])


def read_annotations_file(path: str | os.PathLike[str], answer_type: str) -> Annotations:
    """One file's annotations; raises as :func:`read_annotations`."""
    content = read_content(path)
    annotations = typed_annotations(content, answer_type)
    return annotations or annotations_of(parse_json(content, path), path, answer_type)


def typed_annotations(content: bytes, answer_type: str | None = None) -> Annotations | None:
    """The annotations in a file's bytes; None if something is wrong, or it is no such file.

    ``answer_type`` may be None where it is ``question_type`` if the first entry has no other.
    """

    def read() -> Annotations:
        blocks = _blocks(content, "annotations", _Annotation)
        first = next(blocks)
        untyped = first[0].answer_type is msgspec.UNSET
        key = answer_type or ("question_type" if untyped else "answer_type")
        return _gather((_block_of(block, key) for block in chain([first], blocks)), key)

    return _if_typed(read)


class _Block(NamedTuple):
    """Columns of some questions; their human answers one after the other."""

    ids: Sequence[Any]
    question_types: Sequence[str]
    answer_types: Sequence[str]
    sizes: Sequence[int]
    answers: Sequence[str]
    chosen: Sequence[str | None] = ()
    raw: Sequence[str | None] = ()


def _block_of(entries: list[_Annotation], answer_type: str) -> _Block:
    types: list[Any] = [getattr(entry, answer_type) for entry in entries]
    if msgspec.UNSET in types:
        raise ValueError
    return _Block(
        [entry.question_id for entry in entries],
        [entry.question_type for entry in entries],
        types,
        [len(entry.answers) for entry in entries],
        [human.answer for entry in entries for human in entry.answers],
        [entry.multiple_choice_answer for entry in entries],
        [human.raw_answer for entry in entries for human in entry.answers]
        if entries[0].answers[0].raw_answer is not None
        else (),
    )


def _gather(blocks: Iterable[_Block], answer_type: str) -> Annotations:
    """One file's annotations; raises an InputError without a place if ids repeat or are mixed."""
    question_types, answer_types, vocabulary, chosen, raw = indices = [_index() for _ in range(5)]
    ids: list[Any] = []
    sizes: list[int] = []
    codes = []
    for block in blocks:
        ids += block.ids
        sizes += block.sizes
        columns = (*block[1:3], block.answers, block.chosen, block.raw)
        codes.append(tuple(map(_codes, indices, columns)))
    of_questions, of_answers, answers, right, raws = map(np.concatenate, zip(*codes, strict=True))
    choices = list(chosen)
    return Annotations(
        question_ids_of(ids, where="annotations"),
        of_questions,
        list(question_types),
        of_answers,
        list(answer_types),
        ragged.from_sizes(sizes),
        answers,
        list(vocabulary),
        [choices[code] for code in right.tolist()] if choices and None not in chosen else None,
        answer_type,
        (raws, list(raw)) if len(raws) == len(answers) and None not in raw else None,
    )


def _index() -> defaultdict[Any, int]:
    """Numbers texts in order of first appearance."""
    index: defaultdict[Any, int] = defaultdict()
    index.default_factory = index.__len__
    return index


def _codes(index: defaultdict[Any, int], texts: Sequence[str | None]) -> npt.NDArray[np.int32]:
    return np.fromiter(map(index.__getitem__, texts), np.int32, len(texts))


def join_annotations(files: Sequence[tuple[str | os.PathLike[str], Annotations]]) -> Annotations:
    """The annotations of several files as if they were of one.

    Raises
    ------
    InputError
        If ids are integers in one and strings in another, or a question is in two.
    """
    first, parts = files[0], [part for _, part in files]
    if len(files) == 1:
        return parts[0]
    for path, part in files:
        with at(path):
            check_same_type(part.question_ids, parts[0].question_ids, f"in {first[0]}")
    ids = np.concatenate([part.question_ids for part in parts])
    with at(files[-1][0]):
        check_distinct(ids.tolist(), "the files given together")
    chosen = [part.multiple_choice_answers for part in parts]
    raw = [part.raw_answers for part in parts if part.raw_answers is not None]
    return Annotations(
        ids,
        *_recode([(part.question_types, part.question_type_names) for part in parts]),
        *_recode([(part.answer_types, part.answer_type_names) for part in parts]),
        ragged.from_sizes(np.concatenate([np.diff(part.starts) for part in parts])),
        *_recode([(part.answers, part.vocabulary) for part in parts]),
        [answer for part in chosen for answer in part or ()] if all(chosen) else None,
        parts[0].answer_type_key,
        _recode(raw) if len(raw) == len(parts) else None,
    )


def _recode(
    parts: Sequence[tuple[npt.NDArray[np.int32], list[str]]],
) -> tuple[npt.NDArray[np.int32], list[str]]:
    index = _index()
    codes = np.concatenate([_codes(index, names)[codes] for codes, names in parts])
    return codes, list(index)


def annotations_of(
    document: Any, path: str | os.PathLike[str], answer_type: str | None = None
) -> Annotations:
    """The annotations in a parsed file; raises as :func:`read_annotations`.

    ``answer_type`` is as :func:`typed_annotations` takes it.
    """
    with at(path):
        entries = _entries(document, "annotations")
        if answer_type is None:
            answer_type = "answer_type" if "answer_type" in entries[0] else "question_type"
        ids = read_ids(entries, "annotations")
        question_types = column(entries, "annotations", "question_type", (str,))
        answer_types = column(entries, "annotations", answer_type, (str,))
        humans = column(entries, "annotations", "answers", (list,))
        sizes = [len(answered) for answered in humans]
        if not all(sizes):
            raise InputError(
                "has no human answers",
                where=f"question {ids[sizes.index(0)]}",
                fix="Give its answers, or take the question out.",
            )
        for question, answered in zip(ids, humans, strict=True):
            for position, human in enumerate(answered):
                if not isinstance(human, dict) or not isinstance(human.get("answer"), str):
                    raise InputError(
                        f"answers[{position}] is {shown(human)}",
                        where=f"question {question}",
                        fix='It must be an object with a string "answer".',
                    )
    answers = [human["answer"] for answered in humans for human in answered]
    chosen = [entry.get("multiple_choice_answer") for entry in entries]
    given = chosen if set(map(type, chosen)) == {str} else ()
    raw = [human.get("raw_answer") for answered in humans for human in answered]
    written = raw if set(map(type, raw)) == {str} else ()
    block = _Block(ids.tolist(), question_types, answer_types, sizes, answers, given, written)
    return _gather([block], answer_type)


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
    sizes, flat = list(map(len, answers)), list(chain.from_iterable(answers))
    return _gather([_Block(question_ids, question_types, answer_types, sizes, flat)], "")


def read_submission(path: str | os.PathLike[str]) -> Submission:
    """Read a submission; keys beside ``question_id`` and ``answer`` are ignored.

    Raises
    ------
    InputError
        Naming the file and the question: not JSON, not a list, a key missing or of the
        wrong type, a question given twice, integer and string ids mixed, no answers.
    """
    content = read_content(path)
    submission = _if_typed(lambda: _typed_submission(content))
    if submission is not None:
        return submission
    document = parse_json(content, path)
    with at(path):
        entries = list_of_objects(document, "")
        return Submission(read_ids(entries, ""), column(entries, "", "answer", (str,)))


def _typed_submission(content: bytes) -> Submission:
    entries = [entry for block in _blocks(content, "", _Answer) for entry in block]
    ids = question_ids_of([entry.question_id for entry in entries])
    return Submission(ids, [entry.answer for entry in entries])


def _entries(document: Any, key: str) -> list[dict[str, Any]]:
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
            fix=f"Give the data set's {key} file.",
        )
    return list_of_objects(document[key], key)


def read_ids(entries: list[dict[str, Any]], key: str, id_key: str = "question_id") -> QuestionIds:
    """The distinct ids of questions, all of them integers or all strings.

    Raises
    ------
    InputError
        Naming the entry.
    """
    return question_ids_of(column(entries, key, id_key, (int, str), id_key), name=id_key, where=key)
