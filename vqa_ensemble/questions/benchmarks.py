"""Question and annotation files of VQA benchmarks, told apart by their layout.

=============  ==============================================================================
layout         file
=============  ==============================================================================
VQA            ``{"questions": [...]}``, ``{"annotations": [...]}``: VQA v1 and v2, OK-VQA, TDIUC
GQA            ``{"<id>": {"question", "imageId", "answer", "types"}}``
TextVQA        ``{"data": [{"question_id", "question", "image_id", "answers"}]}``; DocVQA has
               ``questionId``
A-OKVQA        ``[{"question_id", "question", "choices", "correct_choice_idx",
               "direct_answers"}]``
VizWiz         ``[{"image", "question", "answers": [{"answer"}], "answer_type"}]``
table          any other list of rows (JSON, JSON lines, CSV, TSV, xlsx, parquet, ``datasets``)
               with an id and right answers; see :mod:`~vqa_ensemble.questions.key`
=============  ==============================================================================

All but the first are brought into :class:`Annotations`. GQA's structural type becomes the answer
type and its semantic type the question type; where a layout knows no types they are the
layout's name. A row with an id of its own is none of VizWiz, whatever else it has.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from vqa_ensemble.errors import InputError, at, shown
from vqa_ensemble.files.json import list_of_objects, parse_json, read_content, read_json
from vqa_ensemble.files.records import (
    LIST_KEYS,
    Record,
    ending,
    is_text_table,
    read_records,
    rows_of,
)
from vqa_ensemble.files.text import list_from_text
from vqa_ensemble.questions.key import Key, KeyFile, are_annotators, read_key
from vqa_ensemble.questions.table import ID_NAMES
from vqa_ensemble.questions.vqa import (
    Annotations,
    annotations_from_rows,
    annotations_of,
    join_annotations,
    read_annotations_file,
    read_ids,
    typed_annotations,
)

QuestionId = int | str
# The type of all questions of a table that has none.
UNTYPED = "all"
# What names a file of annotations or of questions.
Source = KeyFile | str | os.PathLike[str]
T = TypeVar("T")


@dataclass(frozen=True)
class BenchmarkQuestions:
    """Questions that are to be answered, in file order.

    Attributes
    ----------
    question_ids : list of int or of str, length Q
        Distinct.
    images : list of int or str, length Q
    choices : list of tuple of str, optional
        Options of every question, where the benchmark has them; a question may have none.
    subset : str
        The part of the data set that the file says it is, ``test-dev2015`` for instance.
    ids_told : bool
        Whether the file tells if ids are integers or strings; a table of text does not.
    texts : sequence of str
        What is asked; "" where the file does not say, and empty if it never does.
    """

    question_ids: list[QuestionId]
    images: list[QuestionId]
    choices: list[tuple[str, ...]] | None = None
    subset: str = ""
    ids_told: bool = True
    texts: Sequence[str] = ()

    def like(self, others: Iterable[Any]) -> BenchmarkQuestions:
        """With ids of the others' type where the file does not tell."""
        if self.ids_told or not all(isinstance(other, str) for other in others):
            return self
        return replace(self, question_ids=[*map(str, self.question_ids)])


@dataclass(frozen=True)
class BenchmarkAnnotations:
    """Right answers.

    Attributes
    ----------
    annotations : Annotations
    choices : list of tuple of str, optional
        Options of every question in the order of the annotations.
    right_choices : list of str, optional
        The right one of them.
    answerable : list of bool, optional
        Whether the question can be answered, where the benchmark says so (VizWiz).
    difficult : list of bool, optional
        Whether it is too difficult for direct answers, where it says so (A-OKVQA).
    balanced : list of bool, optional
        Whether it is of the balanced part, where the file says so (GQA).
    images : list of int or str, optional
        The image of every question, where the file names it.
    groups : list of int or str, optional
        The question that each is a copy of, itself for the first, where the file names it.
    alternatives : bool
        Whether each of a question's answers is right, not only what most people said.
    metric : str
        The benchmark's own, of :data:`vqa_ensemble.scoring.METRICS`.
    """

    annotations: Annotations
    choices: list[tuple[str, ...]] | None = None
    right_choices: list[str] | None = None
    answerable: list[bool] | None = None
    difficult: list[bool] | None = None
    balanced: list[bool] | None = None
    images: list[QuestionId] | None = None
    groups: list[QuestionId] | None = None
    alternatives: bool = False
    metric: str = "vqa"


