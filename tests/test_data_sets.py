"""Data sets in the form in which they are downloaded: what is read, trained on, missing."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import data_folders as folders  # noqa: E402
from broken_files import Reader, break_file  # noqa: E402

from vqa_ensemble.errors import InputError  # noqa: E402
from vqa_ensemble.predictions.files import read_predictions  # noqa: E402
from vqa_ensemble.training.data import open_dataset  # noqa: E402
from vqa_ensemble.training.data.combined import training_examples  # noqa: E402
from vqa_ensemble.training.data.official import write_official  # noqa: E402
from vqa_ensemble.training.data.splits import RawSplit, SoftAnswers, Split, answer_vocabulary  # noqa: E402
from vqa_ensemble.training.recipe import (  # noqa: E402
    DataSection,
    Recipe,
    read_recipe,
    recipe_from_dict,
    recipe_to_dict,
)
from vqa_ensemble.training.session import RunOptions, train_members  # noqa: E402

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Written:
    """A data set's builder, the ids of its pictures, its splits in order, one to predict."""

    write: Callable[[Path], Path]
    images: list[Any]
    splits: tuple[str, ...]
    predict: str


VQA_SPLITS = ("train", "validation", "test-dev", "test")
SETS = {
    "vqa-v1": Written(
        lambda root: folders.write_vqa(root, prefix=""), folders.VQA_IMAGES, VQA_SPLITS, "test"
    ),
    "vqa-v2": Written(folders.write_vqa, folders.VQA_IMAGES, VQA_SPLITS, "test"),
    "tdiuc": Written(
        folders.write_tdiuc, folders.TDIUC_IMAGES, ("train", "validation"), "validation"
    ),
    "daquar": Written(
        folders.write_daquar,
        folders.DAQUAR_IMAGES,
        ("train", "test", "train-37", "test-37", "test-37-reduced"),
        "test",
    ),
    "visual7w": Written(
        folders.write_visual7w,
        [image for image, *_ in folders.VISUAL7W],
        ("train", "validation", "test"),
        "test",
    ),
    "gqa": Written(folders.write_gqa, folders.GQA_IMAGES, VQA_SPLITS, "test"),
}


def section(dataset: str, root: Path, **keys: Any) -> DataSection:
    return DataSection(dataset=dataset, root=str(root), **{"min_answers": 1, **keys})


def read(dataset: str, root: Path, split: str) -> RawSplit:
    return open_dataset(section(dataset, root)).read(split)


def scores(answers: SoftAnswers | None) -> list[dict[str, float]]:
    """Each question's answers with their scores."""
    assert answers is not None
    entries = [
        (answers.answers[code], round(float(score), 3))
        for code, score in zip(answers.codes, answers.scores, strict=True)
    ]
    starts = answers.starts.tolist()
    return [dict(entries[start:stop]) for start, stop in pairwise(starts)]


@pytest.mark.parametrize("dataset", SETS)
def test_every_set_trains_and_predicts(dataset: str, tmp_path: Path) -> None:
    known = SETS[dataset]
    root = known.write(tmp_path / "data")
    folders.write_regions(root, known.images)
    recipe = tiny(dataset, root)
    assert open_dataset(recipe.data).split_names == known.splits
    [outcome] = train_members(
        [recipe],
        RunOptions(
            runs=tmp_path / "runs",
            predictions=tmp_path / "preds",
            device="cpu",
            splits=[known.predict],
        ),
    )
    assert not outcome.error, outcome.details
    predicted = read_predictions(outcome.files[known.predict])
    split = open_dataset(recipe.data).split(known.predict)
    assert sorted(set(predicted.question_ids)) == sorted(split.question_ids.tolist())
    assert (outcome.scores[known.predict] is None) == (split.answers is None)


def tiny(dataset: str, root: Path) -> Recipe:
    return recipe_from_dict(
        {
            "member": {"name": "tiny"},
            "data": {"dataset": dataset, "root": str(root), "min_answers": 1},
            "model": {"architecture": "butd", "hidden": 4, "word_vectors": "random"},
            "training": {"epochs": 2, "batch_size": 2, "max_updates": 2},
        }
    )


