"""What every importer gives: the votes of one question at a time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from vqa_ensemble.errors import at
from vqa_ensemble.files.records import Record, as_number, as_text, read_records
from vqa_ensemble.importers.by_image import ByImage
from vqa_ensemble.importers.columns import right_answers
from vqa_ensemble.importers.reading import options_of, unfinished
from vqa_ensemble.questions.answer_table import Columns
from vqa_ensemble.questions.benchmarks import BenchmarkQuestions

# Columns with what a model was asked.
PROMPTS = ("prompt", "input", "question", "query")
_HEEDED = (
    "question_id_column",
    "answer_column",
    "confidence_column",
    "activation",
    "vocabulary",
    "by_position",
)
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
    prompt : str
        What the model was asked, as far as the file tells: rows with one id and two prompts are
        two questions.
    right : sequence of (str, str)
        Columns of right answers beside the model's, and the answers in them.
    """

    question: QuestionId | None
    answers: Sequence[tuple[str, float | None]]
    where: str
    position: int | None = None
    missing: str = ""
    options: Mapping[str, str] = {}
    must_choose: bool = False
    prompt: str = ""
    right: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class ImportOptions:
    """What a user may say about the files; each importer looks at what it needs.

    Attributes
    ----------
    questions : BenchmarkQuestions, optional
        All questions in the order of the data set.
    question_id_column, answer_column, confidence_column : str, optional
        Where they are not under their usual names.
    vocabulary : str, optional
        File with the answers that the columns of logits stand for.
    activation : {"none", "sigmoid", "softmax"}, optional
        How scores become confidences; each importer has its own default.
    top_k : int
        How many answers a question to keep.
    by_position : bool
        Let the place in the data set be the question's id, also where the rows have one.
    extract : str
        How answers are taken out of texts; see :class:`~.reading.Reader`.
    normalize : bool
        Bring answers into the form in which ``vote --normalize`` counts them.
    samples : bool
        Rows that answer one question are samples of one model, and their shares its confidences.
    """

    questions: BenchmarkQuestions | None = None
    question_id_column: str | None = None
    answer_column: str | None = None
    confidence_column: str | None = None
    vocabulary: str | None = None
    activation: str | None = None
    top_k: int = 10
    by_position: bool = False
    extract: str = "auto"
    samples: bool = False
    normalize: bool = False

    @property
    def columns(self) -> Columns:
        """The names of a table's columns."""
        usual = Columns()
        return Columns(
            self.question_id_column or usual.question_id,
            self.answer_column or usual.answer,
            self.confidence_column or usual.confidence,
        )

    @property
    def question_ids(self) -> list[QuestionId] | None:
        """All questions in the order of the data set, if they are known."""
        return None if self.questions is None else self.questions.question_ids

    @cached_property
    def by_image(self) -> ByImage | None:
        """The questions to look an image and a prompt up in, if they are known."""
        return None if self.questions is None else ByImage(self.questions)

    @property
    def named(self) -> list[str]:
        """The options that a format must heed, of those that were given."""
        return [name for name in _HEEDED if getattr(self, name)]

    @cached_property
    def known_ids(self) -> frozenset[QuestionId]:
        """The questions to look an id up in; empty if they are not known."""
        return frozenset(self.question_ids or ())


def by_row(
    votes: Callable[[Record, ImportOptions], Votes],
    uses: str = "answer",
    *,
    in_order: bool = False,
) -> Callable[[str, ImportOptions], Iterator[Votes]]:
    """An importer's ``read``, of a format whose rows are read one by one by ``votes``.

    Rows that do not tell their place in the data set are in its order, if the format or the user
    says so.
    ``uses`` is the column of answers that is read where the row has it, and else ``answer``.
    """

    def read(path: str, options: ImportOptions) -> Iterator[Votes]:
        """The votes of a file; InputError names it and the row."""
        for place, row in enumerate(read_records(path)):
            with at(path, row.where):
                vote = votes(row, options)
                if (in_order or options.by_position) and vote.position is None:
                    vote = vote._replace(position=place)
                used = options.answer_column or (uses if uses in row else "answer")
                yield with_row(vote, row, options)._replace(
                    prompt=vote.prompt or asked(row), right=vote.right or right_answers(row, used)
                )

    return read


def asked(row: Mapping[str, Any]) -> str:
    """What the model was asked, of a row that tells it; else ""."""
    return next((row[n] for n in PROMPTS if isinstance(row.get(n), str)), "")


def one_answer(row: Record, options: ImportOptions, id_name: str, answer_name: str) -> Votes:
    """One answer to one question, with the row's ``confidence`` if it has one.

    The options may name the columns; one that is named must be there.
    """
    named = options.confidence_column
    confidence = row.confidence() if named is None else as_number(row[named], named)
    answer = row.text(options.answer_column or answer_name)
    by_place = options.by_position and id_name not in row
    question = None if by_place else row.id(options.question_id_column or id_name)
    return Votes(question, [(answer, confidence)], row.where)


def sampled(votes: Iterable[Votes]) -> Iterator[Votes]:
    """Votes on one question or place as samples: answers with their share of them."""
    of_question: dict[tuple[QuestionId | None, int | None], list[Votes]] = {}
    for vote in votes:
        of_question.setdefault((vote.question, vote.position), []).append(vote)
    for drawn in of_question.values():
        texts = [answer for vote in drawn for answer, _ in vote.answers]
        yield (drawn[0] if len(drawn) == 1 else drawn[0]._replace(answers=shares(texts)))


def content_text(content: Any) -> str | None:
    """The text of a chat message: a string, or parts, of which thoughts are left out.

    Examples
    --------
    >>> content_text([{"type": "thinking", "thinking": "…"}, {"type": "text", "text": "a dog"}])
    'a dog'
    """
    if not isinstance(content, list):
        return None if content is None else as_text(content, "content")
    texts = [
        part if isinstance(part, str) else as_text(part.get("text"), "text")
        for part in content
        if isinstance(part, (str, dict)) and not (isinstance(part, dict) and part.get("thought"))
    ]
    return "".join(texts)


def with_row(vote: Votes, row: Record, options: ImportOptions) -> Votes:
    """The votes with what else their row tells: the options, and whether the text is whole."""
    cut = unfinished(row.get("finish_reason", row.get("stop_reason")))
    if cut and options.extract != "none":
        vote = vote._replace(answers=[], missing=cut)
    return vote._replace(options=options_of(row), must_choose="A" in row)


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
    counts = Counter(answers)
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
