"""Where an output is written: where a link there leads, or in place of the link, by the handle of its folder."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from moslabels.base.errors import TableError
from moslabels.files import platform
from moslabels.files.platform import Folder

_LONGEST_NAME = 255  # bytes, on every common file system
_LONGEST_ENDING = len("previous-4194304-999")
_MARK = ".moslabels-"
# Stores of contents: a name that is a hash (DVC, Hugging Face, Git LFS, …), a tool's own folder, that of git-annex.
_STORED_NAME = re.compile(r"((md5|sha1|sha256|sha512)[-:])?[0-9a-f]{30,128}(\.dir)?")
_STORE = re.compile(r"/\.(dvc|git)/|/annex/objects/|/files/md5/[0-9a-f]{2}/")


def names_of(path: str) -> list[str]:
    """The names that a path stands for: its own, that which a link there holds, and so on; folders as they really are.

    The last is no link, or nothing stands there, or the links are a loop.
    """
    names: list[str] = []
    while True:
        folder, name = os.path.split(path)
        path = os.path.join(os.path.realpath(folder), name) if name not in ("", ".", "..") else os.path.realpath(path)
        if path in names:
            return names
        names.append(path)
        try:
            path = os.path.join(os.path.dirname(path), os.readlink(path))
        except OSError:
            return names


def written_path(target: str) -> str:
    """Where a target is written: at what a link stands for where it is followed, else in the place of the link."""
    names = names_of(target)
    return names[-1] if _is_followed(names) else names[0]


def _is_followed(names: Sequence[str]) -> bool:
    *links, last = names
    try:
        for link in links:
            found, folder = os.lstat(link), os.stat(os.path.dirname(link))
            # A link that a stranger put into a folder of all: the kernel follows none either, where it is so set.
            if folder.st_mode & 0o1002 == 0o1002 and found.st_uid not in (platform.system.user(), folder.st_uid):
                return False
        mode = os.lstat(last).st_mode
    except OSError:
        return False
    # Root may write to all files, so the bits are looked at too.
    is_writable = mode & stat.S_IWUSR and platform.system.may_write(last)
    is_stored = _STORE.search(last.replace(os.sep, "/")) or _STORED_NAME.fullmatch(os.path.basename(last))
    return bool(stat.S_ISREG(mode) and is_writable and not is_stored)


def hidden_start(path: str) -> str:
    """What the paths of all that a run keeps beside a written path begin with."""
    folder, name = os.path.split(path)
    start = f".{name}{_MARK}"
    if len(os.fsencode(start)) + _LONGEST_ENDING > _LONGEST_NAME:
        start = f".{hashlib.sha256(os.fsencode(name)).hexdigest()}{_MARK}"
    return os.path.join(folder, start)


def start_of_hidden(path: str) -> str | None:
    """What :func:`hidden_start` gives for the target that a path stands beside, None where it is no such path."""
    start, mark, _ = path.rpartition(_MARK)
    return start + mark if mark else None


def check_target(target: str) -> None:
    """Refuse, with TableError, to replace what is no regular file: a folder, a device, a pipe."""
    if os.path.exists(target) and not stat.S_ISREG(os.stat(target).st_mode):
        kind = "a folder" if os.path.isdir(target) else "no regular file"
        raise TableError(f"{target}: is {kind}; write to another path", code="file-system", file=target)


@dataclass
class Place:
    """Where a target is written: an open folder, and the name in it.

    ``beside`` are the hidden names that this run gave to files there, until they are gone. ``left`` says what others
    left there that cannot be removed, and what to do.
    """

    given: str
    folder: Folder
    name: str
    is_aside: bool = False
    beside: set[str] = field(default_factory=set)
    left: list[str] = field(default_factory=list)

    def hidden(self, what: str) -> str:
        """Return the hidden name of something that a run keeps beside the target."""
        return os.path.basename(hidden_start(self.full(self.name))) + what

    def full(self, name: str) -> str:
        """Return the path of a name in the folder."""
        return os.path.join(self.folder.path, name)

    def find(self, name: str) -> os.stat_result | None:
        """Return the state of what stands at a name, of the link itself where it is one; None where nothing does."""
        return platform.system.find(self.folder, name)

    def open(self, name: str, flags: int, mode: int = 0o666) -> int:
        """Open a regular file in the folder, never through a link; a pipe is not waited for."""
        return platform.system.open(self.folder, name, flags, mode)

    def has(self, handle: int, name: str) -> bool:
        """Return whether a name in the folder is that of an open file."""
        found = self.find(name)
        return found is not None and os.path.samestat(found, os.fstat(handle))

    def new_name(self, what: str) -> Iterator[str]:
        """Yield names for something new in the folder, until one is free; no process has had them."""
        number = 0
        while True:
            name = self.hidden(f"{what}-{os.getpid()}-{number}")
            self.beside.add(name)
            yield name
            self.beside.discard(name)
            number += 1

    def remove(self, name: str) -> None:
        """Remove a hidden name, whatever it is that stands there; what cannot be removed stays in ``beside``."""
        with suppress(OSError):
            with suppress(FileNotFoundError):
                platform.system.remove(self.folder, name)
            self.beside.discard(name)


@contextmanager
def named(target: str) -> Iterator[None]:
    """Let the errors of the system name the target: a hidden name beside it means nothing to who asked for it."""
    try:
        yield
    except OSError as error:
        if error.errno is not None:
            error.filename, error.filename2 = target, None
        raise
