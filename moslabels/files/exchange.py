"""The exchange of two names in one step: a call of Linux for which Python has no function."""

from __future__ import annotations

import ctypes
import errno
import os
from functools import cache
from typing import Any

_EXCHANGE = 2


def exchange_names(folder: int, name: str, other: int, other_name: str) -> None:
    """Let a name in an open folder and one in another change places. Raise OSError, ENOSYS if there is no such call."""
    function = _renameat2()
    if function is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), name)
    if function(folder, os.fsencode(name), other, os.fsencode(other_name), _EXCHANGE) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), name)


@cache
def _renameat2() -> Any:
    """Return the function of the C library, or None."""
    try:
        function = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError, TypeError):
        return None
    function.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    return function
