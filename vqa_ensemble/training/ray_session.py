"""Members trained on a Ray cluster, one a task; Ray schedules them and retries lost workers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import ray

from vqa_ensemble.cluster import connect
from vqa_ensemble.errors import InputError
from vqa_ensemble.files.locations import is_url
from vqa_ensemble.training.recipe import Recipe
from vqa_ensemble.training.session import Outcome, RunOptions, check_names, train_members

# A worker that dies is started again so often; training goes on from its checkpoint.
RETRIES = 2


def train_members_on_ray(
    recipes: Sequence[Recipe],
    run: RunOptions,
    *,
    address: str | None = None,
    finished: Callable[[Outcome], None] = lambda outcome: None,
) -> list[Outcome]:
    """Train members as :func:`vqa_ensemble.training.session.train_members` does, side by side.

    Parameters
    ----------
    recipes : sequence of Recipe
        ``training.gpus`` is the share of a GPU that a member reserves. Data sets, like the two
        folders, must lie where all machines see them.
    run : RunOptions
        Each worker chooses its device, among the GPUs that Ray lets it see; a member has as
        many cores as ``threads``, by default 1.
    finished : callable
        Called in the order in which members are done.
    address : str, optional
        The cluster's; see :func:`vqa_ensemble.cluster.connect`.

    Returns
    -------
    list of Outcome
        In the order of ``recipes``.

    Raises
    ------
    InputError
        If two recipes have the same member name, or the cluster cannot be reached.
    """
    check_names(recipes)
    resources = connect(address)
    threads = run.threads or 1
    run = replace(
        run, runs=run.runs.absolute(), predictions=run.predictions.absolute(), threads=threads
    )
    outcomes: dict[str, Outcome] = {}
    names: dict[Any, str] = {}

    def done(outcome: Outcome) -> None:
        outcomes[outcome.member] = outcome
        finished(outcome)

    for recipe in recipes:
        name = recipe.member.name
        lacking = _lacking({"GPU": recipe.training.gpus, "CPU": threads}, resources)
        if lacking:  # Ray would wait for ever
            done(Outcome(name, error=lacking))
            continue
        worker = _train.options(
            num_cpus=threads, num_gpus=recipe.training.gpus, max_retries=RETRIES
        )
        task = worker.remote(_with_absolute_paths(recipe), run)
        names[task] = name
    waiting = list(names)
    while waiting:
        (task,), waiting = ray.wait(waiting)
        try:
            done(ray.get(task))
        except ray.exceptions.RayError as error:
            reason = str(error).strip().splitlines()[0]
            done(Outcome(names[task], error=f"its worker was lost: {reason}", details=str(error)))
    return [outcomes[recipe.member.name] for recipe in recipes]


def _lacking(wanted: dict[str, float], resources: dict[str, float]) -> str:
    """What no cluster of these resources can ever give; empty if nothing."""
    for kind, amount in wanted.items():
        if amount > resources.get(kind, 0):
            return f"needs {amount:g} {kind}; the cluster has {resources.get(kind, 0):g}"
    return ""


def _with_absolute_paths(recipe: Recipe) -> Recipe:
    """Workers have a working folder of their own."""

    def absolute(path: str) -> str:
        return str(Path(path).absolute()) if path and not is_url(path) else path

    recipe = recipe.with_root(absolute(recipe.data.root))
    return recipe.with_teacher(absolute(recipe.distillation.teacher))


@ray.remote
def _train(recipe: Recipe, run: RunOptions) -> Outcome:
    """Train one member, in a worker."""
    said: list[str] = []
    try:
        (outcome,) = train_members([recipe], run, say=said.append)
    except InputError as error:  # this worker has no such device
        return Outcome(recipe.member.name, error=str(error))
    return replace(outcome, notes=(*said, *outcome.notes))
