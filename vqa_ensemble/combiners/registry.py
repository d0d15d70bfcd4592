"""Every combiner by name."""

from __future__ import annotations

from vqa_ensemble.combiners.base import Combiner
from vqa_ensemble.combiners.stacking import Stacking

COMBINERS: dict[str, type[Combiner]] = {combiner.method: combiner for combiner in (Stacking,)}
