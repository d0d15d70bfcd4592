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


def test_gqa_counts_balanced_questions_only(cli: Runner, tmp_path: Path) -> None:
    questions = {
        name: {"question": "?", "imageId": "n", "answer": "yes", "isBalanced": name != "03"}
        for name in ("01", "02", "03")
    }
    scored = evaluate(cli, tmp_path, "gqa", questions, {"01": "yes", "02": "no"})
    assert scored["overall"] == 50.0
    scored = evaluate(cli, tmp_path, "gqa", questions, {"01": "yes", "02": "no", "03": "yes"})
    assert scored["overall"] == 50.0


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
        vizwiz(a=(["x"] * 10, 1), b=(["unanswerable"] * 10, 0), c=(["unanswerable"] * 10, 0)),
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
    ran = cli.good("evaluate", tmp_path / "s.json", "--annotations", tmp_path / "a.json")
    assert "questions 2" in " ".join(ran.out.split())
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
    humans = [["two", "2", "dog", "2"], ["yes"] * 4, ["a cat", "cat"] * 3]
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


# --------------------------------------------------------------- the benchmark's own metric


def gqa_rows(answers: dict[str, str]) -> dict[str, object]:
    return {q: {"question": "?", "imageId": "n", "answer": a} for q, a in answers.items()}


def aokvqa_rows(people: list[str], **more: object) -> list[dict[str, object]]:
    return [
        {
            "question_id": q,
            "question": "?",
            "choices": ["cat", "dog"],
            "correct_choice_idx": 1,
            **({"direct_answers": people} if people else {}),
            **more,
        }
        for q in "ab"
    ]


def text_rows(id_key: str, answers: object) -> dict[str, object]:
    return {"data": [{id_key: q, "question": "?", "answers": answers} for q in (1, 2)]}


def few(n: int) -> dict[str, object]:
    return vqa({1: ["dog"] * n, 2: ["cat"] * n}, {1: "t", 2: "u"})


def untyped() -> dict[str, object]:
    annotations = few(1)
    for row in annotations["annotations"]:  # type: ignore[attr-defined]
        del row["answer_type"]
    return annotations


# Annotations → the metric that they name, and answers of which all are right.
SOURCES: dict[str, tuple[object, str, dict[object, str]]] = {
    "vqa, ten people": (few(10), "vqa", {1: "dog", 2: "cat"}),
    "vqa, four people": (few(4), "vqa", {1: "dog", 2: "cat"}),
    "vqa, three people": (few(3), "exact-match", {1: "dog", 2: "Cat."}),
    "vqa, two people": (few(2), "exact-match", {1: "dog", 2: "cat"}),
    "vqa, one person": (few(1), "exact-match", {1: "dog", 2: "cat"}),
    "tdiuc": (untyped(), "tdiuc", {1: "dog", 2: "cat"}),
    "gqa": (gqa_rows({"01": "yes", "2": "red"}), "gqa", {"01": "yes", "2": "red"}),
    "docvqa": (text_rows("questionId", ["ITC", "I.T.C"]), "anls", {1: "itc", 2: "i.t.c"}),
    "textvqa": (text_rows("question_id", ["x"] * 10), "textvqa", {1: "X", 2: "x"}),
    "st-vqa": (text_rows("question_id", ["x", "y"]), "anls", {1: "x", 2: "y"}),
    "a-okvqa": (aokvqa_rows(["pup"] * 10), "a-okvqa", {"a": "pup", "b": "pup"}),
    "a-okvqa, choices": (aokvqa_rows([]), "multiple-choice", {"a": "dog", "b": "B"}),
    "vizwiz": (
        vizwiz(a=(["x"] * 10, 1), b=(["y"] * 10, 1)), "vizwiz", {"a.jpg": "x", "b.jpg": "y"},
    ),
    "csv": ("question_id,answer\n1,Yes\n2,two\n", "exact-match", {1: "yes", 2: "2"}),
    "csv, letters": ("question_id,answer\n1,A\n2,B\n", "multiple-choice", {1: "A", 2: "B"}),
}  # fmt: skip


def write_source(tmp_path: Path, source: str) -> tuple[Path, Path, str]:
    """The annotations, a prediction file that is all right, and the metric."""
    content, metric, answers = SOURCES[source]
    known = tmp_path / ("key.csv" if isinstance(content, str) else "key.json")
    known.write_text(content) if isinstance(content, str) else dump(known, content)
    member = tmp_path / "right.parquet"
    write_predictions(member, list(answers), list(answers.values()), [1.0, 1.0], member="right")
    return known, member, metric


