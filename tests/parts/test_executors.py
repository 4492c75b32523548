"""Parts that executors and engines label: the same bytes, the evidence of who did it, and workers with faults."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from helpers.executors import Here, Refusing, Waiting, end_process
from helpers.made import working_in
from helpers.many import OPTIONS, SCORES, files, label, write_labels, write_parts
from helpers.tables import write_table
from moslabels import CancelledError, TableError, UsageError, materialize, run_batch, verify
from moslabels.base.progress import SILENT, Progress
from moslabels.evidence.provenance import versions
from moslabels.parts.engines import EngineOfRun
from moslabels.parts.on_executor import OnExecutor
from moslabels.spec import engines
from moslabels.spec.engines import EngineEntry


def engine(executor: Executor, most: int | None = None, progress: Progress = SILENT) -> EngineOfRun:
    return EngineOfRun({"executor": "any"}, partial(OnExecutor, executor, most, progress))


def process_pool(method: str, processes: int = 2, **keywords: Any) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context(method), **keywords)


EXECUTORS: dict[str, Callable[[], Any]] = {
    "processes that are started": lambda: process_pool("spawn"),
    "processes that are forked": lambda: process_pool("fork"),
    "threads": lambda: ThreadPoolExecutor(3),
    "one after the other": Here,
}


@pytest.fixture(scope="module", params=list(EXECUTORS))
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    if "forked" in request.param and sys.version_info >= (3, 12):
        pytest.skip("this Python warns of forks beside threads")
    with EXECUTORS[request.param]() as opened:
        yield opened


MANIFEST = {
    "tables": [
        {
            "id": "parts",
            "features": "features",
            "labels": ["labels.csv"],
            "out": "out",
            "audit_json": "a.json",
            **OPTIONS,
        },
        {
            "id": "one",
            "features": "features/corpus=C/x/zz.parquet",
            "labels": ["c.csv"],
            "feature_key_column": "clip",
            "label_key_column": "clip",
            "out": "one.parquet",
            "audit_json": "one.json",
            "min_match_rate": 0.5,
        },
    ]
}


@contextmanager
def batch_folder(folder: Path) -> Iterator[Path]:
    """Write the inputs of a batch, whose paths are relative, and work in that folder."""
    write_parts(folder)
    write_table(folder / "c.csv", [{"clip": "1", "mos": 3}, {"clip": "2", "mos": 4}])
    write_table(folder / "m.json", json.dumps(MANIFEST))
    with working_in(folder):
        yield folder


def without_engine(document: Any) -> Any:
    args = document["run_provenance"]["args"]
    for name in ("executor", "hosts", "worker_versions"):
        args.pop(name, None)
    return document


def test_a_batch_is_the_same_but_for_who_did_it(tmp_path: Path, executor: Executor) -> None:
    """The paths are relative, and workers may work in another folder."""
    with batch_folder(tmp_path):
        report = run_batch("m.json", report_json="r.json")
        here = {name: data for name, data in files(tmp_path).items() if not name.startswith("features/")}
        again = run_batch("m.json", report_json="r.json", executor=executor)
        there = {name: data for name, data in files(tmp_path).items() if not name.startswith("features/")}
        assert verify(["r.json", "a.json"])["status"] == "ok"
        assert [table.get("error") for table in report["tables"]] == [None, None]
        args = again["run_provenance"]["args"]
        assert args["executor"] == f"{type(executor).__module__}.{type(executor).__qualname__}"
        assert (args["hosts"], args["worker_versions"]) == ([os.uname().nodename], versions())
        assert "hosts" not in json.loads(there["one.json"])["run_provenance"]["args"]
        unchanged = run_batch("m.json", skip_unchanged=True)
        assert [table["status"] for table in unchanged["tables"]] == ["unchanged", "unchanged"]
    evidence = ("a.json", "one.json", "r.json")
    assert {name: data for name, data in here.items() if name not in evidence} == {
        name: data for name, data in there.items() if name not in evidence
    }
    for name in evidence:
        assert there[name] != here[name] or name == "one.json"
        assert without_engine(json.loads(there[name])) == without_engine(json.loads(here[name]))


@pytest.mark.parametrize("most", [1, 2, None])
def test_the_bytes_do_not_depend_on_how_many_tasks_wait(tmp_path: Path, most: int | None) -> None:
    write_parts(tmp_path)
    label(tmp_path, out="one")
    label(tmp_path, out="two", most_parts=1, engine=engine(Here(), most))
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_workers_of_another_working_folder(tmp_path: Path) -> None:
    with batch_folder(tmp_path), process_pool("spawn", initializer=os.chdir, initargs=("/",)) as pool:
        materialize("features", "labels.csv", "there", executor=pool, **OPTIONS)
        materialize("features", "labels.csv", "here", **OPTIONS)
    assert files(tmp_path / "there") == files(tmp_path / "here")


def test_verify_finds_the_same_whoever_labels_again(tmp_path: Path, executor: Executor) -> None:
    with batch_folder(tmp_path):
        run_batch("m.json", report_json="r.json")
        before = files(tmp_path)
        assert verify("r.json", executor=executor)["status"] == "ok"
        asked = Here()
        assert verify("r.json", executor=asked)["status"] == "ok"
        assert asked.submitted == 2  # The footers, and the parts.
        write_labels(tmp_path, {**SCORES, ("C", "1"): 5})
        here = verify("r.json")
        changed = [one["what"] for one in here["files"][1]["differences"]]
        assert {"parts, labelled again.corpus=C/x/zz.parquet.sha256", "mos_stats.mean"} <= set(changed), changed
        assert verify("r.json", executor=executor) == here
        assert verify("r.json", workers=2) == here
        assert {name for name, data in files(tmp_path).items() if before[name] != data} == {"labels.csv"}


def test_a_dry_run_writes_nothing(tmp_path: Path, executor: Executor) -> None:
    write_parts(tmp_path)
    wet = label(tmp_path)
    before = files(tmp_path)
    dry = label(tmp_path, out="out", dry_run=True, engine=engine(executor))
    assert dry["output_sha256"] == wet["output_sha256"]
    assert files(tmp_path) == before


def other_version(header: dict[str, Any]) -> None:
    header["host"] = "node7"
    header["versions"]["duckdb"] = "1.2.3"


def elsewhere(folder: Path, *, sees: bool) -> Callable[[dict[str, Any]], None]:
    """Change requests so that the folder of the run is another for the worker. ``sees``: the driver's file is there."""

    def change(header: dict[str, Any]) -> None:
        sight = header["sight"]
        if sees:
            write_table(folder / f"driver-{sight['token']}", sight["token"])
        header["sight"] = {**sight, "folder": str(folder)}

    return change


