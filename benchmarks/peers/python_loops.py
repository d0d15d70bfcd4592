"""Algorithm 1 and the re-vote as the slide's loops in plain Python; pandas reads the files."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pandas as pd

if __name__ == "__main__":
    output, map_path, *files = sys.argv[1:]
    type_of: dict[str, str] = {}
    count_of: dict[str, int] = {}
    prior: dict[str, int] = {}
    with Path(map_path).open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            answer, question_type, count = row["answer"], row["question_type"], int(row["count"])
            type_of[answer], count_of[answer] = question_type, count
            prior[question_type] = prior.get(question_type, 0) + count
    ballots: dict[int, list[list[tuple[str, float]]]] = {}
    for path in files:
        frame = pd.read_parquet(path)
        rows = zip(
            frame["question_id"].tolist(),
            frame["answer"].tolist(),
            frame["confidence"].tolist(),
            strict=True,
        )
        previous = None
        ranked: list[tuple[str, float]] = []
        for question, answer, confidence in rows:  # most confident first
            if question != previous:
                ranked = []
                ballots.setdefault(question, []).append(ranked)
                previous = question
            ranked.append((answer, confidence))
    results = []
    for question in sorted(ballots):
        frequency: dict[str, int] = {}
        confidence_in: dict[str, float] = {}
        for ranked in ballots[question]:
            question_type = type_of[ranked[0][0]]
            frequency[question_type] = frequency.get(question_type, 0) + 1
            confidence_in[question_type] = confidence_in.get(question_type, 0.0) + ranked[0][1]
        winning = min(frequency, key=lambda t: (-frequency[t], -confidence_in[t], -prior[t], t))
        votes: dict[str, int] = {}
        sure: dict[str, float] = {}
        for ranked in ballots[question]:
            for answer, confidence in ranked:
                if type_of[answer] == winning:
                    votes[answer] = votes.get(answer, 0) + 1
                    sure[answer] = sure.get(answer, 0.0) + confidence
                    break
        best = min(votes, key=lambda a: (-votes[a], -sure[a], -count_of[a], a))
        results.append({"question_id": question, "answer": best})
    Path(output).write_text(json.dumps(results), encoding="utf-8")
