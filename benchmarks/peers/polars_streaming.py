"""Question-type voting in Polars, lazy and streaming."""

from __future__ import annotations

import sys

import polars as pl

if __name__ == "__main__":
    output, map_path, *files = sys.argv[1:]
    answer_map = pl.scan_csv(
        map_path, schema_overrides={"answer": pl.String, "question_type": pl.String}
    ).select("answer", "question_type", "count")
    prior = answer_map.group_by("question_type").agg(prior=pl.col("count").sum())
    ballots = (
        pl.scan_parquet(files, include_file_paths="member")
        .with_columns(pl.col("answer").cast(pl.String), pl.col("confidence").cast(pl.Float64))
        .join(answer_map, on="answer")
    )
    votes = ballots.group_by("member", "question_id").agg(
        pl.col("question_type", "confidence").sort_by("confidence").last()
    )
    winning = (
        votes.group_by("question_id", "question_type")
        .agg(votes=pl.len(), sure=pl.col("confidence").sum())
        .join(prior, on="question_type")
        .group_by("question_id")
        .agg(
            pl.col("question_type")
            .sort_by(
                "votes", "sure", "prior", "question_type", descending=[True, True, True, False]
            )
            .first()
        )
    )
    revotes = (
        ballots.join(winning, on=["question_id", "question_type"])
        .group_by("member", "question_id")
        .agg(pl.col("answer", "confidence", "count").sort_by("confidence").last())
    )
    (
        revotes.group_by("question_id", "answer")
        .agg(
            votes=pl.len(),
            sure=pl.col("confidence").sum(),
            count=pl.col("count").first(),
        )
        .group_by("question_id")
        .agg(
            pl.col("answer")
            .sort_by("votes", "sure", "count", "answer", descending=[True, True, True, False])
            .first()
        )
        .sort("question_id")
        .collect(engine="streaming")
        .write_json(output)
    )
