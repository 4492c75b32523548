"""Parts that Spark labels: by classic Spark, by Spark Connect and by Sail. They start a JVM: Java 17 is needed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from helpers.command import ENVIRONMENT, process
from helpers.engines import LARGE, KillingWorkers, ended_by, engine, write_large_parts
from helpers.many import OPTIONS, files, label, write_parts
from helpers.paths import ROOT
from helpers.tables import write_table
from helpers.tools import run
from moslabels import UsageError
from moslabels.evidence.provenance import versions

pytestmark = pytest.mark.long
pytest.importorskip("pyspark", reason="needs pyspark: pip install -e '.[long]'")
from moslabels.parts.on_spark import OnSpark  # noqa: E402  (it imports pyspark)

TABLE = {"id": "parts", "features": "features", "labels": ["labels.csv"], "out": "out", "audit_json": "a.json"}
BUSY = "pyspark.daemon"
"""What the command of a worker says."""
SESSION = """
from pyspark.sql import SparkSession
from moslabels import run_batch
if __name__ == "__main__":
    spark = SparkSession.builder.{how}("local[2]").getOrCreate()
    report = run_batch("m.json", engine="spark")
    assert spark.range(3).count() == 3
    print("\\n" + report["status"], *report["run_provenance"]["args"]["hosts"])
    spark.stop()
"""
"""A notebook: its session is used, and goes on."""


@pytest.fixture
def batch(tmp_path: Path) -> dict[str, bytes]:
    """Write a table of parts and its manifest, label it without Spark, and return the labelled parts."""
    write_parts(tmp_path)
    write_table(tmp_path / "m.json", json.dumps({"tables": [TABLE | OPTIONS]}))
    assert process("batch", "m.json", "--report-json", "r.json", cwd=tmp_path).returncode == 0
    return files((tmp_path / "out").rename(tmp_path / "expected"))


@pytest.mark.parametrize("how", ["master", "remote"])
def test_a_session_is_used_and_goes_on(tmp_path: Path, batch: dict[str, bytes], how: str) -> None:
    write_table(tmp_path / "notebook.py", SESSION.format(how=how))
    done = run(sys.executable, "notebook.py", cwd=tmp_path, PYSPARK_PYTHON=sys.executable)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"ok {socket.gethostname()}"
    assert files(tmp_path / "out") == batch


def test_the_notebook_of_the_examples_runs(tmp_path: Path, batch: dict[str, bytes]) -> None:
    notebook = ROOT / "examples" / "engines" / "spark_notebook.py"
    done = run(sys.executable, str(notebook), "m.json", cwd=tmp_path, PYSPARK_PYTHON=sys.executable)
    assert done.returncode == 0, done.stderr
    assert "parts ok {" in done.stdout
    assert "missing-label" in done.stdout
    assert files(tmp_path / "out") == batch


def _answers(port: int) -> bool:
    with socket.socket() as tried:
        return not tried.connect_ex(("127.0.0.1", port))


@contextmanager
def sail(folder: Path, **environment: str) -> Iterator[str]:
    """Run a server of Sail. Yield its address."""
    pytest.importorskip("pysail", reason="needs pysail: pip install -e '.[long]'")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = f"from pysail.spark import SparkConnectServer as S; S('127.0.0.1', {port}).start(background=False)"
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=folder, env={**ENVIRONMENT, **environment}, stderr=subprocess.DEVNULL
    ) as server:
        try:
            while not _answers(port):
                assert server.poll() is None
                time.sleep(0.1)
            yield f"sc://127.0.0.1:{port}"
        finally:
            server.kill()


def test_sail_labels_the_same(tmp_path: Path, batch: dict[str, bytes]) -> None:
    with sail(tmp_path) as address:
        done = process("batch", "m.json", "--engine", "spark", "--address", address, "--workers", "2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert files(tmp_path / "out") == batch
    args = json.loads((tmp_path / "a.json").read_text())["run_provenance"]["args"]
    assert (args["engine"], args["address"], args["hosts"]) == ("spark", address, [socket.gethostname()])
    assert args["worker_versions"] == versions()


def test_workers_of_another_version_or_without_moslabels(tmp_path: Path, batch: dict[str, bytes]) -> None:
    fake = tmp_path / "fake" / "duckdb-1.2.3.dist-info"
    write_table(fake / "METADATA", "Metadata-Version: 2.1\nName: duckdb\nVersion: 1.2.3\n")
    write_table(tmp_path / "none" / "moslabels.py", "raise ImportError('not for you')")
    host = socket.gethostname()
    for folder, says in (
        ("fake", f"a worker on {host} has duckdb 1.2.3 and not"),
        ("none", f"a worker on {host} cannot import moslabels: "),
    ):
        path = os.pathsep.join([str(tmp_path / folder), ENVIRONMENT["PYTHONPATH"]])
        with sail(tmp_path, PYTHONPATH=path) as address:
            done = process("batch", "m.json", "--engine", "spark", "--address", address, cwd=tmp_path)
        assert done.returncode == 1
        assert says in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_killed_worker_does_not_change_the_bytes(tmp_path: Path) -> None:
    write_large_parts(tmp_path)
    label(tmp_path, out="one", **LARGE)
    killing = KillingWorkers(BUSY, 1)
    with engine(OnSpark, "local[2]", killing) as of_run:
        label(tmp_path, out="two", most_parts=1, engine=of_run, **LARGE)
    assert len(killing.killed) == 1
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_ctrl_c_ends_the_tasks_and_the_session(tmp_path: Path) -> None:
    write_large_parts(tmp_path, parts=30)
    options = [f"--{name.replace('_', '-')}={value}" for name, value in LARGE.items()]
    paths = ("--features", "features", "--labels", "labels.csv", "--out", "out")
    arguments = ("materialize", *paths, *options, "--engine", "spark", "--address", "local[2]")
    done, outlived = ended_by(signal.SIGINT, *arguments, cwd=tmp_path, busy=BUSY)
    assert (done.returncode, done.stdout, outlived) == (130, "", [])
    assert not (tmp_path / "out").exists()


def test_spark_that_cannot_begin(tmp_path: Path, batch: dict[str, bytes]) -> None:
    arguments = ("-m", "moslabels", "batch", "m.json", "--engine", "spark", "--address", "local[2]")
    done = run(sys.executable, *arguments, cwd=tmp_path, JAVA_HOME=str(tmp_path / "no_java"))
    assert done.returncode == 1
    assert "parts: error: Spark cannot begin: " in done.stderr


@pytest.mark.parametrize(
    ("address", "says"),
    [
        (None, r"address: no Spark session is active; name a master, such as local\[2\] or yarn, or sc://HOST"),
        ("sc://host:443/;token=abc", "address: it would be seen in the evidence, and holds a token; set the variable"),
    ],
)
def test_an_address_that_does_not_fit(monkeypatch: pytest.MonkeyPatch, address: str | None, says: str) -> None:
    for name in ("PYSPARK_GATEWAY_PORT", "SPARK_REMOTE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UsageError, match=says), engine(OnSpark, address) as of_run:
        of_run.workers(None, Any)
