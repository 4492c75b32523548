"""SQL over audits and reports: the views, what a query cannot reach, how results are printed and saved."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from helpers.made import working_in
from helpers.mutants import mutants
from helpers.paths import ROOT
from helpers.tables import write_table
from moslabels import materialize, run_batch
from moslabels.base.errors import StatementError, TableError, UsageError
from moslabels.cli import main
from moslabels.command.results import STYLES, result_text
from moslabels.engine import connection, locked
from moslabels.engine.statements import sql_folder
from moslabels.runs.views import VIEWS, Views, views

RECIPES = ROOT / "examples" / "sql"
OF_AUDITS = sorted(path for path in RECIPES.glob("*.sql") if "moslabels sql" in path.read_text(encoding="utf-8"))
V1_AUDIT: dict[str, Any] = {
    "feature_table": "old.csv",
    "output": "old_mos.csv",
    "feature_key_column": "key",
    "label_key_column": "id",
    "label_mos_column": "mos",
    "key_normalize": "auto",
    "feature_key_regex": "",
    "label_key_regex": "",
    "min_match_rate": 0.95,
    "input_rows": 4,
    "output_rows": 4,
    "total_feature_keys": 2,
    "matched_feature_keys": 2,
    "matched_rows": 4,
    "missing_rows": 0,
    "labels_loaded": 3,
    "label_sources": ["old_a.csv", "old_b.csv"],
    "match_rate": 1.0,
    "run_provenance": {
        "schema": "ai-run-provenance-v1",
        "inputs": {
            "manifest": None,
            "features": {"path": "old.csv", "exists": True, "kind": "file", "sha256": "f0"},
            "labels": [
                {"path": "old_a.csv", "exists": True, "kind": "file", "sha256": "a0"},
                {"path": "old_b.csv", "exists": True, "kind": "file", "sha256": "b0"},
            ],
        },
        "outputs": {"out": "old_mos.csv", "audit_json": None, "report_json": None, "report_md": None},
    },
}
V1_REPORT: dict[str, Any] = {
    "status": "ok",
    "manifest": "m.json",
    "summary": {"tables": 1, "failed_tables": 0, "input_rows": 4},
    "tables": [{"id": "t", "features": "old.csv", "labels": ["old_a.csv"], "out": "o", "config": {}, "status": "ok"}],
}


def ask(patterns: str | list[str], query: str) -> list[dict[str, Any]]:
    with Views([patterns] if isinstance(patterns, str) else patterns) as evidence:
        answer = evidence.ask(query)
    assert answer is not None
    return answer.values.to_pylist()


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of three tables (the second finds more labels, one table fails, another conflicts) and an old audit."""
    folder = tmp_path_factory.mktemp("runs")
    with working_in(folder):
        write_table(folder / "one.jsonl", [{"key": key} for key in ("a", "b", "c", "a")])
        write_table(folder / "two.jsonl", [{"key": "d.mp4"}, {"key": "e.mp4"}])
        for day, keys in (("2026-05-01", "az"), ("2026-05-02", "abyz")):
            write_table(folder / "labels.csv", [{"key": key, "mos": 2} for key in keys])
            write_table(folder / "more.csv", [{"key": "a", "mos": 2}, {"key": "z", "mos": 2}])
            write_table(folder / "other.csv", [{"key": "a", "mos": 5}])
            tables = [
                {"id": "one", "features": "one.jsonl", "labels": ["labels.csv", "more.csv"], "min_match_rate": 0.1},
                {"id": "two", "features": "two.jsonl", "labels": ["labels.csv"]},
                {"id": "clash", "features": "one.jsonl", "labels": ["labels.csv", "other.csv"]},
            ]
            for table in tables:
                table["out"] = f"{day}/{table['id']}.jsonl"
                table["audit_json"] = f"{day}/{table['id']}.audit.json"
            (folder / "manifest.json").write_text(json.dumps({"tables": tables}))
            run_batch("manifest.json", report_json=f"{day}/report.json")
        (folder / "old.audit.json").write_text(json.dumps(V1_AUDIT))
    return folder


