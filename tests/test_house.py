import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_every_room_imports_only_the_rows_below_it() -> None:
    rows = re.findall(r"^\| (`\w+`.*?) \|", (ROOT / "CONTRIBUTING.md").read_text(), re.M)
    row_of = {room: i for i, row in enumerate(rows) for room in re.findall(r"`(\w+)`", row)}
    upward = []
    for path in (ROOT / "vqa_ensemble").rglob("*.py"):
        home = path.relative_to(ROOT / "vqa_ensemble").parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(path.read_text())) if not home.startswith("__") else ():
            prefix = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            for name in node.names if isinstance(node, ast.Import | ast.ImportFrom) else ():
                package, room, *_ = f"{prefix}{name.name}.".split(".")
                if package == "vqa_ensemble" and room not in ("", home):
                    upward += [f"{path}: {room}"] * (row_of[room] <= row_of[home])
    assert not upward