def named(host: str) -> Callable[[dict[str, Any]], None]:
    return lambda header: header.update(host=host)


FAULTS: dict[str, tuple[Callable[[Path], Executor], str]] = {
    "other versions": (
        lambda _: Here(to_driver=other_version),
        rf"a worker on node7 has duckdb 1.2.3 and not {versions()['duckdb']}: .*install the same versions there",
    ),
    "no answer": (
        lambda _: Here(to_driver=lambda header: header.clear()),
        f"a worker answers what moslabels {versions()['moslabels']} does not know: .*install",
    ),
    "a host that sees another folder": (
        lambda folder: Here(elsewhere(folder, sees=False)),
        rf"out: .* a worker do not share .*: on {os.uname().nodename}: No such file or directory; write to a storage",
    ),
    "a host that does not see the folder": (
        lambda folder: Here(elsewhere(folder / "none", sees=False)),
        rf"out: .* a worker do not share .*: on {os.uname().nodename}: No such file or directory; write to a storage",
    ),
    "a host that writes elsewhere": (
        lambda folder: Here(elsewhere(folder, sees=True), named("node7")),
        r"out: .* do not share .*: the worker on node7 wrote worker-\w+ there, and the driver finds: No such file",
    ),
    "a task that is lost twice": (
        lambda _: Here(lose=lambda number: number in (1, 2)),
        "the executor could not do a task: ConnectionError: worker 7 is gone; see what it says",
    ),
    "an executor that is shut down": (
        lambda _: shut_down(ThreadPoolExecutor(1)),
        "the executor does no more tasks: RuntimeError: cannot schedule new futures after shutdown",
    ),
    "an executor that cannot start a process": (
        lambda _: Refusing(BlockingIOError(11, "Resource temporarily unavailable")),
        r"the executor does no more tasks: BlockingIOError: \[Errno 11\] Resource temporarily unavailable",
    ),
    "an executor that a lost process left half closed": (
        lambda _: Refusing(OSError("handle is closed")),
        "the executor does no more tasks: OSError: handle is closed",
    ),
    "an executor with an error of its own": (
        lambda _: Refusing(ValueError("no such partition: gpu")),
        "the executor does no more tasks: ValueError: no such partition: gpu",
    ),
}


