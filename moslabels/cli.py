"""The command: arguments, exit status, and what is printed where."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import chdir, suppress
from typing import TYPE_CHECKING, Any

from moslabels.base.errors import MosLabelsError, UsageError, internal_error, is_from_outside, os_error
from moslabels.base.signals import Terminated, ending
from moslabels.base.text import listed, nearest, shown, visible, visible_text
from moslabels.command.arguments import UnwrittenError, command_parser, option_value, options_text, write_out
from moslabels.command.completion import script
from moslabels.spec.options import FIELDS
from moslabels.spec.reports import REPORT_FORMS

if TYPE_CHECKING:
    from moslabels.base.settings import Settings
    from moslabels.command.progress_line import Told
    from moslabels.spec.manifest import Manifest
    from moslabels.spec.table import TableSpec


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command. Returns its exit status: 0 done, 1 a table failed, 2 wrong usage, 130 interrupted (Ctrl-C), 143
    and 129 ended by SIGTERM and SIGHUP.
    """
    _open_what_is_closed()
    try:
        with ending():
            return _status(list(sys.argv[1:] if argv is None else argv))
    except KeyboardInterrupt as error:
        _say_end("moslabels: interrupted", error)
        return 130
    except Terminated as error:
        _say_end(f"moslabels: ended by {error}", error)
        return 128 + error.number
    finally:
        _settle()


def _status(arguments: list[str]) -> int:
    parsed = argparse.Namespace()
    parser = command_parser()
    try:
        parsed = parser.parse_args(arguments)
        if parsed.version:
            write_out(_versions())
            return 0
        if parsed.name is None:
            _say(f"{parser.format_help()}\nmoslabels: a command is required")
            return 2
        return _COMMANDS[parsed.name](parsed, arguments)
    except MosLabelsError as error:
        _say(f"moslabels: {error}")
        return error.exit_status
    except UnwrittenError as error:
        if not error.is_reader_gone:
            _say(f"moslabels: {error}")
        return 1
    except Exception as error:
        if is_from_outside(error):
            raise
        if isinstance(error, OSError) and error.errno is not None:
            where = f"{error.filename}: " if error.filename else ""
            _say(f"moslabels: {where}{error.strerror or error}")
        else:
            if getattr(parsed, "verbose", False):
                _say("".join(traceback.format_exception(error)).rstrip())
            _say(f"moslabels: {internal_error(error)}")
        return 1


def _open_what_is_closed() -> None:
    """Give the descriptors of the standard streams to nothing where they are closed: no file of a run becomes one."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # It takes the lowest that is free.


def _settle() -> None:
    """Write what streams still hold. One that takes no more is given up: Python would end with a status of its own."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                nothing = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nothing, stream.fileno())
                os.close(nothing)


def _say(text: str) -> None:
    """A message for people, where it can be written. What names and values may hold is spelled out, so that none of it
    steers a terminal.
    """
    stream = sys.stderr
    if stream is None:
        return
    encoding = getattr(stream, "encoding", None) or "utf-8"
    with suppress(OSError, ValueError):  # A log that is full, closed or without a reader stops no table.
        stream.write(_visible_lines(text).encode(encoding, "backslashreplace").decode(encoding) + "\n")
        stream.flush()


def _say_end(text: str, error: BaseException) -> None:
    _say("\n".join([text, *(f"  {note}" for note in getattr(error, "__notes__", ()))]))


def _visible_lines(text: str) -> str:
    return "\n".join(map(visible, text.split("\n")))


def _versions() -> str:
    from moslabels.evidence.provenance import versions

    loaded = versions()
    return (
        f"moslabels {loaded['moslabels']} (duckdb {loaded['duckdb']}, pyarrow {loaded['pyarrow']}, "
        f"Python {loaded['python']})\n"
    )


def _progress(parsed: argparse.Namespace) -> Told:
    from moslabels.command.progress_line import Told, is_for_people

    has_line = is_for_people(sys.stderr) and not parsed.quiet
    return Told(sys.stderr, has_line=has_line, is_verbose=parsed.verbose)


