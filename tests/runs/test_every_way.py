"""A table is labelled alike as one file, as parts, in memory, by a labeller and in batches: as plain Python would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moslabels import MosLabelsError, join, labeller, materialize

COLUMNS = ("mos", "mos_label_status", "split")
COUNTS = (
    "input_rows",
    "matched_rows",
    "rows_without_key",
    "total_feature_keys",
    "matched_feature_keys",
    "labels_loaded",
)

keys = st.sampled_from(
    ["a", "A", " a\t", "\u00e1", "a\u0301", "ss", "\u00df", "\u212a", "k", "7", "07", "7.0", "", "\u00a0", None]
)
kinds = st.sampled_from([pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())])
scores = st.sampled_from([1.0, 1.0, 1.0, 1.25, 5.0, None])
rows_of_parts = st.lists(st.lists(keys, max_size=6), min_size=1, max_size=4)
rows_of_labels = st.lists(st.tuples(keys, scores, st.sampled_from(["x", "x", "y", None])), max_size=6)


def key_of(value: str | None, case: str) -> str | None:
    text = (value or "").strip()
    return (text.casefold() if case == "fold" else text) or None


def expected(parts: list[list[str | None]], labels: list[Any], case: str, tolerance: float, least: float) -> Any:
    """The label columns and the counts, or the codes of what is wrong."""
    first: dict[str, tuple[float, str | None]] = {}
    wrong = set()
    for value, mos, split in labels:
        key = key_of(value, case)
        if key is None:
            continue
        if mos is None:
            wrong.add("missing-score")
            continue
        known = first.setdefault(key, (mos, split))
        if abs(known[0] - mos) > tolerance or (split is not None and known[1] is not None and split != known[1]):
            wrong.add("conflict")
    if not first:
        wrong.add("no-labels")
    found = [key_of(value, case) for part in parts for value in part]
    clips = {key for key in found if key is not None}
    met = clips & {*first}
    with_key = sum(key is not None for key in found)
    if not found or min(len(met) / max(len(clips), 1), with_key / len(found)) < least:
        wrong.add("match-rate")
    if wrong - ({"match-rate"} if not least else set()):
        return wrong
    of_rows = [first.get(key or "") for key in found]
    rows = [(label[0], "ok", label[1]) if label else (None, "missing-label", None) for label in of_rows]
    matched = sum(label is not None for label in of_rows)
    return rows, (len(found), matched, len(found) - with_key, len(clips), len(met), len(first))


def rows_of(table: pa.Table) -> list[tuple[Any, ...]]:
    """The label columns of each row. An extra without any value has no column."""
    return [tuple(row.get(name) for name in COLUMNS) for row in table.to_pylist()]


def told(call: Callable[[], tuple[pa.Table, Any]]) -> Any:
    try:
        table, audit = call()
    except MosLabelsError as error:
        return error.code
    return rows_of(table), tuple(audit[name] for name in COUNTS)


def parts_of(folder: Path) -> pa.Table:
    return pa.concat_tables([pq.read_table(path) for path in sorted(folder.iterdir())])


@pytest.mark.sampled
@settings(max_examples=10, deadline=None)
@given(
    rows_of_parts,
    rows_of_labels,
    kinds,
    st.sampled_from(["exact", "fold"]),
    st.sampled_from([0, 0.25]),
    st.sampled_from([0, 0.5]),
)
def test_every_way_labels_alike(
    parts: list[list[str | None]], labels: list[Any], kind: pa.DataType, case: str, tolerance: float, least: float
) -> None:
    options: dict[str, Any] = {"key_case": case, "mos_tolerance": tolerance, "min_match_rate": least}
    tables = [pa.table({"key": pa.array(part, kind)}) for part in parts]
    whole = pa.concat_tables(tables, promote_options="none")
    names = pa.schema({"key": pa.string(), "mos": pa.float64(), "split": pa.string()})
    of_labels = pa.Table.from_pylist([dict(zip(names.names, row, strict=True)) for row in labels], names)
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "parts").mkdir()
        for number, table in enumerate(tables):
            pq.write_table(table, folder / "parts" / f"{number}.parquet")
        pq.write_table(whole, folder / "one.parquet")
        pq.write_table(of_labels, folder / "labels.parquet")

        def materialized(features: str, out: str) -> tuple[pa.Table, Any]:
            audit = materialize(folder / features, folder / "labels.parquet", folder / out, workers=1, **options)
            return parts_of(folder / out) if (folder / out).is_dir() else pq.read_table(folder / out), audit

        def prepared(of_batches: bool) -> tuple[pa.Table, Any]:
            with labeller(of_labels, **options) as ready:
                if not of_batches:
                    joined = ready.join(whole)
                    return joined.table, joined.audit
                found = ready.batches(whole.to_reader(max_chunksize=2))
                return pa.Table.from_batches(found, found.schema), found.audit

        def in_memory(features: Any) -> tuple[pa.Table, Any]:
            joined = join(features, of_labels, **options)
            return joined.table, joined.audit

        ways = {
            "one file": lambda: materialized("one.parquet", "labelled.parquet"),
            "parts": lambda: materialized("parts", "labelled"),
            "in memory": lambda: in_memory(whole),
            "parts in memory": lambda: in_memory(folder / "parts"),
            "by a labeller": lambda: prepared(of_batches=False),
            "in batches": lambda: prepared(of_batches=True),
        }
        wanted = expected(parts, labels, case, tolerance, least)
        for way, call in ways.items():
            found = told(call)
            assert found in wanted if isinstance(wanted, set) else found == wanted, way
