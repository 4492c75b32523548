"""Evidence in the forms that others read. The audit is a stranger's: no path in it is opened."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from moslabels.base.errors import TableError, UsageError
from moslabels.base.text import nearest, shown, visible
from moslabels.evidence.documents import Audit, Unknown, load
from moslabels.evidence.exports import MAKERS, audit_problems
from moslabels.evidence.label_columns import LABEL_MEANINGS, label_columns
from moslabels.files.regular import open_regular, reason
from moslabels.spec.exports import EXPORTS, given_problems
from moslabels.spec.paths import path_argument


def export(form: str, audit: str | os.PathLike[str], given: Mapping[str, str]) -> dict[str, Any]:
    """Return the document of an audit in a form of ``EXPORTS``: JSON values.

    Equal arguments and files give an equal document: no clock and no random number is in it. ``given`` is what the form
    needs besides the audit. Of all files only the audit is opened, and the ``table`` that the user names.

    Raise UsageError if the arguments are wrong, and TableError if the audit or the table does not fit.
    """
    if form not in EXPORTS:
        raise UsageError(f"there is no form {shown(form)}{nearest(form, EXPORTS)}; there are {', '.join(EXPORTS)}")
    if problems := given_problems(form, given):
        raise UsageError("the arguments are wrong:", problems)
    path = path_argument("audit", audit)
    members = _audit(form, path)
    columns = _columns(path_argument("table", given["table"]), path, members) if "table" in given else None
    return MAKERS[form](members, columns, given)


def _audit(form: str, path: str) -> Mapping[str, Any]:
    """Return the members of an audit that has the shape of this version. Raise TableError."""
    document = load(path)
    if not isinstance(document, Audit):
        says = document.fault if isinstance(document, Unknown) else f"is a {document.kind}, and an audit is wanted"
        raise TableError(f"{path}: {says}", code="unreadable", file=path)
    wrong = [*document.misfits(), *document.block_misfits()]
    if wrong:
        first = wrong[0]
        raise TableError(
            f"{path}: its audit is not valid: {visible(first.place) or 'it'} {first.says}", code="unreadable", file=path
        )
    if not document.is_ours:
        raise TableError(
            f"{path}: its run_provenance is not that of moslabels: it does not say what was read, and by which version",
            code="unreadable",
            file=path,
        )
    if problems := audit_problems(document.members, names_inputs=form == "in-toto"):
        raise TableError(f"{path}: {'; '.join(problems)}", code="unreadable", file=path)
    return document.members


def _columns(table: str, path: str, audit: Mapping[str, Any]) -> pa.Schema:
    """Return the columns of the Parquet file that the user names. Raise TableError if it is not that of the audit."""
    try:
        with open_regular(table) as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
            if sha256 != audit["output_sha256"]:
                raise TableError(
                    f"{table}: is not the table that {path} is about: its sha256 is {sha256}, and the audit says "
                    f"{audit['output_sha256']}",
                    code="changed",
                    file=table,
                )
            stream.seek(0)
            columns = pq.ParquetFile(stream).schema_arrow
    except OSError as error:
        code = "no-file" if isinstance(error, FileNotFoundError) else "file-system"
        raise TableError(f"{table}: {reason(error)}", code=code, file=table) from error
    except pa.ArrowException as error:
        raise TableError(
            f"{table}: its columns can be read from a Parquet file only: {error}", code="unreadable", file=table
        ) from error
    names = columns.names
    twice = [name for name in names if names.count(name) > 1]
    lacking = [name for name in label_columns(audit, LABEL_MEANINGS) if name not in names]
    if twice or lacking:
        says = f"two columns are named {shown(twice[0])}" if twice else f"it has no column {shown(lacking[0])}"
        raise TableError(f"{table}: {says}", code="unreadable", file=table)
    return columns
