"""import: what other tools leave becomes a member, whole, in one piece, or is refused."""

from __future__ import annotations

import json
import random
import re
import zipfile
from collections.abc import Callable
from datetime import datetime, time
from pathlib import Path
from typing import Any

import foreign_files as foreign
import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.ipc
import pytest
from command_line import Ran, Runner
from foreign_files import ANSWERS, IDS, RANKED, VOCABULARY

from vqa_ensemble.importers import FORMATS
from vqa_ensemble.predictions.files import read_predictions


def rows(path: Path) -> dict[object, list[tuple[str, float]]]:
    """Question → its answers with confidences."""
    p = read_predictions(path)
    answers = p.vocabulary.take(pa.array(p.answers)).to_pylist()
    confidences = [round(c, 5) for c in p.confidences.tolist()]
    pairs = list(zip(answers, confidences, strict=True))
    return {q: pairs[p.starts[i] : p.starts[i + 1]] for i, q in enumerate(p.question_ids.tolist())}


def answers(path: Path) -> dict[object, str]:
    return {question: ranked[0][0] for question, ranked in rows(path).items()}


@pytest.fixture
def bring(tmp_path: Path, cli: Runner) -> Callable[..., tuple[Ran, Path]]:
    """Import files into one prediction file; gives the run, which must be good, and the file."""
    output = tmp_path / "m.parquet"

    def bring(*args: object) -> tuple[Ran, Path]:
        return cli.good("import", *args, "-o", output, "--json"), output

    return bring


@pytest.fixture
def refuse(tmp_path: Path, cli: Runner) -> Callable[..., str]:
    """Import files that must be refused; gives the message."""
    output = tmp_path / "m.parquet"

    def refuse(*args: object) -> str:
        ran = cli("import", *args, "-o", output)
        assert ran.code == 1, ran.out
        assert not output.exists()
        assert ran.err.startswith("Error: ")
        assert ran.err.count("\n") == 1
        return ran.err

    return refuse


Bring = Callable[..., tuple[Ran, Path]]
Refuse = Callable[..., str]

HARD = {q: [(a, 1.0)] for q, a in ANSWERS.items()}


# ------------------------------------------------------------------------------ each format


@pytest.mark.parametrize("detected", [True, False])
@pytest.mark.parametrize(
    ("name", "write", "file", "expected"),
    [
        ("lmms-eval", foreign.lmms_eval, "2026_samples_vqav2_test.jsonl", HARD),
        ("vlmevalkit", foreign.vlmevalkit_xlsx, "llava_VQAv2.xlsx", HARD),
        ("vlmevalkit", foreign.vlmevalkit_tsv, "llava_VQAv2.tsv", HARD),
        ("vqa", foreign.vqa, "results.json", HARD),
        ("lavis", foreign.lavis, "val_vqa_result.json", HARD),
        ("mmf", foreign.mmf, "okvqa_run_test.json", RANKED),
        ("gqa", foreign.gqa, "gqa.json", {str(q): v for q, v in HARD.items()}),
        (
            "vizwiz",
            foreign.vizwiz,
            "vizwiz.json",
            {f"VizWiz_test_{i:08}.jpg": v for i, v in enumerate(HARD.values())},
        ),
        ("table", foreign.table_csv, "replies.csv", RANKED),
    ],
)
def test_a_format_gives_its_answers(
    tmp_path: Path,
    bring: Bring,
    name: str,
    write: Callable[[Path], Path],
    file: str,
    expected: dict[object, object],
    detected: bool,
) -> None:
    columns = (
        ("--question-id-column=qid", "--answer-column=reply", "--confidence-column=score")
        if name == "table"
        else ()
    )
    ran, output = bring(*(() if detected else (name,)), write(tmp_path / file), *columns)
    assert rows(output) == expected
    assert ran.json["formats"] == [name]
    assert ran.json["questions"] == 4


@pytest.mark.parametrize(
    ("name", "write", "file", "expected"),
    [
        ("pipeline", foreign.pipeline, "vilt.json", RANKED),
        (
            "openai-batch",
            foreign.openai_batch,
            "batch_output.jsonl",
            {q: [(a, 0.75)] for q, a in ANSWERS.items()},
        ),
    ],
)
def test_a_format_that_needs_the_questions(
    tmp_path: Path,
    bring: Bring,
    name: str,
    write: Callable[[Path], Path],
    file: str,
    expected: dict[object, object],
) -> None:
    questions, _ = foreign.write_benchmark(tmp_path)
    ran, output = bring(write(tmp_path / file), "--questions", questions)
    assert rows(output) == expected
    assert ran.json["formats"] == [name]


def test_every_format_is_in_the_help(cli: Runner) -> None:
    text = cli.good("import", "--help").out
    assert all(f"\n    {name} " in text for name in FORMATS)


# -------------------------------------------------------------------------------- lmms-eval


def sample(doc_id: int, response: object, **keys: object) -> dict[str, object]:
    return {"doc_id": doc_id, "target": "", "filtered_resps": response, **keys}


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ("cat", [("cat", 1.0)]),
        (["cat"], [("cat", 1.0)]),
        ([["cat "]], [("cat", 1.0)]),
        (["2", "3", "2", "2"], [("2", 0.75), ("3", 0.25)]),
        ([["cat"], ["dog"]], [("cat", 0.5), ("dog", 0.5)]),
        ([["-0.5", "False"], ["-0.5", "True"]], [("A", 0.5), ("B", 0.5)]),
        ([["-1e9", "False"], ["-0.25", "True"], ["-inf", "False"]], [("B", 1.0)]),
        ([-800.5, -0.5], [("B", 1.0)]),
        (["-1.5", "-1.5", "2", "-1.5"], [("-1.5", 0.75), ("2", 0.25)]),
        ("-0.5", [("-0.5", 1.0)]),
        # One answer written in several ways adds up.
        (
            ["**cat**", "dog", "Answer: cat", "dog", "<think>a</think>cat"],
            [("cat", 0.6), ("dog", 0.4)],
        ),
        (["(-900.25, False)", "(-0.5, True)", "(-0.5, False)"], [("B", 0.5), ("C", 0.5)]),
        (["(800.5, False)", "(0.5, False)"], [("B", 1.0)]),
        (["(a, True)", "(a, True)"], [("(a, True)", 1.0)]),
        # The loss of most models: the least is the likeliest.
        ([["800.5", "False"], ["0.5", "True"], ["900", "False"]], [("B", 1.0)]),
        ([["0.7", "False"], ["0.7", "True"], ["inf", "False"]], [("A", 0.5), ("B", 0.5)]),
    ],
)
def test_lmms_eval_responses_by_version(
    tmp_path: Path, bring: Bring, response: object, expected: list[tuple[str, float]]
) -> None:
    path = foreign.dump_lines(tmp_path / "s.jsonl", [sample(0, response)])
    _, output = bring("lmms-eval", path, "--by-position")
    assert [pair for pair in rows(output)[0] if pair[1] > 0] == expected


