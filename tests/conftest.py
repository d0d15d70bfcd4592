from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from command_line import Runner
from hypothesis import Phase, settings
from tiny_vqa import tiny_recipe, write_data

from vqa_ensemble.training.recipe import Recipe

# A program that needs atheris, which `make fuzz-coverage` installs.
collect_ignore = ["fuzz_coverage.py"]

# For `make mutants`: the same examples for every mutant, and no minutes spent on making a failing
# one small.
settings.register_profile(
    "mutants", derandomize=True, phases=[Phase.explicit, Phase.generate], max_examples=20
)
# For `make quick`.
settings.register_profile("quick", max_examples=5)

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


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small data set in the form of VQA v2."""
    return write_data(tmp_path / "data")


@pytest.fixture
def make_recipe(root: Path) -> Callable[..., Recipe]:
    """Recipes on that data set: ``make_recipe(name, epochs=2, …)``."""
    return partial(tiny_recipe, root)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Sums in torch come out the same in every process."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
