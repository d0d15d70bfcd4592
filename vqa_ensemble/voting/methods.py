"""Every way to combine members, by name: where it is, and what to know before it is loaded.

A new one is a file and a line here. Nothing heavy is imported before a method is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vqa_ensemble.voting.elector import Elector


@dataclass(frozen=True)
class Method:
    """A way to combine members.

    Attributes
    ----------
    elector : str, optional
        The :class:`~vqa_ensemble.voting.elector.Elector` that needs no fit, by its full name.
    combiner : str, optional
        What ``fit`` makes an ensemble of.
    learns : bool
        Whether there is anything to fit.
    needs_map : bool
    takes : tuple of str
        Options that its class takes: ``"revote"``, ``"seed"``.
    label : str, optional
        What a sentence calls it, if not by its name.
    """

    elector: str | None = None
    combiner: str | None = None
    learns: bool = True
    needs_map: bool = False
    takes: tuple[str, ...] = ()
    label: str | None = None

    def options(self, given: dict[str, Any]) -> dict[str, Any]:
        """Those that its class takes."""
        return {name: value for name, value in given.items() if name in self.takes}


_V, _C = "vqa_ensemble.voting", "vqa_ensemble.learning.combiners"
_SEED = ("seed",)
# Simplest first: of methods that are equally good, the first is chosen.
METHODS = {
    "question-type": Method(
        f"{_V}.question_type.QuestionTypeVote",
        learns=False,
        needs_map=True,
        takes=("revote",),
        label="question-type voting",
    ),
    "majority": Method(
        f"{_V}.majority.MajorityVote",
        f"{_C}.baselines.Majority",
        learns=False,
        label="majority vote",
    ),
    "mean": Method(f"{_V}.mean.MeanVote", f"{_C}.baselines.Mean", learns=False),
    "best-single": Method(combiner=f"{_C}.baselines.BestSingle"),
    "accuracy-weights": Method(combiner=f"{_C}.accuracy_weights.AccuracyWeights", takes=_SEED),
    "greedy-selection": Method(combiner=f"{_C}.greedy_selection.GreedySelection", takes=_SEED),
    "wawa": Method(combiner=f"{_C}.wawa.Wawa"),
    "zero-based-skill": Method(combiner=f"{_C}.zero_based_skill.ZeroBasedSkill"),
    "dawid-skene": Method(combiner=f"{_C}.dawid_skene.DawidSkene"),
    "calibrated-mean": Method(combiner=f"{_C}.calibration.CalibratedMean", takes=_SEED),
    "stacking": Method(combiner=f"{_C}.stacking.Stacking", takes=_SEED),
}
# What a vote can do without an ensemble, and what can be fitted.
VOTES = tuple(name for name, method in METHODS.items() if method.elector)
COMBINERS = tuple(name for name, method in METHODS.items() if method.combiner)


def load(place: str) -> Any:
    """The class of that full name."""
    module, _, name = place.rpartition(".")
    return getattr(import_module(module), name)


def make_elector(name: str, **options: Any) -> Elector:
    """One of ``VOTES``, with those of the options that it takes."""
    method = METHODS[name]
    assert method.elector is not None
    elector: Elector = load(method.elector)(**method.options(options))
    return elector
