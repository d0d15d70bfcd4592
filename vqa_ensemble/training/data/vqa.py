"""VQA v1 and v2, and any data set in their form: question and annotation JSON.

The folder holds, for each split that is used, two files with their official names
(visualqa.org/download.html; without ``v2_`` for VQA v1), or with plain ones:

==========  =================================================  ===================================
split       questions                                          annotations
==========  =================================================  ===================================
train       v2_OpenEnded_mscoco_train2014_questions.json       v2_mscoco_train2014_annotations.json
validation  v2_OpenEnded_mscoco_val2014_questions.json         v2_mscoco_val2014_annotations.json
test-dev    v2_OpenEnded_mscoco_test-dev2015_questions.json    not public
test        v2_OpenEnded_mscoco_test2015_questions.json        not public
any NAME    NAME_questions.json                                NAME_annotations.json
==========  =================================================  ===================================

Further questions to train on are those of Visual Genome, as the split ``visual-genome``: see
``visual_genome.py``. Splits are put together by listing them in a recipe's ``train_splits``.

An answer scores min(1, n/3) when n of ten annotators gave it, in its normal form. The
vocabulary counts ``multiple_choice_answer`` in normal form; nine questions in train and
validation together make the 3,129 answers that the field uses on VQA v2.
"""

from __future__ import annotations

import os
from pathlib import Path

from vqa_ensemble import ragged
from vqa_ensemble.arrays import Ints
from vqa_ensemble.errors import InputError, at
from vqa_ensemble.questions.ids import QuestionIds, check_same_type, look_up
from vqa_ensemble.questions.vqa import Annotations, read_annotations, read_questions
from vqa_ensemble.training.data.folder import FolderDataset
from vqa_ensemble.training.data.soft_answers import OF_TEN, soft_answers
from vqa_ensemble.training.data.splits import RawSplit, SoftAnswers
from vqa_ensemble.training.data.visual_genome import QUESTIONS_FILE, read_visual_genome

OFFICIAL = {
    "train": "train2014",
    "validation": "val2014",
    "test-dev": "test-dev2015",
    "test": "test2015",
}
VISUAL_GENOME = "visual-genome"


class VqaFolder(FolderDataset):
    """VQA v1 or v2, or a data set in their form.

    Parameters
    ----------
    root : path-like
    name : str
        As recipes call it; official names have no prefix in ``vqa-v1``.
    regions : int
        Takes the first so many regions of each picture (0: all).

    Raises
    ------
    InputError
        If there is no such folder.
    """

    official = True

    def __init__(
        self, root: str | os.PathLike[str], *, name: str = "vqa-v2", regions: int = 0
    ) -> None:
        super().__init__(root, regions=regions)
        self.name = name
        self._prefix = "" if name == "vqa-v1" else "v2_"

    @property
    def files(self) -> dict[str, Path]:
        """The file with the questions of each split that may be there."""
        official = {
            split: self.root / f"{self._prefix}OpenEnded_mscoco_{years}_questions.json"
            for split, years in OFFICIAL.items()
        }
        plain = {
            path.name.removesuffix("_questions.json"): path
            for path in sorted(self.root.glob("*_questions.json"))
            if "_mscoco_" not in path.name
        }
        return {**official, **plain, VISUAL_GENOME: self.root / QUESTIONS_FILE}

    def read(self, name: str) -> RawSplit:
        """Read a split's files; the annotations if they are there.

        Raises
        ------
        InputError
            If the questions are missing, or a file is broken.
        """
        path = self.questions_file(name)
        if name == VISUAL_GENOME:
            return read_visual_genome(self.root)
        if path.name == f"{name}_questions.json":
            annotations = self.root / f"{name}_annotations.json"
        else:
            annotations = self.root / f"{self._prefix}mscoco_{OFFICIAL[name]}_annotations.json"
        return read_vqa(path, annotations)


def read_vqa(
    path: Path, annotations_path: Path, *, answer_type: str = "answer_type", enough: int = OF_TEN
) -> RawSplit:
    """Read questions, and their annotations if there are any.

    Parameters
    ----------
    path, annotations_path : Path
    answer_type : str
        The annotations' key that holds the answer type.
    enough : int
        Annotators that make an answer right.

    Raises
    ------
    InputError
        If a file is broken, or annotations are missing for some of the questions.
    """
    questions = read_questions(path)
    if not annotations_path.is_file():
        return RawSplit(questions, path, answers_file=annotations_path)
    annotations = read_annotations(annotations_path, answer_type=answer_type)
    with at(annotations_path):
        order = _order(annotations, questions.question_ids)
    return RawSplit(
        questions,
        path,
        _answers(annotations, order, enough),
        [annotations.answer_type_names[code] for code in annotations.answer_types[order]],
        [annotations.question_type_names[code] for code in annotations.question_types[order]],
        answers_file=annotations_path,
    )


def _order(annotations: Annotations, question_ids: QuestionIds) -> Ints:
    """Each question's row in the annotations."""
    check_same_type(annotations.question_ids, question_ids, "in the questions file")
    order = look_up(question_ids, annotations.question_ids)
    missing = question_ids[order < 0]
    if len(missing):
        raise InputError(
            f"lacks {len(missing):,} questions of its split, the first is {missing[0]}",
            fix="Download it again, whole.",
        )
    return order


def _answers(annotations: Annotations, order: Ints, enough: int) -> SoftAnswers:
    starts, entries = ragged.take(annotations.starts, order)
    chosen = annotations.multiple_choice_answers
    return soft_answers(
        starts,
        annotations.answers[entries],
        annotations.vocabulary,
        enough=enough,
        chosen=None if chosen is None else [chosen[row] for row in order],
    )
