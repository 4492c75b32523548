"""Opening of files that users name: once, and only if they are regular files."""

from __future__ import annotations

import errno
import io
import os
import stat

from moslabels.base.errors import is_from_outside
from moslabels.files import platform
from moslabels.files.contents import absence_advice


def open_regular(path: str | os.PathLike[str]) -> io.BufferedReader:
    """Open a regular file to read it. Raise OSError if it is a pipe, a device or a folder, or is not there.

    A path is the name of a local file: a scheme such as ``s3://`` has no meaning here.
    """
    try:
        _check_kind(path, os.stat(path).st_mode)
        handle = platform.system.open_to_read(path)  # This must not wait if a pipe has taken its place meanwhile.
    except ValueError as error:  # A path with a NUL character or half a surrogate pair.
        if is_from_outside(error):
            raise
        raise OSError(errno.EINVAL, "is not a name that a file can have", path) from error
    try:
        _check_kind(path, os.fstat(handle).st_mode)
        platform.system.set_waiting(handle)
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def _check_kind(path: str | os.PathLike[str], mode: int) -> None:
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "not a regular file"
        raise OSError(errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL, f"is {kind}", path)


def reason(error: OSError) -> str:
    """Return why a file cannot be read, to stand after its name. Raise ``error`` itself if it came from outside."""
    if is_from_outside(error):
        raise error
    if isinstance(error, FileNotFoundError):
        path = error.filename
        return f"there is no such file{absence_advice(path) if isinstance(path, str) else ''}"
    said = error.strerror or str(error)
    return said if said.startswith("is ") else f"cannot be read: {said}"
