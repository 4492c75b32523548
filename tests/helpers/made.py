"""Folders that are made once, and given to each test as a copy."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def working_in(folder: Path) -> Iterator[Path]:
    """Work in a folder: what is made for several tests has no monkeypatch."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield folder
    finally:
        os.chdir(before)


def copied(made: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copy a folder, with the times of its files, into another one, and work there."""
    shutil.copytree(made, folder, symlinks=True, dirs_exist_ok=True)
    monkeypatch.chdir(folder)
    return folder
