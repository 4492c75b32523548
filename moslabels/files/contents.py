"""Text for messages about a file that is not what its name says: what its first bytes show, and what to do about it."""

from __future__ import annotations

import os
import re
from functools import cache

HEAD = 4096
"""How many of the first bytes of a file are looked at."""

_FETCH = "stands in the place of a file that was not fetched"
_UNPACK = "unpack it first, and name what was in it"
_OR_NAME = "; CSV and JSON are read as they are if their name ends in"
_SHEET = "save the sheet as CSV"
_EXPORT = "write its table as CSV or Parquet first"
_PAGE = "was a page downloaded in the place of the file, such as one to log in?"
_TEXT = "is not a Parquet file, but text: if it is CSV or JSON, name it .csv, .tsv, .jsonl or .json"
_GET = "run git annex get on it, or datalad get"
_PULL = "run dvc pull"

_BEGINS = [
    (
        rb"version https://(git-lfs|hawser)\.github\.com/spec/",
        f"is a Git LFS pointer, which {_FETCH}: run git lfs pull",
    ),
    (rb"/annex/objects/|(\.\./)*\.git/annex/objects/", f"is a pointer of git-annex, which {_FETCH}: {_GET}"),
    (
        rb"(?=(outs|deps|md5|cmd|frozen|wdir|meta|desc):)([^\n]*\n){0,30}outs:\r?\n *- ",
        f"is a file of DVC, which {_FETCH}: {_PULL}, and name the file that it is about",
    ),
    (rb"\x1f\x8b\x08", f"is compressed by gzip: {_UNPACK} (gzip -dc){_OR_NAME} .gz"),
    (
        rb"\x28\xb5\x2f\xfd",
        f"is compressed by zstd: {_UNPACK} (zstd -dc){_OR_NAME} .zst",
    ),
    (rb"BZh[1-9](1AY&SY|\x17rE8P\x90)", f"is compressed by bzip2: {_UNPACK} (bzip2 -dc)"),
    (rb"\xfd7zXZ\0", f"is compressed by xz: {_UNPACK} (xz -dc)"),
    (rb"\x04\x22\x4d\x18", f"is compressed by lz4: {_UNPACK} (lz4 -dc)"),
    (rb"\xff\x06\0\0sNaPpY", f"is compressed by snappy: {_UNPACK}"),
    (rb"PK\x03\x04.*(xl/|\[Content_Types\]\.xml)", f"is an Excel workbook, or of another Office program: {_SHEET}"),
    (rb"PK\x03\x04.{26}mimetypeapplication/vnd\.oasis", f"is an OpenDocument file: {_SHEET}"),
    (rb"PK\x03\x04.{26}[^/]{0,99}\.npy", f"is an archive of NumPy arrays (npz): {_EXPORT}"),
    (rb"PK(\x03\x04|\x05\x06)", f"is a ZIP archive: {_UNPACK} (unzip)"),
    (rb"7z\xbc\xaf\x27\x1c", f"is a 7z archive: {_UNPACK}"),
    (rb"Rar!\x1a\x07", f"is a RAR archive: {_UNPACK}"),
    (rb".{257}ustar[\0 ]", f"is a tar archive: {_UNPACK} (tar -xf)"),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", f"is an old Excel workbook (xls), or of another Office program: {_SHEET}"),
    (rb"(.{512}|)\x89HDF\r\n\x1a\n", f"is an HDF5 file, as a newer .mat is: {_EXPORT}"),
    (rb"MATLAB [0-9.]+ MAT-file", f"is a MATLAB file (mat): {_EXPORT}"),
    (rb"\x93NUMPY", f"is a NumPy array (npy): {_EXPORT}"),
    (rb"\x80[\x02-\x05]", f"is a pickle of Python: {_EXPORT}"),
    (rb"SQLite format 3\0", f"is a SQLite database: {_EXPORT}"),
    (rb".{8}DUCK.\0", f"is a DuckDB database: {_EXPORT}"),
    (rb"ARROW1\0\0|FEA1|\xff\xff\xff\xff.{3}\0\x10\0\0\0", f"is an Arrow file (IPC, feather): {_EXPORT}"),
    (rb"ORC(?=.{0,200}[\0-\x08\x0e-\x1f])", f"is an ORC file: {_EXPORT}"),
    (rb"Obj\x01", f"is an Avro file: {_EXPORT}"),
    (rb"RD[XAB][0-9]\n|X\n\0\0\0", f"is a file of R: {_EXPORT}"),
    (rb"\$FL[23]@\(#\)", f"is an SPSS file (sav): {_EXPORT}"),
    (rb"<stata_dta>", f"is a Stata file (dta): {_EXPORT}"),
    (rb"%PDF-", "is a PDF document: name a file that holds the table itself"),
    (rb"\s*(<!--.{0,999}?-->\s*)?<(?i:!doctype html|html|head|body|script)\b", f"is a page of the web (HTML): {_PAGE}"),
    (rb"\s*<(\?xml|Error)\b", f"is an XML document: {_PAGE}"),
]
_SUFFIXES = {
    **dict.fromkeys("bz2 xz lz4 zip 7z rar tar tgz".split(), _UNPACK),
    **{name: f"name what is in it too, such as .csv.{name} or .jsonl.{name}" for name in ("gz", "zst")},
    **dict.fromkeys("xlsm ods".split(), _SHEET),
    **dict.fromkeys(
        "h5 hdf5 orc avro db sqlite sqlite3 duckdb rds rdata sav dta".split(),
        _EXPORT,
    ),
    "dvc": f"{_PULL}, and name the file that it is about",
}
_PACKED = {"gzip": re.compile(rb"\x1f\x8b"), "zstd": re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18")}
_PARQUET = b"PAR1"
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x19\x1c-\x1f]")
_LINKS = (
    (re.compile(r"(^|/)annex/objects/"), _GET),
    (re.compile(r"(^|/)(\.dvc/cache|files/md5)/"), _PULL),
)


