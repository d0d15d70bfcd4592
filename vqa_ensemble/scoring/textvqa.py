"""TextVQA's accuracy.

Singh et al., "Towards VQA Models That Can Read", CVPR 2019. As the VQA accuracy, but answers are
always brought into a normal form, the one of EvalAI's server.
"""

from __future__ import annotations

from vqa_ensemble.answers.normalize import evalai_answer
from vqa_ensemble.scoring.vqa_accuracy import HumanAnswers, VqaAccuracy


class TextVqa(VqaAccuracy):
    """VQA accuracy in EvalAI's normal form."""

    def prepare(self) -> None:
        """Normalise the human answers, those that all agree too."""
        self.humans = HumanAnswers.always_normalized(self.annotations, evalai_answer)


METRIC = TextVqa
