"""How long a run took, table by table and step by step: a file, and what ``on_table`` gets.

It is kept apart from reports, audits and outputs, which are equal from run to run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, NotRequired

from moslabels.base.errors import UsageError, is_from_outside, os_error
from moslabels.base.progress import Progress
from moslabels.base.signals import held, released
from moslabels.base.stopwatch import Stopwatch
from moslabels.evidence.audit import json_text
from moslabels.evidence.provenance import versions
from moslabels.evidence.run import DoneParts
from moslabels.evidence.timing_types import SCHEMA, TableTimings
from moslabels.evidence.types import TableEntry
from moslabels.files.publish import write_whole
from moslabels.files.reserve import reserved
from moslabels.spec.paths import TablePaths, overlaps, path_argument
from moslabels.spec.table import TableSpec

_DIGITS = 6


class DoneTable(TableEntry):
    """What ``on_table`` gets: the entry of a table in the report, and how long it took."""

    timings: NotRequired[TableTimings]


class Timings:
    """The times of the tables of a run, of which ``last`` is one. ``progress`` passes events on, and measures them."""

    def __init__(self, progress: Progress) -> None:
        self.progress = Stopwatch(progress)
        self.last: TableTimings | None = None
        self._tables: list[dict[str, Any]] = []

    def table(
        self, spec: TableSpec, status: str, audit: Mapping[str, Any] | None, parts: DoneParts | None = None
    ) -> None:
        """Note that a table is done, which began with the last ``progress.start()``."""
        seconds, steps = self.progress.lap()
        is_labelled = status == "ok" and audit is not None
        rows = audit["input_rows"] if is_labelled and audit is not None else None
        size = _size(spec, audit) if is_labelled and audit is not None else None
        found: TableTimings = {
            "seconds": round(seconds, _DIGITS),
            "steps": [{"step": name, "seconds": round(took, _DIGITS)} for name, took in steps.items()],
            "rows": rows,
            "bytes": size,
            "rows_per_second": _rate(rows, seconds),
            "bytes_per_second": _rate(size, seconds),
            "parts": parts if is_labelled else None,
        }
        self._tables.append({"id": spec.id, "features": spec.features, "out": spec.out, "status": status, **found})
        self.last = found

    def text(self) -> str:
        """Return the text of the file of the times."""
        return json_text(
            {
                "schema": SCHEMA,
                "seconds": round(self.progress.seconds, _DIGITS),
                "tables": self._tables,
                "versions": versions(),
            }
        )


def timings_path(spec: TableSpec, path: str | os.PathLike[str] | None) -> str | None:
    """Return the path of the file of the times of one table. Raise UsageError if it is wrong."""
    if path is None:
        return None
    given = path_argument("timings", path)
    paths = TablePaths([*spec.inputs()], [*spec.outputs()], [("out", spec.out)] if spec.parts is not None else [])
    if problems := overlaps([paths], {"timings": given}, None):
        raise UsageError("the arguments are wrong:", problems)
    return given


@contextmanager
def timings_file(path: str | None, timings: Timings) -> Iterator[None]:
    """Write the times to a path, if there is one, when this block ends, however it ends. Raise UsageError."""
    if path is None:
        yield
        return
    with held(), ExitStack() as ours:
        try:
            places = ours.enter_context(reserved([path]))
        except OSError as error:
            raise UsageError(f"the timings cannot be written: {os_error(error)}") from error
        try:
            with released():
                yield
        except BaseException as error:
            try:
                write_whole(places[path], timings.text())
            except OSError as why:
                error.add_note(f"the timings could not be written: {why}")
            raise
        try:
            write_whole(places[path], timings.text())
        except OSError as error:
            raise os_error(error) from error


def _size(spec: TableSpec, audit: Mapping[str, Any]) -> int | None:
    parts = audit.get("parts")
    paths = [spec.features] if parts is None else [os.path.join(spec.features, part["path"]) for part in parts]
    try:
        return sum(map(os.path.getsize, paths))
    except OSError as error:  # It was removed since it was read.
        if is_from_outside(error):
            raise
        return None


def _rate(count: int | None, seconds: float) -> float | None:
    return round(count / seconds, 1) if count is not None and seconds > 0 else None
