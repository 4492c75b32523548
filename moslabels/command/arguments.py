"""The arguments of the command: its parser, its help, and what is said of arguments that are wrong."""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from moslabels.base.errors import UsageError
from moslabels.base.text import json_fault, listed, nearest, shown, visible_text
from moslabels.command.completion import SHELLS
from moslabels.spec.options import FIELDS
from moslabels.spec.problems import Members
from moslabels.spec.reports import REPORT_FORMS

DESCRIPTION = "Join mean opinion scores onto tables of video-quality features."


class UnwrittenError(Exception):
    """Standard output did not take what a program may wait for. ``is_reader_gone``: nobody waits for it any more."""

    def __init__(self, reason: str, is_reader_gone: bool = False) -> None:
        super().__init__(f"standard output: {reason}")
        self.is_reader_gone = is_reader_gone


def write_out(text: str) -> None:
    """Write to standard output in UTF-8, as JSON is, whatever the terminal's encoding. Raises UnwrittenError.

    On a terminal, control and format characters are spelled out, whatever the text is.
    """
    stream = sys.stdout
    if stream is None:
        raise UnwrittenError("is closed")
    try:
        if stream.isatty():
            text = visible_text(text)
        stream.flush()
        if hasattr(stream, "buffer"):  # A path may hold bytes that are no text.
            stream.buffer.write(text.encode("utf-8", "backslashreplace"))
        else:
            stream.write(text)
        stream.flush()
    except BrokenPipeError as error:
        raise UnwrittenError("its reader has left", is_reader_gone=True) from error
    except OSError as error:
        raise UnwrittenError(error.strerror or str(error)) from error
    except ValueError as error:  # Python has closed it.
        raise UnwrittenError(str(error)) from error


class _Help(argparse.RawDescriptionHelpFormatter):
    """Help in which each command has one line."""

    def _format_action(self, action: argparse.Action) -> str:
        if action.nargs != argparse.PARSER:
            return super()._format_action(action)
        return "".join(f"  {command.dest:<11}  {command.help}\n" for command in self._iter_indented_subactions(action))


