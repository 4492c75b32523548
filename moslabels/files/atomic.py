"""Files that are old or new, never half: written beside their target, synced, then renamed over it.

A target that is a link is followed only to a writable regular file that is no store's object; else the link itself is
replaced. What a run keeps beside a target is hidden, has no table's suffix, and begins with the same name in every run,
so that the next run finds what a killed one left. The folder of a target is opened once, and all that is done in it is
done by that handle: a folder that others move or replace meanwhile changes nothing. Nothing that is found under a
hidden name is ever written to.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import re
import socket
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from moslabels.base.errors import TableError
from moslabels.base.signals import held
from moslabels.files.locks import check_locks, lock

LEFT_BESIDE = "was left beside"
"""In each warning of what others left beside a target."""
_LONGEST_NAME = 255  # bytes, on every common file system
_LONGEST_ENDING = len("previous-4194304-999")
_MARK = ".moslabels-"
_UNSUPPORTED = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP)
_NO_LINKS = (errno.EPERM, errno.EMLINK, *_UNSUPPORTED)
_NO_LOCKS = (errno.ENOLCK, errno.EINVAL, *_UNSUPPORTED)
_NO_SYNC = (errno.EINVAL, *_UNSUPPORTED)
_NO_MODES = (errno.EPERM, *_UNSUPPORTED)
_HOLDER = re.compile(r"(process \d+ on [\w.-]+)\nsince ([\dT:Z-]+)\n(without locks of files\n)?")
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
            if folder.st_mode & 0o1002 == 0o1002 and found.st_uid not in (os.geteuid(), folder.st_uid):
                return False
        mode = os.lstat(last).st_mode
    except OSError:
        return False
    # Root may write to all files, so the bits are looked at too.
    is_writable = mode & stat.S_IWUSR and os.access(last, os.W_OK, effective_ids=os.access in os.supports_effective_ids)
    is_stored = _STORE.search(last) or _STORED_NAME.fullmatch(os.path.basename(last))
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
    """Where a target is written: the folder, by its handle and its path, and the name in it.

    ``beside`` are the hidden names that this run gave to files there, until they are gone. ``left`` says what others
    left there that cannot be removed, and what to do.
    """

    given: str
    folder: int
    path: str
    name: str
    is_aside: bool = False
    beside: set[str] = field(default_factory=set)
    left: list[str] = field(default_factory=list)

    def hidden(self, what: str) -> str:
        return os.path.basename(hidden_start(os.path.join(self.path, self.name))) + what

    def full(self, name: str) -> str:
        return os.path.join(self.path, name)

    def find(self, name: str) -> os.stat_result | None:
        """What stands at a name in the folder, itself where it is a link; None where nothing does."""
        try:
            return os.stat(name, dir_fd=self.folder, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def open(self, name: str, flags: int, mode: int = 0o666) -> int:
        """Open a regular file in the folder, never through a link; a pipe is not waited for."""
        return os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, mode, dir_fd=self.folder)

    def has(self, handle: int, name: str) -> bool:
        """Whether a name in the folder is that of an open file."""
        found = self.find(name)
        return found is not None and os.path.samestat(found, os.fstat(handle))

    def new_name(self, what: str) -> Iterator[str]:
        """Names for something new in the folder, until one is free: each is another in each attempt of each process."""
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
                os.unlink(name, dir_fd=self.folder)
            self.beside.discard(name)


@contextmanager
def reserved(targets: Iterable[str]) -> Iterator[dict[str, Place]]:
    """Hold targets for this run: each is looked at, locked, and freed of what a killed run left beside it.

    Gives the place of each. Raises TableError where another run holds one, or where one cannot be replaced. The lock
    dies with its process.
    """
    check_locks()
    places = {}
    with ExitStack() as cleanup:
        for target in targets:
            check_target(target)
            with _named(target):
                folder, name = os.path.split(written_path(target))
                places[target] = place = Place(target, _open_folder(folder, cleanup), folder, name)
                _check_replaceable(place)
                cleanup.enter_context(_locked(place))
        yield places


@contextmanager
def set_aside(targets: Iterable[str], folder: str) -> Iterator[dict[str, Place]]:
    """Places in a folder of this run, for a dry run, which publishes nothing."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield {
            target: Place(target, handle, folder, hashlib.sha256(os.fsencode(target)).hexdigest(), is_aside=True)
            for target in targets
        }
    finally:
        _close(handle)


@contextmanager
def _named(target: str) -> Iterator[None]:
    """Let the errors of the system name the target: a hidden name beside it means nothing to who asked for it."""
    try:
        yield
    except OSError as error:
        if error.errno is not None:
            error.filename, error.filename2 = target, None
        raise