def shut_down(executor: Executor) -> Executor:
    executor.shutdown()
    return executor


@pytest.mark.parametrize("case", list(FAULTS))
def test_a_worker_with_a_fault_ends_the_table(tmp_path: Path, case: str) -> None:
    write_parts(tmp_path)
    made, says = FAULTS[case]
    (tmp_path / "elsewhere").mkdir()
    with pytest.raises(TableError, match=says):
        label(tmp_path, most_parts=2, engine=engine(made(tmp_path / "elsewhere"), most=1))
    assert not (tmp_path / "out").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_the_storage_is_looked_at_once_by_each_worker(tmp_path: Path) -> None:
    write_parts(tmp_path)
    written: list[Any] = []
    label(tmp_path, most_parts=1, engine=engine(Here(to_driver=lambda header: written.append(header["written"])), 1))
    assert [name is not None for name in written] == [True] + 7 * [False]


def test_a_task_that_is_lost_once_is_done_again(tmp_path: Path) -> None:
    write_parts(tmp_path)
    label(tmp_path, out="one")
    executor = Here(lose=lambda number: number in (1, 6))
    label(tmp_path, out="two", most_parts=1, engine=engine(executor, 4))
    assert executor.submitted == 8 + 2
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_parts_that_were_finished_by_a_broken_executor_are_kept(tmp_path: Path) -> None:
    write_table(tmp_path / "labels.csv", [{"key": "a", "mos": 2}, {"key": "b", "mos": 3}])
    for number in range(6):
        write_table(tmp_path / "features" / f"{number}.parquet", [{"key": "a"}, {"key": "b"}])
    label(tmp_path, out="fresh", min_match_rate=0)

    class Ending(Progress):
        """Kills the only worker when two parts are done."""

        def advance(self, done: int) -> None:
            if done == 2:
                pool.submit(end_process)

    with process_pool("spawn", 1) as pool, pytest.raises(TableError, match="the executor does no more tasks") as ended:
        label(tmp_path, most_parts=1, min_match_rate=0, engine=engine(pool, 1), progress=Ending())
    assert "of 6 parts are finished" in ended.value.__notes__[0]
    kept = next(tmp_path.glob(".out*")) / "table"
    assert len(files(kept)) in (2, 3)
    label(tmp_path, min_match_rate=0, engine=engine(Here()))
    assert files(tmp_path / "out") == files(tmp_path / "fresh")


def test_an_error_of_a_task_names_its_part_and_ends_the_rest(tmp_path: Path) -> None:
    write_parts(tmp_path)
    write_table(tmp_path / "features" / "corpus=C" / "r.parquet", b"PAR1 or not")
    executor = Here()
    with pytest.raises(TableError, match=r"r.parquet: .*not a readable Parquet file") as refused:
        label(tmp_path, most_parts=1, engine=engine(executor, 1))
    assert refused.value.file == str(tmp_path / "features" / "corpus=C" / "r.parquet")
    assert executor.submitted == 3


