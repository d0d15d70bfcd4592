"""What the commands share: options, console, JSON output."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vqa_ensemble.elections.options import REVOTES, VoteOptions
from vqa_ensemble.errors import InputError
from vqa_ensemble.files.atomic import (
    STDOUT,
    check_no_input,
    identity,
    inputs_kept,
    is_stdout,
    is_stream,
)
from vqa_ensemble.files.text import check_ending, check_own_ending
from vqa_ensemble.resources import find_map
from vqa_ensemble.scoring import METRICS
from vqa_ensemble.voting.methods import VOTES

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn
    from rich.table import Table
    from rich.text import Text

    from vqa_ensemble.learning.questions import Questions
    from vqa_ensemble.questions.key import KeyFile

Function = TypeVar("Function", bound=Callable[..., Any])


class OutputFile(click.Path):
    """A file to write, ``-`` for standard output; before the command begins, it is checked.

    Parameters
    ----------
    endings : str
        Those of its format: it may not have that of another.
    only : bool
        It must have one of them.
    """

    def __init__(self, *endings: str, only: bool = False) -> None:
        super().__init__()
        self.endings, self.only = endings, only

    def check(self, path: str) -> None:
        """Raise InputError if it ends wrongly, or is an input."""
        if not is_stream(path):
            check_no_input(path)
            if self.endings:
                (check_ending if self.only else check_own_ending)(path, self.endings)


def _outputs_apart(function: Function) -> Function:
    """Refuse outputs that are inputs, or each other, before anything is read."""

    @wraps(function)
    def checked(**given: Any) -> Any:
        kinds = {str(p.name): p.type for p in click.get_current_context().command.params}
        outputs = [
            (kind, given[name])
            for name, kind in kinds.items()
            if isinstance(kind, OutputFile) and given[name] is not None
        ]
        if any(is_stdout(path) for _, path in outputs) and given.get("as_json"):
            raise click.UsageError("--json is written to standard output too: leave it out")
        others = [given[n] for n, kind in kinds.items() if not isinstance(kind, OutputFile)]
        inputs = _files([value for value in others if value != given.get("member")])
        with inputs_kept(inputs):
            known: dict[object, str] = {}
            for kind, path in outputs:
                kind.check(path)
                one = STDOUT if is_stdout(path) else identity(path)
                if one in known and (one is STDOUT or not is_stream(path)):
                    raise InputError(
                        "is to be written twice", path=path, fix="Give one of them another name."
                    )
                known[one] = path
            return function(**given)

    return checked  # type: ignore[return-value]


def _files(value: object) -> Iterator[str]:
    """The files that a parameter may mean: ``FILE:COLUMN`` and names of maps too."""
    if isinstance(value, (tuple, list)):
        for entry in value:
            yield from _files(entry)
    elif isinstance(value, (str, os.PathLike)) and (text := os.fspath(value)):
        yield text
        yield text.rpartition(":")[0] or text
        with suppress(InputError):
            yield os.fspath(find_map(text))


def verbosity_options(function: Function) -> Function:
    """Add ``--quiet/-q`` and ``--verbose/-v``; of any command, outputs are no inputs."""
    function = _outputs_apart(function)
    function = click.option("-q", "--quiet", is_flag=True, help="Print results only.")(function)
    return click.option("-v", "--verbose", is_flag=True, help="Say more of what is done.")(function)


def output_options(function: Function) -> Function:
    """Add ``--json`` for machine-readable results on standard output, and the verbosity."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print the result as JSON on standard output."
    )(verbosity_options(function))


def choice(name: str, choices: Sequence[str], text: str) -> Callable[[Function], Function]:
    """One of some words, by default the first."""
    return click.option(
        name, type=click.Choice(choices), default=choices[0], show_default=True, help=text
    )


def output_folder(
    text: str, default: str | None = None, name: str = "output"
) -> Callable[[Function], Function]:
    """Add ``--output/-o``, a folder; it must be given if there is no default."""
    return click.option(
        "-o",
        "--output",
        name,
        required=default is None,
        type=click.Path(path_type=Path),
        default=default,
        show_default=True,
        help=text,
    )


def device_options(function: Function) -> Function:
    """Add ``--data-root``, ``--device`` and ``--threads``."""
    options = (
        click.option("--data-root", metavar="FOLDER", help="Where the data set lies."),
        click.option(
            "--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N."
        ),
        click.option(
            "--threads", type=click.IntRange(min=1), help="CPU threads; by default torch's."
        ),
    )
    return _with(options, function)


def training_options(function: Function) -> Function:
    """Add the fields of ``RunOptions``, ``--data-root`` and ``--seed``."""
    options = (
        output_folder("Folder for each member's checkpoint and log.", "runs", "runs"),
        click.option(
            "--predictions",
            type=click.Path(path_type=Path),
            default=Path("preds"),
            show_default=True,
            help="Folder for the prediction files: SPLIT/MEMBER.parquet.",
        ),
        click.option(
            "--split",
            "splits",
            multiple=True,
            help="Split to predict, instead of the recipe's; repeat.",
        ),
        click.option(
            "--resume/--fresh",
            default=True,
            show_default=True,
            help="Continue from the checkpoints in the output folder, or start over.",
        ),
        click.option(
            "--seed", type=click.IntRange(0, 2**32 - 1), help="Instead of the recipe's seed."
        ),
        device_options,
    )
    return _with(options, function)


