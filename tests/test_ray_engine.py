"""The Ray engine: the local engine's bytes, whatever dies on the way."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pytest

ray = pytest.importorskip("ray", reason="needs the extra [ray]")

from vqa_ensemble.answers.answer_map import AnswerMap  # noqa: E402
from vqa_ensemble.cluster import connect  # noqa: E402
from vqa_ensemble.elections.options import VoteOptions  # noqa: E402
from vqa_ensemble.elections.ray_cluster import RayEngine  # noqa: E402
from vqa_ensemble.elections.span import open_members  # noqa: E402
from vqa_ensemble.elections.vote import vote_files  # noqa: E402
from vqa_ensemble.errors import InputError  # noqa: E402
from vqa_ensemble.predictions.decoding import Common  # noqa: E402
from vqa_ensemble.predictions.files import predictions_from_rows as from_rows  # noqa: E402
from vqa_ensemble.predictions.files import save_predictions  # noqa: E402
from vqa_ensemble.predictions.member import Predictions  # noqa: E402
from vqa_ensemble.predictions.ranges import (  # noqa: E402
    PredictionFile,
    Span,
)

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # Ray's own, at start and end

VOCABULARY = ["no", "yes", "1", "2", "3", "cat", "dog"]
MAP = AnswerMap.from_pairs(
    [(a, "yes/no" if len(a) > 1 and a in "yesno" else "other") for a in VOCABULARY]
)
BLOCK_ROWS = 900


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    ray.init(num_cpus=2, log_to_driver=False, include_dashboard=False, logging_level="error")
    yield
    ray.shutdown()


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    monkeypatch.setattr("vqa_ensemble.predictions.files.ROW_GROUP_ROWS", 300)
    written = []
    for m in range(3):
        rng = np.random.default_rng(m)
        rows = [
            (q, VOCABULARY[a], round(float(c), 3))
            for q in range(1000)
            for a, c in zip(rng.permutation(7)[:3], rng.random(3), strict=True)
        ]
        written.append(tmp_path / f"m{m}.parquet")
        save_predictions(written[-1], from_rows(f"m{m}", rows))
    return written


def run(paths: list[Path], folder: Path, engine: RayEngine | None) -> tuple[bytes, bytes, dict]:  # type: ignore[type-arg]
    folder.mkdir(exist_ok=True)
    output, audit = folder / "submission.json", folder / "audit.parquet"
    summary = vote_files(
        paths,
        VoteOptions(answer_map=MAP),
        output=output,
        audit=audit,
        block_rows=BLOCK_ROWS,
        engine=engine,
    )
    return output.read_bytes(), audit.read_bytes(), summary.to_dict()


def test_gives_the_bytes_of_the_local_engine(paths: list[Path], tmp_path: Path) -> None:
    local = run(paths, tmp_path / "local", None)
    engine = RayEngine(tmp_path / "parts")
    assert run(paths, tmp_path / "ray", engine) == local
    assert len(list((tmp_path / "parts").glob("*.summary.json"))) > 5
    (tmp_path / "parts" / ".part-0.lines.1234.tmp").write_text("of a worker that was killed")
    engine.forget()
    assert not (tmp_path / "parts").exists()


def test_urls_give_the_bytes_of_paths(paths: list[Path], tmp_path: Path) -> None:
    local = run(paths, tmp_path / "local", None)
    urls = [path.as_uri() for path in paths]
    engine = RayEngine(f"{tmp_path.as_uri()}/parts")
    output, audit = f"{tmp_path.as_uri()}/s.json", f"{tmp_path.as_uri()}/a.parquet"
    vote_files(
        urls,
        VoteOptions(answer_map=MAP),
        output=output,
        audit=audit,
        block_rows=BLOCK_ROWS,
        engine=engine,
    )
    assert (tmp_path / "s.json").read_bytes() == local[0]
    assert (tmp_path / "a.parquet").read_bytes() == local[1]
    engine.forget()
    assert not (tmp_path / "parts").exists()


@dataclass(frozen=True)
class Fatal(PredictionFile):
    """A file whose first reader is killed."""

    def read(self, span: Span, common: Common | None = None) -> Predictions:
        marker = Path(self.path).with_suffix(".killed")
        if span.low is not None and not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().read(span, common)


def test_a_killed_worker_does_not_change_the_result(
    paths: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = run(paths, tmp_path / "local", None)

    def one_fatal(names: list[str], scratch: Path) -> tuple[PredictionFile, ...]:
        files = list(open_members(names, scratch))
        files[1] = Fatal(**{f.name: getattr(files[1], f.name) for f in fields(PredictionFile)})
        return tuple(files)

    # Workers cannot import this module.
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    monkeypatch.setattr("vqa_ensemble.elections.vote.open_members", one_fatal)
    assert run(paths, tmp_path / "ray", RayEngine(tmp_path / "parts")) == local
    assert paths[1].with_suffix(".killed").exists()


def test_a_run_after_a_crash_uses_the_finished_parts(paths: list[Path], tmp_path: Path) -> None:
    local = run(paths, tmp_path / "local", None)
    engine = RayEngine(tmp_path / "parts")
    run(paths, tmp_path / "first", engine)
    summaries = sorted((tmp_path / "parts").glob("*.summary.json"))
    before = {path: path.stat().st_mtime_ns for path in summaries}
    lost = summaries[::2]
    for path in lost:
        path.unlink()
    assert run(paths, tmp_path / "second", engine) == local
    after = {path: path.stat().st_mtime_ns for path in summaries}
    assert {path for path in summaries if after[path] != before[path]} == set(lost)


def test_bad_input_is_reported_as_on_one_machine(paths: list[Path], tmp_path: Path) -> None:
    save_predictions(paths[0], from_rows("m0", [(q, "no", 1.0) for q in range(0, 1000, 2)]))
    messages = []
    for engine in (None, RayEngine(tmp_path / "parts")):
        with pytest.raises(InputError) as caught:
            vote_files(paths, VoteOptions(method="majority"), engine=engine, block_rows=BLOCK_ROWS)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]
    assert "lacks 500 of 1000 questions" in messages[0]


@pytest.mark.parametrize(
    "address", ["127.0.0.1:1", "ray://127.0.0.1:1", "[::1]:1", "nowhere.invalid:6379"]
)
def test_a_cluster_that_is_not_there_is_not_waited_for(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(**options: object) -> None:
        raise AssertionError("Ray waits for ever")

    monkeypatch.setattr("ray.is_initialized", lambda: False)
    monkeypatch.setattr("ray.init", never)
    with pytest.raises(InputError, match=r"no Ray cluster can be reached at .*ray start"):
        connect(address)
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(InputError, match="no Ray cluster can be reached"):
        connect()
