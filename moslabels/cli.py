"""The command: arguments, exit status, and what is printed where."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from moslabels.completion import SHELLS, script
from moslabels.errors import MosLabelsError, UsageError, os_error
from moslabels.options import FIELDS, listed, nearest, shown, visible

if TYPE_CHECKING:
    from moslabels.manifest import Manifest, TableSpec
    from moslabels.settings import Settings
    from moslabels.terminal import Told

DESCRIPTION = "Join mean opinion scores onto tables of video-quality features."


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command. Returns its exit status: 0 done, 1 a table failed, 2 wrong usage, 130 interrupted."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = _parser()
    try:
        parsed = parser.parse_args(arguments)
        if parsed.version:
            _print(_versions())
            return 0
        if parsed.run is None:
            _say(f"{parser.format_help()}\nmoslabels: a command is required")
            return 2
        status: int = parsed.run(parsed, arguments)
        return status
    except MosLabelsError as error:
        _say(f"moslabels: {error}")
        return error.exit_status
    except KeyboardInterrupt:
        _say("moslabels: interrupted")
        return 130
    except BrokenPipeError:
        # Whoever read standard output has left; Python must not fail again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _say(f"moslabels: {where}{error.strerror or error}")
        return 1


def _say(text: str) -> None:
    """A message for people. What names and values may hold is spelled out, so that none of it steers a terminal."""
    text = _visible_lines(text)
    print(text.encode(sys.stderr.encoding or "utf-8", "backslashreplace").decode(), file=sys.stderr)


def _visible_lines(text: str) -> str:
    return "\n".join(map(visible, text.split("\n")))


def _print(text: str) -> None:
    """Write to standard output in UTF-8, as JSON is, whatever the terminal's encoding."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8"))
    sys.stdout.buffer.flush()


def _versions() -> str:
    from moslabels.provenance import versions

    loaded = versions()
    return (
        f"moslabels {loaded['moslabels']} (duckdb {loaded['duckdb']}, pyarrow {loaded['pyarrow']}, "
        f"Python {loaded['python']})\n"
    )


class _Help(argparse.RawDescriptionHelpFormatter):
    """Help in which each command has one line."""

    def _format_action(self, action: argparse.Action) -> str:
        if action.nargs != argparse.PARSER:
            return super()._format_action(action)
        return "".join(f"  {command.dest:<11}  {command.help}\n" for command in self._iter_indented_subactions(action))


