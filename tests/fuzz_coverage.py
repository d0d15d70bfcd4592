"""Let atheris look for files that lead readers down new paths: ``--seconds 300``.

The readers of text and of parquet files; the first byte of an input chooses one. A reader must
take a file or refuse it with an InputError; what does anything else ends the run, with the input
kept as ``crash-…``.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["vqa_ensemble"]):
    from broken_archives import ALL_READERS

    from vqa_ensemble.errors import InputError

ENDINGS = (".json", ".jsonl", ".csv", ".tsv", ".toml", ".parquet")
READERS = [reader for reader in ALL_READERS if reader.ending in ENDINGS]
LONGEST = 1 << 14
MEGABYTES = 4096


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    # The process ends inside the fuzzer: nothing after it would run.
    folder = Path(tempfile.gettempdir()) / f"vqa-fuzz-{os.getuid()}"
    corpus, scratch = folder / "corpus", folder / "scratch"
    corpus.mkdir(parents=True, exist_ok=True)
    scratch.mkdir(exist_ok=True)
    for number, reader in enumerate(READERS):
        (corpus / f"good-{number}").write_bytes(bytes([number]) + reader.good())

    def read(content: bytes) -> None:
        reader = READERS[content[0] % len(READERS) if content else 0]
        try:
            reader.read_bytes(content[1:], scratch)
        except InputError:
            pass
        except Exception:
            print(f"Reader: {reader.name}", file=sys.stderr)
            raise

    limits = [f"-max_total_time={options.seconds}", f"-max_len={LONGEST}", "-timeout=10"]
    limits += [f"-rss_limit_mb={MEGABYTES}", f"-seed={options.seed}", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *limits, str(corpus)], read)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
