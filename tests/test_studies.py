"""Studies: rows are trained once and kept, tables hold what was measured, students are taught."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from command_line import Runner  # noqa: E402
from tiny_vqa import tiny_recipe, write_data  # noqa: E402

from vqa_ensemble.errors import InputError  # noqa: E402
from vqa_ensemble.predictions.files import read_predictions  # noqa: E402
from vqa_ensemble.questions.vqa import read_annotations  # noqa: E402
from vqa_ensemble.scoring.vqa_accuracy import HumanAnswers, score_answers  # noqa: E402
from vqa_ensemble.studies import measuring  # noqa: E402
from vqa_ensemble.studies.bench import Bench  # noqa: E402
from vqa_ensemble.studies.catalog import MEMBERS, STUDENT, STUDIES  # noqa: E402
from vqa_ensemble.studies.design import SCALES, Options, Row, change_recipe, named  # noqa: E402
from vqa_ensemble.studies.distillation import distillation  # noqa: E402
from vqa_ensemble.studies.ensembles import ensemble_size  # noqa: E402
from vqa_ensemble.studies.figures import draw  # noqa: E402
from vqa_ensemble.studies.names import SCALE_NAMES, STUDY_NAMES, TOY  # noqa: E402
from vqa_ensemble.studies.recipe_study import MEMORY, TIME, RecipeStudy  # noqa: E402
from vqa_ensemble.studies.tables import (  # noqa: E402
    Column,
    Table,
    TableRow,
    cells,
    differences,
    to_csv,
    to_markdown,
)
from vqa_ensemble.training.checkpoint import load_checkpoint  # noqa: E402
from vqa_ensemble.training.recipe import Recipe, read_recipe  # noqa: E402
from vqa_ensemble.training.trainer import Trainer, TrainingProgress  # noqa: E402

ROWS = [
    Row("two", {"training.epochs": 2}, {"overall": 68.65}),
    Row("three", {"training.epochs": 3}, {}, "two"),
]
STUDY = RecipeStudy("Epochs", "epochs", lambda bench: ROWS, (MEMORY, TIME))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """On tiny data, with runs in this process: a process of its own takes seconds to start."""
    base = tiny_recipe(write_data(tmp_path / "data"), epochs=1)

    def here(self: Bench, folder: Path, what: str, function: Any, *arguments: Any) -> None:
        function(*arguments, self._options)

    monkeypatch.setattr(Bench, "_in_process", here)
    return Bench(base, tmp_path / "study", Options(seeds=2, device="cpu", threads=1))


def again(bench: Bench, *, fresh: bool = False) -> Bench:
    """The same bench as a later command makes it."""
    options = Options(seeds=2, device="cpu", threads=1, fresh=fresh)
    return Bench(bench.base, bench.folder, options)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the runs that were trained, in order."""
    names: list[str] = []
    train = Trainer.train

    def note(self: Trainer, *arguments: Any, **options: Any) -> Any:
        names.append(self.recipe.member.name)
        return train(self, *arguments, **options)

    monkeypatch.setattr(Trainer, "train", note)
    return names


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_a_table_holds_what_was_measured(bench: Bench) -> None:
    table = STUDY("epochs", bench)
    assert [column.name for column in table.columns] == [
        "overall", "other", "memory (MiB)", "time (s)",
    ]  # fmt: skip
    row = table.rows[1]
    humans = HumanAnswers.prepare(read_annotations(bench.annotations["validation"]))
    for seed in (0, 1):
        run = bench.train(change_recipe(bench.base, {"training.epochs": 3}), seed, "three")
        predicted = read_predictions(bench.predictions(run, "validation"))
        scored = score_answers(humans, predicted.question_ids, predicted.top())
        assert row.values["overall"][seed] == scored.overall
        model = load_checkpoint(run.folder, torch.device("cpu"))[0].model
        assert run.record.parameters == sum(p.numel() for p in model.parameters())
        assert 0 < run.record.processor_seconds == row.values["time (s)"][seed]
        assert run.record.latency > 0


