"""Audits and reports as others may have written them, and the files that they name: opened once, as regular files."""

from __future__ import annotations

import errno
import io
import json
import math
import os
import stat
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, BinaryIO, NoReturn

from moslabels.base.errors import is_from_outside
from moslabels.base.text import json_fault, shown
from moslabels.files.contents import absence_advice

MOST_BYTES = 1 << 28
"""The most that an audit or a report holds."""
_DEEPEST = 100
_LONGEST_NUMBER = 300
"""Digits of a whole number: what has more is beyond every float."""
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOCTTY", 0)


def open_regular(path: str | os.PathLike[str]) -> io.BufferedReader:
    """Open a regular file to read it. Raises OSError where there is none: a pipe, a device or a folder is not opened.

    A path is the name of a file of this system: a scheme such as ``s3://`` means nothing.
    """
    try:
        _check_kind(path, os.stat(path).st_mode)
        handle = os.open(path, _FLAGS)  # What takes its place meanwhile must not make this wait.
    except ValueError as error:  # NUL, or half of a character
        if is_from_outside(error):
            raise
        raise OSError(errno.EINVAL, "is no name that a file can have", path) from error
    try:
        _check_kind(path, os.fstat(handle).st_mode)
        os.set_blocking(handle, True)
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def _check_kind(path: str | os.PathLike[str], mode: int) -> None:
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "no regular file"
        raise OSError(errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL, f"is {kind}", path)


def reason(error: OSError) -> str:
    """What the system says of a file, after its name. Raises the error again where it is no fault of a file."""
    if is_from_outside(error):
        raise error
    if isinstance(error, FileNotFoundError):
        path = error.filename
        return f"there is no such file{absence_advice(path) if isinstance(path, str) else ''}"
    said = error.strerror or str(error)
    return said if said.startswith("is ") else f"cannot be read: {said}"


@dataclass
class Reach:
    """The folder in which the paths of documents are to lie. ``outside`` has those that do not, in order.

    ``is_only`` refuses to open these.
    """

    root: str = ""
    is_only: bool = False
    outside: dict[str, None] = field(default_factory=dict)

    def check(self, path: str) -> None:
        """Note a path that a document names. Raises OSError where it must not be opened."""
        try:
            root = os.path.realpath(self.root)
            is_inside = os.path.commonpath([root, os.path.realpath(path)]) == root
        except ValueError as error:
            if is_from_outside(error):
                raise
            raise OSError(errno.EINVAL, "is no name that a file can have", path) from error
        if not is_inside:
            self.outside[path] = None
            if self.is_only:
                raise OSError(errno.EACCES, f"is outside of {root}, and --only-root refuses that", path)


class DocumentError(ValueError):
    """A file is no document that can be judged. The text says why, after its name."""


def parse(stream: BinaryIO, *, halves: bool = False) -> Any:
    """The value of a JSON document. Raises DocumentError, also where two readers could take it for two things.

    ``halves`` takes halves of characters, which old programs wrote.
    """
    content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise DocumentError(f"is larger than {MOST_BYTES >> 20} MiB, which no audit and no report is")
    try:
        value = json.loads(
            content.decode("utf-8-sig"),
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_float,
            parse_int=_integer,
        )
    except RecursionError as error:
        raise DocumentError("is no JSON: its values nest too deep") from error
    except ValueError as error:
        if is_from_outside(error):
            raise
        raise DocumentError(f"is no JSON: {json_fault(error)}") from error
    if _is_deep(value):
        raise DocumentError("is no JSON: its values nest too deep")
    if not halves:
        try:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError as error:
            raise DocumentError("is no JSON: a text of it holds half a character") from error
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        raise ValueError(f"the member {shown(twice)} is given twice")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"the number {text[:40]} is too large")
    return value


def _integer(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise ValueError(f"a number of {len(text)} digits is too large")
    return int(text)


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            inner
            for item in level
            if isinstance(item, dict | list)
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return False
    return True
