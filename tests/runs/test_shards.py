"""plan, part and commit: the same bytes as a run, whoever does which shard, and whatever is killed between."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from helpers.command import ENVIRONMENT, moslabels
from helpers.faults import Faults, Killed, calls_of, some, stopped
from helpers.many import OPTIONS, SCORES, files, write_parts
from helpers.tables import write_table
from moslabels import TableError
from moslabels.base.progress import SILENT
from moslabels.base.settings import Settings
from moslabels.evidence.provenance import versions
from moslabels.files.abilities import Abilities
from moslabels.files.platform import System, use
from moslabels.parts.label import label
from moslabels.parts.messages import wrap
from moslabels.runs.plan_folder import plan_folder
from moslabels.runs.shards import part

TABLES: list[dict[str, Any]] = [
    {"id": "parts", "features": "features", "labels": ["labels.csv"], "out": "out", "audit_json": "a.json", **OPTIONS},
    {
        "id": "one",
        "features": "features/corpus=C/x/zz.parquet",
        "labels": ["c.csv"],
        "out": "one.parquet",
        "audit_json": "one.json",
        "feature_key_column": "clip",
        "label_key_column": "clip",
        "min_match_rate": 0.5,
    },
    {
        "id": "alone",
        "features": ["features/corpus=C/q*.pq"],
        "labels": ["c.csv"],
        "out": "alone",
        "unmatched": "alone.csv",
        "audit_json": "alone.json",
        "feature_key_column": "clip",
        "label_key_column": "clip",
    },
]
OUTPUTS = ("out", "a.json", "one.parquet", "one.json", "alone", "alone.csv", "alone.json", "r.json")


def manifest(folder: Path, tables: list[dict[str, Any]]) -> None:
    write_table(folder / "m.json", json.dumps({"tables": tables}))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The inputs of a batch: one table of four parts, one of a single file, and one of one part."""
    write_parts(tmp_path)
    write_table(tmp_path / "c.csv", [{"clip": "1", "mos": 3}, {"clip": "2", "mos": 4}])
    manifest(tmp_path, TABLES)
    return tmp_path


def outputs(folder: Path) -> dict[str, Any]:
    """Return the bytes of the outputs, and the evidence without what tells who did it."""
    found: dict[str, Any] = {}
    for name, data in files(folder).items():
        if not name.startswith(OUTPUTS):
            continue
        found[name] = data
        if name in ("a.json", "one.json", "alone.json", "r.json"):
            found[name] = json.loads(data)
            block = found[name]["run_provenance"]
            block.pop("argv")
            for member in ("engine", "shards", "hosts", "worker_versions"):
                block["args"].pop(member, None)
    return found


def drop_outputs(folder: Path) -> None:
    for name in OUTPUTS:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def run(folder: Path, *arguments: str, status: int = 0) -> str:
    done = moslabels(*arguments, cwd=folder)
    assert done.returncode == status, done.stderr
    return done.stderr


def plan(folder: Path, shards: int = 3, status: int = 0) -> str:
    return run(folder, "plan", "m.json", "--shards", str(shards), "--plan", "plan", status=status)


def shard(folder: Path, number: int, status: int = 0) -> str:
    return run(folder, "part", "plan", "--shard", str(number), status=status)


def commit(folder: Path, status: int = 0) -> str:
    return run(folder, "commit", "plan", "--report-json", "r.json", status=status)


def batch(folder: Path, status: int = 0) -> dict[str, Any]:
    """Return the outputs of a run of the same manifest, and remove them."""
    run(folder, "batch", "m.json", "--report-json", "r.json", status=status)
    found = outputs(folder)
    drop_outputs(folder)
    return found


