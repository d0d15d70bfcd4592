"""The examples that a Markdown page shows, run as a reader would run them.

What is done with a page's fenced blocks goes by their language:

- ``sh``: ``vqa-ensemble`` commands run in this process, in the current folder, ``*`` expanded as
  a shell does. Of ``make``, ``pip install`` and ``torchrun`` it is checked that the target, the
  extra and the options exist. Anything else fails, so that nothing goes unnoticed.
- ``python``: runs; a page's blocks share their names.
- ``toml``, ``json``: must parse; a recipe must be a good one.
- ``text``, below ``<!-- output -->``: is what the command before it prints.

A block below ``<!-- not run: WHY -->`` does not run; its ``vqa-ensemble`` commands must still be
ones that the command line takes. Commands inside of sentences must have the options they name.
"""

from __future__ import annotations

import configparser
import glob
import json
import re
import shlex
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from command_line import Ran, Runner

from vqa_ensemble.cli import COMMANDS, group
from vqa_ensemble.training.recipe import recipe_from_dict

ROOT = Path(__file__).resolve().parents[1]
_BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>not run: .+|output) -->\n\n?)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_INLINE = re.compile(r"`vqa-ensemble ([a-z][^`\n]*)`")
_SHELL_ONLY = re.compile(r"[|;&<>$`]")
_EXTRAS = re.compile(r"\[([\w,-]+)\]")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page, and what the comment above it says."""

    page: str
    line: int
    language: str
    text: str
    mark: str


@dataclass(frozen=True)
class Example:
    """One command, with the line of the page it starts on."""

    page: str
    line: int
    command: str

    def __str__(self) -> str:
        return f"{self.page}, line {self.line}: {self.command}"


def find_blocks(page: Path) -> list[Block]:
    """Every fenced block of the page."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            page.name,
            text.count("\n", 0, found.start("text")) + 1,
            found["language"],
            found["text"],
            found["mark"] or "",
        )
        for found in _BLOCK.finditer(text)
    ]


def find_commands(block: Block) -> list[Example]:
    """The commands of an ``sh`` block; lines that end in a backslash go on."""
    examples = []
    command, start = "", block.line
    for line, written in enumerate(block.text.splitlines(), block.line):
        start = start if command else line
        command += written.removesuffix("\\")
        if written.endswith("\\"):
            continue
        if shlex.split(command, comments=True):
            examples.append(Example(block.page, start, command.strip()))
        command = ""
    return examples


def run_page(page: Path, cli: Runner, *, run: bool = True) -> list[Example]:
    """Run or check everything that a page shows; each must end well.

    Parameters
    ----------
    run : bool
        If False, every block counts as one that is not run.

    Returns
    -------
    list of Example
        The commands that were run.
    """
    done: list[Example] = []
    names: dict[str, Any] = {}
    last: Ran | None = None
    for block in find_blocks(page):
        place = f"{block.page}, line {block.line}"
        not_run = not run or block.mark.startswith("not run")
        if block.language == "sh":
            for example in find_commands(block):
                ran = check_command(example) if not_run else run_command(example, cli)
                if ran is not None:
                    last = ran
                    done.append(example)
        elif block.language == "python" and not not_run:
            # The page's own line numbers, for the traceback.
            code = "\n" * (block.line - 1) + block.text
            exec(compile(code, block.page, "exec"), names)  # noqa: S102
        elif block.language == "toml":
            document = tomllib.loads(block.text)
            if "member" in document:
                recipe_from_dict(document)
        elif block.language == "json":
            json.loads(block.text)
        elif block.mark == "output":
            assert last is not None, f"{place}: no command before"
            printed = [line.rstrip() for line in last.out.splitlines()]
            assert printed == block.text.splitlines(), f"{place}: not what is printed:\n{last.out}"
    check_inline_commands(page)
    return done


def run_command(example: Example, cli: Runner) -> Ran | None:
    """Run one ``vqa-ensemble`` command; check what can be of others, and give None."""
    words = shlex.split(example.command, comments=True)
    if words[0] != "vqa-ensemble":
        assert check_other_program(words), f"{example}: not run; say so above it if that is meant"
        return None
    words = [path for word in words for path in sorted(glob.glob(word)) or [word]]  # noqa: PTH207
    assert not any(map(_SHELL_ONLY.search, words)), f"{example}: needs a shell"
    ran = cli(*words[1:])
    assert ran.code == 0, f"{example}\n{ran.out}{ran.err}"
    return ran


def check_command(example: Example) -> None:
    """Check, without running it, that a ``vqa-ensemble`` command is one."""
    words = shlex.split(example.command, comments=True)
    if words[0] == "vqa-ensemble":
        parse(words[1:], str(example))


def check_other_program(words: list[str]) -> bool:
    """Whether a command of another program is one that can be checked; it must then be right."""
    if words[0] == "make":
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        return all(re.search(rf"^{word}:", makefile, re.MULTILINE) for word in words[1:])
    if words[0] == "torchrun" and "vqa_ensemble" in words:
        parse(words[words.index("vqa_ensemble") + 1 :], shlex.join(words))
        return True
    if words[:2] == ["pip", "install"]:
        config = configparser.ConfigParser()
        config.read(ROOT / "setup.cfg")
        extras = {name for found in _EXTRAS.findall(words[-1]) for name in found.split(",")}
        return extras <= set(config["options.extras_require"])
    return False


def parse(arguments: list[str], place: str) -> None:
    """Fail unless the command line takes these arguments."""
    name, *rest = arguments
    command = group.get_command(click.Context(group), name)
    assert command is not None, f"{place}: there is no command '{name}'"
    try:
        command.make_context(name, rest)
    except click.exceptions.Exit:  # --help
        pass
    except click.UsageError as error:
        raise AssertionError(f"{place}: {error.format_message()}") from error


def check_inline_commands(page: Path) -> None:
    """Commands that sentences name exist, and have the options that they are given there."""
    text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    for command in _INLINE.findall(text):
        name, *words = command.split()
        assert name in COMMANDS, f"{page.name}: there is no command '{name}'"
        found = group.get_command(click.Context(group), name)
        assert found is not None
        options = {"--help", "-h"}
        for parameter in found.params:
            options |= {*parameter.opts, *parameter.secondary_opts}
        unknown = {word for word in words if re.match(r"--?[a-z]", word)} - options
        assert not unknown, f"{page.name}: `vqa-ensemble {command}`: no {', '.join(unknown)}"
