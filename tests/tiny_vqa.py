"""A data set in the form of VQA v2, and recipes, that train in a fraction of a second."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from vqa_ensemble.training.recipe import Recipe, recipe_from_dict

QUESTIONS, IMAGES, REGIONS, WIDTH = 50, 6, 4, 5
# What makes results independent of how examples are grouped.
NO_DROPOUT = {"dropout": 0.0, "classifier_dropout": 0.0}


def write_data(folder: Path) -> Path:
    """Write train, validation and test, the last without answers."""
    random = np.random.default_rng(0)
    (folder / "regions").mkdir(parents=True)
    features = random.normal(size=(IMAGES, REGIONS, WIDTH)).astype(np.float16)
    np.save(folder / "regions" / "features.npy", features)
    corners = np.sort(random.random((IMAGES, REGIONS, 2, 2), np.float32), axis=2)
    np.save(folder / "regions" / "boxes.npy", corners.reshape(IMAGES, REGIONS, 4))
    np.save(folder / "regions" / "image_ids.npy", np.arange(100, 100 + IMAGES))
    np.save(folder / "regions" / "counts.npy", np.array([4, 4, 2, 3, 1, 4]))
    for split, start in (("train", 0), ("validation", 1000), ("test", 2000)):
        images = [int(100 + q % IMAGES) for q in range(QUESTIONS)]
        answers = ["yes" if q % 3 else "a dog." for q in range(QUESTIONS)]
        questions = [
            {"question_id": start + q, "image_id": images[q], "question": f"is it {q % 4}?"}
            for q in range(QUESTIONS)
        ]
        (folder / f"{split}_questions.json").write_text(json.dumps({"questions": questions}))
        if split == "test":
            continue
        annotations = [
            {
                "question_id": start + q,
                "question_type": "is it",
                "answer_type": "other",
                "answers": [{"answer": answers[q]}] * 8 + [{"answer": "no"}] * 2,
            }
            for q in reversed(range(QUESTIONS))
        ]
        (folder / f"{split}_annotations.json").write_text(json.dumps({"annotations": annotations}))
    return folder


def tiny_recipe(
    root: Path, name: str = "tiny", *, model: dict[str, Any] | None = None, **training: Any
) -> Recipe:
    """A small bilinear attention network with dropout, three epochs of seven updates."""
    section = {"epochs": 3, "batch_size": 8, "learning_rate": 0.01, "warmup": 0.5}
    return recipe_from_dict(
        {
            "member": {"name": name, "seed": 5},
            "data": {"dataset": "vqa-v2", "root": str(root), "min_answers": 1},
            "model": {
                "architecture": "ban",
                "hidden": 8,
                "word_vectors": "random",
                "word_width": 6,
                "dropout": 0.1,
                **(model or {}),
            },
            "training": {**section, **training},
        }
    )


def assert_close_weights(left: dict[str, Any], right: dict[str, Any]) -> None:
    """Check that two trained models of :func:`tiny_recipe` agree to float tolerance."""
    from torch.testing import assert_close

    # A softmax does not see this bias: Adamax makes whole steps of its gradient's noise.
    left, right = ({k: v for k, v in w.items() if k != "attention.bias"} for w in (left, right))
    assert_close(left, right, rtol=1e-4, atol=1e-5)
