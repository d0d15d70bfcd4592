"""Ensembles for notebooks: scikit-learn estimators on pandas tables."""

from vqa_ensemble.estimators.ensembles import LearnedEnsemble, VotingEnsemble

__all__ = ["LearnedEnsemble", "VotingEnsemble"]