@pytest.mark.parametrize("name", ["tdiuc-ban", "visual7w-cti"])
def test_the_recipes_of_other_sets_train(name: str, tmp_path: Path) -> None:
    """As they ship, but narrow and for two updates."""
    content = recipe_to_dict(read_recipe(name))
    known = SETS[content["data"]["dataset"]]
    root = known.write(tmp_path / "data")
    folders.write_regions(root, known.images)
    content["data"].update(root=str(root), min_answers=1)
    content["model"].update(hidden=8, word_vectors="random")
    content["training"].update(epochs=2, batch_size=2, max_updates=2)
    [outcome] = train_members(
        [recipe_from_dict(content)],
        RunOptions(runs=tmp_path / "runs", predictions=tmp_path / "preds", device="cpu"),
    )
    assert not outcome.error, outcome.details
    assert sorted(outcome.files) == sorted(content["predict"]["splits"])


@pytest.mark.parametrize(("dataset", "prefix"), [("vqa-v1", ""), ("vqa-v2", "v2_")])
def test_vqa(dataset: str, prefix: str, tmp_path: Path) -> None:
    split = read(dataset, folders.write_vqa(tmp_path, prefix=prefix), "train")
    assert split.questions.question_ids.tolist() == [9000, 9001, 25000]
    assert split.questions.image_ids == [9, 9, 25]
    # Normal forms are counted: "Yes." with "yes", "two" with "2", "A dog" with "dog".
    expected = [{"yes": 1.0, "no": 0.333}, {"2": 1.0, "3": 1.0}, {"dog": 1.0}]
    assert scores(split.answers) == expected
    assert split.answer_types == ["yes/no", "number", "other"]
    assert split.question_types == ["is it", "how many", "what is"]


def test_the_vocabulary_counts_the_answers_that_the_data_set_chose(tmp_path: Path) -> None:
    """The right answer to 9001 is said to be 2, though most annotators gave 3."""
    root = folders.write_vqa(tmp_path)
    folders.write_regions(root, folders.VQA_IMAGES)

    def vocabulary(**keys: Any) -> list[str]:
        return training_examples(
            open_dataset(keyed := section("vqa-v2", root, **keys)), keyed
        ).answers

    assert vocabulary() == ["2", "dog", "yes"]
    both = ["2", "dog", "no", "waving", "yes"]
    assert vocabulary(train_splits=("train", "validation")) == both
    assert vocabulary(vocabulary_splits=("train", "validation")) == both
    path = root / "v2_mscoco_train2014_annotations.json"
    document = json.loads(path.read_text())
    for entry in document["annotations"]:
        del entry["multiple_choice_answer"]
    folders.save(path, document)
    assert vocabulary() == ["3", "dog", "yes"]


def test_answers_need_so_many_questions(tmp_path: Path) -> None:
    answers = read("daquar", folders.write_daquar(tmp_path), "train").answers
    assert answers is not None
    assert answer_vocabulary([answers], 2) == {"chair table": 2}
    twice = answer_vocabulary([answers, answers], 2)
    assert list(twice.items()) == [("chair table", 4), ("11", 2), ("garbage bin", 2)]
    with pytest.raises(InputError, match=r"data.min_answers: no answer is the most given of 3"):
        answer_vocabulary([answers], 3)


def test_tdiuc(tmp_path: Path) -> None:
    split = read("tdiuc", folders.write_tdiuc(tmp_path), "train")
    assert scores(split.answers) == [{"no": 1.0}, {"doesnotapply": 1.0}, {"2": 1.0}]
    assert split.answer_types == ["object_presence", "absurd", "counting"]
    assert split.question_types == split.answer_types


def test_daquar(tmp_path: Path) -> None:
    root = folders.write_daquar(tmp_path)
    split = read("daquar", root, "train")
    assert split.questions.texts[0] == "what is on the desk in the image3 ?"
    assert split.questions.image_ids == ["image3", "image4", "image4", "image3"]
    both = {"chair table": 1.0}
    assert scores(split.answers) == [both, both, {"11": 1.0}, {"garbage bin": 1.0}]
    assert split.answer_types == ["object", "object", "number", "color"]
    ids = [
        read("daquar", root, name).questions.question_ids.tolist() for name in SETS["daquar"].splits
    ]
    assert len({number for numbers in ids for number in numbers}) == sum(map(len, ids))


