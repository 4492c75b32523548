"""Time calls on tables in memory, side by side with pandas and polars.

    .venv/bin/pip install -e '.[bench]'
    .venv/bin/python tests/benchmarks/calls.py [--calls 100] [--rounds 5]

Prints tables in Markdown: the least and the median milliseconds of a call, and how many calls a second threads make.
The contenders take turns, each with some calls, in one process. The first call of each warms it up and is not counted.
pandas and polars join, and check only that no key of the labels is there twice; moslabels judges, counts and returns an
audit.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import duckdb
import pandas
import polars
import pyarrow as pa

import moslabels

KEYS: dict[str, Any] = {"feature_key_column": "clip", "label_key_column": "clip"}
SIZES = ((1, 1_000), (1_000, 1_000), (1, 150_000), (1_000, 150_000))
"""Rows of features and labels."""
AT_ONCE = 40
THREADS = (1, 2, 8)


def tables(rows: int, labels: int) -> tuple[pa.Table, pa.Table]:
    """Return features and labels: each feature row has a label of its own."""
    clips = [f"clip_{number:06}.mp4" for number in range(labels)]
    scores = [1 + number % 400 / 100 for number in range(labels)]
    features = pa.table({"clip": clips[:rows], "f": [float(number) for number in range(rows)]})
    return features, pa.table({"clip": clips, "mos": scores})


@contextmanager
def contenders(features: pa.Table, labels: pa.Table) -> Iterator[Mapping[str, Callable[[], Any]]]:
    """Yield the calls by their names."""
    of_pandas, of_polars = (
        (features.to_pandas(), labels.to_pandas()),
        (polars.from_arrow(features), polars.from_arrow(labels)),
    )
    with moslabels.labeller(labels, **KEYS) as prepared:
        yield {
            "join()": lambda: moslabels.join(features, labels, **KEYS),
            "Labeller.join()": lambda: prepared.join(features),
            "pandas": lambda: of_pandas[0].merge(of_pandas[1], on="clip", how="left", validate="many_to_one"),
            "polars": lambda: of_polars[0].join(
                of_polars[1], on="clip", how="left", validate="m:1", maintain_order="left"
            ),
        }


def timed(calls: Mapping[str, Callable[[], Any]], rounds: int, each: int) -> dict[str, list[float]]:
    """Return the milliseconds of each call, by contender."""
    found: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(rounds):
        for name, call in calls.items():
            for _ in range(each):
                start = time.perf_counter()
                call()
                found[name].append((time.perf_counter() - start) * 1e3)
    return found


def seconds_of(call: Callable[[], Any], calls: int, threads: int) -> float:
    """Return how long so many calls by so many threads take."""
    start = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(call) for _ in range(calls)]:
            done.result()
    return time.perf_counter() - start


def printed(rows: Sequence[Sequence[str]]) -> None:
    """Print a table in Markdown. The first row has the names of the columns."""
    for number, row in enumerate(rows):
        print("| " + " | ".join(row) + " |")
        if not number:
            print("|---" * len(row) + "|")
    print()


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Times calls on tables in memory, side by side with pandas and polars."
    )
    parser.add_argument("--calls", type=int, default=100, help="calls of each contender (100)")
    parser.add_argument("--rounds", type=int, default=5, help="turns that these are made in (5)")
    given = parser.parse_args()
    versions = {module.__name__: module.__version__ for module in (moslabels, duckdb, pa, pandas, polars)}
    print(f"{versions}, Python {platform.python_version()}\n")
    results: list[list[str]] = []
    for rows, labels in SIZES:
        with contenders(*tables(rows, labels)) as calls:
            found = timed(calls, given.rounds, max(1, given.calls // given.rounds))
        if not results:
            results.append(["rows", "labels", *(f"{name}: least, median ms" for name in found)])
        shown = [f"{min(times):.1f}, {statistics.median(times):.1f}" for times in found.values()]
        results.append([f"{rows:,}", f"{labels:,}", *shown])
    printed(results)
    features, labels_of_all = tables(1_000, 1_000)

    def join() -> Any:
        return moslabels.join(features, labels_of_all, **KEYS)

    at_once = [seconds_of(join, AT_ONCE, AT_ONCE) for _ in range(given.rounds)]
    per_second = [AT_ONCE / min(seconds_of(join, AT_ONCE, threads) for _ in range(3)) for threads in THREADS]
    printed(
        [
            [
                f"{AT_ONCE} join() at once: least, median s",
                *(f"{threads} threads: join() a second" for threads in THREADS),
            ],
            [f"{min(at_once):.2f}, {statistics.median(at_once):.2f}", *(f"{speed:.0f}" for speed in per_second)],
        ]
    )


if __name__ == "__main__":
    main()
