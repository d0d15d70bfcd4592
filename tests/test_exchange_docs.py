"""Every command in the pages about importing and leaderboards works on files of that kind."""

from __future__ import annotations

from pathlib import Path

import foreign_files as foreign
import pytest
from command_line import Runner
from doc_examples import find_examples, run_examples
from foreign_files import ANSWERS, dump, dump_lines

from vqa_ensemble.formats.importers import FORMATS
from vqa_ensemble.formats.leaderboards import LEADERBOARDS
from vqa_ensemble.formats.predictions import write_predictions
from vqa_ensemble.scoring import METRICS

DOCS = Path(__file__).resolve().parents[1] / "docs"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the pages name."""
    foreign.write_benchmark(tmp_path)
    foreign.vqa(tmp_path / "results.json")
    foreign.vlmevalkit_xlsx(tmp_path / "qwen_MMBench.xlsx")
    foreign.pipeline(tmp_path / "vilt.json")
    foreign.openai_batch(tmp_path / "batch_output.jsonl")
    foreign.logits_npy(tmp_path / "scores.npy")
    foreign.table_csv(tmp_path / "replies.csv")
    logs = tmp_path / "logs"
    logs.mkdir()
    foreign.lmms_eval(logs / "20260801_samples_vqav2_test.jsonl")
    dump_lines(
        logs / "20260801_samples_vqav2_val.jsonl",
        [{"doc_id": i, "filtered_resps": [a]} for i, a in enumerate(ANSWERS.values())],
    )

    preds = tmp_path / "preds" / "val"
    preds.mkdir(parents=True)
    for name in "ab":
        ids = list(ANSWERS)
        write_predictions(preds / f"{name}.parquet", ids, [*ANSWERS.values()], [1.0] * 4, member="")
    dump(
        tmp_path / "aokvqa_test.json",
        [{"question_id": "22Mex", "question": "?", "choices": ["cat", "dog", "cow", "hen"]}],
    )
    for name in ("direct", "choices"):
        dump(tmp_path / f"{name}.json", [{"question_id": "22Mex", "answer": "cat"}])
    dump(
        tmp_path / "testdev_balanced_questions.json",
        {"01": {"question": "?", "imageId": "n", "answer": "yes", "types": {}}},
    )
    write_predictions(tmp_path / "gqa_member.parquet", ["01"], ["yes"], [1.0], member="gqa")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("page", "count"), [("importing.md", 8), ("leaderboards.md", 8)])
def test_commands_of_a_page(folder: Path, cli: Runner, page: str, count: int) -> None:
    assert len(run_examples(DOCS / page, cli)) >= count


def test_output_shown_is_the_output(folder: Path, cli: Runner) -> None:
    text = (DOCS / "importing.md").read_text()
    shown = text.split("```text\n")[1].split("```")[0]
    first = find_examples(DOCS / "importing.md")[0].command.split()[1:]
    log = next(folder.glob("logs/*_test.jsonl"))
    ran = cli.good(*(log if "*" in word else word for word in first))
    assert [line.rstrip() for line in ran.out.splitlines()] == shown.splitlines()


def test_the_pages_name_all_there_is() -> None:
    importing, leaderboards = (
        (DOCS / page).read_text() for page in ("importing.md", "leaderboards.md")
    )
    assert all(f"| `{name}` |" in importing for name in FORMATS)
    assert all(f"`{name}`" in leaderboards for name in (*LEADERBOARDS, *METRICS))


def test_examples_that_fail_or_would_go_unnoticed_are_found(tmp_path: Path, cli: Runner) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n```sh\nvqa-ensemble inspect \\\n    none.parquet  # comment\n```\n")
    (example,) = find_examples(page)
    assert (example.line, example.command.split()[-3:]) == (3, ["none.parquet", "#", "comment"])
    with pytest.raises(AssertionError, match="no such file"):
        run_examples(page, cli)
    for command in ("pip install x", "vqa-ensemble inspect a | head"):
        page.write_text(f"```sh\n{command}\n```\n")
        with pytest.raises(AssertionError, match=r"page\.md, line 2"):
            run_examples(page, cli)
        assert run_examples(page, cli, skip=(command[:3],)) == []
