"""Circular evaluation: a question is right if all its copies with turned options are.

Liu et al., "MMBench: Is Your Multi-modal Model an All-around Player?", ECCV 2024, section 4.1.
"""

from __future__ import annotations

import numpy as np

from vqa_ensemble.errors import InputError
from vqa_ensemble.scoring.metric import Answers, Codes, Scored, percent
from vqa_ensemble.scoring.multiple_choice import COPY, MultipleChoice


class Circular(MultipleChoice):
    """Share of questions whose copies are all right; of the questions themselves beside it."""

    together = True

    def prepare(self) -> None:
        """Find the copies of each question, which alone are counted no further."""
        super().prepare()
        ids = list(map(_number, self.annotations.question_ids.tolist()))
        groups = list(map(_number, self.benchmark.groups or _originals(ids)))
        place = {group: position for position, group in enumerate(dict.fromkeys(groups))}
        self.group = np.array([place[group] for group in groups])
        self.counted = np.array([one == group for one, group in zip(ids, groups, strict=True)])
        if self.counted.all():
            raise InputError(
                "no question is a copy of another",
                fix="Give the annotations with all rotations of the options: copies have the id of "
                f"their question plus a multiple of {COPY:,}, or name it in a column g_index. "
                "Single questions are scored by --metric multiple-choice.",
            )
        lost = len(set(groups).difference(ids))
        if lost:
            self.notes.append(
                f"{lost} questions are there only as copies and are not counted, as MMBench does"
            )

    def whole(self, scores: Scored) -> Scored:
        """1 where all copies are right."""
        least: Scored = np.ones(self.group.max() + 1)
        np.minimum.at(least, self.group, scores)
        return np.take(least, self.group)

    def more(self, scores: Scored, questions: Codes, answers: Answers) -> dict[str, float | None]:
        """Accuracy of the questions without their copies."""
        return {"without copies": percent(scores[self.counted].mean())}


METRIC = Circular


def _number(one: int | str) -> int | str:
    return int(one) if str(one).isdecimal() else one


def _originals(ids: list[int | str]) -> list[int | str]:
    return [one % COPY if isinstance(one, int) else one for one in ids]
