"""Statements from the templates in ``sql/``: text plus bound values. Only this module uses Jinja for SQL.

A value is bound. An identifier, a number or a type name goes through a filter. Anything else in ``{{ }}`` is refused,
so a template that forgets a filter fails the first time it is rendered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from jinja2.bccache import Bucket

from moslabels.engine import compiled

QUOTED_OR_COMMENT = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*""")
PARAMETER = re.compile(r"\$([a-z_][a-z0-9_]*)")
_JINJA = re.compile("{[{%#]")
_TYPE = re.compile(r"[A-Z][A-Z0-9_ ]*(\([0-9]+(, ?[0-9]+)?\))?")


class SqlText(str):
    """Text that may stand in a statement as it is."""


@dataclass(frozen=True)
class Statement:
    """A named SQL statement with the values of its parameters. ``name`` is its path below ``sql/``."""

    name: str
    sql: str
    values: Mapping[str, Any] = field(default_factory=dict)


@cache
def sql_folder() -> Path:
    """Return the folder of the templates: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "sql"
    return inside if inside.is_dir() else package.parent / "sql"


def quote_identifier(name: str) -> SqlText:
    """Return a name as a quoted identifier. Raise ValueError if it is empty or has a NUL character."""
    if not name or "\0" in name:
        raise ValueError(f"is not a name that SQL can have: {name!r}")
    return SqlText('"' + name.replace('"', '""') + '"')


def quote_text(value: str) -> SqlText:
    """Return a text as a SQL literal."""
    return SqlText("'" + value.replace("'", "''") + "'")


def _number(value: int) -> SqlText:
    return SqlText(str(int(value)))


def type_name(name: str) -> SqlText:
    if not _TYPE.fullmatch(name):
        raise ValueError(f"not a type name: {name!r}")
    return SqlText(name)


def _refuse_unquoted(value: Any) -> str:
    if isinstance(value, SqlText):
        return value
    raise TypeError(f"not quoted for SQL: {value!r}")


class _Kept(jinja2.BytecodeCache):
    """Compiled templates by the paths of their sources. To compile those of one table takes longer than to label it."""

    def get_cache_key(self, name: str, filename: str | None = None) -> str:
        return filename or name

    def get_source_checksum(self, source: str) -> str:
        return compiled.checksum(source)

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = compiled.read(bucket.key, bucket.checksum)

    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code is not None
        compiled.keep(bucket.key, bucket.checksum, bucket.code)


class _Environment(jinja2.Environment):
    """An environment whose macros return SqlText, because all that they are made of was quoted before."""

    @staticmethod
    def concat(parts: Iterable[str]) -> SqlText:
        return SqlText("".join(parts))


@cache
def environment() -> jinja2.Environment:
    """Return the Jinja environment of ``sql/``. It refuses values that did not go through one of its filters."""
    made = _Environment(
        loader=jinja2.FileSystemLoader(sql_folder()),
        undefined=jinja2.StrictUndefined,
        finalize=_refuse_unquoted,
        autoescape=False,  # SQL, not HTML: finalize refuses what is not quoted.
        auto_reload=False,  # A template does not change while it is in use.
        bytecode_cache=_Kept(),
    )
    made.filters = {
        "ident": quote_identifier,
        "text": quote_text,
        "number": _number,
        "sqltype": type_name,
        "length": len,
    }
    return made


def parameters(sql: str) -> list[str]:
    """Return the names of the parameters ($name) of a statement, in order of first use."""
    return list(dict.fromkeys(PARAMETER.findall(QUOTED_OR_COMMENT.sub("", sql))))


def render(name: str, values: Mapping[str, Any] | None = None, **context: Any) -> Statement:
    """Return the statement of ``sql/<name>.sql``.

    ``values`` may hold more than the statement uses: it keeps those that it uses. The template sees ``context``.
    """
    if all(isinstance(value, bool) for value in context.values()):
        sql, used = _plain(name, **context)
    else:
        sql, used = _rendered(name, context)
    return Statement(name, sql, {key: (values or {})[key] for key in used})


def _rendered(name: str, context: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Return the text of a statement and its parameters."""
    sql = environment().get_template(f"{name}.sql").render(context)
    return sql, parameters(sql)


@cache
def _plain(name: str, **flags: bool) -> tuple[str, list[str]]:
    """Return what :func:`_rendered` returns of a statement that needs no more context than some flags: most do not."""
    text = (sql_folder() / f"{name}.sql").read_text(encoding="utf-8")
    # Jinja would return the same text, after it has taken it apart and compiled it.
    if _JINJA.search(text):
        return _rendered(name, flags)
    sql = text.removesuffix("\n")
    return sql, parameters(sql)


def rules(temporary: bool = True) -> list[Statement]:
    """Return the rules of ``sql/rules/`` in the order of their numbers, because later ones use earlier ones.

    Temporary rules belong to one session. Other rules hold for all sessions of a database.
    """
    names = (f"rules/{path.stem}" for path in sorted((sql_folder() / "rules").glob("*.sql")))
    return [render(name, TEMP=SqlText("TEMP" if temporary else "")) for name in names]
