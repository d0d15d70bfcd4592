"""The vote on a Ray cluster: one task a range of questions, by the plan of the local engine.

Every task reads its own row groups, votes as the local engine does, and writes its part of the
output into a folder that all machines share. Ray schedules the tasks and retries those whose
worker dies. The driver joins the parts in order. Parts are named after what they were made
from, so that a run after a crash picks up those that are finished.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import ray
from pyarrow.fs import FileSelector

from vqa_ensemble._version import __version__
from vqa_ensemble.cluster import connect
from vqa_ensemble.elections.span import BlockResult, Job, Voter, vote_on_span
from vqa_ensemble.elections.summary import VoteSummary
from vqa_ensemble.errors import InputError
from vqa_ensemble.files.atomic import atomic_path, atomic_write
from vqa_ensemble.files.locations import join, locate, store_error
from vqa_ensemble.predictions.ranges import Span
from vqa_ensemble.threads import map_in_order

# Tasks handed to Ray ahead of the one the driver waits for, for every processor.
AHEAD = 4
# Parts that the driver fetches at once: stores far away take their time to answer.
FETCHES = 8
RETRIES = 5


@dataclass(frozen=True)
class RayEngine:
    """Runs ranges of questions as Ray tasks.

    Attributes
    ----------
    parts : path-like
        A folder that all machines see, or its URL, for the parts of the output.
    address : str, optional
        The cluster's; by default, Ray's own rules: the RAY_ADDRESS variable, a cluster running
        on this machine, or one started for this run.
    """

    parts: str | os.PathLike[str]
    address: str | None = None

    def __call__(self, job: Job, spans: Sequence[Span]) -> Iterator[BlockResult]:
        """Results in the order of ``spans``.

        Raises
        ------
        InputError
            As voting on this machine does, or if the cluster cannot be reached.
        """
        ahead = max(2, AHEAD * int(connect(self.address).get("CPU", 1)))
        shared = ray.put(job)
        key = job_key(job)
        finished = set(self._files())

        def tasks() -> Iterator[tuple[Part, Any]]:
            for span in spans:
                part = Part(os.fspath(self.parts), part_name(key, span))
                done = part.last_file in finished
                yield part, None if done else _vote_on_part.remote(shared, part, span)

        return map_in_order(_take, tasks(), FETCHES, ahead)

    def forget(self) -> None:
        """Remove the parts, and halves that killed workers left, when the output stands."""
        filesystem, folder = locate(self.parts)
        names = self._files()
        parts = [name for name in names if name.startswith(("part-", ".part-"))]
        with ThreadPoolExecutor(FETCHES) as pool:
            list(pool.map(lambda name: filesystem.delete_file(f"{folder}/{name}"), parts))
        if names and len(names) == len(parts):
            filesystem.delete_dir(folder)

    def _files(self) -> list[str]:
        """The names of the files in the folder of parts."""
        filesystem, folder = locate(self.parts)
        try:
            found = filesystem.get_file_info(FileSelector(folder, allow_not_found=True))
        except (OSError, pa.ArrowException) as error:
            raise store_error(self.parts, "cannot be read", error) from error
        return [info.base_name for info in found]


@dataclass(frozen=True)
class Part:
    """The files of one range's result."""

    folder: str
    name: str

    @property
    def last_file(self) -> str:
        """The name of the file that is written last: where it is, the part is whole."""
        return f"part-{self.name}.summary.json"

    def _file(self, ending: str) -> str:
        return join(self.folder, f"part-{self.name}.{ending}")

    def _content(self, ending: str) -> bytes:
        path = self._file(ending)
        filesystem, name = locate(path)
        try:
            with filesystem.open_input_file(name) as file:
                content: bytes = file.read()
        except (OSError, pa.ArrowException) as error:
            raise store_error(path, "cannot be read", error) from error
        return content

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
        content = {"summary": result.summary.to_part(), "audit": result.audit is not None}
        atomic_write(join(self.folder, self.last_file), json.dumps(content).encode("utf-8"))

    def read(self) -> BlockResult:
        """What :meth:`write` wrote."""
        content = json.loads(self._content("summary.json"))
        summary = VoteSummary.from_part(content["summary"])
        audit = None
        if content["audit"]:
            audit = pa.ipc.open_file(self._content("arrow")).read_all()
        return BlockResult(self._content("lines"), audit, summary)


def job_key(job: Job) -> str:
    """A fingerprint of all that a part's content depends on, but its range."""
    files = [(file.path, file.stamp, file.member) for file in job.files]
    wanted = (job.audit, job.lines)
    rest = (job.options, job.elector, job.merges)
    return hashlib.sha256(pickle.dumps((__version__, files, wanted, rest))).hexdigest()


def part_name(key: str, span: Span) -> str:
    """The name of a range's part."""
    return hashlib.sha256(f"{key} {span.low!r} {span.high!r}".encode()).hexdigest()[:24]


def _take(part_and_task: tuple[Part, Any]) -> BlockResult:
    part, task = part_and_task
    refusal = None if task is None else ray.get(task)
    if refusal is not None:
        raise refusal
    return part.read()


_voters: dict[str, Voter] = {}


@ray.remote(num_cpus=1, max_retries=RETRIES)
def _vote_on_part(job: Job, part: Part, span: Span) -> InputError | None:
    """Vote on one range, in a worker, and write its part.

    Bad input comes back as a value, since Ray wraps what is raised.
    """
    key = job_key(job)
    if key not in _voters:  # a worker serves many tasks of one job
        _voters.clear()
        _voters[key] = job.voter()
    try:
        part.write(vote_on_span(job, _voters[key], span))
    except InputError as error:
        return error
    return None
