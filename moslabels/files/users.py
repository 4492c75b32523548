"""Names of the users to whom files belong."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from types import ModuleType

from moslabels.files import platform

pwd: ModuleType | None
try:
    import pwd
except ImportError:  # Windows
    pwd = None


def is_private(found: os.stat_result | None) -> bool:
    """Return whether something is a folder of this user to which nobody else may write."""
    if found is None or not stat.S_ISDIR(found.st_mode):
        return False
    system = platform.system
    return not system.abilities.users or (found.st_uid == system.user() and not found.st_mode & 0o022)


def owner_name(number: int) -> str:
    """Return the name of a user, or ``user`` and the number if the user has no name."""
    if pwd is not None:
        with suppress(KeyError):
            return str(pwd.getpwuid(number).pw_name)
    return f"user {number}"
