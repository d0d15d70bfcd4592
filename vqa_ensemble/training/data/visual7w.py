"""Visual7W telling: multiple choice between four answers (Zhu et al., CVPR 2016).

The folder holds ``dataset_v7w_telling.json`` of the download
(ai.stanford.edu/~yukez/visual7w): ``{"images": [{"image_id", "split", "qa_pairs": [{"qa_id",
"question", "answer", "multiple_choices", "type"}]}]}``, where ``multiple_choices`` are the
three wrong answers, ``type`` is one of what, where, when, who, why, how, and ``split`` is train,
val or test. The split ``validation`` is val. Ids of pictures are those of Visual Genome.

The options of a question are in the order of the alphabet, so their order tells nothing.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from vqa_ensemble.answers.normalize import normalize_answers
from vqa_ensemble.errors import InputError, at, shown
from vqa_ensemble.files.json import column, list_of_objects, read_json
from vqa_ensemble.questions.vqa import Questions, read_ids
from vqa_ensemble.training.data.folder import FolderDataset
from vqa_ensemble.training.data.soft_answers import single_answers
from vqa_ensemble.training.data.splits import RawSplit

_FILE = "dataset_v7w_telling.json"
_SPLITS = {"train": "train", "validation": "val", "test": "test"}
_DECOYS = 3


class Visual7W(FolderDataset):
    """The data set; ``root`` is the folder described above."""

    name = "visual7w"

    @property
    def files(self) -> dict[str, Path]:
        """The one file, for every split."""
        return dict.fromkeys(_SPLITS, self.root / _FILE)

    def read(self, name: str) -> RawSplit:
        """Read a split.

        Raises
        ------
        InputError
            If the file is missing or broken, has nothing in this split, or a question does
            not have three wrong answers.
        """
        path = self.questions_file(name)
        with at(path):
            pairs: list[dict[str, Any]] = []
            images: list[int | str] = []
            for image, split, asked in self._pictures_of_file:
                if split == _SPLITS[name]:
                    pairs += asked
                    images += [image] * len(asked)
            if not pairs:
                raise InputError(
                    f"has no questions in split '{_SPLITS[name]}'",
                    fix="Give the whole dataset_v7w_telling.json.",
                )
            list_of_objects(pairs, "qa_pairs")
            ids = read_ids(pairs, "qa_pairs", "qa_id")

            def values(key: str, kind: type) -> list[Any]:
                return column(pairs, "qa_pairs", key, (kind,), "qa_id")

            answers, types = values("answer", str), values("type", str)
            options = []
            for pair, answer, decoys in zip(
                pairs, answers, values("multiple_choices", list), strict=True
            ):
                if len(decoys) != _DECOYS or not all(isinstance(decoy, str) for decoy in decoys):
                    raise InputError(
                        f"'multiple_choices' is {shown(decoys)}",
                        where=f"question {pair['qa_id']}",
                        fix=f"It must be a list of {_DECOYS} strings, the wrong answers.",
                    )
                options.append([answer, *decoys])
            normal = normalize_answers([option for row in options for option in row])
            size = _DECOYS + 1
            choices = [tuple(sorted(normal[i : i + size])) for i in range(0, len(normal), size)]
            return RawSplit(
                Questions(ids, values("question", str), images),
                path,
                single_answers(answers),
                types,
                types,
                choices,
                answers_file=path,
            )

    @cached_property
    def _pictures_of_file(self) -> list[tuple[int | str, str, list[dict[str, Any]]]]:
        """Id, split and questions of every picture."""
        path = self.root / _FILE
        with at(path):
            document = read_json(path)
            pictures = list_of_objects(
                document.get("images") if isinstance(document, dict) else None, "images"
            )
            ids = column(pictures, "images", "image_id", (int, str), "image_id")
            splits = column(pictures, "images", "split", (str,), "image_id")
            asked = column(pictures, "images", "qa_pairs", (list,), "image_id")
            return list(zip(ids, splits, asked, strict=True))
