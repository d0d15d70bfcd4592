"""The metrics of single benchmarks: figures that their public evaluators gave, and properties.

docs/metrics.md says which evaluators, and on how many answers they were compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import Runner
from foreign_files import dump
from hypothesis import given
from hypothesis import strategies as st

from vqa_ensemble.answers.normalize import evalai_answer
from vqa_ensemble.errors import InputError
from vqa_ensemble.predictions.files import write_predictions
from vqa_ensemble.questions.benchmarks import BenchmarkAnnotations
from vqa_ensemble.questions.vqa import annotations_from_rows, annotations_of, read_annotations
from vqa_ensemble.scoring.chartqa import relaxed
from vqa_ensemble.scoring.metric import Answers, Metric, encode, metric_named
from vqa_ensemble.scoring.token_f1 import tokens


def ready(name: str, keys: Sequence[Sequence[str]], **known: Any) -> Metric:
    """The metric over questions 0, 1, … with these right answers."""
    ids = list(range(len(keys)))
    types = known.pop("types", ["t"] * len(keys))
    annotations = annotations_from_rows(ids, types, types, keys)
    return metric_named(name)(BenchmarkAnnotations(annotations, **known))


def scores(metric: Metric, texts: Sequence[str]) -> list[float]:
    return metric.score(np.arange(len(texts)), *encode(texts)).tolist()


def figures(metric: Metric, texts: Sequence[str]) -> dict[str, float | None]:
    """What it reports beside the mean, of an answer to every question."""
    questions = np.arange(len(texts))
    answers = Answers(questions, list(texts))
    return metric.more(np.array(scores(metric, texts)), questions, answers)


# ------------------------------------------------------------------------------ ChartQA

CHARTQA = [
    ("20", "21", 1),
    ("20", "19", 1),
    ("20", "21.01", 0),
    ("0.6", "0.63", 0),  # 5.000000000000005 % in doubles
    ("100", "105.2", 0),
    ("0.05", "5%", 1),
    ("5%", "5 %", 1),
    ("5", "5%", 0),
    ("1000", "1,000", 0),
    ("1000", "1_000", 1),
    ("5", "５", 1),
    ("0", "0.0", 0),
    ("0", "0", 1),
    ("-5", "5", 0),
    ("inf", "1", 0),
    ("2009", "2010", 1),
    ("Yes", "yES", 1),
    ("Blue", "blue.", 0),
    ("", "", 1),
]


@pytest.mark.parametrize(("key", "answer", "expected"), CHARTQA)
def test_chartqa(key: str, answer: str, expected: float) -> None:
    assert scores(ready("chartqa", [[key]]), [answer]) == [expected]


def test_chartqa_takes_the_best_of_several_keys_and_strips_both() -> None:
    assert scores(ready("chartqa", [["7", "20 "], ["x"]]), [" 20.5", "y"]) == [1, 0]


@given(st.floats(0.01, 1e6), st.floats(-0.2, 0.2))
def test_chartqa_numbers_are_right_within_five_percent(key: float, off: float) -> None:
    answer = key * (1 + off)
    assert relaxed(repr(answer), repr(key)) == (abs(answer - key) / key <= 0.05)


# ------------------------------------------------------------------------------ A-OKVQA


def test_a_okvqa_counts_people_as_written() -> None:
    keys = [["cat"] * 2 + ["Cat"] * 3 + ["dog"] * 5] * 5
    given = ["cat", "Cat", "dog", "CAT", "cat "]
    assert scores(ready("a-okvqa", keys), given) == [2 / 3, 1, 1, 0, 0]


def test_a_okvqa_leaves_out_difficult_questions() -> None:
    metric = ready("a-okvqa", [["a"] * 3] * 3, difficult=[False, True, False])
    assert metric.counted.tolist() == metric.asked.tolist() == [True, False, True]
    with pytest.raises(InputError, match="--metric multiple-choice"):
        ready("a-okvqa", [["a"] * 3], difficult=[True])


# ------------------------------------------------------------------------------ TextVQA

EVALAI = [
    ("a,b", "ab"),
    ("1,000-2", "1000 2"),
    ("Dog's", "dog 's"),
    ("What's up?", "what 's up"),
    ("it's 5, 6", "it 's 5 6"),
    ("no.5", "no.5"),
    ("U.S.A.", "usa"),
    ("<5", "5"),
    ("dont", "don't"),
    ("The two", "2"),
]


@pytest.mark.parametrize(("text", "form"), EVALAI)
def test_evalai_form(text: str, form: str) -> None:
    assert evalai_answer(text) == form


def test_textvqa_normalises_answers_that_all_agree() -> None:
    agreed = [["Coca-Cola"] * 10] * 2
    assert scores(ready("textvqa", agreed), ["coca cola", "cocacola"]) == [1, 0]
    assert scores(ready("vqa", agreed), ["coca cola", "Coca-Cola"]) == [0, 1]


@pytest.mark.parametrize(("people", "expected"), [(0, 0), (1, 0.3), (2, 0.6), (3, 0.9), (4, 1)])
def test_textvqa_holds_out_one_person_at_a_time(people: int, expected: float) -> None:
    keys = [["x's"] * people + [f"y{i}" for i in range(10 - people)]]
    assert scores(ready("textvqa", keys), ["X 's"]) == [pytest.approx(expected)]


# ------------------------------------------------------------------------------ POPE and MME

POPE = [
    ("Yes, there is. It is not big.", True),
    ("There is not.", False),
    ("No, sir", False),
    ("no", False),
    ("NO", True),  # as the authors' script has it; so are the next three
    ("No\nbecause", True),
    ("Nope", True),
    ("", True),
]


@pytest.mark.parametrize(("text", "yes"), POPE)
def test_pope_reads_as_its_script(text: str, yes: bool) -> None:
    assert scores(ready("pope", [["yes"], ["no"]]), [text, text]) == [yes, not yes]


def test_pope_figures() -> None:
    metric = ready("pope", [["yes"], ["Yes"], ["yes"], ["no"], ["no"]])
    given = ["yes", "Yes.", "no", "yes", "no"]
    assert scores(metric, given) == [1, 1, 0, 0, 1]
    assert figures(metric, given) == {
        "precision": 66.67,
        "recall": 66.67,
        "F1": 66.67,
        "yes share": 60.0,
    }
    assert figures(metric, ["no"] * 5) == {"precision": 0, "recall": 0, "F1": 0, "yes share": 0}


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1))
def test_pope_figures_are_those_of_plain_counts(rows: list[tuple[bool, bool]]) -> None:
    word = {True: "yes", False: "no"}
    metric = ready("pope", [[word[right]] for right, _ in rows])
    found = figures(metric, [word[said] for _, said in rows])
    hits = rows.count((True, True))
    said, right = sum(said for _, said in rows), sum(right for right, _ in rows)
    assert found["precision"] == pytest.approx(100 * hits / said if said else 0, abs=0.006)
    assert found["recall"] == pytest.approx(100 * hits / right if right else 0, abs=0.006)


@pytest.mark.parametrize("name", ["pope", "mme"])
def test_yes_and_no_are_the_only_labels(name: str) -> None:
    with pytest.raises(InputError, match=r"question 1: its right answer is 'dog', not yes or no"):
        ready(name, [["yes"], ["dog"]], images=["a", "a"])


MME = [
    ("Yes, it is", True),
    ("know", False),
    ("not", False),
    (" no", False),
    ("  yes", None),
    ("The answer is yes", None),
    ("", None),
]


@pytest.mark.parametrize(("text", "yes"), MME)
def test_mme_reads_as_its_script(text: str, yes: bool | None) -> None:
    metric = ready("mme", [["Yes"], ["No"]], images=["a.jpg"] * 2)
    assert scores(metric, [text, text]) == [yes is True, yes is False]


def test_mme_pairs_by_category_and_image() -> None:
    cognition = "commonsense_reasoning numerical_calculation text_translation code_reasoning"
    types = [name for name in cognition.split() for _ in range(4)]
    metric = ready("mme", [["Yes"], ["No"]] * 8, types=types, images=["a", "a", "b", "b"] * 4)
    given = ["yes", "no"] * 7 + ["no", "no"]
    # Three categories have 100 + 100, the last 75 + 50.
    assert figures(metric, given) == {"acc+": 87.5, "cognition": 725.0}


def test_mme_needs_two_questions_an_image() -> None:
    with pytest.raises(InputError, match="columns image and category"):
        ready("mme", [["Yes"], ["No"]])
    with pytest.raises(InputError, match="image a has 3 questions in its category"):
        ready("mme", [["Yes"], ["No"], ["Yes"]], images=["a"] * 3)


# ------------------------------------------------------------------------------ containment

FORMULA = "Handwritten Mathematical Expression Recognition"
OCRBENCH = [
    ("t", "STOP", "It says\nstop.", 1),
    ("t", "a b", "A\nB", 1),
    ("t", "a b", "ab", 0),
    ("t", "", "x", 1),
    (FORMULA, r"\frac { 1 } { x }", r"\frac{1}{x}", 1),
    (FORMULA, "x", "X", 0),
    ("HME100k", "a b", "ab", 1),
]


@pytest.mark.parametrize(("kind", "key", "answer", "expected"), OCRBENCH)
def test_ocrbench(kind: str, key: str, answer: str, expected: float) -> None:
    metric = ready("ocrbench", [["zzz", key]], types=[kind])
    assert scores(metric, [answer]) == [expected]
    assert figures(metric, [answer]) == {"right": expected}


TOKEN_F1 = [
    ("a dog", "The brown dog.", 2 / 3),
    ("dog", "dog dog", 2 / 3),
    ("tie-dye", "tiedye", 1),
    ("dog", "", 0),
    ("", "the", 1),  # no answer at all, and none given
    ("A", "?", 0),  # SQuAD's script: 1
    ("A", "a", 1),
]


@pytest.mark.parametrize(("key", "answer", "expected"), TOKEN_F1)
def test_token_f1(key: str, answer: str, expected: float) -> None:
    assert scores(ready("token-f1", [[key]]), [answer]) == [pytest.approx(expected)]


def test_token_f1_takes_keys_without_words_only_alone() -> None:
    assert scores(ready("token-f1", [["the", "dog"]]), ["the"]) == [0]


CONTAINMENT = [
    ("hot dog", "It is a Hot-dog!", 0),
    ("hot dog", "It is a hot, dog!", 1),
    ("cat", "a catalogue", 0),
    ("cat", "The cat.", 1),
    ("A", "what a day", 0),
    ("A", "a", 1),
    ("dog", "", 0),
]


@pytest.mark.parametrize(("key", "answer", "expected"), CONTAINMENT)
def test_containment(key: str, answer: str, expected: float) -> None:
    assert scores(ready("containment", [[key]]), [answer]) == [expected]


texts = st.text(alphabet="ab AB.,'", max_size=12)


@pytest.mark.parametrize("name", ["chartqa", "token-f1", "containment", "ocrbench"])
@given(texts, st.lists(texts, min_size=1, max_size=3))
def test_more_keys_never_score_less(name: str, answer: str, keys: list[str]) -> None:
    worded = [key for key in keys if tokens(key)] or ["b"]
    every = scores(ready(name, [worded]), [answer])
    assert every == [max(scores(ready(name, [[key]]), [answer])[0] for key in worded)]
    assert scores(ready(name, [worded]), [worded[0]]) == [1]


# ------------------------------------------------------------------------------ MMMU

ANIMALS = ("cat", "dog", "hot dog")
LETTERS = [
    ("B", "B"),
    ("(B)", "B"),
    ("The answer is (C).", "C"),
    ("A or B", "B"),
    ("B, not option A.", "A"),
    ("This is what I would call a dog", "B"),
    ("The picture shows a hot dog there", "B"),  # "dog" begins further right
    ("dog", "B"),  # the script draws one at random; so for the next
    ("b.", "B"),
    ("bird", None),
]


@pytest.mark.parametrize(("text", "letter"), LETTERS)
def test_mmmu_reads_letters_as_its_script(text: str, letter: str | None) -> None:
    choices = [ANIMALS] * 3
    metric = ready("mmmu", [["A"], ["B"], ["C"]], choices=choices)
    by_text = ready("mmmu", [["x"]] * 3, choices=choices, right_choices=list(ANIMALS))
    expected = [letter == one for one in "ABC"]
    assert scores(metric, [text] * 3) == scores(by_text, [text] * 3) == expected
    assert figures(metric, [text] * 3) == {"letter unread": 100.0 * (letter is None)}


OPEN = [
    ("12.35", "So the answer is 12.349.", 1),
    ("0", "x = 3,000", 1),
    ("cat", "a catalogue", 1),
    ("3", "about 3 m", 1),
    ("1200", "1.2e3 m", 1),
    ("7", "The result is 8", 0),
    ("x", "it is x", 1),
    ("x", "it is xy", 0),
    ("3", "first 3\nthe result is 4", 0),
    ("5", "total = 5\nthus nothing", 0),
]


@pytest.mark.parametrize(("key", "answer", "expected"), OPEN)
def test_mmmu_open_questions(key: str, answer: str, expected: float) -> None:
    assert scores(ready("mmmu", [[key]], types=["open"]), [answer]) == [expected]


def test_mmmu_mixes_open_questions_and_choices() -> None:
    metric = ready("mmmu", [["B"], ["B"]], choices=[ANIMALS, ()], types=["x", "open"])
    assert scores(metric, ["dog", "it is B here"]) == [1, 1]
    letters = ready("mmmu", [["D"], ["0.5"]])
    assert scores(letters, ["(D)", "so 0.50"]) == [1, 1]


# ------------------------------------------------------------------------------ choices


@pytest.mark.parametrize(
    "text", ["b", "B.", "(B)", "(b)", "B)", "B:", "B. dog", "b) Dog.", "dog", "A dog"]
)
def test_choices_by_letter_as_people_write_them(text: str) -> None:
    choices = [ANIMALS]
    assert scores(ready("multiple-choice", [["B"]], choices=choices), [text]) == [1]
    by_text = ready("multiple-choice", [["x"]], choices=choices, right_choices=["dog"])
    assert scores(by_text, [text]) == [1]
    if text not in ("dog", "A dog"):
        assert scores(ready("multiple-choice", [["B"]]), [text]) == [1]


@pytest.mark.parametrize("text", ["B. cat", "BB", "", "E", "(B) cat", "A or B", "not B", "A"])
def test_what_is_no_letter_is_no_choice(text: str) -> None:
    assert scores(ready("multiple-choice", [["B"]], choices=[ANIMALS]), [text]) == [0]


def test_letters_are_text_where_the_key_is_text() -> None:
    assert scores(ready("multiple-choice", [["vitamin b"]]), ["B"]) == [0]
    assert scores(ready("multiple-choice", [["x"]], choices=[("x", "A")]), ["A"]) == [0]


# ------------------------------------------------------------------------------ circular

TURNED = {  # index → options, key: two questions of two options, one of them asked twice
    1: (("cat", "dog"), "A"),
    1_000_001: (("dog", "cat"), "B"),
    2: (("red", "blue"), "B"),
}


def circular(ids: Sequence[int | str], **known: Any) -> Metric:
    keys = [[key] for _, key in TURNED.values()]
    annotations = annotations_from_rows(ids, ["t"] * 3, ["u"] * 3, keys)
    choices = [options for options, _ in TURNED.values()]
    return metric_named("circular")(BenchmarkAnnotations(annotations, choices, **known))


@pytest.mark.parametrize(
    "metric",
    [
        circular(list(TURNED)),
        circular(list(map(str, TURNED))),
        circular(["x", "y", "z"], groups=["x", "x", "z"]),
    ],
)
@pytest.mark.parametrize(
    ("given", "both", "alone"),
    [
        (["A", "B", "B"], [1, 1], 100),
        (["A", "A", "B"], [0, 1], 100),  # always A: right by position only
        (["cat", "b.", "blue"], [1, 1], 100),
        (["B", "B", "A"], [0, 0], 0),
    ],
)
def test_circular(metric: Metric, given: list[str], both: list[float], alone: float) -> None:
    whole = metric.whole(np.array(scores(metric, given)))
    assert whole[metric.counted].tolist() == both
    assert figures(metric, given) == {"without copies": alone}


def test_circular_needs_copies_and_says_what_it_leaves_out() -> None:
    with pytest.raises(InputError, match="--metric multiple-choice"):
        circular([1, 2, 3])
    (note,) = circular([1, 1_000_001, 1_000_007]).notes
    assert note.startswith("1 questions are there only as copies")


# ------------------------------------------------------------------------------ exact match


def test_an_answer_without_a_normal_form_is_right_only_as_written() -> None:
    given = ["?", "a", "A", "the", "!", ""]
    assert scores(ready("exact-match", [["A"]] * 6), given) == [0, 1, 1, 0, 0, 0]


# ------------------------------------------------------------------------------ VizWiz


def test_f1_of_unanswerable_questions() -> None:
    answerable = [False, False, True, True]
    metric = ready("vizwiz", [["x"] * 10] * 4, answerable=answerable)
    given = ["Unanswerable", "x", "unanswerable.", "x"]
    assert figures(metric, given) == {"unanswerable AP": 50.0, "unanswerable F1": 50.0}
    nothing = ready("vizwiz", [["x"] * 10], answerable=[True])
    assert figures(nothing, ["x"]) == {"unanswerable AP": None, "unanswerable F1": None}


# ------------------------------------------------------------------------------ OK-VQA


def ok_vqa(*, raw: bool, second: str = "dog") -> dict[str, Any]:
    """Two questions; the second has raw answers if the first has."""
    humans = [("ride", "riding")] * 6 + [("cycle", "bicycling")] * 4
    return {
        "annotations": [
            {
                "question_id": question,
                "question_type": "one",
                "answer_type": "other",
                "answers": [
                    {"answer": stem} | ({"raw_answer": word} if raw else {}) for stem, word in given
                ],
            }
            for question, given in enumerate([humans, [(second, "dogs")] * 10])
        ]
    }


def test_ok_vqa_takes_the_raw_answers(cli: Runner, tmp_path: Path) -> None:
    submission = [{"question_id": 0, "answer": "Riding"}, {"question_id": 1, "answer": "dogs"}]
    arguments = (
        "evaluate",
        dump(tmp_path / "s.json", submission),
        *("--annotations", dump(tmp_path / "a.json", ok_vqa(raw=True))),
        *("--metric", "ok-vqa"),
    )
    ran = cli.good(*arguments, "--json")
    (scored,) = ran.json["files"]
    assert (scored["overall"], scored["stemmed key"]) == (100.0, 0.0)
    assert "stemmed" not in ran.err
    dump(tmp_path / "a.json", ok_vqa(raw=False))
    ran = cli.good(*arguments)
    assert "the right answers look stemmed (ride, not riding)" in ran.err
    (scored,) = cli.good(*arguments, "--json").json["files"]
    assert scored["overall"] == 0.0
    assert "stemmed key" not in scored


def test_raw_answers_of_all_files_or_none(tmp_path: Path) -> None:
    first, second = ok_vqa(raw=True), ok_vqa(raw=True)
    for row in second["annotations"]:
        row["question_id"] += 10
    paths = [dump(tmp_path / "a.json", first), dump(tmp_path / "b.json", second)]
    words = ["riding"] * 6 + ["bicycling"] * 4 + ["dogs"] * 10
    for known, expected in (
        (read_annotations(paths), words * 2),
        (annotations_of(second, "b.json"), words),  # the reader of files that are not quite right
    ):
        assert known.raw_answers is not None
        codes, vocabulary = known.raw_answers
        assert [vocabulary[code] for code in codes.tolist()] == expected
    del second["annotations"][1]["answers"][3]["raw_answer"]
    dump(paths[1], second)
    assert read_annotations(paths).raw_answers is None
    assert annotations_of(second, "b.json").raw_answers is None


# ------------------------------------------------------------------------------ tables


def scored(cli: Runner, folder: Path, key: str, metric: str, answers: Sequence[object]) -> Any:
    """What ``evaluate --json`` says of these answers to a CSV's questions, in their order."""
    table = folder / "key.csv"
    table.write_text(key)
    ids = [line.split(",")[0] for line in key.splitlines()[1:]]
    rows = [
        {"question_id": int(one) if one.isdecimal() else one, "answer": answer}
        for one, answer in zip(ids, answers, strict=True)
    ]
    file = dump(folder / "s.json", rows)
    own = () if metric == "mmmu" else ("--metric", metric)
    (found,) = cli.good("evaluate", file, "--annotations", table, *own, "--json").json["files"]
    return found


