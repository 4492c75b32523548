"""SQL over audits and reports: they become the views of ``sql/evidence/views/``, then the connection is locked."""

from __future__ import annotations

import glob
import json
import os
import re
import shutil
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from moslabels.base.errors import TableError, UsageError, os_error
from moslabels.base.signals import held
from moslabels.base.text import shown
from moslabels.base.urls import url_problem
from moslabels.engine.locked import Answer, LockedEngine
from moslabels.engine.statements import render, sql_folder
from moslabels.evidence.documents import load_raw
from moslabels.files import platform
from moslabels.files.contents import absence_advice
from moslabels.files.publish import publish
from moslabels.files.reserve import reserved
from moslabels.files.staged import StagedFile
from moslabels.files.workspace import Workspace
from moslabels.spec.paths import refuse_url

VIEWS = (
    "audits",
    "reports",
    "report_tables",
    "label_sources",
    "unmatched_keys",
    "unused_labels",
    "provenance_files",
)
_AT_ONCE = 200  # files whose texts are handed over together
_NEITHER = "these are no audits or reports (a pattern in quotes, 'runs/*.json', passes over such files):"
_MARK = "made by moslabels sql --db, which replaces it whole"
"""The comment of each table that is saved."""
_DUCKDB_MAGIC = b"DUCK"  # at byte 8, after a checksum


@dataclass(frozen=True)
class View:
    """A view, and what it says of itself: the first line of its file."""

    name: str
    says: str


def views() -> list[View]:
    """The views, in the order in which they are listed."""
    found = []
    for name in VIEWS:
        with open(sql_folder() / "evidence" / "views" / f"{name}.sql", encoding="utf-8") as stream:
            found.append(View(name, stream.readline().removeprefix(f"-- {name}: ").strip().rstrip(".")))
    return found


