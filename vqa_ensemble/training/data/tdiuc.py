"""TDIUC: 1.65 million questions of twelve kinds (Kafle and Kanan, ICCV 2017).

The folder holds the four files of the download (kushalkafle.com/projects/tdiuc.html), taken
out of their folders ``Questions`` and ``Annotations``:

==========  ==============================================  ===================================
split       questions                                       annotations
==========  ==============================================  ===================================
train       OpenEnded_mscoco_train2014_questions.json       mscoco_train2014_annotations.json
validation  OpenEnded_mscoco_val2014_questions.json         mscoco_val2014_annotations.json
==========  ==============================================  ===================================

Pictures are COCO's, and some of Visual Genome that are not in COCO. Each question has one
answer and a ``question_type``, which is also its answer type: absurd (answered
"doesnotapply"), activity_recognition, attribute, color, counting, object_presence,
object_recognition, positional_reasoning, scene_recognition, sentiment_understanding,
sport_recognition, utility_affordance.
"""

from __future__ import annotations

from pathlib import Path

from vqa_ensemble.training.data.folder import FolderDataset
from vqa_ensemble.training.data.soft_answers import OF_ONE
from vqa_ensemble.training.data.splits import RawSplit
from vqa_ensemble.training.data.vqa import OFFICIAL, read_vqa


class Tdiuc(FolderDataset):
    """The data set; ``root`` is the folder described above."""

    name = "tdiuc"

    @property
    def files(self) -> dict[str, Path]:
        """The file with the questions of each split that may be there."""
        return {
            split: self.root / f"OpenEnded_mscoco_{OFFICIAL[split]}_questions.json"
            for split in ("train", "validation")
        }

    def read(self, name: str) -> RawSplit:
        """Read a split's files; the annotations if they are there.

        Raises
        ------
        InputError
            If the questions are missing, or a file is broken.
        """
        path = self.questions_file(name)
        annotations = self.root / f"mscoco_{OFFICIAL[name]}_annotations.json"
        return read_vqa(path, annotations, answer_type="question_type", enough=OF_ONE)
