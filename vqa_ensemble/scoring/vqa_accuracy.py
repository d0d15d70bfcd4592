"""The official VQA accuracy, for one answer a question or for any candidate answers.

An answer is as good as the humans who gave it: each of a question's human answers is held
out in turn, the answer scores min(1, matches / 3) against the others, and the mean of these
is its accuracy (Antol et al., "VQA: Visual Question Answering", ICCV 2015;
visualqa.org/evaluation.html). Answers are compared in their normal form, except, as in the
official evaluator, where the human answers of a question are all the same: there they are
compared as they are written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import numpy.typing as npt

from vqa_ensemble import ragged
from vqa_ensemble.answers.normalize import clean_answer, normalize_answer, normalize_answers
from vqa_ensemble.errors import InputError
from vqa_ensemble.questions.ids import QuestionIds, alike, first_few, look_up
from vqa_ensemble.questions.vqa import Annotations
from vqa_ensemble.scoring.metric import Codes, Metric, Scored, encode

MATCHES_FOR_FULL_SCORE = 3
# Rows scored at once: keeps the rows × human answers table within the cache.
_BLOCK_ROWS = 16_384
_UNSEEN = -1


@dataclass(frozen=True)
class HumanAnswers:
    """Human answers made ready to be compared with.

    Attributes
    ----------
    annotations : Annotations
    unanimous : ndarray of bool, shape (Q,)
        Whether the question's human answers are all the same as written.
    answers : ndarray of int32, shape (N,)
        The human answers (laid out by ``annotations.starts``) in the form in which they
        are compared, as codes of ``forms``.
    forms : dict of str to int
        Code of each form that some human answer takes.
    normalize : callable
        One answer → its normal form.
    """

    annotations: Annotations
    unanimous: npt.NDArray[np.bool_]
    answers: npt.NDArray[np.int32]
    forms: dict[str, int]
    normalize: Callable[[str], str] = normalize_answer

    @classmethod
    def prepare(cls, annotations: Annotations) -> HumanAnswers:
        """Normalise the human answers where the official evaluator does."""
        cleaned, normalized = _both_forms(annotations.vocabulary, normalize_answer)
        forms = {form: code for code, form in enumerate(dict.fromkeys(cleaned + normalized))}
        as_written = _codes(cleaned, forms)[annotations.answers]
        first = annotations.starts[:-1]
        unanimous = np.minimum.reduceat(as_written, first) == np.maximum.reduceat(as_written, first)
        return cls(
            annotations=annotations,
            unanimous=unanimous,
            answers=np.where(
                unanimous[ragged.owner(annotations.starts)],
                as_written,
                _codes(normalized, forms)[annotations.answers],
            ),
            forms=forms,
        )

    @classmethod
    def as_written(cls, annotations: Annotations) -> HumanAnswers:
        """Compare normalised answers with the human ones as they are written, as VizWiz does."""
        return cls._of_forms(annotations, annotations.vocabulary)

    @classmethod
    def always_normalized(
        cls, annotations: Annotations, normalize: Callable[[str], str]
    ) -> HumanAnswers:
        """Normalise all human answers."""
        forms = normalize_answers(annotations.vocabulary, normalize)
        return cls._of_forms(annotations, forms, normalize)

    @classmethod
    def _of_forms(
        cls,
        annotations: Annotations,
        vocabulary: list[str],
        normalize: Callable[[str], str] = normalize_answer,
    ) -> HumanAnswers:
        forms = {form: code for code, form in enumerate(dict.fromkeys(vocabulary))}
        unanimous = np.zeros(len(annotations), dtype=np.bool_)
        answers = _codes(vocabulary, forms)[annotations.answers]
        return cls(annotations, unanimous, answers, forms, normalize)


@dataclass(frozen=True)
class Scores:
    """VQA accuracy in percent, rounded to two decimals as the official evaluator rounds.

    Attributes
    ----------
    overall : float
    per_answer_type, per_question_type : dict of str to float
        In order of first appearance in the annotations; types that count are there.
    mean_of_answer_types, mean_of_question_types : float
        The mean over types, each of equal weight.
    per_question : ndarray of float64, shape (Q,)
        In the order of the annotations.
    answered : int
        Questions that had an answer; the others score 0.
    """

    overall: float
    per_answer_type: dict[str, float]
    per_question_type: dict[str, float]
    mean_of_answer_types: float
    mean_of_question_types: float
    per_question: npt.NDArray[np.float64]
    answered: int

    @classmethod
    def of(
        cls,
        accuracy: npt.NDArray[np.float64],
        annotations: Annotations,
        answered: int,
        counted: npt.NDArray[np.bool_] | None = None,
    ) -> Scores:
        """Means of what each question scored in [0, 1], in the order of the annotations."""

        def means(groups: npt.NDArray[np.int32], names: list[str]) -> dict[str, float]:
            if counted is None:
                return _means(accuracy, groups, names)
            return _means(accuracy[counted], groups[counted], names)

        everything = np.zeros(len(annotations), dtype=np.int32)
        by_answer_type, by_question_type = (
            means(*annotations.types(by)) for by in ("answer_type", "question_type")
        )
        return cls(
            overall=round(means(everything, ["all"])["all"], 2),
            per_answer_type={name: round(mean, 2) for name, mean in by_answer_type.items()},
            per_question_type={name: round(mean, 2) for name, mean in by_question_type.items()},
            mean_of_answer_types=round(fmean(by_answer_type.values()), 2),
            mean_of_question_types=round(fmean(by_question_type.values()), 2),
            per_question=_round(100 * accuracy),
            answered=answered,
        )


class VqaAccuracy(Metric):
    """The official VQA accuracy."""

    people = MATCHES_FOR_FULL_SCORE + 1  # one is held out

    def prepare(self) -> None:
        """Normalise the human answers."""
        self.humans = HumanAnswers.prepare(self.annotations)

    def score(self, questions: Codes, answers: Codes, vocabulary: Sequence[str]) -> Scored:
        """As :func:`soft_scores`."""
        return soft_scores(self.humans, questions, answers, vocabulary)


METRIC = VqaAccuracy


def soft_scores(
    humans: HumanAnswers,
    questions: npt.NDArray[np.integer],
    answers: npt.NDArray[np.integer],
    vocabulary: Sequence[str],
) -> npt.NDArray[np.float64]:
    """VQA accuracy in [0, 1] of any answers to any questions.

    Parameters
    ----------
    humans : HumanAnswers
    questions : ndarray of int, shape (R,)
        The question of each row, as its position in ``humans.annotations``.
    answers : ndarray of int, shape (R,)
        The answer of each row, as an index into ``vocabulary``.
    vocabulary : sequence of str

    Returns
    -------
    ndarray of float64, shape (R,)
        The mean over the held-out human answers, added up in the order of the file so that
        it is the official figure to the last bit.
    """
    cleaned, normalized = (
        _codes(form, humans.forms) for form in _both_forms(vocabulary, humans.normalize)
    )
    scores = np.empty(len(questions))
    for begin in range(0, len(questions), _BLOCK_ROWS):
        block = slice(begin, begin + _BLOCK_ROWS)
        question, answer = questions[block], answers[block]
        codes = np.where(humans.unanimous[question], cleaned[answer], normalized[answer])
        scores[block] = _hold_one_out(humans, question, codes)
    return scores


def score_answers(
    humans: HumanAnswers,
    question_ids: QuestionIds,
    answers: Sequence[str],
    *,
    missing: str = "error",
) -> Scores:
    """Score one answer a question as the official evaluator does.

    Parameters
    ----------
    humans : HumanAnswers
    question_ids : ndarray of int64 or of str objects, shape (R,)
        Distinct, in any order.
    answers : sequence of str, length R
    missing : {"error", "wrong"}
        What to do with annotated questions that have no answer: refuse, or score them 0.

    Raises
    ------
    InputError
        If a question is not annotated, or lacks an answer and ``missing`` is ``"error"``.
    """
    annotations = humans.annotations
    questions = find_questions(annotations, question_ids, missing=missing)
    accuracy = np.zeros(len(annotations))
    accuracy[questions] = soft_scores(humans, questions, *encode(answers))
    return Scores.of(accuracy, annotations, len(questions))


def find_questions(
    annotations: Annotations,
    question_ids: QuestionIds,
    *,
    missing: str = "error",
    asked: npt.NDArray[np.bool_] | None = None,
) -> npt.NDArray[np.int64]:
    """The place of each question in the annotations; raises as :func:`score_answers`.

    ``asked`` tells, shape (Q,), which of them may not be missing; all, if it is not given.
    """
    annotated, question_ids = alike(
        annotations.question_ids, question_ids, told=annotations.ids_told
    )
    if question_ids.dtype != annotated.dtype:
        kinds = [
            "integers" if ids.dtype == np.int64 else "strings" for ids in (question_ids, annotated)
        ]
        raise InputError(
            f"its question ids are {kinds[0]}, those of the annotations {kinds[1]}",
            fix="Give the annotations of the same data set.",
        )
    questions = look_up(question_ids, annotated)
    unknown = question_ids[questions < 0]
    if len(unknown):
        raise InputError(
            f"answers {len(unknown)} questions that are not annotated: {first_few(unknown)}",
            fix="Give the annotations of the split it answers (several files may be given).",
        )
    needed = np.ones(len(annotations), dtype=np.bool_) if asked is None else asked.copy()
    needed[questions] = False
    if missing == "error" and needed.any():
        lacking = annotated[needed]
        raise InputError(
            f"lacks an answer to {len(lacking)} of {len(annotations)} annotated questions: "
            + first_few(lacking),
            fix="Answer them, or count them as wrong with --missing wrong.",
        )
    return questions


def _hold_one_out(
    humans: HumanAnswers, questions: npt.NDArray[np.integer], codes: npt.NDArray[np.int32]
) -> npt.NDArray[np.float64]:
    starts = humans.annotations.starts
    counts = starts[questions + 1] - starts[questions]
    position = np.arange(counts.max())
    exists = position < counts[:, None]
    human = humans.answers[np.where(exists, starts[questions][:, None] + position, 0)]
    match = (human == codes[:, None]) & exists
    others = match.sum(axis=1)[:, None] - match
    shares = np.minimum(1.0, np.arange(counts.max() + 1) / MATCHES_FOR_FULL_SCORE)
    # cumsum adds from left to right as the evaluator does; sum would add in pairs.
    totals = np.cumsum(shares[others] * exists, axis=1)[:, -1]
    means: npt.NDArray[np.float64] = totals / counts
    return means


def _both_forms(
    texts: Sequence[str], normalize: Callable[[str], str]
) -> tuple[list[str], list[str]]:
    return [clean_answer(text) for text in texts], normalize_answers(texts, normalize)


def _codes(texts: list[str], forms: dict[str, int]) -> npt.NDArray[np.int32]:
    return np.array([forms.get(text, _UNSEEN) for text in texts], dtype=np.int32)


def _means(
    accuracy: npt.NDArray[np.float64], groups: npt.NDArray[np.int32], names: list[str]
) -> dict[str, float]:
    """In percent, by type that is there."""
    # bincount adds in the order of the file, as the evaluator does.
    totals, sizes = np.bincount(groups, weights=accuracy), np.bincount(groups)
    there = np.flatnonzero(sizes)
    means = (100 * totals[there] / sizes[there]).tolist()
    return {names[group]: mean for group, mean in zip(there.tolist(), means, strict=True)}


def _round(percent: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Round to two decimals like Python's ``round``, which NumPy's does not match on ties."""
    values, where = np.unique(percent, return_inverse=True)
    return np.array([round(value, 2) for value in values.tolist()])[where]