def test_negative_decimals_are_log_likelihoods_where_the_log_says_so(
    tmp_path: Path, bring: Bring
) -> None:
    row = sample(0, ["-800.5", "-0.5"], resps=[[["-800.5", "False"]], [["-0.5", "True"]]])
    path = foreign.dump_lines(tmp_path / "s.jsonl", [row])
    assert answers(bring(path, "--by-position")[1]) == {0: "B"}


@pytest.mark.parametrize(
    ("response", "submission", "answer"),
    [
        ("Two.", {"answer": "2"}, "2"),
        ("Two.", {"answer": "3", "pred": "2"}, "Two."),  # the right answer stands beside it
        ("<think>Three?</think>Two", {"answer": "think three think 2"}, "Two"),
        ("Two.", {"answer": ""}, "Two."),
    ],
)
def test_what_lmms_eval_submits_is_its_answer(
    tmp_path: Path, bring: Bring, response: str, submission: dict[str, str], answer: str
) -> None:
    row = sample(0, response, submission={"question_id": 7, **submission})
    assert answers(bring(foreign.dump_lines(tmp_path / "s.jsonl", [row]))[1]) == {7: answer}


def test_losses_beside_log_likelihoods_are_refused(tmp_path: Path, refuse: Refuse) -> None:
    response = [["-0.5", "False"], ["0.5", "True"]]
    path = foreign.dump_lines(tmp_path / "s.jsonl", [sample(0, response)])
    said = refuse("lmms-eval", path, "--by-position")
    assert "line 1: log-likelihoods of both signs (-0.5, 0.5)" in said


@pytest.mark.parametrize(
    ("row", "question"),
    [
        ({"submission": {"question_id": 7, "answer": "x"}}, 7),
        ({"docvqa": {"questionId": 7, "answer": "x"}}, 7),
        ({"doc": {"question_id": 7}}, 7),
        ({"question_id": "7"}, "7"),
        ({"submission": {"image": "7.jpg", "answer": "x"}}, 7),
        ({"submission": {"image": "V_1.jpg.jpg", "answer": "x"}}, "V_1.jpg"),
        ({"submission": {"image": "V_1.jpg", "answer": "x"}}, "V_1.jpg"),
    ],
)
def test_lmms_eval_question_ids(
    tmp_path: Path, bring: Bring, row: dict[str, object], question: object
) -> None:
    path = foreign.dump_lines(tmp_path / "s.jsonl", [sample(3, "x", **row)])
    assert answers(bring(path)[1]) == {question: "x"}


def test_lmms_eval_without_ids_is_joined_by_doc_id(
    tmp_path: Path, bring: Bring, refuse: Refuse
) -> None:
    questions, _ = foreign.write_benchmark(tmp_path)
    logged = [sample(i, [a]) for i, a in enumerate(ANSWERS.values())]
    random.Random(0).shuffle(logged)
    path = foreign.dump_lines(tmp_path / "s.jsonl", logged)
    assert answers(bring(path, "--questions", questions)[1]) == ANSWERS
    (tmp_path / "m.parquet").unlink()
    assert "Give --questions FILE in the order of the data set" in refuse(path)
    foreign.dump_lines(path, [*logged, sample(4, "x")])
    assert "line 5: is the answer at place 4, but there are 4" in refuse(
        path, "--questions", questions
    )


def test_older_logs_and_rows_without_filtered_responses(tmp_path: Path, bring: Bring) -> None:
    logs = [{"doc_id": 1, "resps": [["cat"]]}, {"doc_id": 0, "resps": [["dog"]]}]
    path = foreign.dump(tmp_path / "vqav2.json", {"args": {}, "logs": logs})
    assert answers(bring(path, "--by-position")[1]) == {0: "dog", 1: "cat"}


# ------------------------------------------------------------------- twice, contradictions


