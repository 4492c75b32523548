"""Links of the page to files, relative to the page."""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True)
class Links:
    """Links from a page at ``page`` to other files. A page that is written nowhere has no links."""

    page: str | None

    def to(self, path: str) -> str | None:
        """Return the link to a file: relative, and so quoted that no name of a file becomes a scheme or a host.

        Return None if there can be none.
        """
        if self.page is None or not path or "\0" in path:
            return None
        try:
            between = os.path.relpath(path, os.path.dirname(self.page) or os.curdir)
            quoted = quote(os.fsencode(between.replace(os.sep, "/")), safe="/")
        except ValueError:  # It is on another drive, or no name that a file can have.
            return None
        return quoted if quoted.startswith("../") else f"./{quoted}"
