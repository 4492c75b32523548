"""Write small tables, and read tables back, in every format."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Rows = list[dict[str, Any]]


def write_table(path: Path, content: Any) -> Path:
    """Write rows (dicts), an Arrow table, text or bytes in the format of the suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, str):
        path.write_bytes(content.encode("utf-8"))
    elif path.suffix in (".parquet", ".pq"):
        pq.write_table(content if isinstance(content, pa.Table) else pa.Table.from_pylist(content), path)
    elif path.suffix in (".jsonl", ".ndjson"):
        path.write_text("".join(json.dumps(row) + "\n" for row in content), encoding="utf-8")
    elif path.suffix == ".json":
        path.write_text(json.dumps({"rows": content}), encoding="utf-8")
    else:
        with path.open("w", encoding="utf-8", newline="") as stream:
            delimiter = "\t" if path.suffix == ".tsv" else ","
            writer = csv.DictWriter(stream, list(content[0]), delimiter=delimiter, lineterminator="\n")
            writer.writeheader()
            writer.writerows(content)
    return path


def read_table(path: Path) -> Rows:
    """Read any format back as dicts; CSV cells as text."""
    if path.suffix in (".parquet", ".pq"):
        return pq.ParquetFile(path).read().to_pylist()
    if path.suffix in (".jsonl", ".ndjson"):
        return [json.loads(line) for line in path.read_bytes().splitlines()]
    if path.suffix == ".json":
        return json.loads(path.read_text(encoding="utf-8"))["rows"]
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t" if path.suffix == ".tsv" else ","))