@pytest.mark.slow
def test_runs_are_kept_and_shared(bench: Bench, trained: list[str]) -> None:
    table = STUDY("epochs", bench)
    assert len(trained) == len(set(trained)) == 4
    assert STUDY("epochs", again(bench)) == table
    other = RecipeStudy("More", "", lambda bench: [*ROWS, Row("four", {"training.epochs": 4})])
    other("more", again(bench))
    assert len(trained) == 6
    STUDY("epochs", again(bench, fresh=True))
    assert sorted(trained[6:]) == sorted(trained[:4])


def test_two_studies_at_once_train_a_shared_run_once(bench: Bench, trained: list[str]) -> None:
    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(lambda bench: STUDY("epochs", bench), (bench, again(bench)))
    assert one == two
    assert len(trained) == 4


def test_an_interrupted_run_goes_on_with_its_time(
    bench: Bench, trained: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    note = measuring._Meter.note

    def interrupt(self: Any, now: TrainingProgress) -> None:
        note(self, now)
        if now.update > 10:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(measuring._Meter, "note", interrupt)
        with pytest.raises(KeyboardInterrupt):
            STUDY("epochs", bench)
    folder = next((bench.folder / "runs").iterdir())
    noted = [json.loads(line) for line in (folder / "measured.jsonl").read_bytes().splitlines()]
    with (folder / "measured.jsonl").open("ab") as file:
        file.write(b'{"update": 1')  # what a kill may leave
    with monkeypatch.context() as patch:
        patch.setattr(measuring, "code_digest", lambda: "changed")
        patch.setattr(measuring._Meter, "note", interrupt)
        with pytest.raises(KeyboardInterrupt):
            STUDY("epochs", again(bench))
        first = json.loads((folder / "measured.jsonl").read_bytes().splitlines()[0])
        assert first not in noted  # other code began anew
        noted = [json.loads(line) for line in (folder / "measured.jsonl").read_bytes().splitlines()]
        patch.setattr(measuring._Meter, "note", note)
        table = STUDY("epochs", again(bench))
    assert trained[0] == trained[1] == trained[2]
    after = [json.loads(line) for line in (folder / "measured.jsonl").read_bytes().splitlines()]
    kept = [line for line in after if line in noted]
    assert kept == noted[: len(kept)]
    assert kept[-1]["update"] == 7  # the end of the first epoch, where the checkpoint is
    assert table.rows[0].values["time (s)"][0] > kept[-1]["processor_seconds"]


@pytest.mark.slow
def test_other_code_and_other_data_are_told_apart(
    bench: Bench, trained: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    STUDY("epochs", bench)
    assert bench.mixtures() == []
    with monkeypatch.context() as patch:
        patch.setattr(measuring, "code_digest", lambda: "changed")
        later = again(bench)
        RecipeStudy("More", "", lambda bench: [*ROWS, Row("one")])("more", later)
        assert any("4 of 6 runs were made by other versions" in text for text in later.mixtures())
        assert any("differ in code" in text for text in later.mixtures())
    path = bench.annotations["validation"]
    path.write_text(path.read_text().replace('"no"', '"maybe"'))
    STUDY("epochs", again(bench))
    assert len(set(trained)) == 10


def test_one_failure_leaves_the_other_rows(bench: Bench) -> None:
    rows = [*ROWS, Row("lost", {"data.question_types": ["none such"]}, {}, "two")]
    table = RecipeStudy("Epochs", "epochs", lambda bench: rows)("epochs", bench)
    assert [len(row.values["overall"]) for row in table.rows] == [2, 2, 0]
    assert len(table.failures) == 2
    assert "lost, seed 0: " in table.failures[0]
    assert "no questions of type none such" in table.failures[0]
    study = RecipeStudy("Epochs", "epochs", lambda bench: rows[2:])
    with pytest.raises(
        InputError, match=r"all 2 runs failed; the first: lost, seed 0: .*none such"
    ):
        study("epochs", bench)


def test_a_row_knows_the_seeds_that_it_has(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    train = Bench.train

    def fail_once(self: Bench, recipe: Recipe, seed: int, label: str, lesson: str = "") -> Any:
        if (label, seed) == ("three", 0):
            raise InputError("its process died", fix="Again.")
        return train(self, recipe, seed, label, lesson)

    monkeypatch.setattr(Bench, "train", fail_once)
    table = STUDY("epochs", bench)
    two, three = table.rows
    assert (two.seeds, three.seeds) == ([0, 1], [1])
    assert [len(row.values["overall"]) for row in table.rows] == [2, 1]


def test_seeds_and_data_name_a_run_but_not_its_place(bench: Bench) -> None:
    recipe = bench.base
    name = named(recipe, 1, "data").member.name
    assert named(recipe.with_root("elsewhere").with_seed(9), 1, "data").member.name == name
    assert named(recipe, 2, "data").member.name.rpartition("-")[0] == name.rpartition("-")[0]
    assert named(recipe, 1, "other").member.name != name


def test_gains_are_paired_and_starred() -> None:
    columns = (Column("overall", score=True), Column("time (s)", 1))
    rows = [
        TableRow(
            "a",
            {"overall": [60.0, 70.0, 80.0], "time (s)": [1.0]},
            {"time (h)": 5782.0},
            seeds=(0, 1, 2),
        ),
        TableRow("b", {"overall": [61.0, 71.1, 81.0], "time (s)": [2.0]}, {}, "a", (0, 1, 2)),
        TableRow("c", {"overall": [60.0, 74.0, 76.0], "time (s)": [2.0]}, {}, "a", (0, 1, 2)),
        TableRow("d", {"overall": [71.0, 82.0], "time (s)": [2.0]}, {}, "a", (1, 2)),
    ]
    table = Table("s", "Title", "model", columns, rows, ["note"])
    assert differences(table) == (
        ["gain", "overall"],
        [
            ["b, over a", "+1.03 ± 0.14 *"],
            ["c, over a", "+0.00 ± 9.94"],
            ["d, over a", "+1.50 ± 6.35"],  # seeds 1 and 2 alone
        ],
    )
    heads, shown = cells(table)
    assert heads == ["model", "overall", "time (s)", "talk: time (h)"]
    assert shown[0] == ["a", "70.00 ± 10.00", "1.0", "5,782"]
    lines = list(csv.DictReader(to_csv(table).splitlines()))
    assert lines[1] == {
        "model": "b", "overall": "71.0333", "overall sd": "10.0002", "time (s)": "2",
        "time (s) sd": "", "runs": "3", "talk: time (h)": "",
    }  # fmt: skip
    text = to_markdown(table, "vqa-ensemble study s")
    assert "| b, over a | +1.03 ± 0.14 * |" in text
    assert "vqa-ensemble study s\n" in text


@pytest.mark.parametrize("layout", ["rows", "axis", "curves"])
def test_figures_are_small_pictures(tmp_path: Path, layout: str) -> None:
    from PIL import Image

    labels = [f"easy {k}" if layout == "curves" else str(k) for k in (30, 50, 100)]
    rows = [TableRow(label, {"overall": [1.0, 2.0], "gone": []}) for label in labels]
    columns = (Column("overall", score=True), Column("gone"))
    draw(Table("s", "Title", "K", columns, rows, layout=layout), tmp_path / "s.png")
    assert (tmp_path / "s.png").stat().st_size < 100_000
    with Image.open(tmp_path / "s.png") as picture:
        assert picture.width > 200


@pytest.mark.slow
def test_ensembles_of_every_size_and_vote(bench: Bench) -> None:
    rows = [Row(f"m{n}", {"model.glimpses": 1 + n % 3}) for n in range(10)]
    table = ensemble_size("ensemble-size", bench, rows)
    assert [row.label for row in table.rows] == [
        "1",
        *(
            f"{size}, {way}"
            for size in (5, 10)
            for way in ("question-type vote", "majority", "mean confidence", "learned weights")
        ),
    ]
    by_label = {row.label: row.values["overall"] for row in table.rows}
    assert [len(values) for values in by_label.values()] == [10, *[10] * 4, *[1] * 4]
    assert min(by_label["1"]) <= by_label["10, majority"][0] <= 100


def test_students_are_taught_by_the_ensemble(bench: Bench, trained: list[str]) -> None:
    rows = [Row(f"m{n}", {"model.glimpses": 1 + n}) for n in range(3)]
    table = distillation("distillation", bench, rows, STUDENT)
    labels = [row.label for row in table.rows]
    assert labels[0] == "teacher: mean of 3 members"
    values = {row.label: row.values for row in table.rows}
    student = values["student distilled"]
    assert student["parameters (M)"] == values["student alone"]["parameters (M)"]
    assert max(student["parameters (M)"]) < values[labels[0]]["parameters (M)"][0] / 3
    assert len(trained) == 3 + 2 + 2
    assert distillation("distillation", again(bench), rows, STUDENT) == table
    assert len(trained) == 7


def test_every_study_changes_only_what_recipes_have(bench: Bench) -> None:
    assert {*STUDIES, TOY} == set(STUDY_NAMES)
    assert set(SCALES) == set(SCALE_NAMES)
    for study in STUDIES.values():
        rows = study.rows(bench) if isinstance(study, RecipeStudy) else [*MEMBERS]
        labels = [row.label for row in rows]
        assert len(set(labels)) == len(labels)
        assert all(row.reference in ("", *labels) for row in rows)
        for scale in SCALES.values():
            recipes = [change_recipe(bench.base, {**scale, **row.changes}) for row in rows]
            assert len({named(recipe, 0, "").member.name for recipe in recipes}) == len(rows)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_there_is_told_before_anything_trains(bench: Bench) -> None:
    with pytest.raises(InputError, match="cuda"):
        Bench(bench.base, bench.folder, Options(seeds=2, device="cuda"))


def test_proposals_need_a_detector(bench: Bench) -> None:
    bench.base = read_recipe("easy-vqa-ban")
    with pytest.raises(InputError, match="easy-VQA's regions are patches"):
        STUDIES["proposals"]("proposals", bench)


def test_the_command_trains_in_a_process_of_its_own(
    tmp_path: Path, cli: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tomli_w

    from vqa_ensemble.studies import catalog, design
    from vqa_ensemble.training.recipe import recipe_to_dict

    root = write_data(tmp_path / "data")
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(tomli_w.dumps(recipe_to_dict(tiny_recipe(root, epochs=1))))
    monkeypatch.setitem(design.BASE_RECIPES, "vqa-v2", str(recipe))
    monkeypatch.setitem(catalog.STUDIES, "counter", STUDY)
    arguments = ["study", "counter", "--dataset", "vqa-v2", "--data-root", root, "--seeds", 1,
                 "--threads", 1, "-o", tmp_path / "out"]  # fmt: skip
    trained = cli.good(*arguments, "--json")
    assert [row["label"] for row in trained.json["rows"]] == ["two", "three"]
    assert "two, seed 0 is done" in trained.err
    run = json.loads(next((tmp_path / "out" / "runs").glob("*/run.json")).read_bytes())
    assert run["memory"] > 0
    text = (tmp_path / "out" / "counter.md").read_text()
    assert "vqa-ensemble study counter --dataset vqa-v2" in text
    assert (tmp_path / "out" / "counter.png").is_file()
    ran = cli.good(*arguments)
    assert "68.65" in ran.out
    assert "is done" not in ran.err
    assert "1 epoch of 50 questions" in ran.out
    assert "One seed a row" in ran.out
    assert "±" not in ran.out


def test_the_toy_task_is_kept_point_by_point(
    tmp_path: Path, cli: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vqa_ensemble.studies import toy_counting

    counted: list[tuple[float, float]] = []

    def count(side: float, noise: float, seed: int, updates: int, scenes: int) -> Any:
        counted.append((side, noise))
        return (0.1, 0.5 + side / 10, 0.6)

    monkeypatch.setattr(toy_counting, "count_toy_scenes", count)
    arguments = ["study", TOY, "--seeds", 2, "--scale", "small", "-o", tmp_path, "--json"]
    result = cli.good(*arguments).json
    assert [row["label"] for row in result["rows"]] == [
        f"{difficulty}, {parameter} {value}"
        for difficulty in ("easy", "hard")
        for parameter in ("side", "noise")
        for value in ("0", "0.25", "0.5", "0.75", "1")
    ]
    assert result["rows"][4]["values"]["counter"] == [60.0, 60.0]
    # Points where both sweeps meet are counted once.
    assert len(counted) == 2 * len(set(counted))
    cli.good(*arguments)
    assert len(counted) == 2 * len(set(counted))
