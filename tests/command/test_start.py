"""What a command loads, and how its process ends: what it does not use costs no time."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.io

from helpers.command import python

HEAVY = {"duckdb", "pyarrow", "jinja2", "numpy", "pandas"}
OTHERS = {
    "moslabels.suggestions",
    "moslabels.runs.init",
    "moslabels.runs.verify",
    "moslabels.runs.diff",
    "moslabels.runs.views",
    "moslabels.evidence.json_schema",
    "moslabels.labelling.part_features",
    "moslabels.parts.worker",
    "moslabels.parts.workers",
    "moslabels.runs.part_table",
    "moslabels.sources.parquet_parts",
    "h5py",
    "openpyxl",
    "pandas",
    "polars",
    "python_calamine",
    "scipy",
    "shtab",
}


def loaded(arguments: list[str], folder: Path) -> set[str]:
    """The modules that are loaded when a command ends."""
    code = (
        "import json, sys\n"
        "from moslabels.cli import main\n"
        "try:\n"
        "    main(sys.argv[1:])\n"
        "except SystemExit:\n"
        "    pass\n"
        "json.dump(sorted(sys.modules), open('modules.json', 'w'))\n"
    )
    python("-c", code, *arguments, cwd=folder)
    return {*json.loads((folder / "modules.json").read_text())}


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["options"], ["options", "mos_scale"], ["batch", "--help"], ["labels"]],
    ids=str,
)
def test_what_reads_no_table_loads_no_engine(arguments: list[str], tmp_path: Path) -> None:
    modules = loaded(arguments, tmp_path)
    assert "moslabels.command.commands" in modules
    assert sorted(modules & HEAVY) == []


LABELLING = ["--labels", "l.csv", "--audit-json", "a.json", "--unmatched", "u.csv"]
FORMATS = [
    ("f.parquet", "o.parquet"),
    ("f.csv", "o.csv"),
    ("f.jsonl", "o.json"),
    ("f.parquet", "o.jsonl"),
    ("f.arrow", "o.parquet"),
]


@pytest.mark.parametrize(("features", "out"), FORMATS)
def test_a_labelling_loads_nothing_of_other_commands(tmp_path: Path, features: str, out: str) -> None:
    """With many rows, a long text and none."""
    pq.write_table(pa.table({"key": ["a", "b"] * 2000, "x": [0.5, None] * 2000}), tmp_path / "f.parquet")
    frames = pa.table({"key": ["a"] * 9000 + ["b"] * 9000})
    with pa.ipc.new_file(tmp_path / "f.arrow", frames.schema) as file:
        file.write_table(frames)
    (tmp_path / "f.csv").write_text("key,x,y\na,1,+1.5\nb,,nan\n")
    (tmp_path / "f.jsonl").write_text('{"key": "a", "x": [1, null]}\n{"key": "b", "x": null}\n')
    (tmp_path / "l.csv").write_text(f"key,mos,split\na,3,{'long' * 500}\nb,4,\n")
    files = [*("--features", features), *LABELLING, *("--out", out)]
    modules = loaded(["materialize", *files], tmp_path)
    assert (tmp_path / "a.json").exists()
    assert {"duckdb", "pyarrow", "moslabels.runs.table"} <= modules
    by_duckdb = {"pandas"} if duckdb.__version__.startswith("1.") else set()  # It imports pandas to bind a value.
    assert sorted(modules & OTHERS - by_duckdb) == []


LAST_WORDS = """
import json, os, sys
from moslabels import cli

def end(status):
    json.dump([status, sorted(sys.modules)], open("end.json", "w"))
    raise SystemExit

os._exit = end
cli.run()
"""


@pytest.mark.skipif(duckdb.__version__.startswith("1."), reason="this DuckDB imports pandas to bind a value")
@pytest.mark.parametrize(
    ("labels", "flags", "has_numpy"),
    [("l.csv", [], False), ("l.csv", ["--engine", "local"], True), ("l.mat", [], True)],
    ids=["a table", "an engine may hand arrays to pyarrow", "a file that numpy reads"],
)
def test_a_process_loads_numpy_if_it_uses_it(tmp_path: Path, labels: str, flags: list[str], has_numpy: bool) -> None:
    (tmp_path / "f").mkdir()
    pq.write_table(pa.table({"key": ["a", "b"]}), tmp_path / "f" / "p.parquet")
    (tmp_path / "l.csv").write_text("key,mos\na,3\nb,4.5\n")
    scipy.io.savemat(tmp_path / "l.mat", {"key": np.array(["a", "b"]), "mos": np.array([3, 4.5])})
    files = ["--features", "f", "--labels", labels, "--out", "o"]
    done = python("-c", LAST_WORDS, "materialize", *files, *flags, cwd=tmp_path)
    status, modules = json.loads((tmp_path / "end.json").read_text())
    assert (status, "pyarrow.lib" in modules) == (0, True), done.stderr
    assert ("numpy" in modules) == has_numpy
    assert pq.read_table(tmp_path / "o" / "p.parquet")["mos"].to_pylist() == [3, 4.5]


def test_a_process_ends_at_once_with_its_status_and_all_that_it_wrote(tmp_path: Path) -> None:
    code = (
        "import atexit, sys\n"
        "from moslabels.cli import run\n"
        "atexit.register(print, 'taken down')\n"
        "sys.argv[1:] = ['materialize', '--features', 'f.csv', '--labels', 'none.csv', '--out', 'o.csv']\n"
        "print('begun')\n"
        "run()\n"
    )
    (tmp_path / "f.csv").write_text("key,x\na,1\n")
    ended = python("-c", code, cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (1, "begun\n")
    assert "none.csv" in ended.stderr
