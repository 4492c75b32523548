"""Paths as the system understands them."""

from __future__ import annotations

import os


def absolute(path: str) -> str:
    """Return the absolute path of the file that the system opens.

    After a link, ``..`` is the folder that holds the target of the link.
    """
    folder, name = os.path.split(path)
    return os.path.join(os.path.realpath(folder), name)