def read_benchmark_questions(source: Source) -> BenchmarkQuestions:
    """Read the questions of a benchmark, annotated or not.

    Raises
    ------
    InputError
        Naming the file and the question: of no known layout, a key missing, given twice.
    """
    file = KeyFile.of(source)
    path = file.path
    document: Any = read_json(path) if ending(path) == ".json" else [*read_records(path)]
    with at(path):
        if _is_vqa(document):
            part = "questions" if "questions" in document else "annotations"
            entries = list_of_objects(document[part], part)
            known: list[QuestionId] = read_ids(entries, part).tolist()
            images = [row.get("image_id", i) for i, row in zip(known, entries, strict=True)]
            subset = document.get("data_subtype")
            texts = [str(row.get("question", "")) for row in entries]
            return BenchmarkQuestions(
                known, images, subset=subset if isinstance(subset, str) else "", texts=texts
            )
        table = _table(file, document, answered=False)
        if table is not None:
            options = [row.options or () for row in table.rows]
            return BenchmarkQuestions(
                [row.question for row in table.rows],
                [row.image for row in table.rows],
                options if any(options) else None,
                ids_told=table.ids_told,
                texts=[row.text for row in table.rows],
            )
        _, rows = _rows(document)
        ids = _distinct(rows)
    texts = [row.text for row in rows]
    return BenchmarkQuestions(ids, [row.image for row in rows], _choices(rows), texts=texts)


def read_benchmark_annotations(sources: Sequence[Source]) -> BenchmarkAnnotations:
    """Read the right answers of a benchmark; several files only in the layout of VQA.

    Raises
    ------
    InputError
        Naming the file and the question: of no known layout, a key missing, given twice,
        without an answer.
    """
    files = [KeyFile.of(source) for source in sources]
    file, path = files[0], files[0].path
    document = _annotations_or_document(path)
    if isinstance(document, Annotations):
        key = document.answer_type_key
        others = [(other.path, read_annotations_file(other.path, key)) for other in files[1:]]
        joined = join_annotations([(path, document), *others])
        few = "exact-match" if key == "answer_type" else "tdiuc"
        many = "vqa" if joined.raw_answers is None else "ok-vqa"
        return BenchmarkAnnotations(joined, metric=many if _are_many(joined) else few)
    _check_alone(files)
    with at(path):
        table = _table(file, document)
        if table is not None:
            return _annotations_of_table(table)
        reader, rows = _rows(document)
        for row in rows:
            if not row.answers:
                raise InputError(
                    "has no right answer",
                    where=f"question {row.question}",
                    fix="Give the annotations of a split whose answers are published.",
                )
        ids = _distinct(rows)
    annotations = annotations_from_rows(
        ids,
        [row.question_type for row in rows],
        [row.answer_type for row in rows],
        [row.answers for row in rows],
    )
    return BenchmarkAnnotations(
        annotations,
        _choices(rows),
        _if_all([row.right_choice for row in rows]),
        _if_all([row.answerable for row in rows]),
        _if_all([row.difficult for row in rows]),
        _if_all([row.balanced for row in rows]),
        [row.image for row in rows],
        metric=_OWN[reader][not _are_many(annotations)],
    )


def _are_many(annotations: Annotations) -> bool:
    """Whether most questions have as many human answers as VQA accuracy needs.

    It holds each out in turn, and three others make an answer right.
    """
    return bool((np.diff(annotations.starts) > 3).mean() > 0.5)


def _check_alone(files: Sequence[KeyFile]) -> None:
    if len(files) > 1:
        raise InputError(
            "only VQA annotations may be given as several files",
            path=files[1].path,
            fix="Give one file.",
        )


def _annotations_or_document(path: str) -> Annotations | Any:
    """The annotations of a file in the layout of VQA; the document or the rows of any other."""
    if ending(path) != ".json":
        return [*read_records(path)]
    content = read_content(path)
    annotations = typed_annotations(content)
    if annotations is not None:
        return annotations
    document = parse_json(content, path)
    return annotations_of(document, path) if _is_vqa(document) else document


def _is_vqa(document: Any) -> bool:
    return isinstance(document, dict) and ("annotations" in document or "questions" in document)


@dataclass(frozen=True)
class _Row:
    question: QuestionId
    image: QuestionId
    answers: list[str]
    question_type: str
    answer_type: str
    choices: tuple[str, ...] | None = None
    right_choice: str | None = None
    answerable: bool | None = None
    difficult: bool | None = None
    text: str = ""
    balanced: bool | None = None


def _if_all(values: Sequence[T | None]) -> list[T] | None:
    given = [value for value in values if value is not None]
    return given if len(given) == len(values) else None


def _choices(rows: list[_Row]) -> list[tuple[str, ...]] | None:
    return _if_all([row.choices for row in rows])


