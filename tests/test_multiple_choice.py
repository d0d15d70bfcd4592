"""Multiple choice from the data set's file to predictions of options, and the teacher's answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from data_folders import VQA_IMAGES, write_regions, write_visual7w, write_vqa  # noqa: E402

from vqa_ensemble.errors import InputError  # noqa: E402
from vqa_ensemble.predictions.files import read_predictions  # noqa: E402
from vqa_ensemble.training.data import open_dataset  # noqa: E402
from vqa_ensemble.training.prediction import write_split  # noqa: E402
from vqa_ensemble.training.recipe import Recipe, recipe_from_dict  # noqa: E402
from vqa_ensemble.training.trainer import Trainer  # noqa: E402

CPU = torch.device("cpu")


def recipe(root: Path, dataset: str, architecture: str, **data: Any) -> Recipe:
    return recipe_from_dict(
        {
            "member": {"name": "chooser"},
            "data": {"dataset": dataset, "root": str(root), "min_answers": 1, **data},
            "model": {
                "architecture": architecture,
                "hidden": 16,
                "word_vectors": "random",
                "word_width": 8,
                "classifier_dropout": 0.0,
            },
            "training": {"epochs": 30, "batch_size": 4, "learning_rate": 0.01},
        }
    )


@pytest.fixture
def visual7w(tmp_path: Path) -> Path:
    pictures = [
        (image, split, [
            (10 * image, "Who is here?", "who", "A man.", ["No one.", "A girl.", "A dog."]),
            (10 * image + 1, "What sky?", "what", "Blue.", ["Red.", "red", "Black."]),
        ])
        for image, split in [(1, "train"), (2, "train"), (3, "val")]
    ]  # fmt: skip
    root = write_visual7w(tmp_path / "visual7w", pictures)
    write_regions(root, [1, 2, 3])
    return root


def test_a_member_that_chooses_cannot_be_taught(visual7w: Path, tmp_path: Path) -> None:
    mine = recipe(visual7w, "visual7w", "cti").with_teacher("teacher.parquet")
    with pytest.raises(InputError, match="'cti' chooses among options; teachers speak of"):
        Trainer(mine, tmp_path / "run", CPU)


def test_options_are_learnt_and_written_each_on_a_row(visual7w: Path, tmp_path: Path) -> None:
    mine = recipe(visual7w, "visual7w", "cti")
    dataset = open_dataset(mine.data)
    member = Trainer(mine, tmp_path / "run", CPU, dataset=dataset).train()
    path, score = write_split(member, dataset, "validation", tmp_path, top_k=0, device=CPU)
    predicted, answers = read_predictions(path), dataset.split("validation").choices
    assert score == 1.0
    assert predicted.top() == ["man", "blue"]
    assert answers is not None
    codes = np.split(predicted.answers, predicted.starts[1:-1])
    for row, options in zip(codes, answers, strict=True):
        found = predicted.vocabulary.take(row).to_pylist()
        # 'Red.' and 'red' are one answer.
        assert sorted(found) == sorted(set(options))
    assert [len(row) for row in codes] == [4, 3]


def test_a_teacher_reads_the_annotated_answer(tmp_path: Path) -> None:
    root = write_vqa(tmp_path / "vqa")
    write_regions(root, VQA_IMAGES)
    mine = recipe(root, "vqa-v2", "cti-teacher")
    dataset = open_dataset(mine.data)
    member = Trainer(mine, tmp_path / "run", CPU, dataset=dataset).train()
    assert {"yes", "dog"} <= set(member.words)
    path, score = write_split(member, dataset, "train", tmp_path, top_k=0, device=CPU)
    assert score is not None
    assert score > 0.9
    assert len(read_predictions(path).answers) == 3 * len(member.answers)
    with pytest.raises(InputError, match="reads the annotated answer"):
        write_split(member, dataset, "test", tmp_path, top_k=0, device=CPU)


def test_cti_needs_options(tmp_path: Path) -> None:
    root = write_vqa(tmp_path / "vqa")
    write_regions(root, VQA_IMAGES)
    with pytest.raises(InputError, match="chooses among options"):
        Trainer(recipe(root, "vqa-v2", "cti"), tmp_path / "run", CPU)
