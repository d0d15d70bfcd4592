"""The answer-to-question-type map: reading, writing, hand edits, unseen answers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import Runner
from hypothesis import given, settings
from hypothesis import strategies as st

from vqa_ensemble.errors import InputError
from vqa_ensemble.formats.answer_map import AnswerMap, read_answer_map, write_answer_map
from vqa_ensemble.voting.answer_types import (
    MAX_CLASSIFIER_CHARACTERS,
    TypeResolver,
    resolve,
    type_by_rule,
)


def rows(answer_map: AnswerMap) -> list[tuple[str, str, int, float]]:
    return list(
        zip(
            answer_map.answers,
            answer_map.question_types,
            answer_map.counts.tolist(),
            answer_map.shares.tolist(),
            strict=True,
        )
    )


SOME = AnswerMap.from_counts(
    ["2", "yes", "2", 'ünlü, "x"'], ["number", "yes/no", "other", "other"], [6, 9, 2, 1]
)


# --------------------------------------------------------------------------------- files


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_what_is_written_is_read(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"map.{ending}"
    write_answer_map(path, SOME)
    again = read_answer_map(path)
    assert again.answers == ["yes", "2", "2", "ünlü x"]
    assert rows(again)[:3] == [
        ("yes", "yes/no", 9, 1),
        ("2", "number", 6, 0.75),
        ("2", "other", 2, 0.25),
    ]


def test_a_csv_reads_from_the_most_frequent_answer_down(tmp_path: Path) -> None:
    path = tmp_path / "map.csv"
    write_answer_map(path, SOME)
    assert path.read_text().splitlines() == [
        "answer,question_type,count,share",
        "yes,yes/no,9,1",
        "2,number,6,0.75",
        "2,other,2,0.25",
        '"ünlü, ""x""",other,1,1',
    ]


def csv(tmp_path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path = tmp_path / "map.csv"
    path.write_text("\n".join(("answer,question_type,count,share", *lines)) + "\n", encoding)
    return path


def test_blank_counts_and_shares_are_filled_in(tmp_path: Path) -> None:
    path = csv(tmp_path, "2,number,3,", "2,other,1,", "cat,other,,", "a,x,,", "a,y,,")
    assert [share for *_, share in rows(read_answer_map(path))][:3] == [0.75, 0.25, 1.0]


def test_shares_edited_by_hand_are_scaled_to_one(tmp_path: Path) -> None:
    path = csv(tmp_path, "2,number,1,0.2", "2,other,9,0.6")
    assert read_answer_map(path).shares.tolist() == pytest.approx([0.25, 0.75])


def test_a_rare_spelling_does_not_outweigh_a_frequent_one(tmp_path: Path) -> None:
    answer_map = read_answer_map(csv(tmp_path, "0,number,3007,1", "none,other,1,1"))
    shares = {(a, t): share for a, t, _, share in rows(answer_map)}
    assert shares["0", "number"] == pytest.approx(3007 / 3008)
    assert shares["0", "other"] == pytest.approx(1 / 3008)


def test_what_spreadsheets_do_to_a_csv_is_read(tmp_path: Path) -> None:
    path = tmp_path / "map.csv"
    text = "answer,question_type,count,share\r\nnull,other,1,1\r\nNA,other,2,1\r\n"
    path.write_bytes(text.encode("utf-8-sig"))
    assert read_answer_map(path).answers == ["null", "na"]


def test_an_answer_added_by_hand_is_found_by_its_normal_form(tmp_path: Path) -> None:
    answer_map = read_answer_map(csv(tmp_path, "T-Shirt.,clothes,,", "2,number,1,1"))
    types = resolve(answer_map, ["t-shirt", "a T shirt"], unseen="number")
    assert [types.names[t] for t in types.type_of] == ["clothes", "clothes"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("2,number,many,1", "line 2: count is 'many', not a whole number"),
        ("2,number,-1,1", "line 2: count is '-1'"),
        ("2,number,1,1.5", r"line 2: share is '1\.5', not a number in \[0, 1\]"),
        ("2,number,1,nan", "line 2: share is 'nan'"),
        ("2,,1,1", "line 2: question_type is empty"),
        ("2", "line 2: has not the 4 fields"),
        ("no, not,other,1,1", 'line 2: has not the 4 fields.*"quotes"'),
        ("2,number,1,1\nThe 2,number,1,1", "line 3: answer '2'.*stands already in line 2"),
        ('"2,number,1,1', "is not CSV"),
    ],
)
def test_bad_lines_are_refused_with_file_and_line(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(InputError, match=rf"map\.csv.*{message}"):
        read_answer_map(csv(tmp_path, line))


def test_files_that_are_no_maps_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no such file"):
        read_answer_map(tmp_path / "absent.csv")
    with pytest.raises(InputError, match="holds no answers"):
        read_answer_map(csv(tmp_path))
    with pytest.raises(InputError, match="not UTF-8"):
        read_answer_map(csv(tmp_path, "é,other,1,1", encoding="latin-1"))
    (tmp_path / "map.csv").write_text("answer,type\n2,number\n")
    with pytest.raises(InputError, match="has no column 'question_type'"):
        read_answer_map(tmp_path / "map.csv")
    (tmp_path / "map.parquet").write_text("answer,type\n2,number\n")
    with pytest.raises(InputError, match="not a readable parquet file"):
        read_answer_map(tmp_path / "map.parquet")
    with pytest.raises(InputError, match=r"a \.csv or \.parquet file, not '\.json'"):
        write_answer_map(tmp_path / "map.json", SOME)


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.tuples(st.sampled_from("abcd"), st.sampled_from("xyz")), st.integers(1, 99), min_size=1
    )
)
def test_shares_are_a_probability_for_every_answer(table: dict[tuple[str, str], int]) -> None:
    answers, types = (list(part) for part in zip(*table, strict=True))
    answer_map = AnswerMap.from_counts(answers, types, list(table.values()))
    for answer in set(answers):
        share = [s for a, _, _, s in rows(answer_map) if a == answer]
        assert sum(share) == pytest.approx(1)
    assert answer_map.counts.sum() == sum(table.values())


