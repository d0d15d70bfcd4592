"""Question-type voting with pandas' group-by."""

from __future__ import annotations

import sys

import pandas as pd

if __name__ == "__main__":
    output, map_path, *files = sys.argv[1:]
    answer_map = pd.read_csv(map_path, keep_default_na=False, dtype={"answer": "str"})
    answer_map["prior"] = answer_map.groupby("question_type")["count"].transform("sum")
    answer_map = answer_map[["answer", "question_type", "count", "prior"]]
    ballots = pd.concat(
        [pd.read_parquet(f).assign(member=m) for m, f in enumerate(files)], ignore_index=True
    )
    ballots["answer"] = ballots["answer"].astype("str")
    ballots["confidence"] = ballots["confidence"].astype("float64")
    ballots = ballots.merge(answer_map, on="answer")
    ballots = ballots.sort_values("confidence", ascending=False, kind="stable")
    votes = ballots.drop_duplicates(["member", "question_id"])
    types = votes.groupby(["question_id", "question_type"], as_index=False).agg(
        votes=("member", "size"), sure=("confidence", "sum"), prior=("prior", "first")
    )
    winning = types.sort_values(
        ["question_id", "votes", "sure", "prior", "question_type"],
        ascending=[True, False, False, False, True],
    ).drop_duplicates("question_id")
    inside = ballots.merge(winning[["question_id", "question_type"]])
    inside = inside.sort_values("confidence", ascending=False, kind="stable")
    revotes = inside.drop_duplicates(["member", "question_id"])
    tally = revotes.groupby(["question_id", "answer"], as_index=False).agg(
        votes=("member", "size"), sure=("confidence", "sum"), count=("count", "first")
    )
    winners = tally.sort_values(
        ["question_id", "votes", "sure", "count", "answer"],
        ascending=[True, False, False, False, True],
    ).drop_duplicates("question_id")
    winners[["question_id", "answer"]].to_json(output, orient="records")
