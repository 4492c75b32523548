"""The bytes of the features that a splice keeps, copied beside all other work and proved to be the same."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, BinaryIO

from moslabels.base.errors import TableError
from moslabels.base.progress import Progress
from moslabels.files import platform
from moslabels.files.staged import StagedFile

_BLOCK = 1 << 20
_PIECE = 1 << 24
_BYTES_BETWEEN_SYNCS = 1 << 26
_SECONDS_BETWEEN_LOOKS = 0.1


class Copy:
    """Copies the start of a file to a staged file in the background.

    It begins before it is known whether the table can be labelled: the disk would have nothing to do meanwhile, and a
    table that fails costs only a staged file, which is removed.

    One thread copies, in the kernel if possible, and syncs now and then, so that little is left for the end. Another
    thread follows it: it reads back what was copied, compares that with the source, and hashes it. So the hash is that
    of the bytes in the output, and of the bytes that were read, even if the source changes meanwhile, or if a file
    system copies wrongly. Comparing takes an eighth of the time of hashing; a second hash would double it.

    What fits into one block is copied at once: starting threads would take longer.

    It is a context manager. Leaving it before ``finish`` stops both threads.
    """

    def __init__(self, path: str, size: int, staged: StagedFile) -> None:
        self._path = path
        self._size = size
        self._staged = staged
        # A dry run needs only the first block, label columns and footer. What is left out reads as zeros.
        self._is_partial = staged.place.is_aside
        self._source: BinaryIO | None = None
        self._hash = hashlib.sha256()
        self._hashed = 0
        self._copied = 0
        self._is_stopped = False
        self._error: BaseException | None = None
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Copy:
        self._source = open(self._path, "rb")
        try:
            if self._size <= _BLOCK:
                self._copy_at_once()
                return self
            for run in (self._copy, self._check):
                thread = threading.Thread(target=self._guarded, args=(run,))
                thread.start()
                self._threads.append(thread)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
        for thread in self._threads:
            thread.join()
        if self._source is not None:
            self._source.close()

    @property
    def source(self) -> BinaryIO:
        """The open file that is copied. Its position is free for the caller."""
        assert self._source is not None
        return self._source

    def finish(self, progress: Progress) -> Any:
        """Wait for the end, and report the progress. Return the sha256 object of what was copied."""
        progress.step("copying", self._size, "bytes", self._hashed)
        for thread in self._threads:
            while thread.is_alive():
                thread.join(_SECONDS_BETWEEN_LOOKS)
                progress.advance(self._hashed)
        if self._error is not None:
            raise self._error
        return self._hash

    def _stop(self, error: BaseException | None = None) -> None:
        with self._changed:
            self._is_stopped = True
            self._error = self._error or error
            self._changed.notify_all()

    def _copy_at_once(self) -> None:
        try:
            self._copy()
            self._check()
        except Exception as error:
            self._stop(error)

    def _guarded(self, run: Callable[[], None]) -> None:
        try:
            run()
        except BaseException as error:
            self._stop(error)

    def _copy(self) -> None:
        source, synced = self.source.fileno(), 0
        size = min(self._size, _BLOCK) if self._is_partial else self._size
        while self._copied < size and not self._is_stopped:
            done = self._staged.copy_at(self._copied, source, min(_PIECE, size - self._copied))
            with self._changed:
                self._copied = done
                self._changed.notify_all()
            if done - synced >= _BYTES_BETWEEN_SYNCS or done == size > _BLOCK:
                self._staged.sync()
                synced = done
        with self._changed:
            self._copied = self._size
            self._changed.notify_all()

    def _check(self) -> None:
        source, read_at = self.source.fileno(), platform.system.read_at
        with self._staged.reopened() as result:
            while self._hashed < self._size:
                with self._changed:
                    self._changed.wait_for(lambda: self._is_stopped or self._copied > self._hashed)
                    if self._is_stopped:
                        return
                    end = self._copied
                while self._hashed < end and not self._is_stopped:
                    block = read_at(source, min(_BLOCK, end - self._hashed), self._hashed)
                    if not block:
                        raise OSError("a file ended before its end")
                    if not self._is_partial and read_at(result.fileno(), len(block), self._hashed) != block:
                        raise self._differs()
                    self._hash.update(block)
                    self._hashed += len(block)

    def _differs(self) -> TableError:
        return TableError(
            f"{self._staged.given}: what was read back differs from {self._path}, the file it was copied from; run "
            "again, and check the disk where that does not help",
            code="read-back",
            file=self._staged.given,
        )
