"""GQA accuracy: 1 where answer and reference are the same as they are written.

Hudson and Manning, "GQA: A New Dataset for Real-World Visual Reasoning and Compositional Question
Answering", CVPR 2019, section 4.4.
"""

from __future__ import annotations

from vqa_ensemble.scoring.exact_match import same_text
from vqa_ensemble.scoring.metric import Codes, ReferenceMetric, Scored


class GqaAccuracy(ReferenceMetric):
    """GQA accuracy."""

    def compare(self, questions: Codes, texts: list[str]) -> Scored:
        """1 where the texts are the same."""
        return same_text(texts, self.right(questions))


METRIC = GqaAccuracy
