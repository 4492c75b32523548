"""Compiled templates are kept for later runs, and used only if they are what would be compiled now."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

from moslabels.engine.statements import sql_folder

TEMPLATE = "labels/60_label_columns"
SCRIPT = f"""
import jinja2
compiled = 0
compile = jinja2.Environment.compile
def counted(*arguments, **keywords):
    global compiled
    compiled += 1
    return compile(*arguments, **keywords)
jinja2.Environment.compile = counted
from moslabels.engine.statements import render
print(render("{TEMPLATE}", {{"missing": 1}}, typed_extras=(), is_of_used=False).sql)
print(compiled)
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package and its templates, in which nothing is compiled."""
    sources = sql_folder()
    no_caches = ignore_patterns("__pycache__")
    copytree(Path(__file__).parents[2] / "moslabels", tmp_path / "moslabels", ignore=no_caches)
    copytree(sources, tmp_path / "sql", ignore=no_caches, dirs_exist_ok=True)
    return tmp_path


def rendered(package: Path, **environment: str) -> tuple[str, int]:
    """Return the text of a template in a new process, and how many templates it compiled."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**inherited, "PYTHONPATH": str(package), **environment},
        cwd=package,
        capture_output=True,
        text=True,
        check=True,
    )
    text, _, compiled = done.stdout.rstrip("\n").rpartition("\n")
    return text, int(compiled)


def kept(package: Path) -> Path:
    (found,) = (package / "sql" / "labels" / "__pycache__").iterdir()
    return found


def damage(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def test_a_later_run_compiles_nothing(package: Path) -> None:
    text, compiled = rendered(package)
    assert "FROM labels" in text
    assert compiled == 1
    assert rendered(package) == (text, 0)


def test_a_changed_template_is_compiled_again_even_if_its_time_and_size_are_those_of_before(package: Path) -> None:
    rendered(package)
    template = package / "sql" / f"{TEMPLATE}.sql"
    before = template.stat()
    template.write_text(template.read_text(encoding="utf-8").replace("'ok'", "'no'"), encoding="utf-8")
    os.utime(template, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert template.stat().st_size == before.st_size
    text, compiled = rendered(package)
    assert "CAST('no' AS ENUM ('no', 'missing-label'))" in text
    assert compiled == 1


def test_changed_filters_compile_again(package: Path) -> None:
    """Jinja calls a filter of a constant when it compiles."""
    rendered(package)
    module = package / "moslabels" / "engine" / "statements.py"
    module.write_text(module.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert rendered(package)[1] == 1


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: damage(path, 0),
        lambda path: damage(path, -1),
        lambda path: path.write_bytes(path.read_bytes()[:-9]),
        lambda path: path.write_bytes(b""),
    ],
    ids=["digest", "code", "cut", "empty"],
)
def test_what_is_damaged_is_compiled_again_and_replaced(package: Path, harm: Callable[[Path], object]) -> None:
    text, _ = rendered(package)
    harm(kept(package))
    assert rendered(package) == (text, 1)
    assert rendered(package) == (text, 0)


def test_nothing_is_kept_where_python_keeps_nothing(package: Path) -> None:
    assert rendered(package, PYTHONDONTWRITEBYTECODE="1")[1] == 1
    assert not list(package.rglob("__pycache__"))


def test_a_folder_that_cannot_be_written_to_is_no_fault(package: Path) -> None:
    (package / "sql" / "labels" / "__pycache__").write_text("")
    assert rendered(package) == rendered(package)
    assert rendered(package)[1] == 1


def test_it_is_kept_where_python_is_told_to_keep_its_own(package: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    assert rendered(package, PYTHONPYCACHEPREFIX=str(elsewhere))[1] == 1
    assert rendered(package, PYTHONPYCACHEPREFIX=str(elsewhere))[1] == 0
    assert not (package / "sql" / "labels" / "__pycache__").exists()
