"""Types learned from texts: of answers by their characters, of questions by their words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

# Fitting and cross-validating on more answers than this takes long and gains little.
MAX_CLASSIFIER_ANSWERS = 20_000
# What follows in a longer answer tells little of its type, and takes its time.
MAX_CLASSIFIER_CHARACTERS = 250
FOLDS = 5


def fit_texts(texts: Sequence[str], types: npt.NDArray[Any], **features: Any) -> Pipeline:
    """Fit type from text by TF-IDF features and multinomial logistic regression. Deterministic.

    Parameters
    ----------
    texts : sequence of str, length N
    types : ndarray, shape (N,)
        If there is one only, the classifier always predicts it.
    **features
        Parameters of scikit-learn's ``TfidfVectorizer``.
    """
    from sklearn.dummy import DummyClassifier
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    several = len(np.unique(types)) > 1
    model = LogisticRegression(C=10.0, max_iter=300) if several else DummyClassifier()
    return make_pipeline(TfidfVectorizer(sublinear_tf=True, **features), model).fit(texts, types)


def fit_classifier(answers: list[str], types: npt.NDArray[np.int64]) -> Pipeline:
    """Fit type from an answer's characters: n-grams of 1 to 4, logistic regression.

    Uses the first ``MAX_CLASSIFIER_ANSWERS`` answers, and of each the first
    ``MAX_CLASSIFIER_CHARACTERS``.
    """
    answers, types = answers[:MAX_CLASSIFIER_ANSWERS], types[:MAX_CLASSIFIER_ANSWERS]
    # Word starts and ends are marked, so that "2" and "2nd" differ; "" gets a mark of its own.
    return fit_texts(answers, types, analyzer="char", ngram_range=(1, 4), preprocessor=_mark_ends)


def _mark_ends(answer: str) -> str:
    return f"\x02{answer[:MAX_CLASSIFIER_CHARACTERS]}\x03"


def cross_validate(answers: list[str], types: npt.NDArray[np.int64]) -> float | None:
    """Percent of the answers whose type is right in up to five stratified folds.

    None if a type has fewer than two answers or there is one type only.
    """
    from sklearn.model_selection import StratifiedKFold

    # A type with one answer cannot be both learned and tested; it stays in training.
    sizes = np.bincount(types)
    testable = np.flatnonzero(sizes[types] >= 2)
    if len(np.unique(types[testable])) < 2:
        return None
    folds = StratifiedKFold(min(FOLDS, int(sizes[sizes >= 2].min())), shuffle=True, random_state=0)
    alone = np.flatnonzero(sizes[types] < 2)
    right = 0
    for train, test in folds.split(testable, types[testable]):
        train, test = np.concatenate([testable[train], alone]), testable[test]
        model = fit_classifier([answers[i] for i in train], types[train])
        right += int((model.predict([answers[i] for i in test]) == types[test]).sum())
    return 100 * right / len(answers)
