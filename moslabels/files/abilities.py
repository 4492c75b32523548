"""What a system can do: the abilities that :mod:`moslabels.files.platform` has another way for."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass, fields, replace
from importlib.util import find_spec


@dataclass(frozen=True)
class Abilities:
    """What a system can do. If it lacks an ability, :class:`System` goes another way.

    - ``locks``: files are locked until their process ends (else a lock file says who holds it)
    - ``links``: a file can have a second name (else a copy is made)
    - ``positions``: writing at a position is one step (else seek and write, one thread at a time)
    - ``folder_handles``: files are reached by the handle of their folder (else by their path)
    - ``folder_sync``: a folder can be synced (else the file alone is)
    - ``no_follow``: opening can refuse a link (else its name is compared with what was opened)
    - ``modes`` and ``users``: files have modes and owners (else there are none to keep)
    - ``moves_open_files``: an open file can be renamed and removed (else it is closed before)
    - ``exchanges``: two names change places in one step (else one is moved away, then the other to its place)
    - ``processes``: it can be asked whether a process runs, without disturbing it (else nobody knows)
    - ``kernel_copies``: the kernel copies from file to file (else the bytes are read and written)
    """

    locks: bool
    links: bool
    positions: bool
    folder_handles: bool
    folder_sync: bool
    no_follow: bool
    modes: bool
    users: bool
    moves_open_files: bool
    exchanges: bool
    processes: bool
    kernel_copies: bool

    @classmethod
    def found(cls) -> Abilities:
        """Return the abilities of the system on which this runs."""
        is_posix = os.name == "posix"
        by_handle = {os.open, os.stat, os.unlink, os.mkdir, os.rmdir, os.rename, os.readlink, os.symlink}
        return cls(
            locks=find_spec("fcntl") is not None,
            links=hasattr(os, "link"),
            positions=hasattr(os, "pwrite") and hasattr(os, "pread"),
            folder_handles=(
                by_handle <= os.supports_dir_fd
                and os.listdir in os.supports_fd
                and shutil.rmtree.avoids_symlink_attacks
                and (not hasattr(os, "link") or os.link in os.supports_dir_fd)
            ),
            folder_sync=is_posix,
            no_follow=hasattr(os, "O_NOFOLLOW"),
            modes=hasattr(os, "fchmod"),
            users=hasattr(os, "geteuid"),
            moves_open_files=is_posix,
            exchanges=sys.platform == "linux",
            processes=is_posix,
            kernel_copies=hasattr(os, "copy_file_range"),
        )

    def without(self, *names: str) -> Abilities:
        """Return the same abilities without some of them."""
        return replace(self, **dict.fromkeys(names, False))

    @classmethod
    def names(cls) -> list[str]:
        """Return the names of all abilities."""
        return [field.name for field in fields(cls)]