@pytest.fixture
def here(runs: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(runs)
    return runs


ALL = "**/*.json"


@pytest.fixture(scope="module")
def evidence(runs: Path) -> Iterator[Views]:
    """The same for all tests that only look."""
    before = Path.cwd()
    os.chdir(runs)
    try:
        loaded = Views([ALL])
    finally:
        os.chdir(before)
    with loaded:
        yield loaded


def rows_of(evidence: Views, query: str) -> list[tuple[Any, ...]]:
    answer = evidence.ask(query)
    assert answer is not None
    return [tuple(row.values()) for row in answer.values.to_pylist()]


# The views


@pytest.mark.parametrize("name", ["documents", *VIEWS])
def test_a_view_documents_its_columns(evidence: Views, name: str) -> None:
    header = (sql_folder() / "evidence" / "views" / f"{name}.sql").read_text(encoding="utf-8").split("CREATE")[0]
    assert header.startswith(f"-- {name}: a row per ")
    documented = re.findall(r"^-- (\w+) +([A-Z]+(?:\[\])?)  +\S", header, re.MULTILINE)
    assert documented == [row[:2] for row in rows_of(evidence, f"DESCRIBE {name}")]


def test_the_files_are_the_views() -> None:
    assert {path.stem for path in (sql_folder() / "evidence" / "views").glob("*.sql")} == {"documents", *VIEWS}
    assert [view.name for view in views()] == list(VIEWS)


ROWS = [
    (
        "SELECT path, output, match_rate, matched_rows, labels_loaded, unused_label_keys, duplicate_labels FROM audits",
        [
            ("2026-05-01/one.audit.json", "2026-05-01/one.jsonl", 1 / 3, 2, 2, 1, 2),
            ("2026-05-02/one.audit.json", "2026-05-02/one.jsonl", 2 / 3, 3, 4, 2, 2),
            ("old.audit.json", "old_mos.csv", 1.0, 4, 3, None, None),
        ],
    ),
    (
        "SELECT schema, label_sources, warnings, mos_mean, diagnosis, moslabels_version, output_bytes FROM audits "
        "WHERE path = 'old.audit.json'",
        [(None, ["old_a.csv", "old_b.csv"], None, None, None, None, None)],
    ),
    (
        "SELECT path, status, manifest, tables, failed_tables, matched_rows FROM reports",
        [
            ("2026-05-01/report.json", "failed", "manifest.json", 3, 2, 2),
            ("2026-05-02/report.json", "failed", "manifest.json", 3, 2, 3),
        ],
    ),
    (
        "SELECT position, id, status, labels, match_rate, split_part(error, ' ', 1), config->>'$.min_match_rate' "
        "FROM report_tables WHERE path LIKE '2026-05-01%'",
        [
            (1, "one", "ok", ["labels.csv", "more.csv"], 1 / 3, None, "0.1"),
            (2, "two", "error", ["labels.csv"], None, "MOS", None),
            (3, "clash", "error", ["labels.csv", "other.csv"], None, "conflicting", None),
        ],
    ),
    (
        "SELECT output, position, label_file, key_column, mos_column, mos_scale, rows, length(sha256) "
        "FROM label_sources WHERE path NOT LIKE '2026-05-02%'",
        [
            ("2026-05-01/one.jsonl", 1, "labels.csv", "key", "mos", "1-5", 2, 64),
            ("2026-05-01/one.jsonl", 2, "more.csv", "key", "mos", "1-5", 2, 64),
            ("old_mos.csv", 1, "old_a.csv", "id", "mos", None, None, 2),
            ("old_mos.csv", 2, "old_b.csv", None, None, None, None, 2),
        ],
    ),
    (
        "SELECT table_id, feature_table, total, position, key, raw_value, file, row FROM unmatched_keys "
        "WHERE path LIKE '2026-05-01%'",
        [
            (None, "one.jsonl", 2, 1, "b", "b", "one.jsonl", 2),
            (None, "one.jsonl", 2, 2, "c", "c", "one.jsonl", 3),
            ("two", "two.jsonl", 2, 1, "d.mp4", "d.mp4", "two.jsonl", 1),
            ("two", "two.jsonl", 2, 2, "e.mp4", "e.mp4", "two.jsonl", 2),
        ],
    ),
    (
        "SELECT table_id, output, total, key, label_file, row FROM unused_labels WHERE path LIKE '2026-05-02%'",
        [
            (None, "2026-05-02/one.jsonl", 2, "y", "labels.csv", 3),
            (None, "2026-05-02/one.jsonl", 2, "z", "labels.csv", 4),
            ("two", "2026-05-02/two.jsonl", 4, "a", "labels.csv", 1),
            ("two", "2026-05-02/two.jsonl", 4, "b", "labels.csv", 2),
            ("two", "2026-05-02/two.jsonl", 4, "y", "labels.csv", 3),
            ("two", "2026-05-02/two.jsonl", 4, "z", "labels.csv", 4),
        ],
    ),
    (
        'SELECT direction, role, position, file, "exists", file_kind, sha256 FROM provenance_files '
        "WHERE path = 'old.audit.json'",
        [
            ("input", "features", 1, "old.csv", True, "file", "f0"),
            ("input", "labels", 1, "old_a.csv", True, "file", "a0"),
            ("input", "labels", 2, "old_b.csv", True, "file", "b0"),
            ("output", "out", 1, "old_mos.csv", None, None, None),
        ],
    ),
    (
        "SELECT kind, role, file, count(DISTINCT sha256) FROM provenance_files WHERE role IN ('entrypoint', 'out') "
        "AND path LIKE '2026-05-01%' GROUP BY ALL ORDER BY ALL",
        [
            ("audit", "entrypoint", "moslabels/cli.py", 1),
            ("audit", "out", "2026-05-01/one.jsonl", 1),
            ("report", "entrypoint", "moslabels/cli.py", 1),
        ],
    ),
]


@pytest.mark.parametrize(("query", "rows"), ROWS, ids=lambda value: value[:60] if isinstance(value, str) else "")
def test_the_rows_of_the_views(evidence: Views, query: str, rows: list[tuple[Any, ...]]) -> None:
    assert rows_of(evidence, query) == rows


def test_the_time_is_that_of_the_file(here: Path, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(V1_AUDIT))
    os.utime(tmp_path / "a.json", (86400.25, 86400.25))
    assert ask(str(tmp_path / "*"), "SELECT modified FROM audits") == [
        {"modified": datetime(1970, 1, 2, 0, 0, 0, 250000)}
    ]


def test_an_audit_without_diagnosis_has_the_keys_alone(tmp_path: Path) -> None:
    samples = {
        "unmatched_feature_keys": {"count": 30, "sample": ["k"]},
        "unused_label_keys": {"count": 1, "sample": ["l"]},
    }
    for name, sources in (("one", ["l.csv"]), ("two", ["l.csv", "m.csv"])):
        (tmp_path / f"{name}.json").write_text(json.dumps({**V1_AUDIT, **samples, "label_sources": sources}))
    query = "SELECT total, key, raw_value, row FROM unmatched_keys"
    assert [tuple(row.values()) for row in ask(str(tmp_path / "*"), query)] == [(30, "k", None, None)] * 2
    rows = ask(str(tmp_path / "*"), "SELECT key, label_file FROM unused_labels")
    assert [tuple(row.values()) for row in rows] == [("l", "l.csv"), ("l", None)]


SHAPES = [None, 1, "x", [], {}, [None], [[]], [{}], ["x"], {"x": 1}, [{"path": 1}], "a\x00b", "\ud800", 1e300, 10**30]


def test_whatever_shape_a_member_has_the_views_hold(tmp_path: Path) -> None:
    sections = ("unmatched_feature_keys", "unused_label_keys", "diagnosis", "run_provenance", "label_files", "warnings")
    for index, shape in enumerate(SHAPES):
        audit = dict.fromkeys((*V1_AUDIT, *sections, "extra"), shape)
        nested = {
            **V1_AUDIT,
            "unused_label_keys": {"count": shape, "sample": shape},
            "diagnosis": {"unused_label_keys": shape, "unmatched_feature_keys": {"sample": shape}},
            "run_provenance": {"inputs": {"labels": shape, "features": shape}, "outputs": shape, "versions": shape},
        }
        report = {
            **V1_REPORT,
            "tables": shape if isinstance(shape, list) else [shape, {"labels": shape, "status": "error"}],
        }
        for name, document in (("audit", audit), ("nested", nested), ("report", report)):
            (tmp_path / f"{index}.{name}.json").write_text(json.dumps(document))
    with Views([str(tmp_path / "*.json")]) as evidence:
        assert evidence.passed_over == []
        for name in VIEWS:
            answer = evidence.ask(f"FROM {name}")
            assert answer is not None
            for style in STYLES:
                result_text(answer, style)


def test_no_mutant_of_a_document_breaks_a_view(here: Path, tmp_path: Path) -> None:
    originals = [json.loads(path.read_text()) for path in sorted(here.rglob("*.json"))]
    kept = {document.get("schema"): document for document in originals if "run_provenance" in document}
    assert len(kept) > 1
    for kind, document in kept.items():
        for index, (_, _, mutant) in enumerate(mutants(document)):
            (tmp_path / f"{str(kind)[-8:]}.{index}.json").write_text(json.dumps(mutant))
    with Views([str(tmp_path / "*.json")]) as evidence:
        for name in VIEWS:
            answer = evidence.ask(f"FROM {name}")
            assert answer is not None
            assert result_text(answer, "jsonl") or name == "table_parts"  # It has no row of tables of one file.


def test_the_views_work_without_moslabels(here: Path, evidence: Views) -> None:
    connection = duckdb.connect()
    header = (sql_folder() / "evidence" / "views" / "documents.sql").read_text(encoding="utf-8")
    shell = re.search(r"^--     (CREATE TABLE files.*?;)$", header, re.MULTILINE | re.DOTALL)
    assert shell is not None
    connection.execute(shell[1].replace("\n--", "\n").replace("runs/**", "**"))
    for name in ("documents", *VIEWS):
        connection.execute((sql_folder() / "evidence" / "views" / f"{name}.sql").read_text(encoding="utf-8"))
        count = f"SELECT count(*) FROM {name}"
        assert connection.execute(count).fetchall() == rows_of(evidence, count)
    assert connection.execute("SELECT typeof(modified) FROM audits LIMIT 1").fetchone() == ("TIMESTAMP",)


# What is loaded


PASSED_OVER = {
    "manifest.json": '{"tables": [], "defaults": {}}',
    "other.json": '{"schema": "mine", "feature_table": 1, "output": 1, "matched_rows": 1, "match_rate": 1}',
    "list.json": "[]",
    "text.json": "hello",
    "half.json": json.dumps(V1_AUDIT)[:-9],
    "nan.json": json.dumps({**V1_AUDIT, "match_rate": float("nan")}),
    "deep.json": '{"a":' * 100_000,
    "empty.json": "",
    "rows.json": '{"rows": [{"key": "a"}]}',
    "latin.json": '{"schema": "\xe9"}',
}


@pytest.fixture
def mixed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, content in PASSED_OVER.items():
        (tmp_path / name).write_bytes(content.encode("latin-1"))
    (tmp_path / "bom.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(V1_AUDIT).encode())
    (tmp_path / "a[1].json").write_text(json.dumps({**V1_AUDIT, "new_member": {"x": [1]}}))
    (tmp_path / "a1.json").write_text(json.dumps(V1_REPORT))
    (tmp_path / ".hidden.json").write_text(json.dumps(V1_AUDIT))
    (tmp_path / "folder.json").mkdir()
    os.mkfifo(tmp_path / "pipe.json")
    return tmp_path


def test_a_glob_passes_over_what_is_neither(mixed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Views(["*.json"]) as evidence:
        assert (set(evidence.passed_over), evidence.loaded) == (set(PASSED_OVER), 3)
    assert main(["sql", "*.json", "-c", "SELECT path, kind FROM documents", "--format", "csv"]) == 0
    out, err = capsys.readouterr()
    assert out == "path,kind\r\na1.json,report\r\na[1].json,audit\r\nbom.json,audit\r\n"
    assert err.startswith('10 of 13 files skipped, neither audit nor report: "deep.json", ')


@pytest.mark.sampled
@pytest.mark.parametrize("name", PASSED_OVER)
def test_a_named_file_that_is_neither_is_an_error(mixed: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sql", "a1.json", name]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 2)
    assert re.search(rf"\n  {re.escape(name)}: is (not JSON: |neither an audit nor a report of moslabels)", err)


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("none.json", "none.json: there is no such file\n"),
        ("none*.json", "none*.json: there is no such file, nor a match\n"),
        ("folder.json", "folder.json: is a folder; write folder.json/**/*.json\n"),
        ("pipe.json", "pipe.json: is not a regular file; name a file\n"),
        ("", ": there is no such file\n"),
        ("[lt]*.json", 'no audit and no report among the 3 files that "[lt]*.json" matches\n'),
    ],
)
def test_a_pattern_without_evidence_is_an_error(
    mixed: Path, pattern: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sql", pattern]) == 2
    assert capsys.readouterr().err.endswith(says)


def test_a_file_is_one_row_and_its_name_no_pattern(mixed: Path) -> None:
    (mixed / "link.json").symlink_to("bom.json")
    rows = ask(["./a[1].json", "a[[]1].json", "*bom.json", "link.json"], "SELECT path FROM documents")
    assert [row["path"] for row in rows] == ["./a[1].json", "link.json"]


def test_a_path_that_is_no_utf8(tmp_path: Path) -> None:
    path = os.path.join(os.fsencode(tmp_path), b"\xff.json")
    with open(path, "w") as stream:
        json.dump({**V1_AUDIT, "output": "\udcff"}, stream)
    rows = ask(os.path.join(tmp_path, "*.json"), "SELECT right(path, 10) AS path, output FROM audits")
    assert rows == [{"path": "/\\xff.json", "output": "?"}]


# What a query cannot reach


SECRET = "a secret of this machine"
OUT_OF_REACH = [
    "FROM read_csv('{secret}')",
    "FROM read_text('{secret}')",
    "FROM read_blob('{secret}')",
    "FROM read_json('{secret}')",
    "FROM read_parquet('{secret}')",
    "FROM parquet_metadata('{secret}')",
    "FROM sniff_csv('{secret}')",
    "FROM glob('{folder}/*')",
    "FROM '{secret}'",
    "FROM '{folder}/*.csv'",
    "FROM 'https://example.org/x.parquet'",
    "FROM read_text('/proc/self/environ')",
    "FROM query('FROM read_text(''{secret}'')')",
    "FROM query_table('{secret}')",
    "FROM json_execute_serialized_sql(json_serialize_sql('FROM read_text(''{secret}'')'))",
    "CREATE TABLE t AS FROM read_text('{secret}'); FROM t",
    "CREATE MACRO m() AS TABLE FROM read_text('{secret}'); FROM m()",
    "PREPARE p AS FROM read_text('{secret}'); EXECUTE p",
    "SELECT getenv('HOME')",
    "COPY audits TO '{folder}/out.csv'",
    "COPY (SELECT 1) TO '/dev/stdout'",
    "PREPARE p AS COPY audits TO '{folder}/out.csv'; EXECUTE p",
    "EXPLAIN ANALYZE COPY audits TO '{folder}/out.csv'",
    "CREATE TABLE t (x VARCHAR); COPY t FROM '{secret}'; FROM t",
    "EXPORT DATABASE '{folder}/out'",
    "IMPORT DATABASE '{folder}'",
    "ATTACH '{folder}/out.db' AS other",
    "ATTACH ':memory:' AS other",
    "COPY FROM DATABASE memory TO other",
    "DETACH memory",
    "USE system",
    "INSTALL httpfs",
    "LOAD httpfs",
    "LOAD '{secret}'",
    "FORCE INSTALL httpfs FROM community",
    "UPDATE EXTENSIONS",
    "FROM duckdb_extensions()",
    "CREATE SECRET s (TYPE s3)",
    "CREATE PERSISTENT SECRET s (TYPE http)",
    "CREATE SECRET s IN local_file (TYPE http)",
    "SET threads = 1",
    "RESET threads",
    "SET GLOBAL enable_external_access = true",
    "SET lock_configuration = false",
    "SET disabled_filesystems = ''",
    "SET allowed_directories = ['/']",
    "SET home_directory = '{folder}'",
    "SET temp_directory = '{folder}'",
    "SET log_query_path = '{folder}/out.log'",
    "SET python_enable_replacements = true",
    "SET profiling_output = '{folder}/out.json'",
    "PRAGMA enable_profiling",
    "PRAGMA threads = 1",
    "CALL enable_logging(storage := 'file', storage_path := '{folder}/out')",
    "FROM enable_logging(storage := 'file', storage_path := '{folder}/out')",
    "CHECKPOINT",
    "VACUUM",
    "FROM stolen",
    "FROM os",
]


@pytest.mark.sampled
@pytest.mark.parametrize("query", OUT_OF_REACH)
def test_a_query_reaches_nothing(
    query: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for module in (connection, locked):  # DuckDB looks for names in the frames that call it.
        monkeypatch.setattr(module, "stolen", pa.table({"x": [SECRET]}), raising=False)
    (tmp_path / "a.json").write_text(json.dumps(V1_AUDIT))
    (tmp_path / "secret.csv").write_text(SECRET)
    before = sorted(tmp_path.rglob("*"))
    query = query.format(folder=tmp_path, secret=tmp_path / "secret.csv")
    assert main(["sql", str(tmp_path / "a.json"), "-c", query]) == 1
    out, err = capsys.readouterr()
    assert (out, SECRET in err, "Traceback" in err) == ("", False, False)
    assert re.match(r"moslabels: ([\w ]+ Error: |[A-Z ]+ is refused: |Can not enable file logging)", err)
    assert sorted(tmp_path.rglob("*")) == before


def test_the_settings_are_what_they_are_meant_to_be(evidence: Views) -> None:
    expected = {
        "enable_external_access": False,
        "lock_configuration": True,
        "python_enable_replacements": False,
        "autoload_known_extensions": False,
        "autoinstall_known_extensions": False,
        "allow_community_extensions": False,
        "allow_persistent_secrets": False,
        "allowed_paths": [],
        "allowed_directories": [],
        "temp_directory": "",
    }
    query = ", ".join(f"current_setting('{name}') AS {name}" for name in expected)
    assert rows_of(evidence, f"SELECT {query}") == [tuple(expected.values())]


def test_nothing_that_was_saved_stays_within_reach(here: Path, tmp_path: Path) -> None:
    with Views([ALL]) as evidence:
        evidence.save(str(tmp_path / "x.duckdb"))
        answer = evidence.ask("SELECT current_setting('allowed_paths') AS paths, count(*) AS n FROM duckdb_databases()")
    assert answer is not None
    assert answer.values.to_pylist()[0]["paths"] == []


# Queries


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("SELECT 1 AS x; SELECT 2 AS y", [{"y": 2}]),
        ("SELECT 3 AS x; CREATE TABLE t AS SELECT 1 AS z", [{"x": 3}]),
        ("CREATE TEMP VIEW v AS SELECT count(*) AS n FROM audits; FROM v", [{"n": 3}]),
        ("CREATE TABLE t (x INT); INSERT INTO t VALUES (1); UPDATE t SET x = 5; FROM t;", [{"x": 5}]),
        ("SET VARIABLE day = DATE '2026-05-01'; SELECT getvariable('day') AS day", [{"day": date(2026, 5, 1)}]),
        ("CREATE MACRO f(x) AS x + 1; SELECT f(1) AS two", [{"two": 2}]),
        ("SELECT 1 AS x; PIVOT (SELECT key_normalize FROM audits) ON key_normalize USING count(*)", [{"auto": 3}]),
        ("BEGIN; DROP VIEW audits; ROLLBACK; SELECT count(*) AS n FROM audits", [{"n": 3}]),
        ("PREPARE p AS SELECT $1 AS x; EXECUTE p(7)", [{"x": 7}]),
        ("SELECT count(*) AS n FROM documents", [{"n": 5}]),
    ],
)
def test_the_last_result_is_the_answer(here: Path, query: str, rows: list[dict[str, Any]]) -> None:
    assert ask(ALL, query) == rows


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("SELECT nope\nFROM audits", r'Binder Error: Referenced column "nope"(.|\n)*\n\nLINE 1: SELECT nope\n +\^'),
        ("SELECT 1;\nSELEC 2", r'Parser Error: syntax error at or near "SELEC"\n\nLINE 2: SELEC 2\n'),
        ("SELECT 1; SELECT nope FROM audits", r'Binder Error: Referenced column "nope"'),
        ("SELECT error('boom')", "Invalid Input Error: boom$"),
        ("SELECT $x", "(Values were not provided|Unexpected prepared parameter)"),
        ("-- nothing", "the query holds no statement"),
        ("FROM read_text('x')", r"\na query reads the views; files, network, extensions and settings are out"),
    ],
)
def test_an_error_is_that_of_duckdb(evidence: Views, query: str, says: str) -> None:
    with pytest.raises(StatementError, match=says) as caught:
        evidence.ask(query)
    assert not re.search(r"LINE.*LINE", str(caught.value), re.DOTALL)
    assert caught.value.sql == query


