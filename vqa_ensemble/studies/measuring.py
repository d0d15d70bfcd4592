"""One training run, measured: score, memory, time, latency. It runs in a process of its own."""

from __future__ import annotations

import hashlib
import multiprocessing
import statistics
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import orjson
import torch

import vqa_ensemble
from vqa_ensemble.errors import InputError, at
from vqa_ensemble.files.atomic import atomic_write, sole_use
from vqa_ensemble.predictions.files import read_predictions
from vqa_ensemble.questions.vqa import read_annotations
from vqa_ensemble.scoring.vqa_accuracy import HumanAnswers, score_answers
from vqa_ensemble.studies.design import Options
from vqa_ensemble.training import memory
from vqa_ensemble.training.checkpoint import Member, load_checkpoint
from vqa_ensemble.training.data import open_dataset
from vqa_ensemble.training.data.official import write_official
from vqa_ensemble.training.data.splits import Dataset
from vqa_ensemble.training.precision import choose_device
from vqa_ensemble.training.prediction import known_examples, predict_examples, write_split
from vqa_ensemble.training.recipe import Recipe
from vqa_ensemble.training.trainer import Trainer, TrainingProgress

RECORD_FILE = "run.json"
PROGRESS_FILE = "measured.jsonl"
_MAKER_FILE = "made_by.json"
OVERALL = "overall"
# The split that is scored; test splits of the VQA challenges have no public answers.
SCORED_SPLIT = "validation"
_LATENCY_RUNS = 60
_LATENCY_WARM_UP = 10


@dataclass(frozen=True)
class Record:
    """What was measured of a run.

    Attributes
    ----------
    scores : dict of str to float
        Official VQA accuracy in percent on the validation split: overall and by answer type.
    seconds : float
        Time of training by the clock, without reading data sets, predicting and scoring.
    processor_seconds : float
        The same as the processor's time, which other programs on the machine hardly lengthen.
    memory : float
        MiB at the peak of training: on a GPU what torch allocated, on a CPU what the process
        grew by from before the data were opened.
    parameters : int
    latency : float
        Milliseconds a question, one question at a time: the median of several.
    made_by : dict of str to str
        Versions of the code and of torch, device and threads.
    """

    scores: dict[str, float]
    seconds: float
    processor_seconds: float
    memory: float
    parameters: int
    latency: float
    made_by: dict[str, str]


def measure_run(recipe: Recipe, folder: Path, annotations: Path, options: Options) -> None:
    """Train a recipe in ``folder`` and write what was measured as ``run.json`` there.

    An interrupted run continues from its checkpoint, and its time and memory from what was
    noted until then, unless it is to be a ``fresh`` one; but it starts over if other code, or
    another device, has begun it. A run that another study is training is waited for.

    Raises
    ------
    InputError
        As the trainer does, or if the annotations are not those of the validation split.
    """
    _set_threads(options)
    with sole_use(folder):
        if not options.fresh and (folder / RECORD_FILE).is_file():
            return
        chosen = choose_device(options.device)
        maker, begun = made_by(options), folder / _MAKER_FILE
        resume = not options.fresh and begun.is_file() and orjson.loads(begun.read_bytes()) == maker
        atomic_write(begun, orjson.dumps(maker))
        meter = _Meter(folder / PROGRESS_FILE, chosen)
        dataset = open_dataset(recipe.data)
        trainer = Trainer(recipe, folder, chosen, dataset=dataset, resume=resume)
        meter.start(trainer.update)
        member = trainer.train(meter.note)
        meter.stop()
        path, _ = write_split(member, dataset, SCORED_SPLIT, folder, device=chosen)
        record = Record(
            scores=_score(path, annotations),
            **meter.used,
            parameters=sum(parameter.numel() for parameter in member.model.parameters()),
            latency=_latency(member, dataset, chosen),
            made_by=maker,
        )
        content = orjson.dumps(asdict(record), option=orjson.OPT_INDENT_2)
        atomic_write(folder / RECORD_FILE, content)


def predict_run(recipe: Recipe, folder: Path, split: str, options: Options) -> None:
    """Write the predictions of another split of a run that is done."""
    _set_threads(options)
    chosen = choose_device(options.device)
    member, _ = load_checkpoint(folder, chosen)
    dataset = open_dataset(recipe.data)
    write_split(member, dataset, split, folder, top_k=recipe.predict.top_k, device=chosen)


def _set_threads(options: Options) -> None:
    if options.threads is not None:
        torch.set_num_threads(options.threads)


