"""Label columns have a page index if the features have one, and it says where their pages are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers.tables import write_table
from moslabels import materialize
from moslabels.parquet import fields
from moslabels.parquet.footer import Footer, read_footer
from moslabels.parquet.pages import pages
from moslabels.parquet.thrift import STRUCT, Field, integer, items, read_struct

datafusion = pytest.importorskip("datafusion")

CLIPS, FRAMES = 3000, 40
KEYS = [f"clip_{clip:05}" for clip in range(CLIPS) for _ in range(FRAMES)]
MANY = pa.table({"key": KEYS, "x": [float(row) for row in range(len(KEYS))]})
LABEL_COLUMNS = ["mos", "mos_raw_0_100", "mos_label_status", "mos_label_source", "note"]


def labelled(folder: Path, features: pa.Table, **options: Any) -> Path:
    """Label features that pyarrow wrote with these options; a fifth of the clips has no label."""
    pq.write_table(features, folder / "f.parquet", **options)
    rows = [
        # Long texts make several pages.
        {"key": f"clip_{clip:05}", "mos": 1 + 4 * clip / CLIPS, "note": f"{clip}" * 80}
        for clip in range(CLIPS)
        if clip % 5
    ]
    write_table(folder / "l.jsonl", rows)
    materialize(
        folder / "f.parquet", [folder / "l.jsonl"], folder / "o.parquet", min_match_rate=0, overwrite=True,
        extras=["note"],
    )  # fmt: skip
    return folder / "o.parquet"


def indexes(path: Path) -> dict[str, set[tuple[bool, bool]]]:
    """Return whether the chunks of each column have an index of their values and of their places, as pyarrow says."""
    metadata = pq.read_metadata(path)
    found: dict[str, set[tuple[bool, bool]]] = {}
    for group in range(metadata.num_row_groups):
        for leaf in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(leaf)
            if chunk.num_values:
                kinds = (chunk.has_column_index, chunk.has_offset_index)
                found.setdefault(chunk.path_in_schema, set()).add(kinds)
    return found


def numbers(data: bytes, place: int) -> dict[int, int]:
    return {name: integer(data, field) for name, field in read_struct(data, place)[0].items()}


def check_places(path: Path) -> int:
    """Compare the index of places of each column with the pages that are there. Return the most pages of a column."""
    most = 0
    with path.open("rb") as stream:
        footer = read_footer(stream)
        for group in footer.groups:
            for chunk in group.chunks:
                fields_of, _ = read_struct(footer.data, chunk.start)
                if fields.OFFSET_INDEX not in fields_of:
                    continue
                data = block(stream, footer, fields_of, fields.OFFSET_INDEX)
                index, _ = read_struct(data, 0)
                told = [numbers(data, start) for start, _ in items(data, index[1], STRUCT)]
                there = list(pages(stream, chunk))[-len(told) :]  # Before them may be a dictionary.
                most = max(most, len(told))
                rows = 0
                for page, found in zip(told, there, strict=True):
                    stream.seek(page[1])
                    header, end = read_struct(stream.read(1 << 16), 0)
                    assert page[3] == rows
                    assert integer(header_data(stream, page[1]), header[3]) + end == page[2]
                    assert integer(header_data(stream, page[1]), header[2]) == found.uncompressed
                    rows += found.values
                assert told[-1][1] + told[-1][2] == chunk.first_page + chunk.compressed, "the last page ends the chunk"
                assert rows == group.rows
    return most


def header_data(stream: Any, place: int) -> bytes:
    stream.seek(place)
    data: bytes = stream.read(1 << 16)
    return data


def block(stream: Any, footer: Footer, found: dict[int, Field], name: int) -> bytes:
    stream.seek(integer(footer.data, found[name]))
    data: bytes = stream.read(integer(footer.data, found[name + 1]))
    assert read_struct(data, 0)[1] == len(data), "it is one struct, and ends where it says"
    return data


INDEXED: dict[str, tuple[pa.Table, dict[str, Any], int]] = {
    "many pages": (MANY, {"data_page_size": 1 << 12}, 2),
    "row groups": (MANY, {"row_group_size": 50_000}, 1),
    "few rows": (MANY.slice(0, 3), {}, 1),
    "many small row groups": (MANY.slice(0, 400), {"row_group_size": 7}, 1),
    "no label at all": (pa.table({"key": ["none", "nobody"]}), {}, 1),
    "label columns that are replaced": (MANY.slice(0, 900).append_column("mos", pa.array([7] * 900)), {}, 1),
}


@pytest.mark.parametrize("kind", list(INDEXED))
def test_label_columns_have_a_page_index_if_the_features_have_one(tmp_path: Path, kind: str) -> None:
    features, options, least = INDEXED[kind]
    out = labelled(tmp_path, features, write_page_index=True, **options)
    found = indexes(out)
    assert set(LABEL_COLUMNS) <= {*found}
    assert all(places for kinds in found.values() for _, places in kinds), "each column has one"
    assert {name: kinds for name, kinds in found.items() if name == "key"} == {"key": {(True, True)}}
    assert found["mos_label_status"] == {(True, True)}
    assert check_places(out) >= least
    whole = pq.read_table(out)
    assert whole["key"].to_pylist() == features["key"].to_pylist()


@pytest.mark.parametrize("rows", [0, 1, 900])
def test_without_one_there_is_none(tmp_path: Path, rows: int) -> None:
    out = labelled(tmp_path, MANY.slice(0, rows))
    assert set().union(*indexes(out).values()) <= {(False, False)}
    assert pq.read_metadata(out).num_rows == rows


def test_an_empty_first_row_group(tmp_path: Path) -> None:
    out = labelled(tmp_path, MANY.slice(0, 0), write_page_index=True)
    assert indexes(out) == {}
    with pq.ParquetWriter(tmp_path / "g.parquet", MANY.schema, write_page_index=True) as writer:
        for part in (MANY.slice(0, 0), MANY.slice(0, 90)):
            writer.write_table(part)
    materialize(tmp_path / "g.parquet", [tmp_path / "l.jsonl"], tmp_path / "p.parquet", min_match_rate=0)
    assert indexes(tmp_path / "p.parquet")["mos"] == {(True, True)}
    check_places(tmp_path / "p.parquet")


QUESTIONS: list[tuple[str, Callable[[float | None, str], bool]]] = [
    ("mos > 4.9", lambda mos, _: mos is not None and mos > 4.9),
    ("mos < 1.01", lambda mos, _: mos is not None and mos < 1.01),
    ("mos IS NULL", lambda mos, _: mos is None),
    ("mos_label_status = 'ok' AND mos > 3 AND mos < 3.01", lambda mos, _: mos is not None and 3 < mos < 3.01),
    ("note LIKE '2999%'", lambda _, note: note.startswith("2999")),
]


def test_readers_that_skip_pages_by_it_find_the_same_rows(tmp_path: Path) -> None:
    out = labelled(tmp_path, MANY, write_page_index=True, data_page_size=1 << 12, row_group_size=60_000)
    rows = pq.read_table(out, columns=["x", "mos", "note"]).to_pylist()
    settings = datafusion.SessionConfig({"datafusion.execution.parquet.pushdown_filters": "true"})
    context = datafusion.SessionContext(settings)
    context.register_parquet("labelled", str(out))
    for where, holds in QUESTIONS:
        answer = context.sql(f"SELECT x FROM labelled WHERE {where} ORDER BY x").to_pydict()["x"]
        expected = [row["x"] for row in rows if holds(row["mos"], row["note"] or "")]
        assert answer == expected, where
        assert answer
