"""What one would write instead of moslabels, as scripts: plain, and with the evidence that moslabels leaves."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

POLARS = """
import sys, polars as pl
features, labels, out, kind = sys.argv[1:]
scan = {"parquet": pl.scan_parquet, "csv": pl.scan_csv, "jsonl": pl.scan_ndjson}[kind]
scores = pl.scan_csv(labels).with_columns(
    mos_raw_0_100=100 * (pl.col("mos") - 1) / 4, mos_label_status=pl.lit("ok"), mos_label_source=pl.lit(labels))
joined = scan(features).join(scores, on="key", how="left", maintain_order="left").with_columns(
    pl.col("mos_label_status").fill_null("missing-label"), pl.col("mos_label_source").fill_null(""))
{"parquet": joined.sink_parquet, "csv": joined.sink_csv, "jsonl": joined.sink_ndjson}[kind](out)
"""

POLARS_PARTS = """
import os, sys, polars as pl
features, labels, out, kind = sys.argv[1:]
scores = pl.scan_csv(labels).with_columns(
    mos_raw_0_100=100 * (pl.col("mos") - 1) / 4, mos_label_status=pl.lit("ok"), mos_label_source=pl.lit(labels))
parts = pl.PartitionBy(
    out, key="part", include_key=False, approximate_bytes_per_file=None,
    file_path_provider=lambda file: os.path.relpath(file.partition_keys.item(), features))
pl.scan_parquet(features + "/**/*.parquet", include_file_paths="part").join(
    scores, on="key", how="left", maintain_order="left").with_columns(
    pl.col("mos_label_status").fill_null("missing-label"), pl.col("mos_label_source").fill_null("")
    ).sink_parquet(parts, mkdir=True)
"""
"""Features of many parts. The parts of the output have the paths of those of the features."""

DUCKDB = """
import sys, duckdb
features, labels, out, kind = sys.argv[1:]
read = {"parquet": "read_parquet", "csv": "read_csv", "jsonl": "read_json"}[kind]
written = {"parquet": "parquet", "csv": "csv", "jsonl": "json"}[kind]
duckdb.execute(f'''
COPY (SELECT f.*, l.mos, 100 * (l.mos - 1) / 4 AS mos_raw_0_100,
    CASE WHEN l.mos IS NULL THEN 'missing-label' ELSE 'ok' END AS mos_label_status,
    CASE WHEN l.mos IS NULL THEN '' ELSE '{labels}' END AS mos_label_source
  FROM (SELECT *, row_number() OVER () AS row FROM {read}('{features}')) AS f
  LEFT JOIN read_csv('{labels}') AS l USING (key) ORDER BY f.row) TO '{out}' (FORMAT {written})''')
"""

PANDAS = """
import sys, pandas as pd
features, labels, out, kind = sys.argv[1:]
scores = pd.read_csv(labels)
scores["mos_raw_0_100"] = 100 * (scores["mos"] - 1) / 4
scores["mos_label_status"] = "ok"
scores["mos_label_source"] = labels
if kind == "jsonl":
    table = pd.read_json(features, lines=True)
else:
    table = {"parquet": pd.read_parquet, "csv": pd.read_csv}[kind](features)
joined = table.merge(scores, on="key", how="left", validate="many_to_one")
joined["mos_label_status"] = joined["mos_label_status"].fillna("missing-label")
joined["mos_label_source"] = joined["mos_label_source"].fillna("")
if kind == "parquet":
    joined.to_parquet(out, index=False)
elif kind == "csv":
    joined.to_csv(out, index=False)
else:
    joined.to_json(out, orient="records", lines=True)
"""

COPY = """
import shutil, sys
features, labels, out, kind = sys.argv[1:]
shutil.copyfile(features, out)
"""

EVIDENCE = """
import hashlib, os
with open(out, "rb") as stream:
    os.fsync(stream.fileno())
for path in (features, labels, out):
    with open(path, "rb") as stream:
        print(hashlib.file_digest(stream, "sha256").hexdigest())
"""
"""Sync the table and hash what was read and written, by the library that moslabels hashes by."""

EVIDENCE_OF_PARTS = """
import glob, hashlib, os
written = glob.glob(out + "/**/*.parquet", recursive=True)
for path in written:
    with open(path, "rb") as stream:
        os.fsync(stream.fileno())
for path in (*glob.glob(features + "/**/*.parquet", recursive=True), labels, *written):
    with open(path, "rb") as stream:
        print(hashlib.file_digest(stream, "sha256").hexdigest())
"""

SCRIPTS: Mapping[str, str] = {
    "polars": POLARS,
    "polars, synced and hashed": POLARS + EVIDENCE,
    "DuckDB": DUCKDB,
    "DuckDB, synced and hashed": DUCKDB + EVIDENCE,
    "pandas": PANDAS,
    "pandas, synced and hashed": PANDAS + EVIDENCE,
    "copied, synced and hashed": COPY + EVIDENCE,
}
SCRIPTS_OF_PARTS: Mapping[str, str] = {
    "polars": POLARS_PARTS,
    "polars, synced and hashed": POLARS_PARTS + EVIDENCE_OF_PARTS,
}
NAMES = ("moslabels", *SCRIPTS)


def command(name: str, features: Path, labels: Path, out: Path, audit: Path, kind: str) -> list[str]:
    """Return what a contender runs. Features of many parts are a folder."""
    if name == "moslabels":
        files = ["--features", features, "--labels", labels, "--out", out, "--audit-json", audit]
        return [sys.executable, "-m", "moslabels", "materialize", *map(str, files), "--quiet"]
    scripts = SCRIPTS_OF_PARTS if features.is_dir() else SCRIPTS
    return [sys.executable, "-c", scripts[name], *map(str, (features, labels, out)), kind]
