"""Tiny data sets in the exact form in which the real ones are downloaded.

Each ``write_*`` fills a folder with a few questions of every split; ``write_regions`` adds
features for all the pictures it is given. What the adapters do not read is there too, where
the real files have it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

WIDTH = 3


def save(path: Path, document: Any) -> None:
    """Write a JSON file and its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), encoding="utf-8")


def write_regions(root: Path, images: Iterable[int | str]) -> None:
    """Two regions for each picture."""
    folder = root / "regions"
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    for image in images:
        features = random.normal(size=(2, WIDTH)).astype(np.float32)
        boxes = np.array([[0, 0, 0.5, 1], [0.5, 0, 1, 1]], np.float32)
        np.savez(folder / f"{image}.npz", features=features, boxes=boxes)


def human_answers(*answers: str) -> list[dict[str, Any]]:
    """As annotations hold them."""
    return [
        {"answer": answer, "answer_confidence": "yes", "answer_id": number}
        for number, answer in enumerate(answers, 1)
    ]


# --------------------------------------------------------------------------- VQA

VQA_TRAIN = [  # id, image, question, type, answer type, multiple-choice answer, ten answers
    (9000, 9, "Is it red?", "is it", "yes/no", "yes", ["yes"] * 8 + ["no", "Yes."]),
    (9001, 9, "How many dogs?", "how many", "number", "2", ["2"] * 2 + ["two"] + ["3"] * 7),
    (25000, 25, "What is it?", "what is", "other", "dog", ["dog"] * 4 + ["A dog"] * 6),
]
VQA_VALIDATION = [
    (42000, 42, "Is it a dog?", "is it", "yes/no", "no", ["no"] * 10),
    (42001, 42, "What is the man doing with his hand on the very long table of old wood here?",
     "what is the", "other", "waving", ["waving"] * 10),
]  # fmt: skip
VQA_TEST = [(1000, 1, "Is it blue?"), (1001, 1, "What is it?")]
VQA_IMAGES = [9, 25, 42, 1]


def write_vqa(root: Path, *, prefix: str = "v2_") -> Path:
    """VQA v2; v1 without a prefix."""
    for years, rows in (("train2014", VQA_TRAIN), ("val2014", VQA_VALIDATION)):
        head = {"info": {"version": "2.0"}, "data_type": "mscoco", "data_subtype": years}
        questions = [
            {"image_id": image, "question": text, "question_id": question}
            for question, image, text, *_ in rows
        ]
        annotations = [
            {
                "question_type": kind,
                "multiple_choice_answer": right,
                "answers": human_answers(*answers),
                "image_id": image,
                "answer_type": answer_type,
                "question_id": question,
            }
            for question, image, _, kind, answer_type, right, answers in reversed(rows)
        ]
        path = root / f"{prefix}OpenEnded_mscoco_{years}_questions.json"
        save(path, {**head, "task_type": "Open-Ended", "questions": questions})
        save(
            root / f"{prefix}mscoco_{years}_annotations.json", {**head, "annotations": annotations}
        )
    for years, rows in (("test2015", VQA_TEST), ("test-dev2015", VQA_TEST[:1])):
        asked = [{"image_id": i, "question": text, "question_id": q} for q, i, text in rows]
        save(root / f"{prefix}OpenEnded_mscoco_{years}_questions.json", {"questions": asked})
    return root


def write_visual_genome(root: Path, *, first_release: bool = False) -> Path:
    """Questions about pictures 1 (COCO's 9), 2 (COCO's 42), 3 (not of COCO), 4 (COCO's 77)."""
    image_key, id_key = ("id", "id") if first_release else ("image_id", "qa_id")
    images = [
        {"width": 800, "height": 600, image_key: image, "coco_id": coco, "flickr_id": None,
         "url": f"https://example.org/{image}.jpg"}
        for image, coco in ((1, 9), (2, 42), (3, None), (4, 77))
    ]  # fmt: skip
    asked = {
        1: [("What color is the dog?", "Yes."), ("Where is it?", "On the moon.")],
        2: [("Is there a dog?", "Yes.")],
        3: [("What is it?", "A dog.")],
        4: [("What is this?", "A dog.")],
    }
    number = iter(range(9000, 9100))
    pairs = [
        {
            "id": image,
            "qas": [
                {"a_objects": [], "question": question, "image_id": image, id_key: next(number),
                 "answer": answer, "q_objects": []}
                for question, answer in questions
            ],
        }
        for image, questions in asked.items()
    ]  # fmt: skip
    save(root / "question_answers.json", pairs)
    save(root / "image_data.json", images)
    return root


# --------------------------------------------------------------------------- TDIUC

TDIUC_TRAIN = [  # id, image, question, type, answer, where the answer is from
    (10026521, 5277, "Are there any couches in the photo?", "object_presence", "no", "generation"),
    (10026522, 5277, "What color is the couch?", "absurd", "doesnotapply", "generation"),
    (20000001, 9, "How many cats are there?", "counting", "two", "imported_genome"),
]
TDIUC_VALIDATION = [(30000001, 12, "Is there a dog?", "object_presence", "no", "generation")]
TDIUC_IMAGES = [5277, 9, 12]


