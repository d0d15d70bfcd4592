"""The report's page: contents poured into the template, with everything it needs inside."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from vqa_ensemble._version import __version__
from vqa_ensemble.errors import InputError
from vqa_ensemble.learning.evaluation.choosing import EQUAL_VOTES
from vqa_ensemble.learning.questions import Questions
from vqa_ensemble.report.charts import make_charts, oracle_gaps
from vqa_ensemble.report.contents import Contents, headline

if TYPE_CHECKING:
    from jinja2 import Environment


def require_libraries() -> None:
    """Raise InputError unless there are Jinja2 and Plotly, which the page is made with."""
    for name in ("jinja2", "plotly"):
        if find_spec(name) is None:
            raise InputError(
                f"the report needs {name}",
                fix="Install it: pip install 'vqa-ensemble[report]'.",
            )


def render(
    contents: Contents,
    labelled: Questions,
    browser: Mapping[str, Any],
    images: Sequence[bytes] = (),
    notes: Sequence[str] = (),
) -> str:
    """The page as HTML.

    The same arguments give the same page.

    Parameters
    ----------
    contents : Contents
    labelled : Questions
        What the contents are of.
    browser : mapping
        As :func:`vqa_ensemble.report.questions.encode_questions` gives it.
    images : sequence of bytes
        WebP pictures, which the browser's questions number.
    notes : sequence of str
        Sentences on what the page leaves out, and the like.
    """
    from plotly.offline import get_plotlyjs

    packed = {
        "plotly": pack(get_plotlyjs().encode()),
        "charts": pack(orjson.dumps(make_charts(contents))),
        "questions": pack(orjson.dumps(browser)),
    }
    members = contents.comparison.members
    order = sorted(range(len(members)), key=lambda m: (-members[m].accuracy, m))
    agreement = [[None if np.isnan(x) else x for x in row] for row in contents.agreement]
    correlation = contents.comparison.error_correlation
    return (
        _environment()
        .get_template("report.html")
        .render(
            contents=contents,
            comparison=contents.comparison,
            headline=headline(contents),
            row=contents.method(contents.row),
            members=[members[m] for m in order],
            order=order,
            gaps=oracle_gaps(contents),
            agreement=agreement,
            agreement_range=_range(_off_diagonal(agreement)),
            correlation=correlation,
            most_correlated=_range(_off_diagonal(correlation))[1],
            accuracy_range=_range(x for m in members for x in m.by_type.values()),
            is_majority=contents.row == EQUAL_VOTES,
            scores=contents.scores,
            notes=notes,
            packed=packed,
            images=[base64.b64encode(image).decode() for image in images],
            style=_template("report.css"),
            script=_template("report.js"),
            # Scripts without it do not run: another wall in front of markup in answers.
            nonce=hashlib.sha256("".join(packed.values()).encode()).hexdigest()[:32],
            version=__version__,
            groups=len(np.unique(labelled.groups)),
        )
    )


def pack(content: bytes) -> str:
    """Bytes as text for a script tag: compressed, in base64, which needs no escaping."""
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()


def _template(name: str) -> str:
    return files("vqa_ensemble.report").joinpath("templates", name).read_text("utf-8")


def _range(values: Iterable[float | None]) -> tuple[float, float]:
    """The least and the largest value, for shades."""
    known = [value for value in values if value is not None]
    return (min(known), max(known)) if known else (0, 1)


def _off_diagonal(matrix: Sequence[Sequence[float | None]]) -> Iterator[float | None]:
    return (x for a, row in enumerate(matrix) for b, x in enumerate(row) if a != b)


def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("vqa_ensemble.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = lambda share: "" if share is None else f"{100 * share:.2f}"
    environment.filters["points"] = lambda share: f"{100 * share:+.2f}"
    return environment
