"""The answer-to-question-type map: reading, writing, hand edits, unseen answers."""

from __future__ import annotations

import json
import math
from collections import Counter
from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from command_line import Runner
from hypothesis import given
from hypothesis import strategies as st
from refusal import refused
from sklearn.model_selection import StratifiedKFold
from strategies import examples

from vqa_ensemble.answers import classifier
from vqa_ensemble.answers.answer_map import (
    AnswerMap,
    check_as_built,
    read_answer_map,
    write_answer_map,
)
from vqa_ensemble.answers.build_map import learn_answer_map
from vqa_ensemble.answers.classifier import MAX_CLASSIFIER_CHARACTERS, fit_classifier
from vqa_ensemble.answers.rule import type_by_rule
from vqa_ensemble.answers.types import TypeResolver, resolve
from vqa_ensemble.errors import InputError
from vqa_ensemble.predictions.member import ABSTAIN


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
    assert rows(again) == [
        ("yes", "yes/no", 9, 1),
        ("2", "number", 6, 0.75),
        ("2", "other", 2, 0.25),
        ("ünlü x", "other", 1, 1),
    ]


def test_types_that_are_formulas_come_back(tmp_path: Path) -> None:
    path = tmp_path / "map.csv"
    write_answer_map(path, AnswerMap.from_pairs([("x", "=1+1"), ("y", "'-5")]))
    assert [line.split(",")[1] for line in path.read_text().splitlines()[1:]] == ["'=1+1", "''-5"]
    assert read_answer_map(path).question_types == ["=1+1", "'-5"]
    check_as_built(path)


def test_a_csv_reads_from_the_most_frequent_answer_down(tmp_path: Path) -> None:
    path = tmp_path / "map.csv"
    write_answer_map(path, AnswerMap.from_pairs([("red", "x"), *[("blue", "y")] * 3]))
    digest = b"sha256_" + sha256(b"blue\0y\0003\0001\nred\0x\0001\0001").hexdigest()[:16].encode()
    header = b"answer,question_type,count,share," + digest
    assert path.read_bytes() == header + b"\nblue,y,3,1,\nred,x,1,1,\n"
    write_answer_map(path, SOME)
    assert path.read_text().splitlines()[1:] == [
        "yes,yes/no,9,1,",
        "2,number,6,0.75,",
        "2,other,2,0.25,",
        '"ünlü, ""x""",other,1,1,',
    ]
    write_answer_map(path, AnswerMap.from_counts(["a b", "a b"], ["x", "y"], [2, 1]))
    assert path.read_text().splitlines()[1:] == ["a b,x,2,0.666667,", "a b,y,1,0.333333,"]


def test_a_parquet_map_has_the_documented_columns(tmp_path: Path) -> None:
    path = tmp_path / "map.parquet"
    write_answer_map(path, SOME)
    file = pq.ParquetFile(path)
    assert [(field.name, str(field.type)) for field in file.schema_arrow] == [
        ("answer", "string"),
        ("question_type", "dictionary<values=string, indices=int32, ordered=0>"),
        ("count", "int64"),
        ("share", "double"),
    ]
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"


