"""What README and docs show is true: every example runs, and the site builds from the pages."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import example_folders
import pytest
from command_line import Runner
from doc_examples import Example, check_command, find_blocks, find_commands, run_page

from vqa_ensemble.cli import COMMANDS, group
from vqa_ensemble.importers import FORMATS
from vqa_ensemble.leaderboards.files import LEADERBOARDS
from vqa_ensemble.scoring import METRICS

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
# What the examples of a page find in their folder.
FOLDERS: dict[str, Callable[[Path], None]] = {
    "coming-from.md": example_folders.other_tools,
    "datasets.md": example_folders.data_sets,
    "features.md": example_folders.region_files,
    "importing.md": example_folders.other_tools,
    "leaderboards.md": example_folders.other_tools,
    "training.md": example_folders.trained,
}


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_example_runs(
    page: Path, cli: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FOLDERS.get(page.name, example_folders.members)(tmp_path)
    monkeypatch.chdir(tmp_path)
    # `study` writes these pages: they say which command was run, for hours.
    run_page(page, cli, run=page.parent.name != "studies")


def test_few_examples_do_not_run() -> None:
    """As few as possible, each with its reason in the page's source."""
    left_out = [block for page in PAGES for block in find_blocks(page) if "not run" in block.mark]
    assert len(left_out) <= 12, "\n".join(f"{b.page}, line {b.line}: {b.mark}" for b in left_out)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_examples_of_a_commands_help_are_good_commands(name: str, tmp_path: Path) -> None:
    command = group.get_command(click.Context(group), name)
    assert command is not None
    examples = (command.help or "").partition("Example")[2].partition("\n")[2]
    page = tmp_path / f"{name}.md"
    page.write_text(f"```sh\n{examples}\n```\n")
    (block,) = find_blocks(page)
    commands = find_commands(block)
    assert commands
    for example in commands:
        check_command(example)


def test_the_pages_name_all_there_is() -> None:
    importing, leaderboards, formats = (
        (DOCS / page).read_text() for page in ("importing.md", "leaderboards.md", "formats.md")
    )
    assert all(f"| `{name}` |" in importing for name in FORMATS)
    assert all(f"`{name}`" in leaderboards for name in (*LEADERBOARDS, *METRICS))
    from vqa_ensemble.elections.audit import audit_table
    from vqa_ensemble.voting.ballots import ballots_from_votes
    from vqa_ensemble.voting.majority import majority_vote

    ballots = ballots_from_votes({"m": [("yes", 0.5)]})
    columns = audit_table(ballots, majority_vote(ballots)).column_names
    assert all(f"`{column}`" in formats for column in columns)


# ------------------------------------------------------------------------------ the site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    ran = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=ROOT, capture_output=True, text=True, env={"NO_MKDOCS_2_WARNING": "1", "PATH": ""},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return folder


def test_the_site_has_every_page_and_every_option(site: Path) -> None:
    start = (site / "index.html").read_text()
    for page in PAGES[1:]:
        html = page.relative_to(DOCS).with_suffix(".html").as_posix()
        html = html.replace("README", "index")
        assert (site / html).is_file()
        assert f'href="{html}"' in start, f"{html} is in no menu"
    for name in COMMANDS:
        command = group.get_command(click.Context(group), name)
        assert command is not None
        html = (site / "commands" / f"{name}.html").read_text()
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert all(option in html for option in parameter.opts)
    assert "VotingEnsemble" in (site / "python.html").read_text()


def test_the_site_loads_nothing_from_elsewhere(site: Path) -> None:
    loads = re.compile(r'<(?:script|img|iframe|link)\b[^>]*?(?:src|href)="?(?:https?:)?//[^>]*>')
    for page in site.rglob("*.html"):
        assert loads.findall(page.read_text()) == [], page
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\([\"']?(https?:)?//", sheet.read_text()), sheet


# ------------------------------------------------------------------- the helper itself


def test_examples_that_fail_or_would_go_unnoticed_are_found(tmp_path: Path, cli: Runner) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n```sh\nvqa-ensemble inspect \\\n    none.parquet  # comment\n```\n")
    (block,) = find_blocks(page)
    (example,) = find_commands(block)
    assert (example.line, example.command.split()[-3:]) == (3, ["none.parquet", "#", "comment"])
    with pytest.raises(AssertionError, match="no such file"):
        run_page(page, cli)
    bad = {
        "rm -r x": r"page\.md, line 2.*not run",
        "vqa-ensemble inspect 'a;b'": "needs a shell",
        "make no-such-target": "not run",
        "pip install 'vqa-ensemble[no-such]'": "not run",
        "torchrun -m vqa_ensemble train x --no-such": "(?i)no such option",
    }
    for command, message in bad.items():
        page.write_text(f"```sh\n{command}\n```\n")
        with pytest.raises(AssertionError, match=message):
            run_page(page, cli)
    for language, text in {
        "python": "assert False",
        "toml": "[member]\nname = 3",
        "json": "{",
    }.items():
        page.write_text(f"```{language}\n{text}\n```\n")
        with pytest.raises((AssertionError, ValueError)):
            run_page(page, cli)
    page.write_text("Use `vqa-ensemble vote --no-such`.\n")
    with pytest.raises(AssertionError, match="no --no-such"):
        run_page(page, cli)


def test_an_example_may_be_left_out_by_a_comment_above_it(tmp_path: Path, cli: Runner) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "<!-- not run: takes an hour -->\n```sh\nvqa-ensemble inspect none.parquet\n```\n"
    )
    assert run_page(page, cli) == []
    page.write_text("<!-- not run: takes an hour -->\n```sh\nvqa-ensemble inspect --nope\n```\n")
    with pytest.raises(AssertionError, match=r"(?i)no such option"):
        run_page(page, cli)


def test_output_that_a_page_shows_must_be_what_is_printed(tmp_path: Path, cli: Runner) -> None:
    page = tmp_path / "page.md"
    text = "```sh\nvqa-ensemble inspect --help\n```\n\n<!-- output -->\n\n```text\n{}\n```\n"
    page.write_text(text.format("something else"))
    with pytest.raises(AssertionError, match="not what is printed"):
        run_page(page, cli)
    page.write_text(text.format(cli("inspect", "--help").out.strip()))
    assert [type(example) for example in run_page(page, cli)] == [Example]