def _batch(parsed: argparse.Namespace, argv: list[str]) -> int:
    from moslabels.evidence.audit import json_text
    from moslabels.runs.batch import run_batch

    def on_table(entry: Mapping[str, Any]) -> None:
        progress.clear()
        _say_table(entry, parsed.quiet)

    def print_report() -> None:
        if reports and (parsed.report_json is None or parsed.dry_run):
            write_out(json_text(reports[0]))

    reports: list[dict[str, Any]] = []
    try:
        with _progress(parsed) as progress:
            run_batch(
                _manifest_of(parsed),
                base_dir=parsed.base_dir,
                **{form.name: getattr(parsed, form.name) for form in REPORT_FORMS},
                fail_fast=parsed.fail_fast,
                dry_run=parsed.dry_run,
                skip_unchanged=parsed.skip_unchanged,
                memory_limit=parsed.memory_limit,
                threads=parsed.threads,
                temp_dir=parsed.temp_dir,
                argv=argv,
                on_table=on_table,
                on_report=reports.append,
                progress=progress.wanted(),
            )
    except BaseException:
        with suppress(UnwrittenError):
            print_report()  # of what was done until then
        raise
    if not parsed.quiet:
        _say_summary(reports[0], parsed.dry_run)
    print_report()
    return 1 if reports[0]["status"] == "failed" else 0


def _say_summary(report: Mapping[str, Any], is_dry: bool) -> None:
    summary = report["summary"]
    not_run = sum(table["status"] == "not-run" for table in report["tables"])
    unchanged = sum(table["status"] == "unchanged" for table in report["tables"])
    labelled = summary["tables"] - summary["failed_tables"] - not_run - unchanged
    others = "".join(f", {count} {what}" for count, what in ((unchanged, "unchanged"), (not_run, "not run")) if count)
    dry = " (dry run: nothing is written)" if is_dry else ""
    _say(f"{labelled} of {summary['tables']} tables labelled{others}{dry}")


def _manifest_of(parsed: argparse.Namespace) -> str:
    """The manifest of ``batch``, by its place or by its flag."""
    given = [path for path in (parsed.manifest, parsed.manifest_flag) if path is not None]
    if len(given) == 1:
        return str(given[0])
    problem = (
        "MANIFEST and --manifest are the same: give one" if given else "the following arguments are required: MANIFEST"
    )
    raise UsageError("the arguments are wrong; see moslabels batch --help:", [problem])


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
    from moslabels.evidence.json_schema import schema_text

    write_out(schema_text(parsed.kind))
    return 0


def _completion(parsed: argparse.Namespace, _argv: list[str]) -> int:
    write_out(script(command_parser(), parsed.shell))
    return 0


def _explain(parsed: argparse.Namespace, _argv: list[str]) -> int:
    from moslabels.evidence.audit import json_text
    from moslabels.runs.explain import explain, text

    explained = explain(_explained_table(parsed), parsed.values, _settings(parsed))
    if parsed.json:
        write_out(json_text({"values": explained}))
    else:
        write_out("\n\n".join(_visible_lines(text(value)) for value in explained) + "\n")
    return 0


def _options(parsed: argparse.Namespace, _argv: list[str]) -> int:
    write_out(options_text([*parsed.names, *(parsed.flags or ())]))
    return 0


def _diff(parsed: argparse.Namespace, _argv: list[str]) -> int:
    from moslabels.evidence.audit import json_text
    from moslabels.runs.diff import diff, diff_text

    try:
        document = diff(parsed.old, parsed.new, _settings(parsed), parsed.old_root or "", only_root=parsed.only_root)
    except (MosLabelsError, OSError) as error:
        said = os_error(error) if isinstance(error, OSError) else error
        raise UsageError(f"the two cannot be compared: {said}") from error
    write_out(json_text(document) if parsed.json else _visible_lines(diff_text(document)) + "\n")
    return 0 if document["same"] else 1


def _compile(parsed: argparse.Namespace, _argv: list[str]) -> int:
    from moslabels.runs.compile import compiled
    from moslabels.spec.manifest import load_manifest

    manifest = load_manifest(parsed.manifest, parsed.base_dir)
    tables = manifest.tables if parsed.table is None else [_table_of(manifest, parsed.table)]
    write_out(compiled(tables, _settings(parsed)))
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
    from moslabels.evidence.audit import json_text
    from moslabels.files.paths import absolute
    from moslabels.runs.verify import verify, verify_text
    from moslabels.spec.paths import refuse_url

    files, settings = parsed.files, _settings(parsed)
    if parsed.root is not None:
        refuse_url("root", parsed.root)
        if not os.path.isdir(parsed.root):
            raise UsageError(f"--root: {shown(parsed.root)} is no folder")
        files = [absolute(path) for path in files]
    with chdir(parsed.root or "."):
        document = verify(files, settings, only_root=parsed.only_root)
    write_out(json_text(document) if parsed.json else _visible_lines(verify_text(document)) + "\n")
    return {"ok": 0, "differs": 1, "unknown": 2}[document["status"]]