def test_without_a_query_the_views_are_listed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sql", ALL]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[2:]] == list(VIEWS)
    assert lines[2] == "audits               3  a row per audit, which is a row per labelled table"


def test_the_query_of_a_file(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "q.sql").write_text("-- é\nSELECT 1 AS one", encoding="utf-8")
    (tmp_path / "bad.sql").write_bytes(b"SELECT '\xff'")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"SELECT 2 AS two")))
    assert main(["sql", ALL, "-f", str(tmp_path / "q.sql"), "--format", "csv"]) == 0
    assert main(["sql", ALL, "-f", "-", "--format", "csv"]) == 0
    assert capsys.readouterr().out == "one\r\n1\r\ntwo\r\n2\r\n"
    assert main(["sql", ALL, "-f", str(tmp_path / "bad.sql")]) == 2
    assert main(["sql", ALL, "-f", str(tmp_path / "none.sql")]) == 2
    err = capsys.readouterr().err
    assert "bad.sql: the query is not UTF-8" in err
    assert "none.sql: No such file" in err


# Results as text


VALUES = """
SELECT * FROM (VALUES
    (1, 'a|b', 1.5, true, ['x', NULL], '{"k": [1]}'::JSON, INTERVAL '1 month 2 days 3.5 seconds'),
    (-2, E'two\\nlines \\x1b[31m', NULL, NULL, NULL, NULL, NULL),
    (3, '"q", 映', 'nan'::DOUBLE, false, [], '"t"'::JSON, INTERVAL '-1 second')
) AS t (number, words, rate, flag, list, json, time)
"""
PRINTED = {
    "table": r"""
number  words                      rate  flag   list         json        time
------  -------------------------  ----  -----  -----------  ----------  ----------
     1  a|b                         1.5  true   ["x", null]  {"k": [1]}  P1M2DT3.5S
    -2  two\u000alines \u001b[31m  NULL  NULL   NULL         NULL        NULL
     3  "q", 映                    NULL  false  []           "t"         PT-1S
""".lstrip(),
    "markdown": r"""
| number | words | rate | flag | list | json | time |
| ---: | --- | ---: | --- | --- | --- | --- |
| 1 | a\|b | 1.5 | true | \["x", null\] | {"k": \[1\]} | P1M2DT3.5S |
| -2 | two lines  \[31m |  |  |  |  |  |
| 3 | "q", 映 |  | false | \[\] | "t" | PT-1S |
""".lstrip(),
    "jsonl": """
{"number": 1, "words": "a|b", "rate": 1.5, "flag": true, "list": ["x", null], "json": {"k": [1]}, "time": "P1M2DT3.5S"}
{"number": -2, "words": "two\\nlines \\u001b[31m", "rate": null, "flag": null, "list": null, "json": null, "time": null}
{"number": 3, "words": "\\"q\\", 映", "rate": null, "flag": false, "list": [], "json": "t", "time": "PT-1S"}
""".lstrip(),
}


