"""Whether an open answer contains a right one, word by word.

There is no script of reference: this is the rule of many papers on generated answers, on whole
words, so that "catalogue" does not contain "cat".
"""

from __future__ import annotations

from vqa_ensemble.scoring.metric import AnyReference
from vqa_ensemble.scoring.token_f1 import same_as_written, tokens


class Containment(AnyReference):
    """1 where the words of a right answer follow each other in the given one."""

    def agreement(self, answer: str, reference: str) -> float:
        """As :func:`contained`."""
        return float(contained(answer, reference))


METRIC = Containment


def contained(answer: str, reference: str) -> bool:
    """Whether the words of the reference, in SQuAD's normal form, stand together in the answer.

    A reference without words (an article, say) is contained only in an equal answer.

    Examples
    --------
    >>> contained("It is a hot dog.", "Hot dog"), contained("A catalogue", "cat")
    (True, False)
    """
    wanted = tokens(reference)
    if not wanted:
        return same_as_written(answer, reference)
    return f" {' '.join(wanted)} " in f" {' '.join(tokens(answer))} "