def csv(tmp_path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path = tmp_path / "map.csv"
    path.write_text("\n".join(("answer,question_type,count,share", *lines)) + "\n", encoding)
    return path


def shares_in(path: Path) -> list[float]:
    return read_answer_map(path).shares.tolist()


@pytest.mark.parametrize(
    ("lines", "shares"),
    [
        # Blank shares come from the counts.
        (["2,number,3,", "2,other,1,"], [0.75, 0.25]),
        # One blank: all of the answer's shares do.
        (["2,number,3,0.9", "2,other,1,", "3,x,1,0.5", "3,y,9,0.5"], [0.75, 0.25, 0.5, 0.5]),
        # Neither counts nor shares: the types are equal.
        (["cat,other,,", "dog,x,,", "dog,y,,"], [1, 0.5, 0.5]),
        (["dog,x,5,0", "dog,y,1,0"], [0.5, 0.5]),
        # Written by hand: scaled to sum to 1, whatever the counts.
        (["2,number,1,0.2", "2,other,9,0.6"], [0.25, 0.75]),
        # Spellings of one normal form weigh as much as they were counted, at least once.
        (["0,number,3007,1", "none,other,1,1"], [3007 / 3008, 1 / 3008]),
        (["0,number,0,1", "none,other,3,1"], [0.25, 0.75]),
        (["0,number,2,0.2", "0,other,1,0.2", "none,yes/no,1,1"], [0.375, 0.375, 0.25]),
    ],
)  # fmt: skip
def test_shares_are_worked_out_and_scaled_for_every_answer(
    tmp_path: Path, lines: list[str], shares: list[float]
) -> None:
    assert shares_in(csv(tmp_path, *lines)) == pytest.approx(shares)


def test_answers_that_differ_only_in_what_is_not_printed_are_different(tmp_path: Path) -> None:
    path = tmp_path / "map.parquet"
    columns = {
        "answer": ["a b", "a b", "a b\0"],
        "question_type": ["x", "y", "x"],
        "count": [1, 1, 5],
        "share": [0.25, 0.75, None],
    }
    pq.write_table(pa.table(columns), path)
    assert shares_in(path) == [0.25, 0.75, 1]


def test_blank_counts_are_0(tmp_path: Path) -> None:
    path = csv(tmp_path, "2,number,3,", "cat,other,,")
    assert read_answer_map(path).counts.tolist() == [3, 0]


def test_what_spreadsheets_do_to_a_csv_is_read(tmp_path: Path) -> None:
    path = tmp_path / "map.csv"
    text = "answer,question_type,count,share\r\nnull,other,1,1\r\nNA,other,2,1\r\n"
    path.write_bytes(text.encode("utf-8-sig"))
    assert read_answer_map(path).answers == ["null", "na"]


def test_types_may_have_space_around_them_and_answers_any_form(tmp_path: Path) -> None:
    answer_map = read_answer_map(csv(tmp_path, "The Dog., other ,2,1"))
    assert rows(answer_map) == [("dog", "other", 2, 1)]


def test_an_answer_added_by_hand_is_found_by_its_normal_form(tmp_path: Path) -> None:
    answer_map = read_answer_map(csv(tmp_path, "T-Shirt.,clothes,,", "2,number,1,1"))
    types = resolve(answer_map, ["t-shirt", "a T shirt"], unseen="number")
    assert [types.names[t] for t in types.type_of] == ["clothes", "clothes"]


QUOTE = '. Put an answer that has a comma in "quotes".'
COUNT = ". It must be a whole number from 0 to 1,000,000,000,000, or empty."
SHARE = ". It must be a number in [0, 1], or empty: it is taken from the counts then."


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("2,number,many,1", f"line 2: count is 'many'{COUNT}"),
        ("2,number,-1,1", f"line 2: count is '-1'{COUNT}"),
        ("2,number,1.5,1", f"line 2: count is '1.5'{COUNT}"),
        ("2,number,1000000000001,1", f"line 2: count is '1000000000001'{COUNT}"),
        (f"2,number,{'9' * 50},1", f"line 2: count is '{'9' * 12}...{'9' * 13}'{COUNT}"),
        ("2,number,1,half", "line 2: share is 'half'" + SHARE),
        ("2,number,1,1.5", "line 2: share is '1.5'" + SHARE),
        ("2,number,1,-0.1", "line 2: share is '-0.1'" + SHARE),
        ("2,number,1,nan", "line 2: share is 'nan'" + SHARE),
        ("2,,1,1", "line 2: question_type is empty. Name a type, or delete the row."),
        ("2, ,1,1", "line 2: question_type is empty. Name a type, or delete the row."),
        ("2", "line 2: has not the 4 fields of the header" + QUOTE),
        ("no, not,other,1,1", "line 2: has not the 4 fields of the header" + QUOTE),
        ("2,number,1,1\nThe 2,number,1,1", "line 3: answer '2' with question_type 'number' stands "
         "already in line 2. Keep one of them."),
    ],
)  # fmt: skip
def test_bad_lines_are_refused_with_file_and_line(tmp_path: Path, line: str, message: str) -> None:
    path = csv(tmp_path, line)
    with refused(f"{path}, {message}"):
        read_answer_map(path)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("answer", None, "answer is null. Delete the row."),
        ("question_type", None, "question_type is empty. Name a type, or delete the row."),
        ("count", 1.5, f"count is 1.5{COUNT}"),
        ("count", math.inf, f"count is inf{COUNT}"),
        ("count", math.nan, f"count is nan{COUNT}"),
        ("count", [1], f"count is [1]{COUNT}"),
        ("share", 1.5, "share is 1.5" + SHARE),
        ("share", [1], "share is [1]" + SHARE),
    ],
)
def test_bad_rows_of_parquet_are_refused_with_file_and_row(
    tmp_path: Path, column: str, value: object, message: str
) -> None:
    good = {"answer": "2", "question_type": "number", "count": 1.0, "share": 1.0}
    bad = {**good, "answer": "3", column: value}
    path = tmp_path / "map.parquet"
    columns = {name: [good[name], bad[name]] for name in good}
    if isinstance(value, list):
        columns[column] = [None, value]
    pq.write_table(pa.table(columns), path)
    with refused(f"{path}, row 1: {message}"):
        read_answer_map(path)


