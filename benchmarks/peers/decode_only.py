"""The floor: decode all columns of all files with pyarrow; prints the seconds it took."""

from __future__ import annotations

import sys
from time import perf_counter

import pyarrow.parquet as pq

if __name__ == "__main__":
    _, _, *files = sys.argv[1:]
    start = perf_counter()
    tables = [pq.ParquetFile(path).read() for path in files]
    print(perf_counter() - start)
