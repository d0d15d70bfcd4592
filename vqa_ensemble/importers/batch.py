"""What batches of services share: requests in any order, told apart by the user's own names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from vqa_ensemble.errors import InputError, at
from vqa_ensemble.files.records import Record, id_from_text
from vqa_ensemble.importers.base import ImportOptions, QuestionId, Votes, by_row
from vqa_ensemble.importers.reading import unfinished

_NUMBERED = re.compile(r"(\D*)(\d+)")


def by_request(
    votes: Callable[[Record, ImportOptions], Votes],
) -> Callable[[str, ImportOptions], Iterator[Votes]]:
    """An importer's ``read``, of rows whose ``question`` is what the user called the request."""
    rows = by_row(votes)

    def read(path: str, options: ImportOptions) -> Iterator[Votes]:
        """The votes of a file; InputError names it and the row."""
        told = [*rows(path, options)]
        with at(path):
            ids = joined_ids([str(vote.question) for vote in told], options.question_ids or ())
        return (vote._replace(question=question) for vote, question in zip(told, ids, strict=True))

    return read


def joined_ids(names: Sequence[str], known: Sequence[QuestionId]) -> list[QuestionId]:
    """The questions that requests are named after.

    If the names are no questions, their last number is, but only where all names have one prefix
    and no other number: "7_0", "7_1" are samples of one question, not the questions 0 and 1.

    Examples
    --------
    >>> joined_ids(["request-7", "request-12"], [7, 12]), joined_ids(["a7", "b12"], [])
    ([7, 12], ['a7', 'b12'])
    """
    questions = {str(question): question for question in known}
    if not questions or any(name in questions for name in names):
        return [id_from_text(name) for name in names]
    numbered = [_NUMBERED.fullmatch(name) for name in names]
    if None not in numbered and len({found[1] for found in numbered if found}) == 1:
        numbers = [found[2] for found in numbered if found]
        return [questions[each] if each in questions else int(each) for each in numbers]
    raise InputError(
        f"requests are called {', '.join(names[:3])}: no questions, nor one prefix and a number",
        fix="Call each by its question's id, or by one prefix and the id: request-42.",
    )


def one_text(
    row: Record, name: str, text: str | None, reason: Any, options: ImportOptions
) -> Votes:
    """The vote of a request that was answered by one text, which may be cut off."""
    cut = unfinished(reason) if options.extract != "none" else ""
    answers = [] if cut or text is None else [(text, None)]
    return Votes(row.text(name), answers, row.where, missing=cut or "the model refused")
