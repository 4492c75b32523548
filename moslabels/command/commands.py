"""All commands in the order of the help, and those about the program itself: schema, options and completion."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from moslabels.base.text import nearest, shown
from moslabels.command.arguments import flag
from moslabels.command.completion import SHELLS, script
from moslabels.command.find_rules import EXPLAIN, INIT, SUGGEST
from moslabels.command.label_tables import BATCH, COMPILE, MATERIALIZE
from moslabels.command.options_help import NAMES, options_text
from moslabels.command.parser import Command, Parser, parser_of
from moslabels.command.read_evidence import DIFF, EXPORT, SQL, VERIFY
from moslabels.command.shards import COMMIT, PART, PLAN
from moslabels.command.streams import write_out


def _schema_arguments(parser: Parser) -> None:
    parser.add_argument(
        "kind",
        nargs="?",
        choices=("manifest", "audit", "report", "timings"),
        default="manifest",
        metavar="KIND",
        help="manifest (the default), audit, report or timings",
    )


def _schema(parsed: argparse.Namespace, _argv: list[str]) -> int:
    from moslabels.evidence.json_schema import schema_text

    write_out(schema_text(parsed.kind))
    return 0


def _options_arguments(parser: Parser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", type=_option_name, help="option; default: all")
    for name in NAMES:  # A name may also be written like its flag.
        parser.add_argument(flag(name), dest="flags", action="append_const", const=name, help=argparse.SUPPRESS)


def _option_name(text: str) -> str:
    name = text.replace("-", "_")
    if name not in NAMES:
        raise argparse.ArgumentTypeError(
            f"there is no option {shown(name)}{nearest(name, NAMES)}; without a name, all are shown"
        )
    return name


def _options(parsed: argparse.Namespace, _argv: list[str]) -> int:
    write_out(options_text([*parsed.names, *(parsed.flags or ())]))
    return 0


def _completion_arguments(parser: Parser) -> None:
    parser.add_argument("shell", metavar="SHELL", choices=SHELLS, help=", ".join(SHELLS))


def _completion(parsed: argparse.Namespace, _argv: list[str]) -> int:
    write_out(script(command_parser(), parsed.shell))
    return 0


_SCHEMA = Command(
    "schema",
    "[manifest|audit|report|timings]",
    "print the JSON Schema of manifests, audits, reports or timings",
    "Print the JSON Schema (draft 2020-12) of a kind of file.",
    "schema > manifest.schema.json",
    _schema_arguments,
    _schema,
)
_OPTIONS = Command(
    "options",
    "[NAME …]",
    "tell the options of a table, or those that are named",
    "Tell the options of a table: flags of materialize and explain, members of a manifest.",
    "options mos_scale min_match_rate",
    _options_arguments,
    _options,
)
_COMPLETION = Command(
    "completion",
    "|".join(SHELLS),
    "print the script that completes command lines in a shell",
    "Print the script that completes commands, flags, choices and files.",
    "completion bash > moslabels.bash && source moslabels.bash",
    _completion_arguments,
    _completion,
)
COMMANDS = {
    command.name: command
    for command in (
        BATCH,
        MATERIALIZE,
        PLAN,
        PART,
        COMMIT,
        INIT,
        SUGGEST,
        EXPLAIN,
        SQL,
        VERIFY,
        DIFF,
        EXPORT,
        COMPILE,
        _SCHEMA,
        _OPTIONS,
        _COMPLETION,
    )
}


def command_parser(arguments: Sequence[str] = ()) -> Parser:
    """Return the parser of a command line. ``name`` is the command that was given, or None.

    If the line begins with a command, the parser knows only that one: those of the others take time to make.
    """
    first = COMMANDS.get(arguments[0]) if arguments else None
    return parser_of([first] if first is not None else list(COMMANDS.values()))
