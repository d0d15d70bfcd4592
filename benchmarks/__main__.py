"""Time the vote beside other ways to hold it, and write the results to RESULTS.md.

python -m benchmarks                   # everything
python -m benchmarks speed --repeats 5 # the peers only
python -m benchmarks memory            # 1×, 3× and 10× the questions, and 100 members
python -m benchmarks ray               # the same plan as Ray tasks
python -m benchmarks json              # evaluate and build-map against parsing the JSON
python -m benchmarks load              # 1,000 members, 10 million questions, huge and many answers
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

from benchmarks.annotations import write_annotations
from benchmarks.generate import Corpus, generate
from benchmarks.load import load
from benchmarks.measure import Program, interleave, ratio, vote_program

LEADERBOARD = 447_793
MEMBERS = 10
CROWDKIT_QUESTIONS = 20_000
PACKAGES = ("vqa-ensemble", "pyarrow", "numpy", "duckdb", "polars", "pandas", "crowd-kit", "ray")
RESULTS = Path(__file__).with_name("RESULTS.md")


def corpus(folder: Path, questions: int, members: int = MEMBERS) -> Corpus:
    """Generated predictions, kept in ``folder`` for the next run."""
    name = f"questions-{questions}-members-{members}"
    return generate(folder / name, questions=questions, members=members)


def peer_program(module: str, name: str, data: Corpus, output: Path) -> Program:
    """A program of benchmarks/peers."""
    files = [str(path) for path in data.predictions]
    arguments = ["-m", f"benchmarks.peers.{module}", str(output), str(data.answer_map), *files]
    return Program(name, arguments)


def differences(ours: Path, theirs: Path) -> int:
    """Questions to which two submissions give different answers, or only one an answer."""
    first, second = (
        {row["question_id"]: row["answer"] for row in json.loads(path.read_bytes())}
        for path in (ours, theirs)
    )
    return sum(first.get(q) != second.get(q) for q in first.keys() | second.keys())


def speed(folder: Path, scratch: Path, repeats: int) -> list[str]:
    """The table of peers at leaderboard scale."""
    data = corpus(folder, LEADERBOARD)
    ours = vote_program("**vqa-ensemble vote**", data, scratch / "ours.json")
    peers = [
        peer_program("duckdb_sql", "DuckDB, one SQL statement", data, scratch / "duckdb.json"),
        peer_program("polars_streaming", "Polars, streaming", data, scratch / "polars.json"),
        peer_program("pandas_groupby", "pandas, group-by", data, scratch / "pandas.json"),
        peer_program("python_loops", "the slide's loops, Python", data, scratch / "loops.json"),
    ]
    floor = peer_program("decode_only", "pyarrow decodes all columns (the floor)", data, Path("-"))
    core = peer_program("read_and_vote", "read and vote, nothing written", data, Path("-"))
    again = peer_program("interleaved", "", data, Path("-"))
    again.run()
    interleave([floor, core, ours, *peers], repeats)
    size = sum(path.stat().st_size for path in data.predictions) / 1e6
    lines = [
        "## Speed",
        "",
        f"{data.questions:,} questions × {MEMBERS} members × top-5 = {data.rows:,} rows, "
        f"{size:.0f} MB of parquet; {repeats} interleaved rounds after one to warm up, medians. "
        "Whole processes, from start to the written submission; ratios are medians over rounds.",
        "",
        "| program | seconds | CPU s | peak MB | × ours | answers that differ |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for program in (ours, *peers):
        differ = ""
        if program is not ours:
            output = Path(program.arguments[2])
            differ = f"{differences(scratch / 'ours.json', output):,}"
        lines.append(
            f"| {program.name} | {median(program.wall):.2f} | {median(program.cpu):.2f} | "
            f"{median(program.memory):,.0f} | {ratio(program.wall, ours.wall):.1f} | {differ} |"
        )
    lines += [
        "",
        "Inside the process, imports left out. Fresh: in a process of its own, which has to get "
        "its memory from the system first. Again: in turn in one process that has it, median of "
        f"{len(again.inner) // 2 - 1} rounds.",
        "",
        "| step | fresh | × floor | again | × floor |",
        "|---|---:|---:|---:|---:|",
        *(
            f"| {step.name} | {median(step.inner):.3f} | {ratio(step.inner, floor.inner):.2f} | "
            f"{median(seconds):.3f} | {ratio(seconds, again.inner[2::2]):.2f} |"
            for step, seconds in ((floor, again.inner[2::2]), (core, again.inner[3::2]))
        ),
        "",
    ]
    return lines + crowdkit(folder, scratch)


def crowdkit(folder: Path, scratch: Path) -> list[str]:
    """Plain majority, at a size that crowd-kit's dense table can hold."""
    data = corpus(folder, CROWDKIT_QUESTIONS)
    output = scratch / "majority.json"
    ours = vote_program("ours", data, output, "--method", "majority")
    theirs = peer_program("crowdkit_majority", "crowd-kit", data, scratch / "crowdkit.json")
    interleave([ours, theirs], 1)
    from vqa_ensemble.elections.options import VoteOptions
    from vqa_ensemble.elections.vote import vote_files

    summary = vote_files(data.predictions, VoteOptions(method="majority"))
    tied = sum(summary.answer_ties.values())
    return [
        f"crowd-kit's majority vote (no types) over {data.questions:,} questions: "
        f"{theirs.wall[0]:.2f} s and {theirs.memory[0]:,.0f} MB, ours {ours.wall[0]:.2f} s and "
        f"{ours.memory[0]:,.0f} MB; {differences(output, scratch / 'crowdkit.json'):,} answers "
        f"differ, among the {tied:,} questions with tied votes, which it breaks its own way.",
        "",
    ]


