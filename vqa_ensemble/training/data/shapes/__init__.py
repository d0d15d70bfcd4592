"""shapes: pictures of coloured figures with questions, an offline stand-in for VQA 2.0.

Scenes are drawn at random (:mod:`.scenes`), questions of all three answer types are asked
(:mod:`.questions`) and answered by ten people who do not always agree (:mod:`.beliefs`), and
a detector proposes regions (:mod:`.detector`). The folder has the files of VQA v2:

- ``train``, ``validation`` and ``test_questions.json``; ``train`` and
  ``validation_annotations.json``;
- ``held-out/test_annotations.json``, apart as those of VQA v2 are: to score, not to learn;
- ``images/<image_id>.png``, and the detector's ``regions``.

Every picture follows from the seed and its own id: the same seed gives the same files, and a
larger set begins with the pictures of a smaller one.
"""

from __future__ import annotations

import io
import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from vqa_ensemble.answers.normalize import normalize_answer
from vqa_ensemble.files.atomic import atomic_write
from vqa_ensemble.regions.store import write_store
from vqa_ensemble.training.data.shapes.beliefs import answers_of_people
from vqa_ensemble.training.data.shapes.detector import projection, propose
from vqa_ensemble.training.data.shapes.questions import Question, ask, question_type
from vqa_ensemble.training.data.shapes.scenes import Scene, draw, sample_scene

_FIRST_IMAGE = {"train": 1, "validation": 1_000_001, "test": 2_000_001}
REGIONS = "regions"
HELD_OUT = Path("held-out", "test_annotations.json")
QUESTIONS_AN_IMAGE = 8


def write_shapes(
    folder: str | os.PathLike[str], *, images: int = 2400, seed: int = 0
) -> dict[str, int]:
    """Make the data set in ``folder``; returns the number of questions of each split.

    Parameters
    ----------
    folder : path-like
    images : int
        Pictures in all: two thirds for training, a sixth for validation and for the test.
    seed : int

    Raises
    ------
    InputError
        If the folder cannot be written to.
    """
    root = Path(folder)
    counts = split_sizes(images)
    to_features = projection(np.random.default_rng(seed))
    with write_store(root / REGIONS) as regions:
        for split, count in counts.items():
            asked: list[dict[str, Any]] = []
            annotated: list[dict[str, Any]] = []
            for image in range(_FIRST_IMAGE[split], _FIRST_IMAGE[split] + count):
                random = np.random.default_rng([seed, image])
                scene = sample_scene(random)
                for number, question in enumerate(ask(scene, random, QUESTIONS_AN_IMAGE)):
                    key = {"image_id": image, "question_id": image * 100 + number}
                    asked.append({**key, "question": question.text})
                    annotated.append({**_annotation(question, random), **key})
                atomic_write(root / "images" / f"{image}.png", _png(scene), flush=False)
                found = propose(scene, to_features, random)
                regions.add(image, found.features, found.boxes, path=root)
            header = {
                "info": {"description": "shapes in the form of VQA v2", "version": "1.0"},
                "data_type": "shapes",
                "data_subtype": split,
            }
            annotations = HELD_OUT if split == "test" else Path(f"{split}_annotations.json")
            for path, content in (
                (Path(f"{split}_questions.json"), {"task_type": "Open-Ended", "questions": asked}),
                (annotations, {"annotations": annotated}),
            ):
                atomic_write(root / path, orjson.dumps({**header, **content}))
    return {split: count * QUESTIONS_AN_IMAGE for split, count in counts.items()}


def split_sizes(images: int) -> dict[str, int]:
    """Pictures of each split, of ``images`` in all.

    Examples
    --------
    >>> split_sizes(2400)
    {'train': 1600, 'validation': 400, 'test': 400}
    """
    sixth = max(1, images // 6)
    return {"train": images - 2 * sixth, "validation": sixth, "test": sixth}


def _annotation(question: Question, random: np.random.Generator) -> dict[str, Any]:
    answers = answers_of_people(question.beliefs, random)
    normal = Counter(normalize_answer(str(person["answer"])) for person in answers)
    most_given = max(normal, key=lambda answer: (normal[answer], answer))
    if most_given in ("yes", "no"):
        answer_type = "yes/no"
    else:
        answer_type = "number" if most_given.isdigit() else "other"
    return {
        "question_type": question_type(question.text),
        "multiple_choice_answer": most_given,
        "answers": answers,
        "answer_type": answer_type,
    }


def _png(scene: Scene) -> bytes:
    buffer = io.BytesIO()
    draw(scene).save(buffer, "PNG")
    return buffer.getvalue()