def test_files_of_several_gpus_appended_twice_are_one_run(tmp_path: Path, bring: Bring) -> None:
    whole = foreign.lmms_eval(tmp_path / "a.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "rank0.jsonl").write_text("".join(whole[:2] * 2))
    (tmp_path / "rank1.jsonl").write_text("".join(whole[2:] + whole[:1]))
    ran, output = bring(tmp_path / "rank1.jsonl", tmp_path / "rank0.jsonl")
    assert answers(output) == ANSWERS
    assert ran.json["repeated"] == 3


def test_the_order_of_rows_does_not_matter(tmp_path: Path, bring: Bring) -> None:
    lines = foreign.lmms_eval(tmp_path / "a.jsonl").read_text().splitlines(keepends=True)
    written = []
    for seed in range(3):
        random.Random(seed).shuffle(lines)
        (tmp_path / "b.jsonl").write_text("".join(lines))
        written.append(rows(bring(tmp_path / "b.jsonl")[1]))
    assert written[0] == written[1] == written[2]


def test_two_answers_to_one_question_are_refused(tmp_path: Path, refuse: Refuse) -> None:
    first = foreign.dump(tmp_path / "a.json", [{"question_id": 1, "answer": "cat"}])
    second = foreign.dump(tmp_path / "b.json", [{"question_id": 1, "answer": "dog"}])
    message = refuse(first, second)
    assert f"{second}, row 0: question 1 is answered 'dog', and 'cat' in {first}, row 0" in message
    assert "answered" in refuse(
        foreign.dump(tmp_path / "c.json", [{"question_id": 1, "answer": a} for a in "xy"])
    )


def test_a_failed_request_that_was_tried_again_is_answered(tmp_path: Path, bring: Bring) -> None:
    failed = [{"index": 1, "prediction": "Failed to obtain answer via API."}]
    path = foreign.dump(tmp_path / "a.json", [*failed, {"index": 1, "prediction": "cat"}, *failed])
    ran, output = bring(path)
    assert answers(output) == {1: "cat"}
    assert ran.json["missing"] == {}


def test_questions_unknown_or_left_out(tmp_path: Path, bring: Bring, refuse: Refuse) -> None:
    questions, _ = foreign.write_benchmark(tmp_path)
    path = foreign.dump(tmp_path / "a.json", [{"question_id": str(IDS[0]), "answer": "cat"}])
    ran, output = bring(path, "--questions", questions)
    assert answers(output) == {IDS[0]: "cat"}, "ids take the type they have in the questions"
    assert ran.json["unanswered"] == 3
    output.unlink()
    foreign.dump(path, [{"question_id": 5, "answer": "cat"}])
    assert "row 0: question 5 is not in the questions file" in refuse(
        path, "--questions", questions
    )


# ------------------------------------------------------------------------------- VLMEvalKit


def test_text_that_other_readers_take_for_nothing_survives(tmp_path: Path, bring: Bring) -> None:
    texts = ["None", "NA", "nan", "null", "2", "2.50", "TRUE", "=1+1", "007", "-"]
    frame = pd.DataFrame({"index": range(len(texts)), "prediction": texts})
    expected = dict(enumerate(texts))
    frame.to_csv(tmp_path / "a.tsv", sep="\t", index=False, quoting=1)
    assert answers(bring("vlmevalkit", tmp_path / "a.tsv")[1]) == expected
    frame.to_excel(tmp_path / "a.xlsx", index=False)
    assert answers(bring("vlmevalkit", tmp_path / "a.xlsx")[1]) == expected
    foreign.dump(tmp_path / "a.json", frame.to_dict("records"))
    assert answers(bring("vlmevalkit", tmp_path / "a.json")[1]) == expected


def test_control_characters_in_a_workbook(tmp_path: Path, bring: Bring) -> None:
    # XML cannot hold them, so that the tool's xlsxwriter escapes them: _x000D_.
    texts = ["line\r\nbreak", "\x08bell", "_x000D", "x_000D_"]
    path = foreign.xlsxwriter(tmp_path / "a.xlsx", list(enumerate(texts)))
    assert answers(bring("vlmevalkit", path)[1]) == dict(enumerate(texts))


def test_json_of_a_table_with_gaps(tmp_path: Path, bring: Bring, refuse: Refuse) -> None:
    """NaN is no JSON, but the tool writes it where a question has fewer options."""
    table = [
        {"index": 1, "A": "cat", "B": "dog", "C": float("nan"), "prediction": "C"},
        {"index": 2, "A": "cat", "B": "dog", "C": "NaN", "prediction": "NaN"},
        {"index": 3, "A": "cat", "B": "dog", "C": "cow", "prediction": float("nan")},
    ]
    ran, output = bring(foreign.dump(tmp_path / "a.json", table))
    assert answers(output) == {2: "C"}
    assert ran.json["missing"] == {"no single option recognised": 1, "the answer is empty": 1}
    foreign.dump_lines(tmp_path / "a.jsonl", table)
    assert answers(bring(tmp_path / "a.jsonl")[1]) == {2: "C"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[{"index": NaN, "prediction": "cat"}]', "'index' is nan"),
        ('[{"question_id": 1, "answer": "cat", "confidence": NaN}]', "'confidence' is nan"),
        (
            '[{"question_id": 1, "answer": "cat", "confidence": Infinity}]',
            "cat' to question 1 is inf",
        ),
        ('[{"question_id": NaN,\n "answer" "cat"}]', "line 2 column 11: not valid JSON"),
        ('[{"question_id": NaN, "answer": "\\ud800"}]', "not valid JSON"),
        ("NaN" + "[" * 100_000, "not valid JSON"),
    ],
)
def test_nan_in_json_where_it_cannot_be(
    tmp_path: Path, refuse: Refuse, content: str, message: str
) -> None:
    (tmp_path / "a.json").write_text(content)
    assert message in refuse(tmp_path / "a.json")


def test_a_failed_request_is_no_vote(tmp_path: Path, bring: Bring, refuse: Refuse) -> None:
    table = [
        {"index": 1, "prediction": "Failed to obtain answer via API. "},
        {"index": 2, "prediction": "cat"},
        {"index": 3, "prediction": " "},
    ]
    ran, output = bring(foreign.dump(tmp_path / "a.json", table))
    assert answers(output) == {2: "cat"}
    assert ran.json["missing"] == {"the model's service failed": 1, "the answer is empty": 1}
    output.unlink()
    assert "holds no votes (the model's service failed: 1)" in refuse(
        foreign.dump(tmp_path / "a.json", table[:1])
    )


def test_what_was_thought_aloud_is_no_answer(tmp_path: Path, bring: Bring) -> None:
    table = [
        {"index": 1, "A": "cat", "B": "dog", "prediction": "<think>A? No: B or A.</think>\n\nB"},
        {"index": 2, "A": "cat", "B": "dog", "prediction": "cat</think>dog"},
        {"index": 3, "A": "cat", "B": "dog", "prediction": "<think>It is A</think>"},
    ]
    ran, output = bring(foreign.dump(tmp_path / "a.json", table))
    assert answers(output) == {1: "B", 2: "B"}
    assert ran.json["missing"] == {"nothing follows the reasoning": 1}
    assert ran.json["extracted"] == {"reasoning": 2, "letter": 1}


def test_multiple_choice_gives_letters(tmp_path: Path, bring: Bring) -> None:
    options = {"A": "a cat", "B": "a dog", "C": "", "D": ""}
    told = {1: "B", 2: "(A) a cat", 3: "I see a dog.", 4: "both", 5: "The answer is A"}
    frame = pd.DataFrame([{"index": q, **options, "prediction": p} for q, p in told.items()])
    frame.to_csv(tmp_path / "a.tsv", sep="\t", index=False)
    ran, output = bring(tmp_path / "a.tsv")
    assert answers(output) == {1: "B", 2: "A", 3: "B", 5: "A"}
    assert ran.json["missing"] == {"no single option recognised": 1}


def test_pickles_are_never_read(tmp_path: Path, refuse: Refuse) -> None:
    (tmp_path / "a.pkl").write_bytes(b"cos\nsystem\n(S'touch ran'\ntR.")
    for arguments in ([], ["vlmevalkit"], ["lavis"], ["table"], ["logits"]):
        assert "is a Python pickle" in refuse(*arguments, tmp_path / "a.pkl")
    np.save(tmp_path / "o.npy", np.array([{"a": 1}], dtype=object))
    assert "not a readable NumPy file" in refuse(tmp_path / "o.npy")


# ------------------------------------------------------------------------- LAVIS, GQA, HF


def test_lavis_partial_results_are_left_out(tmp_path: Path, bring: Bring, refuse: Refuse) -> None:
    part = foreign.dump(tmp_path / "val_rank0.json", [{"question_id": 9, "answer": "part"}])
    whole = foreign.vqa(tmp_path / "val.json")
    ran, output = bring(part, whole)
    assert answers(output) == ANSWERS
    assert (ran.json["files"], ran.json["partial_files"]) == (1, 1)
    output.unlink()
    assert f"holds the results of one rank only. Give {whole}" in refuse(part)
    whole.unlink()
    assert answers(bring(part)[1]) == {9: "part"}, "nothing merges it"


