"""shapes: a data set in the form of VQA v2, the same for the same seed, that can be learned."""

from __future__ import annotations

import collections
import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("PIL")

from click.testing import CliRunner
from PIL import Image

from vqa_ensemble.cli import group
from vqa_ensemble.questions.vqa import read_annotations, read_questions
from vqa_ensemble.regions.store import RegionStore
from vqa_ensemble.training.data import open_dataset
from vqa_ensemble.training.data.shapes import HELD_OUT, QUESTIONS_AN_IMAGE, write_shapes
from vqa_ensemble.training.data.shapes.beliefs import LOOKALIKES, answers_of_people
from vqa_ensemble.training.data.shapes.detector import WIDTH, projection, propose
from vqa_ensemble.training.data.shapes.questions import ask
from vqa_ensemble.training.data.shapes.scenes import (
    COLORS,
    RGB,
    SHAPES,
    SIDE,
    Figure,
    Scene,
    draw,
    sample_scene,
)
from vqa_ensemble.training.recipe import DataSection, recipe_from_dict

IMAGES = 60


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shapes")
    write_shapes(folder, images=IMAGES, seed=3)
    return folder


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_the_seed_decides_every_byte(root: Path, tmp_path: Path) -> None:
    write_shapes(tmp_path / "again", images=IMAGES, seed=3)
    assert content(tmp_path / "again") == content(root)
    write_shapes(tmp_path / "other", images=IMAGES, seed=4)
    other = content(tmp_path / "other")
    assert not any(
        other[name] == data for name, data in content(root).items() if name.endswith("png")
    )


def test_a_larger_set_begins_with_a_smaller_one(root: Path, tmp_path: Path) -> None:
    write_shapes(tmp_path, images=2 * IMAGES, seed=3)
    small, large = content(root), content(tmp_path)
    pictures = [name for name in small if name.endswith(".png")]
    assert len(pictures) == IMAGES
    assert all(large[name] == small[name] for name in pictures)
    few, many = RegionStore(root / "regions"), RegionStore(tmp_path / "regions")
    assert set(few.image_ids) < set(many.image_ids)


def test_it_opens_as_a_data_set_and_the_test_answers_lie_apart(root: Path) -> None:
    dataset = open_dataset(DataSection(dataset="shapes", root=str(root), regions=50))
    for name, images in (("train", 40), ("validation", 10), ("test", 10)):
        split = dataset.split(name)
        assert len(split.questions) == images * QUESTIONS_AN_IMAGE
        assert split.regions.width == WIDTH
        features, boxes, mask = split.regions.read(split.pictures[:4])
        assert features.shape == (4, 50, WIDTH)
        assert boxes.shape == (4, 50, 4)
        assert mask[:, 0].all()
        assert (split.answers is None) == (name == "test")
    held_out = read_annotations(root / HELD_OUT)
    asked = read_questions(root / "test_questions.json")
    np.testing.assert_array_equal(held_out.question_ids, asked.question_ids)


def test_annotations_are_official(root: Path) -> None:
    annotations = json.loads((root / "train_annotations.json").read_text())["annotations"]
    types = collections.Counter(entry["answer_type"] for entry in annotations)
    assert all(types[name] > 0.2 * len(annotations) for name in ("yes/no", "number", "other"))
    agreed = 0
    for entry in annotations:
        answers = [person["answer"] for person in entry["answers"]]
        assert len(answers) == 10
        assert [person["answer_id"] for person in entry["answers"]] == list(range(1, 11))
        right = entry["multiple_choice_answer"]
        assert (right in ("yes", "no")) == (entry["answer_type"] == "yes/no")
        assert right.isdigit() == (entry["answer_type"] == "number")
        agreed += len(set(answers)) == 1
    assert 0.2 < agreed / len(annotations) < 0.8  # people disagree, not always


def truth(scene: Scene, text: str) -> str | None:
    """The answer to the plainest questions, found by their words."""
    words = text.lower().strip("?").split()
    if text.startswith("What color is the background"):
        return scene.background
    if text.startswith("How many ") and text.endswith((" are there?", " do you see?")):
        asked = [
            word.removesuffix("es") if word == "crosses" else word.removesuffix("s")
            for word in words
        ]
        if "different" in asked or "kind" in asked:
            return None
        figures = [
            figure
            for figure in scene.figures
            if all(
                word in (figure.shape, figure.color)
                for word in asked
                if word in {**SHAPES, **COLORS}
            )
        ]
        return str(len(figures))
    if text.startswith(("Is there a ", "Do you see a ")):
        named = [word for word in words if word in {**SHAPES, **COLORS}]
        return "yes" if any(set(named) <= {f.shape, f.color} for f in scene.figures) else "no"
    return None


def test_answers_are_right() -> None:
    checked = collections.Counter()
    for seed in range(150):
        random = np.random.default_rng([1, seed])
        scene = sample_scene(random)
        for question in ask(scene, random, 8):
            right = truth(scene, question.text)
            assert sum(question.beliefs.values()) == pytest.approx(1)
            if right is not None:
                assert max(question.beliefs, key=lambda answer: question.beliefs[answer]) == right
                checked[right] += 1
    assert len(checked) > 10