def printed(query: str, style: str, width: int | None = None) -> str:
    with locked.LockedEngine() as engine:
        answer = engine.ask(query)
    assert answer is not None
    return result_text(answer, style, width)


def test_the_command_knows_every_style(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [main(["sql", ALL, "--format", style]) for style in STYLES] == [0] * len(STYLES)
    assert main(["sql", ALL, "--format", "xml"]) == 2
    assert f'--format: must be one of {", ".join(STYLES)}, not "xml"' in capsys.readouterr().err


@pytest.mark.parametrize("style", PRINTED)
def test_a_result_in_each_style(style: str) -> None:
    assert printed(VALUES, style) == PRINTED[style]


def test_the_styles_for_programs_read_back() -> None:
    rows = [json.loads(line) for line in PRINTED["jsonl"].splitlines()]
    assert json.loads(printed(VALUES, "json")) == rows
    cells = list(csv.reader(io.StringIO(printed(VALUES, "csv"), newline="")))
    assert [row[1] for row in cells] == ["words", "a|b", "two\nlines \x1b[31m", '"q", 映']
    assert cells[2] == ["-2", "two\nlines \x1b[31m", "", "", "", "", ""]


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ("table", "x  y\n-  -\n"),
        ("csv", "x,y\r\n"),
        ("json", "[]\n"),
        ("jsonl", ""),
        ("markdown", "| x | y |\n| ---: | --- |\n"),
    ],
)
def test_no_rows(style: str, expected: str) -> None:
    assert printed("SELECT 1 AS x, 'a' AS y WHERE false", style) == expected


