"""vqa-ensemble doctor"""

from __future__ import annotations

from typing import Any

import click

from vqa_ensemble.cli.common import console, new_table, output_options, print_json, status


@click.command("doctor")
@output_options
def command(as_json: bool, quiet: bool, verbose: bool) -> None:
    """Show what this installation has: versions, optional parts, GPUs, threads and folders.

    For an optional part that is missing it says what to install. Exits with 1 if a package
    that every command needs is missing or too old; missing optional parts are no fault. Put
    its output into a report of a fault.

    \b
    Example:
      vqa-ensemble doctor
    """
    from vqa_ensemble.installation import examine

    with status("Looking around", quiet=quiet):
        found = examine()
    if as_json:
        print_json(found)
    else:
        _print(found)
    if found["problems"]:
        raise SystemExit(1)


def _print(found: dict[str, Any]) -> None:
    from rich.markup import escape

    def show(title: str, rows: dict[str, str]) -> None:
        table = new_table(show_header=False)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for name, text in rows.items():
            table.add_row(f"  {name}", text)
        out.print(f"\n[bold]{title}[/bold]")
        out.print(table)

    out = console(markup=True)
    out.print(f"[bold]vqa-ensemble {found['version']}[/bold]")
    show(
        "This machine",
        {
            "Python": f"{found['python']}, {escape(found['executable'])}",
            "system": escape(found["system"]),
            "cores": f"{found['cores']} for this process",
        },
    )
    show("Needed packages", {row["package"]: _package(row) for row in found["packages"]})
    show("Optional parts", {escape(f"[{n}]"): _part(n, part) for n, part in found["parts"].items()})
    if found["torch"]:
        show("Training", _training(found["torch"]))
    folders = {
        name: f"{escape(folder['path'])} [dim]({folder['free'] / 2**30:,.1f} GiB free)[/dim]"
        + ("" if folder["writable"] else " [yellow]not writable[/yellow]")
        for name, folder in found["folders"].items()
    }
    for kind in ("recipes", "maps"):
        names = ", ".join(found[kind]["names"]) or "none"
        folders[kind] = f"{escape(found[kind]['path'])} [dim]({names})[/dim]"
    folders["data"] = "each recipe's data.root, or --data-root"
    show("Folders", folders)
    if found["problems"]:
        out.print()
    for problem in found["problems"]:
        out.print(f"[red]problem:[/red] {escape(problem)}")


def _package(row: dict[str, Any]) -> str:
    if row["version"] is None:
        return f"[red]missing[/red], needs {row['needs']}"
    return str(row["version"]) + ("" if row["good"] else f" [red]but needs {row['needs']}[/red]")


def _part(name: str, part: dict[str, Any]) -> str:
    from rich.markup import escape

    if part["complete"]:
        versions = ", ".join(f"{row['package']} {row['version']}" for row in part["packages"])
        return f"[green]yes[/green]  {part['use']} [dim]({versions})[/dim]"
    lacks = ", ".join(
        f"{row['package']}{row['needs']}" for row in part["packages"] if not row["good"]
    )
    install = escape(f"pip install 'vqa-ensemble[{name}]'")
    return f"[yellow]no[/yellow]   {part['use']}: {install} [dim](lacks {lacks})[/dim]"


def _training(torch: dict[str, Any]) -> dict[str, str]:
    native = {True: " in hardware", False: ", but slowly", None: ""}
    cpu = f"precision auto is {torch['cpu_auto_precision']}; bfloat16 works"
    from rich.markup import escape

    rows = {
        "torch": f"{torch['version']}, {torch['threads']} threads",
        "CPU": cpu + native[torch["cpu_bfloat16_instructions"]],
    }
    if torch["cuda"] is None:
        rows["CUDA"] = "none in this build of torch: members train on the CPU"
    else:
        n = len(torch["gpus"])
        rows["CUDA"] = f"{torch['cuda']}, {n or 'no'} GPU{'' if n == 1 else 's'} found"
    for i, gpu in enumerate(torch["gpus"]):
        about = f"{gpu['bytes'] / 2**30:.0f} GiB, precision auto is {gpu['auto_precision']}"
        rows[f"GPU {i}"] = f"{escape(gpu['name'])}, {about}"
    return rows