def given_arguments() -> list[str]:
    """What was typed after ``vqa-ensemble`` to run this command."""
    arguments: list[str] = click.get_current_context().find_root().obj
    return arguments


def metric_option(function: Function) -> Function:
    """Add ``--metric``."""
    return click.option(
        "--metric",
        type=click.Choice(tuple(METRICS)),
        help="What answers are scored by; by default the benchmark's own metric.",
    )(function)


def strict_option(function: Function) -> Function:
    """Add ``--strict``: what looks like a mistake is an error."""
    return click.option(
        "--strict",
        is_flag=True,
        help="Stop, and write nothing, if the members look as if they did not belong together.",
    )(function)


def warn(message: str) -> None:
    """Say on standard error that something looks like a mistake."""
    click.secho(f"WARNING: {visible(message)}", err=True, fg="yellow", bold=True)


def warn_of_none_right(file: str, metric: str | None) -> None:
    """Say that a figure of 0 is likely one of the wrong metric."""
    warn(f"no answer of {file} is right by {metric}; --metric scores by another")


def read_labelled(
    predictions: Sequence[str],
    *,
    annotations: str,
    id_column: str,
    type_column: str,
    metric: str | None,
    groups: str | None,
    strict: bool,
    synonyms: str | None,
    **options: Any,
) -> Questions:
    """What a command with ``labelled_options`` learns from.

    Warns of what looks like a mistake, or refuses it if ``strict``.
    """
    from vqa_ensemble.elections.cautions import refuse
    from vqa_ensemble.learning.comparison import copies_warning
    from vqa_ensemble.learning.labelled import load_labelled

    check_normalize({"synonyms": synonyms, **options})
    labelled = load_labelled(
        predictions,
        annotations=key_file(annotations, id_column, type_column),
        metric=metric,
        groups=groups,
        options=read_vote_options(ensemble=None, synonyms=synonyms or None, **options),
    )
    if strict:
        refuse(labelled.cautions)
    if not labelled.targets.any():
        warn_of_none_right("any file", labelled.metric)
    for message in filter(
        None, (copies_warning(labelled), *(c.message for c in labelled.cautions))
    ):
        warn(message)
    return labelled


def merge_options(function: Function) -> Function:
    """Add ``--normalize``, ``--merge`` and ``--synonyms``: answers that mean the same."""
    function = click.option(
        "--synonyms",
        type=click.Path(),
        help="CSV with the columns answer and canonical: count each answer as its canonical.",
    )(function)
    function = click.option(
        "--merge",
        is_flag=True,
        help="Count answers that mean the same as one: number words, plurals, articles, hyphens.",
    )(function)
    return click.option(
        "--normalize", is_flag=True, help="Count answers with one VQA normal form as one."
    )(function)


def key_options(function: Function) -> Function:
    """Add ``--id-column`` and ``--type-column``, where annotations may be a table."""
    function = click.option(
        "--type-column",
        default="",
        metavar="COLUMN",
        help="Of annotations that are a table: its types, if not answer_type and question_type.",
    )(function)
    return id_option(function)


def id_option(function: Function) -> Function:
    """Add ``--id-column``."""
    return click.option(
        "--id-column",
        default="",
        metavar="COLUMN[,COLUMN]",
        help="Of a table: its ids, if not question_id, questionId, qid, id or index.",
    )(function)


def key_file(spec: str, id_column: str, type_column: str = "") -> KeyFile:
    """A file of annotations or questions, with what ``key_options`` say of it."""
    from dataclasses import replace

    from vqa_ensemble.questions.key import KeyFile

    return replace(KeyFile.of(spec), id=id_column, type=type_column)


def check_normalize(voting: Mapping[str, Any]) -> None:
    """Raise UsageError if answers shall both be normalised and merged."""
    if voting["normalize"] and (voting["merge"] or voting["synonyms"]):
        raise click.UsageError(
            "--normalize does not go with --merge or --synonyms: leave it out; --merge does the "
            "same and more"
        )


def labelled_options(function: Function) -> Function:
    """Add what :func:`read_labelled` takes, and ``--seed``."""
    options = (
        click.option(
            "--annotations",
            required=True,
            metavar="FILE",
            help="Annotations of a benchmark, or a table of answers (FILE:COLUMN for another "
            "column than answer).",
        ),
        key_options,
        metric_option,
        click.option(
            "--groups",
            metavar="FILE:COLUMN",
            help="Table whose equal values mark copies of one question; folds never split them.",
        ),
        click.option(
            "--question-types", metavar="FILE[:COLUMN]", help="Table with every question's type."
        ),
        click.option(
            "--map",
            "map_name",
            help="Answer-to-question-type map: gives types by the members' type vote if "
            "--question-types is not given.",
        ),
        choice(
            "--missing", ["error", "abstain"], "When a member lacks questions that others have."
        ),
        strict_option,
        click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True),
        merge_options,
    )
    return _with(options, function)


