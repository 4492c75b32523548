"""The examples in the docstrings of the interface run, in the folder that they name."""

from __future__ import annotations

import doctest
import shutil
from pathlib import Path

import pytest

import moslabels

QUICKSTART = Path(__file__).parents[2] / "examples" / "quickstart"


@pytest.mark.parametrize("name", ["explain", "join", "load_manifest", "materialize", "run_batch", "suggest"])
def test_the_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    shutil.copytree(QUICKSTART, tmp_path / "quickstart")
    monkeypatch.chdir(tmp_path / "quickstart")
    (example,) = doctest.DocTestFinder(recurse=False).find(getattr(moslabels, name), name, module=False, globs={})
    assert example.examples
    said: list[str] = []
    assert doctest.DocTestRunner().run(example, out=said.append).failed == 0, "".join(said)