def test_a_okvqa_dictionaries(tmp_path: Path, bring: Bring) -> None:
    document = {
        "22Mex": {"direct_answer": "cat", "multiple_choice": ""},
        "2aAbC": {"multiple_choice": "dog"},
    }
    ran, output = bring(foreign.dump(tmp_path / "a.json", document))
    assert answers(output) == {"22Mex": "cat", "2aAbC": "dog"}
    assert ran.json["formats"] == ["lavis"]


def test_gqa_ids_keep_their_zeros(tmp_path: Path, bring: Bring) -> None:
    results = [{"questionId": "02930152", "prediction": "no"}]
    assert answers(bring(foreign.dump(tmp_path / "a.json", results))[1]) == {"02930152": "no"}


@pytest.mark.parametrize("form", ["object", "rows", "lines", "generated"])
def test_ways_to_save_pipeline_output(tmp_path: Path, bring: Bring, form: str) -> None:
    entries = {q: [{"score": c, "answer": a} for a, c in pairs] for q, pairs in RANKED.items()}
    expected: object = RANKED
    saved = [{"question_id": q, "output": entry} for q, entry in entries.items()]
    if form == "object":
        path = foreign.dump(tmp_path / "a.json", entries)
    elif form == "rows":
        path = foreign.dump(tmp_path / "a.json", saved)
    elif form == "lines":
        path = foreign.dump_lines(tmp_path / "a.jsonl", saved)
    else:
        path = foreign.dump(tmp_path / "a.json", {q: [{"answer": a}] for q, a in ANSWERS.items()})
        expected = HARD
    ran, output = bring(path)
    assert rows(output) == expected
    assert ran.json["formats"] == ["pipeline"]


def test_pipeline_output_a_line_a_question(tmp_path: Path, bring: Bring, refuse: Refuse) -> None:
    entries = [[{"score": c, "answer": a} for a, c in pairs] for pairs in RANKED.values()]
    path = tmp_path / "vilt.jsonl"
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    questions, _ = foreign.write_benchmark(tmp_path)
    for named in ([], ["pipeline"]):
        ran, output = bring(*named, path, "--questions", questions)
        assert rows(output) == RANKED
        assert ran.json["formats"] == ["pipeline"]
    output.unlink()
    path.write_text(path.read_text() + '"cat"\n')
    assert f"{path}, line 5: is 'cat'" in refuse(path, "--questions", questions)


def test_pipeline_rows_of_a_single_answer(tmp_path: Path, bring: Bring) -> None:
    best = [{"question_id": q, "score": c, "answer": a} for q, ((a, c), *_) in RANKED.items()]
    expected = {q: pairs[:1] for q, pairs in RANKED.items()}
    asked = [{"question": "?", "image": "a.jpg", **row} for row in best]
    for saved in (best, asked):
        ran, output = bring(foreign.dump(tmp_path / "a.json", saved))
        assert rows(output) == expected
        assert ran.json["formats"] == ["pipeline"]
    # Beside other columns, a score need not be a confidence: only who says so has it read as one.
    path = foreign.dump(tmp_path / "a.json", [{**row, "gt": "cat"} for row in best])
    ran, output = bring(path)
    assert rows(output) == HARD
    assert ran.json["formats"] == ["vqa"]
    assert rows(bring("pipeline", path)[1]) == expected


def test_answers_of_people_are_not_taken_for_the_models(tmp_path: Path, bring: Bring) -> None:
    """A data set's columns stay beside the output that ``datasets`` maps it to."""
    human = [{"answer": "stop", "answer_confidence": "yes", "answer_id": i} for i in range(10)]
    saved = [
        {
            "question_id": q,
            "answers": human,
            "tags": [],
            "output": [{"score": c, "answer": a} for a, c in pairs],
        }
        for q, pairs in RANKED.items()
    ]
    for named in ([], ["pipeline"]):
        ran, output = bring(*named, foreign.dump_lines(tmp_path / "a.jsonl", saved))
        assert rows(output) == RANKED
        assert ran.json["formats"] == ["pipeline"]
    results = [{"question_id": q, "pred_source": [], "answer": a} for q, a in ANSWERS.items()]
    ran, output = bring(foreign.dump(tmp_path / "a.json", results))
    assert rows(output) == HARD
    assert ran.json["formats"] == ["vqa"]


@pytest.mark.parametrize("ending", ["json", "parquet"])
def test_a_column_of_right_answers_is_not_guessed_at(
    tmp_path: Path, bring: Bring, refuse: Refuse, ending: str
) -> None:
    saved = [{"question_id": q, "answer": "stop", "prediction": a} for q, a in ANSWERS.items()]
    path = tmp_path / f"a.{ending}"
    if ending == "json":
        foreign.dump(path, saved)
    else:
        pd.DataFrame(saved).to_parquet(path)
    assert "'answer' and 'prediction'" in refuse(path)
    assert rows(bring(path, "--answer-column", "prediction")[1]) == HARD
    assert set(answers(bring("table", path)[1]).values()) == {"stop"}


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("chat", [True, False])
def test_text_generated_from_image_and_text(
    tmp_path: Path, bring: Bring, full: bool, chat: bool
) -> None:
    def entry(answer: str) -> list[dict[str, object]]:
        parts = [{"type": "image", "url": "a.jpg"}, {"type": "text", "text": "Where?"}]
        asked: Any = [{"role": "user", "content": parts}] if chat else "<image> Where?"
        told: Any = [{"role": "assistant", "content": f" {answer}"}] if chat else f" {answer}"
        text = asked + told if full else f" {answer}"
        return [{"input_text": asked, "generated_text": text}]

    path = foreign.dump(tmp_path / "vlm.json", [entry(answer) for answer in ANSWERS.values()])
    questions, _ = foreign.write_benchmark(tmp_path)
    ran, output = bring(path, "--questions", questions)
    assert rows(output) == HARD
    assert ran.json["formats"] == ["pipeline"]


# ------------------------------------------------------------------------------ OpenAI batch


def request(custom_id: str, body: object, **keys: object) -> dict[str, object]:
    return {"custom_id": custom_id, "response": {"status_code": 200, "body": body}, **keys}


def chat(*texts: str | None, logprobs: object = None) -> dict[str, object]:
    return {
        "choices": [
            {"index": i, "message": {"role": "assistant", "content": text}, "logprobs": logprobs}
            for i, text in enumerate(texts)
        ]
    }


