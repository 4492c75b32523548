"""Signals that end the command. They wait while files are made or removed, so that the clean-up finds all of them.

Only the command installs handlers. Without them, nothing here has an effect.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


class Terminated(BaseException):
    """SIGTERM or SIGHUP ended the command, as Ctrl-C does by KeyboardInterrupt."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


class _State:
    """How many blocks hold signals back, which signal waits, and whether one has ended the command already."""

    is_on = False
    held = 0
    waiting: int | None = None
    is_ending = False


def _is_here() -> bool:
    return _State.is_on and threading.current_thread() is threading.main_thread()


def _handle(number: int, _frame: FrameType | None) -> None:
    if _State.is_ending:
        return  # Schedulers send several signals. A later one must not interrupt the clean-up.
    _State.waiting = _State.waiting or number
    if not _State.held:
        _raise_waiting()


def _raise_waiting() -> None:
    number = _State.waiting
    if number is None or _State.is_ending:
        return
    _State.is_ending = True
    raise KeyboardInterrupt if number == signal.SIGINT else Terminated(number)


class held:  # noqa: N801 (read as a statement: with held())
    """A block in which a signal waits until the block ends, or until an inner ``released`` block begins."""

    def __enter__(self) -> None:
        if _is_here():
            _State.held += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if _is_here():
            _State.held -= 1
            if kind is None and not _State.held:
                _raise_waiting()


def hold() -> None:
    """Hold signals back from here on, until the surrounding ``released`` block ends."""
    if _is_here():
        _State.held += 1


class released:  # noqa: N801
    """A block in which a signal ends the command at once. Everything to clean up must be known when it begins."""

    def __enter__(self) -> None:
        if _is_here():
            self._held, _State.held = _State.held, 0
            try:
                _raise_waiting()
            except BaseException:
                _State.held = self._held
                raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if _is_here():
            _State.held = self._held


@contextmanager
def handlers_kept() -> Iterator[None]:
    """Restore the handlers that a library replaces in this block."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _numbers()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _numbers() -> Iterator[int]:
    """Yield the numbers of the signals that end the command, as far as the system has them."""
    return (number for name in _NAMES if (number := getattr(signal, name, None)) is not None)


@contextmanager
def ending() -> Iterator[None]:
    """Let SIGINT, SIGTERM and SIGHUP end this block. A signal that is ignored, or that the caller handles, stays so."""
    if threading.current_thread() is not threading.main_thread() or _State.is_on:
        yield
        return
    before: dict[int, Any] = {}
    try:
        for number in _numbers():
            if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                before[number] = signal.signal(number, _handle)
        _State.is_on, _State.held, _State.waiting, _State.is_ending = True, 0, None, False
        yield
    finally:
        _State.is_on = False
        for number, handler in before.items():
            signal.signal(number, handler)
