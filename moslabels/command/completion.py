"""Shell completion of the command, by shtab: commands, flags, choices, files and folders."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

from moslabels.base.errors import UsageError
from moslabels.spec.options import FIELDS

SHELLS = ("bash", "zsh", "tcsh")
_FOLDER = "D"
_NO_FILES = ("ID", "N", "QUERY", "SIZE", "VALUE")
"""What the placeholders of arguments say: all others that take a value, and are no option, take a file."""


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """The script that completes the command line of a parser in a shell.

    The parser is of no other use afterwards. Raises UsageError where shtab is not installed.
    """
    try:
        import shtab
    except ImportError as error:
        raise UsageError(f"completion needs shtab: pip install shtab ({error})") from error

    for action in _actions(parser):
        if action.dest in FIELDS:
            action.choices = _choices(FIELDS[action.dest].metadata["kind"].schema) or None
        elif action.metavar == "NAME":
            action.choices = list(FIELDS)
        elif action.metavar and not action.choices and action.metavar not in _NO_FILES:
            action.complete = shtab.DIRECTORY if action.metavar == _FOLDER else shtab.FILE  # type: ignore[attr-defined]
    return str(shtab.complete(parser, shell)) + "\n"


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """The arguments of a parser and its commands. Those that the help names briefly come with what they do."""
    brief: Mapping[str, str] = getattr(parser, "brief", {})
    for action in parser._actions:
        if action.nargs == argparse.PARSER:
            for command in dict(action.choices or {}).values():
                yield from _actions(command)
        else:
            if action.option_strings and action.option_strings[0] in brief:
                action.help = brief[action.option_strings[0]]
            yield action


def _choices(schema: Mapping[str, Any]) -> list[str]:
    """The texts among which an option's schema lets choose."""
    return [*schema.get("enum", ()), *(text for other in schema.get("anyOf", ()) for text in _choices(other))]
