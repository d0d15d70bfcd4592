"""evaluate --metric: each benchmark's score, against a plain reckoning of its definition."""

from __future__ import annotations

import statistics
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import Runner
from foreign_files import dump
from hypothesis import given, settings
from hypothesis import strategies as st
from wordnet_files import write_wordnet

from vqa_ensemble.answers.normalize import normalize_answer
from vqa_ensemble.predictions.files import write_predictions
from vqa_ensemble.questions.benchmarks import BenchmarkAnnotations
from vqa_ensemble.questions.vqa import annotations_from_rows
from vqa_ensemble.scoring import METRICS
from vqa_ensemble.scoring.anls import anls
from vqa_ensemble.scoring.exact_match import exact_match
from vqa_ensemble.scoring.metric import metric_named
from vqa_ensemble.scoring.tdiuc import mean_per_type
from vqa_ensemble.scoring.vizwiz import unanswerable_precision

words = st.text(alphabet="ab ", max_size=6)


def evaluate(
    cli: Runner, tmp_path: Path, metric: str, annotations: object, answers: dict[object, str]
) -> dict[str, float]:
    rows = [{"question_id": q, "answer": a} for q, a in answers.items()]
    file = dump(tmp_path / "s.json", rows)
    known = dump(tmp_path / "a.json", annotations)
    arguments = ("evaluate", file, "--annotations", known, "--metric", metric)
    cli.good(*arguments)
    cli.good(*arguments, "--by", "question_type")
    (scored,) = cli.good(*arguments, "--json").json["files"]
    assert isinstance(scored, dict)
    return scored


def vqa(humans: dict[int, list[str]], types: dict[int, str]) -> dict[str, object]:
    return {
        "annotations": [
            {
                "question_id": q,
                "question_type": types[q],
                "answer_type": "other",
                "answers": [{"answer": a} for a in answers],
            }
            for q, answers in humans.items()
        ]
    }


def test_exact_match_is_with_the_answer_of_most_humans(cli: Runner, tmp_path: Path) -> None:
    humans = {1: ["two", "2", "two", "3"], 2: ["dog", "cat"], 3: ["red"]}
    types = dict.fromkeys(humans, "t")
    answers: dict[object, str] = {1: "2", 2: "cat", 3: "Red."}
    scored = evaluate(cli, tmp_path, "exact-match", vqa(humans, types), answers)
    assert scored["overall"] == pytest.approx(66.67)


def test_gqa_accuracy_is_of_answers_as_written(cli: Runner, tmp_path: Path) -> None:
    questions = {
        q: {
            "question": "?",
            "imageId": "n",
            "answer": "yes",
            "types": {"structural": kind, "semantic": "attr"},
        }
        for q, kind in {"01": "verify", "02": "verify", "03": "query"}.items()
    }
    answers: dict[object, str] = {"01": "yes", "02": "Yes", "03": "yes"}
    scored = evaluate(cli, tmp_path, "gqa", questions, answers)
    assert scored["overall"] == pytest.approx(66.67)
    assert scored["per_answer_type"] == {"verify": 50.0, "query": 100.0}


def vizwiz(**images: tuple[list[str], int]) -> list[dict[str, object]]:
    return [
        {
            "image": f"{name}.jpg",
            "question": "?",
            "answers": [{"answer": a, "answer_confidence": "yes"} for a in answers],
            "answer_type": "other" if answerable else "unanswerable",
            "answerable": answerable,
        }
        for name, (answers, answerable) in images.items()
    ]


def test_vizwiz_compares_with_humans_as_they_wrote(cli: Runner, tmp_path: Path) -> None:
    annotations = vizwiz(
        a=(["coca cola"] * 4 + ["Coke"] * 6, 1),
        b=(["two"] * 10, 1),
        c=(["unanswerable"] * 10, 0),
        d=(["soup"] * 2 + ["can"] * 8, 1),
    )
    answers: dict[object, str] = {
        "a.jpg": "Coca-Cola",
        "b.jpg": "two",
        "c.jpg": "unanswerable",
        "d.jpg": "soup",
    }
    scored = evaluate(cli, tmp_path, "vizwiz", annotations, answers)
    # "two" becomes "2", which no human wrote; two of ten humans give 0.6.
    assert scored["overall"] == statistics.mean([100, 0, 100, 60])
    assert scored["unanswerable AP"] == 100.0