class Views:
    """Audits and reports as SQL views. A context manager.

    ``patterns`` are paths, or globs (``**`` for all folders below) where no file has that very name. Raises UsageError
    where one matches nothing, or names a file that is neither an audit nor a report. Of a glob's matches, those are
    passed over: ``passed_over`` has their paths. ``loaded`` counts the others.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        named, matched = _find(patterns)
        self._engine = LockedEngine()
        try:
            faults = self._load([*named, *matched])
            if problems := [f"{path}: {faults[path]}" for path in named if path in faults]:
                raise UsageError(_NEITHER, problems)
            self.passed_over = [path for path in matched if path in faults]
            self.loaded = len(named) + len(matched) - len(self.passed_over)
            if not self.loaded:
                some = f"{len(matched)} file{'s' if len(matched) > 1 else ''}"
                raise UsageError(f"no audit and no report among the {some} that {_quoted(patterns)} matches")
        except BaseException:
            self._engine.__exit__(None, None, None)
            raise
        self._is_locked = False

    def __enter__(self) -> Views:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._engine.__exit__(kind, error, trace)

    def ask(self, query: str | None = None) -> Answer | None:
        """Lock the connection and run a query: the result of its last statement that has one. Without, list the views.

        Raises StatementError, with what DuckDB says.
        """
        if not self._is_locked:
            self._engine.lock()
            self._is_locked = True
        return self._engine.ask(render("evidence/60_view_list", views=views()).sql if query is None else query)

    def save(self, path: str) -> None:
        """Save the views as tables of a DuckDB file, new or old; other tables in it stay. Before anything is asked.

        Raises TableError where the file is no DuckDB file, in use, cannot be written, or has a table of the name of a
        view that this did not make; it then stays as it was.
        """
        refuse_url("db", path)
        try:
            with held(), reserved([path]) as places, Workspace() as workspace:
                copy = workspace.new_file(".duckdb")
                if os.path.exists(path) and os.path.getsize(path):
                    _copy_database(path, copy)
                self._engine.run(render("evidence/40_saved", path=copy))
                self._refuse_foreign(path)
                self._engine.run(render("evidence/42_saved_views", views=views(), mark=_MARK))
                with StagedFile(places[path]) as staged, open(copy, "rb") as stream:
                    shutil.copyfileobj(stream, staged, 1 << 20)
                    staged.finish()
                    publish(staged)
        except OSError as error:
            raise os_error(error) from error

    def _refuse_foreign(self, path: str) -> None:
        """Refuse to replace a table or view that was not made here: it has no mark. Raises TableError."""
        foreign = self._engine.rows(render("evidence/41_foreign_tables", {"names": list(VIEWS), "mark": _MARK}))
        if foreign:
            found = ", ".join(f"{row['kind']} {shown(row['name'])}" for row in foreign)
            raise TableError(
                f"{path}: has the {found} already, which moslabels did not make, or did before it marked its own "
                "(COMMENT ON TABLE); rename or drop what is there, or write to another file",
                code="file-system",
                file=path,
            )

    def _load(self, paths: Sequence[str]) -> dict[str, str]:
        """Load files. Of those that are neither an audit nor a report: why, by path."""
        faults = {}
        shown_paths = {_utf8(path): path for path in paths}
        self._engine.run(render("evidence/10_files"))
        for start in range(0, len(paths), _AT_ONCE):
            values: dict[str, list[object]] = {"paths": [], "modified": [], "texts": []}
            for path in paths[start : start + _AT_ONCE]:
                found = load_raw(path)
                values["paths"].append(_utf8(path))
                values["modified"].append(found.modified)
                values["texts"].append(None if found.members is None else _text(found.members))
                if found.fault is not None:
                    faults[path] = found.fault
            self._engine.run(render("evidence/11_files_read", values))
        for name in ("documents", *VIEWS):
            self._engine.run(render(f"evidence/views/{name}"))
        for row in self._engine.rows(render("evidence/20_file_kinds")):
            if row["kind"] is None:
                faults.setdefault(shown_paths[row["path"]], "is neither an audit nor a report of moslabels")
        self._engine.run(render("evidence/30_drop_files"))
        return faults


def _find(patterns: Iterable[str]) -> tuple[list[str], list[str]]:
    """The files that are named, and those that globs match: each file once, sorted by path."""
    named, matched, problems = [], [], []
    for pattern in patterns:
        if problem := url_problem(pattern):
            problems.append(f"{shown(pattern)} {problem}")
            continue
        if os.path.lexists(pattern):
            named.append(pattern)
            if not os.path.exists(pattern):
                problems.append(f"{pattern}: there is no such file{absence_advice(pattern)}")
            elif not os.path.isfile(pattern):
                says = "is a folder; write" if os.path.isdir(pattern) else "is not a regular file; name"
                inside = f" {os.path.join(pattern, '**', '*.json')}" if os.path.isdir(pattern) else " a file"
                problems.append(f"{pattern}: {says}{inside}")
            continue
        # What the pattern matches beside files, and files that are being written (hidden), was not meant.
        found = [path for path in dict.fromkeys(_matches(pattern)) if os.path.isfile(path)]
        if not found:
            problems.append(f"{pattern}: there is no such file" + (", nor a match" if glob.has_magic(pattern) else ""))
        matched += found
    if problems:
        raise UsageError("these files cannot be asked:", problems)
    files: dict[str, str] = {}
    for path in (*sorted(named), *sorted(matched)):
        files.setdefault(os.path.realpath(path), path)
    own = {os.path.realpath(path) for path in named}
    return (
        [path for real, path in files.items() if real in own],
        [path for real, path in files.items() if real not in own],
    )


_ALL_BELOW = re.compile(r"((?:.*?/)??)[*][*](?:/+[*][*])*(?:/+(.*))?", re.DOTALL)


def _matches(pattern: str) -> Iterator[str]:
    """What a glob matches, as glob.glob() does; only that ** comes to each folder once, also where links are a loop."""
    parts = _ALL_BELOW.fullmatch(pattern)
    if parts is None:
        yield from glob.iglob(pattern)
        return
    start, rest = parts[1], parts[2] or "*"
    for top in glob.iglob(start) if start else [""]:
        for folder in _folders(top):
            yield from _matches(glob.escape(folder) + rest)


def _folders(top: str) -> Iterator[str]:
    """A folder and all below it that are not hidden, each with a slash at its end: those behind links come last."""
    waiting, links = deque([top]), deque[str]()
    seen = set()
    while waiting or links:
        folder = waiting.popleft() if waiting else links.popleft()
        try:
            found = os.stat(folder or os.curdir)
            entries = sorted(os.scandir(folder or os.curdir), key=lambda entry: entry.name)
        except OSError:
            continue
        if (found.st_dev, found.st_ino) in seen:
            continue
        seen.add((found.st_dev, found.st_ino))
        yield folder
        for entry in entries:
            if not entry.name.startswith(".") and entry.is_dir():
                (links if entry.is_symlink() else waiting).append(os.path.join(folder, entry.name, ""))


def _text(members: Mapping[str, Any]) -> str:
    """What a file holds as JSON that DuckDB can read."""
    # Half a surrogate pair, which old programs wrote for a path that is no UTF-8, would fail every query.
    return json.dumps(members, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace").decode()


def _utf8(path: str) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _quoted(patterns: Sequence[str]) -> str:
    return ", ".join(shown(pattern) for pattern in patterns)


def _copy_database(path: str, copy: str) -> None:
    """Copy a DuckDB file that no program is writing."""
    with open(path, "rb") as stream:
        if stream.read(12)[8:] != _DUCKDB_MAGIC:
            raise TableError(f"{path}: is no DuckDB file; write to another path", code="unreadable", file=path)
        try:
            platform.system.lock_records(stream.fileno())  # DuckDB holds this lock while it has a file open.
        except OSError:
            raise TableError(f"{path}: another program has it open; close it there", code="in-use", file=path) from None
        if os.path.exists(f"{os.path.realpath(path)}.wal"):
            message = f"{path}: {path}.wal holds changes that are not in it yet; open and close it with DuckDB first"
            raise TableError(message, code="file-system", file=path)
        stream.seek(0)
        with open(copy, "wb") as target:
            shutil.copyfileobj(stream, target, 1 << 20)
