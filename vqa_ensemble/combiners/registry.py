"""Every combiner by name."""

from __future__ import annotations

from vqa_ensemble.combiners.accuracy_weights import AccuracyWeights
from vqa_ensemble.combiners.base import Combiner
from vqa_ensemble.combiners.baselines import BestSingle, Majority, Mean
from vqa_ensemble.combiners.calibration import CalibratedMean
from vqa_ensemble.combiners.dawid_skene import DawidSkene
from vqa_ensemble.combiners.greedy_selection import GreedySelection
from vqa_ensemble.combiners.stacking import Stacking
from vqa_ensemble.combiners.wawa import Wawa
from vqa_ensemble.combiners.zero_based_skill import ZeroBasedSkill

_ALL: tuple[type[Combiner], ...] = (
    Majority,
    Mean,
    BestSingle,
    AccuracyWeights,
    GreedySelection,
    Wawa,
    ZeroBasedSkill,
    DawidSkene,
    CalibratedMean,
    Stacking,
)

COMBINERS: dict[str, type[Combiner]] = {combiner.method: combiner for combiner in _ALL}
