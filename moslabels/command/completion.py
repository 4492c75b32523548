"""What completes a command line: commands, flags, choices, files and folders, as the script of a shell."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from moslabels.command.completion_scripts import SCRIPTS, Argument, Completed
from moslabels.command.parser import Parser
from moslabels.spec.options import FIELDS

SHELLS = tuple(SCRIPTS)
_FOLDER = "D"
_NO_FILES = ("ID", "N", "QUERY", "SIZE", "VALUE")
"""The placeholders of arguments that do not take a file. All others do, except options of a table."""


def script(parser: Parser, shell: str) -> str:
    """Return the script that completes the command line of a parser in a shell."""
    commands = [_completed(name, of_command) for name, of_command in parser.commands.items()]
    return SCRIPTS[shell](_completed("", parser), commands)


def _completed(name: str, parser: Parser) -> Completed:
    found = [_argument(parser, action) for action in parser.arguments]
    shown = [argument for argument in found if argument.help is not None]
    flags = [argument for argument in shown if argument.flags]
    places = [argument for argument in shown if not argument.flags]
    return Completed(name, parser.summary, flags, places)


def _argument(parser: Parser, action: argparse.Action) -> Argument:
    flags = tuple(action.option_strings)
    text = parser.brief.get(flags[0] if flags else action.dest, action.help)
    return Argument(
        flags,
        None if text in (None, argparse.SUPPRESS) else text,
        _takes(parser, action),
        words=tuple(_choices(parser, action)),
        is_repeated=isinstance(action.nargs, str) and action.nargs in "*+",
    )


def _takes(parser: Parser, action: argparse.Action) -> str:
    """Return what an argument takes: nothing, one of some words, a folder, a file or any other text."""
    if action.nargs == 0:
        return "nothing"
    if _choices(parser, action):
        return "word"
    if action.dest in FIELDS or action.metavar in _NO_FILES:
        return "text"
    return "folder" if action.metavar == _FOLDER else "file"


def _choices(parser: Parser, action: argparse.Action) -> list[str]:
    """Return the values to choose from for an argument, if they are few."""
    if action.nargs == 0:
        return []
    if action.dest in FIELDS:
        return _schema_choices(FIELDS[action.dest].metadata["kind"].schema)
    return list(FIELDS) if action.metavar == "NAME" else list(parser.choices.get(action.dest, ()))


def _schema_choices(schema: Mapping[str, Any]) -> list[str]:
    """Return the texts to choose from in the schema of an option."""
    of_others = (text for other in schema.get("anyOf", ()) for text in _schema_choices(other))
    return [text for text in (*schema.get("enum", ()), *of_others) if isinstance(text, str)]
