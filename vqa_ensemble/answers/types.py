"""The answer-to-question-type mapping over a vocabulary, unseen answers included.

The map is learned from annotations by counting: P(type | answer). Answers it has never seen
get a type from a character n-gram classifier fitted on the map itself, from a rule, or from
the user.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from vqa_ensemble.answers import classifier
from vqa_ensemble.answers.answer_map import AnswerMap
from vqa_ensemble.answers.normalize import normalize_answers
from vqa_ensemble.answers.rule import USUAL_TYPES, check_rule_applies, type_by_rule
from vqa_ensemble.errors import InputError
from vqa_ensemble.predictions.member import ABSTAIN

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

# Answers whose types are remembered from vocabulary to vocabulary.
REMEMBERED_ANSWERS = 1 << 20


@dataclass(frozen=True)
class AnswerTypes:
    """What the vote needs of a map, per answer of a vocabulary: A answers, T types.

    Attributes
    ----------
    names : tuple of str, length T
        The types in alphabetical order.
    share : ndarray of float64, shape (A, T)
        P(type | answer); one-hot unless the map is used softly.
    type_of : ndarray of int64, shape (A,)
        Each answer's most probable type; ties go to the type more frequent in the map, then
        to the alphabetically first.
    count : ndarray of int64, shape (A,)
        How often the annotators gave the answer; 0 if never.
    prior : ndarray of int64, shape (T,)
        How often they gave answers of the type.
    seen : ndarray of bool, shape (A,)
        Whether the map has the answer.
    """

    names: tuple[str, ...]
    share: npt.NDArray[np.float64]
    type_of: npt.NDArray[np.int64]
    count: npt.NDArray[np.int64]
    prior: npt.NDArray[np.int64]
    seen: npt.NDArray[np.bool_]

    @cached_property
    def are_shared(self) -> bool:
        """Whether an answer counts for several types."""
        return bool((self.share.max(axis=1) < 1).any())

    def of(self, answers: npt.NDArray[np.int32]) -> npt.NDArray[np.signedinteger]:
        """The type of every vote; ABSTAIN where it is ABSTAIN."""
        # Few types fit into a byte; the last entry is that of index -1.
        small = np.min_scalar_type(-len(self.names))
        table: npt.NDArray[np.signedinteger] = np.append(self.type_of, ABSTAIN).astype(small)
        return table[answers]

    def take(self, rows: npt.NDArray[np.int64]) -> AnswerTypes:
        """The types of some of the answers."""
        return replace(
            self,
            share=self.share[rows],
            type_of=self.type_of[rows],
            count=self.count[rows],
            seen=self.seen[rows],
        )

    def followed_by(self, more: AnswerTypes) -> AnswerTypes:
        """The types of these answers and of more."""
        return replace(
            self,
            share=np.concatenate([self.share, more.share]),
            type_of=np.concatenate([self.type_of, more.type_of]),
            count=np.concatenate([self.count, more.count]),
            seen=np.concatenate([self.seen, more.seen]),
        )


class TypeResolver:
    """Looks up the types of answers in a map, by their normal form.

    Parameters
    ----------
    answer_map : AnswerMap
    unseen : str
        Where the type of an answer that the map lacks comes from: ``"classifier"``,
        ``"rule"``, or the name of one of the map's types.
    soft : bool
        Count a vote for every type an answer has been seen with, in proportion.

    Raises
    ------
    InputError
        If ``unseen`` is none of these, or ``"rule"`` and the map's types are not those of
        the rule.
    """

    def __init__(
        self, answer_map: AnswerMap, *, unseen: str = "classifier", soft: bool = False
    ) -> None:
        self.names = answer_map.type_names
        self.unseen = unseen
        self.soft = soft
        if unseen not in ("classifier", "rule", *self.names):
            raise InputError(
                f"unseen answers cannot be given the type {unseen!r}",
                fix=f"Choose classifier, rule or one of the map's types: {', '.join(self.names)}.",
            )
        if unseen == "rule":
            check_rule_applies(self.names)
        position = {name: t for t, name in enumerate(self.names)}
        types = np.array([position[name] for name in answer_map.question_types])
        distinct = list(dict.fromkeys(answer_map.answers))
        self._row = {answer: row for row, answer in enumerate(distinct)}
        rows = np.array([self._row[answer] for answer in answer_map.answers])
        self._prior = np.bincount(types, weights=answer_map.counts).astype(np.int64)
        self._share = np.zeros((len(distinct), len(self.names)))
        self._share[rows, types] = answer_map.shares
        self._count = np.bincount(rows, weights=answer_map.counts).astype(np.int64)
        # argmax takes the first: order the types by what breaks a tie.
        preference = np.lexsort((np.arange(len(self.names)), -self._prior))
        # Nine digits: shares that are alike may differ by how they were added up.
        self._type_of = preference[self._share[:, preference].round(9).argmax(axis=1)]

    def __call__(self, vocabulary: Sequence[str]) -> AnswerTypes:
        """Resolve every answer of a vocabulary, length A."""
        forms = normalize_answers(vocabulary)
        rows = np.array([self._row.get(form, -1) for form in forms], dtype=np.int64)
        seen = rows >= 0
        type_of = self._type_of[rows]
        if not seen.all():
            type_of[~seen] = self._types_of_unseen(
                [form for form, known in zip(forms, seen, strict=True) if not known]
            )
        share = np.zeros((len(rows), len(self.names)))
        share[np.arange(len(rows)), type_of] = 1.0
        if self.soft:
            share[seen] = self._share[rows[seen]]
        return AnswerTypes(
            names=self.names,
            share=share,
            type_of=type_of,
            count=np.where(seen, self._count[rows], 0),
            prior=self._prior,
            seen=seen,
        )

    def _types_of_unseen(self, forms: list[str]) -> npt.NDArray[np.int64]:
        if self.unseen == "classifier":
            return np.asarray(self._classifier.predict(forms))
        types = [type_by_rule(form) if self.unseen == "rule" else self.unseen for form in forms]
        return np.array([self.names.index(name) for name in types])

    @cached_property
    def _classifier(self) -> Pipeline:
        return classifier.fit_classifier(list(self._row), self._type_of)

    def cross_validate(self) -> dict[str, float | None]:
        """How well the types of answers held out of the map are guessed.

        Returns
        -------
        dict
            Accuracy in percent over distinct answers: ``"classifier"`` (as
            :func:`vqa_ensemble.answers.classifier.cross_validate`), ``"rule"`` (None if the map's
            types are not the rule's) and ``"majority type"``. ``"answers"`` is how many were
            used: the most frequent.
        """
        forms = list(self._row)[: classifier.MAX_CLASSIFIER_ANSWERS]
        types = self._type_of[: classifier.MAX_CLASSIFIER_ANSWERS]
        sizes = np.bincount(types)
        rule = None
        if set(self.names) >= set(USUAL_TYPES):
            by_rule = [self.names.index(type_by_rule(form)) for form in forms]
            rule = 100 * float(np.mean(np.array(by_rule) == types))
        return {
            "answers": len(forms),
            "classifier": classifier.cross_validate(forms, types),
            "rule": rule,
            "majority type": 100 * float(sizes.max() / len(forms)),
        }


def resolve(
    answer_map: AnswerMap,
    vocabulary: Sequence[str],
    *,
    unseen: str = "classifier",
    soft: bool = False,
) -> AnswerTypes:
    """The types of one vocabulary: ``TypeResolver(answer_map, …)(vocabulary)``.

    Examples
    --------
    >>> answer_map = AnswerMap.from_pairs([("yes", "yes/no"), ("no", "yes/no"), ("2", "number")])
    >>> types = resolve(answer_map, ["2", "Yes.", "cat"], unseen="number")
    >>> [types.names[t] for t in types.type_of], types.seen.tolist()
    (['number', 'yes/no', 'number'], [True, True, False])
    """
    return TypeResolver(answer_map, unseen=unseen, soft=soft)(vocabulary)


class KnownTypes:
    """A TypeResolver that looks every answer up once, for many vocabularies and threads."""

    def __init__(self, resolver: TypeResolver) -> None:
        self._resolver = resolver
        self._lock = Lock()
        self._last: tuple[list[str], AnswerTypes] | None = None
        self._forget()

    def _forget(self) -> None:
        self._rows: dict[str, int] = {}
        self._known = self._resolver([])

    def __call__(self, vocabulary: list[str]) -> AnswerTypes:
        """The types of a vocabulary, as ``TypeResolver`` gives them."""
        with self._lock:
            if self._last is not None and self._last[0] == vocabulary:
                return self._last[1]
            if len(self._rows) > REMEMBERED_ANSWERS:
                self._forget()
            fresh = [answer for answer in vocabulary if answer not in self._rows]
            if fresh:
                self._rows |= {answer: len(self._rows) + i for i, answer in enumerate(fresh)}
                self._known = self._known.followed_by(self._resolver(fresh))
            rows = np.array([self._rows[answer] for answer in vocabulary], dtype=np.int64)
            types = self._known.take(rows)
            self._last = vocabulary, types
        return types
