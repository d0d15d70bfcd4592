"""Several members trained one after another; one that fails does not take the others along."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from vqa_ensemble.errors import InputError
from vqa_ensemble.files.atomic import sole_use
from vqa_ensemble.training import distributed
from vqa_ensemble.training.data import open_dataset
from vqa_ensemble.training.precision import choose_device
from vqa_ensemble.training.prediction import known_examples, write_split
from vqa_ensemble.training.recipe import Recipe
from vqa_ensemble.training.trainer import Trainer, TrainingProgress


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Where training writes, what it predicts, and on what it runs.

    Attributes
    ----------
    runs : Path
        Each member's checkpoint and log go to a folder of its name in here.
    predictions : Path
        Prediction files go to ``<split>/<member>.parquet`` in here.
    splits : sequence of str
        Splits to predict, instead of those each recipe names.
    resume : bool
        Continue from checkpoints.
    device : str
        See :func:`vqa_ensemble.training.precision.choose_device`.
    threads : int, optional
        CPU threads; by default torch's.
    """

    runs: Path
    predictions: Path
    splits: Sequence[str] = ()
    resume: bool = True
    device: str = "auto"
    threads: int | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of one member.

    Attributes
    ----------
    member : str
    seconds : float
        Time of training and predicting.
    parameters : int
    scores : dict of str to float or None
        By split; None where the split has no answers.
    files : dict of str to Path
        The prediction files by split.
    notes : tuple of str
        What its training met with that its owner should know.
    error : str
        Why it failed; empty if it did not.
    details : str
        The traceback of an error nobody foresaw.
    """

    member: str
    seconds: float = 0.0
    parameters: int = 0
    scores: dict[str, float | None] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    error: str = ""
    details: str = ""

    def to_dict(self) -> dict[str, Any]:
        """What ``--json`` prints."""
        return {
            "member": self.member,
            "seconds": round(self.seconds, 3),
            "parameters": self.parameters,
            "scores": self.scores,
            "files": {split: str(path) for split, path in self.files.items()},
            "notes": list(self.notes),
            "error": self.error or None,
        }


def check_names(recipes: Sequence[Recipe]) -> None:
    """Raise InputError if two recipes have the same member name."""
    names = [recipe.member.name for recipe in recipes]
    for name in names:
        if names.count(name) > 1:
            raise InputError(
                f"member '{name}' is given {names.count(name)} times",
                fix="Give each recipe a name of its own.",
            )


def train_members(
    recipes: Sequence[Recipe],
    run: RunOptions,
    *,
    report: Callable[[TrainingProgress], None] = lambda progress: None,
    finished: Callable[[Outcome], None] = lambda outcome: None,
    say: Callable[[str], None] = lambda message: None,
) -> list[Outcome]:
    """Train members and write their prediction files.

    Parameters
    ----------
    recipes : sequence of Recipe
    run : RunOptions
    report, finished, say : callable
        Called during training, after each member, and with what a person should know.

    Raises
    ------
    InputError
        If there is no such device, or two recipes have the same member name. What goes wrong
        with one member alone is in its outcome; but where several processes train together it
        is raised, since the others cannot know of it and would wait for ever.
    """
    if run.threads is not None:
        torch.set_num_threads(run.threads)
    device = choose_device(run.device)
    check_names(recipes)
    outcomes = []
    for recipe in recipes:
        began = time.monotonic()
        try:
            outcome = _train_member(recipe, run, device, report, say)
        except Exception as error:
            # Out of memory, a broken driver, a bug: the next member may still go well.
            if distributed.size() > 1:
                raise
            outcome = Outcome(recipe.member.name, time.monotonic() - began, error=str(error))
            if not isinstance(error, InputError):
                problem, details = f"{type(error).__name__}: {error}", traceback.format_exc()
                outcome = replace(outcome, error=problem, details=details)
        finished(outcome)
        outcomes.append(outcome)
    return outcomes


def _train_member(
    recipe: Recipe,
    run: RunOptions,
    device: torch.device,
    report: Callable[[TrainingProgress], None],
    say: Callable[[str], None],
) -> Outcome:
    began = time.monotonic()
    dataset = open_dataset(recipe.data)
    wanted = tuple(run.splits) or recipe.predict.splits
    unknown = [split for split in wanted if split not in dataset.split_names]
    if unknown:
        raise InputError(
            f"data set '{dataset.name}' has no split '{unknown[0]}'",
            fix=f"There are: {', '.join(dataset.split_names)}.",
        )
    folder = run.runs / recipe.member.name

    def waiting() -> None:
        say(f"{recipe.member.name}: waiting for another run that is training in {folder}")

    # Of processes that train together, one speaks for all; the others must not read the
    # checkpoint before it is their turn.
    with sole_use(folder, waiting) if distributed.rank() == 0 else nullcontext():
        distributed.meet()
        trainer = Trainer(recipe, folder, device, dataset=dataset, resume=run.resume, say=say)
        for split in wanted:
            if split not in (*recipe.data.train_splits, recipe.training.evaluate):
                known_examples(trainer.member, dataset, split)  # what it lacks is said now
        member = trainer.train(report)
    files: dict[str, Path] = {}
    scores: dict[str, float | None] = {}
    for split in wanted if distributed.rank() == 0 else ():
        files[split], scores[split] = write_split(
            member, dataset, split, run.predictions, device=device
        )
    parameters = sum(parameter.numel() for parameter in member.model.parameters())
    notes = () if trainer.teacher is None else (trainer.teacher.describe(),)
    return Outcome(recipe.member.name, time.monotonic() - began, parameters, scores, files, notes)
