"""Compiled templates, kept beside their sources as Python keeps its own modules: in ``__pycache__``.

What is read is code, so it is believed as far as the package itself, which lies in the same folders. It is used only if
it was compiled from this source, by this Python and Jinja, with these filters.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import sys
from functools import cache
from importlib import metadata
from importlib.util import MAGIC_NUMBER, cache_from_source
from pathlib import Path
from types import CodeType

from moslabels.base.errors import ignored, is_from_outside

_NO_PLACE = (OSError, NotImplementedError)
"""What is raised if nothing can be kept: the folder is read-only, or Python keeps nothing."""


def checksum(source: str) -> str:
    """Return the digest of a template and of what compiles it: the same digest means the same code."""
    return hashlib.sha256(_compiler() + source.encode()).hexdigest()


def read(path: str, checksum: str) -> CodeType | None:
    """Return the code of a template, or None if it must be compiled: none is kept, or that of another checksum."""
    try:
        kept = Path(cache_from_source(path)).read_bytes()
    except _NO_PLACE as error:
        if is_from_outside(error):
            raise
        return None
    code = kept[_LENGTH:]
    # A damaged file is not read: marshal believes all that it is given.
    return marshal.loads(code) if kept[:_LENGTH] == _head(checksum, code) else None  # noqa: S302


def keep(path: str, checksum: str, code: CodeType) -> None:
    """Write the code of a template for later runs, whole or not at all, where Python may write its own."""
    if sys.dont_write_bytecode:
        return
    with ignored(*_NO_PLACE):
        kept = cache_from_source(path)
        os.makedirs(os.path.dirname(kept), exist_ok=True)
        dumped = marshal.dumps(code)
        staged = f"{kept}.{os.getpid()}"
        try:
            with open(staged, "xb") as file:
                file.write(_head(checksum, dumped) + dumped)
            os.replace(staged, kept)
        except BaseException:
            with ignored(OSError):
                os.unlink(staged)
            raise


_LENGTH = hashlib.sha256().digest_size


def _head(checksum: str, code: bytes) -> bytes:
    return hashlib.sha256(checksum.encode() + code).digest()


@cache
def _compiler() -> bytes:
    """Return what compiles: Python, Jinja, and the module with the filters, whose results may stand in the code."""
    filters = Path(__file__).with_name("statements.py").read_bytes()
    return hashlib.sha256(b"\0".join((MAGIC_NUMBER, metadata.version("jinja2").encode(), filters))).digest()