def test_vizwiz_takes_confidence_in_unanswerable_from_members(cli: Runner, tmp_path: Path) -> None:
    known = dump(
        tmp_path / "a.json",
        vizwiz(a=(["x"], 1), b=(["unanswerable"], 0), c=(["unanswerable"], 0)),
    )
    member = tmp_path / "m.parquet"
    rows = [
        ("a.jpg", "unanswerable", 0.4),
        ("a.jpg", "x", 0.6),
        ("b.jpg", "Unanswerable", 0.5),
        ("c.jpg", "y", 1.0),
    ]
    ids, texts, confidences = zip(*rows, strict=True)
    write_predictions(member, ids, texts, confidences, member="m")
    (scored,) = cli.good(
        "evaluate", member, "--annotations", known, "--metric", "vizwiz", "--json"
    ).json["files"]
    # Ranked b, a, c: precision 1 at the first, 2/3 at the second unanswerable one.
    assert scored["unanswerable AP"] == pytest.approx(100 * (1 + 2 / 3) / 2, abs=0.01)
    assert unanswerable_precision([0.5], [False]) is None


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(0, 2), st.sampled_from(["a", "b", "c"])), min_size=1
    )
)
def test_means_per_type_are_those_of_plain_loops(rows: list[tuple[bool, int, str]]) -> None:
    by_type: dict[int, list[float]] = defaultdict(list)
    by_answer: dict[int, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for right, kind, answer in rows:
        by_type[kind].append(float(right))
        by_answer[kind][answer].append(float(right))
    plain = [statistics.mean(scores) for scores in by_type.values()]
    normalized = [
        statistics.mean(statistics.mean(scores) for scores in answers.values())
        for answers in by_answer.values()
    ]
    means = mean_per_type(*zip(*rows, strict=True))
    assert means.arithmetic == pytest.approx(statistics.mean(plain))
    assert means.harmonic == pytest.approx(statistics.harmonic_mean(plain))
    assert means.normalized_arithmetic == pytest.approx(statistics.mean(normalized))
    assert means.normalized_harmonic == pytest.approx(statistics.harmonic_mean(normalized))


def test_tdiuc(cli: Runner, tmp_path: Path) -> None:
    humans = {1: ["yes"], 2: ["red"], 3: ["red"], 4: ["blue"]}
    types = {1: "object presence", 2: "color", 3: "color", 4: "color"}
    answers: dict[object, str] = {1: "yes", 2: "red", 3: "red", 4: "red"}
    annotations = vqa(humans, types)
    for row in annotations["annotations"]:  # type: ignore[attr-defined]
        del row["answer_type"]  # TDIUC has none
    scored = evaluate(cli, tmp_path, "tdiuc", annotations, answers)
    assert scored["overall"] == 75.0
    assert [scored[f"{mean} {kind}"] for kind in ("MPT", "N-MPT") for mean in
            ("arithmetic", "harmonic")] == [83.33, 80.0, 75.0, 66.67]  # fmt: skip


def test_multiple_choice_takes_text_or_letter(cli: Runner, tmp_path: Path) -> None:
    annotations = [
        {
            "question_id": q,
            "question": "?",
            "choices": ["cat", "dog", "B"] if q == "d" else ["cat", "dog", "bird"],
            "correct_choice_idx": 1,
            "direct_answers": ["puppy"] * 10,
        }
        for q in "abcd"
    ]
    # In the last question "B" is itself a choice, and the wrong one.
    answers: dict[object, str] = {"a": "dog", "b": "B", "c": "cat", "d": "B"}
    scored = evaluate(cli, tmp_path, "multiple-choice", annotations, answers)
    assert scored["overall"] == 50.0
    assert (
        evaluate(cli, tmp_path, "vqa", annotations, {"a": "puppy", "b": "x", "c": "x", "d": "x"})[
            "overall"
        ]
        == 25.0
    )


def test_a_okvqa_neither_asks_nor_counts_difficult_questions(cli: Runner, tmp_path: Path) -> None:
    annotations = [
        {
            "question_id": q,
            "question": "?",
            "choices": ["cat", "dog"],
            "correct_choice_idx": 1,
            "direct_answers": ["puppy"] * 3 + ["dog"] * 7,
            "difficult_direct_answer": q == "b",
        }
        for q in "abc"
    ]
    scored = evaluate(cli, tmp_path, "a-okvqa", annotations, {"a": "puppy", "c": "dog"})
    assert scored["overall"] == 100.0  # by the VQA rule 95
    scored = evaluate(cli, tmp_path, "a-okvqa", annotations, {"a": "dog", "b": "dog", "c": "x"})
    assert scored["overall"] == 50.0
    assert scored["per_answer_type"] == {"a-okvqa": 50.0}
    file = dump(tmp_path / "s.json", [{"question_id": "b", "answer": "dog"}])
    ran = cli("evaluate", file, "--annotations", tmp_path / "a.json", "--metric", "a-okvqa")
    assert "lacks an answer to 2 of 3 annotated questions: a, c" in ran.err


def test_answers_of_a_table(cli: Runner, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("question_id,answer\n1,A\n2,B\n")
    file = dump(tmp_path / "s.json", [{"question_id": 1, "answer": "A"}])
    arguments = ("evaluate", file, "--annotations", tmp_path / "a.csv", "--missing", "wrong")
    (scored,) = cli.good(*arguments, "--metric", "multiple-choice", "--json").json["files"]
    assert (scored["overall"], scored["missing"]) == (50.0, 1)


def edit_distance(a: str, b: str) -> int:
    if not a or not b:
        return len(a) + len(b)
    return min(
        edit_distance(a[1:], b) + 1,
        edit_distance(a, b[1:]) + 1,
        edit_distance(a[1:], b[1:]) + (a[0] != b[0]),
    )


@settings(deadline=None)
@given(words, st.lists(words, min_size=1, max_size=2))
def test_anls_is_that_of_a_plain_edit_distance(answer: str, right: list[str]) -> None:
    def similarity(a: str, b: str) -> float:
        length = max(len(a), len(b), 1)  # as written, in the challenges' scripts
        share = edit_distance(" ".join(a.split()), " ".join(b.split())) / length
        return 1 - share if share <= 0.5 else 0.0

    expected = max(similarity(answer, one) for one in right)
    assert anls([answer], [right])[0] == pytest.approx(expected)


def test_anls_of_docvqa_and_textvqa(cli: Runner, tmp_path: Path) -> None:
    docvqa = {"data": [{"questionId": 1, "question": "?", "docId": 7, "answers": ["ITC", "I.T.C"]}]}
    assert evaluate(cli, tmp_path, "anls", docvqa, {1: "itc."})["overall"] == 75.0
    textvqa = {
        "data": [{"question_id": 1, "question": "?", "image_id": "a", "answers": ["x"] * 10}]
    }
    assert evaluate(cli, tmp_path, "anls", textvqa, {1: "X"})["overall"] == 100.0


# What the annotations of a metric must be, where not any will do.
YES_NO = {"pope", "mme"}
GROUPED: dict[str, dict[str, Any]] = {
    "mme": {"images": ["x", "x"]},
    "circular": {"groups": [5, 5]},
}


@pytest.mark.parametrize("metric", [name for name in METRICS if name not in GROUPED])
def test_perfect_answers_score_100_and_missing_ones_0(
    cli: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, metric: str
) -> None:
    monkeypatch.setenv("WNSEARCHDIR", str(write_wordnet(tmp_path / "wordnet")))
    humans = {1: ["yes"] * 10, 2: ["dog"] * 10}
    if metric in YES_NO:
        humans[2] = ["no"] * 10
    annotations = vqa(humans, {1: "t", 2: "u"})
    scored = evaluate(cli, tmp_path, metric, annotations, {1: "yes", 2: humans[2][0]})
    assert scored["overall"] == 100.0
    known, file = (
        tmp_path / "a.json",
        dump(tmp_path / "s.json", [{"question_id": 1, "answer": "yes"}]),
    )
    arguments = ("evaluate", file, "--annotations", known, "--metric", metric)
    assert "lacks an answer to 1 of 2 annotated questions: 2" in cli(*arguments).err
    (half,) = cli.good(*arguments, "--missing", "wrong", "--json").json["files"]
    assert half["overall"] == 50.0


@pytest.mark.parametrize("name", METRICS)
def test_any_answers_to_any_questions_are_scored_one_by_one(name: str) -> None:
    """As candidates of a vote are: many to a question, in any order."""
    humans = [["two", "2", "dog"], ["yes"] * 3, ["a cat", "cat"]]
    if name in YES_NO:
        humans = [["yes"], ["no"]]
    humans = humans[:2] if name in GROUPED else humans
    types = ["t"] * len(humans)
    annotations = annotations_from_rows([5, 3, 9][: len(humans)], types, types, humans)
    benchmark = BenchmarkAnnotations(annotations, **GROUPED.get(name, {}))
    metric = metric_named(name)(benchmark, lambda: lambda a, b: 0.5)
    vocabulary = ["cat", "2", "Two", "yes", "Yes", "dog", "a cat"]
    questions, answers = (table.ravel() for table in np.mgrid[: len(humans), : len(vocabulary)])
    scores = metric.score(questions[::-1], answers[::-1], vocabulary)
    alone = [
        metric.score(np.array([q]), np.array([0]), [vocabulary[a]]).item()
        for q, a in zip(questions[::-1].tolist(), answers[::-1].tolist(), strict=True)
    ]
    assert scores.tolist() == alone
    assert scores.max() > 0


@settings(deadline=None)
@given(st.lists(words, min_size=1, max_size=4))
def test_exact_match_agrees_with_the_normal_form(texts: list[str]) -> None:
    expected = [float(normalize_answer(t) == normalize_answer("ab")) for t in texts]
    assert np.array_equal(exact_match(texts, ["ab"] * len(texts)), expected)


def test_annotations_without_answers_are_refused(cli: Runner, tmp_path: Path) -> None:
    known = dump(tmp_path / "a.json", [{"image": "a.jpg", "question": "?"}])
    file = dump(tmp_path / "s.json", [{"question_id": "a.jpg", "answer": "x"}])
    ran = cli("evaluate", file, "--annotations", known, "--metric", "vizwiz")
    assert ran.code == 1
    assert "question a.jpg: has no right answer" in ran.err
