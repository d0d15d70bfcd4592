"""Any data set in the official form of VQA v2, as build-map, evaluate and check read it."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from vqa_ensemble.files.atomic import atomic_write
from vqa_ensemble.training.data.splits import RawSplit

_HUMANS = 10


def write_official(
    folder: str | os.PathLike[str], dataset: str, name: str, split: RawSplit
) -> tuple[Path, ...]:
    """Write ``<name>_questions.json`` and, of answered splits, ``<name>_annotations.json``.

    Every question has one answer, which stands there as ten identical human answers in normal
    form, so a member's answer scores 100 % or nothing. Questions without a question type get
    their first two words. Options of multiple choice are the questions' ``multiple_choices``.

    Returns the paths.

    Raises
    ------
    InputError
        If ``folder`` cannot be written.
    """
    header = {
        "info": {"description": f"{dataset} in the form of VQA v2", "version": "1.0"},
        "data_type": dataset,
        "data_subtype": name,
    }
    questions = split.questions
    ids = questions.question_ids.tolist()
    asked: list[dict[str, Any]] = [
        {"image_id": image, "question": text, "question_id": question}
        for image, text, question in zip(questions.image_ids, questions.texts, ids, strict=True)
    ]
    for entry, options in zip(asked, split.choices or (), strict=False):
        entry["multiple_choices"] = options
    paths = [Path(folder, f"{name}_questions.json")]
    task = "Open-Ended" if split.choices is None else "Multiple-Choice"
    atomic_write(paths[0], orjson.dumps({**header, "task_type": task, "questions": asked}))
    if split.answers is None:
        return tuple(paths)
    # The most voted entry of each question; there is but one in a set that is not of ten.
    codes = split.answers.codes[split.answers.starts[:-1]]
    types = split.answer_types or [""] * len(ids)
    kinds = split.question_types or [" ".join(text.split()[:2]) for text in questions.texts]
    annotated = [
        {
            "question_type": kind,
            "multiple_choice_answer": answer,
            "answers": _human_answers(answer),
            "image_id": image,
            "answer_type": answer_type,
            "question_id": question,
        }
        for kind, answer, image, answer_type, question in zip(
            kinds,
            np.array(split.answers.answers, dtype=object)[codes].tolist(),
            questions.image_ids,
            types,
            ids,
            strict=True,
        )
    ]
    paths.append(Path(folder, f"{name}_annotations.json"))
    atomic_write(paths[1], orjson.dumps({**header, "annotations": annotated}))
    return tuple(paths)


@cache
def _human_answers(answer: str) -> orjson.Fragment:
    return orjson.Fragment(
        orjson.dumps(
            [
                {"answer": answer, "answer_confidence": "yes", "answer_id": human}
                for human in range(1, _HUMANS + 1)
            ]
        )
    )