class _Parser(argparse.ArgumentParser):
    """A parser that reports what is wrong of the arguments together, with the nearest names, as UsageError."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__(**keywords, allow_abbrev=False, formatter_class=_Help)
        self.brief: dict[str, str] = {}
        self._unknown: list[str] = []

    def add_brief(self, flag: str, help: str, **keywords: Any) -> None:  # noqa: A002
        """Add a flag that the help only names; :func:`_options` tells what it does."""
        self.brief[flag] = help
        self.add_argument(flag, help=argparse.SUPPRESS, **keywords)

    def print_help(self, file: Any = None) -> None:
        _print(self.format_help()) if file is None else super().print_help(file)

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


def _parser() -> _Parser:
    parser = _Parser(
        prog="moslabels",
        usage="moslabels COMMAND …",
        description=DESCRIPTION,
        epilog=_example("batch manifest.json --dry-run"),
    )
    parser.add_argument("--version", action="store_true", help="show the versions of moslabels and what it stands on")
    parser.set_defaults(run=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", prog="moslabels")

    batch = _command(
        commands,
        "batch",
        "MANIFEST [OPTION …]",
        "label every table of a manifest",
        "Label every table of a manifest; one report.",
        "batch manifest.json --report-json report.json",
    )
    batch.add_argument("manifest", metavar="MANIFEST", help="JSON file that lists the tables")
    batch.add_argument("--base-dir", metavar="D", help="folder of relative paths; default: that of the manifest")
    batch.add_argument("--report-json", metavar="F", help="write the report as JSON; default: to standard output")
    batch.add_argument("--report-md", metavar="F", help="write the report as a Markdown table")
    batch.add_argument("--report-html", metavar="F", help="write the report as an HTML page, one file")
    batch.add_argument("--fail-fast", action="store_true", help="stop after the first table that fails")
    batch.add_argument("--dry-run", action="store_true", help="do everything but write; the report to standard output")
    batch.add_argument("--skip-unchanged", action="store_true", help="pass over tables that are what their audit says")
    _add_settings(batch)
    _add_verbosity(batch)
    batch.set_defaults(run=_batch)

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
    one.set_defaults(run=_materialize)
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
    schema.set_defaults(run=_schema)
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
    options.set_defaults(run=_options)
    completion = _command(
        commands,
        "completion",
        "|".join(SHELLS),
        "print the script that completes command lines in a shell",
        "Print the script that completes commands, flags, choices and files. It needs shtab: pip install "
        "'moslabels[completion]'.",
        "completion bash > moslabels.bash && source moslabels.bash",
    )
    completion.add_argument("shell", metavar="SHELL", choices=SHELLS, help=", ".join(SHELLS))
    completion.set_defaults(run=_completion)
    return parser


def _command(commands: Any, name: str, usage: str, says: str, description: str, example: str) -> _Parser:
    """A command: its name, its usage, what the list of commands says of it, what its own help says, and an example."""
    parser: _Parser = commands.add_parser(
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
    start.set_defaults(run=_init)


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
    rules.set_defaults(run=_suggest)


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
    changes.add_argument("--json", action="store_true", help="for programs")
    _add_settings(changes)
    changes.set_defaults(run=_diff)


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
    sql.set_defaults(run=_compile)


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
    check.add_argument("--json", action="store_true", help="for programs")
    _add_settings(check)
    check.set_defaults(run=_verify)


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
    explain.set_defaults(run=_explain)


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
    sql.set_defaults(run=_sql)


def _add_dialects(parser: _Parser) -> None:
    for name in ("label_csv", "feature_csv"):
        parser.add_argument(
            _flag(name), metavar="JSON", type=_json_or_text, default={}, help=FIELDS[name].metadata["help"]
        )


def _add_options(parser: _Parser) -> None:
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


def _add_settings(parser: _Parser) -> None:
    for name, (help_text, keywords) in _SETTINGS.items():
        parser.add_argument(_flag(name), help=help_text, **keywords)


def _add_verbosity(parser: argparse.ArgumentParser) -> None:
    how_much = parser.add_mutually_exclusive_group()
    how_much.add_argument("--quiet", action="store_true", help="say nothing but warnings and errors")
    how_much.add_argument("--verbose", action="store_true", help="also say each SQL statement that ran, with its time")


def _progress(parsed: argparse.Namespace) -> Told:
    from moslabels.terminal import Told, is_for_people

    has_line = is_for_people(sys.stderr) and not parsed.quiet
    return Told(sys.stderr, has_line=has_line, is_verbose=parsed.verbose)


def _option_value(name: str, value: Any) -> Any:
    """A flag that was given once is a value; given again, a list, in which an empty text is no pattern."""
    if not FIELDS[name].metadata["kind"].is_repeated:
        return value
    return value[0] if len(value) == 1 else [text or None for text in value]


def _json_or_text(text: str) -> Any:
    """A JSON value where the text is that of a list or an object, else the text itself."""
    if not text.lstrip().startswith(("[", "{")):
        return text
    from moslabels.manifest import Members

    try:
        return json.loads(text, object_pairs_hook=Members)
    except (ValueError, RecursionError) as error:
        raise argparse.ArgumentTypeError(f"{shown(text)} is no JSON: {error}") from error


def _label(text: str) -> Any:
    """A path, or the object of a label file with options of its own. A path that begins so is written ./{…"""
    return _json_or_text(text) if text.startswith("{") else text


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{shown(text)} is no number") from None


def _batch(parsed: argparse.Namespace, argv: list[str]) -> int:
    from moslabels.audit import json_text
    from moslabels.batch import run_batch

    def on_table(entry: Mapping[str, Any]) -> None:
        progress.clear()
        _say_table(entry, parsed.quiet)

    with _progress(parsed) as progress:
        report = run_batch(
            parsed.manifest,
            base_dir=parsed.base_dir,
            report_json=parsed.report_json,
            report_md=parsed.report_md,
            report_html=parsed.report_html,
            fail_fast=parsed.fail_fast,
            dry_run=parsed.dry_run,
            skip_unchanged=parsed.skip_unchanged,
            memory_limit=parsed.memory_limit,
            threads=parsed.threads,
            temp_dir=parsed.temp_dir,
            argv=argv,
            on_table=on_table,
            progress=progress.wanted(),
        )
    if parsed.report_json is None or parsed.dry_run:
        _print(json_text(report))
    summary = report["summary"]
    not_run = sum(table["status"] == "not-run" for table in report["tables"])
    unchanged = sum(table["status"] == "unchanged" for table in report["tables"])
    labelled = summary["tables"] - summary["failed_tables"] - not_run - unchanged
    others = "".join(f", {count} {what}" for count, what in ((unchanged, "unchanged"), (not_run, "not run")) if count)
    dry = " (dry run: nothing is written)" if parsed.dry_run else ""
    if not parsed.quiet:
        _say(f"{labelled} of {summary['tables']} tables labelled{others}{dry}")
    return 1 if report["status"] == "failed" else 0


def _say_table(entry: Mapping[str, Any], is_quiet: bool) -> None:
    name = visible(entry["id"])
    if entry["status"] == "error":
        _say(f"{name}: error: {entry['error']}")
        return
    for warning in entry.get("warnings", ()):
        _say(f"{name}: warning: {warning}")
    if is_quiet:
        return
    summary = entry["summary"]
    _say(
        f"{name}: {entry['status']}: match rate {summary['match_rate']:.3f}, {summary['matched_rows']} of "
        f"{summary['input_rows']} rows labelled -> {entry['out']}"
    )


def _schema(parsed: argparse.Namespace, _argv: list[str]) -> int:
    from moslabels.schema import text

    _print(text(parsed.kind))
    return 0


def _completion(parsed: argparse.Namespace, _argv: list[str]) -> int:
    _print(script(_parser(), parsed.shell))
    return 0


def _explain(parsed: argparse.Namespace, _argv: list[str]) -> int:
    from moslabels.explain import explain, text

    explained = explain(_explained_table(parsed), parsed.values, _settings(parsed))
    if parsed.json:
        _print(json.dumps({"values": explained}, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
    else:
        _print("\n\n".join(_visible_lines(text(value)) for value in explained) + "\n")
    return 0


def _options(parsed: argparse.Namespace, _argv: list[str]) -> int:
    names = [*parsed.names, *(parsed.flags or ())]
    told = [_option_text(name) for name in dict.fromkeys(names or FIELDS)]
    if not names:
        told += [
            "Flags of all commands that read tables:",
            *(
                f"{_flag(name)} {keywords['metavar']}\n{_wrapped(text, '    ')}"
                for name, (text, keywords) in _SETTINGS.items()
            ),
        ]
    _print("\n".join(told) + "\n")
    return 0


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


def _diff(parsed: argparse.Namespace, _argv: list[str]) -> int:
    from moslabels.audit import json_text
    from moslabels.diff import diff, text

    try:
        document = diff(parsed.old, parsed.new, _settings(parsed))
    except (MosLabelsError, OSError) as error:
        said = os_error(error) if isinstance(error, OSError) else error
        raise UsageError(f"the two cannot be compared: {said}") from error
    _print(json_text(document) if parsed.json else _visible_lines(text(document)) + "\n")
    return 0 if document["same"] else 1


def _compile(parsed: argparse.Namespace, _argv: list[str]) -> int:
    from moslabels.manifest import load_manifest
    from moslabels.shell import compiled

    manifest = load_manifest(parsed.manifest, parsed.base_dir)
    tables = manifest.tables if parsed.table is None else [_table_of(manifest, parsed.table)]
    _print(compiled(tables, _settings(parsed)))
    return 0


def _table_of(manifest: Manifest, identifier: str | None) -> TableSpec:
    tables = {table.id: table for table in manifest.tables}
    known = ", ".join(shown(name) for name in tables)
    if identifier is None:
        raise UsageError(f"--table is missing; it is one of {known}")
    if identifier not in tables:
        raise UsageError(
            f"--table must be one of {known}, not {shown(identifier)}{nearest(identifier, map(str, tables))}"
        )
    return tables[identifier]


def _verify(parsed: argparse.Namespace, _argv: list[str]) -> int:
    from moslabels.audit import json_text
    from moslabels.tables import absolute
    from moslabels.verify import text, verify

    files, settings = parsed.files, _settings(parsed)
    if parsed.root is not None:
        if not os.path.isdir(parsed.root):
            raise UsageError(f"--root: {shown(parsed.root)} is no folder")
        files = [absolute(path) for path in files]
        os.chdir(parsed.root)
    document = verify(files, settings)
    _print(json_text(document) if parsed.json else _visible_lines(text(document)) + "\n")
    return {"ok": 0, "differs": 1, "unknown": 2}[document["status"]]


def _init(parsed: argparse.Namespace, _argv: list[str]) -> int:
    from moslabels.start import start_manifest, try_command

    started = start_manifest(
        parsed.features,
        parsed.labels,
        parsed.out,
        settings=_settings(parsed),
        feature_csv=parsed.feature_csv,
        label_csv=parsed.label_csv,
    )
    for proposal in started.proposals:
        _say(f"{visible(proposal.id)}: {proposal.lines[0]}")
        for note in proposal.confirm:
            _say(f"{visible(proposal.id)}: confirm: {note}")
    if started.is_schema_other:
        _say(
            f"moslabels: warning: {started.schema_path} is another schema than that of this version; it stays as it "
            "was: moslabels schema prints this one"
        )
    found = sum(proposal.is_rule for proposal in started.proposals)
    _say(
        f"{parsed.out}: a rule for {found} of {len(started.proposals)} tables; what each rests on is in it; to try: "
        f"{try_command(parsed.out)}"
    )
    return 0 if found == len(started.proposals) else 1


def _suggest(parsed: argparse.Namespace, _argv: list[str]) -> int:
    from moslabels.audit import json_text
    from moslabels.suggest import suggest, suggestion_text

    document = suggest(
        parsed.features,
        parsed.labels,
        settings=_settings(parsed),
        feature_csv=parsed.feature_csv,
        label_csv=parsed.label_csv,
    )
    _print(json_text(document) if parsed.json else suggestion_text(document))
    return 0 if document["suggestions"] else 1


def _explained_table(parsed: argparse.Namespace) -> TableSpec:
    """The table whose rules hold: one of a manifest, or the one that the flags describe."""
    from moslabels.manifest import input_spec, load_manifest

    options = _given_options(parsed)
    if parsed.manifest is None:
        if parsed.features is None or not parsed.labels:
            raise UsageError("explain needs --features and --labels, or --manifest and --table")
        return input_spec(parsed.features, parsed.labels, options)
    if parsed.features is not None or parsed.labels or options:
        raise UsageError("the rules come from --manifest and --table, or from flags, not from both")
    return _table_of(load_manifest(parsed.manifest, parsed.base_dir), parsed.table)


def _given_options(parsed: argparse.Namespace) -> dict[str, Any]:
    return {name: _option_value(name, getattr(parsed, name)) for name in FIELDS if hasattr(parsed, name)}


def _all_right(*checks: Callable[[], Any]) -> list[Any]:
    """What checks of the arguments return. Where several raise UsageError, their problems are raised together."""
    found, errors = [], []
    for check in checks:
        try:
            found.append(check())
        except UsageError as error:
            errors.append(error)
    if len(errors) > 1:
        raise UsageError("the arguments are wrong:", [problem for error in errors for problem in error.problems])
    if errors:
        raise errors[0]
    return found


def _settings(parsed: argparse.Namespace) -> Settings:
    from moslabels.settings import Settings

    return Settings(memory_limit=parsed.memory_limit, threads=parsed.threads, temp_dir=parsed.temp_dir)


def _sql(parsed: argparse.Namespace, _argv: list[str]) -> int:
    from moslabels.answers import text
    from moslabels.query import VIEWS, Evidence

    query = parsed.command if parsed.file is None else _query_of(parsed.file)
    with Evidence(parsed.patterns) as evidence:
        if passed_over := evidence.passed_over:
            total = evidence.loaded + len(passed_over)
            _say(f"{len(passed_over)} of {total} files passed over, neither audit nor report: {listed(passed_over)}")
        if parsed.db is not None:
            evidence.save(parsed.db)
            _say(f"{len(VIEWS)} tables saved in {parsed.db}")
        answer = evidence.ask(query)
    if answer is not None:
        _print(text(answer, parsed.format, shutil.get_terminal_size().columns if sys.stdout.isatty() else None))
    return 0


def _query_of(path: str) -> str:
    try:
        if path == "-":
            return sys.stdin.buffer.read().decode("utf-8-sig")
        with open(path, encoding="utf-8-sig") as stream:
            return stream.read()
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: the query is not UTF-8: {error}") from error
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error


def _materialize(parsed: argparse.Namespace, argv: list[str]) -> int:
    from moslabels.audit import json_text
    from moslabels.labelling import Run, label_table
    from moslabels.manifest import table_spec

    options = _given_options(parsed)
    settings, spec = _all_right(
        lambda: _settings(parsed),
        lambda: table_spec(parsed.features, parsed.labels, parsed.out, parsed.audit_json, parsed.unmatched, options),
    )
    args = {
        "features": parsed.features,
        "labels": parsed.labels,
        "out": parsed.out,
        "audit_json": parsed.audit_json,
        **options,
        **settings.given(),
    }
    args |= {name: value for name in ("unmatched", "dry_run") if (value := getattr(parsed, name))}
    with _progress(parsed) as progress:
        progress.table(parsed.features, 1, 1)
        audit = label_table(spec, Run(argv, args, settings=settings, is_dry=parsed.dry_run, progress=progress.wanted()))
    if parsed.audit_json is None or parsed.dry_run:
        _print(json_text(audit))
    for warning in audit["warnings"]:
        _say(f"moslabels: warning: {warning}")
    if parsed.quiet:
        return 0
    _say(
        f"match rate {audit['match_rate']:.3f}, {audit['matched_rows']} of {audit['input_rows']} rows labelled "
        f"-> {audit['output']}" + (" (dry run: nothing is written)" if parsed.dry_run else "")
    )
    return 0