@pytest.mark.parametrize("shards", [1, 3, 64])
def test_shards_make_what_a_run_makes(folder: Path, shards: int) -> None:
    wanted = batch(folder)
    assert "5 parts of 2 tables planned: run moslabels part plan --shard N for N from 0 to" in plan(folder, shards)
    said = [shard(folder, number) for number in reversed(range(shards))]
    assert sum("nothing to do" in text for text in said) == max(0, shards - 5)
    assert "3 of 3 tables labelled" in commit(folder)
    assert outputs(folder) == wanted
    args = json.loads((folder / "a.json").read_text())["run_provenance"]["args"]
    assert {name: args[name] for name in ("engine", "shards", "hosts", "worker_versions")} == {
        "engine": "shards",
        "shards": shards,
        "hosts": [socket.gethostname()],
        "worker_versions": versions(),
    }
    assert not [path.name for path in folder.iterdir() if path.name.startswith(".")]
    run(folder, "verify", "r.json", "a.json", "alone.json")


def test_commit_says_which_shards_it_waits_for(folder: Path) -> None:
    plan(folder, 4)
    shard(folder, 1)
    done = moslabels("commit", "plan", cwd=folder)
    assert (done.returncode, done.stdout) == (3, "")
    assert "shards 0, 2, 3 of 4 are not done: run moslabels part plan --shard 0, and so for the others" in done.stderr
    for number in (0, 3):
        shard(folder, number)
    assert "shard 2 of 4 is not done: run moslabels part plan --shard 2\n" in commit(folder, status=3)
    assert not outputs(folder)


def test_each_step_may_be_run_again(folder: Path) -> None:
    wanted = batch(folder)
    for _ in range(2):
        plan(folder)
    assert "labelled now\n" in shard(folder, 1)
    assert "0 of 2 parts are labelled now, 2 were before" in shard(folder, 1)
    plan(folder)
    assert "0 of 2 parts are labelled now, 2 were before" in shard(folder, 1)
    for number in (0, 2):
        shard(folder, number)
    for _ in range(2):
        commit(folder)
        assert outputs(folder) == wanted
    assert "the plan was committed already" in shard(folder, 1)
    assert outputs(folder) == wanted
    plan(folder)
    assert "2 of 2 parts are labelled now" in shard(folder, 1)


def test_two_attempts_at_one_shard_meet(folder: Path) -> None:
    wanted = batch(folder)
    plan(folder, 1)

    def attempt(_: int) -> tuple[int, int]:
        with plan_folder(str(folder / "plan")) as opened:
            return part(opened, 0, Settings(), SILENT)

    with ThreadPoolExecutor(3) as threads:
        assert [parts for parts, _ in threads.map(attempt, range(3))] == [5, 5, 5]
    commit(folder)
    assert outputs(folder) == wanted


def test_who_comes_late_does_not_touch_what_was_committed(folder: Path) -> None:
    """An attempt that has read its task before the commit does it after that, when the labels have changed."""
    plan(folder, 1)
    with plan_folder(str(folder / "plan")) as opened:
        late = [opened.task(task.name) for _, task in opened.read().tasks]
    shard(folder, 0)
    commit(folder)
    relabel(folder)
    write_table(folder / "c.csv", [{"clip": "2", "mos": 5}, {"clip": "1", "mos": 5}])
    plan(folder, 1)
    shard(folder, 0)
    before = files(folder)
    for task in late:
        with pytest.raises(TableError, match="No such file or directory"):
            label(task, Settings())
    assert files(folder) == before
    commit(folder)
    found = outputs(folder)
    assert found == batch(folder)


def relabel(folder: Path) -> None:
    rows = [{"corpus": corpus, "clip": clip, "mos": 5} for corpus, clip in SCORES]
    write_table(folder / "labels.csv", rows)


def other_option(folder: Path) -> None:
    manifest(folder, [{**TABLES[0], "status_column": "state"}, *TABLES[1:]])


def other_part(folder: Path) -> None:
    path = folder / "features" / "corpus=C" / "x" / "zz.parquet"
    write_table(path, [{"clip": "1", "feature": 1.0}] * 4)


def more_tables(folder: Path) -> None:
    manifest(folder, [*TABLES, {**TABLES[2], "id": "new", "out": "new", "audit_json": "new.json", "unmatched": None}])


def fewer_parts(folder: Path) -> None:
    (folder / "features" / "corpus=C" / "x" / "zz.parquet").unlink()


