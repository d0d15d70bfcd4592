"""vqa-ensemble: several Visual Question Answering models, one better answer per question."""

from vqa_ensemble._version import __version__

__all__ = ["__version__"]
