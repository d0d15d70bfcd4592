"""Visual Genome's questions (Krishna et al. 2017) as extra training questions for VQA.

In the folder of VQA v1 or v2 there are, as downloaded from visualgenome.org:

- ``question_answers.json``: for each picture ``{"id", "qas": [{"qa_id", "question",
  "answer"}]}``.
- ``image_data.json``: for each picture ``{"image_id", "coco_id"}``, where ``coco_id`` is null
  if the picture is not one of COCO.

The first release wrote ``id`` for ``qa_id`` and for ``image_id``.

Only questions about COCO pictures can be used, since VQA's pictures and regions are COCO's.
As extra questions they say nothing about the answer vocabulary. Training takes those whose
answer is in it and whose picture the other training splits show, so pictures that
are kept for validation are not learnt from.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from vqa_ensemble.errors import InputError, at
from vqa_ensemble.files.json import column, list_of_objects, read_json
from vqa_ensemble.questions.vqa import Questions, read_ids
from vqa_ensemble.training.data.soft_answers import single_answers
from vqa_ensemble.training.data.splits import RawSplit

QUESTIONS_FILE = "question_answers.json"
IMAGES_FILE = "image_data.json"


def read_visual_genome(root: Path) -> RawSplit:
    """Read the questions about COCO pictures, with COCO's picture ids.

    A question's id is Visual Genome's with a minus, since VQA uses the same numbers.

    Raises
    ------
    InputError
        Naming a file that is missing or broken, or if no picture is one of COCO.
    """
    path = root / QUESTIONS_FILE
    with at(path):
        coco = _coco_ids(root / IMAGES_FILE)
        pictures = list_of_objects(read_json(path), "")
        ids = column(pictures, "", "id", (int,), "id")
        asked = column(pictures, "", "qas", (list,), "id")
        entries: list[dict[str, Any]] = []
        images: list[int | str] = []
        for picture, pairs in zip(ids, asked, strict=True):
            if picture in coco:
                entries += pairs
                images += [coco[picture]] * len(pairs)
        if not entries:
            raise InputError(
                f"has no question about a picture that {IMAGES_FILE} knows as one of COCO",
                fix="Give question and image files of the same release.",
            )
        id_key = "qa_id" if "qa_id" in list_of_objects(entries, "qas")[0] else "id"
        question_ids = read_ids(entries, "qas", id_key)
        if question_ids.dtype == object:
            raise InputError(f"{id_key} is {question_ids[0]!r}", fix="It must be an integer.")
        answers = single_answers(column(entries, "qas", "answer", (str,), id_key))
        texts = column(entries, "qas", "question", (str,), id_key)
        return RawSplit(
            Questions(-question_ids.astype(np.int64), texts, images),
            path,
            answers,
            extra=True,
            answers_file=path,
        )


def _coco_ids(path: Path) -> dict[int, int]:
    """COCO's id of each of Visual Genome's pictures that is one of COCO."""
    with at(path):
        pictures = list_of_objects(read_json(path), "")
        id_key = "image_id" if "image_id" in pictures[0] else "id"
        ids = column(pictures, "", id_key, (int,), id_key)
        coco = column(pictures, "", "coco_id", (int, type(None)), id_key)
        return {picture: its for picture, its in zip(ids, coco, strict=True) if its is not None}
