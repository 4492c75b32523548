"""Names of the users to whom files belong."""

from __future__ import annotations

from contextlib import suppress
from types import ModuleType

pwd: ModuleType | None
try:
    import pwd
except ImportError:  # Windows
    pwd = None


def owner_name(number: int) -> str:
    """Return the name of a user, or ``user`` and the number if the user has no name."""
    if pwd is not None:
        with suppress(KeyError):
            return str(pwd.getpwuid(number).pw_name)
    return f"user {number}"