def test_openai_endpoints_samples_and_failures(tmp_path: Path, bring: Bring) -> None:
    part = {"type": "output_text", "text": "cat", "logprobs": [{"token": "cat", "logprob": 0.0}]}
    output_items = [{"type": "reasoning"}, {"type": "message", "content": [part]}]
    batch = [
        request("1", chat("a", "b", "a", "a")),
        request("2", {"choices": [{"text": " no", "logprobs": {"token_logprobs": [-9999.0]}}]}),
        request("3", {"output": output_items}),
        request("4", chat(None)),
        {"custom_id": "5", "response": None, "error": {"code": "batch_expired"}},
        {"custom_id": "6", "response": {"status_code": 429, "body": {"error": {}}}, "error": None},
    ]
    ran, output = bring(foreign.dump_lines(tmp_path / "b.jsonl", batch), "--confidence", "0.5")
    assert rows(output) == {1: [("a", 0.75), ("b", 0.25)], 2: [("no", 0.5)], 3: [("cat", 1.0)]}
    assert ran.json["missing"] == {"the model refused": 1, "the request failed": 2}


def test_openai_body_of_an_unknown_kind(tmp_path: Path, refuse: Refuse) -> None:
    path = foreign.dump_lines(tmp_path / "b.jsonl", [request("1", {"embedding": []})])
    assert f"{path}, line 1: has no response of a kind that is known" in refuse(path)


def test_openai_texts_that_were_cut_off_are_no_votes(tmp_path: Path, bring: Bring) -> None:
    def stopped(reason: str, *texts: str) -> dict[str, object]:
        body = chat(*texts)
        for choice in body["choices"]:  # type: ignore[attr-defined]
            choice["finish_reason"] = reason
        return body

    several = chat("cat", "a do", "cat", "dog")
    several["choices"][1]["finish_reason"] = "length"  # type: ignore[index]
    part = {"type": "output_text", "text": "a ca"}
    batch = [
        request("1", stopped("stop", "cat")),
        request("2", stopped("length", "a ca")),
        request("3", stopped("content_filter", "")),
        request("4", several),
        request(
            "5",
            {
                "output": [{"type": "message", "content": [part]}],
                "incomplete_details": {"reason": "max_output_tokens"},
            },
        ),
    ]
    path = foreign.dump_lines(tmp_path / "b.jsonl", batch)
    ran, output = bring(path)
    assert answers(output) == {1: "cat", 4: "cat"}
    assert ran.json["missing"] == {
        "cut off: finish_reason length": 2,
        "cut off: finish_reason content filter": 1,
    }
    assert answers(bring(path, "--extract", "none")[1])[2] == "a ca"


# ---------------------------------------------------------------------- answers in longer texts


@pytest.mark.parametrize("ending", ["json", "csv", "xlsx", "parquet"])
def test_every_format_reads_answers_out_of_texts(tmp_path: Path, bring: Bring, ending: str) -> None:
    told = {
        1: "<think>A cat?</think> dog",
        2: "<think>A cat or",
        3: "**Answer:** 2",
        4: "x" * 32_767,
        5: "The answer is C. Option D is wrong.",
        6: "red",
    }
    table = [{"question_id": q, "answer": text} for q, text in told.items()]
    path = tmp_path / f"a.{ending}"
    if ending == "json":
        foreign.dump(path, table)
    else:
        frame = pd.DataFrame(table)
        write = {"csv": frame.to_csv, "xlsx": frame.to_excel}.get(ending)
        write(path, index=False) if write else frame.to_parquet(path)
    named = () if ending == "json" else ("table",)
    ran, output = bring(*named, path)
    assert answers(output) == {1: "dog", 3: "2", 5: "C", 6: "red"}
    assert ran.json["missing"] == {
        "cut off inside its reasoning": 1,
        "cut at the 32,767 characters of a spreadsheet's cell": 1,
    }
    assert ran.json["extracted"] == {"reasoning": 1, "answer phrase": 2, "letter": 1}
    assert ran.json["examples"]["reasoning"] == [told[1], "dog"]
    assert answers(bring(*named, path, "--extract", "none")[1]) == told
    assert answers(bring(*named, path, "--extract", "(dog|red|cat)")[1]) == {
        1: "dog",
        2: "cat",
        6: "red",
    }


def test_an_extract_that_is_no_expression(tmp_path: Path, refuse: Refuse) -> None:
    path = foreign.vqa(tmp_path / "a.json")
    assert "--extract is '(', which is no regular expression" in refuse(path, "--extract", "(")


def test_rows_with_options_give_letters_in_any_format(tmp_path: Path, bring: Bring) -> None:
    options = ["a bus", "a tram", "a ship"]
    told = {1: "B, not option A.", 2: "A or B", 3: "(c) a ship", 4: "It is a bus. Answer: A"}
    letters = {1: "B", 3: "C", 4: "A"}
    table = [{"question_id": q, "answer": text, "options": options} for q, text in told.items()]
    logged = [
        sample(q, text, question_id=q, doc={"options": str(options)}) for q, text in told.items()
    ]
    for path in (
        foreign.dump(tmp_path / "a.json", table),
        foreign.dump_lines(tmp_path / "a.jsonl", logged),
    ):
        ran, output = bring(path)
        assert answers(output) == letters
        assert ran.json["missing"] == {"no single option recognised": 1}
    pd.DataFrame(table).to_parquet(tmp_path / "a.parquet")
    assert answers(bring("table", tmp_path / "a.parquet")[1]) == letters
    # Open answers to questions that have options too.
    expected = dict(zip(told, ["a bus", "rails", "a", "sea"], strict=True))
    direct = [{**row, "answer": expected[i]} for i, row in enumerate(table, start=1)]
    assert answers(bring(foreign.dump(tmp_path / "a.json", direct))[1]) == expected


def test_samples_are_votes_within_the_member(tmp_path: Path, bring: Bring, refuse: Refuse) -> None:
    texts = ["**cat**", "dog", "Answer: cat", "dog", "cat"]
    one = foreign.dump(tmp_path / "a.json", [{"question_id": 1, "answer": text} for text in texts])
    assert "give --samples" in refuse(one)
    expected = {1: [("cat", 0.6), ("dog", 0.4)]}
    assert rows(bring(one, "--samples")[1]) == expected
    (tmp_path / "a.csv").write_text("question_id,answer\n" + "".join(f"1,{t}\n" for t in texts))
    assert rows(bring("table", tmp_path / "a.csv", "--samples")[1]) == expected
    files = [
        foreign.dump(tmp_path / f"{i}.json", [{"question_id": 1, "answer": text}])
        for i, text in enumerate(texts)
    ]
    assert rows(bring(*files, "--samples")[1]) == expected


