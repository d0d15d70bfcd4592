"""Running the command line in this process, as a user would."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from vqa_ensemble.cli import main


@dataclass(frozen=True)
class Ran:
    """Exit code and output of one command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


class Runner:
    """Runs ``vqa-ensemble`` with arguments; paths may be given as they are."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *args: object) -> Ran:
        with pytest.raises(SystemExit) as exit_:
            main([str(arg) for arg in args])
        captured = self.capsys.readouterr()
        code = exit_.value.code
        return Ran(code if isinstance(code, int) else int(bool(code)), captured.out, captured.err)

    def good(self, *args: object) -> Ran:
        """Run, and fail the test unless the exit code is 0."""
        ran = self(*args)
        assert ran.code == 0, ran.err
        return ran
