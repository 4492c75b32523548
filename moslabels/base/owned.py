"""What an object holds until it is closed, or until nobody holds the object any more."""

from __future__ import annotations

import _thread
import atexit
import os
import threading
import time
import weakref
from contextlib import ExitStack


class Owned:
    """Contexts that are left when their owner is closed or forgotten. A forked child leaves none of its parent's."""

    def __init__(self, owner: object, contexts: ExitStack) -> None:
        self._end = weakref.finalize(owner, _forgotten, contexts, os.getpid())

    @property
    def is_open(self) -> bool:
        return self._end.alive

    def close(self) -> None:
        """Leave the contexts. It may be closed twice."""
        if (found := self._end.detach()) is not None:
            contexts, process = found[2]
            if os.getpid() == process:
                contexts.close()
            else:
                _OF_PARENTS.append(contexts)


_CLOSING: set[ExitStack] = set()
_OF_PARENTS: list[ExitStack] = []
"""What a child holds of its parents until it ends: Python leaves the contexts of a generator that nobody holds."""


def _forgotten(contexts: ExitStack, process: int) -> None:
    """Leave contexts of an owner that nobody holds any more, in another thread.

    Python finds out in any line of any thread, also in one that has a lock which leaving needs. So nothing here waits
    for a lock, as ``Thread.start()`` would.
    """
    if os.getpid() != process:
        _OF_PARENTS.append(contexts)
        return
    if threading.main_thread().is_alive():
        _CLOSING.add(contexts)
        try:
            _thread.start_new_thread(_close, (contexts,))
        except RuntimeError:  # The system has no thread left.
            _close(contexts)
    else:  # The interpreter is ending. No other thread would get to its end.
        contexts.close()


def _close(contexts: ExitStack) -> None:
    try:
        contexts.close()
    finally:
        _CLOSING.discard(contexts)


def _finish() -> None:
    while _CLOSING:
        time.sleep(0.01)


atexit.register(_finish)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_CLOSING.clear)
