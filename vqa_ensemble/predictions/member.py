"""One member's predictions as sorted arrays, and where they come from."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vqa_ensemble._version import __version__
from vqa_ensemble.errors import InputError, shown
from vqa_ensemble.questions.ids import QuestionIds

FORMAT_VERSION = 1
# The code of an answer that stands for "no vote": the member lacks the question or abstains.
ABSTAIN = -1


@dataclass(frozen=True)
class Metadata:
    """Where a prediction file comes from; every field but ``member`` may be empty.

    Stored as parquet key-value metadata under ``vqa_ensemble.<field>``.
    """

    member: str
    dataset: str = ""
    split: str = ""
    top_k: str = ""
    recipe: str = ""
    recipe_hash: str = ""
    seed: str = ""
    created_by: str = ""
    created_at: str = ""
    format_version: str = ""

    def written_now(self, top_k: int | None) -> Metadata:
        """The same for a file that this version writes now, with ``top_k`` answers or all."""
        return replace(
            self,
            top_k="all" if top_k is None else str(top_k),
            created_by=f"vqa-ensemble {__version__}",
            created_at=timestamp(),
            format_version=str(FORMAT_VERSION),
        )


def timestamp() -> str:
    """The time in UTC; SOURCE_DATE_EPOCH stands in for reproducible files.

    Raises
    ------
    InputError
        If that is no time.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    try:
        moment = datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise InputError(
            f"the variable SOURCE_DATE_EPOCH is {shown(epoch)}",
            fix="Set it to seconds since 1970, or unset it.",
        ) from error
    return moment.isoformat(timespec="seconds")


@dataclass(frozen=True)
class Predictions:
    """One member's answers, sorted by question, then confidence (falling), then answer.

    Attributes
    ----------
    path : str
        The file they came from.
    metadata : Metadata
    question_ids : ndarray of int64 or of str objects, shape (Q,)
        Distinct, rising.
    starts : ndarray of int64, shape (Q + 1,)
        Rows of question ``q`` are ``starts[q]:starts[q + 1]``; never empty.
    vocabulary : pyarrow.StringArray, shape (A,)
        Distinct answers in alphabetical (code point) order; some may have no row.
    answers : ndarray of int32, shape (R,)
        Each row's answer as an index into ``vocabulary``.
    confidences : ndarray of float32 or float64, shape (R,)
    """

    path: str
    metadata: Metadata
    question_ids: QuestionIds
    starts: npt.NDArray[np.int64]
    vocabulary: pa.StringArray
    answers: npt.NDArray[np.int32]
    confidences: npt.NDArray[np.floating]

    @property
    def member(self) -> str:
        """The member's name."""
        return self.metadata.member

    def top(self) -> list[str]:
        """Each question's most confident answer, in the order of ``question_ids``."""
        codes = pa.array(self.answers[self.starts[:-1]])
        answers: list[str] = self.vocabulary.take(codes).to_pylist()
        return answers
