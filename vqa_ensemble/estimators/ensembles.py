"""Ensembles for notebooks: scikit-learn estimators on pandas long tables.

The tables are those of the prediction files with a column that names the member:

- ``X``: ``member``, ``question_id``, ``answer`` and ``confidence`` (left out: hard votes), one
  row a member, question and answer; optionally ``question_type``;
- ``y``: ``question_id``, ``answer``, and optionally ``score``, how right that answer is. Without it
  answers are scored by ``metric``, or by what the key asks for: VQA accuracy if it holds what four
  people or more said, choices if all are letters, else exact match with any answer listed;
- question types and groups may also be given as Series indexed by ``question_id``.

Votes are for answers as they are written. Needs pandas: ``pip install vqa-ensemble[pandas]``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from vqa_ensemble.answers.answer_map import AnswerMap, read_answer_map
from vqa_ensemble.answers.normalize import normalize_answers
from vqa_ensemble.answers.types import TypeResolver
from vqa_ensemble.elections.merging import merges_of, normalized
from vqa_ensemble.elections.options import VoteOptions
from vqa_ensemble.elections.span import find_elector
from vqa_ensemble.errors import InputError
from vqa_ensemble.estimators.frames import (
    answers_to_frame,
    groups_from_frame,
    predictions_from_frame,
    series_of_types,
    shares_to_frame,
    targets_from_frame,
    types_from_frame,
    values_of,
)
from vqa_ensemble.learning.combiners.candidates import gather_candidates
from vqa_ensemble.learning.combiners.fitted import read_fitted
from vqa_ensemble.learning.ensemble_file import EnsembleFile, read_ensemble, write_ensemble
from vqa_ensemble.learning.fit import AUTO, fit
from vqa_ensemble.learning.questions import Questions
from vqa_ensemble.resources import find_map
from vqa_ensemble.voting.ballots import Ballots, align
from vqa_ensemble.voting.elector import Context
from vqa_ensemble.voting.merge import merge_ballots
from vqa_ensemble.voting.methods import METHODS
from vqa_ensemble.voting.question_type import find_question_types
from vqa_ensemble.voting.result import Election

if TYPE_CHECKING:
    import pandas as pd

_VOTE_PREFIX = "vote/"
_SAVED_OPTIONS = ("revote", "soft_map", "unseen", "missing", "normalize", "merge")


class _Ensemble(BaseEstimator):  # type: ignore[misc]
    """What voting and learned ensembles share."""

    def predict(
        self, X: pd.DataFrame, *, question_types: pd.Series[Any] | None = None
    ) -> pd.DataFrame:
        """The winning answer of every question.

        Parameters
        ----------
        X : DataFrame
            Columns member, question_id, answer, confidence; optionally question_type.
        question_types : Series, optional
            Indexed by question_id.

        Returns
        -------
        DataFrame
            Columns question_id and answer, by rising question_id.

        Raises
        ------
        InputError
            If a table is bad or the members do not fit.
        """
        return answers_to_frame(*self._elect(X, question_types))

    def predict_proba(
        self, X: pd.DataFrame, *, question_types: pd.Series[Any] | None = None
    ) -> pd.DataFrame:
        """Each candidate answer's share of the deciding round, adding up to 1 a question.

        Takes what :meth:`predict` takes.

        Returns
        -------
        DataFrame
            Columns question_id, answer, probability; a question's winner comes first.
        """
        return shares_to_frame(*self._elect(X, question_types))

    def score(
        self, X: pd.DataFrame, y: pd.DataFrame, *, question_types: pd.Series[Any] | None = None
    ) -> float:
        """The mean score of the winning answers, in [0, 1]."""
        ballots, election = self._elect(X, question_types)
        candidates = gather_candidates(ballots)
        chosen = election.answer[candidates.questions] == candidates.answers
        return float(targets_from_frame(y, candidates, self.metric)[0][chosen].mean())

    def _elect(
        self, X: pd.DataFrame, question_types: pd.Series[Any] | None
    ) -> tuple[Ballots, Election]:
        raise NotImplementedError


class VotingEnsemble(_Ensemble):
    """Question-type voting, majority vote or mean confidence, as ``vqa-ensemble vote`` does it.

    Parameters
    ----------
    method : {"question-type", "majority", "mean"}
    answer_map : AnswerMap, path or name, optional
        The answer-to-question-type map. If None, question-type voting learns it from ``y`` and
        its questions' types.
    revote, soft_map, unseen, missing, normalize, merge
        See :class:`vqa_ensemble.elections.options.VoteOptions`.
    synonyms : mapping of str to str, optional
        Answer → the answer it is counted as.
    metric : str, optional
        What :meth:`score` scores by, of :data:`vqa_ensemble.scoring.METRICS`.

    Attributes
    ----------
    answer_map_ : AnswerMap or None

    Examples
    --------
    Votes 2, 3, yes, yes, 4: the majority says yes, but three of five votes are numbers.

    >>> import pandas as pd
    >>> rows = [("a", "2", 0.9), ("b", "3", 0.5), ("c", "yes", 0.8), ("c", "2", 0.1),
    ...         ("d", "yes", 0.7), ("d", "3", 0.2), ("e", "4", 0.4)]
    >>> X = pd.DataFrame(rows, columns=["member", "answer", "confidence"]).assign(question_id=1)
    >>> VotingEnsemble("majority").fit().predict(X)["answer"].tolist()
    ['yes']
    >>> seen = pd.DataFrame({"question_id": range(4), "answer": ["2", "3", "4", "yes"]})
    >>> types = pd.Series(["number", "number", "number", "yes/no"])
    >>> voting = VotingEnsemble().fit(y=seen, question_types=types)
    >>> voting.predict(X)["answer"].tolist()
    ['2']
    """

    def __init__(
        self,
        method: str = "question-type",
        *,
        answer_map: AnswerMap | str | os.PathLike[str] | None = None,
        revote: str = "confidence",
        soft_map: bool = False,
        unseen: str = "classifier",
        missing: str = "error",
        normalize: bool = False,
        merge: bool = False,
        synonyms: Mapping[str, str] | None = None,
        metric: str | None = None,
    ) -> None:
        self.method = method
        self.answer_map = answer_map
        self.revote = revote
        self.soft_map = soft_map
        self.unseen = unseen
        self.missing = missing
        self.normalize = normalize
        self.merge = merge
        self.synonyms = synonyms
        self.metric = metric

    def fit(
        self,
        X: pd.DataFrame | None = None,
        y: pd.DataFrame | None = None,
        *,
        question_types: pd.Series[Any] | None = None,
    ) -> Self:
        """Learn the answer-to-question-type map, if one is needed and none was given.

        Parameters
        ----------
        X : DataFrame, optional
            Not used, unless its column question_type gives the types.
        y : DataFrame, optional
            Columns question_id and answer: what annotators answered, each row counted once.
        question_types : Series, optional
            Indexed by question_id.

        Raises
        ------
        InputError
            If question-type voting has no map and nothing to learn one from.
        """
        answer_map = _find_answer_map(self.answer_map)
        if answer_map is None and y is not None and METHODS[self.method].needs_map:
            answer_map = _learn_answer_map(X, y, question_types)
        find_elector(self._options(answer_map))  # raises if the options do not fit together
        self.answer_map_ = answer_map
        return self

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write options and map to a ``.toml`` or ``.json`` file that :meth:`load` reads."""
        check_is_fitted(self)
        options = {name: getattr(self, name) for name in (*_SAVED_OPTIONS, "metric")}
        answer_map = self.answer_map_
        # A share is kept as text: files round numbers.
        rows = [] if answer_map is None else zip(
            answer_map.answers,
            answer_map.question_types,
            answer_map.counts.tolist(),
            map(repr, answer_map.shares.tolist()),
            strict=True,
        )  # fmt: skip
        learned = {
            "options": options,
            "synonyms": dict(self.synonyms or {}),
            "map": [list(row) for row in rows],
        }
        types = () if answer_map is None else answer_map.type_names
        write_ensemble(path, EnsembleFile(_VOTE_PREFIX + self.method, (), types, learned))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what :meth:`save` wrote.

        Raises
        ------
        InputError
            If the file is not such a one.
        """
        file = read_ensemble(path)
        if not file.method.startswith(_VOTE_PREFIX):
            raise InputError(
                f"holds the method '{file.method}', not a vote",
                path=path,
                fix="Load it as a LearnedEnsemble.",
            )
        try:
            answer_map = None
            if file.learned["map"]:
                answers, types, counts, shares = zip(*file.learned["map"], strict=True)
                answer_map = AnswerMap(
                    list(answers), list(types), np.array(counts), np.array(shares, np.float64)
                )
            estimator = cls(
                file.method.removeprefix(_VOTE_PREFIX),
                answer_map=answer_map,
                synonyms=file.learned["synonyms"] or None,
                **file.learned["options"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"is incomplete or damaged: {error}", path=path, fix="Save the estimator again."
            ) from error
        return estimator.fit()

    def _options(self, answer_map: AnswerMap | None) -> VoteOptions:
        options = {**self.get_params(deep=False), "answer_map": answer_map}
        del options["metric"]
        return VoteOptions(**options)

    def _elect(
        self, X: pd.DataFrame, question_types: pd.Series[Any] | None
    ) -> tuple[Ballots, Election]:
        check_is_fitted(self)
        answer_map = self.answer_map_
        options = self._options(answer_map)
        predictions = predictions_from_frame(X)
        merges = merges_of(options, predictions)
        ballots = align([*normalized(options, predictions)], missing=self.missing)
        if merges is not None:
            ballots = merge_ballots(ballots, merges)
        types = None
        if answer_map is not None:
            resolver = TypeResolver(answer_map, unseen=self.unseen, soft=self.soft_map)
            types = resolver(ballots.vocabulary)
        fixed = None
        if METHODS[self.method].needs_map:
            fixed = types_from_frame(X, question_types, ballots.question_ids)
        return ballots, find_elector(options).vote(ballots, Context(types, fixed))


class LearnedEnsemble(_Ensemble):
    """Members weighed by what was learned from answered questions, as ``vqa-ensemble fit`` does.

    Parameters
    ----------
    method : str
        A combiner's name, or ``"auto"``: the best by cross-validation, or equal votes unless it
        is surely better.
    answer_map : AnswerMap, path or name, optional
        Gives question types by the members' type vote where no types are given.
    specialists : mapping of str to sequence of str, optional
        Members that are heard on questions of these types only.
    unseen : str
        Types of answers that the map lacks; see :class:`VotingEnsemble`.
    missing : {"error", "abstain"}
        What to do where a member lacks a question that another has.
    normalize : bool
        Count answers with one VQA normal form as one.
    metric : str, optional
        What answers are scored by, of :data:`vqa_ensemble.scoring.METRICS`.
    random_state : int
        Of folds and of whatever a method draws.

    Attributes
    ----------
    ensemble_ : FittedEnsemble
    scores_ : dict of str to float
        Out-of-fold accuracy, in [0, 1], of every method compared.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = [(m, q, str(q % 3) if m == "good" or q % 5 == 0 else "0", 0.9)
    ...         for m in ("bad", "good", "poor") for q in range(60)]
    >>> X = pd.DataFrame(rows, columns=["member", "question_id", "answer", "confidence"])
    >>> y = pd.DataFrame({"question_id": range(60), "answer": [str(q % 3) for q in range(60)]})
    >>> LearnedEnsemble("stacking").fit(X, y).score(X, y)
    1.0
    """

    def __init__(
        self,
        method: str = AUTO,
        *,
        answer_map: AnswerMap | str | os.PathLike[str] | None = None,
        specialists: Mapping[str, Sequence[str]] | None = None,
        unseen: str = "classifier",
        missing: str = "error",
        normalize: bool = False,
        metric: str | None = None,
        random_state: int = 0,
    ) -> None:
        self.method = method
        self.answer_map = answer_map
        self.specialists = specialists
        self.unseen = unseen
        self.missing = missing
        self.normalize = normalize
        self.metric = metric
        self.random_state = random_state

    def fit(
        self,
        X: pd.DataFrame,
        y: pd.DataFrame,
        *,
        question_types: pd.Series[Any] | None = None,
        groups: pd.Series[Any] | None = None,
    ) -> Self:
        """Learn from questions whose answers are known.

        Parameters
        ----------
        X : DataFrame
            Columns member, question_id, answer, confidence; optionally question_type.
        y : DataFrame
            Columns question_id, answer and optionally score in [0, 1].
        question_types, groups : Series, optional
            Indexed by question_id. Questions of one group (copies of one question) are never
            split by a cross-validation.

        Raises
        ------
        InputError
            If a table is bad, the method is unknown, or it cannot be fitted.
        """
        ballots = self._align(X)
        candidates = gather_candidates(ballots)
        targets, metric = targets_from_frame(y, candidates, self.metric)
        questions = Questions(
            candidates=candidates,
            targets=targets,
            types=find_question_types(ballots, self._context(X, question_types, ballots)),
            groups=groups_from_frame(groups, ballots.question_ids),
            metric=metric,
        )
        fitted = fit(
            questions, method=self.method, specialists=self.specialists, seed=self.random_state
        )
        self.ensemble_ = fitted.ensemble
        self.scores_ = fitted.scores
        return self

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a ``.toml`` or ``.json`` file; ``vqa-ensemble vote --ensemble`` reads it too."""
        check_is_fitted(self)
        write_ensemble(path, self.ensemble_.to_file())

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        *,
        answer_map: AnswerMap | str | os.PathLike[str] | None = None,
        unseen: str = "classifier",
        missing: str = "error",
        normalize: bool = False,
        metric: str | None = None,
    ) -> Self:
        """Read what :meth:`save` or ``vqa-ensemble fit`` wrote.

        The file holds what was learned; where types come from at prediction time, and what to
        score by, is given anew.

        Raises
        ------
        InputError
            If it is not a good ensemble file.
        """
        ensemble = read_fitted(path)
        estimator = cls(
            ensemble.method,
            answer_map=answer_map,
            specialists=dict(ensemble.specialists) or None,
            unseen=unseen,
            missing=missing,
            normalize=normalize,
            metric=metric,
            random_state=ensemble.fit.get("seed", 0),
        )
        estimator.ensemble_ = ensemble
        accuracies: Mapping[str, float] = ensemble.fit.get("accuracy", {})
        estimator.scores_ = {name: accuracy / 100 for name, accuracy in accuracies.items()}
        return estimator

    def _align(self, X: pd.DataFrame) -> Ballots:
        options = VoteOptions(normalize=self.normalize)
        return align([*normalized(options, predictions_from_frame(X))], missing=self.missing)

    def _context(
        self, X: pd.DataFrame, question_types: pd.Series[Any] | None, ballots: Ballots
    ) -> Context:
        given = types_from_frame(X, question_types, ballots.question_ids)
        answer_map = None if given is not None else _find_answer_map(self.answer_map)
        if answer_map is None:
            return Context(question_types=given)
        return Context(TypeResolver(answer_map, unseen=self.unseen)(ballots.vocabulary))

    def _elect(
        self, X: pd.DataFrame, question_types: pd.Series[Any] | None
    ) -> tuple[Ballots, Election]:
        check_is_fitted(self)
        ballots = self._align(X)
        return ballots, self.ensemble_.vote(ballots, self._context(X, question_types, ballots))


def _find_answer_map(given: AnswerMap | str | os.PathLike[str] | None) -> AnswerMap | None:
    if given is None or isinstance(given, AnswerMap):
        return given
    return read_answer_map(find_map(Path(given) if isinstance(given, os.PathLike) else given))


def _learn_answer_map(
    X: pd.DataFrame | None, y: pd.DataFrame, question_types: pd.Series[Any] | None
) -> AnswerMap:
    if question_types is None:
        table = y if X is None or "question_type" in y.columns else X
        if "question_type" not in table.columns:
            raise InputError(
                "an answer-to-question-type map cannot be learned without question types",
                fix="Give question_types, or an answer_map.",
            )
        question_types = series_of_types(table)
    asked = y["question_id"].unique()
    type_of = dict(zip(asked, values_of(question_types, asked, "question type"), strict=True))
    forms = normalize_answers(y["answer"].tolist())
    return AnswerMap.from_pairs(
        (form, str(type_of[question]))
        for form, question in zip(forms, y["question_id"], strict=True)
    )
