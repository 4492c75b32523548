"""What the tests of the pages share."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from helpers.paths import ROOT


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the examples, in the folder above which commands run."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("out"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "examples"
