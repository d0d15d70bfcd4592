"""Exports of Label Studio: tasks with ``data`` and the ``predictions`` of models.

The question's id is in ``data`` (``question_id`` or ``id``, or as ``--question-id-column`` says);
the task's own ``id`` is Label Studio's. The answer is the text or choice of the only control that
has one, or of the control that ``--answer-column`` names. ``annotations`` are people's, and no
model's.
"""

from __future__ import annotations

from typing import Any

from vqa_ensemble.errors import InputError, shown
from vqa_ensemble.files.records import Record, as_id, as_text
from vqa_ensemble.importers.base import ImportOptions, Votes, by_row

_IDS = ("question_id", "questionId", "qid", "id")


def recognizes(row: Record) -> bool:
    """Whether a file's first row is of this format."""
    return isinstance(row.get("data"), dict) and bool({"annotations", "predictions"} & row.keys())


def votes(row: Record, options: ImportOptions) -> Votes:
    """The vote of a task."""
    if not isinstance(row["data"], dict):
        raise InputError(f"'data' is {shown(row['data'])}", fix="It must be an object.")
    data = Record(row["data"], row.where)
    named = options.question_id_column
    name = named or next((name for name in _IDS if name in data), "question_id")
    asked = data.get("question")
    vote = Votes(as_id(data[name], name), [], row.where, prompt=str(asked or ""))
    predictions = row.get("predictions") or []
    if not predictions or not isinstance(predictions, list):
        return vote._replace(missing="no model's prediction")
    if len(predictions) > 1:
        raise InputError(
            f"holds {len(predictions)} models' predictions", fix="Export one model's a file."
        )
    try:
        told = _answers(predictions[0]["result"])
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"has no prediction of a kind that is known ({error!r})", fix="Export it as JSON."
        ) from error
    wanted = options.answer_column
    if wanted is None and len(told) > 1:
        raise InputError(
            f"has answers under {' and '.join(told)}", fix="Give --answer-column with one of them."
        )
    texts = [text for control, text in told.items() if wanted in (None, control)]
    return vote._replace(answers=[(text, None) for text in texts])


read = by_row(votes)


def _answers(results: list[dict[str, Any]]) -> dict[str, str]:
    """The text or choice of each control."""
    told = {}
    for result in results:
        value = result["value"]
        given = value.get("text", value.get("choices"))
        if given is not None:
            parts = given if isinstance(given, list) else [given]
            told[str(result["from_name"])] = " ".join(as_text(part, "text") for part in parts)
    return told