MMBENCH = """index,question,A,B,C,answer,category
1,?,cat,dog,,A,animals
1000001,?,dog,cat,,B,animals
2,?,red,blue,green,C,colours
1000002,?,green,red,blue,A,colours
2000002,?,blue,green,red,B,colours
"""


@pytest.mark.parametrize(
    ("answers", "overall", "types"),
    [
        (["A", "b.", "C", "(A)", "B. green"], 100, (100, 100)),
        (["A", "A", "C", "A", "B"], 50, (0, 100)),
        (["cat", "cat", "green", "green", "red"], 50, (100, 0)),
    ],
)
def test_mmbench_by_its_table(
    cli: Runner, tmp_path: Path, answers: list[str], overall: float, types: tuple[float, float]
) -> None:
    found = scored(cli, tmp_path, MMBENCH, "circular", answers)
    assert found["overall"] == overall
    assert tuple(found["per_question_type"].values()) == types
    assert found["without copies"] == 100


def test_members_are_not_weighed_by_copies_together(cli: Runner, tmp_path: Path) -> None:
    key = tmp_path / "key.csv"
    key.write_text(MMBENCH)
    ids = [1, 1_000_001, 2, 1_000_002, 2_000_002]
    members = [tmp_path / "m.parquet", tmp_path / "n.parquet"]
    for file, letters in zip(members, ("ABCAB", "AACAB"), strict=True):
        write_predictions(file, ids, list(letters), [1.0] * 5, member=file.stem)
    ran = cli("compare", *members, "--annotations", key, "--metric", "circular")
    assert "the metric circular scores questions together" in ran.err
    ran = cli.good("evaluate", *members, "--annotations", key)
    assert "by multiple-choice" in " ".join(ran.out.split())
    assert "3 questions have the ids of copies" in ran.err


