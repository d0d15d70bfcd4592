"""The study of distillation: an ensemble as the teacher of one small student."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from vqa_ensemble.answers.build_map import build_map
from vqa_ensemble.learning.teaching import write_teacher
from vqa_ensemble.questions.vqa import read_annotations
from vqa_ensemble.scoring.vqa_accuracy import HumanAnswers
from vqa_ensemble.studies.bench import Bench
from vqa_ensemble.studies.design import Changes, Row, change_recipe
from vqa_ensemble.studies.ensembles import score_vote, train_members
from vqa_ensemble.studies.measuring import SCORED_SPLIT
from vqa_ensemble.studies.recipe_study import LATENCY, PARAMETERS, measure
from vqa_ensemble.studies.tables import Table, TableRow

A_MEMBER, ALONE, TAUGHT = "a member of the teacher", "student alone", "student distilled"


def distillation(name: str, bench: Bench, rows: Sequence[Row], student: Changes) -> Table:
    """The ensemble, a member, and a small student with and without the ensemble's lessons."""
    members = train_members(bench, rows)
    names = " ".join(run.recipe.member.name for run in members)
    lesson = hashlib.sha256(names.encode()).hexdigest()[:8]
    teacher = bench.folder / "teachers" / f"{lesson}.parquet"
    write_teacher(teacher, [bench.predictions(run, "train") for run in members])

    recipe = change_recipe(bench.base, student)
    pupil = recipe.with_teacher(str(teacher))
    alone = [bench.train(recipe, seed, ALONE) for seed in bench.seeds]
    taught = [bench.train(pupil, seed, TAUGHT, lesson) for seed in bench.seeds]

    runs = {A_MEMBER: members, ALONE: alone, TAUGHT: taught}
    columns, values = measure(runs, (PARAMETERS, LATENCY))
    files = [bench.predictions(run, SCORED_SPLIT) for run in members]
    answer_map = build_map([bench.annotations["train"]])
    humans = HumanAnswers.prepare(read_annotations(bench.annotations[SCORED_SPLIT]))
    scores = score_vote(files, "mean", answer_map, humans)
    of_a_member = values[A_MEMBER]
    ensemble = {
        column.name: [scores[column.name] if column.score else sum(of_a_member[column.name])]
        for column in columns
    }
    section = recipe.distillation
    return Table(
        name,
        "Distillation",
        "model",
        columns,
        [
            TableRow(f"teacher: mean of {len(members)} members", ensemble),
            TableRow(A_MEMBER, values[A_MEMBER]),
            TableRow(ALONE, values[ALONE], seeds=bench.seeds),
            TableRow(TAUGHT, values[TAUGHT], reference=ALONE, seeds=bench.seeds),
        ],
        [
            f"The teacher has weight {section.alpha:g} at temperature {section.temperature:g}. "
            "Its parameters and latency are its members' sums.",
        ],
    )