def test_counts_of_parquet_may_be_whole_floats_or_blank(tmp_path: Path) -> None:
    path = tmp_path / "map.parquet"
    columns = {"answer": ["2", "3"], "question_type": ["x", "y"], "count": [10.0**12, None]}
    pq.write_table(pa.table(columns), path)
    assert rows(read_answer_map(path)) == [("2", "x", 10**12, 1), ("3", "y", 0, 1)]


def test_files_that_are_no_maps_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "map.csv"
    columns = ". A map has: answer, question_type, count, share."
    with refused(f"{tmp_path / 'absent.csv'}: no such file. Check the path."):
        read_answer_map(tmp_path / "absent.csv")
    with refused(f"{path}: holds no answers. Make it with vqa-ensemble build-map."):
        read_answer_map(csv(tmp_path))
    with refused(f"{path}: is not UTF-8 text (byte 33). Save it as UTF-8."):
        read_answer_map(csv(tmp_path, "é,other,1,1", encoding="latin-1"))
    kept = "Save it with the columns answer, question_type, count and share."
    with refused(f"{path}: is not CSV: unexpected end of data. {kept}"):
        read_answer_map(csv(tmp_path, '"2,number,1,1'))
    for text, absent in [("answer,type\n2,number\n", "question_type"), ("", "answer")]:
        path.write_text(text)
        with refused(f"{path}: has no column '{absent}'{columns}"):
            read_answer_map(path)

    path = tmp_path / "map.parquet"
    with refused(f"{path}: no such file. Check the path."):
        read_answer_map(path)
    path.write_text("answer,type\n2,number\n")
    with pytest.raises(
        InputError, match=rf"^{path}: not a readable parquet file \(.*bytes.*\)\. Check"
    ):
        read_answer_map(path)
    pq.write_table(pa.table({"answer": ["2"]}), path)
    with refused(f"{path}: has no column 'question_type'{columns}"):
        read_answer_map(path)

    path = tmp_path / "map.json"
    with refused(f"{path}: its name ends in '.json'. Give a file that ends in .csv or .parquet."):
        write_answer_map(path, SOME)


@examples(100, deadline=None)
@given(
    st.dictionaries(
        st.tuples(st.sampled_from("abcd"), st.sampled_from("xyz")), st.integers(1, 99), min_size=1
    )
)
def test_a_map_of_counts_is_in_reading_order_with_their_shares(
    table: dict[tuple[str, str], int],
) -> None:
    answers, types = (list(part) for part in zip(*table, strict=True))
    total = Counter[str]()
    for (answer, _), n in table.items():
        total[answer] += n
    assert rows(AnswerMap.from_counts(answers, types, list(table.values()))) == [
        (a, t, n, n / total[a])
        for (a, t), n in sorted(
            table.items(), key=lambda row: (-total[row[0][0]], row[0][0], -row[1], row[0][1])
        )
    ]


def test_pairs_are_counted_once_a_mention() -> None:
    pairs = [("2", "number"), ("yes", "yes/no"), ("2", "number"), ("2", "other")]
    answer_map = AnswerMap.from_pairs(iter(pairs))
    assert rows(answer_map) == [
        ("2", "number", 2, 2 / 3),
        ("2", "other", 1, 1 / 3),
        ("yes", "yes/no", 1, 1),
    ]
    assert answer_map.type_names == ("number", "other", "yes/no")


