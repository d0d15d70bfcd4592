"""Answers that mean the same, counted as one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command_line import Runner
from hypothesis import given
from hypothesis import strategies as st
from strategies import ANSWERS, members

from vqa_ensemble.answers.normalize import SIGNS, normalize_answer, vote_form
from vqa_ensemble.answers.synonyms import count_top_answers, find_merges
from vqa_ensemble.answers.synonyms_file import read_synonyms
from vqa_ensemble.elections.options import VoteOptions
from vqa_ensemble.elections.vote import vote, vote_files
from vqa_ensemble.errors import InputError
from vqa_ensemble.predictions.files import (
    predictions_from_rows,
    read_predictions,
    save_predictions,
)
from vqa_ensemble.questions.vqa import read_annotations, read_submission
from vqa_ensemble.voting.ballots import MemberBallots, align
from vqa_ensemble.voting.merge import Merges, merge_answers, merge_ballots


@pytest.mark.parametrize(
    "answers",
    [
        ("2", "two", "Two."),
        ("21", "twenty-one", "twenty one"),
        ("dog", "a dog", "The dog", "dogs"),
        ("t-shirt", "t shirt", "tshirt", "t-shirts"),
        ("cherry", "cherries"),
        ("bus", "buses"),
        ("knife", "knives"),
        ("man", "men"),
        ("don't know", "dont know"),
    ],
)
def test_variants_of_one_answer_are_joined(answers: tuple[str, ...]) -> None:
    merges = find_merges(dict.fromkeys((*answers, "red"), 1))
    assert len({merges.get(answer, answer) for answer in answers}) == 1
    assert "red" not in merges
    assert "red" not in merges.values()


@pytest.mark.parametrize(
    "answers",
    [
        ("glass", "glasses"),
        ("short", "shorts"),
        ("10 1", "101", "twenty 10"),
        ("grass", "gras"),
        ("1990", "1990s"),
        ("twenty", "twenty one"),
        ("left", "right"),
        ("no", "not"),
    ],
)
def test_different_answers_stay_apart(answers: tuple[str, ...]) -> None:
    assert find_merges(dict.fromkeys(answers, 1)) == {}


def test_the_representative_is_by_file_then_map_then_votes_then_alphabet() -> None:
    votes = {"dog": 1, "dogs": 2, "Dog": 1}
    assert set(find_merges(votes).values()) == {"dogs"}
    assert set(find_merges(votes, frequency={"dog": 10}).values()) == {"dog"}
    synonyms = {"puppy": "Hound", "dog": "Hound"}
    found = find_merges(votes, frequency={"dog": 10}, synonyms=synonyms)
    assert found == dict.fromkeys(votes, "Hound")
    assert find_merges({"dog": 1, "dogs": 1}) == {"dogs": "dog"}


def test_synonyms_overrule_the_rules() -> None:
    votes = {"phone": 3, "phones": 2, "Cell-Phone": 1, "cell phones": 1, "mobile": 1}
    synonyms = {"cell phone": "phone", "mobile": "phone", "phones": "phones"}
    merges = find_merges(votes, synonyms=synonyms)
    assert merges == {"Cell-Phone": "phone", "cell phones": "phone", "mobile": "phone"}
    assert find_merges(votes, rules=False, synonyms=synonyms) == {
        "Cell-Phone": "phone",
        "mobile": "phone",
    }


def test_synonyms_keep_apart_what_has_one_closed_form() -> None:
    votes = {"any one": 1, "anyone": 1, "Anyone": 1}
    merges = find_merges(votes, synonyms={"any one": "any one", "anyone": "anyone"})
    assert merges == {"Anyone": "anyone"}


answers_given = st.lists(
    st.sampled_from(
        "a|A|the|dog|dogs|Dog|the dogs|two|2|twenty one|21|20 1|glass|glasses|t-shirt|tshirts|"
        "tee shirt|men|man|?|phones".split("|")
    ),
    min_size=1,
    unique=True,
)


@given(answers_given, st.dictionaries(st.sampled_from(["dog", "phones", "2"]), st.just("X")))
def test_merging_is_idempotent_and_knows_no_order(
    answers: list[str], synonyms: dict[str, str]
) -> None:
    votes = {answer: len(answer) for answer in answers}
    merges = find_merges(votes, synonyms=synonyms)
    assert merges == find_merges(dict(reversed(votes.items())), synonyms=synonyms)
    assert not set(merges.values()) & set(merges)
    assert set(merges.values()) <= {*answers, "X"}
    # All with one normal form end as one.
    ends: dict[str, set[str]] = {}
    for answer in answers:
        ends.setdefault(normalize_answer(answer) or answer, set()).add(merges.get(answer, answer))
    assert all(len(end) == 1 for end in ends.values())


def test_votes_are_counted_by_top_answers() -> None:
    members = [
        predictions_from_rows("a", [(1, "two", 0.5), (1, "2", 0.4), (2, "dogs", 0.9)]),
        predictions_from_rows("b", [(1, "2", 0.5), (2, "dog", 0.6), (2, "cat", 0.3)]),
    ]
    assert count_top_answers(members) == {"2": 1, "two": 1, "dogs": 1, "cat": 0, "dog": 1}


def test_each_question_keeps_the_variant_most_used_there() -> None:
    ballots = align(
        [
            predictions_from_rows("a", [(1, "two", 0.5), (1, "2", 0.4), (2, "dogs", 0.9)]),
            predictions_from_rows("b", [(1, "2", 0.5), (2, "dog", 0.6), (2, "cat", 0.3)]),
            predictions_from_rows("c", [(1, "two", 0.5), (3, "dogs", 0.6), (3, "dog", 0.6)]),
        ],
        missing="abstain",
    )
    merges = Merges({"2": "two", "dogs": "dog"})
    merged = merge_ballots(ballots, merges)
    tops = np.array([*merged.vocabulary, ""], dtype=object)[merged.top()[0]].tolist()
    # Level in question 2: the representative. Nobody else in question 3: the member's own.
    assert tops == [["two"] * 3, ["dog", "dog", ""], ["", "", "dog"]]
    assert [len(member.answers) for member in merged.members] == [2, 3, 2]
    assert [member.starts.tolist() for member in merged.members][1] == [0, 1, 3, 3]
    fixed = merge_ballots(ballots, Merges({"dog": "hound", "dogs": "hound"}, frozenset(["hound"])))
    assert "hound" in fixed.vocabulary
    assert {fixed.vocabulary[code] for code in fixed.top()[0][1][:2]} == {"hound"}


@given(members(), st.dictionaries(st.sampled_from(ANSWERS[:4]), st.sampled_from(ANSWERS[4:])))
def test_a_merged_question_has_one_answer_of_a_class(
    drawn: list[dict[int, list[tuple[str, float]]]], representatives: dict[str, str]
) -> None:
    predictions = [
        predictions_from_rows(f"m{m}", [(q, a, c) for q, rows in own.items() for a, c in rows])
        for m, own in enumerate(drawn)
    ]
    merges = Merges(representatives)
    ballots = align(predictions, missing="abstain")
    merged = merge_ballots(ballots, merges)
    classes = np.array(merges.of(merged.vocabulary), dtype=object)
    given = {(q, a) for own in drawn for q, rows in own.items() for a, _ in rows}
    seen: dict[tuple[int, str], str] = {}
    for before, after in zip(ballots.members, merged.members, strict=True):
        for q, question in enumerate(merged.question_ids.tolist()):
            rows = slice(after.starts[q], after.starts[q + 1])
            answers = after.answers[rows]
            assert len(set(classes[answers])) == len(answers)
            assert (np.diff(after.confidences[rows]) <= 0).all()
            old = before.answers[before.starts[q] : before.starts[q + 1]]
            assert set(merges.of([ballots.vocabulary[c] for c in old])) == set(classes[answers])
            for code in answers.tolist():
                answer = merged.vocabulary[code]
                assert (question, answer) in given
                assert seen.setdefault((q, classes[code]), answer) == answer


def test_a_synonyms_file(tmp_path: Path) -> None:
    path = tmp_path / "synonyms.csv"
    path.write_text('answer,canonical\n# phones\nmobile, phone\n\n"1,000",1000\nphone,phone\n')
    assert read_synonyms(path) == {"mobile": "phone", "1,000": "1000", "phone": "phone"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("a,b\n", "line 1: the first line is 'a,b'. It must be 'answer,canonical'"),
        ("answer,canonical\n# x\nmobile,\n", "line 3: needs an answer and its canonical"),
        ("answer,canonical\n1,000,1000\n", "line 2: .*Quote answers that hold a comma"),
        (
            "answer,canonical\nmobile,phone\nMobile,cell\n",
            "line 3: 'Mobile' is 'cell' here and 'phone' in line 2",
        ),
        (
            "answer,canonical\nmobile,phone\nphone,cell\n",
            "line 2: 'phone' is itself given the canonical 'cell' in line 3",
        ),
        (f'answer,canonical\n"{"x" * 200_000}', "line 2: needs an answer and its canonical"),
    ],
)
def test_a_bad_synonyms_file_says_where(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "synonyms.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_synonyms(path)
    with pytest.raises(InputError, match="no such file"):
        read_synonyms(tmp_path / "no.csv")


def test_how_much_of_real_answers_the_rules_merge(shared_data: Path) -> None:
    annotations = read_annotations(shared_data / "vqa-v2-smallval" / "smallval_annotations.json")
    votes = dict.fromkeys(annotations.vocabulary, 0)
    for code in annotations.answers.tolist():
        votes[annotations.vocabulary[code]] += 1
    merges = find_merges(votes)
    rewritten = sum(votes[answer] for answer in merges)
    by_form = sum(
        normalize_answer(answer) == normalize_answer(best) for answer, best in merges.items()
    )
    print(
        f"{len(merges)} of {len(votes)} distinct answers merged ({by_form} by normal form), "
        f"{rewritten} of {sum(votes.values())} human answers rewritten"
    )
    assert 0.01 < rewritten / sum(votes.values()) < 0.1
    assert find_merges(votes) == merges


MEMBERS = {
    "a": [(1, "two", 0.5), (2, "dogs", 0.9), (3, "red", 0.9)],
    "b": [(1, "2", 0.5), (2, "cat", 0.9), (3, "red", 0.5)],
    "c": [(1, "3", 0.9), (2, "dog", 0.6), (3, "crimson", 0.9)],
    "d": [(1, "3", 0.4), (2, "cat", 0.9), (3, "blue", 0.9)],
    "e": [(1, "2", 0.4), (2, "a dog", 0.3), (3, "crimson", 0.9)],
}


def test_vote_merges_and_says_what_that_changed(cli: Runner, tmp_path: Path) -> None:
    paths = []
    for name, rows in MEMBERS.items():
        paths.append(tmp_path / f"{name}.parquet")
        save_predictions(paths[-1], predictions_from_rows(name, rows))
    synonyms = tmp_path / "synonyms.csv"
    synonyms.write_text("answer,canonical\ncrimson,red\n")
    output = tmp_path / "submission.json"

    def vote(*options: object) -> tuple[dict[str, int], list[str]]:
        ran = cli.good("vote", *paths, "--method", "majority", "-o", output, "--json", *options)
        return ran.json, read_submission(output).answers

    summary, answers = vote()
    assert answers == ["3", "cat", "crimson"]
    assert (summary["merged_votes"], summary["changed_by_merging"]) == (0, 0)
    summary, answers = vote("--merge")
    assert answers == ["2", "dog", "crimson"]
    assert (summary["merged_votes"], summary["changed_by_merging"]) == (3, 2)
    summary, answers = vote("--synonyms", synonyms)
    assert answers == ["3", "cat", "red"]
    # Crimson and red mean the same: the vote only writes the answer differently.
    assert (summary["merged_votes"], summary["changed_by_merging"]) == (2, 0)
    summary, answers = vote("--merge", "--synonyms", synonyms)
    assert answers == ["2", "dog", "red"]

    ran = cli.good("vote", *paths, "--method", "majority", "--merge")
    assert "votes rewritten by merging  3" in ran.out
    assert cli("vote", *paths, "--method", "mean", "--merge", "--normalize").code == 2


def test_merging_does_not_depend_on_the_size_of_blocks(tmp_path: Path) -> None:
    paths = []
    for m in range(3):
        rows = [
            (q, ("dog", "dogs", "two", "2", "cat", "a cat")[(q * q + m * q) % 6], 0.5)
            for q in range(50)
        ]
        paths.append(tmp_path / f"m{m}.parquet")
        save_predictions(paths[-1], predictions_from_rows(f"m{m}", rows))
    options = VoteOptions(method="majority", merge=True)
    outputs = set()
    for block_rows in (None, 10):
        vote_files(paths, options, output=tmp_path / "out.json", block_rows=block_rows)
        outputs.add((tmp_path / "out.json").read_bytes())
    in_memory = vote([read_predictions(path) for path in paths], options)
    assert read_submission(tmp_path / "out.json").answers == in_memory.answers()
    assert len(outputs) == 1


def test_fit_and_compare_merge_as_well(cli: Runner, tmp_path: Path) -> None:
    rows = [(q, ("sofa", "cat")[q % 2]) for q in range(60)]
    for name, variant in (("a", "couch"), ("b", "sofa"), ("c", "cat")):
        save_predictions(
            tmp_path / f"{name}.parquet",
            predictions_from_rows(
                name, [(q, variant if answer == "sofa" else answer, 0.5) for q, answer in rows]
            ),
        )
    lines = [f"{q},{answer}" for q, answer in rows]
    (tmp_path / "y.csv").write_text("\n".join(["question_id,answer", *lines]))
    (tmp_path / "synonyms.csv").write_text("answer,canonical\ncouch,sofa\n")
    arguments = (*sorted(tmp_path.glob("*.parquet")), "--annotations", tmp_path / "y.csv")
    # Votes for couch, sofa and cat tie and cat wins; as synonyms, couch and sofa win together.
    for options, score in (([], 0.5), (["--synonyms", tmp_path / "synonyms.csv"], 1.0)):
        fit = ("fit", *arguments, "--method", "majority", "-o", tmp_path / "e.toml", "--json")
        assert cli.good(*fit, *options).json["accuracy"]["majority"] == 100 * score
        compare = ("compare", *arguments, "--methods", "majority", "--json")
        methods = cli.good(*compare, *options).json["methods"]
        accuracy = {method["method"]: method["accuracy"] for method in methods}
        assert accuracy["majority"] == score


# Answers of one normal form that are none of one meaning, and variants that are.
APART = [
    ("<5", ">5", "5"),
    ("-5", "5"),
    ("3,5", "35"),
    ("b+", "b-", "b"),
    ("<=5", "<5"),
    ("1/2", "1-2"),
    ("1+2", "1-2"),
    ("1,2,3", "123"),
    ("a > b", "a < b"),
    ("20+", "20"),
    ("C++", "C"),
]
TOGETHER = [
    ("< 5", "<5", "The <5."),
    ("\N{MINUS SIGN}5", "-5"),
    ("1,000", "1000", "1,000."),
    ("B+", "b+"),
    ("tie-dye", "tie dye"),
    ("2-5", "2 5"),
    ("- 5 dogs", "5 dogs"),
    ("<b>", "b"),
    ("left -> right", "left right"),
    ("pre-", "pre"),
    ("+5", "5"),
    ("\N{LESS-THAN OR EQUAL TO}5", "<=5"),
]


@pytest.mark.parametrize("option", ["normalize", "merge"])
@pytest.mark.parametrize("answers", [*APART, *TOGETHER])
def test_signs_and_decimal_commas_part_answers(option: str, answers: tuple[str, ...]) -> None:
    voters = [predictions_from_rows(f"m{i}", [(1, text, 0.5)]) for i, text in enumerate(answers)]
    outcome = vote(voters, VoteOptions(method="majority", **{option: True}))
    apart = answers in APART
    votes = set(outcome.ballots.top()[0][0].tolist())
    assert len(votes) == (len(answers) if apart else 1)
    assert outcome.summary.kept_apart == int(apart)


@given(st.text(st.sampled_from("aAb5 .<>+-,/='?")))
def test_the_form_of_votes_is_the_official_one_but_for_signs(text: str) -> None:
    form = vote_form(text)
    official = normalize_answer(text)
    if SIGNS.isdisjoint(text) and official:
        assert form == official
    # What is nothing to the official form keeps its letters, or itself.
    assert not official or set(form) <= {*official, *SIGNS, *" =a"}


def test_the_vote_says_what_it_keeps_apart(cli: Runner, tmp_path: Path) -> None:
    files = []
    for name, answer in (("a", "-5"), ("b", "5"), ("c", "-5.")):
        files.append(tmp_path / f"{name}.parquet")
        save_predictions(files[-1], predictions_from_rows(name, [(1, answer, 0.5), (2, "no", 1)]))
    ran = cli.good("vote", *files, "--method", "majority", "--normalize", "-o", tmp_path / "s.json")
    assert "answers that differ by a sign or a decimal comma, kept apart" in ran.out
    assert read_submission(tmp_path / "s.json").answers == ["-5", "no"]


def test_many_questions_and_answers_do_not_overflow() -> None:
    """Questions × answers² passed 2^63, and the vote ended in a traceback."""
    ballots = align([predictions_from_rows("a", [(0, "cats", 0.5), (1, "cat", 0.5)])])
    width, questions = 1_000_000, 9_300_000
    vocabulary = [f"{n:07}" for n in range(width - 2)] + ["cat", "cats"]
    starts = np.zeros(questions + 1, dtype=np.int64)  # the last two have an answer each
    starts[-2:] = 1, 2
    answers = np.array([width - 1, width - 2], dtype=np.int32)
    member = MemberBallots(starts, answers, np.full(2, 0.5, np.float32))
    ballots = replace(
        ballots, question_ids=np.arange(questions), vocabulary=vocabulary, members=(member, member)
    )
    assert questions * width**2 > 2**63
    merged = merge_ballots(ballots, Merges({"cats": "cat"}, frozenset(["cat"])))
    assert [m.answers.tolist() for m in merged.members] == [[width - 2, width - 2]] * 2
    kept = merge_ballots(ballots, Merges({"cats": "cat"}))
    assert [m.answers.tolist() for m in kept.members] == [answers.tolist()] * 2


def test_a_merge_includes_the_normal_form(cli: Runner, tmp_path: Path) -> None:
    paths = []
    for name in "abc":
        paths.append(tmp_path / f"{name}.parquet")
        save_predictions(paths[-1], predictions_from_rows(name, [(1, "Yes.", 0.5)]))
    for options in (["--merge"], ["--normalize"]):
        arguments = ("--method", "majority", "-o", tmp_path / "s.json", *options)
        cli.good("vote", *paths, *arguments)
        assert read_submission(tmp_path / "s.json").answers == ["yes"]


@pytest.mark.parametrize("option", ["--normalize", "--merge"])
def test_shares_of_one_answer_add_up(cli: Runner, tmp_path: Path, option: str) -> None:
    """Three of five samples, each written in its own way, against two that are written alike."""
    samples = [(1, "Two", 0.2), (1, "two.", 0.2), (1, "2", 0.2), (1, "3", 0.4)]
    save_predictions(tmp_path / "a.parquet", predictions_from_rows("a", samples))
    # Scores that are no distribution do not add up.
    scores = [(1, "Two", 0.8), (1, "2", 0.8), (1, "3", 0.9)]
    save_predictions(tmp_path / "b.parquet", predictions_from_rows("b", scores))
    for name, answer in (("a", "2"), ("b", "3")):
        arguments = ("--method", "majority", "-o", tmp_path / "s.json", option)
        cli.good("vote", tmp_path / f"{name}.parquet", *arguments)
        assert read_submission(tmp_path / "s.json").answers == [answer]


@given(members())
def test_merging_keeps_what_a_distribution_adds_up_to(
    drawn: list[dict[int, list[tuple[str, float]]]],
) -> None:
    for own in drawn:
        rows = [
            (q, a, c / (1e-6 + sum(c for _, c in pairs))) for q, pairs in own.items()
            for a, c in pairs
        ]  # fmt: skip
        if not rows:
            continue
        before = predictions_from_rows("m", rows)
        after = merge_answers(before, lambda answers: [answer[:1].lower() for answer in answers])
        total = np.add.reduceat(before.confidences, before.starts[:-1])
        assert np.add.reduceat(after.confidences, after.starts[:-1]) == pytest.approx(total)
