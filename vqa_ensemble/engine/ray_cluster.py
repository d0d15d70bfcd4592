"""The vote on a Ray cluster: one task a range of questions, by the plan of the local engine.

Every task reads its own row groups, votes as the local engine does, and writes its part of the
output into a folder that all machines share. Ray schedules the tasks and retries those whose
worker dies. The driver joins the parts in order. Parts are named after what they were made
from, so that a run after a crash picks up those that are finished.
"""

from __future__ import annotations

import hashlib
import json
import logging
import pickle
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import ray

from vqa_ensemble._version import __version__
from vqa_ensemble.engine.blocks import BlockResult, Job, Voter, vote_on_span
from vqa_ensemble.engine.summary import VoteSummary
from vqa_ensemble.errors import InputError
from vqa_ensemble.formats.atomic import atomic_path, atomic_write
from vqa_ensemble.formats.prediction_ranges import Span
from vqa_ensemble.voting.ballots import MissingQuestionsError

# Tasks handed to Ray ahead of the one the driver waits for, for every processor.
AHEAD = 4
RETRIES = 5


@dataclass(frozen=True)
class RayEngine:
    """Runs ranges of questions as Ray tasks.

    Attributes
    ----------
    parts : Path
        A folder that all machines see, for the parts of the output.
    address : str, optional
        The cluster's; by default, Ray's own rules: the RAY_ADDRESS variable, a cluster running
        on this machine, or one started for this run.
    """

    parts: Path
    address: str | None = None

    def __call__(self, job: Job, spans: Sequence[Span]) -> Iterator[BlockResult]:
        """Results in the order of ``spans``.

        Raises
        ------
        InputError
            As voting on this machine does, or if the cluster cannot be reached.
        """
        if not ray.is_initialized():
            try:
                ray.init(address=self.address, log_to_driver=False, logging_level=logging.WARNING)
            except (ConnectionError, ValueError, RuntimeError) as error:
                raise InputError(
                    f"no Ray cluster can be reached at {self.address or 'the default address'} "
                    f"({error})",
                    fix="Start one with ray start, or leave out --address.",
                ) from error
        self.parts.mkdir(parents=True, exist_ok=True)
        shared = ray.put(job)
        resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        ahead = max(2, AHEAD * int(resources.get("CPU", 1)))
        key = job_key(job)
        waiting: deque[tuple[Part, Any]] = deque()
        for span in spans:
            part = Part(self.parts, part_name(key, span))
            waiting.append(
                (part, None if part.done() else _vote_on_part.remote(shared, part, span))
            )
            if len(waiting) > ahead:
                yield _take(*waiting.popleft())
        while waiting:
            yield _take(*waiting.popleft())

    def forget(self) -> None:
        """Remove the parts, when the output stands."""
        for path in self.parts.glob("part-*"):
            path.unlink()
        if not any(self.parts.iterdir()):
            self.parts.rmdir()


@dataclass(frozen=True)
class Part:
    """The files of one range's result."""

    folder: Path
    name: str

    def _file(self, ending: str) -> Path:
        return self.folder / f"part-{self.name}.{ending}"

    def done(self) -> bool:
        """Whether it has been written whole: the summary is written last."""
        return self._file("summary.json").exists()

    def write(self, result: BlockResult) -> None:
        """Write the result; each file appears whole or not at all."""
        atomic_write(self._file("lines"), result.lines)
        if result.audit is not None:
            # Arrow's own format gives back the very table; parquet renames nested fields.
            options = pa.ipc.IpcWriteOptions(compression="zstd")
            with (
                atomic_path(self._file("arrow")) as temporary,
                pa.ipc.new_file(str(temporary), result.audit.schema, options=options) as file,
            ):
                file.write_table(result.audit)
        atomic_write(
            self._file("summary.json"), json.dumps(result.summary.to_dict()).encode("utf-8")
        )

    def read(self) -> BlockResult:
        """What :meth:`write` wrote."""
        summary = json.loads(self._file("summary.json").read_bytes())
        summary["members"] = tuple(summary["members"])
        audit = self._file("arrow")
        return BlockResult(
            lines=self._file("lines").read_bytes(),
            audit=pa.ipc.open_file(audit.read_bytes()).read_all() if audit.exists() else None,
            summary=VoteSummary(**summary),
        )


def job_key(job: Job) -> str:
    """A fingerprint of all that a part's content depends on, but its range."""
    files = [(file.path, file.stamp, file.member) for file in job.files]
    wanted = (job.audit, job.lines)
    rest = (job.options, job.answer_map, job.ensemble, job.question_types, job.merges)
    return hashlib.sha256(pickle.dumps((__version__, files, wanted, rest))).hexdigest()


def part_name(key: str, span: Span) -> str:
    """The name of a range's part."""
    return hashlib.sha256(f"{key} {span.low!r} {span.high!r}".encode()).hexdigest()[:24]


@dataclass(frozen=True)
class _Refusal:
    """Bad input found by a task; carried as a value, since Ray wraps what is raised."""

    message: str
    missing_questions: bool


def _take(part: Part, task: Any) -> BlockResult:
    refusal = None if task is None else ray.get(task)
    if refusal is not None and refusal.missing_questions:
        raise MissingQuestionsError("", 0, 0, [])  # the caller counts them over all ranges
    if refusal is not None:
        raise InputError(refusal.message)
    return part.read()


_voters: dict[str, Voter] = {}


@ray.remote(num_cpus=1, max_retries=RETRIES)
def _vote_on_part(job: Job, part: Part, span: Span) -> _Refusal | None:
    """Vote on one range, in a worker, and write its part."""
    key = job_key(job)
    if key not in _voters:  # a worker serves many tasks of one job
        _voters.clear()
        _voters[key] = job.voter()
    try:
        part.write(vote_on_span(job, _voters[key], span))
    except InputError as error:
        return _Refusal(str(error), isinstance(error, MissingQuestionsError))
    return None