@pytest.mark.parametrize("source", SOURCES)
def test_right_answers_score_100_by_the_benchmarks_own_metric(
    cli: Runner, tmp_path: Path, source: str
) -> None:
    known, member, metric = write_source(tmp_path, source)
    ran = cli.good("evaluate", member, "--annotations", known, "--json").json
    assert (ran["metric"], ran["files"][0]["overall"]) == (metric, 100.0)
    out = cli.good("evaluate", member, "--annotations", known).out
    assert f"Scored by {metric}, the benchmark's own metric." in out
    first = next(iter(SOURCES[source][2]))
    shown = cli.good("explain", first, member, "--annotations", known, "--method", "majority").out
    assert f"Score 100 % by {metric}." in shown


@pytest.mark.parametrize("source", SOURCES)
def test_members_are_weighed_by_the_benchmarks_own_metric(
    cli: Runner, tmp_path: Path, source: str
) -> None:
    known, member, metric = write_source(tmp_path, source)
    answers = SOURCES[source][2]
    wrong = tmp_path / "wrong.parquet"
    write_predictions(wrong, list(answers), ["no idea"] * 2, [1.0, 1.0], member="wrong")
    common = (member, wrong, "--annotations", known)
    compared = cli.good("compare", *common, "--folds", "2", "--json").json
    assert compared["metric"] == metric
    assert [(m["member"], m["accuracy"]) for m in compared["members"]] == [
        ("right", 1.0), ("wrong", 0.0),
    ]  # fmt: skip
    fitted = ("fit", *common, "--method", "best-single", "-o", tmp_path / "e.toml")
    record = cli.good(*fitted, "--json").json
    assert (record["metric"], record["accuracy"]["best-single"]) == (metric, 100.0)
    assert f"Scored by {metric}." in cli.good(*fitted).out
    assert f'metric = "{metric}"' in (tmp_path / "e.toml").read_text()


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("metric", ["vqa", "vizwiz", "textvqa", "a-okvqa"])
def test_a_metric_that_needs_more_people_is_refused(
    cli: Runner, tmp_path: Path, n: int, metric: str
) -> None:
    known = dump(tmp_path / "a.json", few(n))
    file = dump(tmp_path / "s.json", [{"question_id": q, "answer": "dog"} for q in (1, 2)])
    ran = cli("evaluate", file, "--annotations", known, "--metric", metric)
    if metric == "a-okvqa" and n == 3:
        assert ran.code == 0
        return
    assert ran.code == 1
    assert f"{known}, question 1: has fewer than" in ran.err
    assert "Score by the metric exact-match" in ran.err


def test_one_question_with_too_few_people_is_named(cli: Runner, tmp_path: Path) -> None:
    people = {1: ["dog"] * 10, 2: ["cat"] * 10, 3: ["pig"] * 2}
    known = dump(tmp_path / "a.json", vqa(people, dict.fromkeys(people, "t")))
    file = dump(tmp_path / "s.json", [{"question_id": q, "answer": "dog"} for q in people])
    ran = cli("evaluate", file, "--annotations", known)
    assert ran.code == 1
    assert "question 3: has fewer than 4 human answers, as have 1 of 3 questions" in ran.err


def test_choices_stand_beside_direct_answers(cli: Runner, tmp_path: Path) -> None:
    known = dump(tmp_path / "a.json", aokvqa_rows(["pup"] * 10))
    member = tmp_path / "m.parquet"
    write_predictions(member, ["a", "b"], ["B", "(B)"], [1.0, 1.0], member="m")
    ran = cli.good("evaluate", member, "--annotations", known, "--json")
    (scored,) = ran.json["files"]
    assert (scored["overall"], scored["multiple choice"]) == (0.0, 100.0)
    warning = "is right by a-okvqa; --metric scores by another"
    assert f"no answer of {member} {warning}" in ran.err
    fitted = ("compare", member, "--annotations", known, "--folds", "2")
    assert f"no answer of any file {warning}" in cli.good(*fitted).err
    assert "no answer" not in cli.good(*fitted, "--metric", "multiple-choice").err


def test_another_metric_than_the_benchmarks_is_said(cli: Runner, tmp_path: Path) -> None:
    known, member, _ = write_source(tmp_path, "a-okvqa")
    ran = cli.good("evaluate", member, "--annotations", known, "--metric", "exact-match")
    assert "Scored by exact-match, not by the benchmark's a-okvqa." in ran.out


