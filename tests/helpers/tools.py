"""Run other tools, which find this Python, its programs and the package first."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def run(*command: str, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command with more variables in its environment."""
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": programs, "PYTHONPATH": os.pathsep.join(sys.path), **more}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
