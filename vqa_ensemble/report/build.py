"""Make the report of prediction files whose answers are known."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from vqa_ensemble.learning.comparison import copies_warning
from vqa_ensemble.learning.labelled import right_answers
from vqa_ensemble.learning.questions import Questions
from vqa_ensemble.questions.benchmarks import Source
from vqa_ensemble.questions.ids import QuestionIds
from vqa_ensemble.questions.table import read_question_column
from vqa_ensemble.report.contents import Contents
from vqa_ensemble.report.explanation import explain
from vqa_ensemble.report.images import SIDE, find_images, shrink_images
from vqa_ensemble.report.page import render
from vqa_ensemble.report.questions import (
    MOST_QUESTIONS,
    TOP_ANSWERS,
    choose_questions,
    encode_questions,
)
from vqa_ensemble.scoring.metric import read_metric


def make_report(
    contents: Contents,
    labelled: Questions,
    annotations: Source,
    *,
    questions: str | None = None,
    images: str | os.PathLike[str] | None = None,
    seed: int = 0,
    most_questions: int = MOST_QUESTIONS,
) -> str:
    """The report as one HTML page that needs nothing else.

    Parameters
    ----------
    contents : Contents
    labelled : Questions
        What they are of.
    annotations : KeyFile or path-like
        What it was labelled with, for the right answers.
    questions : str, optional
        Table or VQA JSON with ``question`` and, for images, ``image_id``.
    images : path-like, optional
        Folder with the questions' pictures; needs ``questions``.
    seed : int
        Of the questions drawn.
    most_questions : int
        The most to browse.

    Raises
    ------
    InputError
        If a file is bad or does not fit, or an optional library is absent.
    """
    ballots, election = labelled.ballots, contents.election
    changed = election.answer != election.plurality
    rows, choice = choose_questions(changed, most_questions, seed)
    ids = ballots.question_ids[rows]
    cautions = (caution.message for caution in labelled.cautions)
    notes = [note for note in (choice, copies_warning(labelled), *cautions) if note]
    numbers: list[int | None] | None = None
    copies: list[bytes] = []
    if images is not None and questions is not None:
        # Pictures may run out: questions whose answer changed come first.
        numbers, copies, note = _pictures(
            ids, questions, images, np.argsort(~changed[rows], kind="stable")
        )
        notes.append(note)
    browser = encode_questions(
        explain(ballots, election, rows, types=labelled.answer_types, top=TOP_ANSWERS),
        labelled.types.select(rows),
        scores=_scores(labelled, rows.tolist()),
        right=right_answers(ids, read_metric([annotations], labelled.metric)),
        words=None if questions is None else read_question_column(questions, "question", ids),
        images=numbers,
    )
    return render(contents, labelled, browser, copies, notes)


def _scores(labelled: Questions, rows: Sequence[int]) -> list[dict[str, float]]:
    """Each question's candidates that are right at all, and how right they are."""
    candidates, found = labelled.candidates, []
    for row in rows:
        own = slice(candidates.starts[row], candidates.starts[row + 1])
        pairs = zip(candidates.answers[own].tolist(), labelled.targets[own].tolist(), strict=True)
        found.append({candidates.vocabulary[code]: score for code, score in pairs if score > 0})
    return found


def _pictures(
    ids: QuestionIds, questions: str, folder: str | os.PathLike[str], order: Any
) -> tuple[list[int | None], list[bytes], str]:
    """Each question's picture's number, the pictures, and a sentence on how many there are."""
    names = read_question_column(f"{questions}:image_id", "image_id", ids)
    paths = find_images(folder, names)
    wanted = [name for name in dict.fromkeys(names[q] for q in order) if name in paths]
    copies = shrink_images([paths[name] for name in wanted])
    number = {name: n for n, name in enumerate(wanted[: len(copies)])}
    shown = sum(name in number for name in names)
    note = (
        f"{len(copies):,} of the {len(set(names)):,} images of these questions are inside the "
        f"page, as copies of at most {SIDE} pixels: {shown:,} of {len(names):,} questions show "
        "theirs."
    )
    return [number.get(name) for name in names], copies, note
