"""Shell completion of the command, by shtab: commands, flags, choices, files and folders."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from moslabels.base.errors import UsageError
from moslabels.command.parser import Parser
from moslabels.spec.options import FIELDS

SHELLS = ("bash", "zsh", "tcsh")
_FOLDER = "D"
_NO_FILES = ("ID", "N", "QUERY", "SIZE", "VALUE")
"""The placeholders of arguments that do not take a file. All others do, except options of a table."""


def script(parser: Parser, shell: str) -> str:
    """Return the script that completes the command line of a parser in a shell.

    The parser is changed, so do not use it afterwards. Raise UsageError if shtab is not installed.
    """
    try:
        import shtab
    except ImportError as error:
        raise UsageError(f"completion needs shtab: pip install shtab ({error})") from error

    for of_command in (parser, *parser.commands.values()):
        for argument in of_command.arguments:
            if argument.option_strings and argument.option_strings[0] in of_command.brief:
                argument.help = of_command.brief[argument.option_strings[0]]
            argument.choices = _choices(of_command, argument) or None
            takes_file = argument.metavar and argument.dest not in FIELDS and argument.metavar not in _NO_FILES
            if takes_file and not argument.choices:
                complete = shtab.DIRECTORY if argument.metavar == _FOLDER else shtab.FILE
                argument.complete = complete  # type: ignore[attr-defined]
    if parser.command_list is not None:
        parser.command_list.help = None  # shtab skips arguments whose help is suppressed.
    return str(shtab.complete(parser, shell)) + "\n"


def _choices(parser: Parser, argument: argparse.Action) -> list[str]:
    """Return the values to choose from for an argument, if they are few."""
    if argument.dest in FIELDS:
        return _schema_choices(FIELDS[argument.dest].metadata["kind"].schema)
    return list(FIELDS) if argument.metavar == "NAME" else list(parser.choices.get(argument.dest, ()))


def _schema_choices(schema: Mapping[str, Any]) -> list[str]:
    """Return the values to choose from in the schema of an option."""
    return [*schema.get("enum", ()), *(text for other in schema.get("anyOf", ()) for text in _schema_choices(other))]
