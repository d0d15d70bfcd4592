"""Yes or no: whether a model sees objects that are not there.

Li et al., "Evaluating Object Hallucination in Large Vision-Language Models", EMNLP 2023 (POPE).
An answer is *no* if ``no``, ``No`` or ``not`` is a word of its first sentence, else *yes*, as the
authors' script reads it.
"""

from __future__ import annotations

import numpy as np

from vqa_ensemble.errors import InputError, shown
from vqa_ensemble.scoring.metric import (
    Answers,
    Codes,
    ReferenceMetric,
    Scored,
    percent,
    reference_answers,
)

_NO = frozenset(("No", "no", "not"))


class Pope(ReferenceMetric):
    """Accuracy; precision, recall and F1 of *yes*, and its share."""

    def prepare(self) -> None:
        """Take the labels."""
        self.references = yes_or_no(self)

    def compare(self, questions: Codes, texts: list[str]) -> Scored:
        """1 where the answer is the label."""
        return np.equal(list(map(says_yes, texts)), self.right(questions)).astype(np.float64)

    def more(self, scores: Scored, questions: Codes, answers: Answers) -> dict[str, float | None]:
        """In percent; 0 where nothing that was answered, or is right, is *yes*."""
        yes, right = np.array(list(map(says_yes, answers.texts))), np.array(self.references)
        hits = int((yes & right[questions]).sum())
        precision, recall = hits / max(yes.sum(), 1), hits / max(right.sum(), 1)
        return {
            "precision": percent(precision),
            "recall": percent(recall),
            "F1": percent(2 * hits / max(yes.sum() + right.sum(), 1)),
            "yes share": percent(yes.mean()),
        }


METRIC = Pope


def says_yes(text: str) -> bool:
    """Whether an answer is read as *yes*.

    Examples
    --------
    >>> says_yes("Yes, there is. It is not big."), says_yes("There is not."), says_yes("No, sir")
    (True, False, False)
    """
    return not _NO.intersection(text.split(".")[0].replace(",", "").split(" "))


def yes_or_no(metric: ReferenceMetric) -> list[bool]:
    """The right answers, which must all be yes or no; raises InputError."""
    known = metric.annotations
    labels = [answer.strip().lower() for answer in reference_answers(known)]
    for question, label in zip(known.question_ids.tolist(), labels, strict=True):
        if label not in ("yes", "no"):
            raise InputError(
                f"its right answer is {shown(label)}, not yes or no",
                where=f"question {question}",
                fix="Score it with another --metric.",
            )
    return [label == "yes" for label in labels]