# ------------------------------------------------------------------------ unseen answers

WORDS = AnswerMap.from_pairs(
    [(str(n), "number") for n in range(60)]
    + [(a, "yes/no") for a in ("yes", "no")]
    + [
        (word, "other")
        for word in "red green blue cat dog tennis baseball kitchen street wood grass "
        "white black yellow pizza left right train bus clouds skateboard frisbee".split()
    ]
)


def types_of(answers: list[str], **options: str) -> list[str]:
    types = resolve(WORDS, answers, **options)
    return [types.names[t] for t in types.type_of]


def test_the_classifier_tells_numbers_from_words_it_has_never_seen() -> None:
    assert types_of(["117", "89", "surfboard", "brown dog"]) == ["number"] * 2 + ["other"] * 2


def test_the_classifier_reads_the_start_of_a_long_answer() -> None:
    number = "17 " * (MAX_CLASSIFIER_CHARACTERS // 3 + 1)
    assert types_of([number, number + "brown dog " * 5000]) == ["number"] * 2


def test_the_rule_and_a_fixed_type() -> None:
    assert types_of(["twenty two", "horse"], unseen="rule") == ["number", "other"]
    assert types_of(["117", "horse"], unseen="yes/no") == ["yes/no", "yes/no"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("yes", "yes/no"), ("2.5", "number"), ("1000", "number"), ("one", "number"),
     ("yes no", "other"), ("", "other"), ("2 dogs", "other"), (".", "other"), ("²", "other")],
)  # fmt: skip
def test_the_rule(answer: str, expected: str) -> None:
    assert type_by_rule(answer) == expected


def test_choices_that_the_map_cannot_serve_are_refused() -> None:
    with pytest.raises(InputError, match=r"given the type 'colour'.*number, other, yes/no"):
        types_of(["x"], unseen="colour")
    with pytest.raises(InputError, match="the rule for unseen answers knows"):
        resolve(AnswerMap.from_pairs([("red", "color")]), ["x"], unseen="rule")


def test_cross_validation_compares_classifier_rule_and_majority() -> None:
    scores = TypeResolver(WORDS).cross_validate()
    assert scores["answers"] == 84
    assert scores["majority type"] == pytest.approx(100 * 60 / 84)
    assert scores["rule"] == 100
    assert scores["classifier"] is not None
    assert scores["classifier"] > scores["majority type"]


def test_cross_validation_of_a_map_too_small_says_nothing() -> None:
    tiny = AnswerMap.from_pairs([("yes", "yes/no"), ("2", "number")])
    assert TypeResolver(tiny).cross_validate()["classifier"] is None
    assert TypeResolver(tiny).cross_validate()["rule"] is None


def test_the_classifier_is_deterministic() -> None:
    vocabulary = [f"word {n}" for n in range(50)]
    first, second = (resolve(WORDS, vocabulary).type_of for _ in range(2))
    assert np.array_equal(first, second)


# -------------------------------------------------------------------- learning a map

ANNOTATIONS = {
    "annotations": [
        {
            "question_id": n,
            "image_id": n,
            "question_type": question_type,
            "answer_type": answer_type,
            "answers": [{"answer": a, "answer_id": i} for i, a in enumerate(answers)],
        }
        for n, (question_type, answer_type, answers) in enumerate(
            [
                ("how many", "number", ["2", "two", "Two.", "3"]),
                ("is the", "yes/no", ["yes", "Yes", "no", "yes"]),
                ("what", "other", ["2", "a cat", "cat", "cat"]),
            ]
        )
    ]
}


def test_a_map_counts_every_annotators_normalised_answer(cli: Runner, tmp_path: Path) -> None:
    annotations, output = tmp_path / "annotations.json", tmp_path / "map.csv"
    annotations.write_text(json.dumps(ANNOTATIONS))
    report = cli.good("build-map", annotations, "-o", output, "--json").json
    assert output.read_text().splitlines()[1:] == [
        "2,number,3,0.75",
        "2,other,1,0.25",
        "cat,other,3,1",
        "yes,yes/no,3,1",
        "3,number,1,1",
        "no,yes/no,1,1",
    ]
    assert (report["annotations"], report["answers"], report["pairs"]) == (12, 5, 6)
    assert report["types"]["other"] == {"annotations": 4, "answers": 2}
    cli.good("build-map", annotations, "-o", output, "--by", "question_type")
    assert "cat,what,3,1" in output.read_text()


def test_a_map_of_real_annotations(cli: Runner, shared_data: Path, tmp_path: Path) -> None:
    annotations = shared_data / "vqa-v2-smallval" / "smallval_annotations.json"
    output = tmp_path / "map.csv"
    ran = cli.good("build-map", annotations, "-o", output)
    assert "970 pairs" in ran.out
    answer_map = read_answer_map(output)
    assert answer_map.counts.sum() == 5890
    by_answer = {(a, t): s for a, t, _, s in rows(answer_map)}
    assert by_answer["yes", "yes/no"] > 0.95
    assert by_answer["2", "number"] > 0.9