def _open_folder(path: str, cleanup: ExitStack) -> int:
    """The handle of a folder, made with those that it is in; what is still empty in the end is removed again."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    missing: list[str] = []
    while True:
        try:
            handle = os.open(path, flags)
            break
        except FileNotFoundError:
            path, name = os.path.split(path)
            missing.append(name)
    cleanup.callback(_close, handle)
    for name in reversed(missing):
        parent = handle
        with suppress(FileExistsError):
            os.mkdir(name, dir_fd=parent)
            cleanup.callback(_remove_folder, name, parent)
        handle = os.open(name, flags | os.O_NOFOLLOW, dir_fd=parent)
        cleanup.callback(_close, handle)
    return handle


def _check_replaceable(place: Place) -> None:
    """Refuse, with TableError, a target that only its owner may replace, before hours of work and not after."""
    found, folder, user = place.find(place.name), os.fstat(place.folder), os.geteuid()
    if found is None or not folder.st_mode & stat.S_ISVTX or user in (0, found.st_uid, folder.st_uid):
        return
    owner = owner_name(found.st_uid)
    raise TableError(
        f"{place.given}: belongs to {owner}, and in {place.path} (a sticky folder) nobody else may replace it; "
        f"write to another path, or ask {owner} to remove it",
        code="file-system",
        file=place.given,
    )


def owner_name(number: int) -> str:
    """The name of a user, or the number where it has none."""
    try:
        import pwd

        return pwd.getpwuid(number).pw_name
    except (ImportError, KeyError):
        return f"user {number}"


@contextmanager
def _locked(place: Place) -> Iterator[None]:
    name = place.hidden("lock")
    handle = _open_locked(place, name)
    try:
        for old in ("staged", "previous"):  # Their names before each attempt had its own.
            _remove_left(place, place.hidden(old))
        yield
    finally:
        try:
            for beside in sorted(place.beside):
                place.remove(beside)
            # While it is locked: whoever opened it meanwhile sees that it has lost its name. Where something is left,
            # it stays, and makes the next run look for that.
            if not place.beside:
                with suppress(OSError):
                    os.unlink(name, dir_fd=place.folder)
        finally:
            _close(handle)


def _open_locked(place: Place, name: str) -> int:
    """The handle of the lock of a place: of our own file, or of one that was left and only its owner may remove.

    A run that dies leaves its lock, and only such a run leaves more: what it left is then removed.
    """
    while True:
        is_new, handle = _open_lock(place, name)
        is_kept = False
        try:
            has_locks = _try_lock(place, name, handle, is_new)
            if place.has(handle, name):
                is_kept = _make_own(place, name, handle, is_new, has_locks)
                if is_kept:
                    return handle
        finally:
            if not is_kept:
                _close(handle)


def _make_own(place: Place, name: str, handle: int, is_new: bool, has_locks: bool) -> bool:
    """Sign a new lock file. Of one that was left: remove it with all else that was; True where it cannot be removed."""
    if is_new:
        try:
            _sign(handle, has_locks)
        except BaseException:
            with suppress(OSError):
                os.unlink(name, dir_fd=place.folder)
            raise
    if not is_new or not has_locks:
        _remove_all_left(place)
    if is_new:
        return True
    try:
        os.unlink(name, dir_fd=place.folder)
    except PermissionError:
        return True  # Of another user, in a sticky folder. It serves as well.
    return False


def _open_lock(place: Place, name: str) -> tuple[bool, int]:
    """Make the lock file, or open what stands there to look at it: it is never written to. Whether it is new."""
    while True:
        with suppress(FileExistsError):
            return True, place.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        found = place.find(name)
        if found is None:
            continue
        if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
            raise _told(place, name, found, f"{_kind(found)} stands where the lock of a run belongs; remove it")
        try:
            handle = place.open(name, os.O_RDWR)
        except FileNotFoundError:
            continue
        except PermissionError:
            try:
                handle = place.open(name, os.O_RDONLY)
            except PermissionError:
                raise _told(
                    place, name, found, "is the lock of a run and cannot be read; if that run has ended, remove it"
                ) from None
        if os.fstat(handle).st_nlink == 1 and stat.S_ISREG(os.fstat(handle).st_mode):
            return False, handle
        _close(handle)


def _try_lock(place: Place, name: str, handle: int, is_new: bool) -> bool:
    """Lock a lock file; False where the file system has no locks and the file is new, which then is the lock itself.

    Raises TableError where another run holds it, or may hold it.
    """
    signed = None if is_new else _HOLDER.match(os.pread(handle, 300, 0).decode("utf-8", "replace"))
    holder, since = signed.group(1, 2) if signed else ("another process", "a time unknown")
    found = os.fstat(handle)
    has_locks = True
    try:
        lock(handle)
    except BlockingIOError:
        raise TableError(
            f"{place.given}: {holder} is writing it; run again when that is done (its lock is {place.full(name)}, "
            f"of {owner_name(found.st_uid)})",
            code="in-use",
            file=place.given,
        ) from None
    except OSError as error:
        # A network file system that locks only what may be written to: a file of another user tells nothing.
        if error.errno not in (*_NO_LOCKS, errno.EBADF):
            raise
        has_locks = False
    if not is_new and (not has_locks or (signed and signed.group(3))):
        raise _told(
            place,
            name,
            found,
            f"is the lock of {holder}, which began to write at {since}; no lock of the file system tells whether it "
            "still does: if it has ended, remove that file",
            code="in-use",
        )
    return has_locks


def _sign(handle: int, has_locks: bool) -> None:
    """Write into a new lock file who holds it; others may read it, whatever the mask, to see that it is held."""
    with suppress(OSError):
        os.fchmod(handle, 0o644)
    since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = f"process {os.getpid()} on {socket.gethostname()}\nsince {since}\n"
    os.pwrite(handle, (text if has_locks else f"{text}without locks of files\n").encode(), 0)


def _told(place: Place, name: str, found: os.stat_result, says: str, code: str = "file-system") -> TableError:
    path, owner = place.full(name), owner_name(found.st_uid)
    return TableError(f"{place.given}: {path}, of {owner}, {says}", code=code, file=place.given)


def _kind(found: os.stat_result) -> str:
    if stat.S_ISLNK(found.st_mode):
        return "a link"
    if stat.S_ISDIR(found.st_mode):
        return "a folder"
    return "a file with several names" if stat.S_ISREG(found.st_mode) else "no regular file"


def _remove_all_left(place: Place) -> None:
    starts = tuple(place.hidden(what) for what in ("staged-", "previous-"))
    for name in sorted(os.listdir(place.folder)):
        if name.startswith(starts):
            _remove_left(place, name)


def _remove_left(place: Place, name: str) -> None:
    """Remove what a killed run left; what cannot be removed is in no way, and told."""
    try:
        os.unlink(name, dir_fd=place.folder)
    except FileNotFoundError:
        pass
    except OSError as error:
        found = place.find(name)
        if found is not None:
            place.left.append(
                f"{place.full(name)}, of {owner_name(found.st_uid)}, {LEFT_BESIDE} {place.given} and cannot be "
                f"removed ({error.strerror}); remove it, or ask its owner to"
            )


class StagedFile(io.RawIOBase):
    """A new version of a file that is reserved, under a hidden name in the folder of its target.

    In a place aside (:func:`set_aside`) it is never published. It can be read by nobody who could not read what it
    replaces. ``write`` appends and hashes; whoever writes by ``write_at`` says in the end what was written
    (``settle``). A context manager: leaving it without :func:`publish` removes what was staged.
    """

    _handle: int | None = None

    def __init__(self, place: Place) -> None:
        self.place = place
        self.given = place.given
        self.size = 0
        self._settled = False
        self._hash: Any = hashlib.sha256()
        with _named(self.given):
            self._replaced = _regular(place.find(place.name))
            mode = 0o666 if self._replaced is None else 0o600
            for self.staged in place.new_name("staged"):
                with suppress(FileExistsError):
                    self._handle = place.open(self.staged, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
                    break

    @property
    def handle(self) -> int:
        assert self._handle is not None
        return self._handle

    @property
    def sha256(self) -> str:
        """The sha256 of what was written, in hex."""
        digest: str = self._hash.hexdigest()
        return digest

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._hash.update(data)
        before = self.size
        self.size = self.write_at(before, [data])
        return self.size - before

    def write_at(self, place: int, blocks: Iterable[Any]) -> int:
        """Write blocks one after the other from a place on; the place after them. Nothing is hashed."""
        for block in blocks:
            view = memoryview(block).cast("B")
            while view:
                with _named(self.given):
                    done = os.pwrite(self.handle, view, place)
                place += done
                view = view[done:]
        return place

    def settle(self, size: int, hash_of_all: Any) -> None:
        """Say what ``write_at`` wrote, and was read back: how much, and its hash object."""
        self.size = size
        self._hash = hash_of_all
        self._settled = True

    def tell(self) -> int:
        return self.size

    def sync(self) -> None:
        """Bring what was written so far to the disk."""
        with _named(self.given):
            os.fsync(self.handle)

    def reopened(self) -> io.BufferedReader:
        """What was written, opened to be read back. Raises TableError where another file has taken its name."""
        with _named(self.given):
            handle = self.place.open(self.staged, os.O_RDONLY)
        if not os.path.samestat(os.fstat(handle), os.fstat(self.handle)):
            _close(handle)
            raise self._replaced_by_others()
        return os.fdopen(handle, "rb")

    def finish(self) -> None:
        """Sync, and read back what was not read back yet: ``publish`` is all that is left. Raises TableError."""
        with ExitStack() as opened:
            # It is opened before its mode is settled, by which it may not be read.
            stream = None if self._settled else opened.enter_context(self.reopened())
            with _named(self.given):
                self._keep_rights()
            self.sync()
            found = hashlib.file_digest(stream, "sha256").hexdigest() if stream is not None else self.sha256
        if found != self.sha256:
            raise TableError(
                f"{self.given}: what was written reads back otherwise; is the disk sound?",
                code="read-back",
                file=self.given,
            )

    def _keep_rights(self) -> None:
        """Take owner, group and mode of what is replaced, as far as the system allows."""
        old = _regular(self.place.find(self.place.name)) or self._replaced
        if old is None or self.place.is_aside:
            return
        own = os.fstat(self.handle)
        for owner in (old.st_uid, -1):
            if (owner in (own.st_uid, -1)) and old.st_gid == own.st_gid:
                break
            with suppress(OSError):  # Not permitted, not known here, or over a quota: not allowed.
                os.fchown(self.handle, owner, old.st_gid)
                break
        own = os.fstat(self.handle)
        mode = stat.S_IMODE(old.st_mode)
        if own.st_uid != old.st_uid:
            mode &= ~stat.S_ISUID
        if own.st_gid != old.st_gid:  # Another group gets no more than all have.
            mode &= ~(stat.S_ISGID | stat.S_IRWXG) | (mode & stat.S_IRWXO) << 3
        if mode != stat.S_IMODE(own.st_mode):
            try:
                os.fchmod(self.handle, mode)
            except OSError as error:
                if error.errno not in _NO_MODES:
                    raise

    def put_in_place(self) -> None:
        """Rename it over its target, and sync the folder."""
        if not self.place.has(self.handle, self.staged):
            raise self._replaced_by_others()
        folder = self.place.folder
        os.replace(self.staged, self.place.name, src_dir_fd=folder, dst_dir_fd=folder)
        try:
            os.fsync(folder)
        except OSError as error:
            if error.errno not in _NO_SYNC:
                raise
            os.fsync(self.handle)  # Most file systems write the new name with the file.

    def _replaced_by_others(self) -> TableError:
        return TableError(
            f"{self.given}: another program replaced {self.place.full(self.staged)} while it was written; run again "
            "where no other program writes",
            code="read-back",
            file=self.given,
        )

    def close(self) -> None:
        handle, self._handle = (
            self._handle,
            None,
        )  # Once closed, its number may be another file's: never close it twice.
        if handle is not None:
            _close(handle)
        super().close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        finally:
            self.place.remove(self.staged)


def _regular(found: os.stat_result | None) -> os.stat_result | None:
    return found if found is not None and stat.S_ISREG(found.st_mode) else None


def publish(*files: StagedFile) -> None:
    """Put synced files in the place of their targets, in order: all of them, or none where one fails.

    A kill in between leaves some new and some old, each whole.
    """
    with ExitStack() as cleanup, ExitStack() as undo:
        for file in files:
            with _named(file.given):
                previous = _previous(file.place, cleanup)
                undo.callback(_take_back, file, previous)
                file.put_in_place()
        undo.pop_all()


def _previous(place: Place, cleanup: ExitStack) -> str | None:
    """A second name of what stands at a target; the target itself where it can have none, None where nothing stands."""
    for name in place.new_name("previous"):
        try:
            os.link(place.name, name, src_dir_fd=place.folder, dst_dir_fd=place.folder, follow_symlinks=False)
        except FileExistsError:
            continue
        except FileNotFoundError:
            place.beside.discard(name)
            return None
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            place.beside.discard(name)
            return place.name
        cleanup.callback(place.remove, name)
        return name
    raise AssertionError("names do not end")


def _take_back(file: StagedFile, previous: str | None) -> None:
    place = file.place
    with suppress(OSError):  # The error that is under way matters more.
        if place.find(file.staged) is not None:
            return  # It was not put in its place.
        if previous is None:
            os.unlink(place.name, dir_fd=place.folder)
        elif previous != place.name:
            os.replace(previous, place.name, src_dir_fd=place.folder, dst_dir_fd=place.folder)


def _remove_folder(name: str, parent: int) -> None:
    with suppress(OSError):
        os.rmdir(name, dir_fd=parent)


def _close(handle: int) -> None:
    with suppress(OSError):  # What matters was synced before.
        os.close(handle)


def write_whole(place: Place, text: str) -> None:
    """Replace a small text file that is reserved, whole."""
    with held(), StagedFile(place) as staged:
        staged.write(text.encode("utf-8"))
        staged.finish()
        publish(staged)