def test_raw_answers_are_told_of_and_normalised(tmp_path: Path, cli: Runner) -> None:
    texts = {q: ("Yes.", "A red car", "B", "2")[q % 4] for q in range(40)}
    table = [{"question_id": q, "answer": text} for q, text in texts.items()]
    path, output = foreign.dump(tmp_path / "a.json", table), tmp_path / "m.parquet"
    ran = cli.good("import", path, "-o", output)
    assert '20 of 40 (50%) change ("Yes." is "yes")' in ran.err
    assert answers(output) == texts
    ran = cli.good("import", path, "-o", output, "--normalize", "--json")
    assert (ran.err, ran.json["raw"]) == ("", 0)
    assert answers(output) == {q: ("yes", "red car", "B", "2")[q % 4] for q in range(40)}


def test_numbers_keep_their_digits(tmp_path: Path, bring: Bring) -> None:
    numbers = [12345678.0, 10250.75, 262144001.0, 2.0, 0.1]
    expected = dict(enumerate(["12345678", "10250.75", "262144001", "2", "0.1"]))
    frame = pd.DataFrame({"question_id": range(5), "answer": numbers})
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_excel(tmp_path / "a.xlsx", index=False)
    foreign.dump(tmp_path / "a.json", frame.to_dict("records"))
    for ending in ("parquet", "xlsx", "json"):
        assert answers(bring("table", tmp_path / f"a.{ending}")[1]) == expected
    small = frame.astype({"answer": "float32"})[lambda rows: rows.answer < 20_000]
    small.to_parquet(tmp_path / "b.parquet")
    assert answers(bring("table", tmp_path / "b.parquet")[1]) == {1: "10250.75", 3: "2", 4: "0.1"}


def test_cells_are_read_as_the_sheet_shows_them(tmp_path: Path, bring: Bring) -> None:
    day = datetime(2020, 1, 2, 15, 4, 5)
    cells: list[tuple[object, str | None, str]] = [
        (True, None, "TRUE"),
        (day.date(), None, "2020-01-02"),
        (day, None, "2020-01-02 15:04:05"),
        (day, "d/m/yyyy", "2/1/2020"),
        (day, "mm-dd-yy", "1/2/2020"),
        (day, "mmm d, yyyy h:mm AM/PM", "Jan 2, 2020 3:04 PM"),
        (time(10, 30), "h:mm", "10:30"),
        (0.5, "0%", "50%"),
        (0.5, "0.00", "0.50"),
        (0.5, None, "0.5"),
    ]
    book = openpyxl.Workbook()
    book.active.append(["question_id", "answer"])
    for i, (value, form, _) in enumerate(cells):
        book.active.append([i, value])
        if form:
            book.active.cell(i + 2, 2).number_format = form
    book.save(tmp_path / "a.xlsx")
    expected = {i: shown for i, (_, _, shown) in enumerate(cells)}
    assert answers(bring("table", tmp_path / "a.xlsx")[1]) == expected


# ----------------------------------------------------------------------------------- logits


@pytest.mark.parametrize("kind", ["npy", "npz", "pt", "pt with ids"])
@pytest.mark.parametrize("vocabulary", ["lines", "list", "numbers", "id2label"])
def test_logits(tmp_path: Path, bring: Bring, kind: str, vocabulary: str) -> None:
    if vocabulary == "numbers" and kind.startswith("pt"):
        pytest.skip("each once is enough")
    questions, _ = foreign.write_benchmark(tmp_path)
    path = tmp_path / f"scores.{kind[:3].strip()}"
    array = np.array(foreign.scores(), dtype=np.float32)
    arguments: tuple[object, ...] = ("--questions", questions)
    if kind == "npy":
        np.save(path, array)
    elif kind == "npz":
        np.savez(path, logits=array[::-1], question_ids=IDS[::-1])
        arguments = ()
    else:
        torch = pytest.importorskip("torch")
        tensor = torch.tensor(array, dtype=torch.bfloat16 if kind == "pt" else torch.float32)
        whole = {"logits": tensor, "question_ids": torch.tensor(IDS)}
        torch.save(tensor if kind == "pt" else whole, path)
        arguments = ("--questions", questions) if kind == "pt" else ()
    forms = {
        "list": VOCABULARY,
        "numbers": {answer: i for i, answer in enumerate(VOCABULARY)},
        "id2label": {"id2label": {str(i): answer for i, answer in enumerate(VOCABULARY)}},
    }
    if vocabulary == "lines":
        names = tmp_path / "answers.txt"
        names.write_text("\n".join(VOCABULARY))
    else:
        names = foreign.dump(tmp_path / "answers.json", forms[vocabulary])
    _, output = bring(path, "--vocabulary", names, "--top-k", 2, *arguments)
    for question, ranked in rows(output).items():
        assert [answer for answer, _ in ranked] == [answer for answer, _ in RANKED[question]]  # type: ignore[index]
        assert [c for _, c in ranked] == pytest.approx([0.75, 0.25], abs=0.01)


@pytest.mark.parametrize(
    ("activation", "confidences"), [("softmax", [0.9, 0.1]), ("sigmoid", [0.9, 0.5])]
)
def test_activations(
    tmp_path: Path, bring: Bring, activation: str, confidences: list[float]
) -> None:
    np.savez(tmp_path / "s.npz", logits=[[np.log(9), 0.0]], question_ids=[1], vocabulary=["a", "b"])
    _, output = bring(tmp_path / "s.npz", "--activation", activation)
    assert [c for _, c in rows(output)[1]] == pytest.approx(confidences, abs=1e-5)


def test_logits_that_do_not_fit(tmp_path: Path, refuse: Refuse) -> None:
    path, names = tmp_path / "s.npy", tmp_path / "answers.txt"
    names.write_text("a\nb\n")
    np.save(path, np.zeros((2, 3)))
    assert "does not say which answers" in refuse(path)
    assert "has 3 columns, the vocabulary 2 answers" in refuse(path, "--vocabulary", names)
    np.save(path, np.array([[0.0, 1.0], [np.nan, 0.0]]))
    assert "row 1: a score is nan" in refuse(path, "--vocabulary", names, "--by-position")
    np.save(path, np.array([[0.5, 1.5]]))
    message = refuse(path, "--vocabulary", names, "--by-position", "--activation", "none")
    assert "confidence of 'b' to question 0 is 1.5" in message
    np.save(path, np.zeros(3))
    assert "'logits' is float64 of shape (3,)" in refuse(path, "--vocabulary", names)
    path.write_bytes(path.read_bytes()[:20])
    assert "not a readable NumPy file" in refuse(path, "--vocabulary", names)
    foreign.dump(tmp_path / "gap.json", {"a": 0, "b": 2})
    np.save(path, np.zeros((2, 2)))
    assert "is no vocabulary" in refuse(path, "--vocabulary", tmp_path / "gap.json")


