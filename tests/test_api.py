"""What `import moslabels` gives."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import permutations
from pathlib import Path

import pytest
from conftest import write_table

import moslabels

ORDERS = list(permutations(["materialize", "load_manifest", "run_batch"]))


@pytest.mark.parametrize("names", ORDERS)
def test_names_are_functions_in_whatever_order_they_are_imported(names: tuple[str, ...]) -> None:
    code = (
        f"from moslabels import {', '.join(names)}\nimport moslabels\nassert all(map(callable, ({', '.join(names)})))\n"
    )
    code += "assert callable(moslabels.materialize) and callable(moslabels.run_batch)"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})


def test_all_is_there_and_nothing_else_is_promised() -> None:
    assert all(hasattr(moslabels, name) for name in moslabels.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        moslabels.nonsense  # noqa: B018
    assert issubclass(moslabels.MosLabelsError, ValueError)


def test_the_call_that_the_contract_shows(tmp_path: Path) -> None:
    features, labels = (write_table(tmp_path / name, [{"key": "a", "mos": 3}]) for name in ("f.csv", "l.csv"))
    features.write_text("clip\na\n")
    written = tmp_path / "a.json"
    audit = moslabels.materialize(features, [labels], tmp_path / "o.csv", written, feature_key_column="clip")
    assert json.loads(written.read_text()) == audit
