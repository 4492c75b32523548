"""Parts that Ray labels: by clusters of this machine, which are real."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers.command import process
from helpers.engines import LARGE, KillingWorkers, ended_by, engine, write_large_parts
from helpers.many import OPTIONS, files, label, write_parts
from helpers.paths import ROOT
from helpers.tables import write_table
from helpers.tools import run
from moslabels import TableError, UsageError, materialize
from moslabels.base.progress import Progress
from moslabels.evidence.provenance import versions

pytestmark = pytest.mark.integration
ray = pytest.importorskip("ray", reason="needs ray: pip install -e '.[integrations]'")
from moslabels.parts import ray_places  # noqa: E402  (it imports ray)
from moslabels.parts.on_ray import OnRay  # noqa: E402

TABLE = {"id": "parts", "features": "features", "labels": ["labels.csv"], "out": "out", "audit_json": "a.json"}
BUSY = "ray::moslabels"
"""How the command of a worker begins while it does a task."""
OWN_NETWORK = ("unshare", "--user", "--map-root-user", "--mount", "--net", "--uts", "--pid", "--fork", "--mount-proc")


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever Ray the machine has, a test does not join it."""
    monkeypatch.setenv("RAY_ADDRESS", "local")


def test_the_command_labels_by_ray_as_by_itself(tmp_path: Path) -> None:
    write_parts(tmp_path)
    write_table(tmp_path / "m.json", json.dumps({"tables": [TABLE | OPTIONS]}))
    assert process("batch", "m.json", "--report-json", "r.json", cwd=tmp_path).returncode == 0
    here, own = files(tmp_path / "out"), json.loads((tmp_path / "a.json").read_text())
    done = process("batch", "m.json", "--report-json", "r.json", "--engine", "ray", "--workers", "2", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert "1 of 1 tables labelled" in done.stderr
    assert "ray" not in done.stderr.lower()
    assert files(tmp_path / "out") == here
    audit = json.loads((tmp_path / "a.json").read_text())
    args = audit["run_provenance"]["args"]
    assert (args["engine"], args["hosts"], args["worker_versions"]) == ("ray", [socket.gethostname()], versions())
    for document in (audit, own):
        document["run_provenance"].update(args=None, argv=None)
    assert audit == own


def test_killed_workers_do_not_change_the_bytes(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_large_parts(tmp_path)
    label(tmp_path, out="one", **LARGE)
    killing = KillingWorkers(BUSY, 2)
    with engine(OnRay, progress=killing, workers=2) as of_run:
        label(tmp_path, out="two", most_parts=1, engine=of_run, **LARGE)
    assert len(killing.killed) == 2
    assert files(tmp_path / "one") == files(tmp_path / "two")
    assert capfd.readouterr() == ("", "")
    assert not ray.is_initialized()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_tasks_and_the_cluster(tmp_path: Path, number: int, status: int) -> None:
    write_large_parts(tmp_path, parts=60)
    options = [f"--{name.replace('_', '-')}={value}" for name, value in LARGE.items()]
    paths = ("--features", "features", "--labels", "labels.csv", "--out", "out")
    arguments = ("materialize", *paths, *options, "--engine", "ray", "--workers", "1")
    label(tmp_path, out="fresh", **LARGE)
    done, outlived = ended_by(number, *arguments, cwd=tmp_path, busy=BUSY)
    assert (done.returncode, done.stdout, outlived) == (status, "", [])
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()
    # What the run left behind neither hinders the next one nor gets into it.
    label(tmp_path, **LARGE)
    assert files(tmp_path / "out") == files(tmp_path / "fresh")


class Telling(Progress):
    """Keeps the notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


class LookingAtMemory(Progress):
    """Notes the most memory that Ray has given to tasks."""

    def __init__(self) -> None:
        self.given = 0

    def running(self, *_: object) -> None:
        all_of_it, left = ray.cluster_resources()["memory"], ray.available_resources().get("memory", 0)
        self.given = max(self.given, int(all_of_it - left))


@pytest.mark.parametrize(("limit", "least"), [(None, 400_000_000), ("1GB", 1_250_000_000)])
def test_ray_is_asked_for_the_memory_of_a_task(tmp_path: Path, limit: str | None, least: int) -> None:
    write_large_parts(tmp_path, parts=6)
    looking = LookingAtMemory()
    with engine(OnRay, progress=looking, workers=1, memory_limit=limit) as of_run:
        label(tmp_path, most_parts=1, engine=of_run, **LARGE)
    assert least < looking.given < least + (1 << 28)


def test_a_task_that_no_machine_can_hold(tmp_path: Path) -> None:
    write_parts(tmp_path)
    says = (
        r"no machine of the Ray cluster has the 1 processor and 90000\.\d GB of memory that a task takes "
        r"\(\S+: 1 and \d+\.\d GB\); set fewer threads or a smaller memory_limit, make smaller parts, or add"
    )
    with pytest.raises(TableError, match=says):
        materialize(
            tmp_path / "features",
            tmp_path / "labels.csv",
            tmp_path / "out",
            engine="ray",
            workers=1,
            memory_limit="90TB",
            **OPTIONS,
        )
    assert not (tmp_path / "out").exists()


def test_a_cluster_has_time_to_grow(tmp_path: Path, session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    write_parts(tmp_path)
    monkeypatch.setattr(ray_places, "SECONDS_TO_GROW", 3)
    told = Telling()
    with (
        pytest.raises(TableError, match="no machine of the Ray cluster has the 2 processors and 0"),
        engine(OnRay, progress=told, threads=2) as of_run,
    ):
        label(tmp_path, engine=of_run)
    assert len(told.notes) == 1
    assert re.fullmatch("no machine of the Ray cluster .*: waiting 3 seconds for one that has", told.notes[0])
    assert session.get(session.remote(lambda: 7).remote()) == 7


def _has_networks() -> bool:
    """Return whether this user may make networks, and the switch between them."""
    if not all(map(shutil.which, ("unshare", "nsenter", "ip"))):
        return False
    return not subprocess.run([*OWN_NETWORK, *"ip link add switch type bridge".split()], capture_output=True).returncode


@pytest.mark.skipif(not _has_networks(), reason="needs unshare, nsenter and ip, and the right to make networks by them")
def test_two_nodes_get_the_code_and_a_few_kilobytes_for_each_part(tmp_path: Path) -> None:
    parts = 400
    script = ROOT / "tests" / "benchmarks" / "ray_nodes.py"
    done = run(sys.executable, str(script), f"--parts={parts}", "--ways=package", cwd=tmp_path, TMPDIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["package"]
    assert (found["equal"], found["hosts"]) == (True, ["node-1", "node-2"])
    code = 2 * sum(path.stat().st_size for folder in ("moslabels", "sql") for path in (ROOT / folder).rglob("*.[ps]*"))
    assert found["sent"] < 1.2 * code + 3_500 * parts
    assert found["received"] < 1_500 * parts


def test_a_cluster_that_does_not_answer(tmp_path: Path) -> None:
    write_parts(tmp_path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    says = f"Ray cannot begin at {address}: ConnectionError: nobody answers there: Connection refused"
    with pytest.raises(TableError, match=says):
        materialize(
            tmp_path / "features", tmp_path / "labels.csv", tmp_path / "out", engine="ray", address=address, **OPTIONS
        )
    assert not (tmp_path / "out").exists()


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Any]:
    """A session of the caller, on whose workers DuckDB seems to have another version."""
    fake = tmp_path / "fake" / "duckdb-1.2.3.dist-info"
    fake.mkdir(parents=True)
    (fake / "METADATA").write_text("Metadata-Version: 2.1\nName: duckdb\nVersion: 1.2.3\n")
    before = os.environ["RAY_ADDRESS"]
    del os.environ["RAY_ADDRESS"]
    environment = {"env_vars": {"PYTHONPATH": str(fake.parent)}}
    ray.init("local", num_cpus=1, include_dashboard=False, log_to_driver=False, runtime_env=environment)
    os.environ["RAY_ADDRESS"] = before
    yield ray
    ray.shutdown()


def test_a_session_of_the_caller_is_used_and_left(tmp_path: Path, session: Any) -> None:
    write_parts(tmp_path)
    says = (
        rf"a worker on {socket.gethostname()} has duckdb 1.2.3 and not {versions()['duckdb']}: .*install the same "
        "versions there"
    )
    with pytest.raises(TableError, match=says), engine(OnRay) as of_run:
        label(tmp_path, engine=of_run)
    with (
        pytest.raises(UsageError, match="Ray is connected already; leave out the address"),
        engine(OnRay, "local") as of_run,
    ):
        label(tmp_path, engine=of_run)
    assert session.is_initialized()
    assert session.get(session.remote(lambda: 7).remote()) == 7
