"""Mean-per-type accuracies, which keep frequent types and answers from hiding the others.

Kafle and Kanan, "An Analysis of Visual Question Answering Algorithms", ICCV 2017, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vqa_ensemble.answers.normalize import normalize_answers
from vqa_ensemble.scoring.exact_match import ExactMatch
from vqa_ensemble.scoring.metric import Answers, Codes, Scored


class Tdiuc(ExactMatch):
    """Exact match, and its means per type of question."""

    def more(self, scores: Scored, questions: Codes, answers: Answers) -> dict[str, float | None]:
        """The means, as :func:`mean_per_type`."""
        forms = np.array(normalize_answers(self.references), dtype=object).astype(str)
        means = mean_per_type(scores, self.annotations.question_types, forms)
        return {
            "arithmetic MPT": round(100 * means.arithmetic, 2),
            "harmonic MPT": round(100 * means.harmonic, 2),
            "arithmetic N-MPT": round(100 * means.normalized_arithmetic, 2),
            "harmonic N-MPT": round(100 * means.normalized_harmonic, 2),
        }


METRIC = Tdiuc


@dataclass(frozen=True)
class MeanPerType:
    """Means over T types of accuracies in [0, 1].

    Attributes
    ----------
    arithmetic, harmonic : float
        Of each type's accuracy; the harmonic mean is 0 if one of them is.
    normalized_arithmetic, normalized_harmonic : float
        Of each type's accuracy averaged over its right answers, every one of equal weight.
    """

    arithmetic: float
    harmonic: float
    normalized_arithmetic: float
    normalized_harmonic: float


def mean_per_type(
    correct: npt.ArrayLike, types: npt.ArrayLike, references: npt.ArrayLike
) -> MeanPerType:
    """Arithmetic and harmonic mean-per-type accuracy, plain and normalised.

    Parameters
    ----------
    correct : array-like of float, shape (Q,)
        What each answer scores, in [0, 1].
    types : array-like of int, shape (Q,)
        Every question's type.
    references : array-like of int or str, shape (Q,)
        Every question's right answer.

    Examples
    --------
    One type is answered right always, the other on "red" twice and on "blue" never:

    >>> mean_per_type([1, 1, 1, 0], [0, 1, 1, 1], ["yes", "red", "red", "blue"])
    ... # doctest: +NORMALIZE_WHITESPACE
    MeanPerType(arithmetic=0.8333333333333333, harmonic=0.8,
                normalized_arithmetic=0.75, normalized_harmonic=0.6666666666666666)
    """
    scores = np.asarray(correct, dtype=np.float64)
    type_codes = np.unique(np.asarray(types), return_inverse=True)[1]
    answer_codes = np.unique(np.asarray(references), return_inverse=True)[1]
    per_type = _group_means(scores, type_codes)
    pairs, pair_codes = np.unique(np.stack([type_codes, answer_codes]), axis=1, return_inverse=True)
    normalized = _group_means(_group_means(scores, pair_codes.ravel()), pairs[0])
    return MeanPerType(
        float(per_type.mean()), _harmonic(per_type), float(normalized.mean()), _harmonic(normalized)
    )


def _group_means(
    values: npt.NDArray[np.float64], groups: npt.NDArray[np.integer]
) -> npt.NDArray[np.float64]:
    return np.bincount(groups, weights=values) / np.bincount(groups)


def _harmonic(values: npt.NDArray[np.float64]) -> float:
    return float(len(values) / (1 / values).sum()) if values.all() else 0.0
