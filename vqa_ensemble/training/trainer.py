"""The training loop of one member."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import torch

from vqa_ensemble.errors import InputError
from vqa_ensemble.formats.atomic import atomic_write
from vqa_ensemble.formats.recipe import Recipe, recipe_hash
from vqa_ensemble.training.checkpoint import (
    CHECKPOINT_FILE,
    Member,
    load_checkpoint,
    save_checkpoint,
)
from vqa_ensemble.training.data import open_dataset
from vqa_ensemble.training.data.combined import training_examples
from vqa_ensemble.training.data.examples import Batch, Dataset
from vqa_ensemble.training.data.teacher import read_teacher
from vqa_ensemble.training.data.vocabulary import glove_vectors
from vqa_ensemble.training.distillation import student_loss
from vqa_ensemble.training.models import build_model
from vqa_ensemble.training.optimization import (
    accumulate_gradients,
    build_optimizer,
)
from vqa_ensemble.training.plan import Plan
from vqa_ensemble.training.precision import MixedPrecision

LOG_FILE = "log.jsonl"
LOG_EVERY = 25
# Beside the end of every epoch, which may be hours away on a large data set.
CHECKPOINT_SECONDS = 600.0


@dataclass(frozen=True)
class TrainingProgress:
    """How a run stands after ``update`` of ``updates``.

    ``loss`` and ``score`` are means over the examples since the last report.
    """

    member: str
    update: int
    updates: int
    epoch: int
    loss: float
    score: float
    examples_per_second: float


class Trainer:
    """Trains one member; every random choice follows from the recipe's seed.

    Parameters
    ----------
    recipe : Recipe
    folder : Path
        Where the checkpoint and the log lie.
    device : torch.device
    dataset : Dataset, optional
        By default the one the recipe names.
    resume : bool
        Continue from the folder's checkpoint if there is one. A resumed run ends, on a CPU,
        with exactly the weights of one that was never interrupted.

    Raises
    ------
    InputError
        If the data are missing or wrong, or the checkpoint belongs to another recipe.
    """

    def __init__(
        self,
        recipe: Recipe,
        folder: Path,
        device: torch.device,
        *,
        dataset: Dataset | None = None,
        resume: bool = True,
    ) -> None:
        self.recipe = recipe
        self.folder = folder
        self.device = device
        self.update = 0
        self._precision = MixedPrecision(recipe.training.precision, device)

        dataset = dataset or open_dataset(recipe.data)
        self._examples = training_examples(dataset, recipe.data)
        words, answers = self._examples.words, self._examples.answers
        self.teacher = None
        if recipe.distillation.teacher:
            self.teacher = read_teacher(
                recipe.distillation.teacher, self._examples.question_ids, answers
            )
            self._examples.teacher = self.teacher.confidences
        self._loss = student_loss(recipe.distillation)
        self.plan = Plan(recipe.training, len(self._examples), recipe.member.seed)
        self.member = self._new_member(words, answers)
        self._optimizer = build_optimizer(self.member.model, recipe.training)
        if resume and (folder / CHECKPOINT_FILE).is_file():
            self._resume()
        else:
            atomic_write(folder / LOG_FILE, b"")

    def train(
        self,
        report: Callable[[TrainingProgress], None] = lambda progress: None,
        *,
        stop_after: int | None = None,
    ) -> Member:
        """Train to the end, or until ``stop_after`` updates are done in all.

        Raises
        ------
        InputError
            If the loss stops being a number.
        """
        updates = self.plan.updates
        last = updates if stop_after is None else min(stop_after, updates)
        saved, began, losses, scores = time.monotonic(), time.monotonic(), [], []
        examples = 0
        self.member.model.train()
        while self.update < last:
            rows = self.plan.rows(self.update)
            epoch_ends = self.plan.ends_epoch(self.update)
            loss, score = self._step(rows)
            self.update += 1
            losses.append(loss * len(rows))
            scores.append(score * len(rows))
            examples += len(rows)
            if epoch_ends or self.update % LOG_EVERY == 0 or self.update == last:
                seconds = max(time.monotonic() - began, 1e-9)
                self._report(report, sum(losses), sum(scores), examples, seconds)
                began, losses, scores, examples = time.monotonic(), [], [], 0
            late = time.monotonic() - saved > CHECKPOINT_SECONDS
            if epoch_ends or late or self.update == last:
                self.save()
                saved = time.monotonic()
        return self.member

    def save(self) -> None:
        """Write the checkpoint."""
        rng = {"cpu": torch.get_rng_state()}
        if self.device.type == "cuda":
            rng["cuda"] = torch.cuda.get_rng_state(self.device)
        progress = {
            "update": self.update,
            "optimizer": self._optimizer.state_dict(),
            "precision": self._precision.state_dict(),
            "rng": rng,
            "teacher": self.teacher.digest if self.teacher else "",
        }
        save_checkpoint(self.folder / CHECKPOINT_FILE, self.member, progress)

    def _new_member(self, words: list[str], answers: list[str]) -> Member:
        section, seed = self.recipe.model, self.recipe.member.seed
        torch.manual_seed(seed)
        width = self._examples.width
        model = build_model(section, width=width, words=len(words), answers=len(answers))
        if section.word_vectors == "glove":
            vectors = glove_vectors(words, np.random.default_rng(seed))
            with torch.no_grad():
                model.question.embedding.weight.copy_(torch.from_numpy(vectors))
        return Member(self.recipe, words, answers, width, model.to(self.device))

    def _step(self, rows: np.ndarray[Any, np.dtype[np.int64]]) -> tuple[float, float]:
        section = self.recipe.training
        rate = self.plan.learning_rate(self.update)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.zero_grad(set_to_none=True)
        batches = self._batches(rows)
        loss, score = accumulate_gradients(
            self.member.model, batches, len(rows), self._precision, self._loss
        )
        self._precision.unscale(self._optimizer)
        if section.clip_norm:
            torch.nn.utils.clip_grad_norm_(self.member.model.parameters(), section.clip_norm)
        if not math.isfinite(loss):
            raise InputError(
                f"loss is {loss} at update {self.update}",
                fix="Lower training.learning_rate, or train in float32.",
            )
        self._precision.step(self._optimizer)
        return loss, score

    def _batches(self, rows: np.ndarray[Any, np.dtype[np.int64]]) -> Iterator[Batch]:
        size = self.recipe.training.batch_size
        for start in range(0, len(rows), size):
            yield self._examples.batch(rows[start : start + size]).to(self.device)

    def _report(
        self,
        report: Callable[[TrainingProgress], None],
        loss: float,
        score: float,
        examples: int,
        seconds: float,
    ) -> None:
        progress = TrainingProgress(
            member=self.member.name,
            update=self.update,
            updates=self.plan.updates,
            epoch=self.plan.epoch(self.update - 1) + 1,
            loss=loss / examples,
            score=score / examples,
            examples_per_second=examples / seconds,
        )
        line = {
            **vars(progress),
            "learning_rate": self._optimizer.param_groups[0]["lr"],
            "precision": self._precision.name,
            "skipped_updates": self._precision.skipped,
        }
        with (self.folder / LOG_FILE).open("ab") as log:
            log.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        report(progress)

    def _resume(self) -> None:
        path = self.folder / CHECKPOINT_FILE
        member, progress = load_checkpoint(path, self.device)
        fix = "Start over with --fresh, or choose another --output."
        if recipe_hash(member.recipe) != recipe_hash(self.recipe):
            raise InputError("was trained by another version of the recipe", path=path, fix=fix)
        same = (member.words, member.answers, member.width) == (
            self.member.words,
            self.member.answers,
            self.member.width,
        )
        if not same or not progress:
            raise InputError("was trained on other data", path=path, fix=fix)
        if progress.get("teacher", "") != (self.teacher.digest if self.teacher else ""):
            raise InputError("was trained by another teacher", path=path, fix=fix)
        self.member.model.load_state_dict(member.model.state_dict())
        self._optimizer.load_state_dict(progress["optimizer"])
        self._precision.load_state_dict(progress["precision"])
        self.update = progress["update"]
        torch.set_rng_state(progress["rng"]["cpu"])
        if self.device.type == "cuda" and "cuda" in progress["rng"]:
            torch.cuda.set_rng_state(progress["rng"]["cuda"], self.device)
        self._drop_later_log_lines()

    def _drop_later_log_lines(self) -> None:
        """Forget what a killed run logged after its checkpoint; it is about to be redone."""
        path, kept = self.folder / LOG_FILE, []
        for line in path.read_bytes().splitlines() if path.is_file() else []:
            try:
                if orjson.loads(line)["update"] <= self.update:
                    kept.append(line + b"\n")
            except orjson.JSONDecodeError:  # the kill cut this line
                break
        atomic_write(path, b"".join(kept))