def test_an_error_of_the_system_names_the_host(tmp_path: Path) -> None:
    write_parts(tmp_path)

    def gone(header: dict[str, Any]) -> None:
        header["settings"]["temp_dir"] = "/none/such"

    with pytest.raises(TableError, match=r'temp_dir: "/none/such" is not a folder.* \(on node7\)'):
        label(tmp_path, engine=engine(Here(gone, named("node7"))))


def test_a_cancelled_run_cancels_its_tasks(tmp_path: Path) -> None:
    write_parts(tmp_path)
    cancel = threading.Event()
    executor = Waiting(cancel.set)
    with pytest.raises(CancelledError):
        materialize(
            tmp_path / "features",
            tmp_path / "labels.csv",
            tmp_path / "out",
            executor=executor,  # type: ignore[arg-type]
            cancel=cancel,
            **OPTIONS,
        )
    assert [future.cancelled() for future in executor.futures] == [True]


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown engine": ({"engine": "locl"}, r'engine: must be one of local.*, not "locl"; did you mean "local"\?'),
    "an executor that is none": ({"executor": 3}, "executor: must have submit"),
    "both": ({"engine": "local", "executor": Here()}, "engine and executor are two ways"),
    "an address without an engine": ({"address": "a:1"}, "address: is that of an engine; name the engine too"),
    "an address of this machine": ({"address": "a:1", "engine": "local"}, "address: is that of an engine"),
    "a package that is missing": (
        {"engine": "absent"},
        r"engine absent needs the package absent_package: pip install 'moslabels\[absent\]'",
    ),
}


@pytest.fixture
def entries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Engines that tests add to those that are there."""
    adapters = {
        "absent": EngineEntry("absent_package.Adapter", "absent_package", "absent"),
        "here": EngineEntry("helpers.executors.HereEngine", "helpers", "here"),
    }
    monkeypatch.setattr(engines, "ENGINES", {**engines.ENGINES, **adapters})


@pytest.mark.parametrize("case", list(WRONG))
def test_what_is_wrong_about_an_engine_is_told_first(tmp_path: Path, case: str, entries: None) -> None:
    given, says = WRONG[case]
    with batch_folder(tmp_path), pytest.raises(UsageError, match=says):
        materialize(**{"features": "features", "label_paths": "labels.csv", "out": "out", **OPTIONS, **given})
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("given", [{"executor": Here()}, {"engine": "local"}], ids=lambda given: next(iter(given)))
def test_an_engine_without_parts_to_label_is_refused(tmp_path: Path, given: dict[str, Any]) -> None:
    says = f"{next(iter(given))}: labels the parts of tables of many parts, and all features are single files"
    with batch_folder(tmp_path):
        one = dict(MANIFEST["tables"][1])
        write_table(tmp_path / "one.manifest", json.dumps({"tables": [one]}))
        with pytest.raises(UsageError, match=says):
            run_batch("one.manifest", **given)
        options = {name: one[name] for name in ("feature_key_column", "label_key_column", "min_match_rate")}
        with pytest.raises(UsageError, match=says):
            materialize(one["features"], one["labels"], one["out"], **options, **given)
        assert not (tmp_path / "one.parquet").exists()


def test_an_engine_is_found_by_its_name(tmp_path: Path, entries: None) -> None:
    with batch_folder(tmp_path):
        run_batch("m.json")
        here = files(tmp_path / "out")
        report = run_batch("m.json", engine="here", address="a:1", workers=3)
    args = report["run_provenance"]["args"]
    assert (args["engine"], args["address"], args["hosts"]) == ("here", "a:1", [os.uname().nodename])
    assert files(tmp_path / "out") == here
