"""Every error carries what a script needs: a code, and the table, file, column and row that it is about."""

from __future__ import annotations

import ast
import copy
import multiprocessing
import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import moslabels
from helpers.command import python
from helpers.tables import write_table
from moslabels import (
    CODES,
    CancelledError,
    GateError,
    MosLabelsError,
    StatementError,
    TableError,
    UsageError,
    join,
    materialize,
    run_batch,
)
from moslabels.base.errors import NotDoneError, ResourceError, os_error

FEATURES = [{"clip_id": "a", "x": 1}, {"clip_id": "b", "x": 2}]
LABELS = "clip_id,mos\na,3.5\nb,4.5\n"
HERE: dict[str, tuple[Any, dict[str, Any], tuple[str, str | None, str | None, int | None]]] = {
    # labels, options -> code, file, column, row
    "a wrong option": (LABELS, {"min_match_rate": 2}, ("usage", None, None, None)),
    "no file": (None, {}, ("no-file", "labels.csv", None, None)),
    "not the encoding": (b"clip_id,mos\n\xff,1\n", {}, ("unreadable", "labels.csv", None, None)),
    "a ragged row": ("clip_id,mos\na,3.5\nb\n", {}, ("unreadable", "labels.csv", None, 2)),
    "no key column": ("a,mos\na,3.5\n", {}, ("no-column", "labels.csv", None, None)),
    "a column that is not there": (LABELS, {"label_mos_column": "moss"}, ("no-column", "labels.csv", "moss", None)),
    "two columns": ("mos,clip_id,mos\n1,a,1\n", {}, ("ambiguous-column", "labels.csv", "mos", None)),
    "a score that is none": ("clip_id,mos\na,3.5\nb,n/a\n", {}, ("bad-score", "labels.csv", "mos", 2)),
    "a score that is missing": ("clip_id,mos\na,\nb,3\n", {}, ("missing-score", "labels.csv", "mos", 1)),
    "a score too high": ("clip_id,mos\na,3\nb,7\n", {"mos_scale": "1-5"}, ("out-of-range", "labels.csv", "mos", 2)),
    "two scales": ("clip_id,mos\na,3\nb,70\n", {}, ("mixed-scale", "labels.csv", "mos", None)),
    "no labels": ("clip_id,mos\n", {}, ("no-labels", "labels.csv", None, None)),
    "a conflict": (LABELS + "b,2\n", {}, ("conflict", "labels.csv", "mos", 3)),
    "too few": ("clip_id,mos\na,3\n", {}, ("match-rate", "features.jsonl", "clip_id", None)),
    "label columns": (LABELS, {"status_column": "x"}, ("label-columns", "features.jsonl", "x", None)),
    "an extra that is none": (LABELS, {"extras": ["sos"]}, ("no-column", "labels.csv", "sos", None)),
}


