"""A format is one class and one line in each registry: one that is made up here is read, written and read back."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

import moslabels
from moslabels import MosLabelsError, join, materialize
from moslabels.engine.statements import sql_folder
from moslabels.files.workspace import Workspace
from moslabels.runs.diff import diff
from moslabels.runs.verify import verify
from moslabels.sources.csv_file import CsvFile
from moslabels.sources.json_file import JsonLinesFile
from moslabels.sources.opening import READERS
from moslabels.sources.part import Part
from moslabels.spec.formats import FORMATS, format_problem
from moslabels.writers.csv import CsvWriter
from moslabels.writers.write import TEXT_WRITERS, WRITERS


class PairsFile(JsonLinesFile):
    """A row a line, ``name=value`` after ``name=value``: statements read a copy as JSON lines."""

    def lines(self, workspace: Workspace, part: Part) -> str:
        copy = workspace.new_copy(part.path, ".jsonl")
        rows = Path(part.file).read_text(encoding="utf-8").splitlines()
        objects = [json.dumps(dict(pair.split("=") for pair in row.split())) for row in rows]
        Path(copy).write_text("\n".join(objects), encoding="utf-8")
        return copy


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORMATS, ".psv", "psv")
    monkeypatch.setitem(READERS, "psv", CsvFile("|"))
    monkeypatch.setitem(WRITERS, "psv", CsvWriter("|"))
    monkeypatch.setitem(FORMATS, ".pairs", "pairs")
    monkeypatch.setitem(READERS, "pairs", PairsFile())


@pytest.mark.usefixtures("made_up")
def test_a_made_up_format_is_read_written_and_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("f.psv").write_text('key|t\nb|"x|y"\na|z\n', encoding="utf-8")
    Path("l.pairs").write_text("key=a mos=3\nkey=b mos=4.5\n", encoding="utf-8")
    audit = materialize("f.psv", "l.pairs", "o.psv", "a.json")
    assert Path("o.psv").read_text(encoding="utf-8") == (
        "key|t|mos|mos_raw_0_100|mos_label_status|mos_label_source\n"
        'b|"x|y"|4.5|87.5|ok|l.pairs\n'
        "a|z|3.0|50.0|ok|l.pairs\n"
    )
    assert audit["matched_rows"] == 2
    assert verify(["a.json"])["status"] == "ok"
    assert diff("a.json", "a.json")["tables"][0]["changed"]["count"] == 0
    joined = join("f.psv", "l.pairs").table
    assert joined.column("t").to_pylist() == ["x|y", "z"]
    assert joined.column("mos").to_pylist() == [4.5, 3]


@pytest.mark.usefixtures("made_up")
def test_a_made_up_format_is_among_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(MosLabelsError, match=r"features: .*\.tsv .*\.psv \.pairs"):
        materialize(tmp_path / "f.xyz", tmp_path / "l.csv", tmp_path / "o.csv")


def test_every_format_has_a_reader_and_a_writer() -> None:
    assert set(FORMATS.values()) == READERS.keys()
    assert {FORMATS[suffix] for suffix in FORMATS if not format_problem(f"o{suffix}", "out")} == WRITERS.keys()
    assert {FORMATS[suffix] for suffix in FORMATS if not format_problem(f"o{suffix}.gz", "out")} == TEXT_WRITERS.keys()


PACKAGE = Path(moslabels.__file__).parent
REGISTRIES = {"spec/formats.py", "sources/opening.py", "writers/write.py"}
# The styles in which a query prints its answer have names of their own.
OTHERS = {"command/arguments.py", "command/results.py"}


def test_nothing_else_asks_for_the_name_of_a_format() -> None:
    names = {*FORMATS.values()}
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        module = path.relative_to(PACKAGE).as_posix()
        if module in REGISTRIES | OTHERS:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            asked = [node.left, *node.comparators] if isinstance(node, ast.Compare) else []
            texts = [one.value for part in asked for one in ast.walk(part) if isinstance(one, ast.Constant)]
            found += [f"{module}:{node.lineno}" for text in texts if text in names]
    assert found == []


def test_no_statement_asks_for_the_name_of_a_format() -> None:
    names = "|".join(map(re.escape, {*FORMATS.values(), "arrow"}))
    asks = re.compile(rf"[{{]%-?\s*(?:el)?if[^%]*'(?:{names})'")
    assert [path.name for path in sql_folder().rglob("*.sql") if asks.search(path.read_text(encoding="utf-8"))] == []
