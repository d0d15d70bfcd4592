"""GQA: compositional questions made from scene graphs (Hudson and Manning, CVPR 2019).

The folder holds the question files of the download (cs.stanford.edu/people/dorarad/gqa),
taken out of ``questions1.2``:

==========  ====================================  ==============
split       file                                  answers
==========  ====================================  ==============
train       train_balanced_questions.json         public
validation  val_balanced_questions.json           public
test-dev    testdev_balanced_questions.json       public
test        test_balanced_questions.json          not public
any NAME    NAME_questions.json                   where there
==========  ====================================  ==============

``NAME`` is the rest of a file's name: ``val_all``, ``testdev_all``, ``submission_all``,
``challenge_balanced``, ….  A file is an object whose keys are the question ids, strings, and
whose values are ``{"imageId", "question", "answer", "types": {"structural", "semantic",
"detailed"}}``. The answer type is the structural type (query, verify, logical, choose,
compare), the question type the semantic one (obj, attr, cat, rel, global). Ids of pictures
are strings.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from vqa_ensemble.errors import InputError, at
from vqa_ensemble.files.json import column, list_of_objects, read_json
from vqa_ensemble.questions.vqa import Questions
from vqa_ensemble.training.data.folder import FolderDataset
from vqa_ensemble.training.data.soft_answers import single_answers
from vqa_ensemble.training.data.splits import RawSplit

_OFFICIAL = {
    "train": "train_balanced",
    "validation": "val_balanced",
    "test-dev": "testdev_balanced",
    "test": "test_balanced",
}
_END = "_questions.json"


class Gqa(FolderDataset):
    """The data set; ``root`` is the folder described above."""

    name = "gqa"

    @property
    def files(self) -> dict[str, Path]:
        """The file of each split that may be there."""
        official = {split: self.root / f"{file}{_END}" for split, file in _OFFICIAL.items()}
        others = {
            path.name.removesuffix(_END): path
            for path in sorted(self.root.glob(f"*{_END}"))
            if path not in official.values()
        }
        return {**official, **others}

    def read(self, name: str) -> RawSplit:
        """Read a split's file.

        Raises
        ------
        InputError
            If it is missing or broken, or only some of its questions have answers.
        """
        path = self.questions_file(name)
        with at(path):
            document = read_json(path)
            if not isinstance(document, dict):
                raise InputError(
                    "is not a GQA questions file",
                    fix="It must be an object whose keys are question ids; download it again.",
                )
            entries = list_of_objects(list(document.values()), "questions")
            for question, entry in zip(document, entries, strict=True):
                entry["question_id"] = question  # errors name it

            def values(key: str, kind: type = str) -> list[Any]:
                return column(entries, "questions", key, (kind,))

            questions = Questions(
                np.array(list(document), dtype=object), values("question"), values("imageId")
            )
            if not any("answer" in entry for entry in entries):
                return RawSplit(questions, path, answers_file=path)
            types = list_of_objects(values("types", dict), "types")
            return RawSplit(
                questions,
                path,
                single_answers(values("answer")),
                column(types, "types", "structural", (str,)),
                column(types, "types", "semantic", (str,)),
                answers_file=path,
            )
