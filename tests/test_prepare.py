"""prepare: the figures of a data set, its vocabulary, and its files in the official form."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

pytest.importorskip("torch")

import data_folders as folders
from command_line import Runner


def test_the_figures_of_vqa(cli: Runner, tmp_path: Path) -> None:
    root = folders.write_visual_genome(folders.write_vqa(tmp_path))
    report = cli.good("prepare", "vqa-v2", "--root", root, "--min-answers", 1, "--json").json
    assert report["vocabulary"] == 5  # yes, 2, dog; no, waving
    assert report["vocabulary_splits"] == ["train", "validation"]
    assert report["padding"] == "right"
    assert list(report["splits"]) == ["train", "validation", "test-dev", "test", "visual-genome"]
    train = report["splits"]["train"]
    assert (train["questions"], train["images"], train["answers"]) == (3, 2, 5)
    # Targets: yes 1, no 1/3; 2 and 3 with 1 each; dog 1. Only 3 is no multiple-choice answer.
    assert train["covered"] == pytest.approx((1 + 1 / 3 + 1 + 1) / (1 + 1 / 3 + 2 + 1))
    assert train["best_score"] == pytest.approx(1.0)
    assert train["lengths"] == {"3": 3}
    assert train["answer_types"] == {"yes/no": 1, "number": 1, "other": 1}
    validation = report["splits"]["validation"]
    assert (validation["longer"], validation["lengths"]) == (1, {"4": 1, "17": 1})
    genome = report["splits"]["visual-genome"]
    assert genome["covered"] == pytest.approx(3 / 4)  # "on the moon" is no answer of VQA
    assert report["splits"]["test"]["answers"] is None
    assert report["written"] == []


def test_rare_answers_leave_the_vocabulary(cli: Runner, tmp_path: Path) -> None:
    root = folders.write_daquar(tmp_path)
    arguments = ["prepare", "daquar", "--root", root, "--min-answers", 2, "--json"]
    report = cli.good(*arguments).json
    assert (report["vocabulary"], report["vocabulary_splits"]) == (1, ["train"])
    assert report["splits"]["train"]["best_score"] == 0.5
    assert report["splits"]["test"]["best_score"] == 0.0
    report = cli.good(
        *arguments, "--vocabulary-split", "test", "--vocabulary-split", "test-37"
    ).json
    assert (report["vocabulary"], report["splits"]["test"]["best_score"]) == (1, 1.0)


def test_what_people_read(cli: Runner, tmp_path: Path) -> None:
    root = folders.write_vqa(tmp_path)
    shown = cli.good("prepare", "vqa-v2", "--root", root, "--min-answers", 1).out
    assert "5 answers, each the answer of at least 1 questions of train and validation" in shown
    assert "14 words, padded on the right; a question's state is the one at its last word" in shown
    assert "Warning: 1 of 2 questions of validation are longer, up to 17 words" in shown
    assert "Wrote" not in shown
    shown = cli.good("prepare", "vqa-v2", "--root", root, "--min-answers", 1, "--words", 17).out
    assert "Warning" not in shown


def test_the_vocabulary_is_written_and_files_that_are_official_are_not(
    cli: Runner, tmp_path: Path
) -> None:
    root = folders.write_vqa(tmp_path / "vqa")
    cli.good("prepare", "vqa-v2", "--root", root, "--min-answers", 1, "-o", tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["answers.csv"]
    with (tmp_path / "out" / "answers.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    expected = [["2", "1"], ["dog", "1"], ["no", "1"], ["waving", "1"], ["yes", "1"]]
    assert rows == [["answer", "questions"], *expected]


@pytest.mark.parametrize("dataset", ["tdiuc", "daquar", "visual7w", "gqa"])
def test_every_other_set_works_with_build_map_evaluate_and_check(
    cli: Runner, dataset: str, tmp_path: Path
) -> None:
    root = getattr(folders, f"write_{dataset}")(tmp_path / "data")
    out = tmp_path / "out"
    cli.good("prepare", dataset, "--root", root, "-o", out, "--min-answers", 1)
    questions, annotations = out / "train_questions.json", out / "train_annotations.json"
    report = cli.good("build-map", annotations, "-o", tmp_path / "map.csv", "--json").json
    entries = json.loads(annotations.read_text())["annotations"]
    assert report["annotations"] == 10 * len(entries)
    assert set(report["types"]) == {entry["answer_type"] for entry in entries}
    # What a member would answer, in the vocabulary's form, is scored as right.
    submission = tmp_path / "submission.json"
    right = [
        {"question_id": entry["question_id"], "answer": entry["multiple_choice_answer"]}
        for entry in entries
    ]
    folders.save(submission, right)
    assert "100.00" in cli.good("evaluate", submission, "--annotations", annotations).out
    cli.good("check", submission, "--questions", questions)


def test_options_of_multiple_choice_are_written(cli: Runner, tmp_path: Path) -> None:
    root = folders.write_visual7w(tmp_path / "data")
    cli.good("prepare", "visual7w", "--root", root, "-o", tmp_path, "--min-answers", 1)
    document = json.loads((tmp_path / "test_questions.json").read_text())
    assert document["task_type"] == "Multiple-Choice"
    assert document["questions"][0]["multiple_choices"] == ["1", "10", "5", "man"]


def test_a_split_without_answers_is_written_without_annotations(
    cli: Runner, tmp_path: Path
) -> None:
    root = folders.write_gqa(tmp_path / "data")
    cli.good("prepare", "gqa", "--root", root, "-o", tmp_path / "out", "--min-answers", 1)
    assert (tmp_path / "out" / "test_questions.json").is_file()
    assert not (tmp_path / "out" / "test_annotations.json").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["prepare", "gqa", "--root", "none"], "no such folder"),
        (["prepare", "tdiuc", "--root", "{root}"], "OpenEnded_mscoco_train2014_questions.json: no"),
        (["prepare", "gqa", "--root", "{root}"], "no answer is the most given of 9 questions"),
        (["prepare", "gqa", "--root", "{root}", "--vocabulary-split", "test"],
         "split 'test' has no answers. There are those of: train, validation, test-dev."),
    ],
)  # fmt: skip
def test_what_is_missing_is_said(
    cli: Runner, arguments: list[str], message: str, tmp_path: Path
) -> None:
    root = folders.write_gqa(tmp_path)
    ran = cli(*(argument.format(root=root) for argument in arguments))
    assert ran.code == 1
    assert message in ran.err
    assert "Traceback" not in ran.err


def test_a_folder_is_asked_for(cli: Runner) -> None:
    ran = cli("prepare", "gqa")
    assert ran.code == 2
    assert "gqa needs --root, the folder of its files" in ran.err


def test_annotations_of_train_and_validation_are_needed(cli: Runner, tmp_path: Path) -> None:
    root = folders.write_vqa(tmp_path)
    for years, split in (("val2014", "validation"), ("train2014", "train")):
        file = root / f"v2_mscoco_{years}_annotations.json"
        file.unlink()
        ran = cli("prepare", "vqa-v2", "--root", root)
        assert ran.code == 1
        assert f"{file}: no such file; it holds the answers of split '{split}'. Add" in ran.err


def test_a_data_sets_own_files_are_not_overwritten(tmp_path: Path, cli: Runner) -> None:
    """The file of another split of GQA has the name of the one that is made of it."""
    root = folders.write_gqa(tmp_path)
    own = root / "train_all_questions.json"
    own.write_bytes((root / "train_balanced_questions.json").read_bytes())
    before = own.read_bytes()
    ran = cli("prepare", "gqa", "--root", root, "-o", root, "--min-answers", 1)
    assert ran.code == 1
    assert "train_all_questions.json: is to be written, and is an input" in ran.err
    assert own.read_bytes() == before
