"""Tables of many parts: small ones with traps, what they must become, and how to label them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from helpers.tables import read_table, write_table
from moslabels.base.progress import SILENT, Progress
from moslabels.base.settings import Settings
from moslabels.evidence.run import Run
from moslabels.parts.engines import EngineOfRun
from moslabels.runs.part_table import label_parts
from moslabels.spec.entry import table_spec

SCORES = {("A b", "1"): 1.5, ("A b", "2"): 2.0, ("C", "1"): 3.25, ("C", "2"): 4.5}
"""The scores by corpus and clip. In both corpora a clip is named 1, and another 2."""
PARTS: Mapping[str, list[str]] = {
    "corpus=A%20b/p[3].parquet": ["1", "1", "2", "none"],
    "corpus=C/q*.pq": ["2", "2", "2"],
    "corpus=C/x/empty.parquet": [],
    "corpus=C/x/zz.parquet": ["1", "2", "none", "1", "1"],
}
"""The clips of the rows of each part."""
OPTIONS = {
    "partitions": ["corpus"],
    "feature_key_column": ["corpus", "clip"],
    "label_key_column": ["corpus", "clip"],
    "match_rate_by": "corpus",
    "min_match_rate": 0.5,
}


def write_parts(folder: Path, *, hides: bool = False) -> Path:
    """Write features and labels. With ``hides`` a part has columns that hide those by which DuckDB tells rows."""
    row = 0
    for name, clips in PARTS.items():
        columns: dict[str, Any] = {"clip": pa.array(clips, pa.string())}
        columns["feature"] = pa.array([row + number for number in range(len(clips))], pa.float32())
        if hides and name.endswith("zz.parquet"):
            columns |= {"FILE_INDEX": [7] * len(clips), "file_row_number": [0] * len(clips)}
        row += len(clips)
        path = folder / "features" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(columns), path, row_group_size=2)
    for left_out in ("_delta_log/0.parquet", ".hidden.parquet", "corpus=C/_tmp.parquet"):
        write_table(folder / "features" / left_out, [{"clip": "x"}])
    (folder / "features" / "notes.txt").write_text("not a table")
    write_labels(folder, SCORES)
    return folder


def write_labels(folder: Path, scores: Mapping[tuple[str, str], float]) -> None:
    rows = [{"corpus": corpus, "clip": clip, "mos": score} for (corpus, clip), score in scores.items()]
    write_table(folder / "labels.csv", rows)


def label(
    folder: Path,
    features: Any = None,
    out: str = "out",
    *,
    most_parts: int = 64,
    workers: int | None = None,
    engine: EngineOfRun | None = None,
    progress: Progress = SILENT,
    dry_run: bool = False,
    labels: str = "labels.csv",
    **options: Any,
) -> dict[str, Any]:
    """Label the parts in a folder, with the options of the table with traps if none are given."""
    spec = table_spec(
        features if features is not None else folder / "features",
        [folder / labels],
        folder / out,
        folder / f"{out}.json",
        folder / f"{out}.unmatched.csv",
        options or OPTIONS,
    )
    (folder / "tmp").mkdir(exist_ok=True)
    run = Run(settings=Settings(workers=workers, temp_dir=folder / "tmp"), is_dry=dry_run, progress=progress)
    return label_parts(spec, run, engine, most_parts)


def files(folder: Path) -> dict[str, bytes]:
    """Return the bytes of all files below a folder, by their paths in it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def expected_rows(part: str) -> list[tuple[str, float | None, str]]:
    """Return clip, score and status of the rows of a part."""
    corpus = {"corpus=A%20b": "A b", "corpus=C": "C"}[part.partition("/")[0]]
    scores = [(clip, SCORES.get((corpus, clip))) for clip in PARTS[part]]
    return [(clip, score, "ok" if score else "missing-label") for clip, score in scores]


def found_rows(path: Path) -> list[tuple[str, float | None, str]]:
    return [(row["clip"], row["mos"], row["mos_label_status"]) for row in read_table(path)]


def sums(folder: Path) -> str:
    """Return what ``sha256sum`` prints of all files below a folder, sorted and hashed."""
    lines = sorted(f"{hashlib.sha256(data).hexdigest()}  {name}\n".encode() for name, data in files(folder).items())
    return hashlib.sha256(b"".join(lines)).hexdigest()
