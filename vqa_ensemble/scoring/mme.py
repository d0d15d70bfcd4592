"""Two questions an image, one with the answer yes and one with no.

Fu et al., "MME: A Comprehensive Evaluation Benchmark for Multimodal Large Language Models",
arXiv:2306.13394, section 2.2. acc is the share of questions, acc+ of images whose both answers
are right; the score of a category is the sum of the two in percent. An answer is read by the
first four characters, as the authors' script does.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from vqa_ensemble.errors import InputError
from vqa_ensemble.scoring.metric import Answers, Codes, ReferenceMetric, Scored, percent
from vqa_ensemble.scoring.pope import yes_or_no

CATEGORIES = {
    "perception": (
        "existence count position color posters celebrity scene landmark artwork OCR".split()
    ),
    "cognition": (
        "commonsense_reasoning numerical_calculation text_translation code_reasoning".split()
    ),
}


class Mme(ReferenceMetric):
    """acc, acc+ and the sums over categories."""

    def prepare(self) -> None:
        """Pair the questions by category, which is their type, and image."""
        self.references = yes_or_no(self)
        images = self.benchmark.images
        if images is None:
            raise InputError(
                "MME pairs questions by their image, which these annotations do not name",
                fix="Give a table with the columns image and category.",
            )
        types = self.annotations.question_types.tolist()
        pairs = list(zip(types, images, strict=True))
        for (_, image), size in Counter(pairs).items():
            if size != 2:
                raise InputError(
                    f"image {image} has {size} questions in its category",
                    fix="MME has two of each.",
                )
        number = {pair: position for position, pair in enumerate(dict.fromkeys(pairs))}
        self.pairs = np.array([number[pair] for pair in pairs])

    def compare(self, questions: Codes, texts: list[str]) -> Scored:
        """1 where the answer is the label; one that cannot be read is wrong."""
        pairs = zip(texts, self.right(questions), strict=True)
        return np.array([says(text) is right for text, right in pairs], dtype=np.float64)

    def more(self, scores: Scored, questions: Codes, answers: Answers) -> dict[str, float | None]:
        """acc+ in percent; the sums, of 2,000 and 800, where all their categories are there."""
        both = np.bincount(self.pairs, weights=scores)[self.pairs] == 2
        types, names = self.annotations.question_types, self.annotations.question_type_names
        category = {
            name: 100 * float(scores[types == code].mean() + both[types == code].mean())
            for code, name in enumerate(names)
        }
        return {
            "acc+": percent(both.mean()),
            **{
                group: round(sum(category[name] for name in members), 2)
                for group, members in CATEGORIES.items()
                if category.keys() >= set(members)
            },
        }


METRIC = Mme


def says(text: str) -> bool | None:
    """Whether an answer is read as yes (True) or no (False); None if it is neither.

    Examples
    --------
    >>> says("Yes, it is"), says("know"), says("The answer is yes")
    (True, False, None)
    """
    start = text.lower()[:4]
    return True if "yes" in start else False if "no" in start else None
