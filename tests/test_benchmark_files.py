"""Benchmarks that have layouts of their own go the whole way: import, map, fit, vote, score."""

from __future__ import annotations

from pathlib import Path

from command_line import Runner
from foreign_files import dump

COLORS = ("red", "blue")


def test_gqa_from_results_to_a_score(cli: Runner, tmp_path: Path) -> None:
    right = {f"{i:04}": "yes" if i % 2 else COLORS[i % 4 // 2] for i in range(40)}
    questions = {
        q: {
            "question": "?",
            "imageId": f"n{q}",
            "answer": answer,
            "types": {"structural": "verify" if answer == "yes" else "query", "semantic": "attr"},
        }
        for q, answer in right.items()
    }
    known = dump(tmp_path / "testdev_balanced_questions.json", questions)
    members = []
    for m in range(3):
        # Each member errs on a third of the questions; no two on the same one.
        told = {q: "no" if i % 3 == m else a for i, (q, a) in enumerate(right.items())}
        rows = [{"questionId": q, "prediction": a} for q, a in told.items()]
        members.append(tmp_path / f"{m}.parquet")
        results = dump(tmp_path / f"{m}.json", rows)
        cli.good("import", results, "--questions", known, "-o", members[-1])
    types = cli.good("build-map", known, "-o", tmp_path / "map.csv", "--json").json["types"]
    assert types.keys() == {"verify", "query"}
    submission, ensemble = tmp_path / "s.json", tmp_path / "e.toml"
    cli.good("vote", *members, "--map", tmp_path / "map.csv", "-o", submission)
    arguments = ("--annotations", known)
    cli.good("fit", *members, *arguments, "--map", tmp_path / "map.csv", "-o", ensemble)
    scored = cli.good("evaluate", submission, *members, *arguments, "--metric", "gqa", "--json")
    ours, *theirs = [file["overall"] for file in scored.json["files"]]
    assert ours == 100.0
    assert max(theirs) < 70


def test_build_map_of_vizwiz_and_textvqa(cli: Runner, tmp_path: Path) -> None:
    vizwiz = [
        {
            "image": f"{i}.jpg",
            "question": "?",
            "answers": [{"answer": answer}] * 10,
            "answer_type": kind,
        }
        for i, (answer, kind) in enumerate([("soup", "other"), ("7", "number")])
    ]
    textvqa = {"data": [{"question_id": 1, "question": "?", "image_id": "a", "answers": ["x"]}]}
    for document, types in ((vizwiz, {"other", "number"}), (textvqa, {"text"})):
        file = dump(tmp_path / "a.json", document)
        built = cli.good("build-map", file, "-o", tmp_path / "map.csv", "--json")
        assert built.json["types"].keys() == types


def test_a_second_table_of_answers_is_not_passed_over(cli: Runner, tmp_path: Path) -> None:
    files = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for file in files:
        file.write_text("question_id,answer\n1,yes\n")
    ran = cli("build-map", *files, "-o", tmp_path / "map.csv")
    assert ran.code == 1
    assert ran.err.startswith(f"Error: {files[1]}: only VQA annotations may be given as several")
