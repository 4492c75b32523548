"""SQL over audits and reports. They become the views of ``sql/evidence/views/``, then the connection is locked."""

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

from moslabels.base.errors import TableError, UsageError, is_from_outside, os_error
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
    "table_parts",
    "unmatched_keys",
    "unused_labels",
    "provenance_files",
)
_AT_ONCE = 200  # files whose texts are passed together
_NEITHER = "these are not audits or reports (a pattern in quotes, 'runs/*.json', skips such files):"
_MARK = "made by moslabels sql --db, which replaces it whole"
"""The comment on each saved table."""
_DUCKDB_MAGIC = b"DUCK"  # at byte 8, after a checksum


@dataclass(frozen=True)
class View:
    """A view and its description, which is the first line of its file."""

    name: str
    says: str


def views() -> list[View]:
    """Return the views, in the order in which they are listed."""
    found = []
    for name in VIEWS:
        with open(sql_folder() / "evidence" / "views" / f"{name}.sql", encoding="utf-8") as stream:
            found.append(View(name, stream.readline().removeprefix(f"-- {name}: ").strip().rstrip(".")))
    return found


class Views:
    """Audits and reports as SQL views. A context manager.

    ``patterns`` are paths, or globs (``**`` for all folders below) if no file has that very name. ``loaded`` counts the
    files that are audits or reports. ``passed_over`` lists the matches of globs that are neither.

    Raise UsageError if a pattern matches nothing, or if a path names a file that is neither an audit nor a report.
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
        """Lock the connection and run a query, or list the views if there is none.

        Return the result of the last statement that has one. Raise StatementError with the message of DuckDB.
        """
        if not self._is_locked:
            self._engine.lock()
            self._is_locked = True
        return self._engine.ask(render("evidence/60_view_list", views=views()).sql if query is None else query)

    def save(self, path: str) -> None:
        """Save the views as tables of a DuckDB file, new or old. Other tables in it stay. Call this before :meth:`ask`.

        Raise TableError if the file is not a DuckDB file, is in use or cannot be written, or if moslabels did not make
        a table in it that has the name of a view. The file then stays as it was.
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
        """Raise TableError if a table or view that would be replaced lacks the mark of moslabels."""
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
        """Load files. Return, by path, why some of them are neither an audit nor a report."""
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
    """Return the files that are named, and those that globs match: each file once, sorted by path."""
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
        # A pattern means files only, and no hidden ones, as files are hidden while they are written.
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
    """Yield what a glob matches, as glob.glob() does. But ** comes to each folder once, even if links form a loop."""
    parts = _ALL_BELOW.fullmatch(pattern)
    if parts is None:
        yield from glob.iglob(pattern)
        return
    start, rest = parts[1], parts[2] or "*"
    for top in glob.iglob(start) if start else [""]:
        for folder in _folders(top):
            yield from _matches(glob.escape(folder) + rest)


def _folders(top: str) -> Iterator[str]:
    """Yield a folder and all below it that are not hidden, each with a final slash. Those behind links come last."""
    waiting, links = deque([top]), deque[str]()
    seen = set()
    while waiting or links:
        folder = waiting.popleft() if waiting else links.popleft()
        try:
            found = os.stat(folder or os.curdir)
            entries = sorted(os.scandir(folder or os.curdir), key=lambda entry: entry.name)
        except OSError as error:
            if is_from_outside(error):
                raise
            continue
        if (found.st_dev, found.st_ino) in seen:
            continue
        seen.add((found.st_dev, found.st_ino))
        yield folder
        for entry in entries:
            if not entry.name.startswith(".") and entry.is_dir():
                (links if entry.is_symlink() else waiting).append(os.path.join(folder, entry.name, ""))


def _text(members: Mapping[str, Any]) -> str:
    """Return the members of a file as JSON that DuckDB can read."""
    # Old programs wrote half a surrogate pair for a path that is not UTF-8. It would make every query fail.
    return json.dumps(members, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace").decode()


def _utf8(path: str) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _quoted(patterns: Sequence[str]) -> str:
    return ", ".join(shown(pattern) for pattern in patterns)


def _copy_database(path: str, copy: str) -> None:
    """Copy a DuckDB file. Raise TableError if another program has it open, or if it is not a DuckDB file."""
    with open(path, "rb") as stream:
        if stream.read(12)[8:] != _DUCKDB_MAGIC:
            raise TableError(f"{path}: is not a DuckDB file; write to another path", code="unreadable", file=path)
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
