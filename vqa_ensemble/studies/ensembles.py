"""Studies of several members together: ensemble size, and the ensemble as a teacher."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from vqa_ensemble.answers.answer_map import AnswerMap
from vqa_ensemble.answers.build_map import build_map
from vqa_ensemble.answers.rule import in_usual_order
from vqa_ensemble.elections.options import VoteOptions
from vqa_ensemble.elections.vote import vote
from vqa_ensemble.learning.comparison import evaluate_methods
from vqa_ensemble.learning.labelled import load_labelled
from vqa_ensemble.predictions.files import read_predictions
from vqa_ensemble.questions.vqa import read_annotations
from vqa_ensemble.scoring.vqa_accuracy import HumanAnswers, score_answers
from vqa_ensemble.studies.bench import Bench, Run
from vqa_ensemble.studies.design import Row, change_recipe
from vqa_ensemble.studies.measuring import OVERALL, SCORED_SPLIT
from vqa_ensemble.studies.tables import Column, Table, TableRow

SIZES = (1, 5, 10)
VOTES = {"question-type": "question-type vote", "majority": "majority", "mean": "mean confidence"}
LEARNED = "stacking"
# Random ensembles of a size that is smaller than all members.
_DRAWS = 10

# The talk's table of ensemble sizes, by the number of members; its last column is of another split.
_TALK_COLUMNS = (OVERALL, "yes/no", "number", "other", "overall on test-standard")
_TALK = {
    1: (69.92, 85.31, 54.06, 60.35, 70.28),
    5: (70.99, 86.47, 54.44, 61.55, 71.40),
    10: (71.2, 86.57, 55.07, 61.72, 71.53),
}


def train_members(bench: Bench, rows: Sequence[Row]) -> list[Run]:
    """One run a row; every member has a seed of its own."""
    return [
        bench.train(change_recipe(bench.base, row.changes), seed, row.label)
        for seed, row in enumerate(rows)
    ]


def ensemble_size(name: str, bench: Bench, rows: Sequence[Row]) -> Table:
    """Ensembles of 1, 5 and 10 members by every way to vote, and with learned weights."""
    members = train_members(bench, rows)
    files = [bench.predictions(run, SCORED_SPLIT) for run in members]
    answer_map = build_map([bench.annotations["train"]])
    humans = HumanAnswers.prepare(read_annotations(bench.annotations[SCORED_SPLIT]))
    random = np.random.default_rng(0)
    found: list[TableRow] = []
    for size in SIZES:
        talk = dict(zip(_TALK_COLUMNS, _TALK[size], strict=True))
        if size == 1:
            scores = [run.record.scores for run in members]
            found.append(TableRow("1", _columns(scores), talk))
            continue
        chosen = [list(range(len(files)))]
        if size < len(files):
            chosen = [sorted(random.choice(len(files), size, replace=False)) for _ in range(_DRAWS)]
        by_method: dict[str, list[dict[str, float]]] = {}
        for number, columns in enumerate(chosen):
            bench.tell(f"votes of {size} members", number / len(chosen))
            some = [files[column] for column in columns]
            for method in VOTES:
                scored = score_vote(some, method, answer_map, humans)
                by_method.setdefault(method, []).append(scored)
            scored = score_learned(some, bench.annotations[SCORED_SPLIT], answer_map, humans)
            by_method.setdefault(LEARNED, []).append(scored)
        for method, label in {**VOTES, LEARNED: "learned weights"}.items():
            said = talk if method == "question-type" else {}
            found.append(TableRow(f"{size}, {label}", _columns(by_method[method]), said))
    kinds = (OVERALL, *in_usual_order(set(found[0].values) - {OVERALL}))
    notes = [
        f"± is the standard deviation over the {len(members)} members, and over {_DRAWS} random "
        "ensembles of 5 of them; there is one ensemble of all.",
        f"Learned weights ({LEARNED}) are cross-validated: every question is answered with "
        "weights learned on other questions.",
        "Members: " + "; ".join(row.label for row in rows) + ".",
    ]
    return Table(
        name,
        "Ensemble size and ways to vote",
        "members",
        tuple(Column(kind, score=True) for kind in kinds),
        found,
        notes,
    )


def score_vote(
    files: Sequence[Path], method: str, answer_map: AnswerMap, humans: HumanAnswers
) -> dict[str, float]:
    """Official scores in percent of a vote that learns nothing, overall and by answer type."""
    outcome = vote(
        [read_predictions(path) for path in files],
        VoteOptions(method=method, answer_map=answer_map),
    )
    scores = score_answers(humans, outcome.ballots.question_ids, outcome.answers())
    return {OVERALL: scores.overall, **scores.per_answer_type}


def score_learned(
    files: Sequence[Path], annotations: Path, answer_map: AnswerMap, humans: HumanAnswers
) -> dict[str, float]:
    """Official scores in percent with cross-validated weights, overall and by answer type."""
    options = VoteOptions(answer_map=answer_map)
    labelled = load_labelled(files, annotations=str(annotations), options=options)
    result, _ = evaluate_methods(labelled, [LEARNED])
    scores = 100 * result.scores[LEARNED]
    order = np.argsort(humans.annotations.question_ids, kind="stable")
    types = humans.annotations.answer_types[order]  # both in the order of rising ids
    return {
        OVERALL: float(scores.mean()),
        **{
            kind: float(scores[types == number].mean())
            for number, kind in enumerate(humans.annotations.answer_type_names)
        },
    }


def _columns(scores: Sequence[Mapping[str, float]]) -> dict[str, list[float]]:
    return {kind: [one[kind] for one in scores] for kind in scores[0]}