def test_a_terminal_is_not_left_and_a_file_has_it_all() -> None:
    query = "SELECT repeat('wide ', 40) AS wide, 7 AS number, repeat('映', 30) AS more"
    for width in (200, 80, 40, 33):
        lines = printed(query, "table", width).splitlines()
        assert all(len(line) + line.count("映") <= width for line in lines), width
        assert "…" in lines[2]
        assert "  7  " in lines[2]
    assert "…" not in printed(query, "table")


@pytest.mark.parametrize("style", ["json", "jsonl"])
def test_two_columns_of_one_name_are_no_json(style: str) -> None:
    with pytest.raises(UsageError, match='two columns are named "a".*AS'):
        printed("SELECT 1 AS a, 2 AS a", style)
    assert printed("SELECT 1 AS a, 2 AS a", "csv") == "a,a\r\n1,2\r\n"


@pytest.mark.sampled
@pytest.mark.parametrize("style", STYLES)
def test_every_type_of_the_views_and_more_has_a_text(style: str) -> None:
    query = """SELECT now() AS now, DATE '2026-01-02' AS day, TIME '10:00' AS hour,
        170141183460469231731687303715884105727 AS huge, 1.10::DECIMAL(5, 2) AS decimal, uuid() AS id,
        {'a': MAP {'k': 1}} AS nested, NULL AS nothing, sum(1) AS total, '{"a": NaN}'::JSON AS odd"""
    assert "1.10" in printed(query, style)
    assert "170141183460469231731687303715884105727" in printed(query, style)


