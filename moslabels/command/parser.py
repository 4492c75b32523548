"""The parser of the command line: a table of commands becomes its commands and their help."""

from __future__ import annotations

import argparse
import re
import shutil
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from moslabels.base.errors import UsageError
from moslabels.base.text import listed, nearest, shown
from moslabels.command.streams import write_out

_DESCRIPTION = "Join mean opinion scores onto tables of video-quality features."
_HELP = ("-h", "--help")


@dataclass(frozen=True)
class Command:
    """One command: its help, its arguments and its function.

    ``usage`` follows the name. ``summary`` is shown in the list of commands. ``add_arguments`` adds arguments to its
    parser. ``run`` takes the parsed arguments and the command line, and returns the exit status.
    """

    name: str
    usage: str
    summary: str
    description: str
    example: str
    add_arguments: Callable[[Parser], None]
    run: Callable[[argparse.Namespace, list[str]], int]


class Parser(argparse.ArgumentParser):
    """A parser that raises one UsageError with all problems of the arguments, and with the nearest names.

    ``arguments`` are those that were added. ``choices`` are their values by name, if they are few. ``commands`` are the
    parsers of its commands by name. ``summary`` says what a command does. ``brief`` has the help of the flags that the
    help only names.
    """

    def __init__(self, **keywords: Any) -> None:
        self.arguments: list[argparse.Action] = []
        self.commands: dict[str, Parser] = {}
        self.choices: dict[str, Sequence[str]] = {}
        self.brief: dict[str, str] = {}
        self.summary = ""
        self._unknown: list[str] = []
        super().__init__(**keywords, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter)

    def add_argument(self, *flags: str, **keywords: Any) -> argparse.Action:
        """Add an argument. ``choices`` are the texts that it takes, if they are few."""
        choices = keywords.pop("choices", ())
        if choices:
            keywords["type"] = _one_of(choices)
        action = super().add_argument(*flags, **keywords)
        self.arguments.append(action)
        if choices:
            self.choices[action.dest] = choices
        return action

    def add_one_of(self, *arguments: tuple[Sequence[str], dict[str, Any]]) -> None:
        """Add flags, each with its keywords. A command line may hold only one of them."""
        group = self.add_mutually_exclusive_group()
        self.arguments += [group.add_argument(*flags, **keywords) for flags, keywords in arguments]

    def add_brief(self, flag: str, help: str, **keywords: Any) -> None:  # noqa: A002
        """Add a flag or argument that the help only names. ``moslabels options`` tells what it does."""
        self.brief[flag] = help
        self.add_argument(flag, help=argparse.SUPPRESS, **keywords)

    def print_help(self, file: Any = None) -> None:
        write_out(self.format_help()) if file is None else super().print_help(file)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        self._unknown = self._unknown_flags(args)
        self._refuse_unknown_command(args)
        parsed, rest = super().parse_known_args(args, namespace)
        if rest:
            self.error("" if self._unknown else f"too many arguments: {listed(rest)}")
        return parsed, rest

    def _unknown_flags(self, arguments: Sequence[str]) -> list[str]:
        """Return a problem for each unknown flag. A parser of commands looks only before the command."""
        known = [flag for action in self.arguments for flag in action.option_strings]
        problems = []
        for text in arguments:
            is_flag = text.startswith("-") and len(text) > 1
            if text == "--" or (not is_flag and self.commands):
                break
            name = text.partition("=")[0]
            is_known = name in known or text[:2] in known
            if is_flag and not is_known and " " not in text and not re.fullmatch(r"-\d+|-\d*\.\d+", text):
                problems.append(f"there is no flag {shown(name)}{nearest(name, known)}")
        return problems

    def _refuse_unknown_command(self, arguments: Sequence[str]) -> None:
        name = next((text for text in arguments if text in _HELP or not text.startswith("-") or text == "-"), None)
        if self.commands and name is not None and name not in (*_HELP, *self.commands):
            self.error(f"COMMAND: {_choice_problem(name, self.commands)}")

    def error(self, message: str) -> NoReturn:
        message = message.removeprefix("argument ").replace("allowed with argument ", "allowed with ")
        if self._unknown and message.endswith("expected one argument"):
            message += "; one that begins with - is written after a =, such as --flag=-1"
        raise UsageError(
            f"the arguments are wrong; see {self.prog} --help:", [*self._unknown, *filter(None, [message])]
        )


def _one_of(choices: Sequence[str]) -> Callable[[str], str]:
    def chosen(text: str) -> str:
        if text not in choices:
            raise argparse.ArgumentTypeError(_choice_problem(text, choices))
        return text

    return chosen


def _choice_problem(text: str, choices: Iterable[str]) -> str:
    return f"must be one of {', '.join(choices)}, not {shown(text)}{nearest(text, choices)}"


def parser_of(commands: Sequence[Command]) -> Parser:
    """Return the parser of a command line. ``name`` is the command that was given, or None."""
    listing = "".join(f"  {command.name:<11}  {command.summary}\n" for command in commands)
    parser = Parser(
        prog="moslabels",
        usage="moslabels COMMAND …",
        description=_DESCRIPTION,
        # So many commands leave no room for a list of two flags.
        epilog=f"commands:\n{listing}\nflags: --help, --version\n{_example('batch manifest.json --dry-run')}",
        add_help=False,
    )
    parser.add_argument(*_HELP, action="help", help=argparse.SUPPRESS)
    parser.add_brief("--version", "show the versions of moslabels and its packages", action="store_true")
    # The epilog lists the commands, because argparse would take two lines for each.
    subparsers = parser.add_subparsers(metavar="COMMAND", prog="moslabels", dest="name", help=argparse.SUPPRESS)
    for command in commands:
        of_command = subparsers.add_parser(
            command.name,
            usage=f"moslabels {command.name} {command.usage}",
            help=command.summary,
            description=wrapped(command.description),
            epilog=_example(command.example),
        )
        of_command.summary = command.summary
        command.add_arguments(of_command)
        parser.commands[command.name] = of_command
    return parser


def _example(arguments: str) -> str:
    return f"example: moslabels {arguments}"


def wrapped(text: str, indent: str = "") -> str:
    """Return a text in lines of the terminal's width, without the two columns that argparse keeps free."""
    width = shutil.get_terminal_size().columns - 2
    return textwrap.fill(text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
