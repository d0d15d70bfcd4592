"""GQA accuracy: 1 where answer and reference are the same as they are written.

Hudson and Manning, "GQA: A New Dataset for Real-World Visual Reasoning and Compositional Question
Answering", CVPR 2019, section 4.4.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vqa_ensemble.scoring.exact_match import same_text
from vqa_ensemble.scoring.metric import Questions, ReferenceMetric


class GqaAccuracy(ReferenceMetric):
    """GQA accuracy."""

    def compare(self, questions: Questions, texts: list[str]) -> npt.NDArray[np.float64]:
        """1 where the texts are the same."""
        return same_text(texts, self.right(questions))


METRIC = GqaAccuracy
