"""Data sets in the form of VQA v2: question and annotation JSON, region features.

A folder holds, for each split, under the official names or the plain ones,

==========  =================================================  ==========================
split       questions                                          annotations
==========  =================================================  ==========================
train       v2_OpenEnded_mscoco_train2014_questions.json       v2_mscoco_train2014_...
validation  v2_OpenEnded_mscoco_val2014_questions.json         v2_mscoco_val2014_...
test        v2_OpenEnded_mscoco_test2015_questions.json        not public
test-dev    v2_OpenEnded_mscoco_test-dev2015_questions.json    not public
any NAME    NAME_questions.json                                NAME_annotations.json
==========  =================================================  ==========================

and a folder ``regions`` with the detector's output (see ``regions.py``).
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vqa_ensemble.errors import InputError
from vqa_ensemble.formats.vqa_json import Annotations, read_annotations, read_questions
from vqa_ensemble.normalize import clean_answer, normalize_answer
from vqa_ensemble.training.data.examples import SoftAnswers, Split
from vqa_ensemble.training.data.regions import PictureRegions

_OFFICIAL = {
    "train": "train2014",
    "validation": "val2014",
    "test": "test2015",
    "test-dev": "test-dev2015",
}
# min(1, n/3): three of ten annotators make an answer right (Antol et al. 2015).
_ANNOTATORS_FOR_FULL_SCORE = 3


class VqaFolder:
    """A folder as described above; takes the first ``regions`` of each picture (0: all).

    Raises
    ------
    InputError
        If there is no such folder, or none of its files.
    """

    name = "vqa-v2"

    def __init__(self, root: str | os.PathLike[str], *, regions: int = 0) -> None:
        self.root = Path(root)
        if not self.root.is_dir():
            raise InputError("no such folder", path=root, where="data.root")
        self._pictures = PictureRegions(self.root, regions)

    @property
    def split_names(self) -> tuple[str, ...]:
        """The splits whose questions are there."""
        official = [name for name in _OFFICIAL if self._questions_path(name).is_file()]
        plain = [
            path.name.removesuffix("_questions.json")
            for path in sorted(self.root.glob("*_questions.json"))
            if not path.name.startswith("v2_OpenEnded_mscoco_")
        ]
        return tuple(dict.fromkeys([*official, *plain]))

    def split(self, name: str) -> Split:
        """Read a split.

        Raises
        ------
        InputError
            If a file is missing or broken, or a picture has no regions.
        """
        path = self._questions_path(name)
        if not path.is_file():
            names = ", ".join(self.split_names) or "none"
            raise InputError(
                f"no questions of split '{name}'", path=path, fix=f"There are: {names}"
            )
        questions = read_questions(path)
        annotations_path = self._annotations_path(name)
        answers = None
        types: list[str] | None = None
        if annotations_path.is_file():
            order = questions.question_ids
            annotations = read_annotations(annotations_path)
            answers = _soft_answers(annotations, order, annotations_path)
            type_names = [annotations.answer_type_names[t] for t in annotations.answer_types]
            type_of = dict(zip(annotations.question_ids.tolist(), type_names, strict=True))
            types = [type_of[question] for question in order.tolist()]
        return Split(
            name,
            questions.question_ids,
            questions.texts,
            self._pictures.rows(questions.image_ids, path),
            self._pictures.regions,
            answers,
            types,
        )

    def _questions_path(self, split: str) -> Path:
        plain = self.root / f"{split}_questions.json"
        if plain.is_file() or split not in _OFFICIAL:
            return plain
        return self.root / f"v2_OpenEnded_mscoco_{_OFFICIAL[split]}_questions.json"

    def _annotations_path(self, split: str) -> Path:
        plain = self.root / f"{split}_annotations.json"
        if plain.is_file() or split not in _OFFICIAL:
            return plain
        return self.root / f"v2_mscoco_{_OFFICIAL[split]}_annotations.json"


def _soft_answers(
    annotations: Annotations,
    question_ids: npt.NDArray[np.int64] | npt.NDArray[np.object_],
    path: Path,
) -> SoftAnswers:
    """Scores min(1, n/3) of the normalised answers, in the order of ``question_ids``."""
    position = {question: row for row, question in enumerate(annotations.question_ids.tolist())}
    missing = [question for question in question_ids.tolist() if question not in position]
    if missing:
        raise InputError(
            f"lacks {len(missing)} questions of its split, the first is {missing[0]}", path=path
        )
    normal = [normalize_answer(clean_answer(answer)) for answer in annotations.vocabulary]
    answers, code_of = np.unique(np.array(normal, dtype=object), return_inverse=True)
    order = np.array([position[question] for question in question_ids.tolist()], np.int64)
    counts = np.diff(annotations.starts)[order]
    total = np.concatenate([[0], np.cumsum(counts)])
    entries = np.arange(total[-1]) + np.repeat(annotations.starts[order] - total[:-1], counts)
    codes = code_of[annotations.answers[entries]]
    question = np.repeat(np.arange(len(order)), counts)
    pairs, votes = np.unique(question * len(answers) + codes, return_counts=True)
    answered, pair_codes = np.divmod(pairs, len(answers))
    # Each question's most given answer; pairs are sorted, so ties go to the alphabet.
    by_votes = np.lexsort((pairs, -votes, answered))
    first = by_votes[np.flatnonzero(np.diff(answered[by_votes], prepend=-1))]
    starts = np.searchsorted(answered, np.arange(len(order) + 1)).astype(np.int64)
    return SoftAnswers(
        starts=starts,
        codes=pair_codes.astype(np.int64),
        scores=np.minimum(1, votes / _ANNOTATORS_FOR_FULL_SCORE).astype(np.float32),
        answers=answers.tolist(),
        counts=np.bincount(pair_codes[first], minlength=len(answers)),
    )
