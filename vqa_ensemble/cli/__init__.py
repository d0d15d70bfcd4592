"""The command line. One module a command; heavy imports stay inside the functions."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
from types import FrameType
from typing import Self

import click

from vqa_ensemble._version import __version__
from vqa_ensemble.cli.common import visible
from vqa_ensemble.errors import InputError

# Command → the module that holds it, in the order of use.
COMMANDS = (
    "demo",
    "prepare",
    "convert-features",
    "grid-features",
    "train",
    "predict",
    "distill",
    "study",
    "import",
    "build-map",
    "predict-types",
    "vote",
    "fit",
    "compare",
    "evaluate",
    "export",
    "check",
    "verify",
    "inspect",
    "explain",
    "report",
    "doctor",
)
# A module cannot be named after a keyword.
_MODULES = {"import": "import_predictions"}


class LazyGroup(click.Group):
    """A group whose command modules are imported when they are asked for."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.obj = list(args)  # for the record of how a result was made
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module_name = _MODULES.get(name, name.replace("-", "_"))
        module = importlib.import_module(f"vqa_ensemble.cli.{module_name}")
        command: click.Command = module.command
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="vqa-ensemble")
def group() -> None:
    """Turn several Visual Question Answering models into one better answer per question.

    Train members or bring their predictions, learn the answer-to-question-type map,
    vote, and write a submission that the leaderboard accepts.
    """


# Until a signal that was lost comes once more: by then, what could not raise it is over.
_AGAIN_SECONDS = 0.01


class Stopped(BaseException):
    """Somebody asked this process to end: temporary files go before it does."""


class StopSignals:
    """While this lasts, Ctrl-C and SIGTERM raise :class:`Stopped`, and ``number`` says which.

    A signal may arrive inside a library that turns what is raised there into an error of its
    own; the number tells such an error from a real one. Or it arrives where nothing can be raised,
    as in a destructor or while a lock of the import system goes: then it comes once more.
    """

    number = 0
    _repeat: threading.Timer | None = None

    def __enter__(self) -> Self:
        self._before = {n: signal.signal(n, self._stop) for n in (signal.SIGINT, signal.SIGTERM)}
        self._unraisable = sys.unraisablehook
        sys.unraisablehook = self._again
        return self

    def __exit__(self, *exception: object) -> None:
        sys.unraisablehook = self._unraisable
        if self._repeat:
            self._repeat.cancel()
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.number = number
        raise Stopped

    def _again(self, lost: sys.UnraisableHookArgs) -> None:
        if not isinstance(lost.exc_value, Stopped):
            self._unraisable(lost)
            return
        self._repeat = threading.Timer(_AGAIN_SECONDS, os.kill, (os.getpid(), self.number))
        self._repeat.daemon = True
        self._repeat.start()


def main(args: list[str] | None = None) -> None:
    """Entry point.

    Exit codes: 0 good, 1 bad input or failed check, 2 usage, 130 interrupted (Ctrl-C), 143
    terminated (SIGTERM).
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed
            setattr(sys, name, open(os.devnull, "w"))  # noqa: PTH123, SIM115  as long as we run
        elif hasattr(stream, "reconfigure"):
            # Names may hold what the terminal's encoding, such as ASCII, does not.
            stream.reconfigure(errors="backslashreplace")
    with StopSignals() as signals:
        try:
            sys.exit(_run(args))
        except BaseException:
            if not signals.number:
                raise
    click.echo("Interrupted." if signals.number == signal.SIGINT else "Terminated.", err=True)
    sys.exit(128 + signals.number)


def _run(args: list[str] | None) -> int:
    """Run a command; its exit code."""
    try:
        return group.main(args, prog_name="vqa-ensemble", standalone_mode=False) or 0
    except InputError as error:
        click.echo(f"Error: {visible(str(error))}", err=True)
        return 1
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return 130
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        click.echo(f"Error: {visible(f'{place}{error.strerror or error}')}", err=True)
        return 1
    except MemoryError:
        click.echo(
            "Error: not enough memory. End other programs, or use a machine with more.", err=True
        )
        return 1
