"""import: which column, which id and which question a file's shape says, or a refusal."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import foreign_files as foreign
import pytest
from command_line import Runner
from foreign_files import ANSWERS
from test_import import Bring, Refuse, answers, bring, refuse, rows

from vqa_ensemble.files.records import read_records

__all__ = ["bring", "refuse"]

# ---------------------------------------------------------------------------- shapes of JSON

TEXTS = {f"img_{q}": answer for q, answer in ANSWERS.items()}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({str(q): a for q, a in ANSWERS.items()}, ANSWERS),
        (TEXTS, TEXTS),
        ({q: {"answer": a, "score": 1} for q, a in TEXTS.items()}, TEXTS),
        ({"results": TEXTS, "acc": 0.5, "config": {"model": "x"}}, TEXTS),
        ({"predictions": {q: {"answer": a} for q, a in TEXTS.items()}}, TEXTS),
        ({"model": "x", "replies": TEXTS}, TEXTS),
        ({"0": {"question_id": "q7", "answer": "cat"}}, {"q7": "cat"}),
        ({"columns": ["question_id", "answer"], "data": [[7, "cat"]], "ncols": 2}, {7: "cat"}),
        (
            {
                "annotations": [{"question_id": 7, "answer": "key"}],
                "predictions": [{"question_id": 7, "answer": "cat"}],
            },
            {7: "cat"},
        ),
    ],
)
def test_answers_by_id_and_by_column(
    tmp_path: Path, bring: Bring, document: object, expected: object
) -> None:
    assert answers(bring(foreign.dump(tmp_path / "a.json", document))[1]) == expected


def test_an_answer_that_mmmu_could_not_read_is_none(tmp_path: Path, bring: Bring) -> None:
    submission = {"validation_Art_1": "B", "validation_Math_2": False}
    ran, output = bring(foreign.dump(tmp_path / "a.json", submission))
    assert answers(output) == {"validation_Art_1": "B"}
    assert ran.json["missing"] == {"the answer is empty": 1}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"model": "llava", "task": "vqa"}, "holds no list of rows, but the keys model, task"),
        (
            {"results": {"q1": 0}, "outputs": {"q1": "cat"}},
            "holds objects by question id under 'results' and 'outputs'",
        ),
        ({"q1": "cat", "q2": {"answer": "cat"}}, "holds no list of rows"),
        ({"q1": ["cat"]}, "holds no list of rows"),
        ({"columns": ["question_id", "answer"], "data": [[7]]}, "row 0: is not an object"),
    ],
)
def test_objects_that_are_no_answers(
    tmp_path: Path, refuse: Refuse, document: object, message: str
) -> None:
    assert message in refuse(foreign.dump(tmp_path / "a.json", document))


def test_json_lines_under_the_name_of_json(tmp_path: Path, bring: Bring, refuse: Refuse) -> None:
    path = tmp_path / "a.json"
    lines = [json.dumps({"question_id": q, "answer": a}) for q, a in ANSWERS.items()]
    path.write_text("\ufeff" + "\n".join(lines) + "\n\n")
    assert answers(bring(path)[1]) == ANSWERS
    (tmp_path / "m.parquet").unlink()
    path.write_text("\n".join(lines)[:-2])
    assert f"{path}, line 4: not valid JSON, or truncated" in refuse(path)


def test_cells_of_any_length(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"question_id,answer\n1,{'x' * 200_000}\n")
    (row,) = read_records(str(path))
    assert len(row["answer"]) == 200_000


# -------------------------------------------------------------------------------------- ids


@pytest.mark.parametrize("ending", ["csv", "tsv", "xlsx"])
def test_ids_of_text_tables_are_alike(tmp_path: Path, bring: Bring, ending: str) -> None:
    import pandas as pd

    path = tmp_path / f"a.{ending}"
    frame = pd.DataFrame({"question_id": [" 7 ", "8"], "answer": ["cat", "dog"]})
    if ending == "xlsx":
        frame.to_excel(path, index=False)
    else:
        frame.to_csv(path, index=False, sep="," if ending == "csv" else "\t")
    assert answers(bring(path)[1]) == {7: "cat", 8: "dog"}


@pytest.mark.parametrize("ending", ["csv", "tsv", "json"])
def test_ids_of_gqa_are_strings(tmp_path: Path, bring: Bring, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    if ending == "json":
        foreign.dump(path, [{"questionId": "7", "prediction": "cat"}])
    else:
        path.write_text("questionId,prediction\n7,cat\n".replace(",", ",\t"[ending == "tsv"]))
    assert answers(bring(path)[1]) == {"7": "cat"}


# ------------------------------------------------------------------------------ predictions

Row = dict[str, Any]


def table(**columns: object) -> list[Row]:
    """A row a question of ANSWERS; a column's True stands for the model's answer."""
    return [
        {"question_id": q, **{name: a if v is True else v for name, v in columns.items()}}
        for q, a in ANSWERS.items()
    ]


@pytest.mark.parametrize(
    "name",
    "output text predict predicted prediction pred model_output model_response modelAnswer "
    "generated_answer generated_text response Reply raw_output llava_answer completion "
    "predictions result raw candidate decoded y_pred gpt4v Qwen2_VL llava-1.5".split(),
)
def test_a_column_beside_answer_that_may_be_the_models_is_named(
    tmp_path: Path, bring: Bring, refuse: Refuse, name: str
) -> None:
    path = foreign.dump(tmp_path / "a.json", table(answer="stop", **{name: True}))
    assert f"has the columns 'answer' and '{name}', and one may hold the right" in refuse(path)
    assert answers(bring(path, "--answer-column", name)[1]) == ANSWERS
    assert set(answers(bring(path, "--answer-column", "answer")[1]).values()) == {"stop"}


@pytest.mark.parametrize("ending", ["json", "jsonl", "csv"])
@pytest.mark.parametrize(
    "columns",
    [
        {"pred": True},
        {"model_output": True, "gt_answer": "stop", "question": "Which?"},
        {"response": True, "label": "stop", "response_time": 3, "output_tokens": 2},
        {"text": True, "question": "Which?", "target": "stop"},
        {"answer": True, "text": "Which?", "ground_truth": "stop"},
        {"answer": True, "correct_answer": "stop", "answer_type": "other", "prediction_id": 5},
    ],
)
def test_the_only_column_that_may_be_the_models_is_read(
    tmp_path: Path, bring: Bring, columns: Row, ending: str
) -> None:
    path = tmp_path / f"a.{ending}"
    written = table(**columns)
    if ending == "csv":
        lines = [written[0].keys(), *(row.values() for row in written)]
        path.write_text("".join(",".join(map(str, line)) + "\n" for line in lines))
    else:
        (foreign.dump if ending == "json" else foreign.dump_lines)(path, written)
    ran, output = bring(path)
    assert answers(output) == ANSWERS
    assert ran.json["same_as"] == []


def test_two_columns_that_may_be_the_models_are_refused(tmp_path: Path, refuse: Refuse) -> None:
    path = foreign.dump(tmp_path / "a.json", table(pred=True, raw_response="x", label="stop"))
    assert "has the columns 'pred' and 'raw_response'" in refuse(path)
    path = foreign.dump(tmp_path / "a.json", table(answer=True, text="a cat", label="stop"))
    assert "has the columns 'answer' and 'text'" in refuse(path)


@pytest.mark.parametrize("name", ["gt", "label", "target", "ground_truth", "correctAnswer"])
def test_answers_that_are_the_key_are_told(
    tmp_path: Path, bring: Bring, cli: Runner, name: str
) -> None:
    for form in (foreign.dump, foreign.dump_lines):
        path = form(tmp_path / "a.json", table(answer=True, **{name: True}))
        ran, output = bring(path)
        assert ran.json["same_as"] == [name]
        said = cli.good("import", path, "-o", output).err
        assert f"the answers equal the column '{name}' on every row" in said
    path = foreign.dump(tmp_path / "a.json", table(answer=True, **{name: [True, "stop"]}))
    written = table(answer=True, **{name: "stop"})
    written[0][name] = written[0]["answer"]
    assert bring(foreign.dump(path, written))[0].json["same_as"] == []


# ---------------------------------------------------------------------------------- options


@pytest.mark.parametrize(
    ("write", "file", "option"),
    [
        (foreign.lmms_eval, "a.jsonl", "--answer-column"),
        (foreign.pipeline, "a.json", "--question-id-column"),
        (foreign.openai_batch, "a.jsonl", "--question-id-column"),
        (foreign.vlmevalkit_tsv, "a.tsv", "--confidence-column"),
        (foreign.vqa, "a.json", "--activation"),
        (foreign.table_csv, "a.csv", "--vocabulary"),
    ],
)
def test_an_option_that_a_format_does_not_know_is_refused(
    tmp_path: Path, refuse: Refuse, write: Callable[[Path], Path], file: str, option: str
) -> None:
    path = write(tmp_path / file)
    columns = ("--question-id-column=qid", "--answer-column=reply") if "csv" in file else ()
    value = "none" if option == "--activation" else "x"
    message = refuse(path, option, value, *columns)
    assert f"knows no {option}. Leave it out, or name another" in message


def test_a_batch_has_no_order(tmp_path: Path, refuse: Refuse) -> None:
    path = foreign.openai_batch(tmp_path / "b.jsonl")
    assert "is read as openai-batch, which knows no --by-position" in refuse(path, "--by-position")


def test_formats_take_other_columns(tmp_path: Path, bring: Bring, refuse: Refuse) -> None:
    document = {q: {"direct_answer": "x", "multiple_choice": a} for q, a in TEXTS.items()}
    path = foreign.dump(tmp_path / "a.json", document)
    assert answers(bring(path, "--answer-column", "multiple_choice")[1]) == TEXTS
    assert set(answers(bring(path)[1]).values()) == {"x"}
    path = foreign.dump(tmp_path / "b.json", table(answer=True, sure=0.5))
    _, output = bring(path, "--confidence-column", "sure")
    assert rows(output) == {q: [(a, 0.5)] for q, a in ANSWERS.items()}
    path = foreign.dump(
        tmp_path / "c.json",
        [{"index": 1, "g_index": 7, "A": "cat", "B": "dog", "prediction": "A. cat"}],
    )
    assert answers(bring(path, "--question-id-column", "g_index")[1]) == {7: "A"}
    (tmp_path / "m.parquet").unlink()
    path = foreign.dump(tmp_path / "d.json", document)
    assert "no other columns. Give --answer-column" in refuse(path, "--answer-column", "best")


@pytest.mark.parametrize("ending", ["json", "csv"])
def test_a_column_of_confidences_that_is_not_there(
    tmp_path: Path, refuse: Refuse, ending: str
) -> None:
    path = tmp_path / f"a.{ending}"
    if ending == "json":
        foreign.dump(path, table(answer=True))
    else:
        path.write_text("question_id,answer\n1,cat\n")
    assert "has no 'sure'" in refuse(path, "--confidence-column", "sure")


def test_docvqa_submissions(tmp_path: Path, bring: Bring) -> None:
    path = foreign.dump(tmp_path / "a.json", [{"questionId": 7, "answer": "cat"}])
    assert answers(bring(path)[1]) == {7: "cat"}


def test_a_row_with_an_id_and_an_image_is_not_vizwiz(tmp_path: Path, refuse: Refuse) -> None:
    path = foreign.dump(tmp_path / "a.json", [{"id": 7, "image": "a.jpg", "answer": "cat"}])
    assert "--question-id-column" in refuse(path)


# --------------------------------------------------------------------- which question a row is


def sampled(doc_id: int, answer: str, question_id: object = None, **keys: object) -> Row:
    submission = {} if question_id is None else {"mme": {"question_id": question_id}}
    return {"doc_id": doc_id, "filtered_resps": [answer], **submission, **keys}


def test_one_id_at_two_places_is_two_questions(
    tmp_path: Path, bring: Bring, refuse: Refuse
) -> None:
    path = foreign.dump_lines(
        tmp_path / "mme.jsonl", [sampled(0, "Yes", "a.jpg"), sampled(1, "Yes", "a.jpg")]
    )
    assert "question a.jpg is at place 1 of the data set here, and at 0 in" in refuse(path)
    assert answers(bring(path, "--by-position")[1]) == {0: "Yes", 1: "Yes"}


def test_one_id_with_two_prompts_is_two_questions(
    tmp_path: Path, bring: Bring, refuse: Refuse
) -> None:
    path = tmp_path / "a.jsonl"
    asked = [
        {"question_id": "00a", "question": question, "answer": "cat"}
        for question in ("What is it?", "What is it doing?")
    ]
    foreign.dump_lines(path, asked)
    assert "question 00a asks 'What is it doing?' and 'What is it?' in" in refuse(path)
    assert answers(bring(path, "--by-position")[1]) == {0: "cat", 1: "cat"}
    questions = foreign.dump(
        tmp_path / "q.json",
        {
            "data": [
                {"question_id": 8, "image_id": "00a", "question": "What is it doing?"},
                {"question_id": 7, "image_id": "00a", "question": "What  is it?"},
                {"question_id": 9, "image_id": "00b", "question": "What is it?"},
            ]
        },
    )
    assert answers(bring(path, "--questions", questions)[1]) == {7: "cat", 8: "cat"}
    (tmp_path / "m.parquet").unlink()
    (tmp_path / "a.csv").write_text("question_id,question,answer\n1,a?,cat\n1,b?,cat\n")
    assert "question 1 asks 'b?', and 'a?' before" in refuse(tmp_path / "a.csv")
    foreign.dump_lines(path, [{"question_id": "00a", "question": "Why?", "answer": "cat"}])
    assert "question 00a is not in the questions file" in refuse(path, "--questions", questions)


def test_files_that_each_count_from_0(tmp_path: Path, bring: Bring, refuse: Refuse) -> None:
    ranks = [
        foreign.dump_lines(tmp_path / f"{i}.jsonl", [sampled(0, "yes"), sampled(1, "no")])
        for i in range(2)
    ]
    assert "question 0 is a place here, and in" in refuse(*ranks, "--by-position")
    for i, path in enumerate(ranks):
        foreign.dump_lines(path, [sampled(0, "yes", input=f"Is it {i}?")])
    assert "question 0 asks 'Is it 1?' and 'Is it 0?'" in refuse(*ranks, "--by-position")
    for path in ranks:
        foreign.dump_lines(path, [sampled(0, "yes", input="Is it?")])
    assert answers(bring(*ranks, "--by-position")[1]) == {0: "yes"}
    lists = [foreign.pipeline(tmp_path / f"{i}.json") for i in range(2)]
    (tmp_path / "m.parquet").unlink()
    assert "Join the files into one" in refuse(*lists, "--by-position")


def test_a_place_that_contradicts_the_id(tmp_path: Path, bring: Bring, refuse: Refuse) -> None:
    questions, _ = foreign.write_benchmark(tmp_path)
    rows_ = [{"question_id": q, "answer": a} for q, a in ANSWERS.items()]
    path = foreign.dump(tmp_path / "a.json", rows_)
    arguments = (path, "--questions", questions, "--by-position")
    assert answers(bring(*arguments)[1]) == ANSWERS
    (tmp_path / "m.parquet").unlink()
    foreign.dump(path, rows_[::-1])
    assert "but its place is that of question" in refuse(*arguments)


def test_rows_without_an_id_by_place(tmp_path: Path, bring: Bring, refuse: Refuse) -> None:
    questions, _ = foreign.write_benchmark(tmp_path)
    pope = [{"question": f"Is it {a}?", "answer": a} for a in ANSWERS.values()]
    path = foreign.dump_lines(tmp_path / "pope.json", pope)
    assert "--question-id-column" in refuse(path)
    arguments = ("--by-position", "--questions", questions)
    assert answers(bring(path, *arguments)[1]) == ANSWERS


# --------------------------------------------------------------------- questions by their image


def test_vizwiz_questions_in_report_and_explain(tmp_path: Path, cli: Runner) -> None:
    files = {f"VizWiz_val_0000000{i}.jpg": f"What is {i}?" for i in range(2)}
    asked = [{"image": image, "question": text} for image, text in files.items()]
    questions = foreign.dump(tmp_path / "q.json", asked)
    key = [
        {**row, "answers": [{"answer": "cat", "answer_confidence": "yes"}] * 10, "answerable": 1}
        for row in asked
    ]
    annotations = foreign.dump(tmp_path / "key.json", key)
    members = []
    for name in "ab":
        results = [{"image": image, "answer": name + "cat"} for image in files]
        path = foreign.dump(tmp_path / f"{name}.json", results)
        members.append(tmp_path / f"{name}.parquet")
        cli.good("import", path, "-o", members[-1])
    words = ("--questions", questions)
    said = cli.good("explain", [*files][1], *members, *words, "--method", "majority").out
    assert "What is 1?" in said
    Image = pytest.importorskip("PIL.Image")
    Image.new("RGB", (4, 4)).save(tmp_path / next(iter(files)))
    page = tmp_path / "report.html"
    images = ("--images", tmp_path, "-o", page)
    cli.good("report", *members, "--annotations", annotations, *words, *images)
    assert "1 of the 2 images of these questions are inside" in page.read_text()
