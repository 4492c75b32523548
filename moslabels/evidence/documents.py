"""Reading of evidence: audits, reports and the entries in labelled tables, each with its kind and its faults.

Only this module reads evidence. ``verify``, ``diff``, ``sql`` and ``--skip-unchanged`` use it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, ClassVar

from moslabels.base.errors import is_from_outside, os_error
from moslabels.base.text import shown
from moslabels.evidence import audit, embedded, report
from moslabels.evidence.json_schema import audit_document, entry_document, provenance_block, report_document
from moslabels.evidence.provenance import is_ours
from moslabels.evidence.shape import Misfit, misfits
from moslabels.evidence.strict_json import DocumentError, parse
from moslabels.files.contents import HEAD, not_json, not_parquet
from moslabels.files.regular import open_regular, reason
from moslabels.labelling.keys import several
from moslabels.sources.opening import reader_at


@dataclass(frozen=True)
class Evidence:
    """A document that moslabels wrote about a run. Call :meth:`misfits` before using any member but ``schema``."""

    members: Mapping[str, Any]

    kind: ClassVar[str]
    schema: ClassVar[Callable[[], dict[str, Any]]]

    @property
    def block(self) -> Any:
        """Return the ``run_provenance`` block. It may be the caller's own, of any shape."""
        return self.members.get("run_provenance")

    @property
    def is_ours(self) -> bool:
        """Return whether moslabels wrote the ``run_provenance`` block, and not the caller."""
        return is_ours(self.block)

    def misfits(self) -> list[Misfit]:
        """Return where the document does not fit its schema. Its block is left out."""
        return list(misfits(self.members, type(self).schema()))

    def block_misfits(self) -> list[Misfit]:
        """Return where the block does not fit its schema. A block of the caller's own has no schema."""
        return list(misfits(self.block, provenance_block(), "run_provenance")) if self.is_ours else []

    def fits(self) -> bool:
        """Return whether it has exactly the members that this version writes. A block of the caller's own fits too."""
        return not self.misfits() and not self.block_misfits()


class Audit(Evidence):
    """The audit of one labelled table."""

    kind = "audit"
    schema = staticmethod(audit_document)

    @property
    def key(self) -> Sequence[str]:
        """Return the key columns of the features, and so of the output."""
        return several(self.members["feature_key_column"])


class Report(Evidence):
    """The report of a batch."""

    kind = "report"
    schema = staticmethod(report_document)


class Entry(Evidence):
    """The evidence inside a labelled Parquet file. Before it is known to fit, its members may be any JSON value."""

    kind = "labelled table"
    schema = staticmethod(entry_document)

    @property
    def block(self) -> None:
        """Return None, because an entry has no block."""

    @property
    def counts(self) -> dict[str, Any]:
        """Return the counts, as an audit of the table has them."""
        return {**self.members["counts"], "match_rate": self.members["match_rate"]}

    @property
    def schema_fault(self) -> str:
        """Return why an entry of the right shape cannot be judged; empty if it can."""
        name = self.members["schema"]
        if name == embedded.SCHEMA:
            return ""
        return f"its evidence is of the schema {shown(name)}, which this version does not know"

    @property
    def key(self) -> Sequence[str]:
        """Return the key columns of the features, and so of the table."""
        return several(self.members["feature_key_column"])


@dataclass(frozen=True)
class Unknown:
    """A file that is not evidence of this version. ``fault`` says why, in words that follow the name of the file.

    ``kind`` is ``labelled table`` for a Parquet file, and else ``unknown``. ``is_bare`` says that the file may be a
    table without evidence in it.
    """

    fault: str
    kind: str = "unknown"
    is_bare: bool = False


Document = Audit | Report | Entry | Unknown


def load(path: str) -> Document:
    """Open a file once, and return the document in it. Its contents decide what it is, not its name.

    Return Unknown if anything is wrong with the file. Only exceptions from outside are raised, such as Ctrl-C.
    """
    import pyarrow as pa

    is_parquet = False
    try:
        with open_regular(path) as stream:
            head = stream.read(HEAD)
            is_parquet = head.startswith(b"PAR1")
            stream.seek(0)
            return _entry(stream) if is_parquet else _document(path, stream, head)
    except OSError as error:
        return Unknown(reason(error))
    except pa.ArrowException as error:
        return Unknown(f"cannot be read: {error}", Entry.kind)


def _entry(stream: BinaryIO) -> Document:
    try:
        found = embedded.read(stream)
    except DocumentError as error:
        return Unknown(str(error), Entry.kind)
    if found is not None:
        return Entry(found)
    return Unknown("carries no evidence: it was not written by moslabels, or lost it", Entry.kind, is_bare=True)


def _document(path: str, stream: BinaryIO, head: bytes) -> Document:
    try:
        document = parse(stream)
    except DocumentError as error:
        return _not_json(path, head, error)
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema == audit.SCHEMA:
        return Audit(document)
    if schema == report.SCHEMA:
        return Report(document)
    if isinstance(schema, str) and schema.startswith(audit.FAMILY):
        return Unknown(f"is of the schema {shown(schema)}, which this version does not know")
    return Unknown("is not an audit, a report or a labelled Parquet file", is_bare=True)


def _not_json(path: str, head: bytes, error: DocumentError) -> Unknown:
    """Return the fault of a file that is not JSON. If its name is that of a table, it may be a table."""
    table = reader_at(path)
    if table is not None and table.holds_evidence:
        return Unknown(f"cannot be read: it {not_parquet(head) or 'is not a Parquet file'}")
    if table is None or table.is_document:
        return Unknown(not_json(head) or str(error))
    return Unknown(not_json(head) or "is a table without evidence in it: name its audit", is_bare=True)


@dataclass(frozen=True)
class Raw:
    """A file that may be an audit or a report of any version, with its time, and with its members or its fault.

    ``modified`` is in microseconds since 1970, in UTC.
    """

    modified: int
    members: Mapping[str, Any] | None = None
    fault: str | None = None


def load_raw(path: str) -> Raw:
    """Read a file that holds a JSON object with any members, because old versions wrote other members.

    Raise TableError if the file cannot be opened or read.
    """
    try:
        with open_regular(path) as stream:
            modified = os.fstat(stream.fileno()).st_mtime_ns // 1000
            # Look at the start first: a table of gigabytes should not be read only to be skipped.
            head = stream.read(HEAD)
            if not head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
                return Raw(modified, fault=not_json(head) or "is neither an audit nor a report of moslabels")
            stream.seek(0)
            return Raw(modified, parse(stream, halves=True))
    except OSError as error:
        raise os_error(error) from error
    except DocumentError as error:
        return Raw(modified, fault=str(error))


@dataclass
class Reach:
    """The folder in which the paths of documents should lie.

    ``outside`` collects the paths that lie elsewhere, in order. If ``is_only`` is set, they are not opened.
    """

    base_dir: str = ""
    is_only: bool = False
    outside: dict[str, None] = field(default_factory=dict)

    def check(self, path: str) -> None:
        """Check a path that a document names. Raise OSError if it must not be opened."""
        try:
            base_dir = os.path.realpath(self.base_dir)
            is_inside = os.path.commonpath([base_dir, os.path.realpath(path)]) == base_dir
        except ValueError as error:
            if is_from_outside(error):
                raise
            raise OSError(errno.EINVAL, "is not a name that a file can have", path) from error
        if not is_inside:
            self.outside[path] = None
            if self.is_only:
                raise OSError(errno.EACCES, f"is outside of {base_dir}, and --only-root refuses that", path)
