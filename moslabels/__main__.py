"""``python -m moslabels``."""

from __future__ import annotations

import sys

from moslabels.cli import main

sys.exit(main())
