"""The runs that a study asks for: those that are done are read, the others are trained."""

from __future__ import annotations

import multiprocessing
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import orjson

from vqa_ensemble.errors import InputError
from vqa_ensemble.studies.design import Options, named
from vqa_ensemble.studies.measuring import (
    PROGRESS_FILE,
    RECORD_FILE,
    SCORED_SPLIT,
    Record,
    made_by,
    measure_run,
    predict_run,
    study_data,
)
from vqa_ensemble.training.precision import choose_device, choose_precision
from vqa_ensemble.training.recipe import Recipe

_WAIT_SECONDS = 0.5


@dataclass(frozen=True)
class Run:
    """A training run that is done.

    Attributes
    ----------
    recipe : Recipe
    folder : Path
        Its checkpoint, its log and its predictions: ``<split>/<name>.parquet``.
    record : Record
    """

    recipe: Recipe
    folder: Path
    record: Record


class Bench:
    """Trains what studies ask for, one run at a time, each in a process of its own.

    Parameters
    ----------
    base : Recipe
        What rows change.
    folder : Path
        Runs are kept in ``runs`` in here by what they train, so that studies share them.
    options : Options
        Every row has runs with seeds 0, 1, ...
    tell : callable
        Told which row is being trained, and how much of it is done: 1 once when it is recorded.

    Raises
    ------
    InputError
        If there is no such device, or the data set is missing or has no annotations.
    OSError
        If the folder cannot be made.
    """

    def __init__(
        self,
        base: Recipe,
        folder: Path,
        options: Options,
        *,
        tell: Callable[[str, float], object] = lambda what, share: None,
    ) -> None:
        # What would fail in every run fails here, once.
        choose_device(options.device)
        folder.mkdir(parents=True, exist_ok=True)
        self.base = base
        self.seeds = range(options.seeds)
        data = study_data(base, folder / "data")
        self.annotations, self.questions = data.annotations, data.questions
        self.runs: dict[str, Run] = {}
        self.folder = folder
        self._data = data.digest
        self._options = options
        self.tell = tell

    @property
    def mixed_precision(self) -> str:
        """What mixed precision is on this device; a CPU has bfloat16, at whatever speed."""
        device = choose_device(self._options.device)
        return "bfloat16" if device.type == "cpu" else choose_precision("auto", device)

    def train(self, recipe: Recipe, seed: int, label: str, lesson: str = "") -> Run:
        """The run of a recipe with a seed; kept runs are not trained again.

        Parameters
        ----------
        recipe : Recipe
        seed : int
        label : str
            What progress calls the recipe.
        lesson : str
            What stands for the contents of the teacher's predictions, where there is one.

        Raises
        ------
        InputError
            If training fails.
        """
        recipe = named(recipe, seed, self._data + lesson)
        name = recipe.member.name
        if name not in self.runs:
            folder = self.folder / "runs" / name
            if self._options.fresh or not (folder / RECORD_FILE).is_file():
                (folder / RECORD_FILE).unlink(missing_ok=True)
                what = f"{label}, seed {seed}"
                annotations = self.annotations[SCORED_SPLIT]
                self._in_process(folder, what, measure_run, recipe, folder, annotations)
                self.tell(what, 1.0)
            content = orjson.loads((folder / RECORD_FILE).read_bytes())
            self.runs[name] = Run(recipe, folder, Record(**content))
        return self.runs[name]

    def predictions(self, run: Run, split: str) -> Path:
        """The prediction file of a split, predicted if need be."""
        path = run.folder / split / f"{run.recipe.member.name}.parquet"
        newest = (run.folder / RECORD_FILE).stat().st_mtime
        if split != SCORED_SPLIT and not (path.is_file() and path.stat().st_mtime >= newest):
            what = f"predictions of {split}, {run.recipe.member.name}"
            self._in_process(run.folder, what, predict_run, run.recipe, run.folder, split)
        return path

    def mixtures(self) -> list[str]:
        """In what the runs' making differs, and from the present code, in words."""
        makers = [run.record.made_by for run in self.runs.values()]
        now = made_by(self._options)
        found = []
        for key in now:
            values = sorted({maker.get(key, "unknown") for maker in makers})
            if len(values) > 1:
                found.append(f"the runs differ in {key}: {', '.join(values)}")
        old = sum(maker.get("code") != now["code"] for maker in makers)
        if old:
            found.append(
                f"{old} of {len(makers)} runs were made by other versions of the training code"
            )
        return found

    def _in_process(
        self, folder: Path, what: str, function: Callable[..., None], *arguments: Any
    ) -> None:
        """Call a function with the options in a fresh process, whose memory is its own; wait.

        The process is forked from one that has imported torch and done nothing else.
        """
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["vqa_ensemble.studies.measuring"])
        receiving, sending = context.Pipe(duplex=False)
        process = context.Process(
            target=_call, args=(sending, function, *arguments, self._options), daemon=True
        )
        process.start()
        sending.close()
        while not receiving.poll(_WAIT_SECONDS):
            self.tell(what, _share_done(folder / PROGRESS_FILE))
        try:
            problem, fix = receiving.recv()
        except EOFError:
            problem = "its process died; it may have run out of memory"
            fix = "Use --scale small, or a machine with more of it."
        process.join()
        if problem:
            raise InputError(f"run {folder.name} failed: {problem}", fix=fix)


def _call(sending: Connection, function: Callable[..., None], *arguments: Any) -> None:
    """Call a function and send what went wrong and how to mend it."""
    # Control-C reaches the whole group; the study, which also hears it, ends this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        function(*arguments)
    except InputError as error:
        sending.send((str(error).removesuffix(error.fix), error.fix))
    except Exception as error:
        problem = f"{type(error).__name__}: {error}\n{traceback.format_exc()}"
        sending.send((problem, "Give the command again; if it fails again, report this."))
    else:
        sending.send(("", ""))


def _share_done(path: Path) -> float:
    """How far a run is, from the last line that it has noted."""
    try:
        lines = path.read_bytes().splitlines()
        noted = orjson.loads(lines[-1])
    except (OSError, IndexError, orjson.JSONDecodeError):
        return 0.0
    return min(float(noted["update"] / noted["updates"]), 0.99)  # it is not scored yet