@pytest.mark.sampled
@pytest.mark.parametrize("name", HERE)
def test_what_an_error_is_about(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    labels, options, (code, file, column, row) = HERE[name]
    write_table(Path("features.jsonl"), FEATURES)
    if labels is not None:
        write_table(Path("labels.csv"), labels)
    for call in (
        lambda: materialize("features.jsonl", ["labels.csv"], "out.jsonl", **options),
        lambda: join("features.jsonl", ["labels.csv"], **options),
    ):
        with pytest.raises(MosLabelsError) as caught:
            call()
        error = caught.value
        assert (error.code, error.file, error.column, error.row) == (code, file, column, row)
        assert (error.exit_status == 2) == (code == "usage")


def test_the_table_of_a_batch_and_the_code_in_its_report(tmp_path: Path) -> None:
    write_table(tmp_path / "f.jsonl", FEATURES)
    write_table(tmp_path / "l.csv", "clip_id,mos\na,3\na,4\n")
    (tmp_path / "m.json").write_text(
        '{"tables": [{"id": "one", "features": "f.jsonl", "labels": ["l.csv"], "out": "o.jsonl"}]}'
    )
    report = run_batch(tmp_path / "m.json")
    assert report["tables"][0]["error_code"] == "conflict"
    (spec,) = moslabels.load_manifest(tmp_path / "m.json").tables
    from moslabels.evidence.run import Run
    from moslabels.runs.table import label_table

    with pytest.raises(MosLabelsError) as caught:
        label_table(spec, Run())
    assert caught.value.table == "one"


POSITIONS = {"Check": 1, "fault": 2}
"""Where a code stands among the arguments of what makes an error."""


def test_every_code_is_used_and_no_other() -> None:
    """A code is written where the error is raised, so that a program can rely on the list."""
    used = set()
    for path in (Path(moslabels.__file__).parent).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "code":
                used |= {leaf.value for leaf in ast.walk(node.value) if isinstance(leaf, ast.Constant)} - {"bad"}
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_code":
                used.add(ast.literal_eval(node.value))
            if isinstance(node, ast.Call) and ast.unparse(node.func) in POSITIONS:
                code = node.args[POSITIONS[ast.unparse(node.func)] :][:1]
                used |= {leaf.value for place in code for leaf in ast.walk(place) if isinstance(leaf, ast.Constant)}
    assert {code for code in used if isinstance(code, str)} - {"mos_state"} == set(CODES)


class OfACallerError(TableError):
    """An error that somebody derived, with an argument of its own."""

    def __init__(self, message: str, owner: str) -> None:
        super().__init__(message, code="conflict", row=7)
        self.owner = owner


ERRORS: list[MosLabelsError] = [
    MosLabelsError("a", code="no-file", table="t", file="f.csv", column="c", row=3),
    UsageError("several", ["one", "two"]),
    UsageError("one"),
    NotDoneError("shard 3 is not done"),
    TableError("b", code="bad-score", file="f.csv", column="mos", row=9),
    GateError("few", file="f.csv", column="key", diagnosis={"unmatched": [{"key": "a"}]}),
    StatementError("failed", statement="a/b", sql="SELECT 1"),
    ResourceError("full", statement="a/b", sql="SELECT 1"),
    CancelledError("the run was cancelled"),
    OfACallerError("theirs", "me"),
]
WAYS: dict[str, Callable[[Any], Any]] = {
    **{
        f"pickle, protocol {number}": lambda error, number=number: pickle.loads(pickle.dumps(error, number))
        for number in range(pickle.HIGHEST_PROTOCOL + 1)
    },
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_survives_a_copy(error: MosLabelsError, way: str) -> None:
    error.add_note("seen in a test")
    again = WAYS[way](error)
    assert (type(again), again.args, str(again)) == (type(error), error.args, str(error))
    assert vars(again) == vars(error)
    assert again.exit_status == error.exit_status


def test_every_class_of_errors_is_copied_above() -> None:
    known, found = {MosLabelsError}, {MosLabelsError}
    while found:
        found = {below for above in found for below in above.__subclasses__()}
        known |= {kind for kind in found if kind.__module__ == "moslabels.base.errors"}
    assert known <= {type(error) for error in ERRORS}


def test_an_error_comes_out_of_a_pool_of_processes(tmp_path: Path) -> None:
    paths = [str(tmp_path / name) for name in ("f.csv", "l.csv", "o.csv")]
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        with pytest.raises(TableError, match=r"f\.csv: there is no such file") as caught:
            pool.submit(materialize, paths[0], [paths[1]], paths[2]).result(60)
        assert (caught.value.code, caught.value.file) == ("no-file", paths[0])
        assert pool.submit(len, "alive").result(60) == 5


FILES: list[tuple[tuple[Any, ...], str, str | None]] = [
    ((5, "Input/output error"), "Input/output error", None),
    ((5, "Input/output error", "a.csv"), "a.csv: Input/output error", "a.csv"),
    ((5, "Input/output error", b"a.csv"), "a.csv: Input/output error", "a.csv"),
    ((5, "Input/output error", "a.csv", None, "b.csv"), "b.csv: Input/output error", "b.csv"),
    ((21, "Is a directory", 18), "Is a directory", None),  # A handle.
]


@pytest.mark.parametrize(("arguments", "message", "file"), FILES)
def test_what_the_system_says_of_a_file(arguments: tuple[Any, ...], message: str, file: str | None) -> None:
    error = os_error(OSError(*arguments))
    assert (str(error), error.file) == (message, file)


FULL = """
import resource, sys
from moslabels.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
for name in ("f.jsonl", "f.json"):
    main(["materialize", "--features", name, "--labels", "l.csv", "--out", "o.jsonl", "--temp-dir", "temp"])
"""


def test_an_error_of_the_system_names_a_path_that_was_given(tmp_path: Path) -> None:
    rows = [{"clip_id": "a", "x": "x" * 100}] * 1000
    for name in ("f.jsonl", "f.json"):
        write_table(tmp_path / name, rows)
    write_table(tmp_path / "l.csv", LABELS)
    (tmp_path / "temp").mkdir()
    done = python("-c", FULL, cwd=tmp_path)
    assert done.stderr == (
        "moslabels: o.jsonl: File too large\n"
        "moslabels: temp: File too large (it is the folder for temporary files; name another as temp_dir)\n"
    )
    with pytest.raises(MosLabelsError, match=r"^/proc/self: .* \(it is the folder for temporary files; name another"):
        join(tmp_path / "f.jsonl", tmp_path / "l.csv", temp_dir="/proc/self")
