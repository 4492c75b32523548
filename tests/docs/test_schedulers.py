"""The examples for schedulers, run by the schedulers themselves.

For each: what it labels, what it tries again, what it fails at once, and what it says in its log.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers.tools import run
from moslabels.files.reserve import reserved

pytestmark = pytest.mark.integration
PACKAGES = "needs {}: pip install -e '.[integrations]'"
AT_ONCE = {"RETRY_SECONDS": "0"}
BAD_LABELS = "flickr_id,mos\n4265321879,3\n"


@pytest.fixture
def tables(copy: Path) -> Path:
    """The folder of the quickstart's manifest, whose natural table has a warning."""
    here = copy / "quickstart"
    manifest = json.loads((here / "manifest.json").read_text())
    for table in manifest["tables"]:
        table["warn_match_rate"] = 1.0
        table["min_match_rate"] = 0.5
    (here / "manifest.json").write_text(json.dumps(manifest))
    labels = (here / "natural_labels.csv").read_text().splitlines(keepends=True)
    (here / "natural_labels.csv").write_text("".join(labels[:1] + labels[2:]))
    return here


def labelled_by_batch(here: Path, manifest: str) -> dict[str, bytes]:
    """What ``moslabels batch`` writes from the same files, by name; it is then removed."""
    done = run(sys.executable, "-m", "moslabels", "batch", manifest, "--report-json", "r.json", cwd=here)
    assert done.returncode == 0, done.stderr
    found = {path.name: path.read_bytes() for path in (here / "out").iterdir() if "audit" not in path.name}
    shutil.rmtree(here / "out")
    return found


def out_of(here: Path) -> dict[str, bytes]:
    names = ("natural_mos.parquet", "hdr_mos.jsonl")
    return {name: (here / "out" / name).read_bytes() for name in names if (here / "out" / name).exists()}


DAGSTER = """
import sys
from collections import Counter
from dagster_assets import konvid_labelled
import dagster as dg

result = dg.materialize([konvid_labelled], raise_on_error=False)
told = Counter(event.event_type_value for event in result.all_events)
made = result.asset_materializations_for_node("konvid_labelled")
print(result.success, told["STEP_UP_FOR_RETRY"], *[made[0].metadata["match_rate"].value] if made else [])
"""


def test_dagster(copy: Path, tmp_path: Path) -> None:
    pytest.importorskip("dagster", reason=PACKAGES.format("dagster"))
    data = tmp_path / "data"
    data.mkdir()
    shutil.copy(copy / "quickstart" / "natural_features.parquet", data / "konvid.parquet")
    labels = (copy / "quickstart" / "natural_labels.csv").read_text()
    (data / "konvid_labels.csv").write_text(labels + "999999,3.5,0.5\n")

    def attempt() -> tuple[str, str]:
        done = run(sys.executable, "-c", DAGSTER, cwd=copy / "embedding", DATA=str(data), **AT_ONCE)
        return done.stdout.strip(), done.stderr

    with reserved([str(data / "konvid_mos.parquet")]):
        assert attempt()[0] == "False 2"
    (data / "konvid_labels.csv").write_text(BAD_LABELS)
    assert attempt()[0] == "False 0"
    assert not (data / "konvid_mos.parquet").exists()
    (data / "konvid_labels.csv").write_text(labels)
    assert attempt()[0] == "True 0 1.0"


PREFECT = """
import sys
from prefect.testing.utilities import prefect_test_harness
import prefect_flow

with prefect_test_harness(server_startup_timeout=300):
    state = prefect_flow.refresh(sys.argv[1], return_state=True)
print(state.type.value)
"""


def test_prefect(tables: Path, copy: Path) -> None:
    pytest.importorskip("prefect", reason=PACKAGES.format("prefect"))
    expected = labelled_by_batch(tables, str(tables / "manifest.json"))
    settings = {"PREFECT_HOME": str(copy / "prefect"), **AT_ONCE}

    def attempt(manifest: str = "manifest.json") -> tuple[str, str]:
        manifest = str(tables / manifest)
        done = run(sys.executable, "-c", PREFECT, manifest, cwd=copy / "embedding", **settings)
        told = done.stdout + done.stderr
        assert done.returncode == 0, told
        return done.stdout.split()[-1], told

    state, told = attempt()
    assert state == "COMPLETED", told
    assert out_of(tables) == expected
    assert "WARNING" in told
    assert "natural: " in told
    with reserved([str(tables / "out" / "natural_mos.parquet")]):
        (tables / "natural_labels.csv").write_text(BAD_LABELS + "3071482255,3\n")
        state, told = attempt()
    assert (state, told.count("Retry 1/2"), told.count("Retry 2/2")) == ("FAILED", 1, 1), told
    (tables / "natural_labels.csv").write_text(BAD_LABELS)
    state, told = attempt()
    assert (state, told.count("Retry 1/2")) == ("FAILED", 0), told
    assert "match-rate" in told
    state, told = attempt("nowhere.json")
    assert (state, told.count("Retry 1/2")) == ("FAILED", 0), told


