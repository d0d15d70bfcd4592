"""What stands against the floor: read and vote, nothing written; prints the seconds it took."""

from __future__ import annotations

import sys
from time import perf_counter

from vqa_ensemble.answers.answer_map import read_answer_map
from vqa_ensemble.elections.options import VoteOptions
from vqa_ensemble.elections.vote import vote_files

if __name__ == "__main__":
    _, map_path, *files = sys.argv[1:]
    answer_map = read_answer_map(map_path)
    start = perf_counter()
    vote_files(files, VoteOptions(answer_map=answer_map))
    print(perf_counter() - start)
