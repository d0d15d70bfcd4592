"""The VQA accuracy: the official figures, and a slow plain-Python reference."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusal import refused
from strategies import examples

from vqa_ensemble.answers.normalize import clean_answer, normalize_answer
from vqa_ensemble.errors import at
from vqa_ensemble.questions.vqa import Annotations, read_annotations, read_submission
from vqa_ensemble.scoring import vqa_accuracy
from vqa_ensemble.scoring.vqa_accuracy import (
    HumanAnswers,
    Scores,
    find_questions,
    score_answers,
    soft_scores,
)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_official_figures_are_reproduced(shared_data: Path, number: int) -> None:
    folder = shared_data / "vqa-v2-smallval"
    humans = HumanAnswers.prepare(read_annotations(folder / "smallval_annotations.json"))
    submission = read_submission(folder / f"official/results_{number}.json")
    scores = score_answers(humans, submission.question_ids, submission.answers)

    official = json.loads((folder / f"official/scores_{number}.json").read_text())
    assert scores.overall == official["overall"]
    assert scores.per_answer_type == official["perAnswerType"]
    assert scores.per_question_type == official["perQuestionType"]
    ids = humans.annotations.question_ids.tolist()
    ours = {str(q): s for q, s in zip(ids, scores.per_question.tolist(), strict=True)}
    assert ours == official["perQuestion"]


def make(tmp_path: Path, answered: list[list[str]]) -> HumanAnswers:
    """Annotations of questions 0, 1, … with the given human answers."""
    path = tmp_path / "annotations.json"
    path.write_text(json.dumps({"annotations": [entry(q, a) for q, a in enumerate(answered)]}))
    return HumanAnswers.prepare(read_annotations(path))


def entry(question: int, answers: list[str]) -> dict[str, object]:
    return {
        "question_id": question,
        "question_type": f"type {question % 3}",
        "answer_type": "yes/no" if question % 2 else "other",
        "answers": [{"answer": a, "answer_id": i} for i, a in enumerate(answers, start=1)],
    }


def score(humans: HumanAnswers, answers: list[str]) -> Scores:
    return score_answers(humans, np.arange(len(answers)), answers)


@pytest.mark.parametrize(
    ("matches", "percent"), [(0, 0.0), (1, 30.0), (2, 60.0), (3, 90.0), (4, 100.0), (9, 100.0)]
)
def test_accuracy_of_an_answer_by_the_humans_who_gave_it(
    tmp_path: Path, matches: int, percent: float
) -> None:
    humans = make(tmp_path, [["red"] * matches + ["blue"] * (10 - matches)])
    assert score(humans, ["red"]).per_question.tolist() == [percent]


def test_unanimous_questions_compare_answers_as_written(tmp_path: Path) -> None:
    humans = make(tmp_path, [["Yes "] * 10, ["Yes "] * 9 + ["no"]])
    assert score(humans, ["yes", "yes"]).per_question.tolist() == [0.0, 100.0]
    assert score(humans, ["\tYes\n", "YES."]).per_question.tolist() == [100.0, 100.0]


def test_questions_may_differ_in_their_number_of_human_answers(tmp_path: Path) -> None:
    humans = make(tmp_path, [["a dog"], ["cat", "dog"], ["dog"] * 5])
    assert score(humans, ["a dog", "dog", "dog"]).per_question.tolist() == [0.0, 16.67, 100.0]


@pytest.mark.parametrize(
    ("answered", "lacking"),
    [
        ([3, 0], "6 of 8 annotated questions: 1, 2, 4, 5, 6, …"),
        ([0, 2, 4], "5 of 8 annotated questions: 1, 3, 5, 6, 7"),
        ([*range(7)], "1 of 8 annotated questions: 7"),
    ],
)
def test_missing_answers_are_refused_or_count_as_wrong(
    tmp_path: Path, answered: list[int], lacking: str
) -> None:
    humans = make(tmp_path, [["dog"] * 10] * 8)
    ids, answers = np.array(answered), ["dog"] * len(answered)
    with (
        refused(
            f"mine.json: lacks an answer to {lacking}. "
            "Answer them, or count them as wrong with --missing wrong."
        ),
        at("mine.json"),
    ):
        score_answers(humans, ids, answers)
    with refused(
        f"lacks an answer to {lacking}. Answer them, or count them as wrong with --missing wrong."
    ):
        find_questions(humans.annotations, ids)
    scores = score_answers(humans, ids, answers, missing="wrong")
    assert (scores.overall, scores.answered) == (100 * len(ids) / 8, len(ids))


def test_questions_without_annotation_are_refused(tmp_path: Path) -> None:
    humans = make(tmp_path, [["dog"] * 10])
    with (
        refused(
            "mine.json: answers 2 questions that are not annotated: 7, 9. "
            "Give the annotations of the split it answers (several files may be given)."
        ),
        at("mine.json"),
    ):
        score_answers(humans, np.array([0, 7, 9]), ["dog"] * 3)
    with (
        refused(
            "mine.json: its question ids are strings, those of the annotations integers. "
            "Give the annotations of the same data set."
        ),
        at("mine.json"),
    ):
        score_answers(humans, np.array(["0"], dtype=object), ["dog"])


def test_questions_are_found_at_their_place_in_the_annotations(tmp_path: Path) -> None:
    humans = make(tmp_path, [["dog"]] * 5)
    places = find_questions(humans.annotations, np.array([4, 0, 2]), missing="wrong")
    assert (places.tolist(), places.dtype) == ([4, 0, 2], np.int64)


def test_human_answers_compared_as_written_meet_normalised_ones(tmp_path: Path) -> None:
    annotations = make(tmp_path, [["Dog"] * 10, ["dog"] * 9 + ["a dog"], ["2"] * 10]).annotations
    humans = HumanAnswers.as_written(annotations)
    scores = score(humans, ["Dog", "a Dog.", "two"])
    assert scores.per_question.tolist() == [0.0, 100.0, 100.0]
    # Unanimous answers too are matched by an answer's normal form alone.
    assert (humans.unanimous.tolist(), humans.unanimous.dtype) == ([False] * 3, np.bool_)


WORDS = st.sampled_from(["dog", "a dog", "Dog", "dog.", "two", "2", "no-dog", " dog\n", "none"])


def slow_accuracy(candidate: str, answers: list[str]) -> float:
    """The rule of the evaluator for one question, in plain Python."""
    answers, candidate = [clean_answer(a) for a in answers], clean_answer(candidate)
    if len(set(answers)) > 1:
        answers, candidate = [normalize_answer(a) for a in answers], normalize_answer(candidate)
    total = 0.0
    for held_out in range(len(answers)):
        others = answers[:held_out] + answers[held_out + 1 :]
        total += min(1, float(others.count(candidate)) / 3)
    return total / len(answers)


def slow_mean(values: list[float]) -> float:
    total = 0.0
    for value in values:
        total += value
    return round(100 * total / len(values), 2)


@examples(150, deadline=None)
@given(
    st.lists(st.tuples(WORDS, st.lists(WORDS, min_size=1, max_size=12)), min_size=1, max_size=30)
)
def test_scores_equal_a_slow_reference(questions: list[tuple[str, list[str]]]) -> None:
    humans = HumanAnswers.prepare(columns([answers for _, answers in questions]))
    scores = score(humans, [candidate for candidate, _ in questions])
    slow = [slow_accuracy(candidate, answers) for candidate, answers in questions]
    assert scores.per_question.tolist() == [round(100 * value, 2) for value in slow]
    assert scores.overall == slow_mean(slow)
    for parity, name in enumerate(["other", "yes/no"][: len(questions)]):
        assert scores.per_answer_type[name] == slow_mean(slow[parity::2])


@given(st.lists(st.lists(WORDS, min_size=1, max_size=5), min_size=1, max_size=6), st.data())
def test_every_candidate_row_scores_on_its_own(
    answered: list[list[str]], data: st.DataObject
) -> None:
    humans = HumanAnswers.prepare(columns(answered))
    vocabulary = ["dog", "a dog", "2", "cat"]
    rows = data.draw(
        st.lists(st.tuples(st.integers(0, len(answered) - 1), st.integers(0, 3)), min_size=1)
    )
    question, answer = np.array(rows).T
    with pytest.MonkeyPatch.context() as patch:
        # Rows are scored in blocks, however many.
        patch.setattr(vqa_accuracy, "_BLOCK_ROWS", data.draw(st.sampled_from([2, 16_384])))
        scores = soft_scores(humans, question, answer, vocabulary)
    assert scores.tolist() == [slow_accuracy(vocabulary[a], answered[q]) for q, a in rows]


def columns(answered: list[list[str]]) -> Annotations:
    """The same annotations as :func:`make` without a file."""
    flat = [answer for answers in answered for answer in answers]
    vocabulary = list(dict.fromkeys(flat))
    number = np.arange(len(answered), dtype=np.int32)
    return Annotations(
        question_ids=np.arange(len(answered)),
        question_types=np.zeros(len(answered), dtype=np.int32),
        question_type_names=["all"],
        answer_types=number % 2,
        answer_type_names=["other", "yes/no"][: len(answered)],
        starts=np.cumsum([0] + [len(answers) for answers in answered]),
        answers=np.array([vocabulary.index(answer) for answer in flat], dtype=np.int32),
        vocabulary=vocabulary,
    )
