"""Tables of answers with named columns; see :mod:`vqa_ensemble.questions.answer_table`."""

from __future__ import annotations

from collections.abc import Iterator

from vqa_ensemble.errors import InputError, at, shown
from vqa_ensemble.files.records import Record, as_text, read_records
from vqa_ensemble.importers.base import ImportOptions, Votes, asked, by_row, with_row
from vqa_ensemble.importers.columns import right_answers
from vqa_ensemble.questions.answer_table import read_answers, row_answers


def recognizes(row: Record, options: ImportOptions) -> bool:
    """Whether a file's first row has the columns that the options name."""
    columns = options.columns
    return columns.answer in row and (options.by_position or columns.question_id in row)


def read(path: str, options: ImportOptions) -> Iterator[Votes]:
    """The votes of a table; InputError names it and the row."""
    if options.by_position or options.samples:
        yield from _by_row(path, options)
        return
    watched = _Watched(path, options)
    for question, answers, row in read_answers(path, options.columns, watched.rows()):
        right = [(column, answers[0][0]) for column in watched.equal or ()] if answers else []
        yield with_row(Votes(question, answers, row.where, right=right), row, options)


def _of_row(row: Record, options: ImportOptions) -> Votes:
    question = None if options.by_position else row.id(options.columns.question_id)
    return Votes(question, row_answers(row, options.columns), row.where)


_by_row = by_row(_of_row)


class _Watched:
    """The rows of a table, with what its columns beside the answer say about all of them."""

    def __init__(self, path: str, options: ImportOptions) -> None:
        self.path, self.options = path, options
        self.equal: set[str] | None = None  # columns of right answers that are the model's
        self._asked: dict[int | str, str] = {}

    def rows(self) -> Iterator[Record]:
        for number, row in enumerate(read_records(self.path)):
            with at(self.path, row.where):
                if not number and self.options.confidence_column is not None:
                    row[self.options.confidence_column]  # must be there
                self._watch(row)
            yield row

    def _watch(self, row: Record) -> None:
        columns = self.options.columns
        question, prompt = row.id(columns.question_id), asked(row)
        if self._asked.setdefault(question, prompt) != prompt:
            raise InputError(
                f"question {question} asks {shown(prompt)}, and {shown(self._asked[question])} "
                "before",
                fix="Give each question an id of its own with --question-id-column, or join by "
                "place with --by-position.",
            )
        answer = row.get(columns.answer)
        answer = as_text(answer, "").strip() if not isinstance(answer, (list, dict)) else None
        same = {name for name, text in right_answers(row, columns.answer) if text == answer}
        self.equal = same if self.equal is None else self.equal & same
