"""Label large Parquet tables with moslabels and with what one would write instead, side by side.

    .venv/bin/pip install -e '.[bench]'
    .venv/bin/python tests/benchmarks/run.py [--sizes 0.1,0.4,1.5] [--runs 3] [--folder FOLDER]

Prints a table: whole-process seconds and peak memory, medians of several runs that take turns, and the ratio to
moslabels.
Every contender leaves the same behind: the labelled table on the disk (synced) and the sha256 of input and output.
*limit* copies the file, syncs it and hashes it: nothing that leaves evidence can be quicker by much.
"""

from __future__ import annotations

import argparse
import os
import random
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

CLIPS = 150_000
COLUMNS = 60
ROW_BYTES = COLUMNS * 4
GROUP_ROWS = 120_000

POLARS = """
import sys, polars as pl
features, labels, out = sys.argv[1:]
scores = pl.scan_csv(labels).with_columns(
    mos_raw_0_100=100 * (pl.col("mos") - 1) / 4, mos_label_status=pl.lit("ok"), mos_label_source=pl.lit(labels))
joined = pl.scan_parquet(features).join(scores, on="key", how="left", maintain_order="left").with_columns(
    pl.col("mos_label_status").fill_null("missing-label"), pl.col("mos_label_source").fill_null(""))
joined.sink_parquet(out)
"""

DUCKDB = """
import sys, duckdb
features, labels, out = sys.argv[1:]
duckdb.execute(f'''
COPY (SELECT f.*, l.mos, 100 * (l.mos - 1) / 4 AS mos_raw_0_100,
    CASE WHEN l.mos IS NULL THEN 'missing-label' ELSE 'ok' END AS mos_label_status,
    CASE WHEN l.mos IS NULL THEN '' ELSE '{labels}' END AS mos_label_source
  FROM read_parquet('{features}', file_row_number = true) AS f
  LEFT JOIN read_csv('{labels}') AS l USING (key) ORDER BY f.file_row_number) TO '{out}' (FORMAT parquet)''')
"""

PANDAS = """
import sys, pandas as pd
features, labels, out = sys.argv[1:]
scores = pd.read_csv(labels)
scores["mos_raw_0_100"] = 100 * (scores["mos"] - 1) / 4
scores["mos_label_status"] = "ok"
scores["mos_label_source"] = labels
joined = pd.read_parquet(features).merge(scores, on="key", how="left", validate="many_to_one")
joined["mos_label_status"] = joined["mos_label_status"].fillna("missing-label")
joined["mos_label_source"] = joined["mos_label_source"].fillna("")
joined.to_parquet(out, index=False)
"""


def commands(features: Path, labels: Path, out: Path, audit: Path) -> dict[str, str]:
    """What each contender runs, as a shell line."""
    python = shlex.quote(sys.executable)
    paths = " ".join(shlex.quote(str(path)) for path in (features, labels, out))
    evidence = f"sync {shlex.quote(str(out))} && sha256sum {shlex.quote(str(features))} {shlex.quote(str(out))}"
    label = f"--features {features} --labels {labels} --out {out} --audit-json {audit}"
    return {
        "moslabels": f"exec {python} -m moslabels materialize {label}",
        "limit": f"cp {features} {out} && sync {out} && sha256sum {out}",
        "polars": f"{python} -c {shlex.quote(POLARS)} {paths} && {evidence}",
        "DuckDB": f"{python} -c {shlex.quote(DUCKDB)} {paths} && {evidence}",
        "pandas": f"{python} -c {shlex.quote(PANDAS)} {paths} && {evidence}",
    }


def write_features(path: Path, gigabytes: float, clips: int) -> int:
    """A table of about so many gigabytes of incompressible floats: many frames of each clip. Returns its rows."""
    rows = clips if gigabytes == 0 else int(gigabytes * 1e9 / ROW_BYTES)
    schema = pa.schema([("key", pa.string()), *((f"f{index:02}", pa.float32()) for index in range(COLUMNS))])
    with pq.ParquetWriter(path, schema, compression="none", use_dictionary=["key"]) as writer:
        for start in range(0, rows, GROUP_ROWS):
            count = min(GROUP_ROWS, rows - start)
            keys = pa.array([f"clip_{(start + row) * clips // rows:06}.mp4" for row in range(count)])
            floats = pa.array(memoryview(os.urandom(2 * count)).cast("H"), pa.uint16())
            noise = [
                pa.compute.add(floats.cast(pa.float32()), pa.scalar(index / 7, pa.float32()))
                for index in range(COLUMNS)
            ]
            writer.write_table(pa.table([keys, *noise], schema=schema))
    return rows


def write_labels(path: Path, clips: int) -> None:
    chance = random.Random(1)
    order = list(range(clips))
    chance.shuffle(order)
    with path.open("w") as stream:
        stream.write("key,mos\n")
        stream.writelines(f"clip_{clip:06}.mp4,{round(chance.uniform(1, 5), 3)}\n" for clip in order if clip % 50)


def measured(command: str) -> tuple[float, float]:
    """Seconds and peak gigabytes (of the largest process) of a shell line."""
    probe = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run(['sh', '-c', sys.argv[1]], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)\n"
        "sys.stderr.buffer.write(done.stderr)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
        "sys.exit(done.returncode)"
    )
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", probe, command], capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"{command}\nfailed:\n{done.stderr}")
    return seconds, int(done.stdout) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="0,0.1,0.4,1.5", help="gigabytes; 0 stands for one row a clip")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", default="moslabels,limit,polars,DuckDB,pandas")
    parser.add_argument("--folder", help="where the tables are made; default: a temporary folder")
    arguments = parser.parse_args()
    print("| table | contender | seconds | x moslabels | peak GB |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        features, labels, out, audit = (Path(folder) / name for name in ("f.parquet", "l.csv", "o.parquet", "a.json"))
        write_labels(labels, CLIPS)
        for size in map(float, arguments.sizes.split(",")):
            rows = write_features(features, size, CLIPS)
            lines = {k: v for k, v in commands(features, labels, out, audit).items() if k in arguments.only.split(",")}
            results: dict[str, list[tuple[float, float]]] = {name: [] for name in lines}
            for turn in range(arguments.runs + 1):
                for name, line in lines.items():
                    out.unlink(missing_ok=True)
                    found = measured(line)
                    if turn:  # The first turn warms the caches.
                        results[name].append(found)
            title = f"{features.stat().st_size / 1e9:.2f} GB, {rows:,} rows"
            base = statistics.median(seconds for seconds, _ in results["moslabels"])
            for name, runs in results.items():
                seconds, peak = (statistics.median(column) for column in zip(*runs, strict=True))
                print(f"| {title} | {name} | {seconds:.2f} | {seconds / base:.2f} | {peak:.2f} |", flush=True)


if __name__ == "__main__":
    main()