def test_visual7w(tmp_path: Path) -> None:
    root = folders.write_visual7w(tmp_path)
    split = read("visual7w", root, "train")
    assert split.questions.question_ids.tolist() == [105, 106]
    assert split.questions.image_ids == [2332541, 2332541]
    assert scores(split.answers) == [{"tree": 1.0}, {"man": 1.0}]
    assert split.choices == [("2 dogs", "car", "sky", "tree"), ("dog", "girl", "man", "no 1")]
    assert split.answer_types == ["what", "who"]
    folders.write_regions(root, [2332541])
    data = section("visual7w", root)
    examples = training_examples(open_dataset(data), data)
    examples.chooses = True
    batch = examples.batch(np.array([0, 1]))
    assert batch.targets is not None
    assert batch.targets.tolist() == [[0, 0, 0, 1], [0, 0, 1, 0]]
    assert batch.inputs.choices is not None
    assert (batch.inputs.choices[:, :, 0] > 1).all()  # every option's first word is known


def test_gqa(tmp_path: Path) -> None:
    root = folders.write_gqa(tmp_path)
    split = read("gqa", root, "train")
    assert split.questions.question_ids.tolist() == ["02930152", "07333408"]
    assert split.questions.image_ids == ["2354786", "n161313"]
    assert scores(split.answers) == [{"yes": 1.0}, {"dark red": 1.0}]
    assert (split.answer_types, split.question_types) == (["verify", "query"], ["global", "attr"])
    assert read("gqa", root, "test").answers is None
    (root / "val_balanced_questions.json").rename(root / "val_all_questions.json")
    assert open_dataset(section("gqa", root)).split_names == (
        "train",
        "test-dev",
        "test",
        "val_all",
    )
    assert read("gqa", root, "val_all").questions.texts == ["Who is it?"]


# --------------------------------------------------------------------------- together


@pytest.mark.parametrize("first_release", [False, True])
def test_visual_genome_adds_questions_whose_answer_and_picture_are_known(
    first_release: bool, tmp_path: Path
) -> None:
    root = folders.write_visual_genome(folders.write_vqa(tmp_path), first_release=first_release)
    folders.write_regions(root, folders.VQA_IMAGES)
    dataset = open_dataset(section("vqa-v2", root))
    assert dataset.split_names[-1] == "visual-genome"
    raw = dataset.read("visual-genome")
    assert raw.questions.image_ids == [9, 9, 42, 77]
    assert raw.questions.question_ids.tolist() == [-9000, -9001, -9002, -9004]
    split = dataset.split("visual-genome")
    assert split.question_ids.tolist() == [-9000, -9001, -9002]  # 77 has no regions

    def trained(*splits: str) -> tuple[list[int], list[str]]:
        data = section("vqa-v2", root, train_splits=splits)
        examples = training_examples(dataset, data)
        return examples.question_ids.tolist(), examples.answers

    # The answer to -9001 is in no vocabulary; -9002 shows a picture of validation.
    ids, answers = trained("train", "visual-genome")
    assert ids == [9000, 9001, 25000, -9000]
    assert answers == ["2", "dog", "yes"]
    ids, answers = trained("train", "validation", "visual-genome")
    assert ids == [9000, 9001, 25000, 42000, 42001, -9000, -9002]
    with pytest.raises(InputError, match=r"data.train_splits: has extra questions only"):
        trained("visual-genome")


def test_a_question_in_two_splits_is_an_error(tmp_path: Path) -> None:
    root = folders.write_vqa(tmp_path)
    folders.write_regions(root, folders.VQA_IMAGES)
    for kind in ("OpenEnded_mscoco_{}_questions", "mscoco_{}_annotations"):
        copy = root / f"v2_{kind.format('val2014')}.json"
        copy.write_text((root / f"v2_{kind.format('train2014')}.json").read_text())
    data = section("vqa-v2", root, train_splits=("train", "validation"))
    with pytest.raises(InputError, match=r"'train' and 'validation' share 3 .*the first is 9000"):
        training_examples(open_dataset(data), data)
    twice = section("vqa-v2", root, train_splits=("train", "train"))
    with pytest.raises(InputError, match="'train' and 'train' share 3"):
        training_examples(open_dataset(twice), twice)


def test_long_questions_are_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = folders.write_vqa(tmp_path)
    folders.write_regions(root, folders.VQA_IMAGES)
    with caplog.at_level(logging.WARNING):
        for length in (17, 16):
            data = section("vqa-v2", root, train_splits=("train", "validation"), words=length)
            training_examples(open_dataset(data), data)
    [record] = caplog.records
    assert "1 of 5 training questions have more than data.words = 16 words" in record.message
    assert "the longest has 17" in record.message


