"""Places: the folder and the name at which an output is written.

A target may be a link. :func:`written_path` says whether the output is written where the link leads or replaces the
link. The folder is opened once, and all work in it goes by its handle.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from moslabels.base.errors import TableError, ignored, is_from_outside
from moslabels.files import platform
from moslabels.files.platform import Folder

_LONGEST_NAME = 255  # The bytes of a name that every common file system allows.
_LONGEST_ENDING = len("previous-4194304-999")
_MARK = ".moslabels-"
# Tools keep files in stores by their contents, and such a file must not change. It is recognized by a name that is a
# hash (DVC, Hugging Face, Git LFS, …), or by the folder of its tool (DVC, git, git-annex).
_STORED_NAME = re.compile(r"((md5|sha1|sha256|sha512)[-:])?[0-9a-f]{30,128}(\.dir)?")
_STORE = re.compile(r"/\.(dvc|git)/|/annex/objects/|/files/md5/[0-9a-f]{2}/")
_OPEN_FILE = re.compile(r"(/proc/[0-9]+(/task/[0-9]+)?|/dev)/fd/[0-9]+")


def names_of(path: str) -> list[str]:
    """Return the path, then the path to which it links, and so on, all with their folders resolved.

    The last one is not a link, or does not exist, or links back to one of the others.
    """
    names: list[str] = []
    while True:
        folder, name = os.path.split(path)
        path = os.path.join(os.path.realpath(folder), name) if name not in ("", ".", "..") else os.path.realpath(path)
        if path in names:
            return names
        names.append(path)
        link = ""
        with ignored(OSError):
            link = os.readlink(path)
        if not link:
            return names
        path = os.path.join(os.path.dirname(path), link)


def written_path(target: str) -> str:
    """Return the path at which a target is written.

    If the target is a link that is safe to follow, it is the file at the end of the link; if not, the link itself.
    """
    names = names_of(target)
    return names[-1] if _is_followed(names) else names[0]


def _is_followed(names: Sequence[str]) -> bool:
    *links, last = names
    try:
        for link in links:
            found, folder = os.lstat(link), os.stat(os.path.dirname(link))
            # Do not follow a link that a stranger put into a sticky folder that all may write to. The Linux kernel
            # does not either, if fs.protected_symlinks is set.
            if folder.st_mode & 0o1002 == 0o1002 and found.st_uid not in (platform.system.user(), folder.st_uid):
                return False
        mode = os.lstat(last).st_mode
    except OSError as error:
        if is_from_outside(error):
            raise
        return False
    # Root may write to every file, so the mode counts too: a file that is read-only is meant to stay as it is.
    is_writable = mode & stat.S_IWUSR and platform.system.may_write(last)
    is_stored = _STORE.search(last.replace(os.sep, "/")) or _STORED_NAME.fullmatch(os.path.basename(last))
    return bool(stat.S_ISREG(mode) and is_writable and not is_stored)


def hidden_start(path: str) -> str:
    """Return how the paths of all hidden files begin that a run keeps beside a written path."""
    folder, name = os.path.split(path)
    start = f".{name}{_MARK}"
    if len(os.fsencode(start)) + _LONGEST_ENDING > _LONGEST_NAME:
        start = f".{hashlib.sha256(os.fsencode(name)).hexdigest()}{_MARK}"
    return os.path.join(folder, start)


def start_of_hidden(path: str) -> str | None:
    """Return the :func:`hidden_start` with which a path begins; None if it is not the path of a hidden file."""
    start, mark, _ = path.rpartition(_MARK)
    return start + mark if mark else None


def check_target(target: str) -> None:
    """Raise TableError if a target is no regular file, but a folder, a device or a pipe, or if it is an open file.

    What a process has open, such as ``/dev/stdout``, is a log that others write to as well, and would be replaced.
    """
    if any(map(_OPEN_FILE.fullmatch, names_of(target))):
        raise TableError(
            f"{target}: is what a process has open, and all that it holds would be replaced; write to another path",
            code="file-system",
            file=target,
        )
    if os.path.exists(target) and not stat.S_ISREG(os.stat(target).st_mode):
        kind = "a folder" if os.path.isdir(target) else "not a regular file"
        raise TableError(f"{target}: is {kind}; write to another path", code="file-system", file=target)


@dataclass
class Place:
    """Where a target is written: an open folder, and the name in it.

    ``beside`` holds the hidden names of the files that this run has made there and not removed yet. ``left`` holds a
    warning for each file of others there that cannot be removed. A place that is not locked needs an ``attempt``, which
    no other writer has: processes of other machines may have the number of this one.
    """

    given: str
    folder: Folder
    name: str
    is_aside: bool = False
    attempt: str = ""
    beside: set[str] = field(default_factory=set)
    left: list[str] = field(default_factory=list)

    def hidden(self, what: str) -> str:
        """Return the hidden name of a file that a run keeps beside the target, such as ``lock``."""
        return os.path.basename(hidden_start(self.full(self.name))) + what

    def full(self, name: str) -> str:
        """Return the path of a name in the folder."""
        return os.path.join(self.folder.path, name)

    def find(self, name: str) -> os.stat_result | None:
        """Return the state of the file at a name, or of the link itself if it is one; None if nothing is there."""
        return platform.system.find(self.folder, name)

    def open(self, name: str, flags: int, mode: int = 0o666) -> int:
        """Open a file in the folder, never through a link, and without waiting if it is a pipe."""
        return platform.system.open(self.folder, name, flags, mode)

    def has(self, handle: int, name: str) -> bool:
        """Return whether a name in the folder still belongs to an open file."""
        found = self.find(name)
        return found is not None and os.path.samestat(found, os.fstat(handle))

    def new_name(self, what: str) -> Iterator[str]:
        """Yield new hidden names, each with the number of this process. The caller takes the first that is free."""
        number = 0
        while True:
            name = self.hidden("-".join([what, str(os.getpid()), str(number), *filter(None, [self.attempt])]))
            self.beside.add(name)
            yield name
            self.beside.discard(name)
            number += 1

    def remove(self, name: str) -> None:
        """Remove what stands at a hidden name. If that fails, the name stays in ``beside``."""
        with ignored(OSError):
            with suppress(FileNotFoundError):
                platform.system.remove(self.folder, name)
            self.beside.discard(name)


@contextmanager
def named(target: str) -> Iterator[None]:
    """Let errors of the system name the target, because the user does not know the hidden names beside it."""
    try:
        yield
    except OSError as error:
        if error.errno is not None:
            error.filename, error.filename2 = target, None
        raise
