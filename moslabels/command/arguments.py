"""Arguments that several commands share: options of a table, settings and dialects; and the values that were given."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from moslabels.base.errors import UsageError
from moslabels.base.text import json_fault, listed, shown
from moslabels.command.parser import Parser, wrapped
from moslabels.spec.engines import ENGINES, LOCAL
from moslabels.spec.options import FIELDS
from moslabels.spec.problems import Members

if TYPE_CHECKING:
    from moslabels.base.settings import Settings
    from moslabels.spec.manifest import Manifest
    from moslabels.spec.table import TableSpec


def flag(name: str) -> str:
    """Return the flag of an option or setting."""
    return f"--{name.replace('_', '-')}"


def whole_number(text: str) -> int:
    """Return the number that a text is."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{shown(text)} is not a whole number") from None


SETTINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "memory_limit": ('most memory that DuckDB takes, such as "4GB"', {"metavar": "SIZE"}),
    "threads": ("threads that DuckDB takes", {"metavar": "N", "type": whole_number}),
    "temp_dir": ("folder for what does not fit in the memory", {"metavar": "D"}),
}
"""Each setting of DuckDB with its help and the keywords of its flag."""
WORKERS: dict[str, tuple[str, dict[str, Any]]] = {
    "workers": ("processes that label tables of many parts", {"metavar": "N", "type": whole_number})
}
"""The same of the processes that label parts, for the commands that label tables."""
ENGINE: dict[str, tuple[str, dict[str, Any]]] = {
    "engine": (
        f"what labels tables of many parts: {LOCAL} (processes of this machine), {' or '.join(ENGINES)}",
        {"metavar": "E", "choices": (LOCAL, *ENGINES)},
    ),
    "address": ("where the engine is, such as 10.0.0.1:6379", {"metavar": "A"}),
}
"""The same of the engine that labels parts."""
OF_WRITERS = SETTINGS | WORKERS | ENGINE
"""All of these, for the commands that write tables."""
OF_MATERIALIZE: dict[str, tuple[str, dict[str, Any]]] = {
    "skip_unchanged": ("do nothing if all still fits the audit", {"action": "store_true"}),
    "timings": ("write how long the table and its steps took, as JSON", {"metavar": "F"}),
}
"""The same of flags that the help of materialize has no line for. The help of batch has."""


def add_settings(parser: Parser, more: Mapping[str, tuple[str, dict[str, Any]]] = MappingProxyType({})) -> None:
    """Add the settings of DuckDB, and more such as ``WORKERS``."""
    for name, (help_text, keywords) in (*SETTINGS.items(), *more.items()):
        parser.add_argument(flag(name), help=help_text, **keywords)


def add_brief_settings(parser: Parser) -> None:
    """Add the settings of a command that writes tables. Its help has one line for all of them."""
    for name, (help_text, keywords) in OF_WRITERS.items():
        parser.add_brief(flag(name), help_text, **keywords)
    parser.epilog = f"settings: {' '.join(map(flag, OF_WRITERS))}\n\n{parser.epilog}"


def add_options(parser: Parser, *, writes: bool = False) -> None:
    """Add the options of a table, and the settings. They do not fit on a screen, so the help only names them."""
    for name, option in FIELDS.items():
        kind = option.metadata["kind"]
        keywords: dict[str, Any] = {"default": argparse.SUPPRESS}
        if kind.is_repeated:
            keywords |= {"metavar": kind.placeholder, "action": "append"}
        elif option.default is False:
            keywords |= {"action": "store_true"}
        else:
            read = json_or_text if kind.is_json else _number if kind.schema.get("type") == "number" else str
            keywords |= {"metavar": kind.placeholder, "type": read}
        parser.add_brief(flag(name), option.metadata["help"], **keywords)
    settings = OF_WRITERS | OF_MATERIALIZE if writes else SETTINGS
    for name, (help_text, keywords) in settings.items():
        parser.add_brief(flag(name), help_text, **keywords)
    flags = wrapped(" ".join(map(flag, (*FIELDS, *settings))), "  ")
    parser.epilog = f'more flags ("moslabels options" tells each):\n{flags}\n\n{parser.epilog}'


def add_dialects(parser: Parser) -> None:
    """Add the options that say how CSV is written."""
    for name in ("label_csv", "feature_csv"):
        parser.add_argument(
            flag(name),
            metavar=FIELDS[name].metadata["kind"].placeholder,
            type=json_or_text,
            default={},
            help=f'how {name.removesuffix("_csv")} CSV is written: a delimiter, or JSON that "moslabels options" tells',
        )


def add_verbosity(parser: Parser) -> None:
    """Add ``--quiet`` and ``--verbose``. Only one of them may be given."""
    verbose = "also say what was noted, and each SQL statement"
    parser.add_one_of(
        (("-q", "--quiet"), {"action": "store_true", "help": "say nothing but warnings and errors"}),
        (("-v", "--verbose"), {"action": "store_true", "help": verbose}),
    )


def add_only_root(parser: Parser, folder: str) -> None:
    """Add ``--only-root``. ``folder`` is the word for the folder in its help."""
    parser.add_argument("--only-root", action="store_true", help=f"open no file that they name outside of {folder}")


def json_or_text(text: str) -> Any:
    """Return the JSON value of a text if it begins like a list or an object, else the text itself."""
    if not text.lstrip().startswith(("[", "{")):
        return text
    try:
        return json.loads(text, object_pairs_hook=Members)
    except (ValueError, RecursionError) as error:
        raise argparse.ArgumentTypeError(f"{shown(text)} is not JSON: {json_fault(error)}") from error


def label(text: str) -> Any:
    """Return a path, or the object of a label file with its own options. A path that begins with { is written ./{…"""
    return json_or_text(text) if text.startswith("{") else text


def features(text: str) -> Any:
    """Return a path, or the pattern or list of a table of many parts. A path that begins with { or [ is written ./{…"""
    return json_or_text(text) if text.startswith(("{", "[")) else text


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{shown(text)} is not a number") from None


def given_options(parsed: argparse.Namespace) -> dict[str, Any]:
    """Return the options that were given. A repeated flag gives a list, in which an empty text becomes None."""
    given = {name: getattr(parsed, name) for name in FIELDS if hasattr(parsed, name)}
    for name, value in given.items():
        if FIELDS[name].metadata["kind"].is_repeated:
            given[name] = value[0] if len(value) == 1 else [text or None for text in value]
    return given


def given_settings(parsed: argparse.Namespace) -> Settings:
    """Return the settings that were given. Raise UsageError."""
    from moslabels.base.settings import Settings

    return Settings(**{name: getattr(parsed, name, None) for name in (*SETTINGS, *WORKERS)})


def table_of(manifest: Manifest, identifier: str | None) -> TableSpec:
    """Return the table that ``--table`` names. Raise UsageError if there is none."""
    if identifier is None:
        raise UsageError(f"--table is missing; it is one of {listed([str(table.id) for table in manifest.tables])}")
    return manifest.only([identifier]).tables[0]
