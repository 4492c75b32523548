"""Moves between folders, and the exchange of two names in one step, for which Python has no function."""

from __future__ import annotations

import ctypes
import errno
import os
from functools import cache
from typing import Any

from moslabels.files import platform
from moslabels.files.platform import UNSUPPORTED, Folder

_EXCHANGE = 2
NO_EXCHANGE = (errno.EINVAL, *UNSUPPORTED)
"""The error numbers of a file system that cannot exchange two names in one step."""


def move(source: Folder, name: str, target: Folder, new: str) -> None:
    """Rename a file or folder from one folder into another, in one step. It replaces a file, or an empty folder."""
    if source.handle is None or target.handle is None:
        os.replace(os.path.join(source.path, name), os.path.join(target.path, new))
    else:
        os.replace(name, new, src_dir_fd=source.handle, dst_dir_fd=target.handle)


def exchange(folder: Folder, name: str, other_folder: Folder, other: str) -> None:
    """Let two files or folders change places, in one step. Raise OSError with ENOSYS if the system cannot do so."""
    function = _renameat2() if platform.system.abilities.exchanges else None
    if function is None or folder.handle is None or other_folder.handle is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), name)
    if function(folder.handle, os.fsencode(name), other_folder.handle, os.fsencode(other), _EXCHANGE) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), name)


@cache
def _renameat2() -> Any:
    """Return the function of the C library; None if it has none."""
    try:
        function = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError, TypeError):
        return None
    function.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    return function