CHANGES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "labels": (
        relabel,
        r"out: does not fit the plan: the labels changed since; run moslabels plan again, then the shards",
    ),
    "an option": (other_option, "out: does not fit the plan: the options changed since"),
    "a part": (other_part, r"out: does not fit the plan: 1 part of the features changed since, such as corpus=C/x/zz"),
    "a part that goes": (fewer_parts, "out: does not fit the plan: corpus=C/x/zz.parquet came or went since"),
    "a table that comes": (more_tables, "new: does not fit the plan: the table is not in the plan"),
}


@pytest.mark.parametrize("case", list(CHANGES))
def test_what_changes_after_the_plan_is_not_labelled_by_the_way(folder: Path, case: str) -> None:
    change, says = CHANGES[case]
    plan(folder)
    for number in range(3):
        shard(folder, number)
    change(folder)
    assert re.search(says, commit(folder, status=1))
    report = json.loads((folder / "r.json").read_text())
    failed = {table["id"]: table["error_code"] for table in report["tables"] if table["status"] == "error"}
    assert failed == {**({"one": "no-file"} if case == "a part that goes" else {}), **expected_failure(case)}
    assert not (folder / ("new" if case == "a table that comes" else "out")).exists()


def expected_failure(case: str) -> dict[str, str]:
    return {"new" if case == "a table that comes" else "parts": "changed"}


def test_a_part_that_changes_before_its_shard_is_an_error_of_the_shard(folder: Path) -> None:
    plan(folder, 1)
    other_part(folder)
    assert "zz.parquet: changed while it was read; run again" in shard(folder, 0, status=1)
    assert "shard 0 of 1 is not done" in commit(folder, status=3)


def test_another_plan_takes_the_place_of_one_that_does_not_fit(folder: Path) -> None:
    plan(folder, 1)
    shard(folder, 0)
    relabel(folder)
    wanted = batch(folder)
    plan(folder, 1)
    assert "4 of 5 parts are labelled now, 1 were before" in shard(folder, 0)
    commit(folder)
    assert outputs(folder) == wanted


def test_a_plan_of_one_run_stays_beside_a_run_of_its_own(folder: Path) -> None:
    plan(folder, 1)
    wanted = batch(folder)
    shard(folder, 0)
    commit(folder)
    assert outputs(folder) == wanted


def test_a_table_that_fails_is_told_and_left_out(folder: Path) -> None:
    manifest(folder, [{**TABLES[0], "min_match_rate": 0.9}, *TABLES[1:]])
    wanted = batch(folder, status=1)
    said = plan(folder, 2, status=1)
    assert "parts: error: MOS label match rate 0.667 below min_match_rate 0.900 (4/6 keys)" in said
    assert "1 part of 1 table planned" in said
    for number in range(2):
        shard(folder, number)
    commit(folder, status=1)
    assert outputs(folder) == wanted


def test_a_finished_part_that_is_damaged_or_gone(folder: Path) -> None:
    wanted = batch(folder)
    plan(folder, 1)
    shard(folder, 0)
    finished = next(folder.glob(".out*/plan-*"))
    (finished / "0").write_bytes(b"x")
    (finished / "3").unlink()
    assert "shard 0 of 1 is not done: run moslabels part plan --shard 0" in commit(folder, status=1)
    assert not (folder / "out").exists()
    shard(folder, 0)
    commit(folder)
    assert outputs(folder) == wanted


def assert_done_again(folder: Path, wanted: dict[str, Any]) -> None:
    """What the only shard did is as not done, and nothing is written before it is done again."""
    assert "shard 0 of 1 is not done: run moslabels part plan --shard 0" in commit(folder, status=3)
    assert not outputs(folder)
    shard(folder, 0)
    commit(folder)
    assert outputs(folder) == wanted


@pytest.mark.parametrize("place", [-1, -9, 40])
def test_a_note_of_a_shard_that_is_damaged(folder: Path, place: int) -> None:
    wanted = batch(folder)
    plan(folder, 1)
    shard(folder, 0)
    damage(next((folder / "plan" / "results").iterdir()), place)
    assert_done_again(folder, wanted)


