"""Questions by their image and words, for files that know no other id of theirs."""

from __future__ import annotations

import re
from collections import defaultdict

from vqa_ensemble.questions.benchmarks import BenchmarkQuestions

_COCO = re.compile(r"COCO_\w+_0*(\d+)")


class ByImage:
    """Where a row's id is the image's, and what was asked holds the question's words.

    Examples
    --------
    >>> texts = ["What is it?", "What is it doing?"]
    >>> known = ByImage(BenchmarkQuestions([1, 2], ["a.jpg", "a.jpg"], texts=texts))
    >>> known.find("a", "What is it doing?\\nAnswer with one word."), known.find("a", "Why?")
    (2, None)
    """

    def __init__(self, questions: BenchmarkQuestions) -> None:
        self._of_image: defaultdict[str, list[tuple[str, int | str]]] = defaultdict(list)
        texts = questions.texts or [""] * len(questions.images)
        rows = zip(questions.images, texts, questions.question_ids, strict=True)
        for image, text, question in rows:
            self._of_image[_image(image)].append((_words(text), question))

    def find(self, image: int | str, prompt: str) -> int | str | None:
        """The question; None if there is none, or several that would do."""
        asked, known = _words(prompt), self._of_image.get(_image(image), [])
        if not asked:
            return known[0][1] if len(known) == 1 else None
        found = [(len(text), question) for text, question in known if text and text in asked]
        longest = max((length for length, _ in found), default=0)
        best = [question for length, question in found if length == longest]
        return best[0] if len(best) == 1 else None


def _words(text: str) -> str:
    return " ".join(text.lower().split())


def _image(name: int | str) -> str:
    """An image's id: its file's name without folder and ending, or COCO's number in it."""
    stem = re.sub(r"\.(jpe?g|png|webp|gif|bmp)$", "", str(name), flags=re.IGNORECASE)
    coco = _COCO.fullmatch(stem.rpartition("/")[2])
    return coco[1] if coco else stem
