"""Is an answer as often right as it is sure?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vqa_ensemble.arrays import Floats


@dataclass(frozen=True)
class ConfidenceBin:
    """Questions of about the same confidence.

    Attributes
    ----------
    questions : int
    confidence, score : float
        Their means.
    """

    questions: int
    confidence: float
    score: float


@dataclass(frozen=True)
class Reliability:
    """A reliability diagram.

    Attributes
    ----------
    bins : tuple of ConfidenceBin
        By rising confidence; empty ones are left out.
    calibration_error : float
        Expected calibration error: the mean over questions of the difference between their
        bin's confidence and score.
    """

    bins: tuple[ConfidenceBin, ...]
    calibration_error: float


def reliability(confidence: Floats, scores: Floats, n_bins: int = 10) -> Reliability:
    """How right answers are, by how sure, in bins of equal width (Guo et al. 2017, equation 3).

    Parameters
    ----------
    confidence : ndarray of float64, shape (Q,)
        In [0, 1]; a bin holds its upper edge, the first also 0.
    scores : ndarray of float64, shape (Q,)
    n_bins : int

    Examples
    --------
    >>> found = reliability(np.array([0.9, 1.0, 0.2]), np.array([1.0, 0.5, 0.2]))
    >>> [(b.questions, b.confidence, b.score) for b in found.bins]
    [(1, 0.2, 0.2), (1, 0.9, 1.0), (1, 1.0, 0.5)]
    >>> round(found.calibration_error, 3)
    0.2
    """
    # Rounded, so that 0.3 stored in single precision lies in the bin that ends in 0.3.
    place = np.ceil(np.round(confidence * n_bins, 6)).astype(np.int64)
    place = np.clip(place - 1, 0, n_bins - 1)
    counts = np.bincount(place, minlength=n_bins)
    sums = (np.bincount(place, weights=values, minlength=n_bins) for values in (confidence, scores))
    bins = tuple(
        ConfidenceBin(int(n), float(sure / n), float(right / n))
        for n, sure, right in zip(counts, *sums, strict=True)
        if n
    )
    gaps = sum(b.questions * abs(b.confidence - b.score) for b in bins)
    return Reliability(bins, gaps / len(confidence))