def other_content(path: str) -> str | None:
    """Return what a file is that should be a JSON document of moslabels, and what to do; None if it may be JSON.

    Raise OSError if the file cannot be read.
    """
    return not_json(_head(path))


def not_json(head: bytes) -> str | None:
    """Return the same as :func:`other_content`, from the first bytes of a file."""
    return "is a Parquet file, not JSON" if head.startswith(_PARQUET) else _told(head)


def other_than_text(path: str, encoding: str = "utf-8") -> str | None:
    """Return what a file is that should be a table of text, and what to do; None if it may be text.

    Bytes of an unknown format are named too, if they cannot be text. Raise OSError if the file cannot be read.
    """
    head = _head(path)
    if head.startswith(_PARQUET):
        return "begins as a Parquet file does: name it .parquet"
    if encoding == "utf-8" and _is_binary(head):
        return _told(head) or f"is not text, but a file of another format: {_EXPORT}"
    return _told(head)


def other_than_parquet(path: str) -> str | None:
    """Return what a file is that should be a Parquet file, and what to do; None if it may be Parquet or is unknown.

    Raise OSError if the file cannot be read.
    """
    return not_parquet(_head(path))


def not_parquet(head: bytes) -> str | None:
    """Return the same as :func:`other_than_parquet`, from the first bytes of a file."""
    if head.startswith(_PARQUET):
        return None
    is_text = head.strip() and not _CONTROL.search(head)
    return _told(head) or (_TEXT if is_text else None)


def packed_otherwise(path: str, codec: str) -> str | None:
    """Return what a file is that should be compressed as its suffix says, and what to do; None if it is.

    Raise OSError if the file cannot be read.
    """
    head = _head(path)
    if _PACKED[codec].match(head):
        return None
    if not head:
        return f"is empty: even an empty text that {codec} compressed has some bytes"
    told = _told(head)
    return told or f"is not compressed by {codec}, as its name says: leave that part of its name out, or fetch it again"


def suffix_advice(suffix: str) -> str:
    """Return what to do with a table whose suffix is not supported, after a semicolon; an empty text if unknown."""
    advice = _SUFFIXES.get(suffix.lower().removeprefix("."))
    return f"; {advice}" if advice else ""


def absence_advice(path: str) -> str:
    """Return what to do about a missing file, after a semicolon; an empty text if nothing stands in its place.

    A broken link, or a ``.dvc`` file beside the path, shows that the file was not fetched.
    """
    if os.path.islink(path):
        target = os.readlink(path)
        advice = next((advice for pattern, advice in _LINKS if pattern.search(target)), "find that file, or link anew")
        return f"; it is a link to {target}, which is not there: {advice}"
    return f"; {path}.dvc is there: {_PULL}" if os.path.isfile(f"{path}.dvc") else ""


def _head(path: str) -> bytes:
    with open(path, "rb") as stream:
        return stream.read(HEAD)


def _told(head: bytes) -> str | None:
    head = head.removeprefix(b"\xef\xbb\xbf")
    return next((says for pattern, says in _kinds() if pattern.match(head)), None)


@cache
def _kinds() -> list[tuple[re.Pattern[bytes], str]]:
    return [(re.compile(pattern, re.DOTALL), says) for pattern, says in _BEGINS]


def _is_binary(head: bytes) -> bool:
    """Return whether bytes cannot be text: not UTF-8, not UTF-16, and not text of one byte a character."""
    is_utf_16 = head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0\0" in (head[0:4:2], head[1:4:2])
    if is_utf_16 or not _CONTROL.search(head):
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start < len(head) - 3  # The head may end within a character.
    return False