def memory(folder: Path, scratch: Path, repeats: int) -> list[str]:
    """Peak memory and time as the number of questions and of members grows."""
    shapes = [(LEADERBOARD, MEMBERS), (3 * LEADERBOARD, MEMBERS), (10 * LEADERBOARD, MEMBERS)]
    shapes.append((50_000, 100))
    lines = [
        "## Memory",
        "",
        "| questions | members | rows | seconds | CPU s | CPU s per million rows | peak MB "
        "| × the first |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    base = 0.0
    for questions, members in shapes:
        data = corpus(folder, questions, members)
        program = vote_program("", data, scratch / "ours.json")
        interleave([program], max(1, repeats // 2))
        wall, cpu, peak = map(median, (program.wall, program.cpu, program.memory))
        base = base or peak
        lines.append(
            f"| {questions:,} | {members} | {data.rows:,} | {wall:.2f} | {cpu:.2f} | "
            f"{cpu / data.rows * 1e6:.3f} | {peak:,.0f} | {peak / base:.2f} |"
        )
    return [*lines, ""]


def cluster(folder: Path, scratch: Path, repeats: int) -> list[str]:
    """The same vote as Ray tasks on this machine: equality and overhead."""
    data = corpus(folder, LEADERBOARD)
    local = vote_program("local", data, scratch / "ours.json")
    on_ray = vote_program("ray", data, scratch / "ray.json", "--engine", "ray")
    interleave([local, on_ray], max(1, repeats // 2))
    same = (scratch / "ours.json").read_bytes() == (scratch / "ray.json").read_bytes()
    return [
        "## Ray",
        "",
        f"`--engine ray` on this machine, starting its own cluster: {median(on_ray.wall):.1f} s "
        f"against {median(local.wall):.1f} s, {'the same' if same else 'DIFFERENT'} bytes.",
        "",
    ]


def annotations(folder: Path, scratch: Path, repeats: int) -> list[str]:
    """Evaluate and build-map at VQA v2's size, beside parsing the same JSON."""
    data = corpus(folder, LEADERBOARD)
    human = str(write_annotations(folder / f"annotations-{LEADERBOARD}.json", LEADERBOARD))
    submission = str(scratch / "submission.json")
    vote_program("", data, Path(submission)).run()
    parse = (
        "import gc, sys, orjson; gc.disable()\n"
        "for path in sys.argv[1:]: orjson.loads(open(path, 'rb').read())"
    )
    ours = ["-m", "vqa_ensemble"]
    table = str(scratch / "map.csv")
    steps = [
        Program("parse", ["-c", parse, human]),
        Program("build-map", [*ours, "build-map", human, "-o", table, "--quiet"]),
        Program("parse both", ["-c", parse, human, submission]),
        Program("evaluate", [*ours, "evaluate", submission, "--annotations", human, "--json"]),
    ]
    interleave(steps, repeats)
    lines = [
        "## Annotations",
        "",
        f"{LEADERBOARD:,} questions with ten human answers each, "
        f"{Path(human).stat().st_size / 1e6:.0f} MB of JSON. Whole commands in turn with a process "
        "that only parses the same files with orjson, garbage collection off, and ends; medians of "
        f"{repeats} rounds, ratios of processor time (user and system) within a round.",
        "",
        "| command | CPU s | parsing, CPU s | × parsing | peak MB | parsing, peak MB |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for floor, step in (steps[:2], steps[2:]):
        lines.append(
            f"| {step.name} | {median(step.cpu):.2f} | {median(floor.cpu):.2f} | "
            f"{ratio(step.cpu, floor.cpu):.2f} | "
            f"{median(step.memory):,.0f} | {median(floor.memory):,.0f} |"
        )
    return [*lines, ""]


SECTIONS: dict[str, Callable[[Path, Path, int], list[str]]] = {
    "speed": speed,
    "memory": memory,
    "ray": cluster,
    "json": annotations,
    "load": load,
}


def header() -> list[str]:
    """Machine, versions, date."""
    versions = []
    for package in PACKAGES:
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return [
        "# Benchmark results",
        "",
        f"Written by `python -m benchmarks` on {datetime.now(UTC):%Y-%m-%d}. "
        f"{len(os.sched_getaffinity(0))} cores ({platform.machine()}), {gigabytes:.0f} GB memory, "
        f"{platform.system()}, Python {platform.python_version()}; {', '.join(versions)}.",
        "",
    ]


def main() -> None:
    """Run the sections asked for and write them into the results file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("sections", nargs="*", help=f"of {', '.join(SECTIONS)}; all if none")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(tempfile.gettempdir()) / "vqa-ensemble-bench",
        help="where generated predictions are kept (up to 4 GB)",
    )
    arguments = parser.parse_args()
    stands = stored_sections()
    with tempfile.TemporaryDirectory() as scratch:
        for name in arguments.sections or SECTIONS:
            busy, cores = os.getloadavg()[0], len(os.sched_getaffinity(0))
            section = SECTIONS[name](arguments.folder, Path(scratch), arguments.repeats)
            section.append(f"The load average was {busy:.1f} on {cores} cores when this began.")
            print("\n".join(section), flush=True)
            stands[section[0]] = "\n".join(section[1:]).rstrip()
    body = "".join(f"{title}\n{text}\n\n" for title, text in stands.items())
    RESULTS.write_text("\n".join(header()) + "\n" + body.rstrip() + "\n", encoding="utf-8")


def stored_sections() -> dict[str, str]:
    """Heading → text of the results that stand; a run replaces those of its sections."""
    text = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else ""
    parts = re.split(r"^(## .*)\n", text, flags=re.MULTILINE)
    return {parts[i]: parts[i + 1].rstrip() for i in range(1, len(parts), 2)}


if __name__ == "__main__":
    main()