def test_a_task_that_is_damaged(folder: Path) -> None:
    """It has the label of each key."""
    wanted = batch(folder)
    plan(folder, 1)
    task = next((folder / "plan" / "tasks").iterdir())
    damage(task, task.stat().st_size // 2)
    done = moslabels("part", "plan", "--shard", "0", cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"plan/tasks/{task.name}: is not what was planned; run moslabels plan again" in done.stderr
    plan(folder, 1)
    shard(folder, 0)
    commit(folder)
    assert outputs(folder) == wanted


def damage(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


REFUSED: dict[str, tuple[Callable[[Path], Any], list[str], str]] = {
    "a shard too far": (
        lambda _: None,
        ["part", "plan", "--shard", "3"],
        "--shard must be a number from 0 to 2, which #SBATCH --array=0-2 gives, not 3",
    ),
    "a shard below": (lambda _: None, ["part", "plan", "--shard=-1"], "from 0 to 2, .* not -1"),
    "no shard": (lambda _: None, ["part", "plan", "--shard", ""], '"" is not a whole number'),
    "no shards": (
        lambda _: None,
        ["plan", "m.json", "--shards", "0", "--plan", "plan"],
        "--shards must be a whole number from 1 on, not 0",
    ),
    "a folder of other files": (
        lambda folder: write_table(folder / "mine" / "a.txt", "mine"),
        ["plan", "m.json", "--shards", "2", "--plan", "mine"],
        'mine: holds "a.txt", which is not of a plan; name a new folder as --plan',
    ),
    "no table of many parts": (
        lambda folder: manifest(folder, [TABLES[1]]),
        ["plan", "m.json", "--shards", "2", "--plan", "new"],
        "m.json: no table of it has many parts, and only these have shards; run batch",
    ),
    "no plan": (
        lambda folder: (folder / "plan" / "plan.json").unlink(),
        ["commit", "plan"],
        "plan: holds no plan; run moslabels plan MANIFEST --plan plan",
    ),
    "no folder": (lambda _: None, ["commit", "none"], "none: is not the folder of a plan: No such file"),
    "a plan that is damaged": (
        lambda folder: (folder / "plan" / "plan.json").write_text('{"schema": "moslabels-plan-v9"}'),
        ["part", "plan", "--shard", "0"],
        "plan: its plan cannot be read: it is of another version; run moslabels plan again",
    ),
    "a folder to which others write": (
        lambda folder: (folder / "plan").chmod(0o770),
        ["part", "plan", "--shard", "0"],
        "plan: is not a folder to which only you may write: .* has the mode 770",
    ),
    "a link": (
        lambda folder: (folder / "link").symlink_to(folder / "plan"),
        ["commit", "link"],
        "link: is not a folder to which only you may write: .* or is a link",
    ),
    "a new plan by a link": (
        lambda folder: (folder / "link").symlink_to(folder / "plan"),
        ["plan", "m.json", "--shards", "2", "--plan", "link"],
        "link: is not a folder to which only you may write",
    ),
}


@pytest.mark.parametrize("case", list(REFUSED))
def test_what_cannot_be_is_refused(folder: Path, case: str) -> None:
    plan(folder)
    change, arguments, says = REFUSED[case]
    change(folder)
    assert re.search(says, run(folder, *arguments, status=2))
    assert not outputs(folder)


def test_a_plan_of_another_user_is_refused(folder: Path) -> None:
    class OfAnother(System):
        def user(self) -> int:
            return os.geteuid() + 1

    plan(folder)
    with use(OfAnother(Abilities.found())):
        assert "plan: is not a folder to which only you may write: it belongs to" in shard(folder, 0, status=2)


def test_another_version_is_refused_with_its_host(folder: Path) -> None:
    plan(folder)
    path = folder / "plan" / "plan.json"
    path.write_text(path.read_text().replace(f'"duckdb": "{versions()["duckdb"]}"', '"duckdb": "1.2.3"'))
    says = f"plan: {socket.gethostname()} has duckdb {versions()['duckdb']} and not 1.2.3, with which the plan was made"
    assert says in shard(folder, 0, status=1)
    assert says in commit(folder, status=1)


def test_a_host_that_does_not_see_the_storage_is_named(folder: Path) -> None:
    plan(folder)
    next(folder.glob(".out*")).rename(folder / "elsewhere")
    assert f"out: {socket.gethostname()} does not see {folder}/.out" in shard(folder, 0, status=1)


def test_a_plan_is_committed_from_the_folder_in_which_its_paths_open(folder: Path) -> None:
    plan(folder, 1)
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    run(elsewhere, "part", "../plan", "--shard", "0")
    says = run(elsewhere, "commit", "../plan", status=2)
    assert f"../plan: its paths open from {folder}, in which plan ran; run commit there" in says
    commit(folder)


def edited(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    path = folder / "plan" / "plan.json"
    found = json.loads(path.read_text())
    change(found)
    path.write_text(json.dumps(found))


def renamed(table: dict[str, Any]) -> None:
    """Give a plan a name that leads out of the folder of its parts."""
    table["plan"] = f"{table['plan']}/../../victim"


def other_folder(folder: Path) -> None:
    """Let the plan and its tasks disagree about where the parts of a table go."""
    (folder / "victim" / "x").mkdir(parents=True)

    def change(found: dict[str, Any]) -> None:
        table = found["tables"][0]
        table["folder"] = str(folder / "victim" / os.path.basename(table["folder"]))
        os.mkdir(table["folder"], 0o700)

    edited(folder, change)


def swapped(folder: Path) -> None:
    """Put the task of another table in the place of one."""
    tasks = sorted((folder / "plan" / "tasks").iterdir())
    own = {path.name[:32]: path for path in tasks}
    assert len(own) == 2
    one, other = own.values()
    shutil.copy(one, other)


def damaged(folder: Path) -> None:
    for path in (folder / "plan" / "tasks").iterdir():
        path.write_bytes(path.read_bytes()[:40])


def foreign(folder: Path) -> None:
    """Put messages of another kind, each with its own hash, in the place of tasks."""
    with plan_folder(str(folder / "plan")) as opened:
        for path in (folder / "plan" / "tasks").iterdir():
            opened.write_task(path.name, wrap({}))


def gone(folder: Path) -> None:
    for path in (folder / "plan" / "tasks").iterdir():
        path.unlink()


def linked(folder: Path) -> None:
    """Make each task a link to what it was."""
    (folder / "elsewhere").mkdir()
    for path in (folder / "plan" / "tasks").iterdir():
        path.rename(folder / "elsewhere" / path.name)
        path.symlink_to(folder / "elsewhere" / path.name)


def linked_results(folder: Path) -> None:
    (folder / "elsewhere").mkdir()
    shutil.rmtree(folder / "plan" / "results", ignore_errors=True)
    (folder / "plan" / "results").symlink_to(folder / "elsewhere")


ALTERED: dict[str, tuple[Callable[[Path], Any], int, str]] = {
    "the name of a plan": (
        lambda folder: edited(folder, lambda found: renamed(found["tables"][0])),
        2,
        "plan: its plan cannot be read: .* is not a folder of a plan; run moslabels plan again",
    ),
    "the name of a task": (
        lambda folder: edited(folder, lambda found: found["tables"][0]["tasks"][0].update(name="../../victim/x")),
        2,
        'plan: its plan cannot be read: "../../victim/x" is not the name of a task; run moslabels plan again',
    ),
    "a folder without a plan": (
        lambda folder: edited(folder, lambda found: found["tables"][0].update(folder=str(folder / "victim"))),
        2,
        'victim" is not a folder of a plan',
    ),
    "another folder of parts": (other_folder, 1, r"plan: the task \w+-0 writes to .*, and not to .*/victim/plan-"),
    "a task of another table": (swapped, 1, r"plan: the task \w+-0 writes to .*; run moslabels plan again"),
    "a task that is cut": (damaged, 2, r"plan/tasks/\w+-0: is not what was planned; run moslabels plan again"),
    "a task that is none": (foreign, 1, r"plan: the task \w+-0 cannot be read: 'header'; run moslabels plan again"),
    "a task that is gone": (gone, 1, r"plan: the task \w+-0 is gone; run moslabels plan again"),
    "tasks that are links": (linked, 1, "plan/tasks/.*: Too many levels of symbolic links"),
    "results in another folder": (
        linked_results,
        1,
        "plan/results: (Not a directory|Too many levels of symbolic links)",
    ),
}


@pytest.mark.parametrize("case", list(ALTERED))
def test_a_plan_that_was_altered_does_not_choose_what_is_written(folder: Path, case: str) -> None:
    plan(folder, 1)
    change, status, says = ALTERED[case]
    change(folder)
    before = files(folder)
    said = shard(folder, 0, status=status)
    assert re.search(says, said), said
    assert "Traceback" not in said
    # At most the parts of the other table were finished, where its plan has them.
    new = {name for name, data in files(folder).items() if before.get(name) != data}
    assert all(name.startswith((".out", ".alone", "plan/results/")) for name in new), new
    assert not outputs(folder)


def test_a_result_of_another_task_is_as_none(folder: Path) -> None:
    wanted = batch(folder)
    plan(folder, 1)
    shard(folder, 0)
    one, other = sorted((folder / "plan" / "results").iterdir())
    shutil.copy(other, one)
    assert_done_again(folder, wanted)


def test_two_commits_at_once_publish_once_or_say_who_is_there(folder: Path) -> None:
    wanted = batch(folder)
    plan(folder, 1)
    shard(folder, 0)
    command = [sys.executable, "-m", "moslabels", "commit", "plan", "--report-json", "r.json"]
    begun = [
        subprocess.Popen(command, cwd=folder, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    said = [process.communicate()[1] for process in begun]
    for process, text in zip(begun, said, strict=True):
        assert process.returncode == 0 or re.search(
            # A process that has not signed its lock yet is another one.
            r"r\.json: (another process|process \d+ on .*) is writing it; run again when that is done",
            text,
        ), text
    assert 0 in [process.returncode for process in begun]
    commit(folder)
    assert outputs(folder) == wanted


def test_a_plan_while_another_is_written_there_is_refused(folder: Path) -> None:
    plan(folder, 1)
    with plan_folder(str(folder / "plan"), is_new=True):
        assert re.search(r"plan/plan\.json: process \d+ on .* is writing it", plan(folder, 1, status=1))
    shard(folder, 0)
    commit(folder)


STEPS: dict[str, Callable[[Path], Any]] = {
    "plan": lambda folder: plan(folder, 1),
    "part": lambda folder: shard(folder, 0),
    "commit": commit,
}


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.long)], ids=["some", "every"])
@pytest.mark.parametrize("step", list(STEPS))
def test_a_step_that_is_killed_is_run_again(folder: Path, step: str, every: bool) -> None:
    manifest(folder, [TABLES[0]])
    write_table(folder / "out" / "old.parquet", b"")
    shutil.rmtree(folder / "out")
    wanted = batch(folder)
    before = list(STEPS)[: list(STEPS).index(step)]
    for name in before:
        STEPS[name](folder)
    ready = folder.parent / f"ready-{step}"
    shutil.copytree(folder, ready)
    calls = calls_of(lambda: STEPS[step](folder))
    for number in range(1, len(calls) + 1) if every else some(calls, len(before), 3):
        shutil.rmtree(folder)
        shutil.copytree(ready, folder)
        faults = Faults(number, stopped, forever=True)
        with use(faults), suppress(Killed):
            STEPS[step](folder)
        for name in [*before[1:], *list(STEPS)[len(before) :]]:
            STEPS[name](folder)
        assert outputs(folder) == wanted, (number, faults.met)
        assert not [path.name for path in folder.iterdir() if path.name.startswith(".")]


def test_a_shard_that_the_scheduler_kills_is_done_by_its_next_attempt(folder: Path) -> None:
    wanted = batch(folder)
    plan(folder, 1)
    command = [sys.executable, "-m", "moslabels", "part", "plan", "--shard", "0"]
    with subprocess.Popen(command, cwd=folder, env=ENVIRONMENT, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not any((folder / "plan" / "results").iterdir()):
            time.sleep(0.01)
        process.kill()
    shard(folder, 0)
    commit(folder)
    assert outputs(folder) == wanted