def _init(parsed: argparse.Namespace, _argv: list[str]) -> int:
    from moslabels.runs.init import start_manifest, try_command

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
    from moslabels.evidence.audit import json_text
    from moslabels.suggest.search import suggest
    from moslabels.suggest.text import suggestion_text

    document = suggest(
        parsed.features,
        parsed.labels,
        settings=_settings(parsed),
        feature_csv=parsed.feature_csv,
        label_csv=parsed.label_csv,
    )
    write_out(json_text(document) if parsed.json else visible_text(suggestion_text(document)))
    return 0 if document["suggestions"] else 1


def _explained_table(parsed: argparse.Namespace) -> TableSpec:
    """The table whose rules hold: one of a manifest, or the one that the flags describe."""
    from moslabels.spec.entry import input_spec
    from moslabels.spec.manifest import load_manifest

    options = _given_options(parsed)
    if parsed.manifest is None:
        if parsed.features is None or not parsed.labels:
            raise UsageError("explain needs --features and --labels, or --manifest and --table")
        return input_spec(parsed.features, parsed.labels, options)
    if parsed.features is not None or parsed.labels or options:
        raise UsageError("the rules come from --manifest and --table, or from flags, not from both")
    return _table_of(load_manifest(parsed.manifest, parsed.base_dir), parsed.table)


def _given_options(parsed: argparse.Namespace) -> dict[str, Any]:
    return {name: option_value(name, getattr(parsed, name)) for name in FIELDS if hasattr(parsed, name)}


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
    from moslabels.base.settings import Settings

    return Settings(memory_limit=parsed.memory_limit, threads=parsed.threads, temp_dir=parsed.temp_dir)


def _sql(parsed: argparse.Namespace, _argv: list[str]) -> int:
    from moslabels.command.progress_line import is_a_terminal
    from moslabels.command.results import text
    from moslabels.runs.views import VIEWS, Views

    query = parsed.command if parsed.file is None else _query_of(parsed.file)
    with Views(parsed.patterns) as found:
        if passed_over := found.passed_over:
            total = found.loaded + len(passed_over)
            _say(f"{len(passed_over)} of {total} files passed over, neither audit nor report: {listed(passed_over)}")
        if parsed.db is not None:
            found.save(parsed.db)
            _say(f"{len(VIEWS)} tables saved in {parsed.db}")
        answer = found.ask(query)
    if answer is not None:
        is_terminal = is_a_terminal(sys.stdout)
        write_out(text(answer, parsed.format, shutil.get_terminal_size().columns if is_terminal else None))
    return 0


def _query_of(path: str) -> str:
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


def _materialize(parsed: argparse.Namespace, argv: list[str]) -> int:
    from moslabels.evidence.audit import json_text
    from moslabels.evidence.run import Run
    from moslabels.runs.arguments import all_args
    from moslabels.runs.table import label_table
    from moslabels.spec.entry import table_spec

    options = _given_options(parsed)
    settings, spec = _all_right(
        lambda: _settings(parsed),
        lambda: table_spec(parsed.features, parsed.labels, parsed.out, parsed.audit_json, parsed.unmatched, options),
    )
    paths = {name: getattr(parsed, name) for name in ("features", "labels", "out", "audit_json")}
    args = all_args(paths, options, settings, parsed.unmatched, parsed.dry_run)
    with _progress(parsed) as progress:
        progress.table(parsed.features, 1, 1)
        audit = label_table(spec, Run(argv, args, settings=settings, is_dry=parsed.dry_run, progress=progress.wanted()))
    for warning in audit["warnings"]:
        _say(f"moslabels: warning: {warning}")
    if not parsed.quiet:
        _say(
            f"match rate {audit['match_rate']:.3f}, {audit['matched_rows']} of {audit['input_rows']} rows labelled "
            f"-> {audit['output']}" + (" (dry run: nothing is written)" if parsed.dry_run else "")
        )
    if parsed.audit_json is None or parsed.dry_run:
        write_out(json_text(audit))
    return 0


_COMMANDS: Mapping[str, Callable[[argparse.Namespace, list[str]], int]] = {
    "batch": _batch,
    "materialize": _materialize,
    "init": _init,
    "suggest": _suggest,
    "explain": _explain,
    "sql": _sql,
    "verify": _verify,
    "diff": _diff,
    "compile": _compile,
    "schema": _schema,
    "options": _options,
    "completion": _completion,
}