def test_tensors_that_hold_code_are_refused(tmp_path: Path, refuse: Refuse) -> None:
    torch = pytest.importorskip("torch")
    torch.save({"logits": Path("x")}, tmp_path / "s.pt")
    assert "not a readable file of tensors" in refuse(tmp_path / "s.pt")


def test_batches_of_logits_are_refused_with_the_way_to_join_them(
    tmp_path: Path, refuse: Refuse
) -> None:
    torch = pytest.importorskip("torch")
    torch.save([torch.zeros(2, 3), torch.zeros(1, 3)], tmp_path / "s.pt")
    assert "'logits' is a list" in (message := refuse(tmp_path / "s.pt"))
    assert "torch.cat(batches)" in message


# ----------------------------------------------------------------------------------- tables


def test_tables_of_every_kind(tmp_path: Path, bring: Bring) -> None:
    frame = pd.DataFrame(
        [(q, a, c) for q, pairs in RANKED.items() for a, c in pairs],
        columns=["question_id", "answer", "confidence"],
    )
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_json(tmp_path / "t.jsonl", orient="records", lines=True)
    frame.to_excel(tmp_path / "t.xlsx", index=False)
    frame.to_csv(tmp_path / "t.tsv", index=False, sep="\t")
    folder = tmp_path / "dataset"
    folder.mkdir()
    lists = pa.table(
        {
            "question_id": IDS,
            "answer": [[a for a, _ in RANKED[q]] for q in IDS],
            "confidence": [[c for _, c in RANKED[q]] for q in IDS],
        }
    )
    for i in range(2):
        shard = lists.slice(2 * i, 2)
        with pa.ipc.new_stream(folder / f"data-{i}.arrow", shard.schema) as stream:
            stream.write_table(shard)
    for name in ("t.parquet", "t.jsonl", "t.xlsx", "t.tsv", "dataset"):
        assert rows(bring("table", tmp_path / name)[1]) == RANKED, name


def test_tables_that_contradict_themselves(tmp_path: Path, bring: Bring, refuse: Refuse) -> None:
    path = tmp_path / "t.csv"
    path.write_text("question_id,answer\n1,cat\n1,cat\n")
    assert answers(bring(path)[1]) == {1: "cat"}
    (tmp_path / "m.parquet").unlink()
    path.write_text("question_id,answer\n1,cat\n1,dog\n")
    assert "line 3: question 1 has the answer 'dog' here and 'cat' in line 2" in refuse(path)
    path.write_text("question_id,answer,confidence\n1,cat,0.5\n1,cat,0.7\n")
    assert "has confidence 0.7 here and 0.5 in line 2" in refuse(path)
    path.write_text("question_id,answer,confidence\n1,cat,high\n")
    assert "line 2: 'confidence' is 'high', not a number" in refuse(path)
    path.write_text("qid,answer\n1,cat\n")
    assert "has no 'question_id'; it has: qid, answer" in refuse("table", path)
    assert "--question-id-column" in refuse(path)


# ------------------------------------------------------------------------------- confidence


def test_confidence_of_hard_answers(tmp_path: Path, bring: Bring, cli: Runner) -> None:
    _, annotations = foreign.write_benchmark(tmp_path)
    path = foreign.vqa(tmp_path / "a.json")
    assert {c for ((_, c),) in rows(bring(path)[1]).values()} == {1.0}
    assert {c for ((_, c),) in rows(bring(path, "--confidence", 0.25)[1]).values()} == {0.25}
    measured = ("--confidence", "accuracy", "--annotations", annotations)
    ran, output = bring(path, *measured)
    assert {c for ((_, c),) in rows(output).values()} == {0.75}
    assert (ran.json["confidence"], ran.json["hard_answers"]) == (0.75, 4)
    ran, _ = bring(foreign.mmf(tmp_path / "b.json"), *measured)
    assert (ran.json["confidence"], ran.json["hard_answers"]) == (None, 0)
    for wrong in (("--confidence", "2"), ("--confidence", "accuracy"), measured[2:]):
        assert cli("import", path, "-o", output, *wrong).code == 2


def test_accuracy_is_by_the_benchmarks_own_metric(
    tmp_path: Path, bring: Bring, cli: Runner
) -> None:
    known = tmp_path / "gqa.json"
    known.write_text(
        '{"01": {"imageId": "n", "answer": "yes"}, "02": {"imageId": "n", "answer": "two"}}'
    )
    path = tmp_path / "a.json"
    path.write_text(
        '[{"question_id": "01", "answer": "yes"}, {"question_id": "02", "answer": "2"}]'
    )
    measured = ("--confidence", "accuracy", "--annotations", known)
    ran, output = bring(path, *measured)
    assert (ran.json["confidence"], ran.json["metric"]) == (0.5, "gqa")
    ran, output = bring(path, *measured, "--metric", "exact-match")
    assert (ran.json["confidence"], ran.json["metric"]) == (1.0, "exact-match")
    said = cli.good("import", path, "-o", output, *measured).out
    assert "given 0.5, their accuracy by gqa" in said
    assert cli("import", path, "-o", output, "--metric", "gqa").code == 2


# ------------------------------------------------------------------------------ broken files


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("a.json", "[{", "not valid JSON"),
        ("a.json", "[]", "holds no rows"),
        ("a.json", "[1]", "row 0: is not an object"),
        ("a.json", '{"x": 1}', "holds no list of rows"),
        ("a.json", '{"index": {"0": 1}, "prediction": {"0": "a"}}', "orient='records'"),
        ("a.json", '[{"x": 1}]', "of no known format; its first row has: x"),
        ("a.json", '[{"question_id": null, "answer": "x"}]', "row 0: 'question_id' is None"),
        (
            "a.json",
            '[{"question_id": 1, "answer": ["x"]}]',
            "row 0: 'answer' is ['x']. It must be text",
        ),
        (
            "a.json",
            '[{"question_id": 1, "answer": "x"}, {"question_id": 2}]',
            "row 1: has no 'answer'",
        ),
        ("a.jsonl", '{"question_id": 1, "answer": "x"}\n{"quest', "line 2: not valid JSON"),
        ("a.jsonl", "\n", "holds no rows"),
        ("a.csv", "", "has no header"),
        ("a.csv", "question_id,answer\n", "holds no rows"),
        ("a.csv", 'question_id,answer\n1,"cat', "is not CSV"),
        ("a.csv", "question_id,answer\n1,a,b\n", "line 2: has 3 fields, the header 2"),
        ("a.csv", "answer,answer\n1,2\n", "has the column 'answer' twice"),
        ("a.tsv", "index\tprediction\n1", "line 2: has 1 fields, the header 2"),
        ("a.xlsx", "PK", "not a readable .xlsx workbook"),
        ("a.parquet", "PAR1", "not a readable parquet file"),
        ("a.arrow", "x", "not a readable Arrow file"),
        ("a.npz", "PK\3\4", "not a readable NumPy file"),
        ("a.txt", "x", "its name ends in '.txt'. Give a file that ends in .json, "),
    ],
)
def test_broken_files_are_named(
    tmp_path: Path, refuse: Refuse, file: str, content: str, message: str
) -> None:
    path = tmp_path / file
    path.write_text(content)
    found = refuse(path)
    assert message in found
    assert str(path) in found


