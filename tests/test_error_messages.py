"""What errors tell the user: how to mend it, with commands and options that there are."""

from __future__ import annotations

import ast
import pickle
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import vqa_ensemble
from vqa_ensemble.cli import COMMANDS, group
from vqa_ensemble.errors import InputError
from vqa_ensemble.voting.ballots import MissingQuestionsError

PACKAGE = Path(vqa_ensemble.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))


def options() -> set[str]:
    """Every option of every command."""
    context = click.Context(group)
    commands = [group, *(group.get_command(context, name) for name in COMMANDS)]
    return {
        option
        for command in commands
        for parameter in command.get_params(context)
        for option in (*parameter.opts, *parameter.secondary_opts)
    }


def texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The strings of a module that are not docstrings, each with its line."""
    parts = set()
    for node in ast.walk(tree):  # outer before inner
        if isinstance(node, ast.JoinedStr):
            parts |= {id(part) for part in node.values}
        elif isinstance(node, ast.Expr):
            parts.add(id(node.value))
        text = isinstance(node, ast.JoinedStr) or isinstance(getattr(node, "value", None), str)
        if text and id(node) not in parts:
            yield node.lineno, literal(node)


def literal(node: ast.expr) -> str:
    """A string as it is written, with ``…`` for what is known at run time only."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(map(literal, node.values))
    return "…"


def place(path: Path, line: int) -> str:
    return f"{path.relative_to(PACKAGE.parent)}:{line}"


def test_every_error_tells_how_to_mend_it() -> None:
    calls, wrong = 0, []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and ast.unparse(node.func) == "InputError"):
                continue
            calls += 1
            fix = next((keyword.value for keyword in node.keywords if keyword.arg == "fix"), None)
            sentences = [fix.body, fix.orelse] if isinstance(fix, ast.IfExp) else [fix]
            if not all(
                sentence and literal(sentence).endswith((".", "?", "…")) for sentence in sentences
            ):
                wrong.append(place(path, node.lineno))
    assert calls > 300
    assert not wrong


def test_commands_and_options_that_messages_name_exist() -> None:
    known, named, wrong = options(), set(), []
    for path in FILES:
        if path.name == "charts.py":  # names of CSS look like options
            continue
        for line, text in texts(ast.parse(path.read_text("utf-8"))):
            for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", text):
                named.add(option)
                if option not in known:
                    wrong.append(f"{place(path, line)}: {option}")
            for command in re.findall(r"(?<!this )\bvqa-ensemble ([a-z][a-z-]*)", text):
                named.add(command)
                if command not in COMMANDS:
                    wrong.append(f"{place(path, line)}: {command}")
    assert {"--map", "--fresh", "build-map", "fit"} <= named
    assert wrong == []


@pytest.mark.parametrize(
    "error",
    [
        InputError("is 3", path="a.csv", where="row 1", fix="It must be 2."),
        MissingQuestionsError("a.parquet", 1, 2, [7]),
    ],
)
def test_an_error_is_the_same_in_another_process(error: InputError) -> None:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))
