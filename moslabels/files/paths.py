"""Paths as the system understands them."""

from __future__ import annotations

import os


def absolute(path: str) -> str:
    """Return the absolute path of the file that the system opens.

    After a link, ``..`` is the folder that holds the target of the link.
    """
    folder, name = os.path.split(path)
    return os.path.join(os.path.realpath(folder), name)


def from_anywhere(path: str) -> str:
    """Return a path that opens the same file from another working folder. Links stay: machines may have their own."""
    return os.path.join(os.getcwd(), path)