class Parser(argparse.ArgumentParser):
    """A parser that reports what is wrong of the arguments together, with the nearest names, as UsageError."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__(**keywords, allow_abbrev=False, formatter_class=_Help)
        self.brief: dict[str, str] = {}
        self._unknown: list[str] = []

    def add_brief(self, flag: str, help: str, **keywords: Any) -> None:  # noqa: A002
        """Add a flag that the help only names; :func:`options_text` tells what it does."""
        self.brief[flag] = help
        self.add_argument(flag, help=argparse.SUPPRESS, **keywords)

    def print_help(self, file: Any = None) -> None:
        write_out(self.format_help()) if file is None else super().print_help(file)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        self._unknown = self._unknown_flags(args)
        parsed, rest = super().parse_known_args(args, namespace)
        if rest:
            self.error("" if self._unknown else f"too many arguments: {listed(rest)}")
        return parsed, rest

    def _unknown_flags(self, arguments: Sequence[str]) -> list[str]:
        """What is wrong with each argument that is written as a flag and is none: of a command, those before it."""
        known = self._option_string_actions
        problems = []
        for text in arguments:
            is_flag = text.startswith("-") and len(text) > 1
            if text == "--" or (not is_flag and self._subparsers is not None):
                break
            name = text.partition("=")[0]
            is_known = name in known or text[:2] in known
            if is_flag and not is_known and " " not in text and not self._negative_number_matcher.match(text):
                problems.append(f"there is no flag {shown(name)}{nearest(name, known)}")
        return problems

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            known = [str(choice) for choice in action.choices]
            problem = f"must be one of {', '.join(known)}, not {shown(value)}{nearest(value, known)}"
            raise argparse.ArgumentError(action, problem)

    def error(self, message: str) -> NoReturn:
        message = message.removeprefix("argument ").replace("allowed with argument ", "allowed with ")
        if self._unknown and message.endswith("expected one argument"):
            message += "; one that begins with - is written after a =, such as --flag=-1"
        raise UsageError(
            f"the arguments are wrong; see {self.prog} --help:", [*self._unknown, *filter(None, [message])]
        )


def command_parser() -> Parser:
    """The parser of the command line. ``name`` is the command that was given, or None."""
    parser = Parser(
        prog="moslabels",
        usage="moslabels COMMAND …",
        description=DESCRIPTION,
        epilog=_example("batch manifest.json --dry-run"),
    )
    parser.add_argument("--version", action="store_true", help="show the versions of moslabels and what it stands on")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", prog="moslabels", dest="name")

    batch = _command(
        commands,
        "batch",
        "MANIFEST [OPTION …]",
        "label every table of a manifest",
        "Label every table of a manifest; one report.",
        "batch manifest.json --report-json report.json",
    )
    batch.add_argument("manifest", metavar="MANIFEST", nargs="?", help="JSON file that lists the tables")
    batch.add_argument("--manifest", metavar="M", dest="manifest_flag", help="the same, as a flag")
    batch.add_argument("--base-dir", metavar="D", help="folder of relative paths; default: that of the manifest")
    for form in REPORT_FORMS:
        batch.add_argument(form.flag, metavar="F", help=form.help)
    batch.add_argument("--fail-fast", action="store_true", help="stop after the first table that fails")
    batch.add_argument("--dry-run", action="store_true", help="do everything but write; the report to standard output")
    batch.add_argument("--skip-unchanged", action="store_true", help="pass over tables that are what their audit says")
    _add_settings(batch)
    _add_verbosity(batch)

    one = _command(
        commands,
        "materialize",
        "--features F --labels L --out O [OPTION …]",
        "label one table",
        "Label one table.",
        "materialize --features f.csv --labels l.csv --out out.csv",
    )
    one.add_argument("--features", metavar="F", required=True, help="feature table")
    one.add_argument(
        "--labels",
        metavar="L",
        required=True,
        action="append",
        type=_label,
        help='label table (repeat for more), or {"path": …, options}',
    )
    one.add_argument("--out", metavar="O", required=True, help="labelled table to write")
    one.add_argument("--audit-json", metavar="A", help="write the audit; default: to standard output")
    one.add_argument("--unmatched", metavar="U", help="write the keys that did not meet, of both sides")
    one.add_argument("--dry-run", action="store_true", help="do everything but write; the audit to standard output")
    _add_options(one)
    _add_verbosity(one)
    _add_init(commands)
    _add_suggest(commands)
    _add_explain(commands)
    _add_sql(commands)
    _add_verify(commands)
    _add_diff(commands)
    _add_compile(commands)
    schema = _command(
        commands,
        "schema",
        "[manifest|audit|report]",
        "print the JSON Schema of manifests, audits or reports",
        "Print the JSON Schema (draft 2020-12) of a kind of file.",
        "schema > manifest.schema.json",
    )
    schema.add_argument(
        "kind",
        nargs="?",
        choices=["manifest", "audit", "report"],
        default="manifest",
        metavar="KIND",
        help="manifest (the default), audit or report",
    )
    options = _command(
        commands,
        "options",
        "[NAME …]",
        "tell the options of a table, or those that are named",
        "Tell the options of a table: flags of materialize and explain, members of a manifest.",
        "options mos_scale min_match_rate",
    )
    options.add_argument("names", nargs="*", metavar="NAME", type=_option_name, help="option; default: all")
    for name in FIELDS:  # As a flag that was copied, too.
        options.add_argument(_flag(name), dest="flags", action="append_const", const=name, help=argparse.SUPPRESS)
    completion = _command(
        commands,
        "completion",
        "|".join(SHELLS),
        "print the script that completes command lines in a shell",
        "Print the script that completes commands, flags, choices and files. It needs shtab: pip install shtab.",
        "completion bash > moslabels.bash && source moslabels.bash",
    )
    completion.add_argument("shell", metavar="SHELL", choices=SHELLS, help=", ".join(SHELLS))
    return parser


def _command(commands: Any, name: str, usage: str, says: str, description: str, example: str) -> Parser:
    """A command: its name, its usage, what the list of commands says of it, what its own help says, and an example."""
    parser: Parser = commands.add_parser(
        name,
        usage=f"moslabels {name} {usage}",
        help=says,
        description=_wrapped(description),
        epilog=_example(example),
    )
    return parser


def _example(arguments: str) -> str:
    return f"example: moslabels {arguments}"


def _wrapped(text: str, indent: str = "") -> str:
    """A text in lines of the terminal's width, of which argparse keeps two columns free."""
    width = shutil.get_terminal_size().columns - 2
    return textwrap.fill(text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _option_name(text: str) -> str:
    name = text.replace("-", "_")
    if name not in FIELDS:
        raise argparse.ArgumentTypeError(
            f"there is no option {shown(name)}{nearest(name, FIELDS)}; without a name, all are told"
        )
    return name


def _add_init(commands: Any) -> None:
    start = _command(
        commands,
        "init",
        "--features F --labels L [OPTION …]",
        "write a first manifest, with the rules that suggest finds",
        "Write a manifest of feature tables, each with all of the label tables, and its schema for editors. Its "
        "comments say what the rules rest on. No file is overwritten. Exit status: 1 where a table has no rule.",
        "init --features f.parquet --labels l.csv",
    )
    start.add_argument(
        "--features", metavar="F", required=True, action="append", help="feature table; repeat for more tables"
    )
    start.add_argument("--labels", metavar="L", required=True, action="append", help="label table; repeat for more")
    start.add_argument("--out", metavar="M", default="manifest.json", help="manifest to write; default: manifest.json")
    _add_dialects(start)
    _add_settings(start)


def _add_suggest(commands: Any) -> None:
    rules = _command(
        commands,
        "suggest",
        "--features F --labels L [OPTION …]",
        "find rules that join two tables; applies none",
        "Find the columns and patterns that join tables, with what speaks for and against each. Nothing is "
        "written: the rules go to standard output.",
        "suggest --features f.parquet --labels mos.csv",
    )
    rules.add_argument("--features", metavar="F", required=True, help="feature table")
    rules.add_argument(
        "--labels", metavar="L", required=True, action="append", help="label table; repeat for more, joined by one rule"
    )
    rules.add_argument("--json", action="store_true", help="for programs")
    _add_dialects(rules)
    _add_settings(rules)


def _add_diff(commands: Any) -> None:
    changes = _command(
        commands,
        "diff",
        "OLD NEW [OPTION …]",
        "show what changed between two runs or tables",
        "Show the clips gained, lost and with another MOS, and the rule and the inputs that changed. Exit "
        "status: 0 nothing changed, 1 something did, 2 the two cannot be compared.",
        "diff runs/may/report.json runs/june/report.json",
    )
    changes.add_argument("old", metavar="OLD", help="report, audit or labelled table")
    changes.add_argument("new", metavar="NEW", help="the same kind of file, made later")
    changes.add_argument("--old-root", metavar="D", help="folder that relative paths in OLD open from")
    _add_only_root(changes, "these folders")
    changes.add_argument("--json", action="store_true", help="for programs")
    _add_settings(changes)


def _add_compile(commands: Any) -> None:
    sql = _command(
        commands,
        "compile",
        "MANIFEST [OPTION …]",
        "print the SQL of a manifest's tables, for the DuckDB shell",
        "Print the statements of tables in order, values filled in. Files are read; nothing is written.",
        "compile manifest.json --table konvid | duckdb",
    )
    sql.add_argument("manifest", metavar="MANIFEST", help="JSON file that lists the tables")
    sql.add_argument("--table", metavar="ID", help="one table of it; default: all")
    sql.add_argument("--base-dir", metavar="D", help="folder of relative paths; default: that of the manifest")
    _add_settings(sql)


def _add_verify(commands: Any) -> None:
    check = _command(
        commands,
        "verify",
        "FILE … [OPTION …]",
        "check what reports, audits and labelled tables say",
        "Check reports (with their audits), audits and labelled Parquet files against the tables that they "
        "are about: hashes, counts, and labelling again. Nothing is written. Exit status: 0 all of it holds, 1 "
        "something differs, 2 cannot tell.",
        "verify report.json",
    )
    check.add_argument("files", metavar="FILE", nargs="+", help="report, audit or labelled Parquet file")
    check.add_argument("--root", metavar="D", help="folder that relative paths open from; default: the working folder")
    _add_only_root(check, "that folder")
    check.add_argument("--json", action="store_true", help="for programs")
    _add_settings(check)


def _add_only_root(command: Parser, folder: str) -> None:
    command.add_argument("--only-root", action="store_true", help=f"open no file that they name outside of {folder}")


def _add_explain(commands: Any) -> None:
    explain = _command(
        commands,
        "explain",
        "VALUE … --manifest M --table ID\n       moslabels explain VALUE … --features F --labels L [OPTION …]",
        "show how a value becomes a key, and which label it meets",
        "Show how values become keys, step by step, and the label that each meets.",
        "explain clips/A001.mp4 --manifest manifest.json --table vqc",
    )
    explain.add_argument(
        "values", metavar="VALUE", nargs="+", help='a value; for several key columns a JSON list ["a", "b"]'
    )
    explain.add_argument("--manifest", metavar="M", help="the rules are those of a table of this manifest")
    explain.add_argument("--table", metavar="ID", help="the table's id")
    explain.add_argument("--base-dir", metavar="D", help="folder of relative paths; default: that of the manifest")
    explain.add_argument("--json", action="store_true", help="for programs")
    explain.add_brief("--features", "feature table", metavar="F")
    explain.add_brief("--labels", "label table", metavar="L", action="append", type=_label)
    _add_options(explain)


def _add_sql(commands: Any) -> None:
    sql = _command(
        commands,
        "sql",
        "PATTERN … [-c QUERY | -f FILE] [OPTION …]",
        "ask audits and reports in SQL",
        "Ask audits and reports in SQL. Without a query, the views are listed.",
        "sql 'runs/*.json' -c 'SELECT output, match_rate FROM audits'",
    )
    sql.add_argument(
        "patterns",
        metavar="PATTERN",
        nargs="+",
        help="audit or report files, or a glob in quotes ('runs/**/*.json')",
    )
    query = sql.add_mutually_exclusive_group()
    query.add_argument(
        "-c", "--command", metavar="QUERY", help="SQL; of several statements, the last result is printed"
    )
    query.add_argument("-f", "--file", metavar="FILE", help="file that holds the SQL; - for standard input")
    sql.add_argument(
        "--format",
        choices=("table", "csv", "json", "jsonl", "markdown"),
        default="table",
        metavar="FORMAT",
        help="table (the default), csv, json, jsonl or markdown",
    )
    sql.add_argument("--db", metavar="FILE", help="also save the views as tables of this DuckDB file")


def _add_dialects(parser: Parser) -> None:
    for name in ("label_csv", "feature_csv"):
        parser.add_argument(
            _flag(name), metavar="JSON", type=_json_or_text, default={}, help=FIELDS[name].metadata["help"]
        )


def _add_options(parser: Parser) -> None:
    """The options of a table and the settings: too many to be told on one screen, so the help names them."""
    for name, option in FIELDS.items():
        kind = option.metadata["kind"]
        keywords: dict[str, Any] = {"default": argparse.SUPPRESS}
        if kind.is_repeated:
            keywords |= {"metavar": kind.placeholder, "action": "append"}
        elif option.default is False:
            keywords |= {"action": "store_true"}
        else:
            read = _json_or_text if kind.is_json else _number if isinstance(option.default, float) else str
            keywords |= {"metavar": kind.placeholder, "type": read}
        parser.add_brief(_flag(name), option.metadata["help"], **keywords)
    for name, (help_text, keywords) in _SETTINGS.items():
        parser.add_brief(_flag(name), help_text, **keywords)
    flags = _wrapped(" ".join(map(_flag, (*FIELDS, *_SETTINGS))), "  ")
    parser.epilog = f'more flags ("moslabels options" tells each):\n{flags}\n\n{parser.epilog}'


def _whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{shown(text)} is no whole number") from None


_SETTINGS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "memory_limit": ('most memory that DuckDB takes, such as "4GB"', {"metavar": "SIZE"}),
    "threads": ("threads that DuckDB takes", {"metavar": "N", "type": _whole_number}),
    "temp_dir": ("folder for what does not fit in the memory", {"metavar": "D"}),
}


