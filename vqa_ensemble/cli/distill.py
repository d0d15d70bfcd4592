"""vqa-ensemble distill"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from vqa_ensemble.cli.common import (
    choice,
    console,
    output_options,
    print_json,
    status,
    training_options,
)
from vqa_ensemble.cli.train import describe, require_torch, say_failure, train_here
from vqa_ensemble.errors import InputError

if TYPE_CHECKING:
    from vqa_ensemble.training.recipe import Recipe


@click.command("distill")
@click.option(
    "--teacher",
    "first",
    required=True,
    type=click.Path(),
    help="Prediction files of the training splits, one a member: --teacher preds/train/*.parquet.",
)
@click.argument("others", nargs=-1, type=click.Path(), metavar="[TEACHER]...")
@click.option(
    "--ensemble",
    type=click.Path(),
    help="Weigh the members as this file of 'fit' does; their plain mean if not given.",
)
@click.option("--map", "map_name", help="Answer-to-question-type map, for an ensemble of types.")
@click.option("--recipe", required=True, help="The student's: a name, or the path of a TOML file.")
@click.option(
    "--alpha",
    type=click.FloatRange(0, 1),
    help="Weight of the teacher, instead of the recipe's distillation.alpha.",
)
@click.option(
    "--temperature",
    type=click.FloatRange(0.1, 100),
    help="Instead of the recipe's distillation.temperature.",
)
@choice("--missing", ["error", "abstain"], "When a teacher lacks questions that others have.")
@training_options
@output_options
def command(
    first: str,
    others: tuple[str, ...],
    ensemble: str | None,
    map_name: str | None,
    recipe: str,
    alpha: float | None,
    temperature: float | None,
    missing: str,
    seed: int | None,
    data_root: str | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    **run: Any,
) -> None:
    """Train one student on what an ensemble, or a large model, knows.

    The teacher's confidences in every answer to the training questions are learned beside the
    annotators' answers: the loss is alpha T² KL(teacher || student) + (1 - alpha) times the usual
    one. Questions that the teacher lacks are learned from the annotators alone, and its answers
    outside the student's vocabulary are dropped; both are counted.

    \b
    Example:
      vqa-ensemble predict runs/shapes-* --split train -o preds
      vqa-ensemble distill --teacher preds/train/*.parquet --recipe shapes-student
    """
    require_torch()
    from vqa_ensemble.answers.answer_map import read_answer_map
    from vqa_ensemble.files.atomic import check_no_input
    from vqa_ensemble.learning.combiners.fitted import read_fitted
    from vqa_ensemble.learning.teaching import write_teacher
    from vqa_ensemble.resources import find_map
    from vqa_ensemble.training.session import RunOptions

    student = _read_student(recipe, seed, data_root, alpha, temperature)
    teacher = run["runs"] / student.member.name / "teacher.parquet"
    files = (first, *others)
    for split in run["splits"] or student.predict.splits:  # refused at once, not when it is trained
        check_no_input(run["predictions"] / split / f"{student.member.name}.parquet")
    with status(f"Combining {len(files)} teachers", quiet=quiet):
        write_teacher(
            teacher,
            files,
            ensemble=read_fitted(ensemble) if ensemble else None,
            answer_map=read_answer_map(find_map(map_name)) if map_name else None,
            missing=missing,
        )
    taught = student.with_teacher(str(teacher))
    (outcome,) = train_here([taught], RunOptions(**run), lambda outcome: None, quiet)
    if outcome.error:
        say_failure(outcome, verbose)
    if as_json:
        print_json(outcome.to_dict())
    elif not (quiet or outcome.error):
        console().print(describe(outcome))
    if outcome.error:
        raise InputError(
            f"the student {outcome.member} failed; the reason is above",
            fix="Mend that and give the command again.",
        )


def _read_student(
    name: str,
    seed: int | None,
    data_root: str | None,
    alpha: float | None,
    temperature: float | None,
) -> Recipe:
    from vqa_ensemble.training.recipe import read_recipe, recipe_from_dict, recipe_to_dict

    recipe = read_recipe(name).with_seed(seed).with_root(data_root)
    section = recipe.distillation
    section = section if alpha is None else replace(section, alpha=alpha)
    section = section if temperature is None else replace(section, temperature=temperature)
    # Read anew for the checks of a recipe: the options' own ranges let NaN through.
    return recipe_from_dict(recipe_to_dict(replace(recipe, distillation=section)))