# Saved


def tables(path: Path) -> dict[str, int]:
    with duckdb.connect(str(path), read_only=True) as connection:
        names = [row[0] for row in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        return {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchall()[0][0] for name in names}


def test_the_views_are_saved_as_tables(here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "new" / "runs'.duckdb"
    assert main(["sql", ALL, "--db", str(path), "-c", "SELECT 1"]) == 0
    assert f"{len(VIEWS)} tables saved in {path}\n" in capsys.readouterr().err
    assert set(tables(path)) == set(VIEWS)
    assert tables(path)["audits"] == 3
    assert os.listdir(path.parent) == [path.name]
    with duckdb.connect(str(path), read_only=True) as connection:
        types = dict(connection.execute("SELECT column_name, data_type FROM duckdb_columns()").fetchall())
    assert (types["config"], types["match_rate"], types["input_rows"]) == ("JSON", "DOUBLE", "BIGINT")


def test_a_database_keeps_its_other_tables(here: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE mine AS SELECT 1")
    for patterns, audits in (([ALL], 3), (["old.audit.json"], 1)):
        with Views(patterns) as evidence:
            evidence.save(str(path))
        assert set(tables(path)) == {"mine", *VIEWS}
        assert tables(path)["audits"] == audits


FOREIGN = {
    "a table": ("CREATE TABLE audits AS SELECT 2 AS mine", 'has the table "audits" already'),
    "a table in another case": ("CREATE TABLE Reports AS SELECT 2 AS mine", 'has the table "Reports" already'),
    "a view": ("CREATE VIEW unused_labels AS SELECT 2 AS mine", 'has the view "unused_labels" already'),
    "a table with a comment of its own": (
        "CREATE TABLE audits AS SELECT 2 AS mine; COMMENT ON TABLE audits IS 'mine'",
        'has the table "audits" already',
    ),
    "two": (
        "CREATE TABLE audits AS SELECT 2 AS mine; CREATE VIEW reports AS SELECT 2 AS mine",
        'has the table "audits", view "reports" already',
    ),
}


@pytest.mark.sampled
@pytest.mark.parametrize("name", list(FOREIGN))
def test_a_table_that_was_not_made_here_is_not_replaced(here: Path, tmp_path: Path, name: str) -> None:
    statements, message = FOREIGN[name]
    path = tmp_path / "mine.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(statements)
    before = path.read_bytes()
    with Views([ALL]) as evidence, pytest.raises(TableError, match=message) as raised:
        evidence.save(str(path))
    assert "rename or drop what is there, or write to another file" in str(raised.value)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["mine.duckdb"]


@pytest.mark.parametrize("content", [b"not a database", b"", b"SQLite format 3\0"])
def test_what_is_no_database_is_not_overwritten(
    here: Path, tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(content)
    assert main(["sql", ALL, "--db", str(path)]) == (1 if content else 0)
    if content:
        assert capsys.readouterr().err.endswith(f"{path}: is not a DuckDB file; write to another path\n")
        assert path.read_bytes() == content
    assert os.listdir(tmp_path) == ["x.db"]


def test_a_database_that_is_in_use_is_left_alone(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.duckdb"
    script = f"import duckdb; c = duckdb.connect({str(path)!r}); c.execute('CREATE TABLE t AS SELECT 1; CHECKPOINT'); "
    script += "print('open', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        assert main(["sql", ALL, "--db", str(path)]) == 1
        other.communicate(b"\n")
    assert "another program has it open" in capsys.readouterr().err
    (tmp_path / "x.duckdb.wal").write_bytes(b"changes")
    assert main(["sql", ALL, "--db", str(path)]) == 1
    assert "holds changes that are not in it yet" in capsys.readouterr().err


def test_a_database_that_cannot_be_written_stays(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE VIEW audits AS SELECT 1")
    before = path.read_bytes()
    assert main(["sql", ALL, "--db", str(path)]) == 1
    assert "audits" in capsys.readouterr().err
    assert path.read_bytes() == before
    assert main(["sql", ALL, "--db", str(tmp_path)]) == 1
    assert "is a folder; write to another path" in capsys.readouterr().err


# Recipes


def recipe(name: str, pattern: str = ALL) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in ask(pattern, (RECIPES / f"{name}.sql").read_text(encoding="utf-8"))]


@pytest.mark.parametrize("path", OF_AUDITS, ids=lambda path: path.stem)
def test_a_recipe_says_what_it_shows_and_how_to_run_it(path: Path) -> None:
    header = path.read_text(encoding="utf-8").split("\nSELECT")[0].split("\nWITH")[0]
    assert all(line.startswith("--") for line in header.splitlines())
    assert f"moslabels sql 'runs/**/*.json' -f examples/sql/{path.name}" in header
    assert f'recipe("{path.stem}"' in Path(__file__).read_text(encoding="utf-8"), "a test runs it"


def test_coverage_over_time(here: Path) -> None:
    rows = recipe("coverage_over_time")
    assert [row[:6] for row in rows if row[0] == "one.jsonl"] == [
        ("one.jsonl", date(2026, 5, 1), 1 / 3, None, 2, 2),
        ("one.jsonl", date(2026, 5, 2), 2 / 3, 0.333333, 3, 1),
    ]
    modified = datetime.fromtimestamp(os.stat("old.audit.json").st_mtime, UTC).date()
    assert rows[0][:2] == ("old_mos.csv", modified)


def test_the_same_clip_under_two_labels(here: Path) -> None:
    rows = recipe("same_clip_two_labels")
    assert [(row[0], row[1], row[2]) for row in rows] == [
        ("conflict", "2026-05-01/clash.jsonl", "labels.csv, other.csv"),
        ("conflict", "2026-05-02/clash.jsonl", "labels.csv, other.csv"),
        ("relabelled", "2026-05-01/one.jsonl", "labels.csv, more.csv"),
        ("repeated", "2026-05-01/one.jsonl", "labels.csv, more.csv"),
        ("repeated", "2026-05-02/one.jsonl", "labels.csv, more.csv"),
    ]
    assert '"a": labels.csv row 1 says "2" (mos 2), other.csv row 1 says "5" (mos 5)' in rows[0][3]
    assert rows[2][3] == "2026-05-02/one.jsonl is labelled from labels.csv, more.csv"
    assert rows[3][3] == "2 label rows"


def test_labels_used_by_no_table(here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert recipe("unused_labels") == [("labels.csv", "y", 2, 1, False), ("labels.csv", "z", 2, 2, True)][1:]
    monkeypatch.chdir(tmp_path)
    keys = [f"k{index:02}" for index in range(40)]
    write_table(tmp_path / "l.csv", [{"key": key, "mos": 3} for key in keys])
    # One table uses k00 to k04, so it lists k05 to k24; the other k01 and k20 to k39, so it lists k00 and k02 to k19.
    for name, used in (("a", keys[:5]), ("b", [keys[1], *keys[20:]])):
        write_table(tmp_path / f"{name}.jsonl", [{"key": key} for key in used])
        materialize(f"{name}.jsonl", "l.csv", f"{name}.csv", audit_json=f"{name}.json")
    assert recipe("unused_labels", "*.json") == [("l.csv", key, 2, 2, True) for key in keys[5:20]]
    write_table(tmp_path / "c.jsonl", [{"key": keys[39]}])
    materialize("c.jsonl", "l.csv", "c.csv", audit_json="c.json")  # Lists k00 to k19, and has 19 more.
    write_table(tmp_path / "a.jsonl", [{"key": key} for key in (*keys[:5], *keys[25:])])
    materialize("a.jsonl", "l.csv", "a.csv", audit_json="a.json")  # Lists k05 to k24, all that it has.
    rows = recipe("unused_labels", "[ac].json")
    assert rows[:15] == [("l.csv", key, 2, 2, True) for key in keys[5:20]]
    assert rows[15:] == [("l.csv", key, 2, 1, False) for key in keys[20:25]]


def test_which_tables_a_label_file_feeds(here: Path) -> None:
    rows = recipe("label_file_tables")
    assert sorted((row[0], row[2], row[4]) for row in rows) == [
        ("labels.csv", "2026-05-01/one.jsonl", 2),
        ("labels.csv", "2026-05-02/one.jsonl", 3),
        ("more.csv", "2026-05-01/one.jsonl", 2),
        ("more.csv", "2026-05-02/one.jsonl", 3),
        ("old_a.csv", "old_mos.csv", 4),
        ("old_b.csv", "old_mos.csv", 4),
    ]
    assert len({row[1] for row in rows if row[0] == "labels.csv"}) == 2


def test_a_glob_ends_where_links_are_a_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("runs/a/b", "runs/.hidden", "store"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("runs/1.json", "runs/a/2.json", "runs/a/b/3.json", "runs/.hidden/4.json", "store/5.json"):
        (tmp_path / name).write_text(json.dumps(V1_AUDIT))
    (tmp_path / "runs" / "linked").symlink_to("../store")
    for number in range(4):  # 4 links are 4^40 paths to a walk that follows them as far as the system does.
        (tmp_path / "runs" / f"self{number}").symlink_to(".")
        (tmp_path / "runs" / "a" / f"up{number}").symlink_to("..")
    patterns = {
        "runs/**/*.json": 4,
        "runs/**": 4,
        "./**/*.json": 4,
        "**/**/a/**/*.json": 4,  # A link leads up.
        str(tmp_path / "runs" / "**" / "b" / "*.json"): 1,
        "store/**/*.json": 1,
    }
    for pattern, count in patterns.items():
        with Views([pattern]) as evidence:
            assert evidence.loaded == count, pattern
