"""Direct answers of A-OKVQA.

Schwenk et al., "A-OKVQA: A Benchmark for Visual Question Answering using World Knowledge", ECCV
2022, section 4: min(1, n / 3) where n people gave the answer, as it is written. Questions that
the data set calls too difficult for direct answers do not count.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np

from vqa_ensemble.errors import InputError
from vqa_ensemble.scoring.metric import (
    Answers,
    Codes,
    ReferenceMetric,
    Scored,
    encode,
    percent,
)
from vqa_ensemble.scoring.multiple_choice import MultipleChoice
from vqa_ensemble.scoring.vqa_accuracy import MATCHES_FOR_FULL_SCORE


class AOkVqa(ReferenceMetric):
    """Accuracy of direct answers."""

    people = MATCHES_FOR_FULL_SCORE

    def prepare(self) -> None:
        """Count the answers to each question."""
        known = self.annotations
        flat = [known.vocabulary[code] for code in known.answers.tolist()]
        bounds = pairwise(known.starts.tolist())
        self.references = [Counter(flat[begin:end]) for begin, end in bounds]
        if self.benchmark.difficult is not None:
            self.asked = self.counted = ~np.array(self.benchmark.difficult)
        if not self.counted.any():
            raise InputError(
                "every question is marked as too difficult for direct answers",
                fix="Score the choices with --metric multiple-choice.",
            )

    def compare(self, questions: Codes, texts: list[str]) -> Scored:
        """The share of three people who gave the answer, 1 if more did."""
        counts = [right[text] for text, right in zip(texts, self.right(questions), strict=True)]
        return np.minimum(1.0, np.array(counts) / MATCHES_FOR_FULL_SCORE)

    def more(self, scores: Scored, questions: Codes, answers: Answers) -> dict[str, float | None]:
        """The benchmark's other score, of choices, which counts difficult questions too."""
        if self.benchmark.right_choices is None:
            return {}
        chosen = MultipleChoice(self.benchmark).score(questions, *encode(answers.texts))
        return {"multiple choice": percent(chosen.sum() / len(scores))}


METRIC = AOkVqa
