"""The kinds of arrays that most signatures name; docstrings say their shapes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]
# Float32 or float64, as they were given.
Confidences = npt.NDArray[np.floating]
Ints = npt.NDArray[np.int64]
# Answers as indices into a vocabulary.
Codes = npt.NDArray[np.int32]
