"""Raw scores of a classifier over an answer vocabulary: ``.npy``, ``.npz``, ``.pt``.

- ``.npy``: an array (Q, A); questions in the order of ``--questions``.
- ``.npz``: ``logits`` (or the only array of two dimensions), and ``question_ids`` if it has them.
- ``.pt``, ``.pth``: a tensor, or a dictionary with the same names.

``--vocabulary`` names the answers of the A columns: a text file with an answer a line, or JSON: a
list, an object from answer to column or from column to answer, or a model's ``config.json`` with
``id2label``. An ``.npz`` or ``.pt`` may hold it as ``vocabulary``.

Scores become confidences by ``softmax`` (the default), by ``sigmoid`` (models trained with a
logistic loss on each answer, as BUTD and BAN are), or not at all (``none``). Nothing is
unpickled: NumPy reads with ``allow_pickle=False``, torch with ``weights_only=True``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vqa_ensemble.errors import InputError, at, first_line, need
from vqa_ensemble.files.records import as_id, ending, read_document, refuse_pickle
from vqa_ensemble.files.text import check_regular_file, read_text
from vqa_ensemble.importers.base import ImportOptions, Votes

ENDINGS = (".npy", ".npz", ".pt", ".pth")
_SCORES = "logits"
_IDS = "question_ids"
_VOCABULARY = "vocabulary"
_BLOCK_ROWS = 1024


def read(path: str, options: ImportOptions) -> Iterator[Votes]:
    """The votes of a file of scores.

    Raises
    ------
    InputError
        Naming the file: unreadable, no array of two dimensions, a vocabulary or question ids of
        another length, a score that is not a number.
    """
    with at(path):
        yield from _votes(_load(path), options)


def _votes(arrays: Mapping[str, Any], options: ImportOptions) -> Iterator[Votes]:
    scores = _scores(arrays)
    vocabulary = _vocabulary(arrays, options.vocabulary)
    if len(vocabulary) != scores.shape[1]:
        raise InputError(
            f"has {scores.shape[1]:,} columns, the vocabulary {len(vocabulary):,} answers",
            fix="Give the vocabulary that the model was trained with, in its order.",
        )
    ids = _list(arrays, _IDS) if _IDS in arrays else None
    if ids is not None and len(ids) != len(scores):
        raise InputError(
            f"has {len(scores):,} rows and {len(ids):,} {_IDS}",
            fix="Save scores and question_ids together, a row a question.",
        )
    top_k = min(options.top_k, scores.shape[1])
    for begin in range(0, len(scores), _BLOCK_ROWS):
        block = np.asarray(scores[begin : begin + _BLOCK_ROWS], dtype=np.float64)
        if not np.isfinite(block).all():
            row, column = np.argwhere(~np.isfinite(block))[0]
            raise InputError(
                f"a score is {block[row, column]}",
                where=f"row {begin + row}",
                fix="Scores must be finite; look for what overflows in the model.",
            )
        confidences = _activate(block, options.activation)
        best = np.argpartition(-confidences, top_k - 1, axis=1)[:, :top_k]
        kept = np.take_along_axis(confidences, best, axis=1)
        for row, (columns, values) in enumerate(
            zip(best.tolist(), kept.tolist(), strict=True), start=begin
        ):
            where = f"row {row}"
            with at(None, where):
                question = None if ids is None else as_id(ids[row], _IDS)
            answers = [(vocabulary[c], value) for c, value in zip(columns, values, strict=True)]
            yield Votes(question, answers, where, row)


def _load(path: str) -> Mapping[str, Any]:
    refuse_pickle(path)
    check_regular_file(path)
    if ending(path) in (".pt", ".pth"):
        return _load_torch(path)
    try:
        if ending(path) == ".npy":  # stays on disk: scores of a whole test set take gigabytes
            return {_SCORES: np.load(path, mmap_mode="r", allow_pickle=False)}
        with Path(path).open("rb") as file:
            return dict(np.load(file, allow_pickle=False))
    except Exception as error:  # a broken header or archive raises nearly anything
        raise InputError(
            f"not a readable NumPy file of numbers ({first_line(error)})",
            fix="Save plain arrays of numbers and strings; objects would have to be unpickled.",
        ) from error


def _load_torch(path: str) -> Mapping[str, Any]:
    fix = "Install it: pip install 'vqa-ensemble[train]', or save the tensor as .npy."
    with need("reading .pt needs torch", extra="train", fix=fix):
        import torch
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # as above
        raise InputError(
            f"not a readable file of tensors ({first_line(error)})",
            fix="Save tensors, lists, strings and numbers only.",
        ) from error
    if not isinstance(loaded, dict):
        loaded = {_SCORES: loaded}
    return {
        name: value.detach().float().numpy()
        if isinstance(value, torch.Tensor) and value.is_floating_point()
        else value
        for name, value in loaded.items()
    }


def _list(arrays: Mapping[str, Any], name: str) -> list[Any]:
    try:
        values = np.asarray(arrays[name])
    except (ValueError, TypeError) as error:  # lists of several lengths, for instance
        raise InputError(
            f"'{name}' is no list ({first_line(error)})", fix="Save it as a list."
        ) from error
    if values.ndim != 1:
        raise InputError(
            f"'{name}' has shape {values.shape}", fix="It must be a list, of shape (n,)."
        )
    return list(values.tolist())


def _scores(arrays: Mapping[str, Any]) -> npt.NDArray[np.floating]:
    scores = arrays.get(_SCORES)
    if scores is None:
        tables = [name for name, value in arrays.items() if getattr(value, "ndim", 0) == 2]
        if len(tables) != 1:
            raise InputError(
                f"has no '{_SCORES}'; it has: {', '.join(map(str, arrays)) or 'nothing'}",
                fix="Save the scores under that name, or alone in an .npy file.",
            )
        scores = arrays[tables[0]]
    if getattr(scores, "ndim", 0) != 2 or scores.dtype.kind not in "fiu" or not scores.size:
        kind = (
            f"{scores.dtype} of shape {scores.shape}"
            if hasattr(scores, "dtype")
            else f"a {type(scores).__name__}"
        )
        raise InputError(
            f"'{_SCORES}' is {kind}",
            fix="Save one array of numbers, a row a question and a column an answer; join batches "
            "first: torch.cat(batches), np.concatenate(batches).",
        )
    table: npt.NDArray[np.floating] = scores
    return table


def _vocabulary(arrays: Mapping[str, Any], given: str | None) -> Sequence[str]:
    if given is not None:
        return read_vocabulary(given)
    if _VOCABULARY in arrays:
        answers = _list(arrays, _VOCABULARY)
        return [
            answer.decode("utf-8", "replace") if isinstance(answer, bytes) else str(answer)
            for answer in answers
        ]
    raise InputError(
        "does not say which answers its columns stand for", fix="Give --vocabulary FILE."
    )


def read_vocabulary(path: str) -> list[str]:
    """The answers that columns stand for, in their order.

    Raises
    ------
    InputError
        If the file is missing, of no known form, or has gaps in its numbering.
    """
    if ending(path) != ".json":
        refuse_pickle(path)
        # Not splitlines, which parts answers at rarer characters too.
        lines = read_text(path).split("\n")
        return [line.rstrip("\r") for line in (lines if lines[-1] else lines[:-1])]
    document = read_document(path)
    if isinstance(document, dict) and isinstance(document.get("id2label"), dict):
        document = document["id2label"]
    if isinstance(document, list) and all(isinstance(answer, str) for answer in document):
        return document
    if isinstance(document, dict):
        pairs = list(document.items())
        if all(isinstance(value, str) and key.isdecimal() for key, value in pairs):
            columns = {int(key): value for key, value in pairs}
        else:
            columns = {value: key for key, value in pairs if type(value) is int}
        if columns and len(columns) == len(pairs) and sorted(columns) == list(range(len(columns))):
            return [columns[column] for column in range(len(columns))]
    raise InputError(
        "is no vocabulary",
        path=path,
        fix="Give a list of answers, or an object that numbers them from 0.",
    )


def _activate(scores: npt.NDArray[np.float64], activation: str | None) -> npt.NDArray[np.float64]:
    if activation == "none":
        return scores
    from scipy import special

    if activation == "sigmoid":
        return np.asarray(special.expit(scores))
    return np.asarray(special.softmax(scores, axis=1))