def _distinct(rows: list[_Row]) -> list[QuestionId]:
    """The questions' ids; raises InputError if one repeats, or not all are of one type."""
    ids = [row.question for row in rows]
    seen: set[QuestionId] = set()
    for question in ids:
        if question in seen:
            raise InputError(
                "stands more than once", where=f"question {question}", fix="Keep one of them."
            )
        seen.add(question)
    if len(set(map(type, ids))) > 1:
        raise InputError(
            "question ids are integers and strings", fix="Make them all integers, or all strings."
        )
    return ids


def _rows(document: Any) -> tuple[_Reader, list[_Row]]:
    places: list[tuple[str, Any]] = []
    if isinstance(document, dict) and isinstance(document.get("data"), list):
        places = [(f"data[{i}]", row) for i, row in enumerate(document["data"])]
    elif isinstance(document, dict):
        places = [(f"question {key}", row) for key, row in document.items()]
    elif isinstance(document, list):
        places = [(f"row {i}", row) for i, row in enumerate(document)]
    reader = _reader(document, places[0][1] if places else None)
    if reader is None:
        raise InputError(
            "holds no questions of a known benchmark",
            fix="Known are VQA, GQA, TextVQA, DocVQA, A-OKVQA and VizWiz files.",
        )
    rows = []
    for where, entry in places:
        try:
            rows.append(_row(reader, where, entry))
        except InputError as error:
            error.place(None, where)
            raise
    return reader, rows


_Reader = Callable[[str, Mapping[str, Any]], _Row]


def _row(reader: _Reader, where: str, entry: Any) -> _Row:
    if not isinstance(entry, dict):
        raise InputError("is not an object", fix="Write it as the other rows are.")
    try:
        asked = entry.get("question")
        row = replace(reader(where, entry), text=asked if isinstance(asked, str) else "")
    except InputError:
        raise
    except KeyError as error:
        raise InputError(f"has no {error}", fix="Add it, or take the question out.") from error
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise InputError(
            f"is not of the benchmark's layout ({error})",
            fix="Write it as the other questions are, or take it out.",
        ) from error
    for name, value in (("id", row.question), ("image", row.image)):
        if type(value) not in (int, str):
            raise InputError(
                f"its {name} is {shown(value)}", fix="It must be an integer or a string."
            )
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise InputError(
                f"its {name}, {value}, does not fit into 64 bits", fix="Write such ids as strings."
            )
    for text in (*row.answers, *(row.choices or ()), row.question_type, row.answer_type):
        if not isinstance(text, str):
            raise InputError(f"an answer or a type is {shown(text)}", fix="It must be a string.")
    return row


def _reader(document: Any, row: Any) -> _Reader | None:
    """What reads the rows of a document, told by the first."""
    if not isinstance(row, dict):
        return None
    if isinstance(document, list):
        return _list_reader(row)
    if "data" not in document:
        return _gqa_row if "imageId" in row else None
    return _text_row if "question_id" in row else _document_row


def _list_reader(row: Mapping[str, Any]) -> _Reader | None:
    """What reads the rows of a list that is no mere table."""
    if "choices" in row and "answer" not in row and "answers" not in row:
        return _aokvqa_row
    return _vizwiz_row if "image" in row and not any(name in row for name in ID_NAMES) else None


def _gqa_row(where: str, row: Mapping[str, Any]) -> _Row:
    types = row.get("types") or {}
    return _Row(
        where.removeprefix("question "),
        row["imageId"],
        [row["answer"]] if "answer" in row else [],
        types.get("semantic") or "gqa",
        types.get("structural") or "gqa",
        balanced=bool(row["isBalanced"]) if "isBalanced" in row else None,
    )


def _text_row(where: str, row: Mapping[str, Any]) -> _Row:
    question = row["question_id"] if "question_id" in row else row["questionId"]
    image = row.get("image_id", row.get("docId", row.get("image", question)))
    return _Row(question, image, _list(row, "answers"), "text", "text")


def _document_row(where: str, row: Mapping[str, Any]) -> _Row:
    return _text_row(where, row)


def _aokvqa_row(where: str, row: Mapping[str, Any]) -> _Row:
    choices = tuple(_list(row, "choices"))
    index = row.get("correct_choice_idx")
    if isinstance(index, int) and index < 0:
        raise IndexError(f"correct_choice_idx is {index}")
    right = None if index is None else choices[index]
    answers = _list(row, "direct_answers")
    return _Row(
        row["question_id"],
        row.get("image_id", row["question_id"]),
        answers if answers or right is None else [right],
        "a-okvqa",
        "a-okvqa",
        choices,
        right,
        # As the benchmark's own script has it: only what is marked as not difficult counts.
        difficult=row["difficult_direct_answer"] is not False
        if "difficult_direct_answer" in row
        else None,
    )


