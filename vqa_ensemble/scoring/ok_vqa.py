"""VQA accuracy of OK-VQA, whose key is stemmed.

Marino et al., "OK-VQA: A Visual Question Answering Benchmark Requiring External Knowledge", CVPR
2019. Its annotations hold each answer twice: as people wrote it, and stemmed ("ride" of "riding").
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from vqa_ensemble.scoring.metric import Answers, Codes, Scored, encode, percent
from vqa_ensemble.scoring.vqa_accuracy import HumanAnswers, VqaAccuracy, soft_scores

# Frequent words of the data set, and what its stemming leaves of them.
_STEMS = dict(
    pair.split(":")
    for pair in (
        "building:build clothes:cloth cooking:cook driving:drive eating:eat flying:fly "
        "jeans:jean leaves:leaf morning:morn playing:play riding:ride running:run sitting:sit "
        "skating:skate skateboarding:skateboard skiing:ski sleeping:sleep snowboarding:snowboard "
        "surfing:surf swimming:swim walking:walk working:work"
    ).split()
)


class OkVqa(VqaAccuracy):
    """VQA accuracy against the answers as people wrote them, and against the stemmed ones."""

    def prepare(self) -> None:
        """Take the raw answers, if the annotations have them."""
        known = self.annotations
        self.stemmed = HumanAnswers.prepare(known)
        self.humans = self.stemmed
        if known.raw_answers is not None:
            answers, vocabulary = known.raw_answers
            self.humans = HumanAnswers.prepare(
                replace(known, answers=answers, vocabulary=vocabulary)
            )
        elif looks_stemmed(known.vocabulary):
            self.notes.append(
                "the right answers look stemmed (ride, not riding), so that answers in plain words "
                "count as wrong: give the annotations with raw_answer, or stem the answers alike"
            )

    def more(self, scores: Scored, questions: Codes, answers: Answers) -> dict[str, float | None]:
        """Accuracy against the stemmed answers, which leaderboards report."""
        if self.humans is self.stemmed:
            return {}
        stemmed = soft_scores(self.stemmed, questions, *encode(answers.texts))
        return {"stemmed key": percent(float(np.sum(stemmed)) / len(scores))}


METRIC = OkVqa


def looks_stemmed(answers: Iterable[str]) -> bool:
    """Whether answers are stemmed: some are stems of frequent words, and none of these is there.

    Examples
    --------
    >>> looks_stemmed(["ride", "surfboard"]), looks_stemmed(["riding", "ride"])
    (True, False)
    """
    words = {word for answer in answers for word in answer.lower().split()}
    return words.isdisjoint(_STEMS) and not words.isdisjoint(_STEMS.values())
