"""The training loop of one member."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vqa_ensemble.errors import InputError
from vqa_ensemble.files.atomic import remove_leftovers
from vqa_ensemble.training import distributed, memory
from vqa_ensemble.training.checkpoint import (
    CHECKPOINT_FILE,
    Member,
    load_checkpoint,
    save_checkpoint,
)
from vqa_ensemble.training.compilation import compiled
from vqa_ensemble.training.data import open_dataset
from vqa_ensemble.training.data.batch import Batch
from vqa_ensemble.training.data.combined import training_examples
from vqa_ensemble.training.data.examples import Examples
from vqa_ensemble.training.data.given_answers import give_answers
from vqa_ensemble.training.data.loader import load_batches
from vqa_ensemble.training.data.splits import Dataset
from vqa_ensemble.training.data.teacher import Teacher, read_teacher
from vqa_ensemble.training.data.vocabulary import glove_vectors, tfidf_vectors
from vqa_ensemble.training.distillation import student_loss
from vqa_ensemble.training.meter import Meter
from vqa_ensemble.training.models import ARCHITECTURES, build_model
from vqa_ensemble.training.models.parts import VqaModel
from vqa_ensemble.training.optimization import (
    accumulate_gradients,
    build_optimizer,
    is_out_of_memory,
)
from vqa_ensemble.training.plan import Plan
from vqa_ensemble.training.precision import MixedPrecision
from vqa_ensemble.training.prediction import known_examples, score_examples
from vqa_ensemble.training.recipe import Recipe, recipe_hash
from vqa_ensemble.training.run_log import run_log

LOG_EVERY = 25
REPORT_SECONDS = 1.0
# Beside the end of every epoch, which may be hours away on a large data set.
CHECKPOINT_SECONDS = 600.0


@dataclass(frozen=True)
class TrainingProgress:
    """How a run stands.

    Attributes
    ----------
    member : str
    update, updates : int
        Updates done, and to do in all.
    epoch : int
        The epoch of the last update, counted from 1.
    loss, score : float
        Means over the examples since the last line of the log.
    examples_per_second : float
    data_wait : float
        Share of the time in which the loop waited for its next batch.
    memory : int
        Most bytes so far: allocated on the GPU, or resident on the CPU.
    evaluation : float or None
        Mean score on the split ``training.evaluate``, at the end of an epoch.
    """

    member: str
    update: int
    updates: int
    epoch: int
    loss: float
    score: float
    examples_per_second: float
    data_wait: float
    memory: int
    evaluation: float | None = None


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
    say : callable
        Called with what a person should know.

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
        say: Callable[[str], None] = lambda message: None,
    ) -> None:
        self.recipe, self.folder, self.device = recipe, folder, device
        self.update = 0
        self._say = say
        self._precision = MixedPrecision(recipe.training.precision, device)
        dataset = dataset or open_dataset(recipe.data)
        self._examples = self._read_examples(dataset)
        self.teacher = self._read_teacher()
        self._digest = self._examples.digest()
        self.plan = Plan(recipe.training, len(self._examples), recipe.member.seed)
        self.member = new_member(recipe, self._examples, device)
        self._evaluated = self._read_evaluated(dataset)
        self._loss = student_loss(recipe.distillation)
        self._optimizer = build_optimizer(self.member.model, recipe.training)
        # Examples that pass through the network at once: those of a batch, until memory runs out.
        self._micro_batch = recipe.training.batch_size
        if resume and (folder / CHECKPOINT_FILE).is_file():
            self._resume()
        distributed.check_alike(self.update, "how far the training is")
        self._network = distributed.wrap(self.member.model, device)
        if recipe.training.compile:
            self._network = compiled(self._network, device, say)

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
            If the loss stops being a number, or one example alone needs too much memory.
        """
        last = self.plan.updates if stop_after is None else min(stop_after, self.plan.updates)
        if self.device.type == "cpu":
            memory.keep_freed_memory()
        memory.forget_peak(self.device)
        if distributed.rank() == 0:
            remove_leftovers(self.folder / CHECKPOINT_FILE, older_than=0)
        model, optimizer = self.member.model, self._optimizer
        self._batches, self._meter = self._load(last), Meter(self.update)
        saved = reported = time.monotonic()
        model.train()
        with run_log(self.folder, self.update) as log:
            while self.update < last:
                rate = self.plan.learning_rate(self.update)
                for group in optimizer.param_groups:
                    group["lr"] = rate
                sums = self._gradients(last)
                self._precision.unscale(optimizer)
                if clip_norm := self.recipe.training.clip_norm:
                    torch.nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
                self._precision.step(optimizer)
                self._meter.add(sums, len(self.plan.share(self.update)))
                self.update += 1

                epoch_ends = self.plan.ends_epoch(self.update - 1)
                pause = epoch_ends or self.update == last
                if pause or self.update % LOG_EVERY == 0:
                    self._check_losses()
                    means = self._meter.means(together=True)
                    progress = self._progress(means, self._evaluate() if epoch_ends else None)
                    log(self._line(progress))
                    report(progress)
                    self._meter, reported = Meter(self.update), time.monotonic()
                elif time.monotonic() - reported > REPORT_SECONDS:
                    report(self._progress(self._meter.means()))
                    reported = time.monotonic()
                if pause or time.monotonic() - saved > CHECKPOINT_SECONDS:
                    self.save()
                    saved = time.monotonic()
        return self.member

    def save(self) -> None:
        """Write the checkpoint, as rank 0."""
        self._check_losses()
        if distributed.rank():
            return
        progress = {
            "update": self.update,
            "optimizer": self._optimizer.state_dict(),
            "precision": self._precision.state_dict(),
            "micro_batch": self._micro_batch,
            "examples": self._digest,
            "teacher": self.teacher.digest if self.teacher else "",
        }
        save_checkpoint(self.folder / CHECKPOINT_FILE, self.member, progress)

    def _read_examples(self, dataset: Dataset) -> Examples:
        kind = ARCHITECTURES[self.recipe.model.architecture]
        examples = training_examples(dataset, self.recipe.data, answer_words=kind.reads_answer)
        give_answers(examples, kind)
        return examples

    def _read_teacher(self) -> Teacher | None:
        """The recipe's teacher, whose confidences the examples get."""
        path, examples = self.recipe.distillation.teacher, self._examples
        if not path:
            return None
        if examples.chooses:
            raise InputError(
                f"'{self.recipe.model.architecture}' chooses among options; teachers speak of a "
                "vocabulary",
                where="model.architecture",
                fix="Teach 'butd', 'san' or 'ban'.",
            )
        teacher = read_teacher(path, examples.question_ids, examples.answers)
        examples.teacher = teacher.confidences
        return teacher

    def _read_evaluated(self, dataset: Dataset) -> Examples | None:
        """The split that is scored after every epoch."""
        split = self.recipe.training.evaluate
        examples = known_examples(self.member, dataset, split) if split else None
        if examples is not None and examples.targets is None:
            raise InputError(
                f"split '{split}' has no answers to score by",
                where="training.evaluate",
                fix="Name a split with answers, or leave it empty.",
            )
        return examples

    def _gradients(self, last: int) -> Tensor:
        """Leave the update's gradient in the parameters; loss and score (2,), summed.

        If memory runs out, the window begins again in smaller micro-batches, and they stay so.
        """
        share, window = len(self.plan.share(self.update)), len(self.plan.rows(self.update))
        # Dropout follows from the update's number alone: a resumed run has nothing to restore.
        seeds = np.random.SeedSequence([self.recipe.member.seed, self.update, distributed.rank()])
        while True:
            _seed(int(seeds.generate_state(1)[0]), self.device)
            self._optimizer.zero_grad(set_to_none=True)
            try:
                return accumulate_gradients(
                    self._network,
                    self._micro_batches(share),
                    self._precision,
                    share=share,
                    window=window,
                    loss_of=self._loss,
                )
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
            # Not in the except clause: there the error holds on to the tensors of the batch.
            self._halve_micro_batches()
            self._batches = self._load(last)

    def _halve_micro_batches(self) -> None:
        before, self._micro_batch = self._micro_batch, -(-self._micro_batch // 2)
        if before == 1 or distributed.size() > 1:
            raise InputError(
                f"out of memory with {before} examples at once",
                where="training.batch_size",
                fix="Take a smaller model or fewer regions."
                if before == 1
                else f"Set it to {self._micro_batch}, and double training.accumulate.",
            )
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        self._say(
            f"{self.member.name}: out of memory with {before} examples at once; going on with "
            f"{self._micro_batch}, the same {len(self.plan.rows(self.update))} an update"
        )

    def _load(self, last: int) -> Iterator[Batch]:
        """The batches of this update and those that follow."""
        return load_batches(
            self._examples,
            self.plan.batches(self.update, last),
            workers=self.recipe.data.workers,
            pinned=self.device.type == "cuda",
        )

    def _micro_batches(self, share: int) -> Iterator[Batch]:
        taken = 0
        while taken < max(share, 1):
            batch = self._meter.wait(self._batches)
            taken += len(batch)
            for part in batch.parts(self._micro_batch):
                yield part.to(self.device)

    def _check_losses(self) -> None:
        """Raise InputError if a loss since the last line of the log is not finite."""
        update = self._meter.not_finite()
        if update is not None:
            raise InputError(
                f"the loss of update {update + 1} is not finite",
                fix="Lower training.learning_rate, or train in float32.",
            )

    def _evaluate(self) -> float | None:
        if self._evaluated is None:
            return None
        score = score_examples(self.member, self._evaluated, self.device)
        self.member.model.train()
        return score

    def _progress(
        self, means: dict[str, float], evaluation: float | None = None
    ) -> TrainingProgress:
        return TrainingProgress(
            member=self.member.name,
            update=self.update,
            updates=self.plan.updates,
            epoch=self.plan.epoch(self.update - 1) + 1,
            **means,
            memory=memory.peak(self.device),
            evaluation=evaluation,
        )

    def _line(self, progress: TrainingProgress) -> dict[str, Any]:
        """What the log keeps of it."""
        return {
            **vars(progress),
            "learning_rate": self._optimizer.param_groups[0]["lr"],
            "precision": self._precision.name,
            "skipped_updates": self._precision.skipped,
            "micro_batch": self._micro_batch,
        }

    def _resume(self) -> None:
        path = self.folder / CHECKPOINT_FILE
        member, progress = load_checkpoint(path, self.device)
        fix = "Start over with --fresh, or choose another --output."
        if recipe_hash(member.recipe) != recipe_hash(self.recipe):
            raise InputError("was trained by another version of the recipe", path=path, fix=fix)
        for what in ("words", "answers", "width"):
            if getattr(member, what) != getattr(self.member, what):
                raise InputError(f"was trained on data with other {what}", path=path, fix=fix)
        self.member.model.load_state_dict(member.model.state_dict())
        try:
            examples, teacher = progress["examples"], progress["teacher"]
            self._optimizer.load_state_dict(progress["optimizer"])
            self._precision.load_state_dict(progress["precision"])
            self._micro_batch = int(progress["micro_batch"])
            self.update = int(progress["update"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError("cannot be continued by this version", path=path, fix=fix) from error
        if examples != self._digest:
            raise InputError("was trained on other questions or answers", path=path, fix=fix)
        if teacher != (self.teacher.digest if self.teacher else ""):
            raise InputError("was trained by another teacher", path=path, fix=fix)


def new_member(recipe: Recipe, examples: Examples, device: torch.device) -> Member:
    """A member that has learnt nothing: its weights follow from the recipe's seed."""
    words, answers, width = examples.words, examples.answers, examples.width
    torch.manual_seed(recipe.member.seed)
    model = build_model(recipe.model, width=width, words=len(words), answers=len(answers))
    if recipe.model.word_vectors == "glove":
        _copy_glove(recipe, model, examples)
    return Member(recipe, words, answers, width, model.to(device))


def _copy_glove(recipe: Recipe, model: VqaModel, examples: Examples) -> None:
    generator, file = np.random.default_rng(recipe.member.seed), recipe.model.glove_file
    vectors = glove_vectors(examples.words, generator, file)
    embedding, second = model.question.embedding, model.question.tfidf_embedding
    if vectors.shape[1] != embedding.embedding_dim:
        raise InputError(
            f"is {embedding.embedding_dim}; the vectors of {file} have {vectors.shape[1]} numbers",
            where="model.word_width",
            fix=f"Set word_width = {vectors.shape[1]}.",
        )
    with torch.no_grad():
        embedding.weight.copy_(torch.from_numpy(vectors))
        if second is not None:
            company = tfidf_vectors(examples.tokens.numpy(), vectors)
            second.weight.copy_(torch.from_numpy(company))


def _seed(seed: int, device: torch.device) -> None:
    # torch.manual_seed also queues calls for kinds of device that are not there: slow, and
    # the queue grows with every call.
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)