# ------------------------------------------------------------------------ unseen answers

COLORS = "red green blue white black yellow brown orange purple pink".split()
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
     ("yes no", "other"), ("", "other"), ("2 dogs", "other"), ("1.2.3", "other"),
     (".", "other"), ("²", "other")],
)  # fmt: skip
def test_the_rule(answer: str, expected: str) -> None:
    assert type_by_rule(answer) == expected


def test_choices_that_the_map_cannot_serve_are_refused() -> None:
    with refused(
        "unseen answers cannot be given the type 'colour'. "
        "Choose classifier, rule or one of the map's types: number, other, yes/no."
    ):
        types_of(["x"], unseen="colour")
    with refused(
        "the rule for unseen answers knows the types yes/no, number, other; the map has color, "
        "number. Use --unseen classifier or one of the map's types."
    ):
        resolve(AnswerMap.from_pairs([("red", "color"), ("2", "number")]), ["x"], unseen="rule")


def test_what_the_vote_needs_of_a_map() -> None:
    answer_map = AnswerMap.from_counts(
        ["2", "2", "cat", "left", "left", "left"],
        ["number", "other", "other", "yes/no", "number", "other"],
        [3, 1, 8, 2, 2, 2],
    )
    vocabulary = ["left", "the Cat.", "horse", "two"]
    hard = resolve(answer_map, vocabulary, unseen="number")
    assert hard.names == ("number", "other", "yes/no")
    # "left" has its types equally often: it goes to the type most frequent in the map.
    assert [hard.names[t] for t in hard.type_of] == ["other", "other", "number", "number"]
    assert hard.share.tolist() == [[0, 1, 0], [0, 1, 0], [1, 0, 0], [1, 0, 0]]
    assert hard.count.tolist() == [6, 8, 0, 4]
    assert hard.prior.tolist() == [5, 11, 2]
    assert hard.seen.tolist() == [True, True, False, True]
    assert not hard.are_shared
    assert not TypeResolver(answer_map, unseen="number")(vocabulary).are_shared
    columns = (hard.share, hard.type_of, hard.count, hard.prior, hard.seen)
    assert [column.dtype for column in columns] == [
        np.float64,
        np.int64,
        np.int64,
        np.int64,
        np.bool_,
    ]

    soft = resolve(answer_map, vocabulary, unseen="number", soft=True)
    third = 1 / 3
    assert soft.share.tolist() == [[third, third, third], [0, 1, 0], [1, 0, 0], [0.75, 0.25, 0]]
    assert soft.type_of.tolist() == hard.type_of.tolist()
    assert soft.are_shared
    assert not resolve(answer_map, ["cat"], soft=True).are_shared


def test_an_answer_of_types_equally_frequent_goes_to_the_alphabetically_first() -> None:
    answer_map = AnswerMap.from_pairs([("left", "side"), ("left", "other")])
    types = resolve(answer_map, ["left", "right"], unseen="side")
    assert [types.names[t] for t in types.type_of] == ["other", "side"]


def test_a_map_of_one_type_gives_it_to_every_unseen_answer() -> None:
    types = resolve(AnswerMap.from_pairs([("red", "color")]), ["7", "red", ""])
    assert types.type_of.tolist() == [0, 0, 0]
    assert types.count.tolist() == [0, 1, 0]


def test_nothing_has_no_types() -> None:
    types = resolve(WORDS, [])
    assert (types.type_of.shape, types.share.shape) == ((0,), (0, 3))


@pytest.mark.parametrize(
    ("n_types", "dtype"), [(1, np.int8), (128, np.int8), (129, np.int16), (300, np.int16)]
)
def test_votes_have_the_types_of_their_answers_and_abstentions_none(
    n_types: int, dtype: type
) -> None:
    answers = [f"x{n:03}" for n in range(n_types)]
    types = resolve(AnswerMap.from_pairs(zip(answers, answers, strict=True)), answers)
    votes = np.array([[*range(n_types), ABSTAIN]], dtype=np.int32)
    found = types.of(votes)
    assert (found.tolist(), found.dtype) == (votes.tolist(), dtype)


