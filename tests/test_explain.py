"""``explain``: how the answer to one question came about."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import Runner
from hypothesis import given
from hypothesis import strategies as st
from strategies import TYPES, counts, members

from vqa_ensemble.answers.answer_map import AnswerMap, write_answer_map
from vqa_ensemble.answers.types import resolve
from vqa_ensemble.predictions.files import (
    predictions_from_rows,
    read_predictions,
    write_predictions,
)
from vqa_ensemble.predictions.ranges import open_prediction_file
from vqa_ensemble.report.explanation import explain
from vqa_ensemble.voting.ballots import align
from vqa_ensemble.voting.question_type import question_type_vote

# The example of question_type_vote: the majority says yes, three of five votes are numbers.
VOTES = {
    "m1": [("2", 0.9)],
    "m2": [("3", 0.5)],
    "m3": [("yes", 0.8), ("2", 0.1)],
    "m4": [("yes", 0.7), ("3", 0.2)],
    "m5": [("4", 0.4)],
}
PAIRS = [("2", "number"), ("3", "number"), ("4", "number"), ("yes", "yes/no")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five members on questions 7 and 8 (m5 lacks 8), a map, words and human answers."""
    for name, ranked in VOTES.items():
        rows = [(7, a, c) for a, c in ranked] + [(8, "yes", 0.5)] * (name != "m5")
        ids, answers, confidences = zip(*rows, strict=True)
        path = tmp_path / "preds" / f"{name}.parquet"
        write_predictions(path, ids, answers, confidences, member=name)
    write_answer_map(tmp_path / "map.csv", AnswerMap.from_pairs(PAIRS))
    (tmp_path / "questions.json").write_text(
        json.dumps(
            {
                "questions": [
                    {"question_id": 7, "image_id": 1, "question": "How many [red] dogs?"},
                    {"question_id": 8, "image_id": 1, "question": "Is it <b>day</b>?"},
                ]
            }
        )
    )
    annotations = [
        {
            "question_id": question,
            "question_type": "x",
            "answer_type": "number",
            "answers": [{"answer": answer} for answer in answers],
        }
        for question, answers in ((7, ["2"] * 8 + ["3", "two dogs"]), (8, ["yes"] * 10))
    ]
    (tmp_path / "annotations.json").write_text(json.dumps({"annotations": annotations}))
    return tmp_path


def explained(cli: Runner, folder: Path, question: object, *more: object) -> Any:
    files = sorted((folder / "preds").glob("*.parquet"))
    return cli.good("explain", question, *files, "--map", folder / "map.csv", *more)


def squeezed(text: str) -> list[str]:
    """Lines without the spaces that align columns."""
    return [re.sub(r"\s+", " ", line).strip() for line in text.splitlines()]


def test_it_reads_like_the_slide(cli: Runner, folder: Path) -> None:
    ran = explained(
        cli, folder, 7,
        "--questions", folder / "questions.json", "--annotations", folder / "annotations.json",
    )  # fmt: skip
    lines = squeezed(ran.out)
    steps = ("Question 7: How many [red] dogs?", "5 of 5 members vote, method question-type",
             "1. First votes", "m3 yes 0.80 2 0.10",
             "2. Counted", "yes 2 1.50 yes/no 0 %",
             "3. Summed by question type", "number 3 ████████████████████████ ← wins",
             "4. Votes inside number", "m3 yes 2", "m4 yes 3",
             "The other 3 stay with their first vote.",
             "5. Counted again", "2 2 1.00 number 100 % ← wins, tied: larger summed confidence",
             "Answer: 2", "A plain majority would say yes.",
             "Right: 2 ×8, 3, two dogs. Score 100 % by vqa.")  # fmt: skip
    places = [lines.index(step) for step in steps]
    assert places == sorted(places)


def test_as_json_it_holds_every_step(cli: Runner, folder: Path) -> None:
    record = explained(
        cli, folder, 7, "--annotations", folder / "annotations.json", "--json"
    ).json  # fmt: skip
    assert (record["question_id"], record["answer"], record["majority_answer"]) == (7, "2", "yes")
    assert record["question_type"] == "number"
    assert {e["question_type"]: e["votes"] for e in record["type_votes"]} == {
        "number": 3, "yes/no": 2,
    }  # fmt: skip
    assert [m["revote"] for m in record["members"]] == ["2", "3", "2", "3", "4"]
    assert (record["tie_break"], record["type_tie_break"]) == ("confidence", None)
    assert record["right_answers"] == {"2": 8, "3": 1, "two dogs": 1}
    assert record["scores"]["2"] == 1
    assert 0 < record["scores"]["3"] < 1