def test_files_are_sorted_and_compared_question_by_question(cli: Runner, tmp_path: Path) -> None:
    n = 40
    lines = [f"{q},{'yes' if q % 2 else 'two'},{'yn' if q % 2 else 'num'}" for q in range(n)]
    key = tmp_path / "key.csv"
    key.write_text("\n".join(["question_id,answer,question_type", *lines]))
    wrong = {"a": range(0, 20), "b": range(0, 4), "c": range(2, 12)}
    for name, questions in wrong.items():
        said = ["no idea" if q in questions else "Yes" if q % 2 else "2" for q in range(n)]
        rows = [{"question_id": q, "answer": answer} for q, answer in enumerate(said)]
        dump(tmp_path / f"{name}.json", rows)
    a, b, c = (tmp_path / f"{name}.json" for name in wrong)
    scored = cli.good("evaluate", a, b, c, "--annotations", key, "--json").json["files"]
    assert [file["overall"] for file in scored] == [50.0, 90.0, 75.0]
    assert [file.get("against", {}).get("file") for file in scored] == [str(b), None, str(b)]
    differences = np.array([float(q in wrong["b"]) - (q in wrong["c"]) for q in range(n)])
    pair = scored[2]["against"]
    assert pair["difference"] == 100 * differences.mean() == -15.0
    drawn = np.random.default_rng(1).choice(differences, (4000, n)).mean(axis=1)
    for end, share in (("low", 0.025), ("high", 0.975)):
        assert pair[end] == pytest.approx(100 * np.quantile(drawn, share), abs=1.5)
    out = cli.good("evaluate", a, b, c, "--annotations", key).out
    places = [out.index(text) for text in (f"{b} *", f"{c} ", f"{a} ", f"less {b}", "-15.00")]
    assert places == sorted(places)
    assert "* is the best" in out
    (first, other) = cli.good("evaluate", a, "--against", c, "--annotations", key, "--json").json[
        "files"
    ]
    assert (first["against"]["difference"], "against" in other) == (-25.0, False)
    assert "interval" not in cli.good("evaluate", a, "--annotations", key).out


def test_types_may_come_from_a_table_and_one_type_is_no_column(cli: Runner, tmp_path: Path) -> None:
    key, types = tmp_path / "key.csv", tmp_path / "types.csv"
    key.write_text("question_id,answer\n1,cat\n2,dog\n3,pig\n")
    types.write_text("question_id,kind\n3,farm\n2,pet\n1,pet\n")
    file = dump(tmp_path / "s.json", [{"question_id": q, "answer": "cat"} for q in (1, 2, 3)])
    arguments = ("evaluate", file, "--annotations", key)
    header = cli.good(*arguments).out.splitlines()[0].split()
    assert header == ["file", "overall"]
    typed = (*arguments, "--question-types", f"{types}:kind")
    (scored,) = cli.good(*typed, "--json").json["files"]
    assert scored["per_question_type"] == {"pet": 50.0, "farm": 0.0}
    rows = [line.split() for line in cli.good(*typed).out.splitlines()]
    assert rows[1:4] == [["pet", "2", "50.00"], ["farm", "1", "0.00"], ["overall", "3", "33.33"]]
    types.write_text("question_id,kind\n3,farm\n")
    assert "lacks 2 of 3 questions" in cli(*typed).err


@pytest.mark.parametrize("stored", ["['ITC', 'I.T.C']", '["ITC", "I.T.C"]', "['ITC'\n 'I.T.C']"])
def test_lists_that_were_stored_as_text_are_read(cli: Runner, tmp_path: Path, stored: str) -> None:
    scored = evaluate(
        cli, tmp_path, "anls", text_rows("questionId", stored), {1: "itc", 2: "i.t.c"}
    )
    assert scored["overall"] == 100.0
    choices = aokvqa_rows([], choices=stored)
    assert evaluate(cli, tmp_path, "multiple-choice", choices, {"a": "I.T.C", "b": "B"})[
        "overall"
    ] == 100.0  # fmt: skip


@pytest.mark.parametrize(
    "stored", ["cat", "", "cat, dog", "['cat' 'dog', 'pig']", "['cat", {"0": "cat"}, 7]
)
@pytest.mark.parametrize("name", ["answers", "choices", "direct_answers"])
def test_what_is_no_list_is_refused(cli: Runner, tmp_path: Path, name: str, stored: object) -> None:
    rows = (
        text_rows("questionId", stored)
        if name == "answers"
        else aokvqa_rows(["x"], **{name: stored})
    )
    known = dump(tmp_path / "a.json", rows)
    file = dump(tmp_path / "s.json", [{"question_id": 1, "answer": "c"}])
    ran = cli("evaluate", file, "--annotations", known)
    assert ran.code == 1
    assert f"'{name}' is " in ran.err
    assert "Write it as a list of texts" in ran.err


def test_a_right_choice_is_not_counted_from_the_end(cli: Runner, tmp_path: Path) -> None:
    known = dump(tmp_path / "a.json", aokvqa_rows([], correct_choice_idx=-1))
    file = dump(tmp_path / "s.json", [{"question_id": "a", "answer": "dog"}])
    assert "correct_choice_idx is -1" in cli("evaluate", file, "--annotations", known).err
