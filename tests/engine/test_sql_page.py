"""sql/README.md: what it says to type runs, and shows what it says."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import duckdb
import pytest

from helpers.pages import run_line
from helpers.paths import ROOT
from moslabels.engine.statements import sql_folder

PAGE = sql_folder() / "README.md"


def test_the_walk_of_one_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    page = PAGE.read_text(encoding="utf-8")
    (commands,) = re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    compiling, shell = commands.splitlines()
    assert shell == "duckdb -init natural.sql"
    run_line(compiling, capsys)
    walk = re.findall(r"^```sql\n(.*?)^```\n\n(\|.*?)\n\n", page, re.MULTILINE | re.DOTALL)
    assert len(walk) == page.count("```sql")
    with duckdb.connect() as connection:
        results = [
            connection.execute(statement).fetchall()
            for statement in connection.extract_statements(Path("natural.sql").read_text(encoding="utf-8"))
        ]
        for query, table in walk:
            shown = [tuple(line.strip("| ").split(" | ")) for line in table.splitlines()]
            found = connection.sql(query)
            assert [tuple(found.columns), *(tuple(map(str, row)) for row in found.fetchall())] == [shown[0], *shown[2:]]
    label_columns, label_ids = results[-4:-2]
    assert [label_id for (label_id,) in label_ids[3:6]] == [1, 1, 1]
    assert label_columns[1][:2] == (2.08, 27.0)
    assert label_columns[-1][:3] == (None, None, "missing-label")


def test_the_page_names_every_folder() -> None:
    folders = PAGE.read_text(encoding="utf-8").partition("## The folders")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.*?`) \|", folders, re.MULTILINE)
    named = re.findall(r"`(.*?)`", " ".join(rows))
    assert sorted(named) == sorted(
        path.relative_to(sql_folder()).as_posix()
        for path in sql_folder().rglob("*")
        if path.is_dir() and path.name != "__pycache__"
    )


def test_the_links_and_files_of_the_page_are_there() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)]+)\)", page):
        assert (sql_folder() / link).is_file(), link
    for folder, number in re.findall(r"`?(labels|match)/([0-9]+)\b", page):
        assert list((sql_folder() / folder).glob(f"{number}_*.sql")), (folder, number)
