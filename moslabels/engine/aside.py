"""Calls in other threads: in the main thread, DuckDB looks for signals itself.

If a handler raises an exception there, DuckDB raises one of its own in place of it.
"""

from __future__ import annotations

import atexit
import os
from _thread import allocate_lock, get_ident, start_new_thread
from collections.abc import Callable
from concurrent.futures import Future
from functools import cache, partial
from queue import SimpleQueue
from threading import main_thread
from typing import Any, Generic, TypeVar

from moslabels.base.errors import calls_others, is_from_outside

T = TypeVar("T")


class Call(Generic[T]):
    """A call that another thread makes, and what became of it: its ``future``, once it has ended.

    The wait and :class:`OneThread` rely on locks of the interpreter alone. If an exception comes while Python enters a
    condition, as pools have, nothing unlocks it any more, and the other thread waits for good.
    """

    def __init__(self, function: Callable[[], T]) -> None:
        self.future: Future[T] = Future()
        self._function = function
        self._end = allocate_lock()
        self._end.acquire()
        self._has_begun = self._has_ended = self._is_abandoned = False

    def make(self) -> None:
        self._has_begun = True
        if not self._is_abandoned:
            complete(self.future, self._function)
        self._has_ended = True
        self._end.release()

    @calls_others
    def has_ended(self, seconds: float = -1) -> bool:
        """Return whether the call has ended, after so many seconds at most, or when it has."""
        return self._has_ended or self._end.acquire(timeout=seconds)

    def abandon(self) -> bool:
        """Let it never begin. Return False if it has begun."""
        self._is_abandoned = True
        return not self._has_begun


class OneThread:
    """A thread that makes calls, one after the other. If the interpreter is ending, it is this one."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[Call[Any] | None] = SimpleQueue()
        try:
            self._is_there = begin(partial(_make_all, self._calls))
        except BaseException:
            self._calls.put(None)  # It may have begun.
            raise

    def hand_over(self, function: Callable[[], T]) -> Call[T]:
        call = Call(function)
        self.take(call)
        return call

    def take(self, call: Call[Any]) -> None:
        if self._is_there:
            self._calls.put(call)
        else:
            call.make()

    def end(self) -> None:
        """Wait for the calls so far, and let the thread end."""
        self.hand_over(lambda: None).has_ended()
        self._calls.put(None)


_AT_WORK: set[Call[Any]] = set()


def _make_all(calls: SimpleQueue[Call[Any] | None]) -> None:
    while _make_next(calls):
        pass  # Nothing of a call is held until the next one.


def _make_next(calls: SimpleQueue[Call[Any] | None]) -> bool:
    if (call := calls.get()) is None:
        return False
    _AT_WORK.add(call)
    call.make()
    _AT_WORK.discard(call)
    return True


def _finish() -> None:
    """Wait for what is at work when the interpreter ends: DuckDB must not be, when its library is taken apart."""
    for call in list(_AT_WORK):
        call.has_ended()


atexit.register(_finish)


def begin(function: Callable[[], object]) -> bool:
    """Call a function in a thread of its own. Return False if the interpreter is ending, and begins none."""
    try:
        start_new_thread(function, ())
    except RuntimeError as error:
        if is_from_outside(error):
            raise
        return False
    return True


def aside(function: Callable[[], T]) -> T:
    """Return the result of a short call. In the main thread, another one makes it.

    An exception during the wait passes on when the call has ended.
    """
    if get_ident() != main_thread().ident:
        return function()
    call = Call(function)
    try:
        _of_short_calls().take(call)
        call.has_ended()
    except BaseException:
        if not call.abandon():
            call.has_ended()
        raise
    return call.future.result()


@cache
def _of_short_calls() -> OneThread:
    """Return the thread of all short calls. To begin one for each would take as long as the call."""
    return OneThread()


def _begin_anew() -> None:
    """Forget the threads of the parent, which a child does not have."""
    _of_short_calls.cache_clear()
    _AT_WORK.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)


def complete(future: Future[T], function: Callable[[], T]) -> None:
    """Call a function, and let the future tell what became of it, as a pool does."""
    try:
        future.set_result(function())
    except BaseException as error:
        future.set_exception(error)
