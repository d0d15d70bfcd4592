"""Relaxed accuracy of questions about charts.

Masry et al., "ChartQA: A Benchmark for Question Answering about Charts with Visual and Logical
Reasoning", ACL Findings 2022, section 5.1: a number may be 5 % off, other answers must be equal
but for case. What is a number follows the scripts in use: those of Python, and ``5%`` is 0.05.
"""

from __future__ import annotations

from vqa_ensemble.scoring.metric import AnyReference

TOLERANCE = 0.05


class ChartQa(AnyReference):
    """Relaxed accuracy."""

    def agreement(self, answer: str, reference: str) -> float:
        """As :func:`relaxed`."""
        return float(relaxed(answer, reference))


METRIC = ChartQa


def relaxed(answer: str, reference: str) -> bool:
    """Whether an answer is the right one, or a number within 5 % of it.

    A right answer of 0 has no 5 %: it must be written the same.

    Examples
    --------
    >>> relaxed("21", "20"), relaxed("5%", "0.05"), relaxed("Blue ", "blue")
    (True, True, True)
    >>> relaxed("22", "20"), relaxed("0.0", "0"), relaxed("1,000", "1000")
    (False, False, False)
    """
    answer, reference = answer.strip(), reference.strip()
    given, right = _number(answer), _number(reference)
    if given is None or not right:
        return answer.lower() == reference.lower()
    return abs(given - right) / abs(right) <= TOLERANCE


def _number(text: str) -> float | None:
    try:
        return float(text.rstrip("%")) / 100 if text.endswith("%") else float(text)
    except ValueError:
        return None
