"""Errors that a user reads, word for word."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager

import pytest

from vqa_ensemble.errors import InputError


def refused(message: str) -> AbstractContextManager[object]:
    """The code inside raises an InputError with just this message: where, what, how to mend it."""
    return pytest.raises(InputError, match=f"^{re.escape(message)}$")
