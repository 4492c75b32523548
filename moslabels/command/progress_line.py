"""A line of a terminal that shows the current work, and is removed when the work is done."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from time import monotonic
from types import TracebackType
from typing import TextIO

from moslabels.base.progress import SILENT, Progress
from moslabels.base.text import display_width, visible

_SECONDS_BETWEEN_NUMBERS = 0.1
_USUAL_COLUMNS = 80
_LEAST_NAME = 12
_ERASE_TO_END = "\x1b[K"
_CUT = "..."

most_width = partial(display_width, ambiguous=2)
"""Return the most columns that a text may take. A line that is too long would wrap, and could not be removed."""


def line_of_progress(*, is_quiet: bool = False, is_verbose: bool = False) -> Told:
    """Return the progress of a command on standard error: a line on a terminal, unless it ``is_quiet``."""
    return Told(sys.stderr, has_line=is_for_people(sys.stderr) and not is_quiet, is_verbose=is_verbose)


def is_a_terminal(stream: TextIO | None) -> bool:
    """Return whether a stream goes to a terminal. A closed stream does not."""
    with suppress(OSError, ValueError):
        return stream is not None and stream.isatty()
    return False


def is_for_people(stream: TextIO | None) -> bool:
    """Return whether a stream goes to a terminal that can remove a line, and NO_COLOR does not ask for plain text."""
    can_take_back = os.environ.get("TERM", "") not in ("", "dumb") and not os.environ.get("NO_COLOR")
    return can_take_back and is_a_terminal(stream)


class Told(Progress):
    """Progress on a stream. A context manager that always removes the line at its end.

    If it ``has_line``, a line shows table, step, share and rate. If it ``is_verbose``, each note and each statement
    with its time gets a line. These follow the name of the table if there are several tables.
    """

    def __init__(
        self,
        stream: TextIO | None,
        *,
        has_line: bool,
        is_verbose: bool,
        clock: Callable[[], float] = monotonic,
        columns: Callable[[], int] | None = None,
    ) -> None:
        self._stream = stream
        self._has_line = has_line
        self._is_verbose = is_verbose
        self._clock = clock
        self._columns = columns or self._columns_of_stream
        self._is_shown = False
        self._name = ""
        self._number = ""
        self._begin("", 0, "", 0)

    def __enter__(self) -> Told:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def wanted(self) -> Progress:
        """Return the progress for a run. It is SILENT if nothing would be shown, so that nothing is counted in vain."""
        return self if self._has_line or self._is_verbose else SILENT

    def clear(self) -> None:
        """Remove the line."""
        if self._is_shown:
            self._put("\r" + _ERASE_TO_END)
            self._is_shown = False

    def table(self, name: str, number: int, count: int) -> None:
        self._name = visible(name)
        self._number = f"[{number}/{count}] " if count > 1 else ""
        if self._is_verbose and count > 1:
            self._say(f"{self._name}:")

    def step(self, name: str, total: int = 0, unit: str = "rows", done: int = 0) -> None:
        self._begin(name, total, unit, done)
        self._draw(name)

    def _begin(self, name: str, total: int, unit: str, done: int) -> None:
        self._step, self._total, self._unit, self._done_before = name, total, unit, done
        self._began = self._drawn = self._clock()
        self._is_counted = False

    def advance(self, done: int) -> None:
        self._is_counted = True
        if self._is_due() and self._total:
            seconds = self._clock() - self._began
            share = min(done / self._total, 1.0)
            self._draw(f"{self._step} {share:.0%}{self._rate(done - self._done_before, seconds)}")

    def running(self, statement: str, share: float | None, seconds: float) -> None:
        if self._is_counted or not self._is_due():
            return  # The rows of the result are counted, which tells more.
        how_far = f" {share:.0%}{self._rate(share * self._total, seconds)}" if share else ""
        self._draw(f"{self._step}{how_far}  {statement}")

    def ended(self, statement: str, seconds: float) -> None:
        if self._is_verbose:
            self._say(f"  {seconds:.3f} s  sql/{statement}.sql")

    def note(self, text: str) -> None:
        if self._is_verbose:
            self._say(f"  {visible(text)}")

    def unforeseen(self, error: Exception) -> None:
        if self._is_verbose:
            told = "".join(traceback.format_exception(error)).rstrip()
            self._say("\n".join(f"  {visible(line)}" for line in told.split("\n")))

    def _is_due(self) -> bool:
        return self._clock() - self._drawn >= _SECONDS_BETWEEN_NUMBERS

    def _rate(self, done: float, seconds: float) -> str:
        if done <= 0 or seconds <= 0:
            return ""
        a_second = done / seconds
        if self._unit == "bytes":
            return f"  {a_second / 1e6:.1f} MB/s"
        return f"  {a_second / 1e6:.1f} M {self._unit}/s" if a_second >= 1e6 else f"  {a_second:.0f} {self._unit}/s"

    def _draw(self, what: str) -> None:
        if not self._has_line:
            return
        columns = self._columns()
        head, tail = self._writable(self._number + self._name), self._writable(f": {what}")
        # A long name is cut first. The last column stays empty, because some terminals start a new line there.
        head = clipped(head, max(_LEAST_NAME, columns - 1 - most_width(tail)))
        self._is_shown = True
        self._put("\r" + clipped(head + tail, columns - 1) + _ERASE_TO_END)
        self._drawn = self._clock()

    def _columns_of_stream(self) -> int:
        with suppress(OSError, ValueError):
            if self._stream is not None:
                return os.get_terminal_size(self._stream.fileno()).columns or _USUAL_COLUMNS
        return _USUAL_COLUMNS

    def _say(self, text: str) -> None:
        self.clear()
        self._put(self._writable(text) + "\n")

    def _writable(self, text: str) -> str:
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        return text.encode(encoding, "backslashreplace").decode(encoding)

    def _put(self, text: str) -> None:
        if self._stream is None:
            return
        with suppress(OSError, ValueError):  # A table does not fail because its terminal is gone.
            self._stream.write(text)
            self._stream.flush()


def clipped(text: str, columns: int) -> str:
    """Return a text cut to a number of columns. A text that was cut ends in a mark."""
    if most_width(text) <= columns:
        return text
    kept, room = [], columns - len(_CUT)
    for character in text:
        room -= most_width(character)
        if room < 0:
            break
        kept.append(character)
    return ("".join(kept) + _CUT)[: max(columns, 0)]
