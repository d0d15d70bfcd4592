"""Question types from the words of the question.

A linear classifier on which words and pairs of words a question has, and how it starts, learned
from questions whose types are known: TF-IDF features and multinomial logistic regression. What
is asked for is mostly said by the first words ("is the", "how many"), so the start of the
question counts as a word.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from vqa_ensemble.answers.classifier import FOLDS, fit_texts

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

# The most frequent words and pairs; the rest are too rare to learn from.
MOST_FEATURES = 20_000
# Fitting 65 types on this many takes 20 s; the words that tell types apart are common ones.
MOST_QUESTIONS = 40_000
_START = "\x02"


def fit_text_types(texts: Sequence[str], types: npt.NDArray[np.object_]) -> Pipeline:
    """Fit question type from question text. Deterministic.

    Parameters
    ----------
    texts : sequence of str, length Q
        More than ``MOST_QUESTIONS`` are thinned out evenly.
    types : ndarray of str objects, shape (Q,)

    Returns
    -------
    sklearn.pipeline.Pipeline
        Its ``predict`` maps texts to types; its ``predict_proba`` to P(type | text).

    Examples
    --------
    >>> import numpy as np
    >>> texts = ["How many dogs?", "How many men are there?", "Is it red?", "Is he here?"]
    >>> model = fit_text_types(texts, np.array(["number", "number", "yes/no", "yes/no"], object))
    >>> model.predict(["Is it cold?", "How many cats?"]).tolist()
    ['yes/no', 'number']
    """
    # Evenly spread.
    kept = np.linspace(0, len(texts) - 1, min(len(texts), MOST_QUESTIONS)).astype(np.int64)
    return fit_texts(
        [texts[i] for i in kept],
        types[kept],
        preprocessor=_mark_start,
        token_pattern=rf"{_START}|\w+",
        ngram_range=(1, 2),
        max_features=MOST_FEATURES,
        dtype=np.float32,
    )


def predict_out_of_fold(
    texts: Sequence[str], types: npt.NDArray[np.object_], groups: npt.NDArray[np.int64]
) -> npt.NDArray[np.object_] | None:
    """Each question's type as a classifier that has not seen its group predicts it.

    Parameters
    ----------
    texts : sequence of str, length Q
    types : ndarray of str objects, shape (Q,)
    groups : ndarray of int64, shape (Q,)
        Questions of a group (on one image) share a fold.

    Returns
    -------
    ndarray of str objects, shape (Q,), or None
        None if there is one group only.
    """
    from sklearn.model_selection import GroupKFold

    n_groups = len(np.unique(groups))
    if n_groups < 2:
        return None
    predicted = np.empty(len(texts), dtype=object)
    for train, test in GroupKFold(min(FOLDS, n_groups)).split(groups, groups=groups):
        model = fit_text_types([texts[i] for i in train], types[train])
        predicted[test] = model.predict([texts[i] for i in test])
    return predicted


def _mark_start(text: str) -> str:
    return f"{_START} {text.lower()}"