def test_cross_validation_compares_classifier_rule_and_majority() -> None:
    scores = TypeResolver(WORDS).cross_validate()
    assert scores["answers"] == 84
    assert scores["majority type"] == pytest.approx(100 * 60 / 84)
    assert scores["rule"] == 100
    assert scores["classifier"] is not None
    assert scores["classifier"] > scores["majority type"]


@pytest.mark.parametrize(("rarest", "folds"), [(2, 2), (3, 3), (5, 5), (8, 5)])
def test_cross_validation_has_up_to_five_folds_and_learns_from_types_of_one_answer(
    rarest: int, folds: int
) -> None:
    # Hard to guess, so that other splits, and a map without Paris, have other scores.
    pairs = [(str(n**5), "odd" if n % 2 and n < 2 * rarest else "even") for n in range(1, 21)]
    answer_map = AnswerMap.from_pairs([*pairs, ("paris", "place")])
    answers = answer_map.answers[:-1]
    assert answer_map.answers[-1] == "paris"
    types = resolve(answer_map, answers).type_of
    alone = resolve(answer_map, ["paris"]).type_of
    right = 0
    for train, test in StratifiedKFold(folds, shuffle=True, random_state=0).split(answers, types):
        learned = [answers[i] for i in train] + ["paris"]
        model = fit_classifier(learned, np.append(types[train], alone))
        right += (model.predict([answers[i] for i in test]) == types[test]).sum()
    scores = TypeResolver(answer_map).cross_validate()
    assert scores["classifier"] == pytest.approx(100 * right / 21)
    assert scores["rule"] is None


def test_the_classifier_learns_from_the_most_frequent_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(classifier, "MAX_CLASSIFIER_ANSWERS", 12)
    frequent = [(str(n), "number") for n in range(8)] + [("red", "other"), ("dog", "other")]
    rare = [("blau", "other"), ("gelb", "other"), ("rot", "color"), ("zyan", "color")]
    resolver = TypeResolver(AnswerMap.from_pairs(frequent * 3 + rare))
    scores = resolver.cross_validate()
    assert scores["answers"] == 12
    assert scores["majority type"] == pytest.approx(100 * 8 / 12)
    types = resolver(["rotzyan"])
    assert types.names[types.type_of[0]] == "other"  # colors are beyond the twelve


def test_cross_validation_tells_how_often_the_rule_is_right() -> None:
    pairs = [("2", "number"), ("two dogs", "number"), ("yes", "yes/no"), ("red", "other")]
    assert TypeResolver(AnswerMap.from_pairs(pairs)).cross_validate()["rule"] == 75


def test_cross_validation_of_a_map_too_small_says_nothing() -> None:
    tiny = AnswerMap.from_pairs([("yes", "yes/no"), ("2", "number")])
    assert TypeResolver(tiny).cross_validate()["classifier"] is None
    assert TypeResolver(tiny).cross_validate()["rule"] is None


def test_the_classifier_sees_up_to_four_characters_and_both_ends() -> None:
    seen = fit_classifier(["abcde", "z"], np.array([0, 1]))[0].vocabulary_
    assert {len(characters) for characters in seen} == {1, 2, 3, 4}
    assert {"\x02abc", "cde\x03", "\x02z\x03"} <= set(seen)


def test_the_classifier_is_deterministic() -> None:
    vocabulary = [f"word {n}" for n in range(50)]
    first, second = (resolve(WORDS, vocabulary).type_of for _ in range(2))
    assert np.array_equal(first, second)


# -------------------------------------------------------------------- learning a map


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2)), min_size=1),
    st.lists(st.sampled_from(["2", "a", "a\0", "b"]), min_size=5, max_size=5),
)
def test_a_map_is_learned_by_counting(annotations: list[tuple[int, int]], forms: list[str]) -> None:
    names = ["number", "yes/no", "other"]
    answers, types = np.array(annotations, dtype=np.int32).T
    counted = Counter((forms[a], names[t]) for a, t in annotations)
    learned = learn_answer_map(answers, forms, types, names)
    assert {(a, t): n for a, t, n, _ in rows(learned)} == counted


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
        "2,number,3,0.75,",
        "2,other,1,0.25,",
        "cat,other,3,1,",
        "yes,yes/no,3,1,",
        "3,number,1,1,",
        "no,yes/no,1,1,",
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
