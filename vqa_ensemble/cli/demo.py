"""vqa-ensemble demo"""

from __future__ import annotations

import shlex
import time
from pathlib import Path

import click

from vqa_ensemble.cli.common import console, output_folder, verbosity_options


@click.command("demo")
@output_folder("Folder for everything the demo makes.", "demo")
@click.option("--fresh", is_flag=True, help="Train again members that are trained already.")
@verbosity_options
def command(output: Path, fresh: bool, quiet: bool, verbose: bool) -> None:
    """Do the whole job on real images: train, learn the map, vote, score, submit.

    Trains the easy-VQA members (4,000 images, 38,575 questions from a Python package; needs
    the extra 'demo'), writes their predictions, learns the answer-to-question-type map from
    the training annotations, votes, learns weights on the validation split, votes with
    them, and scores members and ensembles on the test split.
    Every step is a command that you can type yourself, and is shown before it runs.

    \b
    Example:
      vqa-ensemble demo -o demo
    """
    from vqa_ensemble.resources import list_recipes

    began = time.monotonic()
    recipes = [name for name in list_recipes() if name.startswith("easy-vqa-")]
    data, predictions = output / "data", output / "preds"
    members = [predictions / "test" / f"{name}.parquet" for name in recipes]
    validation = [predictions / "validation" / f"{name}.parquet" for name in recipes]
    ensemble, fitted = output / "ensemble.toml", output / "fitted.json"
    answer_map, submission = output / "map.csv", output / "submission.json"
    by_method = {name: output / f"{name}.json" for name in ("majority", "mean")}
    test = data / "test_annotations.json"

    def run(*arguments: object) -> None:
        _run([str(argument) for argument in arguments], quiet)

    run("prepare", "easy-vqa", "-o", data)
    # Steps this small run twice as fast on one thread as on two.
    run("train", *recipes, "-o", output / "runs", "--predictions", predictions, "--threads", 1,
        *(["--fresh"] if fresh else []))  # fmt: skip
    run("inspect", *members)
    run("build-map", data / "train_annotations.json", "-o", answer_map)
    for method, path in by_method.items():
        run("vote", *members, "--map", answer_map, "--method", method, "-o", path, "--quiet")
    run("vote", *members, "--map", answer_map, "-o", submission,
        "--audit", output / "audit.parquet")  # fmt: skip
    run("fit", *validation, "--annotations", data / "validation_annotations.json",
        "--map", answer_map, "-o", ensemble)  # fmt: skip
    run("vote", *members, "--ensemble", ensemble, "--map", answer_map, "-o", fitted, "--quiet")
    run("evaluate", *members, *by_method.values(), submission, fitted, "--annotations", test)
    run("check", submission, "--questions", data / "test_questions.json")
    if not quiet:
        console().print(f"\nDone in {time.monotonic() - began:.0f} s. Everything is in {output}/")


def _run(arguments: list[str], quiet: bool) -> None:
    """Show a command, then run it in this process."""
    from vqa_ensemble.cli import group

    if not quiet:
        console().print(f"\n$ vqa-ensemble {shlex.join(arguments)}", style="bold")
    group.main(arguments, prog_name="vqa-ensemble", standalone_mode=False)
