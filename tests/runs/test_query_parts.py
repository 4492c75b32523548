"""The view ``table_parts`` of ``moslabels sql``: the parts of tables, and what their audits do not say of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from helpers.made import copied, working_in
from helpers.many import OPTIONS, PARTS, write_parts
from helpers.mutants import mutants
from helpers.tables import write_table
from moslabels import join, run_batch
from moslabels.evidence.audit import json_text
from moslabels.runs.views import Views

KEYS: dict[str, Any] = {name: OPTIONS[name] for name in ("feature_key_column", "label_key_column", "partitions")}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The audits and the report of a table of many parts and of one of one file."""
    with working_in(tmp_path_factory.mktemp("made")) as made:
        write_parts(made)
        write_table(made / "one.csv", [{"corpus": "C", "clip": "1"}])
        tables = [
            {"id": "many", "features": "features", "out": "out", "audit_json": "many.json", **OPTIONS},
            {"id": "one", "features": "one.csv", "out": "one_mos.csv", "audit_json": "one.json", **KEYS},
        ]
        del tables[1]["partitions"]
        (made / "m.json").write_text(json.dumps({"tables": [{**table, "labels": ["labels.csv"]} for table in tables]}))
        assert run_batch("m.json", report_json="report.json")["status"] == "ok"
    return made


@pytest.fixture
def here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return copied(made, tmp_path, monkeypatch)


def ask(query: str, *patterns: str) -> list[tuple[Any, ...]]:
    with Views(patterns) as evidence:
        answer = evidence.ask(query)
    assert answer is not None
    return [tuple(row.values()) for row in answer.values.to_pylist()]


def test_each_part_is_a_row_of_its_audit(here: Path) -> None:
    parts = json.loads(Path("many.json").read_text())["parts"]
    rows = ask("SELECT * EXCLUDE (modified, feature_table) FROM table_parts", "*.json")
    assert rows == [
        (
            "many.json",
            "out",
            number,
            part["path"],
            *(part[name] for name in ("rows", "rows_without_key", "matched_rows")),
            part["matched_rows"] / part["rows"] if part["rows"] else None,
            *(part[name] for name in ("features_sha256", "sha256", "bytes")),
            None,
        )
        for number, part in enumerate(parts, start=1)
    ]
    assert [row[3] for row in rows] == sorted(PARTS)
    (sums,) = ask("SELECT sum(rows), sum(matched_rows), sum(bytes) FROM table_parts", "*.json")
    assert [sums] == ask("SELECT input_rows, matched_rows, output_bytes FROM audits WHERE output = 'out'", "*.json")


def test_parts_of_a_join_have_no_output_and_no_fault(here: Path) -> None:
    joined = join("features/corpus=C", "labels.csv", min_match_rate=0.5, **KEYS)
    Path("join.json").write_text(json_text(dict(joined.audit)))
    rows = ask("SELECT part, matched_rows, output, sha256, bytes, fault FROM table_parts", "join.json")
    assert [row[:2] for row in rows] == [("q*.pq", 3), ("x/empty.parquet", 0), ("x/zz.parquet", 4)]
    assert {row[2:] for row in rows} == {(None, None, None, None)}


NO_LIST = [(None, None, "its parts are missing or not a list")]
ALL = "path, rows, rows_without_key, matched_rows, features_sha256, sha256, bytes"
DAMAGED: dict[str, tuple[Callable[[dict[str, Any]], Any], list[tuple[Any, ...]]]] = {
    "no parts": (lambda audit: audit.pop("parts"), NO_LIST),
    "null": (lambda audit: audit.update(parts=None), NO_LIST),
    "an object": (lambda audit: audit.update(parts={"0": audit["parts"][0]}), NO_LIST),
    "an empty list": (lambda audit: audit.update(parts=[]), NO_LIST),
    "no objects": (
        lambda audit: audit.update(parts=["x", None, [1]]),
        [(number, None, "not an object") for number in (1, 2, 3)],
    ),
    "an empty object": (lambda audit: audit.update(parts=[{}]), [(1, None, f"without {ALL}")]),
    "texts for numbers": (
        lambda audit: audit.update(parts=[{**audit["parts"][1], "rows": "many", "bytes": 10**30}]),
        [(1, "corpus=C/q*.pq", "without rows, bytes")],
    ),
    "one part without a path": (
        lambda audit: audit.update(parts=[audit["parts"][1], {**audit["parts"][2], "path": None}]),
        [(1, "corpus=C/q*.pq", None), (2, None, "without path")],
    ),
    "from before there were parts": (lambda audit: [audit.pop(name) for name in ("parts", "features")], []),
}


@pytest.mark.parametrize("case", list(DAMAGED))
def test_what_an_audit_does_not_say_of_its_parts_is_told(here: Path, case: str) -> None:
    change, rows = DAMAGED[case]
    audit = json.loads(Path("many.json").read_text())
    change(audit)
    Path("many.json").write_text(json.dumps(audit))
    assert ask("SELECT position, part, fault FROM table_parts", "*.json") == rows
    assert ask("SELECT count(*) FROM audits", "*.json") == [(2,)]


def test_no_mutant_of_an_audit_of_many_parts_breaks_a_view(here: Path) -> None:
    audit = json.loads(Path("many.json").read_text())
    for index, (*_, mutant) in enumerate(mutants(audit)):
        if "schema" in mutant and mutant["schema"] == audit["schema"]:
            Path(f"mutant.{index}.json").write_text(json.dumps(mutant))
    counts = ask("SELECT path, count(*), count(fault) FROM table_parts GROUP BY ALL", "mutant.*.json")
    assert len(counts) == len(list(here.glob("mutant.*.json"))), "each mutant has a row"
    assert len(counts) > 300
    assert {count for _, count, faults in counts if not faults} == {4, 3}, "all four, or those that one mutant leaves"
    assert sum(1 for _, _, faults in counts if faults) > 10
