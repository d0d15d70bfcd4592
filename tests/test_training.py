"""Training: exact resume, seeds, mixed precision, failures kept apart."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from click.testing import CliRunner  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.progress import Progress  # noqa: E402
from tiny_vqa import IMAGES, QUESTIONS, REGIONS  # noqa: E402

from vqa_ensemble.cli import group  # noqa: E402
from vqa_ensemble.cli.train import bar_columns, bar_updater  # noqa: E402
from vqa_ensemble.errors import InputError  # noqa: E402
from vqa_ensemble.files.atomic import sole_use  # noqa: E402
from vqa_ensemble.predictions.files import read_predictions  # noqa: E402
from vqa_ensemble.training.checkpoint import load_checkpoint, save_checkpoint  # noqa: E402
from vqa_ensemble.training.data import open_dataset  # noqa: E402
from vqa_ensemble.training.data.examples import Examples  # noqa: E402
from vqa_ensemble.training.precision import MixedPrecision, choose_device  # noqa: E402
from vqa_ensemble.training.recipe import Recipe, recipe_hash  # noqa: E402
from vqa_ensemble.training.session import RunOptions, train_members  # noqa: E402
from vqa_ensemble.training.trainer import Trainer, TrainingProgress  # noqa: E402

CPU = torch.device("cpu")
pytestmark = pytest.mark.usefixtures("one_thread")


def weights(path: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = load_checkpoint(path, CPU)[0].model.state_dict()
    return state


def assert_same(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> None:
    assert left.keys() == right.keys()
    for name in left:
        assert torch.equal(left[name], right[name]), name


def test_soft_targets_are_thirds_of_normalised_answers(make_recipe: Callable[..., Recipe]) -> None:
    split = open_dataset(make_recipe().data).split("train")
    examples = Examples([split], ["<padding>", "<unknown>"], ["yes", "dog", "no"], 4)
    targets = examples.batch(np.array([0, 1])).targets
    expected = torch.tensor([[0, 1, 2 / 3], [1, 0, 2 / 3]])  # "a dog." becomes "dog"
    torch.testing.assert_close(targets, expected)


def test_masks_follow_the_counts_of_regions(make_recipe: Callable[..., Recipe]) -> None:
    split = open_dataset(make_recipe().data).split("train")
    batch = Examples([split], ["<padding>", "<unknown>"], ["yes"], 4).batch(np.arange(6))
    assert batch.inputs.mask.sum(1).tolist() == [4, 4, 2, 3, 1, 4]


@pytest.mark.slow
@pytest.mark.parametrize("stop", [1, 7, 11, 20])
@pytest.mark.parametrize("accumulate", [1, [2, 1]])
def test_a_resumed_run_ends_with_the_same_bits(
    make_recipe: Callable[..., Recipe], tmp_path: Path, stop: int, accumulate: int | list[int]
) -> None:
    recipe = make_recipe(accumulate=accumulate)
    Trainer(recipe, tmp_path / "whole", CPU).train()
    stopped = Trainer(recipe, tmp_path / "parts", CPU)
    stopped.train(stop_after=stop)
    with (tmp_path / "parts" / "log.jsonl").open("ab") as log:
        log.write(b'{"update": 9999}\n{"upda')  # what a killed run may leave behind
    torch.manual_seed(99)  # another process has other random numbers
    Trainer(recipe, tmp_path / "parts", CPU).train()
    assert_same(weights(tmp_path / "whole"), weights(tmp_path / "parts"))
    lines = (tmp_path / "parts" / "log.jsonl").read_text().splitlines()
    updates = [json.loads(line)["update"] for line in lines]
    assert updates == sorted(set(updates))
    assert updates[-1] == Trainer(recipe, tmp_path / "parts", CPU).plan.updates


def test_the_seed_decides_the_weights(make_recipe: Callable[..., Recipe], tmp_path: Path) -> None:
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        Trainer(make_recipe(epochs=1).with_seed(seed), tmp_path / name, CPU).train()
    assert_same(weights(tmp_path / "a"), weights(tmp_path / "b"))
    one, other = weights(tmp_path / "a"), weights(tmp_path / "c")
    assert not torch.equal(one["question.gru.weight_hh_l0"], other["question.gru.weight_hh_l0"])


def test_training_lowers_the_loss_in_bfloat16(
    make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    recipe = make_recipe(epochs=15, precision="bfloat16", schedule="constant")
    reports: list[float] = []
    Trainer(recipe, tmp_path / "run", CPU).train(lambda now: reports.append(now.loss))
    assert reports[-1] < 0.8 * reports[0]
    assert (tmp_path / "run" / "log.jsonl").read_text().count('"precision":"bfloat16"')


def test_another_recipe_does_not_resume(make_recipe: Callable[..., Recipe], tmp_path: Path) -> None:
    Trainer(make_recipe(epochs=1), tmp_path / "run", CPU).train()
    with pytest.raises(InputError, match=r"another version of the recipe. Start over with --fresh"):
        Trainer(make_recipe(epochs=2), tmp_path / "run", CPU)
    Trainer(make_recipe(epochs=2), tmp_path / "run", CPU, resume=False).train(stop_after=1)


def test_other_questions_or_answers_do_not_resume(
    make_recipe: Callable[..., Recipe], root: Path, tmp_path: Path
) -> None:
    recipe, path = make_recipe(epochs=1), root / "train_annotations.json"
    Trainer(recipe, tmp_path / "run", CPU).train()
    document = json.loads(path.read_text())
    one, other = document["annotations"][7:9]  # the vocabularies stay
    one["answers"], other["answers"] = other["answers"], one["answers"]
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match=r"other questions or answers. Start over with --fresh"):
        Trainer(recipe, tmp_path / "run", CPU)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("optimizer", {}),
        ("optimizer", None),
        ("precision", []),
        ("update", "x"),
        ("micro_batch", []),
    ],
)
def test_a_checkpoint_that_cannot_be_continued_is_said(
    make_recipe: Callable[..., Recipe], tmp_path: Path, part: str, value: object
) -> None:
    recipe, folder = make_recipe(epochs=1), tmp_path / "run"
    Trainer(recipe, folder, CPU).train(stop_after=1)
    member, progress = load_checkpoint(folder, CPU)
    save_checkpoint(folder / "checkpoint.pt", member, {**progress, part: value})
    with pytest.raises(InputError, match=r"checkpoint\.pt: cannot be continued"):
        Trainer(recipe, folder, CPU)


def test_two_runs_take_turns_in_a_folder(
    make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    recipe, said = make_recipe(epochs=1), []
    with ExitStack() as other:
        other.enter_context(sole_use(tmp_path / "runs" / "tiny"))

        def say(message: str) -> None:
            said.append(message)
            other.close()

        (outcome,) = train_members(
            [recipe],
            RunOptions(runs=tmp_path / "runs", predictions=tmp_path, device="cpu"),
            say=say,
        )
    folder = tmp_path / "runs" / "tiny"
    assert said == [f"tiny: waiting for another run that is training in {folder}"]
    assert not outcome.error


def test_a_broken_checkpoint_is_named(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"checkpoint\.pt: is not a readable checkpoint"):
        load_checkpoint(path, CPU)
    with pytest.raises(InputError, match="no such checkpoint"):
        load_checkpoint(tmp_path / "none", CPU)


class Code:
    """What runs when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_a_checkpoint_cannot_run_code(tmp_path: Path) -> None:
    torch.save({"format_version": 2, "recipe": Code(tmp_path / "ran")}, tmp_path / "checkpoint.pt")
    with pytest.raises(InputError, match="more than tensors and plain values") as caught:
        load_checkpoint(tmp_path, CPU)
    assert "weights_only" not in str(caught.value)  # torch says how to run it
    assert not (tmp_path / "ran").exists()


