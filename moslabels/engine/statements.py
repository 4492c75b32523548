"""Templates in ``sql/`` -> statements, text plus bound values; and in ``pages/`` -> HTML. The only user of Jinja.

In SQL a value is bound; an identifier, a number or a type name goes through its filter. Anything else in ``{{ }}`` is
refused, so a template that forgets a filter fails the first time it is rendered. In HTML all in ``{{ }}`` is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from moslabels.base.text import is_visible, visible

_QUOTED_OR_COMMENT = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*""")
_PARAMETER = re.compile(r"\$([a-z_][a-z0-9_]*)")
_TYPE = re.compile(r"[A-Z][A-Z0-9_ ]*(\([0-9]+(, ?[0-9]+)?\))?")


class SqlText(str):
    """Text that may stand in a statement as it is."""


@dataclass(frozen=True)
class Statement:
    """A named SQL statement with the values of its parameters. ``name`` is its path below ``sql/``."""

    name: str
    sql: str
    values: Mapping[str, Any] = field(default_factory=dict)


def sql_folder() -> Path:
    """The folder of the templates: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "sql"
    return inside if inside.is_dir() else package.parent / "sql"


def quote_identifier(name: str) -> SqlText:
    """A name as a quoted identifier: double quotes doubled. NUL and the empty name cannot be quoted: ValueError."""
    if not name or "\0" in name:
        raise ValueError(f"no SQL identifier can be {name!r}")
    return SqlText('"' + name.replace('"', '""') + '"')


def _quote_text(value: str) -> SqlText:
    return SqlText("'" + value.replace("'", "''") + "'")


def _number(value: int) -> SqlText:
    return SqlText(str(int(value)))


def _type_name(name: str) -> SqlText:
    if not _TYPE.fullmatch(name):
        raise ValueError(f"not a type name: {name!r}")
    return SqlText(name)


def _refuse_unquoted(value: Any) -> str:
    if isinstance(value, SqlText):
        return value
    raise TypeError(f"not quoted for SQL: {value!r}")


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(sql_folder()),
        undefined=jinja2.StrictUndefined,
        finalize=_refuse_unquoted,
        autoescape=False,  # noqa: S701 (SQL, not HTML: finalize refuses what is not quoted)
    )
    environment.filters = {
        "ident": quote_identifier,
        "text": _quote_text,
        "number": _number,
        "sqltype": _type_name,
        "length": len,
    }
    return environment


def parameters(sql: str) -> list[str]:
    """The names of the parameters ($name) of a statement, in order of first use."""
    return list(dict.fromkeys(_PARAMETER.findall(_QUOTED_OR_COMMENT.sub("", sql))))


def render(name: str, values: Mapping[str, Any] | None = None, **context: Any) -> Statement:
    """The statement of ``sql/<name>.sql``.

    ``values`` may hold more than the statement uses: what it uses is bound. ``context`` is what the template sees.
    """
    sql = _environment().get_template(f"{name}.sql").render(context)
    return Statement(name, sql, {key: (values or {})[key] for key in parameters(sql)})


def _page_text(value: Any) -> Any:
    """What a page shows of a value: visible text, which Jinja then escapes, or a whole number. All else is refused."""
    if hasattr(value, "__html__"):  # What a macro of the template made.
        return value
    if isinstance(value, str):
        return visible(value)
    if type(value) is int:
        return value
    raise TypeError(f"no text for a page: {value!r}")


@cache
def _page_environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parents[1] / "pages"),
        undefined=jinja2.StrictUndefined,
        finalize=_page_text,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters = {"count": "{:,}".format, "length": len}
    return environment


def render_page(name: str, **context: Any) -> str:
    """The HTML of ``pages/<name>.html``. Nothing that the context holds becomes structure."""
    return _page_environment().get_template(f"{name}.html").render(context)


def filled_in(statement: Statement) -> str:
    """A statement with its values written into it: as the DuckDB shell runs it."""

    def value_or_itself(found: re.Match[str]) -> str:
        return _literal(statement.values[found[1]]) if found[1] else _told(found[0], statement.sql[: found.start()])

    sql = re.sub(f"{_QUOTED_OR_COMMENT.pattern}|{_PARAMETER.pattern}", value_or_itself, statement.sql)
    return sql.strip().rstrip(";") + ";"


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):  # 0.1 alone would be a DECIMAL.
        return f"CAST('{value!r}' AS DOUBLE)"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_literal(name)}: {_literal(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return _spelled(str(value))


def _spelled(value: str) -> str:
    """A text as a literal; each character in it that nobody would see, and NUL, is chr() of its number."""
    told, run = [], ""
    for character in value:
        if character in "\n\t" or is_visible(character):
            run += character
            continue
        told += [_quote_text(run), f"chr({ord(character)})"] if run else [f"chr({ord(character)})"]
        run = ""
    if run or not told:
        told.append(_quote_text(run))
    return told[0] if len(told) == 1 else f"({' || '.join(told)})"


def _told(token: str, before: str) -> str:
    """A quoted name or text, or a comment, without a character that nobody would see."""
    if all(character in "\n\t" or is_visible(character) for character in token):
        return token
    if token.startswith("'"):
        return _spelled(token[1:-1].replace("''", "'"))
    if not token.startswith('"') or before.rstrip().upper().endswith(" AS"):
        return visible(token)  # A comment, or the name of a column of the result.
    name = token[1:-1].replace('""', '"')
    return f"COLUMNS(lambda name: name = {_spelled(name)})"


def rules() -> list[Statement]:
    """The rules of ``sql/rules/``, in the order in which they build on one another."""
    return [render(f"rules/{name}") for name in RULES]


RULES = (
    "white_space",
    "trim_text",
    "base_name",
    "stem",
    "normalize_key",
    "cut_text",
    "key_fault",
    "key_text",
    "make_key",
    "compound_key",
    "extension",
    "without_accidents",
    "near_key",
    "mos_number",
    "mos_state",
    "scale_mos",
    "scale_raw",
    "cell_bits",
    "bits_type",
    "stated_text",
    "json_member",
    "without_texts",
)