def voting_options(function: Function) -> Function:
    """Add how ``vote`` and ``explain`` vote; ``--missing`` is left to the command."""
    options = (
        click.option(
            "--map",
            "map_name",
            help="Answer-to-question-type map: a .csv or .parquet file, or a name.",
        ),
        choice("--method", VOTES, "How to vote."),
        click.option(
            "--ensemble",
            type=click.Path(),
            help="Ensemble made by vqa-ensemble fit; votes in place of --method.",
        ),
        click.option(
            "--question-types",
            metavar="FILE[:COLUMN]",
            help="Table with every question's type, in place of the members' type vote.",
        ),
        choice(
            "--revote",
            REVOTES,
            "Re-vote by each member's most confident answer of the winning type, or keep "
            "only the votes that are of that type.",
        ),
        click.option(
            "--soft-map", is_flag=True, help="Count a vote for all its types, by P(type|answer)."
        ),
        click.option(
            "--unseen",
            default="classifier",
            show_default=True,
            metavar="classifier|rule|TYPE",
            help="Type of answers that the map lacks.",
        ),
        merge_options,
    )
    return _with(options, function)


def read_vote_options(
    *,
    map_name: str | None,
    ensemble: str | None,
    question_types: str | None,
    synonyms: str | None,
    **options: Any,
) -> VoteOptions:
    """How a command with ``voting_options`` votes, the files that it names read."""
    from vqa_ensemble.answers.answer_map import read_answer_map
    from vqa_ensemble.answers.synonyms_file import read_synonyms
    from vqa_ensemble.questions.table import QuestionColumn

    if ensemble is not None:  # combiners import scipy, which a vote without them need not wait for
        from vqa_ensemble.learning.combiners.fitted import read_fitted

        options["ensemble"] = read_fitted(ensemble)
    return VoteOptions(
        **options,
        answer_map=read_answer_map(find_map(map_name)) if map_name else None,
        question_types=QuestionColumn(question_types, "question_type") if question_types else None,
        synonyms=None if synonyms is None else read_synonyms(synonyms),
    )


def _with(options: Sequence[Callable[[Function], Function]], function: Function) -> Function:
    for option in reversed(options):
        function = option(function)
    return function


def console(*, markup: bool = False) -> Console:
    """Standard output, or standard error where that is a file that is written.

    Honours NO_COLOR and a redirected output. What is printed is data, brackets and all, unless
    ``markup``: then data must be escaped. Control characters are shown.
    """
    from rich.console import Console

    class Shown(Console):
        def render_str(self, text: str, **options: Any) -> Text:
            return super().render_str(visible(text), **options)

    given = click.get_current_context().params.values()
    taken = any(isinstance(value, str) and is_stdout(value) for value in given)
    # A pipe or a file has no width: tables keep every column as wide as it needs.
    terminal = (sys.stderr if taken else sys.stdout).isatty()
    width = None if terminal else 1000
    return Shown(
        stderr=taken,
        highlight=False,
        markup=markup,
        emoji=False,
        soft_wrap=not terminal,
        width=width,
    )


# What moves the cursor, colours, or turns text around, but not line ends and tabs.
_CONTROLS = {
    code: repr(chr(code))[1:-1]
    for code in (*range(32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
    if chr(code) not in "\t\n"
}


def visible(text: str) -> str:
    """Text with its control characters shown, not sent to the terminal.

    Examples
    --------
    >>> print(visible("red \x1b[31m"))
    red \\x1b[31m
    """
    return text.translate(_CONTROLS)


def new_table(*columns: str, left: Container[str] = (), **style: Any) -> Table:
    """A table without lines: text in the first column and those of ``left``, else numbers."""
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), **style)
    for place, name in enumerate(columns):
        table.add_column(name, justify="right" if place and name not in left else "left")
    return table


def progress(*columns: ProgressColumn, quiet: bool = False) -> Progress:
    """A progress bar on standard error that shows only on a terminal; rich's columns if none."""
    from rich.console import Console
    from rich.progress import Progress

    error_console = Console(stderr=True)
    hidden = quiet or not error_console.is_terminal
    return Progress(*columns, console=error_console, disable=hidden, transient=True)


def status(message: str, *, quiet: bool = False) -> AbstractContextManager[object]:
    """A spinner on standard error while something of unknown length runs; terminals only."""
    if quiet or not sys.stderr.isatty():
        return nullcontext()
    from rich.console import Console
    from rich.text import Text

    return Console(stderr=True).status(Text(visible(message)))


def print_json(result: Any) -> None:
    """Write ``result`` to standard output as indented JSON."""
    import orjson

    options = orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
    click.echo(orjson.dumps(result, option=options).decode())