def test_float16_on_a_cpu_is_refused() -> None:
    with pytest.raises(InputError, match='Set precision = "auto"'):
        MixedPrecision("float16", CPU)
    with pytest.raises(InputError, match="no device 'gpu'"):
        choose_device("gpu")


def test_one_member_that_fails_does_not_take_the_others_along(
    make_recipe: Callable[..., Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bug = make_recipe("bug", epochs=1)
    train = Trainer.train

    def fail_once(self: Trainer, *arguments: Any, **options: Any) -> Any:
        if self.member.name == "bug":
            raise RuntimeError("out of memory")
        return train(self, *arguments, **options)

    monkeypatch.setattr(Trainer, "train", fail_once)
    outcomes = train_members(
        [make_recipe("lost", epochs=1).with_root("nowhere"), bug, make_recipe("good", epochs=1)],
        RunOptions(
            runs=tmp_path / "runs",
            predictions=tmp_path / "preds",
            device="cpu",
            splits=["validation", "test"],
        ),
    )
    assert [outcome.member for outcome in outcomes if outcome.error] == ["lost", "bug"]
    assert outcomes[1].error == "RuntimeError: out of memory"
    good = outcomes[2]
    assert good.scores["validation"] is not None
    assert good.scores["test"] is None
    predictions = read_predictions(good.files["test"])
    assert len(predictions.question_ids) == QUESTIONS
    assert predictions.metadata.recipe_hash == recipe_hash(make_recipe("good", epochs=1))


def test_the_commands_train_predict_and_report_failures(root: Path, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text(
        '[member]\nname = "good"\n[data]\ndataset = "vqa-v2"\nmin_answers = 1\n'
        '[model]\narchitecture = "butd"\nhidden = 8\nword_vectors = "random"\n'
        "[training]\nepochs = 1\nbatch_size = 16\n"
    )
    bad.write_text('[member]\nname = "bad"\nsede = 3\n')
    runs, preds = tmp_path / "runs", tmp_path / "preds"
    common = ["--data-root", str(root)]
    arguments = ["train", str(bad), str(good), "-o", str(runs), "--predictions", str(preds)]
    result = CliRunner().invoke(group, [*arguments, *common])
    assert isinstance(result.exception, InputError)
    assert "1 of 2 members failed: bad" in str(result.exception)
    assert "member.sede: unknown key. Did you mean 'seed'?" in result.output
    trained = read_predictions(preds / "validation" / "good.parquet")

    again = ["predict", str(runs / "good"), "--split", "validation", "-o", str(tmp_path / "again")]
    result = CliRunner().invoke(group, [*again, *common, "--json"], catch_exceptions=False)
    assert json.loads(result.output)[0]["member"] == "good"
    predicted = read_predictions(tmp_path / "again" / "validation" / "good.parquet")
    np.testing.assert_array_equal(predicted.confidences, trained.confidences)
    assert predicted.top() == trained.top()


@pytest.mark.parametrize("layout", ["missing", "shape", "no-regions"])
def test_bad_regions_are_named(
    root: Path, make_recipe: Callable[..., Recipe], tmp_path: Path, layout: str
) -> None:
    boxes = root / "regions" / "boxes.npy"
    if layout == "missing":
        boxes.unlink()
    elif layout == "shape":
        np.save(boxes, np.zeros((IMAGES, REGIONS, 3), np.float32))
    else:
        np.save(root / "regions" / "image_ids.npy", np.arange(101, 101 + IMAGES))
    expected = {
        "missing": r"boxes\.npy: no such file",
        "shape": r"boxes\.npy: has shape \(6, 4, 3\); expected \(6, 4, 4\)",
        "no-regions": r"train_questions\.json: 1 picture has no regions: 100\. Add them",
    }
    with pytest.raises(InputError, match=expected[layout]):
        Trainer(make_recipe(), tmp_path / "run", CPU)


def test_one_file_a_picture_gives_the_same_regions(
    root: Path, make_recipe: Callable[..., Recipe]
) -> None:
    rows = np.array([4, 0, 2, 2])
    before = open_dataset(make_recipe().data).split("train")
    stored = before.regions.read(before.pictures[rows])
    folder = root / "regions"
    features, boxes = np.load(folder / "features.npy"), np.load(folder / "boxes.npy")
    for row, count in enumerate(np.load(folder / "counts.npy")):
        np.savez(
            folder / f"{100 + row}.npz", features=features[row, :count], boxes=boxes[row, :count]
        )
    for path in folder.glob("*.npy"):
        path.unlink()
    after = open_dataset(make_recipe().data).split("train")
    there = stored[2]
    for one, other in zip(stored, after.regions.read(after.pictures[rows]), strict=True):
        np.testing.assert_array_equal(one[there], other[there])


@pytest.mark.parametrize("width", [80, 120])
def test_the_progress_bar_says_everything_on_a_narrow_terminal(width: int) -> None:
    written = StringIO()
    screen = Console(width=width, file=written, force_terminal=True, color_system=None)
    bar = Progress(*bar_columns(), console=screen)
    now = TrainingProgress(
        member="easy-vqa-butd-swish",
        update=500,
        updates=1000,
        epoch=3,
        loss=4.567,
        score=0.6543,
        examples_per_second=12345.6,
        data_wait=0.12,
        memory=10_400_000_000,
    )
    bar_updater(bar)(now)
    screen.print(bar.get_renderable())
    shown = " ".join(written.getvalue().split())
    for text in (
        "easy-vqa-butd-swish",
        "50%",
        "-:--:--",
        "loss 4.567,",
        "score 65.4 %,",
        "12,346 examples/s,",
        "10.4 GB,",
        "waiting",
        "12 %",
    ):
        assert text in shown
