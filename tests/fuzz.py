"""Read broken files until the time is up: ``python tests/fuzz.py --seconds 60``.

A reader must take a file or refuse it with an InputError. Anything else, a crash and a reader
that takes more than ten seconds included, ends the run with the file kept.
"""

from __future__ import annotations

import argparse
import faulthandler
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from broken_archives import ALL_READERS
from broken_files import break_file

from vqa_ensemble.errors import InputError

SLOW_SECONDS = 10.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--reader", help="this one only")
    options = parser.parse_args()
    faulthandler.enable()
    readers = [r for r in ALL_READERS if options.reader in (None, r.name)]
    generator, counts = random.Random(options.seed), Counter[str]()
    failures = 0
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() - began < options.seconds:
            reader = generator.choice(readers)
            content = break_file(reader, generator)
            started = time.monotonic()
            faulthandler.dump_traceback_later(SLOW_SECONDS, exit=True)
            try:
                reader.read_bytes(content, Path(folder))
                counts[f"{reader.name}: taken"] += 1
            except InputError:
                counts[f"{reader.name}: refused"] += 1
            except Exception as error:
                failures += 1
                kept = Path(f"fuzz-{failures}{reader.ending}")
                kept.write_bytes(content)
                print(f"{reader.name}: {type(error).__name__}: {str(error)[:200]} ({kept})")
                if failures >= 10:
                    print("Too many failures; stopped early.")
                    break
            faulthandler.cancel_dump_traceback_later()
            if time.monotonic() - started > SLOW_SECONDS / 2:
                print(f"{reader.name}: slow, {time.monotonic() - started:.1f} s")
    for name, count in sorted(counts.items()):
        print(f"{name}: {count:,}")
    print(f"{sum(counts.values()) + failures:,} files, {failures} failures")
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