def _vizwiz_row(where: str, row: Mapping[str, Any]) -> _Row:
    kind = row.get("answer_type") or "vizwiz"
    answers = [human["answer"] for human in _list(row, "answers")]
    answerable = row.get("answerable")
    return _Row(
        row["image"],
        row["image"],
        answers,
        kind,
        kind,
        answerable=None if answerable is None else bool(answerable),
    )


# The benchmark's own metric where questions have many human answers, and where they have few.
_OWN: dict[_Reader, tuple[str, str]] = {
    _gqa_row: ("gqa", "gqa"),
    _text_row: ("textvqa", "anls"),
    _document_row: ("anls", "anls"),
    _aokvqa_row: ("a-okvqa", "multiple-choice"),
    _vizwiz_row: ("vizwiz", "exact-match"),
}


_MMMU_TYPES = frozenset(("multiple-choice", "open", "short-answer"))


def _list(row: Mapping[str, Any], name: str) -> list[Any]:
    """The list under a name, also one that was stored as text; none if it is null."""
    value = row.get(name)
    listed = list_from_text(value) if isinstance(value, str) else value
    if value is not None and not isinstance(listed, list):
        raise InputError(
            f"'{name}' is {shown(value)}", fix='Write it as a list of texts: ["cat", "dog"].'
        )
    return listed or []


def _table(file: KeyFile, document: Any, *, answered: bool = True) -> Key | None:
    """The rows of a document that is a mere table; None if it has a layout of its own."""
    as_texts, rows = is_text_table(file.path), document
    if isinstance(document, dict):
        if document and all(_is_answer(value) for value in document.values()):
            as_texts, file = True, replace(file, id="question_id", answer="answer")
            rows = [
                Record({"question_id": name, "answer": value}, f"question {name}")
                for name, value in document.items()
            ]
        elif _is_rows_by_id(document):
            as_texts, file = True, replace(file, id="question_id")
            rows = [
                Record({**row, "question_id": name}, f"question {name}")
                for name, row in document.items()
            ]
        elif not any(isinstance(document.get(name), list) for name in LIST_KEYS):
            return None
    elif not isinstance(document, list) or not document or not isinstance(document[0], dict):
        return None
    records = rows if isinstance(rows, list) and isinstance(rows[0], Record) else [*rows_of(rows)]
    own = isinstance(document, dict) and "data" in document and "answers" in records[0]
    if own or (not file.id and _list_reader(records[0])):
        return None
    return read_key(records, file, as_texts=as_texts, answered=answered)


def _is_rows_by_id(document: dict[str, Any]) -> bool:
    """Whether it has an object for every id, and is not GQA's."""
    rows = list(document.values())
    return bool(rows) and all(isinstance(row, dict) and "imageId" not in row for row in rows)


def _is_answer(value: Any) -> bool:
    """Whether it is a text or a number, or several."""
    values = value if isinstance(value, list) and value else [value]
    return all(isinstance(one, (str, int, float)) for one in values)


def _annotations_of_table(table: Key) -> BenchmarkAnnotations:
    rows = table.rows
    annotations = annotations_from_rows(
        [row.question for row in rows],
        [row.question_type or UNTYPED for row in rows],
        [row.answer_type or UNTYPED for row in rows],
        [row.answers for row in rows],
    )
    options = _if_all([row.options for row in rows])
    return BenchmarkAnnotations(
        replace(annotations, ids_told=table.ids_told),
        options,
        images=[row.image for row in rows],
        groups=_if_all([row.original for row in rows]),
        alternatives=not table.annotators,
        metric=_metric_of_table(annotations, table.annotators, options),
    )


def annotations_of_answers(
    question_ids: Sequence[QuestionId], answers: Sequence[Sequence[str]]
) -> BenchmarkAnnotations:
    """A key without types: the answers to each question, what people said or alternatives."""
    types, annotators = [UNTYPED] * len(question_ids), are_annotators(answers)
    annotations = annotations_from_rows(question_ids, types, types, answers)
    return BenchmarkAnnotations(
        annotations,
        alternatives=not annotators,
        metric=_metric_of_table(annotations, annotators),
    )


def _metric_of_table(
    annotations: Annotations, annotators: bool, options: Sequence[tuple[str, ...]] | None = None
) -> str:
    if annotators:
        return "vqa"
    if options and _MMMU_TYPES.issuperset(annotations.question_type_names):
        return "mmmu"
    are_letters = all(re.fullmatch("[A-Z]", answer) for answer in annotations.vocabulary)
    return "multiple-choice" if are_letters or all(options or [()]) else "exact-match"
