"""The flags that say who labels parts: what they refuse, in one message and before anything is written."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.command import moslabels
from helpers.many import OPTIONS, files, write_parts
from helpers.tables import write_table
from moslabels.spec import engines

PARTS = {
    "id": "parts",
    "features": "features",
    "labels": ["labels.csv"],
    "out": "out",
    "audit_json": "a.json",
    **OPTIONS,
}
ONE = {
    "id": "one",
    "features": "one.csv",
    "labels": ["labels.csv"],
    "out": "one.parquet",
    "audit_json": "one.json",
    "feature_key_column": "clip",
    "label_key_column": "clip",
    "min_match_rate": 0.5,
}
COMMANDS = {
    "batch": ["batch", "m.json"],
    "materialize": (
        "materialize --features features --labels labels.csv --out out --partitions corpus --match-rate-by corpus "
        "--feature-key-column corpus --feature-key-column clip --label-key-column corpus --label-key-column clip "
        "--min-match-rate 0.5"
    ).split(),
    "verify": ["verify", "a.json"],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_parts(tmp_path)
    write_table(tmp_path / "one.csv", [{"clip": "1"}])
    write_table(tmp_path / "csv" / "0.csv", [{"clip": "1"}])
    for name, table in (("m", PARTS), ("one.m", ONE), ("csv.m", {**ONE, "features": "csv", "out": "out"})):
        write_table(tmp_path / f"{name}.json", json.dumps({"tables": [table]}))
    return tmp_path


@pytest.mark.parametrize("engine", list(engines.ENGINES))
@pytest.mark.parametrize("command", list(COMMANDS))
def test_an_engine_that_is_not_installed_says_what_to_install(
    folder: Path, command: str, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The package of each engine is one that nobody has, whatever is installed here."""
    absent = {name: replace(entry, package=f"absent_{name}") for name, entry in engines.ENGINES.items()}
    monkeypatch.setattr(engines, "ENGINES", absent)
    before = files(folder)
    done = moslabels(*COMMANDS[command], "--engine", engine, cwd=folder)
    says = f"moslabels: engine {engine} needs the package absent_{engine}: pip install 'moslabels[{engine}]'\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", says)
    assert files(folder) == before


def test_each_engine_is_installed_by_the_extra_that_its_error_names() -> None:
    extras = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    for entry in engines.ENGINES.values():
        assert re.search(rf"^{entry.extra} = \[.*\"{entry.package}[\[>=]", extras, re.MULTILINE), entry


WRONG = {
    "an unknown engine": (["--engine", "slurm"], r"--engine.*slurm"),
    "an address without an engine": (["--address", "a:1"], "address: is that of an engine; name the engine too"),
    "an address of this machine": (["--engine", "local", "--address", "a:1"], "address: is that of an engine"),
    "workers that are none": (["--engine", "local", "--workers", "two"], '"two" is not a whole number'),
    "no worker": (["--engine", "local", "--workers", "0"], "workers"),
    "workers below": (["--workers", "-1"], "workers"),
}


@pytest.mark.parametrize("command", list(COMMANDS))
@pytest.mark.parametrize("case", list(WRONG))
def test_flags_that_do_not_fit_are_refused(folder: Path, case: str, command: str) -> None:
    flags, says = WRONG[case]
    before = files(folder)
    done = moslabels(*COMMANDS[command], *flags, cwd=folder)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert re.search(says, done.stderr), done.stderr
    assert files(folder) == before


@pytest.mark.parametrize(
    ("manifest", "says"),
    [
        ("one.m.json", "engine: labels the parts of tables of many parts, and all features are single files"),
        ("csv.m.json", "csv: .*Parquet"),
    ],
)
def test_tables_that_have_no_parts_to_label_are_refused(folder: Path, manifest: str, says: str) -> None:
    before = files(folder)
    done = moslabels("batch", manifest, "--engine", "local", cwd=folder)
    assert done.returncode in (1, 2), done.stderr
    assert re.search(says, done.stderr), done.stderr
    assert files(folder) == before


def test_processes_of_this_machine_are_an_engine_too(folder: Path) -> None:
    assert moslabels(*COMMANDS["batch"], cwd=folder).returncode == 0
    here = files(folder / "out")
    assert moslabels(*COMMANDS["batch"], "--engine", "local", "--workers", "2", cwd=folder).returncode == 0
    assert files(folder / "out") == here
    done = moslabels(*COMMANDS["verify"], "--engine", "local", "--workers", "2", cwd=folder)
    assert (done.returncode, done.stdout) == (0, "a.json (audit): all of it holds\n"), done


def test_verify_says_that_it_needed_no_engine(tmp_path: Path) -> None:
    write_table(tmp_path / "one.csv", [{"clip": "1"}])
    write_table(tmp_path / "labels.csv", [{"clip": "1", "mos": 3}])
    write_table(tmp_path / "m.json", json.dumps({"tables": [ONE]}))
    assert moslabels("batch", "m.json", cwd=tmp_path).returncode == 0
    done = moslabels("verify", "one.json", "--engine", "local", cwd=tmp_path)
    says = "  beside it: engine: was not needed: no table of many parts was labelled again\n"
    assert (done.returncode, done.stdout) == (0, f"one.json (audit): all of it holds\n{says}"), done
