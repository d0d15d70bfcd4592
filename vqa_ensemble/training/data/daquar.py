"""DAQUAR: questions about indoor scenes of NYU Depth v2 (Malinowski and Fritz, NIPS 2014).

The folder holds the text files of the download (the Visual Turing Challenge of MPI-INF):

===============  ==========================================================================
split            file
===============  ==========================================================================
train            qa.894.raw.train.txt: all 894 classes of objects
test             qa.894.raw.test.txt
train-37         qa.37.raw.train.txt: questions with 37 classes of objects
test-37          qa.37.raw.test.txt
test-37-reduced  qa.37.raw.reduced.test.txt: those about 25 of the pictures
===============  ==========================================================================

Each question is a line that ends in the picture's name, ``… in the image3 ?``; the next line
is its answer. An answer may list things, ``table, chair``. Such a list is one answer, whatever
the order of its things, so that the score is the accuracy of the paper. The ids of pictures
are their names, ``image3``.

DAQUAR has no question types; a question is of type ``number`` if it asks how many, ``color`` if
it asks for a color, else ``object``.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from vqa_ensemble.errors import InputError, at
from vqa_ensemble.files.text import read_text
from vqa_ensemble.questions.vqa import Questions
from vqa_ensemble.training.data.folder import FolderDataset
from vqa_ensemble.training.data.soft_answers import single_answers
from vqa_ensemble.training.data.splits import RawSplit

_FILES = {
    "train": "qa.894.raw.train.txt",
    "test": "qa.894.raw.test.txt",
    "train-37": "qa.37.raw.train.txt",
    "test-37": "qa.37.raw.test.txt",
    "test-37-reduced": "qa.37.raw.reduced.test.txt",
}
# A question's id is its number in its file, from 1, plus this times the file's place above.
_IDS_A_FILE = 1_000_000
_IN_TURN = "The file must have a question and its answer in turn; download it again."
_PICTURE = re.compile(r"(image\d+)\s*\?*\s*$")
_COLOR = re.compile(r"\bcolou?rs?\b")


class Daquar(FolderDataset):
    """The data set; ``root`` is the folder described above."""

    name = "daquar"

    @property
    def files(self) -> dict[str, Path]:
        """The file of each split that may be there."""
        return {split: self.root / file for split, file in _FILES.items()}

    def read(self, name: str) -> RawSplit:
        """Read a split's file.

        Raises
        ------
        InputError
            If it is missing, not text, empty, or a line is not what it must be.
        """
        path = self.questions_file(name)
        with at(path):
            asked, answers = _read_pairs(path)
            images: list[int | str] = [_picture(line, row) for row, line in enumerate(asked)]
        first = list(_FILES).index(name) * _IDS_A_FILE + 1
        ids = np.arange(first, first + len(asked))
        types = [_question_type(line) for line in asked]
        return RawSplit(
            Questions(ids, asked, images),
            path,
            single_answers([_canonical(answer) for answer in answers]),
            types,
            types,
            answers_file=path,
        )


def _read_pairs(path: Path) -> tuple[list[str], list[str]]:
    lines = [line.strip() for line in read_text(path).split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        raise InputError("is empty", fix=_IN_TURN)
    if "" in lines:
        raise InputError("is empty", where=f"line {lines.index('') + 1}", fix=_IN_TURN)
    if len(lines) % 2:
        last = f"line {len(lines)}"
        raise InputError("the last question has no answer", where=last, fix=_IN_TURN)
    return lines[::2], lines[1::2]


def _picture(line: str, row: int) -> str:
    match = _PICTURE.search(line)
    if match is None:
        raise InputError(
            f"names no picture: {line[:60]!r}",
            where=f"line {2 * row + 1}",
            fix="A question must end in its picture's name, as in 'image3 ?'.",
        )
    return match[1]


def _canonical(answer: str) -> str:
    """The things of a list in the order of the alphabet."""
    return ", ".join(sorted(thing.strip() for thing in answer.split(",") if thing.strip()))


def _question_type(line: str) -> str:
    if line.lower().startswith("how many"):
        return "number"
    return "color" if _COLOR.search(line.lower()) else "object"
