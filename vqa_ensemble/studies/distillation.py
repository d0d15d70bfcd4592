"""The study of distillation: an ensemble as the teacher of one small student."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from vqa_ensemble.engine.build_map import build_map
from vqa_ensemble.engine.teaching import write_teacher
from vqa_ensemble.formats.vqa_json import read_annotations
from vqa_ensemble.scoring.vqa_accuracy import HumanAnswers
from vqa_ensemble.studies.bench import Bench
from vqa_ensemble.studies.design import Changes, Row, change_recipe
from vqa_ensemble.studies.ensembles import score_vote, train_members
from vqa_ensemble.studies.measuring import SCORED_SPLIT
from vqa_ensemble.studies.recipe_study import LATENCY, PARAMETERS, measure
from vqa_ensemble.studies.tables import Table, TableRow


def distillation(name: str, bench: Bench, rows: Sequence[Row], student: Changes) -> Table:
    """The ensemble, a member, and a small student with and without the ensemble's lessons."""
    members = train_members(bench, rows)
    names = " ".join(run.recipe.member.name for run in members)
    lesson = hashlib.sha256(names.encode()).hexdigest()[:8]
    teacher = bench.folder / "teachers" / f"{lesson}.parquet"
    write_teacher(teacher, [bench.predictions(run, "train") for run in members])

    recipe = change_recipe(bench.base, student)
    alone = [bench.train(recipe, seed) for seed in bench.seeds]
    taught = [bench.train(recipe.with_teacher(str(teacher)), seed, lesson) for seed in bench.seeds]

    runs = {"a member of the teacher": members, "student alone": alone, "student distilled": taught}
    columns, values = measure(runs, (PARAMETERS, LATENCY))
    files = [bench.predictions(run, SCORED_SPLIT) for run in members]
    answer_map = build_map([bench.annotations["train"]])
    humans = HumanAnswers.prepare(read_annotations(bench.annotations[SCORED_SPLIT]))
    scores = score_vote(files, "mean", answer_map, humans)
    of_a_member = values["a member of the teacher"]
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
            *(
                TableRow(label, values[label], reference=reference)
                for label, reference in zip(runs, ("", "", "student alone"), strict=True)
            ),
        ],
        [
            f"The teacher has weight {section.alpha:g} at temperature {section.temperature:g}. "
            "Its parameters and latency are its members' sums.",
        ],
    )
