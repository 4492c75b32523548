"""What `import moslabels` gives."""

from __future__ import annotations

import subprocess
import sys
from itertools import permutations

import pytest

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