def made_by(options: Options) -> dict[str, str]:
    """What a run's figures depend on beside its recipe and data."""
    chosen = choose_device(options.device)
    cuda = chosen.type == "cuda"
    return {
        "code": code_digest(),
        "vqa-ensemble": vqa_ensemble.__version__,
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name(chosen) if cuda else "cpu",
        "threads": str(options.threads or torch.get_num_threads()),
    }


def code_digest() -> str:
    """Eight hexadecimal digits that change with the source of recipes and training."""
    package = Path(vqa_ensemble.__file__).parent
    digest = hashlib.sha256()
    for path in sorted((package / "training").rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


class _Meter:
    """Time and memory of a run that may have been interrupted before."""

    def __init__(self, path: Path, device: torch.device) -> None:
        self.used = {"seconds": 0.0, "processor_seconds": 0.0, "memory": 0.0}
        self._path = path
        self._device = device
        memory.forget_peak(device)
        self._memory_before = 0 if device.type == "cuda" else memory.peak(device)

    def start(self, update: int) -> None:
        """Begin, or take up what was noted at the checkpoint's update."""
        kept = []
        for line in self._path.read_bytes().splitlines() if update else []:
            try:
                noted = orjson.loads(line)
            except orjson.JSONDecodeError:  # cut off when the run was killed
                break
            if noted["update"] > update:
                break
            kept.append(line + b"\n")
            self.used = {name: noted[name] for name in self.used}
        atomic_write(self._path, b"".join(kept))
        self._clock, self._processor = time.perf_counter(), time.process_time()

    def note(self, now: TrainingProgress) -> None:
        """Write down where the run is; give up if the study that asked for it is gone."""
        parent = multiprocessing.parent_process()
        if parent is not None and not parent.is_alive():
            sys.exit("the study has ended")
        self.stop()
        line = {"update": now.update, "updates": now.updates, "loss": now.loss, **self.used}
        with self._path.open("ab") as file:
            file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

    def stop(self) -> None:
        """Add what has passed since the last time."""
        clock, processor = time.perf_counter(), time.process_time()
        self.used["seconds"] += clock - self._clock
        self.used["processor_seconds"] += processor - self._processor
        self._clock, self._processor = clock, processor
        peak = memory.peak(self._device) - self._memory_before
        self.used["memory"] = max(self.used["memory"], peak / 2**20)


def _score(predictions: Path, annotations: Path) -> dict[str, float]:
    predicted = read_predictions(predictions)
    humans = HumanAnswers.prepare(read_annotations(annotations))
    with at(predictions):
        scores = score_answers(humans, predicted.question_ids, predicted.top())
    return {OVERALL: scores.overall, **scores.per_answer_type}


def _latency(member: Member, dataset: Dataset, device: torch.device) -> float:
    """Median milliseconds from one question to its confidences."""
    examples = known_examples(member, dataset, SCORED_SPLIT)
    times = []
    for row in range(_LATENCY_WARM_UP + _LATENCY_RUNS):
        question = np.array([row % len(examples)])
        began = time.perf_counter()
        list(predict_examples(member, examples, question, top_k=1, device=device))
        times.append(1000 * (time.perf_counter() - began))
    return statistics.median(times[_LATENCY_WARM_UP:])


@dataclass(frozen=True)
class StudyData:
    """What a study needs of its data set.

    Attributes
    ----------
    annotations : dict of str to Path
        Official annotations of the training and the validation split.
    questions : dict of str to int
        How many there are.
    digest : str
        Eight hexadecimal digits that stand for the contents: all answers, and the regions of
        a few pictures.
    """

    annotations: dict[str, Path]
    questions: dict[str, int]
    digest: str


def study_data(recipe: Recipe, folder: Path) -> StudyData:
    """Open the recipe's data set; annotations that are not official are written to ``folder``.

    Raises
    ------
    InputError
        If the data set is missing, or a split has no answers.
    """
    dataset = open_dataset(recipe.data)
    digest = hashlib.sha256(dataset.name.encode())
    annotations, questions = {}, {}
    for name in ("train", SCORED_SPLIT):
        raw, split = dataset.read(name), dataset.split(name)
        if raw.answers is None:
            raise InputError(
                f"split '{name}' has no answers to score",
                path=raw.answers_file,
                fix="Name a split whose answers are published.",
            )
        path = raw.answers_file if dataset.official else None
        annotations[name] = path or write_official(folder, dataset.name, name, raw)[-1]
        questions[name] = len(split.questions)
        digest.update(annotations[name].read_bytes())
        features, boxes, _ = split.regions.read(split.pictures[:4])
        digest.update(features.tobytes() + boxes.tobytes())
    return StudyData(annotations, questions, digest.hexdigest()[:8])
