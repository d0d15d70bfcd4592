"""Do question ids look like copies of one another?

Benchmarks repeat a question with its options rotated (MMBench's circular evaluation) or
rephrased. A cross-validation that splits such copies learns the answers it is tested on.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from vqa_ensemble.arrays import Ints
from vqa_ensemble.questions.ids import QuestionIds

# The share of questions that must share their base id with another.
LEAST_SHARED = 0.5
# Fewer base ids than this, or than five times the copies of each, prove nothing: an image with
# several questions looks the same.
LEAST_BASES = 20
BASES_PER_COPY = 5
_SUFFIX = re.compile(r"^(.+)[_\-.:#/]([0-9]{1,2}|[a-zA-Z])$")


def describe_copies(question_ids: QuestionIds) -> str | None:
    """Say how ids look like copies of one another; None if they do not.

    Integer ids do if most are equal to another modulo a power of ten and they stand in a few
    blocks with wide gaps (1, 2, 1000001, 1000002, …); string ids if most share all but a short
    suffix (dog_0, dog_1, …). VQA's ids, image · 1000 + number, have many blocks of few.

    Parameters
    ----------
    question_ids : ndarray, shape (Q,)

    Examples
    --------
    >>> import numpy as np
    >>> base = np.arange(1, 100)
    >>> describe_copies(np.concatenate([base, base + 1_000_000]))
    '198 of 198 question ids equal another modulo 1000000: 1, 1000001'
    >>> describe_copies(np.arange(42000, 42200)) is None
    True
    """
    if question_ids.dtype != object:
        return _integer_copies(np.asarray(question_ids, dtype=np.int64))
    texts = [str(question) for question in question_ids]
    if all(text.isascii() and text.isdigit() and len(text) < 19 for text in texts):
        return _integer_copies(np.array([int(text) for text in texts], dtype=np.int64))
    return _string_copies(texts)


def _integer_copies(ids: Ints) -> str | None:
    ids = np.sort(ids)
    for exponent in range(12, 2, -1):
        power = 10**exponent
        blocks, bases = np.divmod(ids, power)
        n_blocks = len(np.unique(blocks))
        # Ids that fill their range repeat modulo anything; copies leave gaps between blocks.
        if n_blocks < 2 or np.ptp(bases) >= power // 2:
            continue
        found = _shared(bases, n_blocks)
        if found is not None:
            example = ", ".join(str(i) for i in ids[bases == found[1]][:3])
            return f"{found[0]} of {len(ids)} question ids equal another modulo {power}: {example}"
    return None


def _string_copies(ids: list[str]) -> str | None:
    matches = [_SUFFIX.match(text) for text in ids]
    stems = np.array([m.group(1) if m else text for m, text in zip(matches, ids, strict=True)])
    n_suffixes = len({m.group(2) for m in matches if m})
    found = _shared(stems, n_suffixes)
    if found is None:
        return None
    example = ", ".join(text for text, stem in zip(ids, stems, strict=True) if stem == found[1])
    return f"{found[0]} of {len(ids)} question ids equal another but for their suffix: {example}"


def _shared(bases: npt.NDArray[np.generic], n_copies: int) -> tuple[int, np.generic] | None:
    """How many ids share their base with another, and the first shared base."""
    distinct, counts = np.unique(bases, return_counts=True)
    shared = counts > 1
    if len(distinct) < max(LEAST_BASES, BASES_PER_COPY * n_copies):
        return None
    if counts[shared].sum() < LEAST_SHARED * len(bases):
        return None
    return int(counts[shared].sum()), distinct[shared][0]
