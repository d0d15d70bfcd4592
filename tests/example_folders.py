"""Folders with the files that the pages of the documentation name in their examples."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import data_folders
import foreign_files as foreign
import numpy as np
import pytest
import tomli_w
from foreign_files import ANSWERS, dump, dump_lines
from PIL import Image
from tiny_vqa import tiny_recipe, write_data

from vqa_ensemble.answers.answer_map import AnswerMap, write_answer_map
from vqa_ensemble.cli import main
from vqa_ensemble.predictions.files import write_predictions
from vqa_ensemble.predictions.member import Metadata
from vqa_ensemble.training.recipe import recipe_to_dict

WORDS = {
    "number": ["0", "1", "2", "3", "4"],
    "other": ["cat", "dog", "red", "blue"],
    "yes/no": ["yes", "no"],
}
FIRST = {"train": 500, "val": 1000, "test": 2000}


def members(
    folder: Path, n_questions: int = 60, skills: tuple[float, ...] = (0.8, 0.6, 0.5), seed: int = 0
) -> None:
    """Members on two splits, questions, annotations, pictures and a map, under usual names."""
    rng = np.random.default_rng(seed)
    for split, first in FIRST.items():
        ids = range(first, first + n_questions)
        types = [str(rng.choice(list(WORDS))) for _ in ids]
        right = [str(rng.choice(WORDS[t])) for t in types]
        questions = [
            {"question_id": q, "image_id": 7 + q % 5, "question": f"What is {q}?"} for q in ids
        ]
        annotations = [
            {
                "question_id": q,
                "question_type": "what",
                "answer_type": t,
                "multiple_choice_answer": a,
                "answers": [{"answer": a}] * 8 + [{"answer": "something else"}] * 2,
            }
            for q, t, a in zip(ids, types, right, strict=True)
        ]
        dump(folder / f"{split}_questions.json", {"questions": questions})
        if split != "test":
            dump(folder / f"{split}_annotations.json", {"annotations": annotations})
        if split == "train":
            continue
        everything = [word for words in WORDS.values() for word in words]
        for m, skill in enumerate(skills):
            rows = []
            for q, t, a in zip(ids, types, right, strict=True):
                first_answer = a if rng.random() < skill else str(rng.choice(everything))
                other = next(word for word in WORDS[t] if word != a)
                sure = float(rng.uniform(0.4, 0.95))
                for rank, answer in enumerate(dict.fromkeys([first_answer, a, other])):
                    rows.append((q, answer, sure / 2**rank))
            # README keeps the test split's predictions in preds/ itself, too.
            for place in (f"preds/{split}", *(["preds"] if split == "test" else [])):
                path = folder / place / f"member-{m}.parquet"
                columns = zip(*rows, strict=True)
                write_predictions(path, *columns, member=Metadata(f"member-{m}", split=split))
    pairs = [(word, t) for t, words in WORDS.items() for word in words for _ in range(3)]
    write_answer_map(folder / "my-map.csv", AnswerMap.from_pairs(pairs))
    (folder / "images").mkdir()
    for image in range(7, 11):  # that of 11 is missing
        picture = Image.new("RGB", (400, 200), (20 * image, 40, 90))
        picture.save(folder / "images" / f"COCO_val_{image:012d}.png")


def other_tools(folder: Path) -> None:
    """What other tools left, and the files of a few leaderboards."""
    foreign.write_benchmark(folder)
    foreign.vqa(folder / "results.json")
    foreign.vlmevalkit_xlsx(folder / "qwen_MMBench.xlsx")
    foreign.pipeline(folder / "vilt.json")
    foreign.openai_batch(folder / "batch_output.jsonl")
    foreign.logits_npy(folder / "scores.npy")
    foreign.table_csv(folder / "replies.csv")
    logs = folder / "logs"
    logs.mkdir()
    foreign.lmms_eval(logs / "20260801_samples_vqav2_test.jsonl")
    dump_lines(
        logs / "20260801_samples_vqav2_val.jsonl",
        [{"doc_id": i, "filtered_resps": [a]} for i, a in enumerate(ANSWERS.values())],
    )
    for model in ("llava", "qwen"):
        (folder / "runs" / model).mkdir(parents=True)
        foreign.lmms_eval(folder / "runs" / model / "20260801_samples_vqav2_val.jsonl")
    for name in "ab":
        path = folder / "preds" / "val" / f"{name}.parquet"
        write_predictions(path, list(ANSWERS), [*ANSWERS.values()], [1.0] * 4, member="")
    dump(
        folder / "aokvqa_test.json",
        [{"question_id": "22Mex", "question": "?", "choices": ["cat", "dog", "cow", "hen"]}],
    )
    for name in ("direct", "choices"):
        dump(folder / f"{name}.json", [{"question_id": "22Mex", "answer": "cat"}])
    dump(
        folder / "testdev_balanced_questions.json",
        {"01": {"question": "?", "imageId": "n", "answer": "yes", "types": {}}},
    )
    write_predictions(folder / "gqa_member.parquet", ["01"], ["yes"], [1.0], member="gqa")


def data_sets(folder: Path) -> None:
    """Data sets as they are downloaded."""
    write_data(folder / "vqa2")
    root = data_folders.write_tdiuc(folder / "tdiuc")
    for part, key in (("mscoco", "annotations"), ("OpenEnded_mscoco", "questions")):
        path = root / f"{part}_train2014_{key}.json"
        # Ten of each, so that answers are frequent enough to be learned.
        rows = [
            {**row, "question_id": row["question_id"] + copy * 10**8}
            for row in json.loads(path.read_text())[key]
            for copy in range(10)
        ]
        dump(path, {key: rows})


def region_files(folder: Path) -> None:
    """Region features in TSV files, as bottom-up attention's are published."""
    for image, name in enumerate(("trainval/36.tsv", "test2015/36.tsv.0")):
        path = folder / name
        path.parent.mkdir()
        boxes = np.array([[0, 0, 10, 10], [5, 5, 20, 20]], np.float32)
        features = np.ones((2, 3), np.float32)
        coded = "\t".join(base64.b64encode(array).decode() for array in (boxes, features))
        path.write_text(f"{image}\t20\t20\t2\t{coded}\n")


def trained(folder: Path) -> None:
    """A data set, and a member that was trained on it for a moment."""
    recipe = tiny_recipe(write_data(folder / "data" / "vqa-v2"), "ban-8", epochs=1)
    path = folder / "ban-8.toml"
    path.write_text(tomli_w.dumps(recipe_to_dict(recipe)))
    with pytest.raises(SystemExit) as ended:
        main(["train", str(path), "-o", str(folder / "runs"), "--predictions", str(folder), "-q"])
    assert not ended.value.code
