"""Paths that are written as URLs."""

from __future__ import annotations

import os
import re
from urllib.parse import unquote

from moslabels.base.text import shown

# A scheme by RFC 3986, also with the prefixes that fsspec chains before it. One slash is enough, because pathlib makes
# one of two; but then the scheme has several letters, because one letter is a drive (C:/).
_URL = re.compile(r"\s*((?:[a-z][a-z0-9+.-]*::)*([a-z][a-z0-9+.-]*):)(?://|(?<=[a-z0-9+.-]{2}:)/)", re.IGNORECASE)


_FILE_URL = re.compile(r"\s*file:(?://(?:localhost)?(?=/)|(?=/))", re.IGNORECASE)


def is_url(path: str) -> bool:
    """Return whether a path is written like a URL: s3://bucket/x, or s3:/bucket/x."""
    return _URL.match(path) is not None


def url_problem(path: str, base: str | os.PathLike[str] = "") -> str | None:
    """Return why a URL cannot be opened and what to do, or None if the path is not a URL.

    A path with a single slash is not a URL if ``base`` has a folder of that name.
    """
    url = _URL.match(path)
    if url is None or (path[url.end(1) :][:2] != "//" and os.path.isdir(os.path.join(base, url[1]))):
        return None
    if of_file := _FILE_URL.match(path):
        return f"is a URL, and a path is wanted: write {shown(unquote(path[of_file.end() :]))}"
    return (
        f"is a URL ({url[2]}:), and only files of this machine are opened: download it or mount it first, and upload "
        "what was written; a path that really begins so is written with ./ before it"
    )
