"""Audits, reports and the evidence in labelled tables, read back."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field

from moslabels.base.errors import is_from_outside


@dataclass
class Reach:
    """The folder in which the paths of documents are to lie. ``outside`` has those that do not, in order.

    ``is_only`` refuses to open these.
    """

    root: str = ""
    is_only: bool = False
    outside: dict[str, None] = field(default_factory=dict)

    def check(self, path: str) -> None:
        """Note a path that a document names. Raises OSError where it must not be opened."""
        try:
            root = os.path.realpath(self.root)
            is_inside = os.path.commonpath([root, os.path.realpath(path)]) == root
        except ValueError as error:
            if is_from_outside(error):
                raise
            raise OSError(errno.EINVAL, "is no name that a file can have", path) from error
        if not is_inside:
            self.outside[path] = None
            if self.is_only:
                raise OSError(errno.EACCES, f"is outside of {root}, and --only-root refuses that", path)
