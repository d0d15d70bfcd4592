"""The table of recipe keys in docs/training.md is that of the code; run this file to write it."""

from __future__ import annotations

import inspect
import re
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, get_type_hints

from vqa_ensemble.training.recipe import Recipe, choices_of

PAGE = Path(__file__).resolve().parents[1] / "docs" / "training.md"
BEGIN = "<!-- keys: written by `python tests/test_recipe_reference.py` -->\n"
END = "<!-- end of keys -->\n"
_ATTRIBUTE = re.compile(r"^(\w+) : .+\n((?:    .*\n?|\n)*)", re.MULTILINE)


def reference() -> str:
    """The sections of a recipe, each a table of its keys."""
    return "\n".join(_section(name, kind) for name, kind in get_type_hints(Recipe).items())


def _section(name: str, kind: Any) -> str:
    documentation = inspect.getdoc(kind) or ""
    title, _, attributes = documentation.partition("Attributes\n----------\n")
    title = " ".join(title.split()).replace("``", "`")
    texts = {key: " ".join(text.split()) for key, text in _ATTRIBUTE.findall(attributes + "\n")}
    text = title.partition(": ")[2]
    lines = [f"### `[{name}]`", "", text[0].upper() + text[1:], "", "| key | default | |"]
    lines.append("| --- | --- | --- |")
    kinds = get_type_hints(kind, include_extras=True)
    for field in fields(kind):
        text = texts.get(field.name, "").replace("``", "`").replace("|", "\\|")
        choices = choices_of(kinds[field.name])
        if choices:
            text = f"{text} One of {', '.join(choices)}.".strip()
        lines.append(f"| `{field.name}` | {_default(field)} | {text} |")
    return "\n".join(lines) + "\n"


def _default(field: Any) -> str:
    if field.default is MISSING:
        return "required"
    value = list(field.default) if isinstance(field.default, tuple) else field.default
    text = str(value).lower() if isinstance(value, bool) else str(value).replace("'", '"')
    return f'`"{text}"`' if isinstance(value, str) else f"`{text}`"


def with_reference(page: str) -> str:
    """The page with the tables of now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + "\n" + reference() + "\n" + END + after


def test_the_page_lists_the_keys_that_there_are() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_reference(page) == page, f"run: python {Path(__file__).name}, in tests/"


if __name__ == "__main__":
    PAGE.write_text(with_reference(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
