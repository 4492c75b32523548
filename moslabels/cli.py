"""The command: arguments, exit status, and what is printed where."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from moslabels import __version__
from moslabels.errors import MosLabelsError, UsageError, os_error
from moslabels.options import FIELDS, listed, nearest, shown, visible

if TYPE_CHECKING:
    from moslabels.manifest import Manifest, TableSpec
    from moslabels.settings import Settings

DESCRIPTION = "Join subjective labels (mean opinion scores) onto tables of video-quality features."


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command. Returns its exit status: 0 done, 1 a table failed, 2 wrong usage, 130 interrupted."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parsed = _parser().parse_args(arguments)
    try:
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


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        super().error(visible(message))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="moslabels", description=DESCRIPTION, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"moslabels {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    batch = _command(
        commands,
        "batch",
        "label every table of a manifest",
        "Label every table of a manifest; one report.",
        "moslabels batch manifest.json --report-json report.json --report-md report.md",
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
    batch.set_defaults(run=_batch)

    one = _command(
        commands,
        "materialize",
        "label one table",
        "Label one table.",
        "moslabels materialize --features f.parquet --labels mos.csv --out labelled.parquet",
    )
    _add_inputs(one, required=True)
    one.add_argument("--out", metavar="O", required=True, help="labelled table to write")
    one.add_argument("--audit-json", metavar="A", help="write the audit; default: to standard output")
    one.add_argument("--unmatched", metavar="U", help="write the keys that did not meet, of both sides, as a table")
    one.add_argument("--dry-run", action="store_true", help="do everything but write; the audit to standard output")
    _add_options(one)
    _add_settings(one)
    one.set_defaults(run=_materialize)
    _add_suggest(commands)
    _add_explain(commands)
    _add_sql(commands)
    _add_verify(commands)
    _add_diff(commands)
    _add_compile(commands)
    schema = _command(
        commands,
        "schema",
        "print the JSON Schema of a manifest, an audit or a report",
        "Print the JSON Schema (draft 2020-12) of a kind of file.",
        "moslabels schema > manifest.schema.json",
    )
    schema.add_argument(
        "kind", nargs="?", choices=["manifest", "audit", "report"], default="manifest", help="default: manifest"
    )
    schema.set_defaults(run=_schema)
    return parser


def _command(commands: Any, name: str, says: str, description: str, example: str) -> argparse.ArgumentParser:
    """A command: its name, what the list of commands says of it, what its own help says, and an example."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=says, description=description, epilog=f"example: {example}", allow_abbrev=False
    )
    return parser


def _add_suggest(commands: Any) -> None:
    rules = _command(
        commands,
        "suggest",
        "find rules that join two tables; applies none",
        "Find the columns and patterns that join tables, with what speaks for and against each. Nothing is "
        "written: the rules go to standard output.",
        "moslabels suggest --features f.parquet --labels mos.csv",
    )
    rules.add_argument("--features", metavar="F", required=True, help="feature table")
    rules.add_argument(
        "--labels", metavar="L", required=True, action="append", help="label table; repeat for more, joined by one rule"
    )
    rules.add_argument("--json", action="store_true", help="for programs")
    for name in ("label_csv", "feature_csv"):
        help_text = FIELDS[name].metadata["help"]
        rules.add_argument(
            f"--{name.replace('_', '-')}", metavar="JSON", type=_json_or_text, default={}, help=help_text
        )
    _add_settings(rules)
    rules.set_defaults(run=_suggest)


def _add_diff(commands: Any) -> None:
    changes = _command(
        commands,
        "diff",
        "show what changed between two reports, audits or labelled tables",
        "Show the clips gained, lost and with another MOS, and the rule and the inputs that changed. Exit "
        "status: 0 nothing changed, 1 something did, 2 the two cannot be compared.",
        "moslabels diff runs/may/report.json runs/june/report.json",
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
        "print the SQL of a manifest's tables, for the DuckDB shell",
        "Print the statements of tables in order, values filled in. Files are read; nothing is written.",
        "moslabels compile manifest.json --table konvid | duckdb",
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
        "check that reports, audits and labelled tables still say what is so",
        "Check reports (with their audits), audits and labelled Parquet files against the tables that they "
        "are about: hashes, counts, and labelling again. Nothing is written. Exit status: 0 all of it holds, 1 "
        "something differs, 2 cannot tell.",
        "moslabels verify report.json",
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
        "show how a value becomes a key, and which label it meets",
        "Show how values of the feature key column become keys, step by step, and the label of each.",
        "moslabels explain clips/A001.mp4 --manifest manifest.json --table live-vqc",
    )
    explain.add_argument(
        "values", metavar="VALUE", nargs="+", help='a value; for several key columns a JSON list ["a", "b"]'
    )
    explain.add_argument("--manifest", metavar="M", help="the rules are those of a table of this manifest")
    explain.add_argument("--table", metavar="ID", help="the table's id")
    explain.add_argument("--base-dir", metavar="D", help="folder of relative paths; default: that of the manifest")
    explain.add_argument("--json", action="store_true", help="for programs")
    _add_inputs(explain, required=False)
    _add_options(explain)
    _add_settings(explain)
    explain.set_defaults(run=_explain)


