"""``python -m moslabels``."""

from __future__ import annotations

from moslabels.cli import run

run()