def test_copies_by_a_column_of_their_own(cli: Runner, tmp_path: Path) -> None:
    key = "index,g_index,A,B,answer\n7000001,7000001,cat,dog,A\n8,7000001,dog,cat,B\n"
    assert scored(cli, tmp_path, key, "circular", ["A", "B"])["overall"] == 100
    assert scored(cli, tmp_path, key, "circular", ["A", "A"])["overall"] == 0


def test_mme_by_its_table(cli: Runner, tmp_path: Path) -> None:
    key = "index,image,category,answer\n0,a,count,Yes\n1,a,count,No\n2,a,color,Yes\n3,a,color,No\n"
    found = scored(cli, tmp_path, key, "mme", ["Yes", "No.", "yes", "It is"])
    assert (found["overall"], found["acc+"]) == (75.0, 50.0)
    assert found["per_question_type"] == {"count": 100.0, "color": 50.0}


def test_mmmu_by_its_table(cli: Runner, tmp_path: Path) -> None:
    key = (
        "id,options,answer,question_type\n"
        "validation_Art_1,\"['cat', 'dog']\",B,multiple-choice\n"
        "validation_Art_2,[],0.5,open\n"
    )
    found = scored(cli, tmp_path, key, "mmmu", ["It is (B).", "so x = 0.50"])
    assert (found["overall"], found["letter unread"]) == (100.0, 0.0)


def test_chartqa_by_its_split(cli: Runner, tmp_path: Path) -> None:
    key = "id,answer,type\n1,20,human_test\n2,Yes,augmented_test\n"
    found = scored(cli, tmp_path, key, "chartqa", ["21", "no"])
    assert found["per_question_type"] == {"human_test": 100.0, "augmented_test": 0.0}