def test_yes_and_no_are_balanced_and_words_do_not_give_the_count_away() -> None:
    yes, counts = [], []
    for seed in range(300):
        random = np.random.default_rng([2, seed])
        for question in ask(sample_scene(random), random, 8):
            answer = max(question.beliefs, key=lambda answer: question.beliefs[answer])
            if answer in ("yes", "no"):
                yes.append(answer == "yes")
            elif answer.isdigit():
                counts.append(int(answer))
    assert 0.4 < np.mean(yes) < 0.6
    assert set(counts) == set(range(11))
    assert np.bincount(counts).max() < 0.3 * len(counts)


def test_people_follow_their_beliefs() -> None:
    random = np.random.default_rng(0)
    answers = [
        person["answer"]
        for _ in range(300)
        for person in answers_of_people({"1": 0.7, "4": 0.3}, random)
    ]
    assert np.mean([answer == "1" for answer in answers]) == pytest.approx(0.7, abs=0.03)


def test_figures_look_as_they_are_called(root: Path) -> None:
    assert set(LOOKALIKES) == set(SHAPES) | set(RGB)
    for shape in SHAPES:
        scene = Scene("white", (Figure(shape, "blue", 40.0, 60.0, 15.0),))
        pixels = np.asarray(draw(scene))
        colored = (pixels == RGB["blue"]).all(-1)
        ys, xs = np.nonzero(colored)
        assert xs.min() >= 24
        assert xs.max() <= 56
        assert ys.min() >= 44
        assert ys.max() <= 76
        assert (pixels[0, 0] == RGB["white"]).all()
        assert colored[60, 40]
    with Image.open(next((root / "images").iterdir())) as image:
        assert image.size == (SIDE, SIDE)


def overlaps(boxes: np.ndarray, figures: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes (k, 4) with figures (N, 4), one by one: (k, N)."""
    result = np.zeros((len(boxes), len(figures)))
    for i, (a1, b1, a2, b2) in enumerate(boxes):
        for j, (c1, d1, c2, d2) in enumerate(figures):
            inside = max(min(a2, c2) - max(a1, c1), 0) * max(min(b2, d2) - max(b1, d1), 0)
            result[i, j] = inside / ((a2 - a1) * (b2 - b1) + (c2 - c1) * (d2 - d1) - inside)
    return result


def test_the_detector_finds_more_figures_with_more_proposals_and_many_twice() -> None:
    to_features = projection(np.random.default_rng(0))
    recall: dict[int, list[float]] = {10: [], 30: [], 50: [], 100: []}
    copies, empty = [], []
    for seed in range(60):
        random = np.random.default_rng([5, seed])
        scene = sample_scene(random)
        found = propose(scene, to_features, random)
        assert len(found.features) == len(found.boxes) <= 100
        assert ((found.boxes >= 0) & (found.boxes <= 1)).all()
        figures = np.array([figure.box for figure in scene.figures])
        hit = overlaps(found.boxes * SIDE, figures) > 0.5
        for count, shares in recall.items():
            shares.append(hit[:count].any(0).mean())
        copies.append(hit.sum(0).mean())
        empty.append(1 - hit[50:].any(1).mean() if len(hit) > 50 else 1.0)
    shares = [float(np.mean(found)) for found in recall.values()]
    assert shares == sorted(shares)
    assert shares[0] < 0.7 < 0.85 < shares[1] < 0.95 < shares[2]
    assert np.mean(copies) > 3
    assert np.mean(empty) > 0.7


def test_features_tell_what_is_in_the_box() -> None:
    """A linear map learned from some pictures reads colours off the features of others."""
    to_features = projection(np.random.default_rng(0))
    features, colors = [], []
    for seed in range(250):
        random = np.random.default_rng([6, seed])
        scene = sample_scene(random)
        found = propose(scene, to_features, random)
        overlap = overlaps(found.boxes * SIDE, np.array([f.box for f in scene.figures]))
        for row in np.flatnonzero(overlap.max(1) > 0.7):
            features.append(found.features[row].astype(float))
            colors.append(list(COLORS).index(scene.figures[overlap[row].argmax()].color))
    x, y, half = np.array(features), np.eye(len(COLORS))[colors], len(colors) // 2
    weights = np.linalg.lstsq(x[:half], y[:half], rcond=None)[0]
    right = ((x[half:] @ weights).argmax(1) == y[half:].argmax(1)).mean()
    assert 0.75 < right < 0.995


def test_the_command_writes_what_evaluate_reads(tmp_path: Path) -> None:
    arguments = [
        "prepare",
        "shapes",
        "-o",
        str(tmp_path),
        "--images",
        "12",
        "--json",
        "--min-answers",
        "1",
    ]
    result = CliRunner().invoke(group, arguments, catch_exceptions=False)
    splits = json.loads(result.output)["splits"]
    counts = {name: split["questions"] for name, split in splits.items()}
    assert counts == {"train": 64, "validation": 16, "test": 16}
    answers = read_annotations(tmp_path / "validation_annotations.json")
    submission = tmp_path / "submission.json"
    submission.write_text(
        json.dumps([{"question_id": int(q), "answer": "yes"} for q in answers.question_ids])
    )
    arguments = ["evaluate", str(submission), "--annotations"]
    arguments += [str(tmp_path / "validation_annotations.json"), "--json"]
    result = CliRunner().invoke(group, arguments, catch_exceptions=False)
    assert result.exit_code == 0


def test_a_recipe_names_it() -> None:
    recipe = recipe_from_dict(
        {
            "member": {"name": "mine"},
            "data": {"dataset": "shapes", "root": "shapes"},
            "model": {"architecture": "ban"},
        }
    )
    assert recipe.data.dataset == "shapes"
