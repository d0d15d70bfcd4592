"""The commands that a Markdown page shows in its ``sh`` blocks, run as a reader would run them."""

from __future__ import annotations

import glob
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from command_line import Runner

_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SHELL_ONLY = re.compile(r"[|;&<>$`]")


@dataclass(frozen=True)
class Example:
    """One command, with the line of the page it starts on."""

    page: str
    line: int
    command: str

    def __str__(self) -> str:
        return f"{self.page}, line {self.line}: {self.command}"


def find_examples(page: Path) -> list[Example]:
    """Every command in the page's ``sh`` blocks; lines that end in a backslash go on."""
    text = page.read_text(encoding="utf-8")
    examples = []
    for block in _BLOCK.finditer(text):
        line = text.count("\n", 0, block.start(1)) + 1
        command, start = "", line
        for written in block[1].splitlines():
            start = start if command else line
            command += written.removesuffix("\\")
            line += 1
            if written.endswith("\\"):
                continue
            if shlex.split(command, comments=True):
                examples.append(Example(page.name, start, command.strip()))
            command = ""
    return examples


def run_examples(page: Path, cli: Runner, *, skip: tuple[str, ...] = ()) -> list[Example]:
    """Run a page's ``vqa-ensemble`` commands in the current folder; each must end well.

    Commands run in this process, with ``*`` expanded as a shell does. A command that begins with
    one of ``skip`` is left out; anything else that is no plain ``vqa-ensemble`` command fails,
    so that nothing goes unnoticed.

    Returns
    -------
    list of Example
        Those that were run.
    """
    done = []
    for example in find_examples(page):
        if example.command.startswith(skip or ("\0",)):
            continue
        words = [
            path
            for word in shlex.split(example.command, comments=True)
            for path in sorted(glob.glob(word)) or [word]  # noqa: PTH207  # as a shell has them
        ]
        assert words[0] == "vqa-ensemble", f"{example}: not run; skip it by name if that is meant"
        assert not any(map(_SHELL_ONLY.search, words)), f"{example}: needs a shell"
        ran = cli(*words[1:])
        assert ran.code == 0, f"{example}\n{ran.out}{ran.err}"
        done.append(example)
    return done
