"""What is wrong with the data of a training or a prediction is said, with where it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tiny_vqa import IMAGES, QUESTIONS, REGIONS, WIDTH  # noqa: E402

from vqa_ensemble.errors import InputError  # noqa: E402
from vqa_ensemble.training.data import open_dataset  # noqa: E402
from vqa_ensemble.training.prediction import write_split  # noqa: E402
from vqa_ensemble.training.recipe import Recipe  # noqa: E402
from vqa_ensemble.training.session import RunOptions, train_members  # noqa: E402
from vqa_ensemble.training.trainer import Trainer  # noqa: E402

CPU = torch.device("cpu")
pytestmark = pytest.mark.usefixtures("one_thread")


def change(path: Path, row: int, value: float, region: int = 0) -> None:
    array = np.load(path)
    array[row, region, 2] = value
    np.save(path, array)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_features_that_are_not_finite_are_named(
    root: Path, make_recipe: Callable[..., Recipe], tmp_path: Path, value: float
) -> None:
    change(root / "regions" / "features.npy", 3, value)
    with pytest.raises(InputError, match="image 103: region 0 has a feature that is NaN or inf"):
        Trainer(make_recipe(), tmp_path / "run", CPU).train()
    assert not (tmp_path / "run" / "checkpoint.pt").exists()


def test_what_no_region_holds_may_be_anything(
    root: Path, make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    change(root / "regions" / "features.npy", 4, np.nan, region=2)  # the picture has one region
    change(root / "regions" / "boxes.npy", 4, np.inf, region=2)
    Trainer(make_recipe(epochs=1), tmp_path / "run", CPU).train()


def test_a_loss_that_is_not_finite_names_the_update(
    make_recipe: Callable[..., Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = Trainer(make_recipe(), tmp_path / "run", CPU)
    trainer.train(stop_after=5)
    with torch.no_grad():
        next(trainer.member.model.parameters()).fill_(torch.inf)
    with pytest.raises(InputError, match=r"the loss of update 6 is not finite. Lower training"):
        trainer.train()


@pytest.mark.parametrize("value", [1.5, -0.25, np.nan])
def test_a_box_outside_its_picture_is_named(
    root: Path, make_recipe: Callable[..., Recipe], tmp_path: Path, value: float
) -> None:
    change(root / "regions" / "boxes.npy", 2, value, region=1)
    message = "image 102: the box of region 1 is not within the picture"
    with pytest.raises(InputError, match=message):
        Trainer(make_recipe(), tmp_path / "run", CPU).train()


def test_a_split_to_evaluate_is_checked_before_training(
    make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="has no split 'valdation'"):
        Trainer(make_recipe(evaluate="valdation"), tmp_path / "run", CPU)
    with pytest.raises(InputError, match="split 'test' has no answers to score by"):
        Trainer(make_recipe(evaluate="test"), tmp_path / "run", CPU)


def test_splits_to_predict_are_checked_before_training(
    root: Path, make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    path = root / "test_questions.json"
    path.write_text(path.read_text().replace('"image_id": 103', '"image_id": 999'))
    [outcome] = train_members(
        [make_recipe()],
        RunOptions(runs=tmp_path, predictions=tmp_path, device="cpu", splits=["test"]),
    )
    assert f"{path}: 1 picture has no regions: 999." in outcome.error
    assert not (tmp_path / "tiny" / "log.jsonl").exists()


def test_the_score_of_the_evaluated_split_is_that_of_its_predictions(
    make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    recipe, folder = make_recipe(evaluate="validation"), tmp_path / "run"
    member = Trainer(recipe, folder, CPU).train()
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert len([line for line in lines if line["evaluation"] is not None]) == 3
    dataset = open_dataset(recipe.data)
    _, score = write_split(member, dataset, "validation", tmp_path, top_k=1, device=CPU)
    assert lines[-1]["evaluation"] == pytest.approx(score)


def test_evaluation_does_not_change_the_weights(
    make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    plain, evaluated = (
        Trainer(make_recipe(evaluate=split), tmp_path / f"run{split}", CPU).train()
        for split in ("", "validation")
    )
    for name, value in plain.model.state_dict().items():
        assert torch.equal(value, evaluated.model.state_dict()[name]), name


def predict(recipe: Recipe, folder: Path) -> Any:
    member = Trainer(recipe, folder / "run", CPU).train(stop_after=1)

    def on(root: Path, split: str = "validation") -> tuple[Path, float | None]:
        dataset = open_dataset(recipe.with_root(str(root)).data)
        return write_split(member, dataset, split, folder / "preds", top_k=2, device=CPU)

    return on


def test_predictions_of_other_regions_or_answers_are_refused(
    root: Path, make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    on = predict(make_recipe(), tmp_path)
    annotations = root / "validation_annotations.json"
    kept = annotations.read_text()
    annotations.write_text(kept.replace('"yes"', '"red"').replace('"a dog."', '"blue"')
                           .replace('"no"', '"green"'))  # fmt: skip
    with pytest.raises(InputError, match="none of the answers of split 'validation' is among the"):
        on(root)
    annotations.write_text(kept)
    on(root)
    wide = np.zeros((IMAGES, REGIONS, WIDTH + 1), np.float16)
    np.save(root / "regions" / "features.npy", wide)
    with pytest.raises(InputError, match="are 6 numbers wide; tiny was trained on 5"):
        on(root)


def test_predictions_name_the_picture_that_is_not_finite(
    root: Path, make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    on = predict(make_recipe(), tmp_path)
    change(root / "regions" / "features.npy", 1, np.nan)
    with pytest.raises(InputError, match="image 101: region 0 has a feature that is NaN"):
        on(root, "test")
    assert list((tmp_path / "preds").rglob("*.parquet")) == []


def test_a_confidence_that_is_not_finite_names_its_question(
    root: Path, make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    recipe = make_recipe()
    member = Trainer(recipe, tmp_path / "run", CPU).train(stop_after=1)
    with torch.no_grad():
        member.model.question.embedding.weight.fill_(torch.nan)
    with pytest.raises(InputError, match="question 2000: tiny gives a confidence that is not"):
        write_split(member, open_dataset(recipe.data), "test", tmp_path, top_k=1, device=CPU)


def test_questions_without_answers_are_predicted(
    root: Path, make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    path, score = predict(make_recipe(), tmp_path)(root, "test")
    assert score is None
    from vqa_ensemble.predictions.files import read_predictions

    predictions = read_predictions(path)
    assert predictions.question_ids.tolist() == list(range(2000, 2000 + QUESTIONS))
    assert np.diff(predictions.starts).tolist() == [2] * QUESTIONS
