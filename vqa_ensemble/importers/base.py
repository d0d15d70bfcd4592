"""What every importer gives: the votes of one question at a time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from vqa_ensemble.errors import at
from vqa_ensemble.files.records import Record, read_records
from vqa_ensemble.importers.reading import options_of, unfinished
from vqa_ensemble.questions.answer_table import Columns

QuestionId = int | str
Ranked = list[tuple[str, float | None]]


class Votes(NamedTuple):
    """A model's answers to one question.

    Attributes
    ----------
    question : int, str or None
        None where the file only tells the place in the data set: ``position`` then says which.
    answers : sequence of (str, float or None)
        Answers with their confidences; None is an answer whose confidence the file does not
        tell. Empty if the model gave no answer.
    where : str
        The place in the file, for messages.
    position : int, optional
        Counted from 0 in the order of the data set.
    missing : str
        Why there is no answer.
    options : mapping of str to str
        The options' texts by letter, where the file has them.
    must_choose : bool
        Whether nothing but an option is an answer.
    """

    question: QuestionId | None
    answers: Sequence[tuple[str, float | None]]
    where: str
    position: int | None = None
    missing: str = ""
    options: Mapping[str, str] = {}
    must_choose: bool = False


@dataclass(frozen=True)
class ImportOptions:
    """What a user may say about the files; each importer looks at what it needs.

    Attributes
    ----------
    question_ids : tuple of int or str, optional
        All questions in the order of the data set.
    columns : Columns
        Of tables.
    vocabulary : str, optional
        File with the answers that the columns of logits stand for.
    activation : {"none", "sigmoid", "softmax"}, optional
        How scores become confidences; each importer has its own default.
    top_k : int
        How many answers a question to keep.
    by_position : bool
        Let the place in the data set be the id of questions that have none.
    extract : str
        How answers are taken out of texts; see :class:`~.reading.Reader`.
    """

    question_ids: tuple[QuestionId, ...] | None = None
    columns: Columns = field(default_factory=Columns)
    vocabulary: str | None = None
    activation: str | None = None
    top_k: int = 10
    by_position: bool = False
    extract: str = "auto"

    @cached_property
    def known_ids(self) -> frozenset[QuestionId]:
        """The questions to look an id up in; empty if they are not known."""
        return frozenset(self.question_ids or ())


def by_row(
    votes: Callable[[Record, ImportOptions], Votes],
) -> Callable[[str, ImportOptions], Iterator[Votes]]:
    """An importer's ``read``, of a format whose rows are read one by one by ``votes``."""

    def read(path: str, options: ImportOptions) -> Iterator[Votes]:
        """The votes of a file; InputError names it and the row."""
        for row in read_records(path):
            with at(path, row.where):
                vote = votes(row, options)
                cut = unfinished(row.get("finish_reason", row.get("stop_reason")))
                if cut and options.extract != "none":
                    vote = vote._replace(answers=[], missing=cut)
                yield vote._replace(options=options_of(row), must_choose="A" in row)

    return read


def one_answer(row: Record, id_name: str, answer_name: str) -> Votes:
    """One answer to one question, with the row's ``confidence`` if it has one."""
    return Votes(row.id(id_name), [(row.text(answer_name), row.confidence())], row.where)


def shares(answers: Iterable[str]) -> Ranked:
    """Answers sampled several times, each with its share of the samples.

    A single sample says nothing about its confidence.

    Examples
    --------
    >>> shares(["cat", "dog", "cat", "cat"])
    [('cat', 0.75), ('dog', 0.25)]
    >>> shares(["cat"])
    [('cat', None)]
    """
    counts = Counter(answer.strip() for answer in answers)
    total = counts.total()
    return [(answer, n / total if total > 1 else None) for answer, n in counts.items()]


def softmax(scores: Sequence[float]) -> list[float]:
    """Probabilities in proportion to e to the scores.

    Examples
    --------
    >>> softmax([0.0, 0.0])
    [0.5, 0.5]
    """
    most = max(scores)
    weights = [math.exp(score - most) for score in scores]
    return [weight / sum(weights) for weight in weights]


def sigmoid(score: float) -> float:
    """1 / (1 + e^-score), for any score.

    Examples
    --------
    >>> sigmoid(0.0), sigmoid(-1000.0)
    (0.5, 0.0)
    """
    return 1 / (1 + math.exp(-score)) if score > -700 else 0.0
