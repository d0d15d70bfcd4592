"""vqa-ensemble: several Visual Question Answering models, one better answer per question.

The names here are the public interface. Their modules are imported when a name is first used, so
that ``import vqa_ensemble`` takes a millisecond.
"""

from importlib import import_module

from vqa_ensemble._version import __version__

TYPE_CHECKING = False  # typing's takes longer to import than all the rest
if TYPE_CHECKING:
    from vqa_ensemble.answers.answer_map import AnswerMap as AnswerMap
    from vqa_ensemble.answers.answer_map import read_answer_map as read_answer_map
    from vqa_ensemble.answers.answer_map import write_answer_map as write_answer_map
    from vqa_ensemble.answers.build_map import build_map as build_map
    from vqa_ensemble.elections.options import VoteOptions as VoteOptions
    from vqa_ensemble.elections.vote import vote as vote
    from vqa_ensemble.elections.vote import vote_files as vote_files
    from vqa_ensemble.errors import InputError as InputError
    from vqa_ensemble.estimators import LearnedEnsemble as LearnedEnsemble
    from vqa_ensemble.estimators import VotingEnsemble as VotingEnsemble
    from vqa_ensemble.leaderboards.evaluate import evaluate as evaluate
    from vqa_ensemble.learning.combiners.fitted import FittedEnsemble as FittedEnsemble
    from vqa_ensemble.learning.combiners.fitted import read_fitted as read_fitted
    from vqa_ensemble.learning.comparison import CompareOptions as CompareOptions
    from vqa_ensemble.learning.comparison import compare as compare
    from vqa_ensemble.learning.fit import fit as fit
    from vqa_ensemble.learning.labelled import load_labelled as load_labelled
    from vqa_ensemble.predictions.files import predictions_from_rows as predictions_from_rows
    from vqa_ensemble.predictions.files import read_predictions as read_predictions
    from vqa_ensemble.predictions.files import write_predictions as write_predictions
    from vqa_ensemble.predictions.member import Metadata as Metadata
    from vqa_ensemble.predictions.member import Predictions as Predictions
    from vqa_ensemble.report.build import make_report as make_report
    from vqa_ensemble.report.contents import report_contents as report_contents
    from vqa_ensemble.report.explanation import explain_question as explain_question
    from vqa_ensemble.voting.question_type import question_type_vote as question_type_vote

_MODULES = {
    "AnswerMap": "answers.answer_map",
    "CompareOptions": "learning.comparison",
    "FittedEnsemble": "learning.combiners.fitted",
    "InputError": "errors",
    "LearnedEnsemble": "estimators",
    "Metadata": "predictions.member",
    "Predictions": "predictions.member",
    "VoteOptions": "elections.options",
    "VotingEnsemble": "estimators",
    "build_map": "answers.build_map",
    "compare": "learning.comparison",
    "evaluate": "leaderboards.evaluate",
    "explain_question": "report.explanation",
    "fit": "learning.fit",
    "load_labelled": "learning.labelled",
    "make_report": "report.build",
    "predictions_from_rows": "predictions.files",
    "question_type_vote": "voting.question_type",
    "read_answer_map": "answers.answer_map",
    "read_fitted": "learning.combiners.fitted",
    "read_predictions": "predictions.files",
    "report_contents": "report.contents",
    "vote": "elections.vote",
    "vote_files": "elections.vote",
    "write_answer_map": "answers.answer_map",
    "write_predictions": "predictions.files",
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
