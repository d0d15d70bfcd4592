"""Whether a right answer stands in the given one, as OCRBench scores.

Liu et al., "OCRBench: On the Hidden Mystery of OCR in Large Multimodal Models", Science China
Information Sciences 2024. Case does not matter, except in formulas, where spaces do not.
"""

from __future__ import annotations

import numpy as np

from vqa_ensemble.scoring.metric import Answers, AnyReference, Codes, Scored

FORMULAS = ("Handwritten Mathematical Expression Recognition", "HME100k")


class OcrBench(AnyReference):
    """Share of questions, and their number, which the benchmark reports."""

    def prepare(self) -> None:
        """List the right answers; formulas are told by the type of the question."""
        super().prepare()
        known = self.annotations
        formula = [name in FORMULAS for name in known.question_type_names]
        self.formulas = [formula[code] for code in known.question_types.tolist()]

    def compare(self, questions: Codes, texts: list[str]) -> Scored:
        """1 where one of the right answers is in the given one."""
        rows = zip(texts, self.right(questions), questions.tolist(), strict=True)
        return np.array(
            [
                any(contains(text, one, self.formulas[question]) for one in right)
                for text, right, question in rows
            ],
            dtype=np.float64,
        )

    def agreement(self, answer: str, reference: str) -> float:
        """As :func:`contains`."""
        return float(contains(answer, reference))

    def more(self, scores: Scored, questions: Codes, answers: Answers) -> dict[str, float | None]:
        """How many are right."""
        return {"right": float(scores.sum())}


METRIC = OcrBench


def contains(answer: str, reference: str, formula: bool = False) -> bool:
    r"""Whether the reference stands in the answer.

    Examples
    --------
    >>> contains("It says STOP.", "stop"), contains("x ^ 2", "x^2"), contains("x ^ 2", "x^2", True)
    (True, False, True)
    """
    answer, reference = (
        text.strip().replace("\n", " ").replace(" ", "")
        if formula
        else text.lower().strip().replace("\n", " ")
        for text in (answer, reference)
    )
    return reference in answer