# --------------------------------------------------------------------------- what is wrong

NEEDED = {  # every file of a split: which split, what is said without it
    ("vqa-v1", "OpenEnded_mscoco_train2014_questions.json"): ("train", "no questions of split"),
    ("vqa-v1", "mscoco_train2014_annotations.json"): ("train", "no such file"),
    ("vqa-v2", "v2_OpenEnded_mscoco_train2014_questions.json"): ("train", "no questions of split"),
    ("vqa-v2", "v2_mscoco_val2014_annotations.json"): ("validation", "no such file"),
    ("vqa-v2", "v2_OpenEnded_mscoco_test-dev2015_questions.json"): ("test-dev", "no questions of"),
    ("vqa-v2", "question_answers.json"): ("visual-genome", "no questions of split"),
    ("vqa-v2", "image_data.json"): ("visual-genome", "no such file"),
    ("tdiuc", "OpenEnded_mscoco_val2014_questions.json"): ("validation", "no questions of split"),
    ("tdiuc", "mscoco_train2014_annotations.json"): ("train", "no such file"),
    ("daquar", "qa.894.raw.train.txt"): ("train", "no questions of split"),
    ("daquar", "qa.37.raw.reduced.test.txt"): ("test-37-reduced", "no questions of split"),
    ("visual7w", "dataset_v7w_telling.json"): ("train", "no questions of split"),
    ("gqa", "testdev_balanced_questions.json"): ("test-dev", "no questions of split"),
}


@pytest.mark.parametrize(("dataset", "file"), NEEDED)
def test_a_missing_file_is_named(dataset: str, file: str, tmp_path: Path) -> None:
    root = SETS[dataset].write(tmp_path)
    if dataset == "vqa-v2":
        folders.write_visual_genome(root)
    folders.write_regions(root, SETS[dataset].images)
    (root / file).unlink()
    split, problem = NEEDED[dataset, file]
    data = section(dataset, root, train_splits=("train", split) if split != "train" else ("train",))
    with pytest.raises(InputError) as error:
        training_examples(open_dataset(data), data)
    assert str(error.value).startswith(f"{root / file}: {problem}")


@pytest.mark.parametrize("dataset", SETS)
def test_an_unknown_split_and_a_missing_folder(dataset: str, tmp_path: Path) -> None:
    root = SETS[dataset].write(tmp_path)
    with pytest.raises(InputError, match=r"no split 'dev'. There are: train, "):
        read(dataset, root, "dev")
    with pytest.raises(InputError, match=r"data.root: no such folder"):
        open_dataset(section(dataset, tmp_path / "missing"))


@pytest.mark.parametrize("dataset", SETS)
def test_pictures_without_regions_are_counted_before_training(dataset: str, tmp_path: Path) -> None:
    known = SETS[dataset]
    root = known.write(tmp_path)
    with pytest.raises(InputError, match=r"regions: holds no features.npy and no <image_id>.npz"):
        open_dataset(section(dataset, root)).split("train")
    folders.write_regions(root, ["elsewhere"])
    with pytest.raises(
        InputError, match=r"[0-9] pictures? ha(s|ve) no regions: .* has those of elsewhere\.$"
    ):
        open_dataset(section(dataset, root)).split("train")


def test_question_ids_of_two_types_are_refused(tmp_path: Path) -> None:
    root = folders.write_vqa(tmp_path)
    path = root / "v2_OpenEnded_mscoco_train2014_questions.json"
    document = json.loads(path.read_text())
    for question in document["questions"]:
        question["question_id"] = str(question["question_id"])
    folders.save(path, document)
    with pytest.raises(InputError, match=r"train2014_annotations\.json: .* of another type"):
        read("vqa-v2", root, "train")