def _add_sql(commands: Any) -> None:
    sql = _command(
        commands,
        "sql",
        "ask audits and reports in SQL",
        "Ask audits and reports in SQL. Without a query, the views are listed.",
        "moslabels sql 'runs/**/*.json' -c 'SELECT output, match_rate FROM audits'",
    )
    sql.add_argument(
        "patterns",
        metavar="PATTERN",
        nargs="+",
        help="audit or report files, or a quoted glob of them ('runs/**/*.json')",
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
        help="how the result is printed (default: %(default)s)",
    )
    sql.add_argument("--db", metavar="FILE", help="also save the views as tables of this DuckDB file")
    sql.set_defaults(run=_sql)


def _add_inputs(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument("--features", metavar="F", required=required, help="feature table")
    parser.add_argument(
        "--labels",
        metavar="L",
        required=required,
        action="append",
        type=_label,
        help='label table; repeat for more; or {"path": …} with options of its own',
    )


def _add_options(parser: argparse.ArgumentParser) -> None:
    for name, option in FIELDS.items():
        flag, help_text = f"--{name.replace('_', '-')}", option.metadata["help"].replace("%", "%%")
        kind = option.metadata["kind"]
        if kind.is_repeated:
            parser.add_argument(
                flag,
                metavar=kind.placeholder,
                action="append",
                default=argparse.SUPPRESS,
                help=help_text + "; repeat for more",
            )
        elif option.default is False:
            parser.add_argument(flag, action="store_true", default=argparse.SUPPRESS, help=help_text)
        else:
            read = _json_or_text if kind.is_json else _number if isinstance(option.default, float) else str
            parser.add_argument(flag, metavar=kind.placeholder, type=read, default=argparse.SUPPRESS, help=help_text)


def _add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--memory-limit", metavar="SIZE", help='most memory that DuckDB takes, such as "4GB"')
    parser.add_argument("--threads", metavar="N", type=int, help="threads that DuckDB takes")
    parser.add_argument("--temp-dir", metavar="D", help="folder for what does not fit in the memory")


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
        on_table=_say_table,
    )
    if parsed.report_json is None or parsed.dry_run:
        _print(json_text(report))
    summary = report["summary"]
    not_run = sum(table["status"] == "not-run" for table in report["tables"])
    unchanged = sum(table["status"] == "unchanged" for table in report["tables"])
    labelled = summary["tables"] - summary["failed_tables"] - not_run - unchanged
    others = "".join(f", {count} {what}" for count, what in ((unchanged, "unchanged"), (not_run, "not run")) if count)
    dry = " (dry run: nothing is written)" if parsed.dry_run else ""
    _say(f"{labelled} of {summary['tables']} tables labelled{others}{dry}")
    return 1 if report["status"] == "failed" else 0


def _say_table(entry: Mapping[str, Any]) -> None:
    name = visible(entry["id"])
    if entry["status"] == "error":
        _say(f"{name}: error: {entry['error']}")
        return
    for warning in entry.get("warnings", ()):
        _say(f"{name}: warning: {warning}")
    summary = entry["summary"]
    _say(
        f"{name}: {entry['status']}: match rate {summary['match_rate']:.3f}, {summary['matched_rows']} of "
        f"{summary['input_rows']} rows labelled -> {entry['out']}"
    )


def _schema(parsed: argparse.Namespace, _argv: list[str]) -> int:
    from moslabels.schema import SCHEMAS

    _print(json.dumps(SCHEMAS[parsed.kind](), indent=2, ensure_ascii=False) + "\n")
    return 0


def _explain(parsed: argparse.Namespace, _argv: list[str]) -> int:
    from moslabels.explain import explain, text

    explained = explain(_explained_table(parsed), parsed.values, _settings(parsed))
    if parsed.json:
        _print(json.dumps({"values": explained}, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
    else:
        _print("\n\n".join(_visible_lines(text(value)) for value in explained) + "\n")
    return 0


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
    if identifier not in tables:
        known = ", ".join(shown(name) for name in tables)
        raise UsageError(
            f"--table must be one of {known}, not {shown(identifier)}{nearest(identifier, map(str, tables))}"
        )
    return tables[identifier]


def _verify(parsed: argparse.Namespace, _argv: list[str]) -> int:
    from moslabels.audit import json_text
    from moslabels.verify import text, verify

    files, settings = parsed.files, _settings(parsed)
    if parsed.root is not None:
        files = [os.path.abspath(path) for path in files]
        os.chdir(parsed.root)
    document = verify(files, settings)
    _print(json_text(document) if parsed.json else _visible_lines(text(document)) + "\n")
    return {"ok": 0, "differs": 1, "unknown": 2}[document["status"]]


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
    settings = _settings(parsed)
    spec = table_spec(parsed.features, parsed.labels, parsed.out, parsed.audit_json, parsed.unmatched, options)
    args = {
        "features": parsed.features,
        "labels": parsed.labels,
        "out": parsed.out,
        "audit_json": parsed.audit_json,
        **options,
        **settings.given(),
    }
    args |= {name: value for name in ("unmatched", "dry_run") if (value := getattr(parsed, name))}
    audit = label_table(spec, Run(argv, args, settings=settings, is_dry=parsed.dry_run))
    if parsed.audit_json is None or parsed.dry_run:
        _print(json_text(audit))
    for warning in audit["warnings"]:
        _say(f"moslabels: warning: {warning}")
    _say(
        f"match rate {audit['match_rate']:.3f}, {audit['matched_rows']} of {audit['input_rows']} rows labelled "
        f"-> {audit['output']}" + (" (dry run: nothing is written)" if parsed.dry_run else "")
    )
    return 0
