"""Decode all columns, then read and vote, in turn in one process; prints the seconds of both."""

from __future__ import annotations

import sys
from time import perf_counter

import pyarrow.parquet as pq

from vqa_ensemble.answers.answer_map import read_answer_map
from vqa_ensemble.elections.options import VoteOptions
from vqa_ensemble.elections.vote import vote_files

ROUNDS = 10

if __name__ == "__main__":
    _, map_path, *files = sys.argv[1:]
    answer_map = read_answer_map(map_path)
    for _ in range(1 + ROUNDS):  # the first round gets the memory from the system
        start = perf_counter()
        tables = [pq.ParquetFile(path).read() for path in files]
        print(perf_counter() - start)
        del tables
        start = perf_counter()
        vote_files(files, VoteOptions(answer_map=answer_map))
        print(perf_counter() - start)
