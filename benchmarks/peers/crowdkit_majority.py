"""Majority vote (no types) with crowd-kit, whose table has a cell for every question and answer."""

from __future__ import annotations

import sys

import pandas as pd
from crowdkit.aggregation import MajorityVote

if __name__ == "__main__":
    output, _, *files = sys.argv[1:]
    frames = []
    for m, path in enumerate(files):
        frame = pd.read_parquet(path).drop_duplicates("question_id")  # most confident first
        frames.append(
            pd.DataFrame(
                {"task": frame["question_id"], "label": frame["answer"].astype("str"), "worker": m}
            )
        )
    answers = MajorityVote().fit_predict(pd.concat(frames, ignore_index=True)).sort_index()
    table = answers.rename("answer").rename_axis("question_id").reset_index()
    table.to_json(output, orient="records")
