"""What the processes of the command need not import."""

from __future__ import annotations

import sys
from typing import Any


class _NumpyForPyarrow:
    """Finds numpy missing for pyarrow. Whoever else imports it gets it."""

    def find_spec(self, name: str, *_: Any) -> None:
        if name == "numpy" and _importer().partition(".")[0] == "pyarrow":
            raise ModuleNotFoundError("pyarrow is used without numpy here", name=name)


def _importer() -> str:
    """Return the name of the module that imports what is being looked for."""
    frame = sys._getframe()
    names = (__name__, "importlib", "_frozen_importlib")
    while frame.f_back is not None and frame.f_globals["__name__"].startswith(names):
        frame = frame.f_back
    return str(frame.f_globals["__name__"])


def leave_out_numpy() -> None:
    """Let pyarrow load without numpy, which it imports if it is installed, and which nothing here lets it use.

    That takes as long as pyarrow itself. It holds for the process, so this is for one that is all our own: in another,
    arrays of numpy go to pyarrow.
    """
    sys.meta_path.insert(0, _NumpyForPyarrow())
