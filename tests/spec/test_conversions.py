"""Tables in formats that are not read: the error has lines of Python, and these lines write a CSV that is read."""

from __future__ import annotations

import pickle
import runpy
import sys
from pathlib import Path

import pytest

from helpers.tables import write_table
from moslabels import UsageError, materialize

SCORES = {"a": 3.0, "b": 4.5}
SUFFIXES = [".py", ".pkl", ".pickle", ".xls", ".npy", ".npz", ".pt", ".pth", ".PKL"]


def told(path: str) -> str:
    with pytest.raises(UsageError) as raised:
        materialize("f.csv", [path], "o.csv")
    (problem,) = raised.value.problems
    return problem


def lines_of(path: str) -> str:
    return "import " + told(path).partition(": import ")[2]


def make(path: Path) -> None:
    columns = {"clip": list(SCORES), "mos": list(SCORES.values())}
    suffix = path.suffix.lower()
    if suffix == ".py":
        path.write_text(f"labels = {SCORES!r}\n", encoding="utf-8")
    elif suffix in (".pkl", ".pickle"):
        path.write_bytes(pickle.dumps(columns))
    else:
        numpy = pytest.importorskip("numpy", reason="arrays are written by numpy")
        rows = numpy.array(list(SCORES.items()), dtype=[("clip", "U9"), ("mos", "f8")])
        if suffix == ".npy":
            numpy.save(path, rows)
        else:
            numpy.savez(path, **{name: rows[name] for name in columns})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_table(tmp_path / "f.csv", [{"clip": "b"}, {"clip": "a"}])
    return tmp_path


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_error_has_three_lines_of_python(folder: Path, suffix: str) -> None:
    lines = lines_of(f"it's {suffix[1:]}{suffix}")
    compile(lines, "lines", "exec")
    assert lines.count("; ") == 2
    assert f"it's {suffix[1:]}.csv" in lines
    assert "\n" not in lines


@pytest.mark.parametrize("suffix", [".py", ".pkl", ".pickle", ".npy", ".npz"])
def test_the_lines_write_a_table_that_is_read(folder: Path, suffix: str) -> None:
    pytest.importorskip("pandas", reason="the lines need pandas")
    make(folder / f"l{suffix}")
    (folder / "lines.py").write_text(lines_of(f"l{suffix}"), encoding="utf-8")
    runpy.run_path("lines.py")
    audit = materialize("f.csv", ["l.csv"], "o.csv", feature_key_column="clip", label_key_column="clip")
    assert (audit["matched_rows"], audit["mos_stats"]["mean"]) == (2, 3.75)


def test_nothing_is_run_to_refuse_it(folder: Path) -> None:
    (folder / "l.py").write_text("import nowhere_at_all\nraise SystemExit(7)\n", encoding="utf-8")
    assert "a program is not run to read a table" in told("l.py")
    assert "nowhere_at_all" not in sys.modules


def test_an_output_has_no_lines(folder: Path) -> None:
    write_table(folder / "l.csv", [{"clip": "a", "mos": 3}])
    with pytest.raises(UsageError) as raised:
        materialize("f.csv", ["l.csv"], "o.pkl")
    assert not any("import" in problem for problem in raised.value.problems)


@pytest.mark.parametrize(
    ("suffix", "says"),
    [
        (".pkl", "; opening it can run a program, so convert it only if you trust"),
        (".xls", "; save the sheet as CSV: "),
    ],
)
def test_what_to_know_before(folder: Path, suffix: str, says: str) -> None:
    assert says in told(f"l{suffix}")
