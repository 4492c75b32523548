"""What engines call in workers that may lack moslabels."""

from __future__ import annotations

import marshal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from moslabels import TableError
from moslabels.base.version import __version__
from moslabels.parts.answers import opened
from moslabels.parts.anywhere import anywhere

ELSEWHERE = """
import marshal, sys, types
code = marshal.loads(bytes.fromhex(sys.argv[1]))
sys.stdout.buffer.write(types.FunctionType(code, {"__builtins__": __builtins__})(b""))
"""
"""A Python without moslabels that has nothing of a function but its code."""


@pytest.mark.parametrize("has_some", [False, True])
def test_a_worker_without_moslabels_says_so(tmp_path: Path, has_some: bool) -> None:
    missing = "No module named 'moslabels'"
    if has_some:  # It has the package, and lacks what that needs.
        (tmp_path / "moslabels").mkdir()
        (tmp_path / "moslabels" / "__init__.py").write_text("import duckdb_of_another_world")
        missing = "No module named 'duckdb_of_another_world'"
    code = marshal.dumps(anywhere().__code__).hex()
    done = subprocess.run(
        [sys.executable, "-S", "-c", ELSEWHERE, code], cwd=tmp_path, env={}, capture_output=True, check=True
    )
    says = rf"a worker on {socket.gethostname()} cannot import moslabels: {missing}; install moslabels {__version__}, "
    with pytest.raises(TableError, match=says):
        opened(done.stdout)
