"""How good every way to combine members is, cross-validated on real members.

``python -m benchmarks.accuracy DATA`` prints a table for the folder DATA with ``preds/*.parquet``
and ``questions.parquet`` (question_id, answer, question_type, base_question_id): all members, five
random ones, and hard votes only. Folds keep the copies of a question together.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from vqa_ensemble.elections.options import VoteOptions
from vqa_ensemble.learning.combiners.base import make_combiner
from vqa_ensemble.learning.evaluation.bootstrap import compare_paired
from vqa_ensemble.learning.evaluation.choosing import choose_method
from vqa_ensemble.learning.evaluation.cross_validation import cross_validate
from vqa_ensemble.learning.evaluation.folds import grouped_folds
from vqa_ensemble.learning.fit import FOLDS
from vqa_ensemble.learning.labelled import load_labelled
from vqa_ensemble.learning.questions import Questions
from vqa_ensemble.questions.table import QuestionColumn
from vqa_ensemble.voting.methods import COMBINERS


def settings(questions: Questions) -> dict[str, Questions]:
    """The members as they are, three draws of five of them, and their hard votes."""
    found = {"all members": questions}
    for seed in range(3):
        columns = np.random.default_rng(seed).permutation(len(questions.names))[:5]
        found[f"5 members, draw {seed}"] = questions.members(np.sort(columns))
    candidates = questions.candidates
    hard = replace(candidates, confidences=candidates.votes.astype(np.float32))
    found["hard votes"] = replace(questions, candidates=hard)
    return found


def auto_scores(questions: Questions, folds: np.ndarray, seed: int) -> np.ndarray:
    """What ``fit --method auto`` scores: its choice is made anew inside every fold."""
    scores = np.zeros(len(questions))
    for fold in range(int(folds.max()) + 1):
        training, testing = questions.where(folds != fold), questions.where(folds == fold)
        inner = grouped_folds(training.groups, training.types.of, FOLDS, seed)
        methods = {name: partial(make_combiner, name, seed) for name in COMBINERS}
        validation = cross_validate(methods, training, inner)
        method = choose_method(validation.scores, training.groups, seed=seed).method
        scores[folds == fold] = methods[method]().fit(training).right(testing)
    return scores


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", type=int, default=1, help="How many divisions into folds.")
    arguments = parser.parse_args()
    table = str(arguments.data / "questions.parquet")
    labelled = load_labelled(
        sorted((arguments.data / "preds").glob("*.parquet")),
        annotations=table,
        groups=f"{table}:base_question_id",
        options=VoteOptions(question_types=QuestionColumn(table, "question_type")),
    )
    for setting, questions in settings(labelled).items():
        print(f"\n{setting}: {len(questions):,} questions, {arguments.seeds} x {FOLDS} folds")
        total: dict[str, np.ndarray] = {}
        for seed in range(arguments.seeds):
            folds = grouped_folds(questions.groups, questions.types.of, FOLDS, seed)
            methods = {name: partial(make_combiner, name, seed) for name in COMBINERS}
            scores = cross_validate(methods, questions, folds).scores
            scores["auto"] = auto_scores(questions, folds, seed)
            for name, values in scores.items():
                total[name] = total.get(name, 0) + values / arguments.seeds
        for name, values in total.items():
            gains = []
            for other in ("best-single", "majority", "greedy-selection"):
                paired = compare_paired(values, total[other], questions.groups, seed=0)
                gains.append(f"{100 * paired.difference:+6.2f} ± {100 * paired.standard_error:.2f}")
            print(f"  {name:18} {100 * values.mean():6.2f}   against best single, majority, "
                  f"greedy selection: {'   '.join(gains)}")  # fmt: skip


if __name__ == "__main__":
    main()
