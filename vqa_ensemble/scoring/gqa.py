"""GQA accuracy: 1 where answer and reference are the same as they are written.

Hudson and Manning, "GQA: A New Dataset for Real-World Visual Reasoning and Compositional Question
Answering", CVPR 2019, section 4.4.
"""

from __future__ import annotations

import numpy as np

from vqa_ensemble.scoring.exact_match import same_text
from vqa_ensemble.scoring.metric import Codes, ReferenceMetric, Scored


class GqaAccuracy(ReferenceMetric):
    """GQA accuracy, of the balanced questions where others are there too."""

    def prepare(self) -> None:
        """Find the right answers; leave out what the benchmark's script leaves out."""
        super().prepare()
        balanced = np.array(self.benchmark.balanced or [], dtype=np.bool_)
        if balanced.any():
            self.asked = self.counted = balanced

    def compare(self, questions: Codes, texts: list[str]) -> Scored:
        """1 where the texts are the same."""
        return same_text(texts, self.right(questions))


METRIC = GqaAccuracy
