"""The notebook: kept without outputs; its cells run, and show tables."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from helpers.paths import ROOT

NOTEBOOK = ROOT / "examples" / "notebook" / "label_a_table.ipynb"
CELLS = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
CODE = ["".join(cell["source"]) for cell in CELLS if cell["cell_type"] == "code"]
SHOWN = [
    "moslabels rules for",
    None,
    "moslabels key of",
    "The first of 12 rows",
    None,
    "out/labelled.parquet",
    "all of it holds",
]
"""What the HTML of each cell of code has in it; None if the cell shows no result of moslabels."""


def test_it_is_kept_without_outputs() -> None:
    code = [cell for cell in CELLS if cell["cell_type"] == "code"]
    assert [(cell["outputs"], cell["execution_count"]) for cell in code] == [([], None)] * len(SHOWN)


def test_its_cells_run(copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The last expression of a cell is what a notebook shows."""
    monkeypatch.chdir(copy / "notebook")
    names: dict[str, Any] = {}
    for cell, shown in zip(CODE, SHOWN, strict=True):
        tree = ast.parse(cell)
        last = ast.Expression(tree.body.pop().value) if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "notebook", "exec"), names)
        value = eval(compile(last, "notebook", "eval"), names) if last is not None else None
        if shown is not None:
            assert shown in value._repr_html_()
    assert names["joined"].audit["match_rate"] == 1.0
    assert capsys.readouterr().out.startswith("MOS label match rate 0.000 below")


@pytest.mark.integration
@pytest.mark.filterwarnings("ignore")  # of the packages that run it
def test_a_kernel_runs_it(copy: Path) -> None:
    needs = "needs {}: pip install -e '.[integrations]'"
    packages = ("nbformat", "nbclient", "ipykernel")
    nbformat, nbclient, _ = [pytest.importorskip(name, reason=needs.format(name)) for name in packages]
    path = copy / "notebook" / NOTEBOOK.name
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(path.parent)}}).execute()
    outputs = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    for output, shown in zip(outputs, SHOWN, strict=True):
        if shown is not None:
            assert shown in output[0]["data"]["text/html"]
            assert output[0]["data"]["text/plain"].startswith("<moslabels ")
