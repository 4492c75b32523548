"""The commands that read audits, reports and labelled tables: sql, verify, diff and export."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from contextlib import chdir

from moslabels.base.errors import MosLabelsError, UsageError, os_error
from moslabels.base.text import listed, shown
from moslabels.command.arguments import ENGINE, WORKERS, add_only_root, add_settings, flag, given_settings
from moslabels.command.parser import Command, Parser
from moslabels.command.streams import say, visible_lines, write_out
from moslabels.spec.exports import EXPORTS, GIVEN


def _sql_arguments(parser: Parser) -> None:
    parser.add_argument(
        "patterns",
        metavar="PATTERN",
        nargs="+",
        help="audit or report files, or a glob in quotes ('runs/**/*.json')",
    )
    query = "SQL; of several statements, the last result is printed"
    parser.add_one_of(
        (("-c", "--command"), {"metavar": "QUERY", "help": query}),
        (("-f", "--file"), {"metavar": "FILE", "help": "file that holds the SQL; - for standard input"}),
    )
    parser.add_argument(
        "--format",
        choices=("table", "csv", "json", "jsonl", "markdown"),
        default="table",
        metavar="FORMAT",
        help="table (the default), csv, json, jsonl or markdown",
    )
    parser.add_argument("--db", metavar="FILE", help="also save the views as tables of this DuckDB file")


def _sql(parsed: argparse.Namespace, _argv: list[str]) -> int:
    from moslabels.command.progress_line import is_a_terminal
    from moslabels.command.results import result_text
    from moslabels.runs.views import VIEWS, Views

    query = parsed.command if parsed.file is None else _query_of(parsed.file)
    with Views(parsed.patterns) as found:
        if passed_over := found.passed_over:
            total = found.loaded + len(passed_over)
            say(f"{len(passed_over)} of {total} files skipped, neither audit nor report: {listed(passed_over)}")
        if parsed.db is not None:
            found.save(parsed.db)
            say(f"{len(VIEWS)} tables saved in {parsed.db}")
        answer = found.ask(query)
    if answer is not None:
        is_terminal = is_a_terminal(sys.stdout)
        write_out(result_text(answer, parsed.format, shutil.get_terminal_size().columns if is_terminal else None))
    return 0


def _query_of(path: str) -> str:
    """Return the query in a file, or on standard input. Raise UsageError."""
    from moslabels.spec.paths import refuse_url

    refuse_url("file", path)
    try:
        if path == "-":
            return sys.stdin.buffer.read().decode("utf-8-sig")
        with open(path, encoding="utf-8-sig") as stream:
            return stream.read()
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: the query is not UTF-8: {error}") from error
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error


def _verify_arguments(parser: Parser) -> None:
    parser.add_argument("files", metavar="FILE", nargs="+", help="report, audit or labelled Parquet file")
    parser.add_argument("--root", metavar="D", help="folder of relative paths; default: the working folder")
    add_only_root(parser, "that folder")
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    add_settings(parser, WORKERS | ENGINE)


def _verify(parsed: argparse.Namespace, _argv: list[str]) -> int:
    from moslabels.command.progress_line import line_of_progress
    from moslabels.evidence.audit import json_text
    from moslabels.files.paths import absolute
    from moslabels.parts.engines import engine_of_run
    from moslabels.runs.verify import verify, verify_text
    from moslabels.spec.paths import refuse_url

    files, settings = parsed.files, given_settings(parsed)
    if parsed.root is not None:
        refuse_url("root", parsed.root)
        if not os.path.isdir(parsed.root):
            raise UsageError(f"--root: {shown(parsed.root)} is not a folder")
        files = [absolute(path) for path in files]
    with chdir(parsed.root or "."), line_of_progress() as progress:
        told = progress.wanted()
        with engine_of_run(parsed.engine, parsed.address, None, settings, told) as of_run:
            document = verify(files, settings, only_root=parsed.only_root, progress=told, of_run=of_run)
    write_out(json_text(document) if parsed.json else visible_lines(verify_text(document)) + "\n")
    return {"ok": 0, "differs": 1, "unknown": 2}[document["status"]]


def _diff_arguments(parser: Parser) -> None:
    parser.add_argument("old", metavar="OLD", help="report, audit, labelled table, or folder of labelled parts")
    parser.add_argument("new", metavar="NEW", help="the same kind of file, made later")
    parser.add_argument("--old-root", metavar="D", help="folder that relative paths in OLD open from")
    add_only_root(parser, "these folders")
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    add_settings(parser)


def _diff(parsed: argparse.Namespace, _argv: list[str]) -> int:
    from moslabels.command.progress_line import line_of_progress
    from moslabels.evidence.audit import json_text
    from moslabels.runs.diff import diff, diff_text

    settings = given_settings(parsed)
    try:
        with line_of_progress() as progress:
            document = diff(
                parsed.old,
                parsed.new,
                settings,
                parsed.old_root or "",
                only_root=parsed.only_root,
                progress=progress.wanted(),
            )
    except (MosLabelsError, OSError) as error:
        said = os_error(error) if isinstance(error, OSError) else error
        raise UsageError(f"the two cannot be compared: {said}") from error
    write_out(json_text(document) if parsed.json else visible_lines(diff_text(document)) + "\n")
    if any(table["disjoint"] for table in document["tables"]):
        return 2
    return 0 if document["same"] else 1


def _export_arguments(parser: Parser) -> None:
    parser.add_argument("form", metavar="FORM", choices=tuple(EXPORTS), help=", ".join(EXPORTS))
    parser.add_argument("audit", metavar="AUDIT", help="audit of a labelled table")
    for name, says in GIVEN.items():
        parser.add_argument(flag(name), dest=f"given_{name}", metavar=name[0].upper(), help=says)


def _export(parsed: argparse.Namespace, _argv: list[str]) -> int:
    from moslabels.evidence.audit import json_text
    from moslabels.runs.export import export

    given = {name: getattr(parsed, f"given_{name}") for name in GIVEN}
    given = {name: value for name, value in given.items() if value is not None}
    write_out(json_text(export(parsed.form, parsed.audit, given)))
    return 0


SQL = Command(
    "sql",
    "PATTERN … [-c QUERY | -f FILE] [OPTION …]",
    "ask audits and reports in SQL",
    "Ask audits and reports in SQL. Without a query, the views are listed.",
    "sql 'runs/*.json' -c 'SELECT output, match_rate FROM audits'",
    _sql_arguments,
    _sql,
)
VERIFY = Command(
    "verify",
    "FILE … [OPTION …]",
    "check what reports, audits and labelled tables say",
    "Check reports (with their audits), audits and labelled Parquet files against the tables that they "
    "are about: hashes, counts, and labelling again. Nothing is written. Exit status: 0 all of it holds, 1 "
    "something differs, 2 cannot tell.",
    "verify report.json",
    _verify_arguments,
    _verify,
)
DIFF = Command(
    "diff",
    "OLD NEW [OPTION …]",
    "show what changed between two runs or tables",
    "Show the clips gained, lost and with another MOS, and the parts, the rule and the inputs that changed. Exit "
    "status: 0 nothing changed, 1 something did, 2 the two cannot be compared or share no clip.",
    "diff runs/may/report.json runs/june/report.json",
    _diff_arguments,
    _diff,
)
EXPORT = Command(
    "export",
    "croissant|openlineage|in-toto AUDIT [OPTION …]",
    "print an audit in a form that others read",
    "Print an audit for others to read. Only the files that you name are opened.",
    "export in-toto audit.json",
    _export_arguments,
    _export,
)
