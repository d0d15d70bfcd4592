"""What mkdocs does while it builds the site: a page for every command, and pages from elsewhere."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from vqa_ensemble.cli import COMMANDS, group

DOCS = Path(__file__).resolve().parent
# Pages of the site that lie outside of docs/, as the pages in docs/ link to them.
ELSEWHERE = {"../benchmarks/RESULTS.md": "benchmarks.md", "../CHANGELOG.md": "changelog.md"}


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that do not lie in docs/."""
    pages = {f"commands/{name}.md": command_page(name) for name in COMMANDS}
    pages["commands/index.md"] = commands_page()
    for path, page in ELSEWHERE.items():
        pages[page] = (DOCS / path).read_text(encoding="utf-8")
    for uri, text in pages.items():
        files.append(File.generated(config, uri, content=text))
    return files


def on_config(config: Any) -> Any:
    """List the commands, the studies, and pages that the menu forgets."""
    reference = next(entry["Reference"] for entry in config.nav if "Reference" in entry)
    first = next(i for i, entry in enumerate(reference) if "Commands" in entry)
    pages = [{name: f"commands/{name}.md"} for name in COMMANDS]
    reference[first] = {"Commands": [reference[first]["Commands"], *pages]}
    studies = next(entry["Studies"] for entry in config.nav if "Studies" in entry)
    written = sorted((DOCS / "studies").glob("*.md"))
    studies += [f"studies/{path.name}" for path in written if path.name != "README.md"]
    there = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    forgotten = sorted(there - set(_pages(config.nav)))
    if forgotten:
        config.nav.append({"More": list(forgotten)})
    return config


def _pages(nav: Any) -> Iterator[str]:
    """Every page that a menu lists."""
    if isinstance(nav, str):
        yield nav
    else:
        for entry in nav.values() if isinstance(nav, dict) else nav:
            yield from _pages(entry)


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Let links to files outside of docs/ lead to their pages."""
    for path, name in ELSEWHERE.items():
        markdown = markdown.replace(f"]({path}", f"]({name}")
    return markdown


def commands_page() -> str:
    """All commands, each with its first sentence."""
    lines = ["# Commands", "", "Every command has `--help` with an example."]
    lines += ["", "| command | what it does |", "| --- | --- |"]
    for name in COMMANDS:
        lines.append(
            f"| [`{name}`]({name}.md) | {_description(name).partition('. ')[0].rstrip('.')} |"
        )
    return "\n".join(lines) + "\n"


def command_page(name: str) -> str:
    """What ``--help`` says of a command, as Markdown."""
    command = _command(name)
    context = click.Context(command, info_name=f"vqa-ensemble {name}")
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    parts = [f"# {name}", f"```text\n{usage}\n```"]
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        if paragraph.startswith("\b\n"):  # click's mark for lines to be left as they are
            title, *lines = paragraph.splitlines()[1:]
            block = inspect.cleandoc("\n".join(["", *lines]))
            parts += [f"## {title.rstrip(':')}", f"```sh\n{block}\n```"]
        else:
            parts.append(_escape(" ".join(paragraph.split())))
    parts.append("## Options")
    for parameter in command.get_params(context):
        if isinstance(parameter, click.Argument):
            continue
        record = parameter.get_help_record(context)
        if record is not None:
            option, text = record
            parts.append(f"`{option}`\n:   {_escape(text)}")
    return "\n\n".join(parts) + "\n"


def _command(name: str) -> click.Command:
    command = group.get_command(click.Context(group), name)
    assert command is not None
    return command


def _description(name: str) -> str:
    paragraphs = inspect.cleandoc(_command(name).help or "").split("\n\n")
    return _escape(" ".join(paragraphs[0].split()))


def _escape(text: str) -> str:
    """Text that Markdown leaves as it is."""
    return re.sub(r"([*_`\\\[\]])", r"\\\1", text).replace("<", "&lt;")