def test_a_workbook_that_is_packed_in_an_unknown_way_is_refused(
    tmp_path: Path, refuse: Refuse
) -> None:
    path = foreign.vlmevalkit_xlsx(tmp_path / "a.xlsx")
    content = bytearray(path.read_bytes())
    for entry in re.finditer(b"PK\x01\x02", bytes(content)):  # of the archive's directory
        content[entry.start() + 10] = 77  # the method of compression
    path.write_bytes(content)
    assert "not a readable .xlsx workbook (That compression method" in refuse(path)


def test_a_workbook_that_lost_a_sheet_is_refused(tmp_path: Path, refuse: Refuse) -> None:
    path = tmp_path / "lost.xlsx"
    with (
        zipfile.ZipFile(foreign.vlmevalkit_xlsx(tmp_path / "whole.xlsx")) as whole,
        zipfile.ZipFile(path, "w") as lost,
    ):
        for name in whole.namelist():
            lost.writestr(name, whole.read(name).replace(b'r:id="rId1"', b'r:id=""'))
    assert "not a readable .xlsx workbook (File contains an invalid" in refuse(path)


def test_a_missing_file_an_empty_folder_and_text_that_is_not_utf8(
    tmp_path: Path, refuse: Refuse
) -> None:
    assert "no such file" in refuse(tmp_path / "none.json")
    assert "no such file" in refuse(tmp_path / "none.npy")
    (tmp_path / "folder").mkdir()
    assert "holds no .arrow files" in refuse(tmp_path / "folder")
    (tmp_path / "a.csv").write_bytes(b"question_id,answer\n1,caf\xe9\n")
    assert "not UTF-8 text" in refuse(tmp_path / "a.csv")


def test_what_is_imported_votes(tmp_path: Path, cli: Runner) -> None:
    for name, write in {"a.json": foreign.vqa, "b.json": foreign.mmf}.items():
        cli.good("import", write(tmp_path / name), "-o", tmp_path / f"{name[0]}.parquet")
    members = [tmp_path / f"{name}.parquet" for name in "ab"]
    cli.good("vote", *members, "--method", "majority", "-o", tmp_path / "s.json", "--quiet")
    voted = {v["question_id"]: v["answer"] for v in json.loads((tmp_path / "s.json").read_text())}
    assert voted == ANSWERS


# ------------------------------------------------------------------------------ any junk


JUNK = [None, True, 3, -1, 2.5, float("inf"), "", "x", [], {}, [[]], [None], {"a": 1}, ["x", 1]]
DOCUMENTS: dict[str, Callable[[Path], Path]] = {
    "lmms.jsonl": foreign.lmms_eval,
    "vqa.json": foreign.vqa,
    "lavis.json": foreign.lavis,
    "mmf.json": foreign.mmf,
    "gqa.json": foreign.gqa,
    "vizwiz.json": foreign.vizwiz,
    "pipeline.json": foreign.pipeline,
    "batch.jsonl": foreign.openai_batch,
}


def spoil(document: Any, rng: random.Random) -> Any:
    """The document with one part, anywhere in it, replaced by junk or taken out."""
    places: list[tuple[Any, Any]] = []

    def walk(part: Any) -> None:
        inside = part.items() if isinstance(part, dict) else enumerate(part)
        for key, value in list(inside):
            places.append((part, key))
            if isinstance(value, (dict, list)):
                walk(value)

    walk(document)
    part, key = rng.choice(places)
    if rng.random() < 0.25:
        del part[key]
    else:
        part[key] = rng.choice(JUNK)
    return document


@pytest.mark.slow
@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_junk_brings_a_traceback(tmp_path: Path, cli: Runner, name: str) -> None:
    questions, _ = foreign.write_benchmark(tmp_path)
    path = DOCUMENTS[name](tmp_path / name)
    lines = path.read_text().splitlines() if name.endswith("l") else [path.read_text()]
    codes = set()
    for seed in range(150):
        spoilt = spoil([json.loads(line) for line in lines], random.Random(seed))
        written = spoilt if name.endswith("l") else spoilt[:1]
        path.write_text("\n".join(json.dumps(part) for part in written))
        known = ("--questions", questions) if seed % 2 else ("--by-position",)
        # Runner fails the test if anything but an exit comes out.
        codes.add(cli("import", path, "-o", tmp_path / "m.parquet", *known).code)
    assert codes <= {0, 1}


@pytest.mark.parametrize("layout", ["vqa", "gqa", "textvqa", "a-okvqa", "vizwiz"])
def test_no_junk_in_questions_brings_a_traceback(tmp_path: Path, cli: Runner, layout: str) -> None:
    _, annotations = foreign.write_benchmark(tmp_path)
    types = {"structural": "verify", "semantic": "attr"}
    aokvqa = {"question_id": "a", "choices": ["x", "y"], "correct_choice_idx": 1}
    document: Any = {
        "vqa": json.loads(annotations.read_text()),
        "gqa": {"1": {"question": "?", "imageId": "n", "answer": "yes", "types": types}},
        "textvqa": {"data": [{"question_id": 1, "image_id": "a", "answers": ["x", "y"]}]},
        "a-okvqa": [{**aokvqa, "direct_answers": ["x"]}],
        "vizwiz": [{"image": "a.jpg", "answers": [{"answer": "x"}], "answerable": 1}],
    }[layout]
    path = tmp_path / "known.json"
    file = foreign.vqa(tmp_path / "s.json")
    for seed in range(100):
        spoilt = spoil([json.loads(json.dumps(document))], random.Random(seed))
        path.write_text(json.dumps(spoilt[0] if spoilt else None))
        assert cli("check", file, "--questions", path).code == 1 or layout == "vqa"
        arguments = ("evaluate", file, "--annotations", path, "--metric")
        for metric in ("vizwiz", "multiple-choice", "anls"):
            assert cli(*arguments, metric).code in (0, 1)
