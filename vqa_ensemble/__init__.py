"""vqa-ensemble: several Visual Question Answering models, one better answer per question.

The names here are the public interface. Their modules are imported when a name is first used, so
that ``import vqa_ensemble`` takes a millisecond.
"""

from importlib import import_module

from vqa_ensemble._version import __version__

TYPE_CHECKING = False  # typing's takes longer to import than all the rest
if TYPE_CHECKING:
    from vqa_ensemble.combiners.fitted import FittedEnsemble as FittedEnsemble
    from vqa_ensemble.combiners.fitted import read_fitted as read_fitted
    from vqa_ensemble.engine.build_map import build_map as build_map
    from vqa_ensemble.engine.comparison import CompareOptions as CompareOptions
    from vqa_ensemble.engine.comparison import compare as compare
    from vqa_ensemble.engine.explanation import explain_question as explain_question
    from vqa_ensemble.engine.fit import fit as fit
    from vqa_ensemble.engine.labelled import load_labelled as load_labelled
    from vqa_ensemble.engine.local import vote as vote
    from vqa_ensemble.engine.local import vote_files as vote_files
    from vqa_ensemble.engine.options import VoteOptions as VoteOptions
    from vqa_ensemble.errors import InputError as InputError
    from vqa_ensemble.estimators import LearnedEnsemble as LearnedEnsemble
    from vqa_ensemble.estimators import VotingEnsemble as VotingEnsemble
    from vqa_ensemble.formats.answer_map import AnswerMap as AnswerMap
    from vqa_ensemble.formats.answer_map import read_answer_map as read_answer_map
    from vqa_ensemble.formats.answer_map import write_answer_map as write_answer_map
    from vqa_ensemble.formats.predictions import predictions_from_rows as predictions_from_rows
    from vqa_ensemble.formats.predictions import read_predictions as read_predictions
    from vqa_ensemble.formats.predictions import write_predictions as write_predictions
    from vqa_ensemble.leaderboards.evaluate import evaluate as evaluate
    from vqa_ensemble.predictions.member import Metadata as Metadata
    from vqa_ensemble.predictions.member import Predictions as Predictions
    from vqa_ensemble.report.build import make_report as make_report
    from vqa_ensemble.report.contents import report_contents as report_contents
    from vqa_ensemble.voting.question_type import question_type_vote as question_type_vote

_MODULES = {
    "AnswerMap": "formats.answer_map",
    "CompareOptions": "engine.comparison",
    "FittedEnsemble": "combiners.fitted",
    "InputError": "errors",
    "LearnedEnsemble": "estimators",
    "Metadata": "predictions.member",
    "Predictions": "predictions.member",
    "VoteOptions": "engine.options",
    "VotingEnsemble": "estimators",
    "build_map": "engine.build_map",
    "compare": "engine.comparison",
    "evaluate": "leaderboards.evaluate",
    "explain_question": "engine.explanation",
    "fit": "engine.fit",
    "load_labelled": "engine.labelled",
    "make_report": "report.build",
    "predictions_from_rows": "formats.predictions",
    "question_type_vote": "voting.question_type",
    "read_answer_map": "formats.answer_map",
    "read_fitted": "combiners.fitted",
    "read_predictions": "formats.predictions",
    "report_contents": "report.contents",
    "vote": "engine.local",
    "vote_files": "engine.local",
    "write_answer_map": "formats.answer_map",
    "write_predictions": "formats.predictions",
}
__all__ = ["__version__", *_MODULES]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


if not TYPE_CHECKING:  # mypy would take any name for one of the module

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
        globals()[name] = value
        return value