def test_a_member_that_lacks_the_question_abstains(cli: Runner, folder: Path) -> None:
    out = explained(cli, folder, 8).out
    assert "4 of 5 members vote" in out
    assert "m5 lacks the question" in squeezed(out)
    assert "\n4 stay with their first vote." in out
    assert "plain majority" not in out


def test_other_methods_have_fewer_steps(cli: Runner, folder: Path) -> None:
    out = explained(cli, folder, 7, "--method", "majority").out
    assert "yes 2 1.50 yes/no ← wins" in squeezed(out)
    assert "3." not in out
    weighed = explained(cli, folder, 7, "--method", "mean").out
    assert weighed.count("← wins") == 1
    assert "3. Weighed" in weighed


def test_a_type_from_a_table_is_said_to_be_given(cli: Runner, folder: Path) -> None:
    (folder / "types.csv").write_text("question_id,question_type\n7,yes/no\n8,yes/no\n")
    lines = squeezed(explained(cli, folder, 7, "--question-types", folder / "types.csv").out)
    assert "yes/no 2 ████████████████ ← given" in lines
    assert "m1 2 abstains" in lines


@pytest.mark.parametrize("question", ["9", "seven"])
def test_an_unknown_question_is_refused(cli: Runner, folder: Path, question: str) -> None:
    files = sorted((folder / "preds").glob("*.parquet"))
    ran = cli("explain", question, *files, "--map", folder / "map.csv")
    assert ran.code == 1
    assert question in ran.err


def test_the_answer_is_that_of_the_vote_on_all_questions(cli: Runner, shared_data: Path) -> None:
    files = sorted((shared_data / "mmbench" / "preds").glob("*.parquet"))
    everything = align([read_predictions(path) for path in files])
    for row in (0, 2000, len(everything) - 1):
        question = everything.question_ids[row]
        record = cli.good("explain", question, *files, "--method", "mean", "--json").json
        votes = [everything.vocabulary[code] for code in everything.top()[0][row]]
        assert [member["vote"] for member in record["members"]] == votes


@given(members(complete=True), counts, st.sampled_from(["confidence", "votes"]))
def test_steps_follow_from_one_another(
    many: list[dict[int, list[tuple[str, float]]]], counted: dict[str, dict[str, int]], revote: str
) -> None:
    ballots = align(
        [
            predictions_from_rows(f"m{m}", [(q, a, c) for q in one for a, c in one[q]])
            for m, one in enumerate(many)
        ]
    )
    answer_map = AnswerMap.from_pairs(
        [(a, t) for a, by in counted.items() for t, n in by.items() for _ in range(n)]
    )
    types = resolve(answer_map, ballots.vocabulary)
    election = question_type_vote(ballots, types, revote=revote)
    rows = np.arange(len(ballots))[::-1]
    for explained in explain(ballots, election, rows, types=types, top=2):
        record = explained.to_dict()
        for key, vote in (("first_votes", "vote"), ("votes", "revote")):
            cast = [m[vote] for m in record["members"] if m[vote] is not None]
            assert {c["answer"]: c["votes"] for c in record[key]} == {
                answer: cast.count(answer) for answer in cast
            }
        assert record["votes"][0]["votes"] == max(c["votes"] for c in record["votes"])
        sums = dict.fromkeys(TYPES, 0)
        for count in record["first_votes"]:
            sums[count["question_type"]] += count["votes"]
        assert {e["question_type"]: e["votes"] for e in record["type_votes"]} == {
            name: votes for name, votes in sums.items() if votes
        }
        assert all(
            m["answers"][0]["answer"] == m["vote"] and len(m["answers"]) <= 2
            for m in record["members"]
        )


@given(
    st.lists(st.text("ab/é1", min_size=1, max_size=4), min_size=1, max_size=9, unique=True)
    | st.lists(st.integers(-50, 50), min_size=1, max_size=9, unique=True)
)
def test_one_question_is_read_from_a_file_as_from_all(
    tmp_path_factory: pytest.TempPathFactory, ids: list[int] | list[str]
) -> None:
    folder = tmp_path_factory.mktemp("file")
    path = folder / "m.parquet"
    write_predictions(path, ids, [f"a{i}" for i in ids], [0.5] * len(ids), member="m")
    file = open_prediction_file(path, folder)
    for question in ids:
        found = file.read_question(question)
        assert (found.question_ids.tolist(), found.top()) == ([question], [f"a{question}"])
    absent = 99 if isinstance(ids[0], int) else "zz"
    assert len(file.read_question(absent).question_ids) == 0