def write_tdiuc(root: Path) -> Path:
    """TDIUC: one answer a question and no answer type."""
    for years, rows in (("train2014", TDIUC_TRAIN), ("val2014", TDIUC_VALIDATION)):
        questions = [
            {"image_id": image, "question": text, "question_id": question}
            for question, image, text, *_ in rows
        ]
        annotations = [
            {
                "question_type": kind,
                "image_id": image,
                "ans_source": source,
                "answers": human_answers(answer),
                "question_id": question,
            }
            for question, image, _, kind, answer, source in rows
        ]
        save(root / f"OpenEnded_mscoco_{years}_questions.json", {"questions": questions})
        save(root / f"mscoco_{years}_annotations.json", {"annotations": annotations})
    return root


# --------------------------------------------------------------------------- DAQUAR

DAQUAR_TRAIN = [
    ("what is on the desk in the image3 ?", "table, chair"),
    ("what is in front of the image4 in the image4 ?", "chair, table"),
    ("how many bottles are on the desk in the image4 ?", "11"),
    ("what color is the chair in th eimage3 ?", "garbage_bin"),
]
DAQUAR_TEST = [("what is left of the red lamp in the image8 ?", "garbage_bin")]
DAQUAR_IMAGES = ["image3", "image4", "image8"]


def write_daquar(root: Path) -> Path:
    """All five files; the smaller sets are the first question of the larger."""
    root.mkdir(parents=True, exist_ok=True)
    for name, pairs in (
        ("qa.894.raw.train.txt", DAQUAR_TRAIN),
        ("qa.894.raw.test.txt", DAQUAR_TEST),
        ("qa.37.raw.train.txt", DAQUAR_TRAIN[:1]),
        ("qa.37.raw.test.txt", DAQUAR_TEST),
        ("qa.37.raw.reduced.test.txt", DAQUAR_TEST),
    ):
        (root / name).write_text("".join(f"{asked} \n{answer}\n" for asked, answer in pairs))
    return root


# --------------------------------------------------------------------------- Visual7W

VISUAL7W = [  # image, split, then id, question, type, right answer, wrong ones
    (2332541, "train", [
        (105, "What is it?", "what", "A tree.", ["A car.", "Two dogs.", "The sky."]),
        (106, "Who is here?", "who", "A man.", ["No one.", "A girl.", "A dog."]),
    ]),
    (2332542, "val", [(210, "Why?", "why", "It is raining.", ["Fun.", "A man.", "It is hot."])]),
    (2332543, "test", [(315, "Who is it?", "who", "A man.", ["One.", "Ten.", "Five."])]),
]  # fmt: skip


def write_visual7w(root: Path, pictures: Sequence[Any] = VISUAL7W) -> Path:
    """The one file of the telling task."""
    images = [
        {
            "image_id": image,
            "filename": f"v7w_{image}.jpg",
            "split": split,
            "qa_pairs": [
                {"qa_id": number, "image_id": image, "question": question, "answer": answer,
                 "type": kind, "multiple_choices": wrong}
                for number, question, kind, answer, wrong in pairs
            ],
        }
        for image, split, pairs in pictures
    ]  # fmt: skip
    save(root / "dataset_v7w_telling.json", {"dataset": "visual7w-telling", "images": images})
    return root


# --------------------------------------------------------------------------- GQA

GQA = {  # file: id, image, question, answer, structural, semantic, detailed type
    "train_balanced": [
        ("02930152", "2354786", "Is the sky dark?", "yes", "verify", "global", "weatherVerify"),
        ("07333408", "n161313", "Which color is it?", "dark red", "query", "attr", "attr"),
    ],
    "val_balanced": [("05451384", "2370799", "Who is it?", "man", "query", "rel", "relO")],
    "testdev_balanced": [("20968379", "n288870", "Cup or bowl?", "cup", "choose", "obj", "o")],
}
GQA_TEST = [("201640614", "n288870", "Who is wearing the dress?")]
GQA_IMAGES = ["2354786", "n161313", "2370799", "n288870"]


def write_gqa(root: Path) -> Path:
    """The balanced files; the test file has no answers."""
    for name, rows in GQA.items():
        questions = {
            question: {
                "semantic": [{"operation": "select", "dependencies": [], "argument": "sky"}],
                "entailed": [],
                "equivalent": [question],
                "question": text,
                "imageId": image,
                "isBalanced": True,
                "groups": {"global": None, "local": "06-sky_dark"},
                "answer": answer,
                "semanticStr": "select: sky",
                "annotations": {"answer": {}, "question": {}, "fullAnswer": {}},
                "types": {"detailed": detailed, "semantic": semantic, "structural": structural},
                "fullAnswer": "Yes, it is.",
            }
            for question, image, text, answer, structural, semantic, detailed in rows
        }
        save(root / f"{name}_questions.json", questions)
    test = {
        question: {"isBalanced": True, "question": text, "imageId": image}
        for question, image, text in GQA_TEST
    }
    save(root / "test_balanced_questions.json", test)
    return root