def test_airflow(tables: Path, copy: Path) -> None:
    pytest.importorskip(
        "airflow", reason="needs airflow, in an environment of its own: pip install -e '.[airflow,dev]'"
    )
    expected = labelled_by_batch(tables, str(tables / "manifest.json"))
    home = copy / "airflow"
    (home / "dags").mkdir(parents=True)
    shutil.copy(copy / "embedding" / "airflow_dag.py", home / "dags")
    settings = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "MANIFEST": str(tables / "manifest.json"),
        "REPORTS": str(tables / "out"),
        **AT_ONCE,
    }
    for command in (("db", "migrate"), ("dags", "reserialize")):
        done = run("airflow", *command, cwd=home, **settings)
        assert done.returncode == 0, done.stderr

    def attempt() -> tuple[int, str]:
        done = run("airflow", "dags", "test", "mos_labels", cwd=home, **settings)
        return done.returncode, done.stdout + done.stderr

    status, told = attempt()
    assert status == 0, told
    assert out_of(tables) == expected
    assert "match rate 0.750 below warn_match_rate" in told
    report = json.loads((tables / "out" / "report.json").read_text())
    assert [table["status"] for table in report["tables"]] == ["unchanged", "unchanged"]
    (tables / "natural_labels.csv").write_text(BAD_LABELS)
    status, told = attempt()
    assert "AirflowFailException: match-rate: " in told, told
    assert "AirflowFailException: 1 tables failed" in told


SNAKEMAKE = (sys.executable, "-m", "snakemake", "--cores", "1", "--rerun-triggers", "mtime")


def test_snakemake(tables: Path, copy: Path) -> None:
    pytest.importorskip("snakemake", reason=PACKAGES.format("snakemake"))
    expected = labelled_by_batch(tables, "manifest.json")
    shutil.copy(copy / "embedding" / "Snakefile", tables / "Snakefile")
    done = run(*SNAKEMAKE, cwd=tables)
    assert done.returncode == 0, done.stderr
    assert out_of(tables) == expected
    assert "Nothing to be done" in run(*SNAKEMAKE, cwd=tables).stderr
    (tables / "natural_labels.csv").write_text(BAD_LABELS)
    for _ in range(2):  # It is not forgotten.
        done = run(*SNAKEMAKE, cwd=tables)
        assert done.returncode == 1
        assert "match rate 0.250 below min_match_rate 0.500" in done.stderr
        assert out_of(tables) == expected, "a table that is refused stays as it was"


def test_snakemake_takes_every_manifest(tables: Path, copy: Path) -> None:
    """Tables of many parts, and paths and ids that mean something to Snakemake or a shell."""
    pytest.importorskip("snakemake", reason=PACKAGES.format("snakemake"))
    (tables / "some parts").mkdir()
    for name in "ab":
        pq.write_table(pa.table({"key": [name]}), tables / "some parts" / f"{name}.parquet")
    (tables / "l.csv").write_text("key,mos\na,3\nb,4\n")
    table = {"features": "some parts", "labels": ["l.csv"]}
    listed = [
        {**table, "id": "-parts", "out": "out/many parts", "audit_json": "out/many parts.json"},
        {**table, "id": "two $HOME", "out": "out/$1"},
    ]
    (tables / "manifest.json").write_text(json.dumps({"tables": listed}))
    shutil.copy(copy / "embedding" / "Snakefile", tables / "Snakefile")
    done = run(*SNAKEMAKE, cwd=tables)
    assert done.returncode == 0, done.stderr
    assert "Nothing to be done" in run(*SNAKEMAKE, cwd=tables).stderr
    for out in ("many parts", "$1"):
        assert {path.name for path in (tables / "out" / out).iterdir()} == {"a.parquet", "b.parquet"}


ASK_DBT = """
import duckdb

connection = duckdb.connect("mos.duckdb")
pairs = connection.sql("SELECT clips.mos - joined.mos AS gap FROM clips JOIN joined USING (file_name)")
print(pairs.aggregate("count(*), sum(abs(gap))").fetchall())
"""


def test_dbt(copy: Path) -> None:
    pytest.importorskip("dbt.adapters.duckdb", reason=PACKAGES.format("dbt-duckdb"))
    labelled_by = run(
        sys.executable, "-m", "moslabels", "batch", "manifest.json", "--report-json", "r.json", cwd=copy / "quickstart"
    )
    assert labelled_by.returncode == 0, labelled_by.stderr
    here = copy / "embedding" / "dbt"
    done = run(sys.executable, "-c", "from dbt.cli.main import cli; cli()", "build", "--profiles-dir", ".", cwd=here)
    assert done.returncode == 0, done.stdout
    assert "PASS=5 WARN=0 ERROR=0 SKIP=0" in done.stdout
    assert run(sys.executable, "-c", ASK_DBT, cwd=here).stdout == "[(4, 0.0)]\n"
