"""``doctor`` tells what this installation has and what to install."""

from __future__ import annotations

import configparser
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from command_line import Runner

import vqa_ensemble
from vqa_ensemble import installation
from vqa_ensemble.resources import list_recipes

ROOT = Path(__file__).resolve().parents[1]


def pretend(monkeypatch: pytest.MonkeyPatch, **packages: str | None) -> None:
    """Make these packages seem to have these versions; None: missing."""

    def found(name: str) -> str:
        answer = packages.get(name.replace("-", "_"), "") or None
        if name.replace("-", "_") not in packages:
            return version(name)
        if answer is None:
            raise PackageNotFoundError(name)
        return answer

    monkeypatch.setattr(installation, "version", found)


def test_it_shows_versions_parts_threads_and_folders(cli: Runner, tmp_path: Path) -> None:
    ran = cli.good("doctor")
    for text in (
        f"vqa-ensemble {vqa_ensemble.__version__}",
        f"{sys.version_info.major}.{sys.version_info.minor}",
        "pyarrow",
        version("pyarrow"),
        "[train]",
        "precision auto is",
        "threads",
        "temporary",
        "easy-vqa-ban",
    ):
        assert text in ran.out
    found = cli.good("doctor", "--json").json
    assert found["torch"]["version"] == version("torch")
    assert found["folders"]["working"]["writable"]
    assert found["recipes"]["names"] == list_recipes()
    assert {row["package"] for row in found["packages"]} >= {"numpy", "pyarrow", "scipy"}
    assert found["problems"] == []


def test_a_missing_part_is_named_with_what_to_install(
    cli: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    # timm is not in the test environment; where somebody has it, it is hidden too.
    pretend(monkeypatch, openpyxl=None, jinja2="2.0", timm=None)
    ran = cli.good("doctor")
    lines = {line.split()[0]: line for line in ran.out.splitlines() if line.startswith("  [")}
    assert "no " in lines["[import]"]
    assert "pip install 'vqa-ensemble[import]'" in lines["[import]"]
    assert "lacks jinja2>=3.1" in lines["[report]"]
    parts = cli.good("doctor", "--json").json["parts"]
    incomplete = {name for name, part in parts.items() if not part["complete"]}
    assert incomplete == {"grid", "import", "report"}


def test_a_needed_package_that_is_missing_or_old_is_a_problem(
    cli: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch, scipy=None, numpy="1.20.0")
    ran = cli("doctor")
    assert ran.code == 1
    assert "problem: scipy is missing; pip install 'scipy>=" in ran.out
    assert "problem: numpy is 1.20.0; pip install 'numpy>=" in ran.out


def test_it_works_without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation.importlib.util, "find_spec", lambda name: None)
    assert installation.examine()["torch"] is None


def test_in_a_checkout_that_is_not_installed_it_says_so(
    cli: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def requires(name: str) -> list[str]:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(installation, "requires", requires)
    ran = cli("doctor")
    assert ran.code == 1
    assert "not installed" in ran.out


def test_every_extra_for_users_is_a_part() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    developers = {"docs", "bench", "test", "lint"}
    assert set(installation.PARTS) == set(config["options.extras_require"]) - developers


def test_a_gpu_is_named_with_its_precision(cli: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = {"name": "Some GPU [8]", "bytes": 16 * 2**30, "auto_precision": "float16"}
    torch = {
        "version": "2.9",
        "threads": 4,
        "cuda": "13.0",
        "gpus": [gpu],
        "cpu_auto_precision": "float32",
        "cpu_bfloat16_instructions": False,
    }
    monkeypatch.setattr(installation, "_torch", lambda: torch)
    out = cli.good("doctor").out
    assert "Some GPU [8], 16 GiB, precision auto is float16" in out
    assert "13.0, 1 GPU found" in out


@pytest.mark.slow
def test_colours_stay_away_where_they_are_not_wanted() -> None:
    """On a terminal there is colour, unless NO_COLOR is set."""
    code = (
        "import os, pty, sys\n"
        "status = pty.spawn([sys.executable, '-m', 'vqa_ensemble', 'doctor'])\n"
        "sys.exit(os.waitstatus_to_exitcode(status))"
    )

    def output(**variables: str) -> str:
        environment = {"PATH": "/usr/bin:/bin", "TERM": "xterm-256color", **variables}
        return subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True,
            check=True, stdin=subprocess.DEVNULL,
        ).stdout  # fmt: skip

    assert "\x1b[32m" in output()
    coloured = output(NO_COLOR="1")
    assert "\x1b[32m" not in coloured
    assert "vqa-ensemble" in coloured
