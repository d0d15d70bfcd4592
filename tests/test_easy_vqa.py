"""easy-VQA: pictures as patches, splits, and the official JSON form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("easy_vqa")

from vqa_ensemble.errors import InputError
from vqa_ensemble.questions.vqa import read_annotations, read_questions
from vqa_ensemble.training.data import easy_vqa
from vqa_ensemble.training.data.easy_vqa import SPLITS, EasyVqa, PatchRegions
from vqa_ensemble.training.data.official import write_official


def test_patches_put_together_are_the_picture() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    regions = PatchRegions(pixels, 16)
    features, boxes, mask = regions.read(np.array([1]))
    assert features.shape == (1, 16, 16 * 16 * 3)
    assert mask.all()
    for patch, (x1, y1, x2, y2) in zip(features[0], boxes[0] * 64, strict=True):
        cut = pixels[1, int(y1) : int(y2), int(x1) : int(x2)]
        np.testing.assert_allclose(patch.reshape(16, 16, 3), cut / 127.5 - 1, atol=1e-6)


def test_splits_share_no_question_and_no_picture() -> None:
    parts = [easy_vqa.read_questions(split) for split in SPLITS]
    assert [len(part.texts) for part in parts] == [33780, 4795, 9673]
    for name in ("question_ids", "image_ids"):
        sets = [set(getattr(part, name).tolist()) for part in parts]
        assert len(set.union(*sets)) == sum(map(len, sets))


def test_the_types_come_from_the_data() -> None:
    types = easy_vqa.answer_types()
    groups: dict[str, set[str]] = {}
    for answer, kind in types.items():
        groups.setdefault(kind, set()).add(answer)
    assert groups["yes/no"] == {"yes", "no"}
    assert groups["shape"] == {"circle", "rectangle", "triangle"}
    assert groups["color"] == {"red", "green", "blue", "yellow", "gray", "teal", "black", "brown"}


def test_the_export_reads_as_official_json(tmp_path: Path) -> None:
    split = EasyVqa().read("validation")
    questions_path, annotations_path = write_official(tmp_path, "easy-vqa", "validation", split)
    questions, annotations = read_questions(questions_path), read_annotations(annotations_path)
    original = easy_vqa.read_questions("validation")
    np.testing.assert_array_equal(questions.question_ids, original.question_ids)
    np.testing.assert_array_equal(annotations.question_ids, original.question_ids)
    assert (np.diff(annotations.starts) == 10).all()
    answers = [annotations.vocabulary[code] for code in annotations.answers[::10]]
    assert answers == original.answers
    assert set(annotations.answer_type_names) == {"yes/no", "shape", "color"}


def test_questions_belong_to_their_pictures() -> None:
    """The colour that an answer names is the picture's most frequent one beside white."""
    split = EasyVqa(64).split("test")
    assert split.answers is not None
    colors = {"red": (1, 0, 0), "green": (0, 0.5, 0), "blue": (0, 0, 1), "black": (0, 0, 0)}
    checked = 0
    for row in range(400):
        answer = split.answers.answers[split.answers.codes[row]]
        if answer not in colors:
            continue
        pixels = (split.regions.read(split.pictures[row : row + 1])[0].reshape(-1, 3) + 1) / 2
        values, counts = np.unique(pixels.round(2), axis=0, return_counts=True)
        shape = values[counts.argsort()[-2]]
        others = {name: np.abs(shape - color).sum() for name, color in colors.items()}
        assert min(others, key=lambda name: others[name]) == answer
        checked += 1
    assert checked > 10


def test_an_unknown_split_is_an_error() -> None:
    with pytest.raises(InputError, match=r"no split 'dev'. There are: train, validation, test"):
        EasyVqa().split("dev")


def test_a_specialist_trains_on_questions_of_its_types_only() -> None:
    split = EasyVqa(16).split("test")
    shapes = split.of_types(["shape"])
    assert (len(split.questions), len(shapes.questions)) == (9673, 1257)
    assert shapes.answers is not None
    named = {shapes.answers.answers[code] for code in shapes.answers.codes}
    assert named == {"circle", "rectangle", "triangle"}
    assert shapes.answers.starts.tolist() == list(range(1258))
    both = split.of_types(["shape", "color"])
    assert len(both.question_ids) == 1257 + 1280
    with pytest.raises(InputError, match=r"no questions of type size.*color, shape, yes/no"):
        split.of_types(["size"])
