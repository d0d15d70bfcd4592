"""What gets installed, and what importing it costs."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import vqa_ensemble
from vqa_ensemble.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[1]


def run(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_setup_cfg_lists_every_package_of_code() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    listed = set(config["options"]["packages"].split())
    code = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for path in (ROOT / "vqa_ensemble").rglob("__init__.py")
    }
    assert listed == code | {"vqa_ensemble.members", "vqa_ensemble.mappings"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    # Built from a copy: setuptools leaves build/ and *.egg-info beside the sources.
    names = "setup.cfg pyproject.toml README.md LICENSE vqa_ensemble members mappings"
    subprocess.run(["cp", "-r", *(ROOT / name for name in names.split()), source], check=True)
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
         "--wheel-dir", folder, source],
        check=True,
    )  # fmt: skip
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_the_wheel_holds_recipes_maps_and_templates(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    for recipe in (ROOT / "members").glob("*.toml"):
        assert f"vqa_ensemble/members/{recipe.name}" in names
    for answer_map in (ROOT / "mappings").glob("*.csv"):
        assert f"vqa_ensemble/mappings/{answer_map.name}" in names
    for template in (ROOT / "vqa_ensemble" / "report" / "templates").iterdir():
        assert f"vqa_ensemble/report/templates/{template.name}" in names
    assert "vqa_ensemble/py.typed" in names


def test_the_wheel_puts_nothing_else_at_the_top(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"vqa_ensemble"}


def test_the_engine_does_not_import_torch() -> None:
    modules = (
        "vqa_ensemble.elections.vote, vqa_ensemble.elections.inspection, vqa_ensemble.scoring, "
        "vqa_ensemble.cli.vote, vqa_ensemble.cli.evaluate, vqa_ensemble.cli.build_map"
    )
    assert run(f"import sys, {modules}; print('torch' in sys.modules)") == "False"


@pytest.mark.parametrize("arguments", [[], *([name] for name in COMMANDS)], ids=" ".join)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        "from vqa_ensemble.cli import main\n"
        f"try: main([*{arguments}, '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'pyarrow', 'pandas', 'sklearn', 'scipy', 'torch', 'rich', 'orjson'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    assert run(code).splitlines()[-1] == "[]"


def test_the_public_face_imports_what_is_used_of_it() -> None:
    code = (
        "import sys, vqa_ensemble\n"
        "print(sorted({'numpy', 'click'} & set(sys.modules)))\n"
        "print([n for n in vqa_ensemble.__all__ if not hasattr(vqa_ensemble, n)])\n"
        "print(hasattr(vqa_ensemble, 'raed_predictions'), 'vote' in dir(vqa_ensemble))"
    )
    assert run(code).splitlines() == ["[]", "[]", "False True"]


def test_type_checkers_and_python_see_the_same_public_face() -> None:
    block = (ROOT / "vqa_ensemble/__init__.py").read_text()
    seen = re.findall(r"    from vqa_ensemble\.(\S+) import \w+ as (\w+)", block)
    assert {name: module for module, name in seen} == vqa_ensemble._MODULES


@pytest.mark.slow
def test_a_users_program_is_type_checked(tmp_path: Path) -> None:
    """The annotations of the public interface are what mypy checks a program by."""
    program = tmp_path / "program.py"
    program.write_text(
        "import numpy as np\n"
        "from vqa_ensemble import LearnedEnsemble, VoteOptions, vote_files\n"
        "from vqa_ensemble import read_predictions, write_predictions\n"
        "write_predictions('m.parquet', [1], ['yes'], np.array([0.5]), member='m')\n"
        "reveal_type(read_predictions('m.parquet').metadata.member)\n"
        "reveal_type(vote_files(['m.parquet'], VoteOptions(method='mean')).questions)\n"
        "LearnedEnsemble(random_state='seven')\n"
    )
    ran = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", tmp_path / "cache", program],
        cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "MYPYPATH": str(ROOT), "MYPY_CONFIG_FILE": str(tmp_path / "none")},
    )  # fmt: skip
    lines = [line for line in ran.stdout.splitlines() if line.startswith("program.py")]
    revealed = [line for line in lines if "Revealed type" in line]
    assert "str" in revealed[0]
    assert "int" in revealed[1]
    (error,) = (line for line in lines if ": error:" in line)
    assert '"random_state"' in error
    assert '"str"; expected "int"' in error


def test_the_shell_completes_commands_and_options() -> None:
    def complete(*words: str) -> list[str]:
        environment = {
            **os.environ,
            "_VQA_ENSEMBLE_COMPLETE": "bash_complete",
            "COMP_WORDS": shlex.join(["vqa-ensemble", *words]),
            "COMP_CWORD": str(len(words)),
        }
        code = "from vqa_ensemble.cli import main; main()"
        ran = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True
        )
        return [line.partition(",")[2] for line in ran.stdout.splitlines()]

    assert complete("bui") == ["build-map"]
    assert complete("vote", "--unse") == ["--unseen"]
    assert complete("vote", "--method", "ma") == ["majority"]
