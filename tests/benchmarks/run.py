"""Label tables with moslabels and with what one would write instead, side by side.

    .venv/bin/pip install -e '.[bench]'
    .venv/bin/python tests/benchmarks/run.py [--cases '344 MiB,CSV'] [--growth] [--parts] [--runs 5] [--folder FOLDER]

Prints tables in Markdown: seconds of the wall and of the processors, and peak memory, of whole processes that take
turns, as medians; and how long moslabels takes beside each contender. A first turn warms the caches and is not
counted. Each contender stands there plain, and with what moslabels leaves besides the table: synced bytes, and the
sha256 of what was read and written, hashed by the same library.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from contenders import NAMES, SCRIPTS_OF_PARTS, command
from tables import CASES, GROWTH, PARTS_CASES, PARTS_GROWTH, Case, write_features, write_labels

_PROBE = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
sys.stderr.buffer.write(done.stderr)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss)
sys.exit(done.returncode)
"""


@dataclass(frozen=True)
class Measured:
    """Seconds of the wall, seconds of all processors, and peak memory in GB of a process."""

    seconds: float
    cpu_seconds: float
    peak: float


def measured(arguments: Sequence[str]) -> Measured:
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", _PROBE, *arguments], capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"{arguments}\nfailed:\n{done.stderr}")
    cpu_seconds, kilobytes = done.stdout.split()
    return Measured(seconds, float(cpu_seconds), int(kilobytes) / 1e6)


def medians(runs: Sequence[Measured]) -> Measured:
    return Measured(
        statistics.median(run.seconds for run in runs),
        statistics.median(run.cpu_seconds for run in runs),
        statistics.median(run.peak for run in runs),
    )


def side_by_side(folder: Path, case: Case, names: Sequence[str], runs: int) -> tuple[int, dict[str, Measured]]:
    """Return the bytes of the features, and the medians of each contender."""
    suffix = f".{case.kind}" if case.parts == 1 else ""
    features, out = (folder / f"{name}{suffix}" for name in ("features", "out"))
    labels, audit = folder / "labels.csv", folder / "audit.json"
    write_features(features, case)
    write_labels(labels, case)
    found: dict[str, list[Measured]] = {name: [] for name in names}
    for turn in range(runs + 1):
        for name in names:
            remove(out)
            one = measured(command(name, features, labels, out, audit, case.kind))
            if turn:
                found[name].append(one)
    size = sum(path.stat().st_size for path in (features, *features.rglob("*.parquet")) if path.is_file())
    for path in (features, labels, out, audit):
        remove(path)
    return size, {name: medians(of_name) for name, of_name in found.items()}


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def machine() -> str:
    """Return the versions, and what of the machine decides: processors, and whether they hash by instructions."""
    packages = ("moslabels", "duckdb", "pyarrow", "polars", "pandas")
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in packages)
    try:
        flags = set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
        hashes = "with" if flags & {"sha_ni", "sha2"} else "without"
    except OSError:
        hashes = "unknown whether with"
    start = time.perf_counter()
    hashlib.sha256(bytes(1 << 26)).digest()
    rate = (1 << 26) / (time.perf_counter() - start) / 1e9
    return (
        f"{versions}, Python {platform.python_version()}, {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} processors {hashes} instructions for SHA ({rate:.1f} GB/s)"
    )


def print_contenders(folder: Path, cases: Mapping[str, Case], names: Sequence[str], runs: int) -> None:
    print("| table | contender | seconds | CPU seconds | peak GB | moslabels takes |")
    print("|---|---|---|---|---|---|")
    for title, case in cases.items():
        size, found = side_by_side(folder, case, names, runs)
        ours = found.get("moslabels")
        for name, one in found.items():
            times = f"{ours.seconds / one.seconds:.2f} x" if ours and one is not ours else ""
            print(
                f"| {title} ({size / 2**20:,.0f} MiB) | {name} | {one.seconds:.2f} | {one.cpu_seconds:.2f} "
                f"| {one.peak:.2f} | {times} |",
                flush=True,
            )


def print_growth(folder: Path, cases: Mapping[str, Case], runs: int) -> None:
    print("| features | seconds | seconds a GiB | CPU seconds | peak GB |")
    print("|---|---|---|---|---|")
    for title, case in cases.items():
        size, found = side_by_side(folder, case, ["moslabels"], runs)
        one = found["moslabels"]
        rate = one.seconds / size * 2**30
        print(
            f"| {title} ({size / 2**20:,.0f} MiB) | {one.seconds:.2f} | {rate:.2f} | {one.cpu_seconds:.2f} "
            f"| {one.peak:.2f} |",
            flush=True,
        )


def listed(text: str, known: Mapping[str, object] | Sequence[str]) -> list[str]:
    """Return the names of a list that a user wrote. Names hold commas, so the known ones say where each ends."""
    left, found = text, []
    while left:
        name = next((name for name in sorted(known, key=len, reverse=True) if left.startswith(name)), None)
        if name is None or left[len(name) :][:1] not in ("", ","):
            raise SystemExit(f"no such name: {left}; known are: {'; '.join(known)}")
        found.append(name)
        left = left[len(name) + 1 :].lstrip()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", default=",".join(CASES), help=f"of: {'; '.join(CASES)}")
    parser.add_argument("--contenders", default=",".join(NAMES), help=f"of: {'; '.join(NAMES)}")
    parser.add_argument("--growth", action="store_true", help="moslabels alone, on tables each twice as large")
    parser.add_argument("--parts", action="store_true", help="tables of many parts, beside the contenders for these")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--folder", help="where the tables are made; default: a temporary folder")
    arguments = parser.parse_args()
    print(f"{machine()}\n")
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        if arguments.growth:
            print_growth(Path(folder), PARTS_GROWTH if arguments.parts else GROWTH, arguments.runs)
        elif arguments.parts:
            print_contenders(Path(folder), PARTS_CASES, ["moslabels", *SCRIPTS_OF_PARTS], arguments.runs)
        else:
            cases = {name: CASES[name] for name in listed(arguments.cases, CASES)}
            print_contenders(Path(folder), cases, listed(arguments.contenders, NAMES), arguments.runs)


if __name__ == "__main__":
    main()