def change(path: Path, edit: Callable[[Any], Any]) -> None:
    document = json.loads(path.read_text())
    folders.save(path, edit(document) or document)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda d: {"pictures": []}, "'images' is None. It must be a list"),
        (lambda d: d["images"][0]["qa_pairs"][1].pop("answer"), "question 106: has no 'answer'"),
        (lambda d: d["images"][0]["qa_pairs"][1]["multiple_choices"].pop(), "106: 'multiple_cho"),
        (lambda d: d["images"][0]["qa_pairs"][1].update(qa_id=105), "105: stands more than"),
        (lambda d: d["images"][0].update(split="val"), "no questions in split 'train'"),
    ],
)  # fmt: skip
def test_bad_visual7w(edit: Callable[[Any], Any], message: str, tmp_path: Path) -> None:
    root = folders.write_visual7w(tmp_path)

    def apply(document: Any) -> Any:
        edited = edit(document)
        return edited if isinstance(edited, dict) else None

    change(root / "dataset_v7w_telling.json", apply)
    with pytest.raises(InputError, match=message):
        read("visual7w", root, "train")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("what is this in the image3 ?\n", "line 1: the last question has no answer"),
        ("what is this ?\ndesk\n", "line 1: names no picture: 'what"),
        ("what is in the image3 ?\n\nwhat is in the image4 ?\nbed\n", "line 2: is empty"),
    ],
)
def test_bad_daquar(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "qa.894.raw.train.txt").write_text(content)
    with pytest.raises(InputError, match=message):
        read("daquar", tmp_path, "train")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "is not a GQA questions file"),
        ({"7": {"question": "Is it?"}}, "question 7: has no 'imageId'"),
        (
            {"7": {"question": "Is it?", "imageId": "1", "answer": "no"}},
            "question 7: has no 'types'",
        ),
        (
            {"7": {"question": "Is it?", "imageId": 1}},
            "question 7: 'imageId' is 1. It must be a string",
        ),
    ],
)
def test_bad_gqa(document: Any, message: str, tmp_path: Path) -> None:
    folders.save(tmp_path / "train_balanced_questions.json", document)
    with pytest.raises(InputError, match=message):
        read("gqa", tmp_path, "train")


@pytest.mark.parametrize(
    ("file", "document", "message"),
    [
        ("image_data.json", [{"image_id": 1}], "image 1: has no 'coco_id'"),
        ("image_data.json", [{"image_id": 1, "coco_id": None}], "no question about a picture"),
        ("question_answers.json", [{"id": 1}], "1: has no 'qas'"),
        ("question_answers.json", [{"id": 1, "qas": [{"qa_id": 3}]}], "question 3: has no"),
        ("question_answers.json", [{"id": 1, "qas": [{"qa_id": "x"}]}], "qa_id is 'x'"),
    ],
)
def test_bad_visual_genome(file: str, document: Any, message: str, tmp_path: Path) -> None:
    root = folders.write_visual_genome(tmp_path)
    folders.save(root / file, document)
    with pytest.raises(InputError, match=message):
        read("vqa-v2", root, "visual-genome")


BREAKABLE = [
    ("tdiuc", "OpenEnded_mscoco_train2014_questions.json", "train"),
    ("tdiuc", "mscoco_train2014_annotations.json", "train"),
    ("daquar", "qa.894.raw.train.txt", "train"),
    ("visual7w", "dataset_v7w_telling.json", "train"),
    ("gqa", "train_balanced_questions.json", "train"),
    ("vqa-v2", "v2_mscoco_train2014_annotations.json", "train"),
    ("vqa-v2", "question_answers.json", "visual-genome"),
    ("vqa-v2", "image_data.json", "visual-genome"),
]


@pytest.mark.parametrize(("dataset", "file", "split"), BREAKABLE)
def test_broken_files_are_taken_or_refused(
    dataset: str, file: str, split: str, tmp_path: Path
) -> None:
    root = SETS[dataset].write(tmp_path)
    if split == "visual-genome":
        folders.write_visual_genome(root)
    path = root / file
    good = path.read_bytes()
    reader = Reader(file, path.suffix, lambda: good, lambda path: None)
    refused = []
    for seed in range(120):
        path.write_bytes(break_file(reader, random.Random(seed)))
        try:
            raw = read(dataset, root, split)
            write_official(tmp_path / "out", dataset, split, raw)
        except InputError as error:
            refused.append(str(error))
    assert len(refused) > 12
    assert all(message.startswith(f"{root}/") for message in refused)


def test_selecting_questions_keeps_what_belongs_to_them(tmp_path: Path) -> None:
    root = folders.write_visual7w(tmp_path)
    folders.write_regions(root, [2332541])
    split: Split = open_dataset(section("visual7w", root)).split("train")
    one = split.select(np.array([1]))
    assert (one.questions, one.types) == (["Who is here?"], ["who"])
    assert one.choices == [("dog", "girl", "man", "no 1")]
    assert scores(one.answers) == [{"man": 1.0}]
