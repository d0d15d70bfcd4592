from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Runner

_SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data that lies beside a developer's checkout; users do not have it."""
    if not _SHARED.is_dir():
        pytest.skip("needs the real data beside a developer's checkout (../shared/data)")
    return _SHARED


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Runner:
    """The command line: ``cli("vote", path, …)`` gives exit code and output."""
    return Runner(capsys)