def _add_settings(parser: Parser) -> None:
    for name, (help_text, keywords) in _SETTINGS.items():
        parser.add_argument(_flag(name), help=help_text, **keywords)


def _add_verbosity(parser: argparse.ArgumentParser) -> None:
    how_much = parser.add_mutually_exclusive_group()
    how_much.add_argument("-q", "--quiet", action="store_true", help="say nothing but warnings and errors")
    how_much.add_argument(
        "-v", "--verbose", action="store_true", help="also say each SQL statement that ran, with its time"
    )


def option_value(name: str, value: Any) -> Any:
    """A flag that was given once is a value; given again, a list, in which an empty text is no pattern."""
    if not FIELDS[name].metadata["kind"].is_repeated:
        return value
    return value[0] if len(value) == 1 else [text or None for text in value]


def _json_or_text(text: str) -> Any:
    """A JSON value where the text is that of a list or an object, else the text itself."""
    if not text.lstrip().startswith(("[", "{")):
        return text
    try:
        return json.loads(text, object_pairs_hook=Members)
    except (ValueError, RecursionError) as error:
        raise argparse.ArgumentTypeError(f"{shown(text)} is no JSON: {json_fault(error)}") from error


def _label(text: str) -> Any:
    """A path, or the object of a label file with options of its own. A path that begins so is written ./{…"""
    return _json_or_text(text) if text.startswith("{") else text


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{shown(text)} is no number") from None


def options_text(names: Sequence[str]) -> str:
    """What each of some options does; without names all of them, and the settings."""
    told = [_option_text(name) for name in dict.fromkeys(names or FIELDS)]
    if not names:
        told += [
            "Flags of all commands that read tables:",
            *(
                f"{_flag(name)} {keywords['metavar']}\n{_wrapped(text, '    ')}"
                for name, (text, keywords) in _SETTINGS.items()
            ),
        ]
    return "\n".join(told) + "\n"


def _option_text(name: str) -> str:
    """What an option does, how it is written, and what holds where it is not."""
    option = FIELDS[name]
    kind, default = option.metadata["kind"], option.default
    if default is dataclasses.MISSING:
        default = {}
    notes = {
        "may stand in an entry of labels, for that file alone": option.metadata["of_label"],
        "repeat the flag for a list": kind.is_repeated,
        "not set by default" if default is None else f"default: {shown(default)}": True,
    }
    said = "; ".join(note for note, holds in notes.items() if holds)
    lines = [_wrapped(option.metadata["help"], "    "), _wrapped(said, "    ")]
    return "\n".join([f"{_flag(name)} {kind.placeholder}".rstrip(), *lines])
