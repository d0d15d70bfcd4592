"""Pickles of plain values and arrays, read without running anything that they name."""

from __future__ import annotations

import io
import pickle
from typing import Any

from vqa_ensemble.errors import InputError

# All that numpy's arrays and numbers need; their contents go through the same gate.
_ALLOWED = frozenset(
    [
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "scalar"),
        ("numpy._core.numeric", "_frombuffer"),
        ("_codecs", "encode"),
    ]
)


class _Plain(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        module = module.replace("numpy.core.", "numpy._core.")  # its name before numpy 2
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return super().find_class(module, name)


def read_plain_pickle(content: bytes) -> Any:
    """Numbers, text, lists, dictionaries and arrays from a pickle of Python 2 or 3.

    Raises
    ------
    InputError
        If it is broken, or asks for anything else.
    """
    try:
        return _Plain(io.BytesIO(content), encoding="latin1").load()
    except Exception as error:
        # A broken pickle raises nearly anything.
        raise InputError(
            f"is not a pickle of plain values and arrays: {error}",
            fix="Save its arrays with numpy.savez instead.",
        ) from error
