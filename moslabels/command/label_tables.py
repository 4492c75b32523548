"""The commands that label tables: materialize, batch, and compile, which prints their SQL."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from moslabels.base.errors import UsageError
from moslabels.base.text import visible
from moslabels.command.arguments import (
    add_brief_settings,
    add_options,
    add_settings,
    add_verbosity,
    features,
    given_options,
    given_settings,
    label,
    table_of,
)
from moslabels.command.parser import Command, Parser
from moslabels.command.streams import UnwrittenError, say, write_out
from moslabels.spec.reports import REPORT_FORMS

if TYPE_CHECKING:
    from moslabels.command.progress_line import Told
    from moslabels.evidence.types import Report


def _batch_arguments(parser: Parser) -> None:
    parser.add_brief("manifest", "JSON file of tables", metavar="MANIFEST", nargs="?")
    parser.add_brief("--manifest", "JSON file of tables", metavar="M", dest="manifest_flag")
    parser.add_argument("--base-dir", metavar="D", help="folder of relative paths; default: that of the manifest")
    parser.add_argument("--table", metavar="ID", action="append", help="label only this table (repeat for more)")
    add_reports(parser)
    parser.add_argument("--fail-fast", action="store_true", help="stop after the first table that fails")
    parser.add_argument("--dry-run", action="store_true", help="write no table and no audit, but the reports")
    parser.add_argument("--skip-unchanged", action="store_true", help="skip tables that still fit their audits")
    parser.add_argument("--compare", metavar="R", help="JSON report of an earlier run: tell what changed")
    parser.add_argument("--timings", metavar="F", help="write how long tables and steps took, as JSON")
    add_verbosity(parser)
    add_brief_settings(parser)


def _batch(parsed: argparse.Namespace, argv: list[str]) -> int:
    with _database_ahead(parsed):
        return _labelled_batch(parsed, argv)


def _labelled_batch(parsed: argparse.Namespace, argv: list[str]) -> int:
    from moslabels.runs.batch import run_batch

    return told_batch(
        parsed,
        partial(
            run_batch,
            _manifest_of(parsed),
            base_dir=parsed.base_dir,
            tables=parsed.table,
            fail_fast=parsed.fail_fast,
            dry_run=parsed.dry_run,
            skip_unchanged=parsed.skip_unchanged,
            compare=parsed.compare,
            engine=parsed.engine,
            address=parsed.address,
            argv=_without_timings(argv),
            timings=parsed.timings,
        ),
        is_dry=parsed.dry_run,
    )


def add_reports(parser: Parser) -> None:
    """Add the flags of the reports."""
    for form in REPORT_FORMS:
        parser.add_argument(form.flag, metavar="F", help=form.help)
    parser.add_argument("--report-github", action="store_true", help="say what failed as annotations of GitHub Actions")


def told_batch(parsed: argparse.Namespace, run: Callable[..., Any], *, is_dry: bool = False) -> int:
    """Run a batch with the reports and settings that were given, and tell what becomes of its tables."""
    from moslabels.evidence.audit import json_text
    from moslabels.evidence.ci import github_annotations

    def on_table(entry: Mapping[str, Any]) -> None:
        progress.clear()
        _say_table(entry, parsed.quiet)

    def print_report() -> None:
        if reports and parsed.report_github:
            say(github_annotations(reports[0]).rstrip("\n"))
        if reports and parsed.report_json is None:
            write_out(json_text(dict(reports[0])))

    reports: list[Report] = []
    try:
        with _progress(parsed) as progress:
            run(
                **{form.name: getattr(parsed, form.name) for form in REPORT_FORMS},
                memory_limit=parsed.memory_limit,
                threads=parsed.threads,
                temp_dir=parsed.temp_dir,
                workers=parsed.workers,
                on_table=on_table,
                on_report=reports.append,
                progress=progress.wanted(),
            )
    except BaseException:
        with suppress(UnwrittenError):
            print_report()  # It tells what was done until then.
        raise
    if not parsed.quiet:
        _say_summary(reports[0], is_dry)
    print_report()
    return 1 if reports[0]["status"] == "failed" else 0


def _database_ahead(parsed: argparse.Namespace) -> AbstractContextManager[None]:
    """Let a database be made while the command loads the rest of the program, unless it may need none."""
    from moslabels.engine.databases import made_ahead

    try:
        return nullcontext() if parsed.skip_unchanged else made_ahead(given_settings(parsed))
    except UsageError:
        return nullcontext()  # What is wrong is told with what else is.


def _without_timings(argv: list[str]) -> list[str]:
    """Return a command line without ``--timings``, on which no evidence may depend."""
    kept: list[str] = []
    words = iter(argv)
    for word in words:
        if word == "--":
            return [*kept, word, *words]
        if word == "--timings":
            next(words, None)
        elif not word.startswith("--timings="):
            kept.append(word)
    return kept


def _manifest_of(parsed: argparse.Namespace) -> str:
    """Return the manifest, which is given by its position or by a flag. Raise UsageError."""
    given = [path for path in (parsed.manifest, parsed.manifest_flag) if path is not None]
    if len(given) == 1:
        return str(given[0])
    problem = (
        "MANIFEST and --manifest are the same: give one" if given else "the following arguments are required: MANIFEST"
    )
    raise UsageError("the arguments are wrong; see moslabels batch --help:", [problem])


def _say_table(entry: Mapping[str, Any], is_quiet: bool) -> None:
    name = visible(entry["id"])
    for warning in entry.get("warnings", ()):
        say(f"{name}: warning: {warning}")
    if entry["status"] == "error":
        say(f"{name}: error: {entry['error']}")
        return
    if is_quiet:
        return
    from moslabels.evidence.run import kept_parts

    summary = entry["summary"]
    say(
        f"{name}: {entry['status']}: match rate {summary['match_rate']:.3f}, {summary['matched_rows']} of "
        f"{summary['input_rows']} rows labelled -> {entry['out']}{kept_parts(entry['timings']['parts'])}"
    )


def _say_summary(report: Mapping[str, Any], is_dry: bool) -> None:
    from moslabels.evidence.report import left_out

    summary = report["summary"]
    not_run = sum(table["status"] == "not-run" for table in report["tables"])
    unchanged = sum(table["status"] == "unchanged" for table in report["tables"])
    labelled = summary["tables"] - summary["failed_tables"] - not_run - unchanged
    counts = [(unchanged, "unchanged"), (not_run, "not run")]
    counts += [(left_out(report), "of the manifest not chosen")]
    others = "".join(f", {count} {what}" for count, what in counts if count)
    dry = " (dry run: no table is written)" if is_dry else ""
    say(f"{labelled} of {summary['tables']} tables labelled{others}{dry}")
    if (since := report.get("comparison")) is not None:
        from moslabels.evidence.changes import sentence

        say(f"since {since['report']}: {sentence(since)}")


def _progress(parsed: argparse.Namespace) -> Told:
    from moslabels.command.progress_line import line_of_progress

    return line_of_progress(is_quiet=parsed.quiet, is_verbose=parsed.verbose)


def _materialize_arguments(parser: Parser) -> None:
    parser.add_argument(
        "--features",
        metavar="F",
        required=True,
        type=features,
        help='feature table, folder of parts, {"glob": "…"} or a JSON list',
    )
    parser.add_argument(
        "--labels",
        metavar="L",
        required=True,
        action="append",
        type=label,
        help='label table (repeat for more), or {"path": …, options}',
    )
    parser.add_argument("--out", metavar="O", required=True, help="labelled table to write")
    parser.add_argument("--audit-json", metavar="A", help="write the audit; default: to standard output")
    parser.add_argument("--unmatched", metavar="U", help="write the keys that did not meet, of both sides")
    parser.add_argument("--dry-run", action="store_true", help="do everything but write; the audit to standard output")
    add_options(parser, writes=True)
    add_verbosity(parser)


def _materialize(parsed: argparse.Namespace, argv: list[str]) -> int:
    with _database_ahead(parsed):
        return _labelled_table(parsed, argv)


def _labelled_table(parsed: argparse.Namespace, argv: list[str]) -> int:
    from moslabels.evidence.audit import json_text
    from moslabels.evidence.run import Run, kept_parts
    from moslabels.parts.engines import check_need, engine_of_run
    from moslabels.runs.arguments import all_args
    from moslabels.runs.table import check_can_skip, label_or_skip
    from moslabels.runs.timings import Timings, timings_file, timings_path
    from moslabels.spec.entry import table_spec

    options = given_options(parsed)
    settings, spec = _all_right(
        lambda: given_settings(parsed),
        lambda: table_spec(parsed.features, parsed.labels, parsed.out, parsed.audit_json, parsed.unmatched, options),
    )
    paths = {name: getattr(parsed, name) for name in ("features", "labels", "out", "audit_json")}
    if parsed.skip_unchanged:
        check_can_skip(spec)
    times = timings_path(spec, parsed.timings)
    with _progress(parsed) as progress:
        timings = Timings(progress.wanted())
        told = timings.progress
        with (
            engine_of_run(parsed.engine, parsed.address, None, settings, told) as of_run,
            timings_file(times, timings),
        ):
            check_need([spec], of_run)
            progress.table(spec.features, 1, 1)
            asked = {"dry_run": parsed.dry_run, **({"skip_unchanged": True} if parsed.skip_unchanged else {})}
            args = all_args(paths, options, settings, parsed.unmatched, asked, of_run.told)
            argv = _without_timings(argv)
            run = Run(argv, args, settings=settings, is_dry=parsed.dry_run, progress=told)
            audit, is_known = label_or_skip(spec, run, of_run, timings, skip_unchanged=parsed.skip_unchanged)
    for warning in audit["warnings"]:
        say(f"moslabels: warning: {warning}")
    if not parsed.quiet:
        rows = f"{audit['matched_rows']} of {audit['input_rows']} rows labelled -> {parsed.out}"
        dry = " (dry run: nothing is written)" if parsed.dry_run else ""
        kept = kept_parts(run.parts.get(spec.out))
        say(f"{'unchanged: ' if is_known else ''}match rate {audit['match_rate']:.3f}, {rows}{kept}{dry}")
    if parsed.audit_json is None or parsed.dry_run:
        write_out(json_text(audit))
    return 0


def _all_right(*checks: Callable[[], Any]) -> list[Any]:
    """Return the results of checks. If several raise UsageError, raise one with all of their problems."""
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


def _compile_arguments(parser: Parser) -> None:
    parser.add_argument("manifest", metavar="MANIFEST", help="JSON file that lists the tables")
    parser.add_argument("--table", metavar="ID", help="one table of it; default: all")
    parser.add_argument("--base-dir", metavar="D", help="folder of relative paths; default: that of the manifest")
    parser.add_argument("--relative", action="store_true", help="write paths as they open from the working folder")
    add_settings(parser)


def _compile(parsed: argparse.Namespace, _argv: list[str]) -> int:
    from moslabels.command.progress_line import line_of_progress
    from moslabels.runs.compile import compiled
    from moslabels.spec.manifest import load_manifest

    manifest = load_manifest(parsed.manifest, parsed.base_dir)
    tables = manifest.tables if parsed.table is None else [table_of(manifest, parsed.table)]
    with line_of_progress() as progress:
        text = compiled(tables, given_settings(parsed), is_relative=parsed.relative, progress=progress.wanted())
    write_out(text)
    return 0


BATCH = Command(
    "batch",
    "MANIFEST [OPTION …]",
    "label every table of a manifest",
    "Label every table of MANIFEST, a JSON file (or --manifest M).",
    "batch manifest.json --report-json report.json",
    _batch_arguments,
    _batch,
)
MATERIALIZE = Command(
    "materialize",
    "--features F --labels L --out O [OPTION …]",
    "label one table",
    "",  # The help has no line left for it.
    "materialize --features f.csv --labels l.csv --out out.csv",
    _materialize_arguments,
    _materialize,
)
COMPILE = Command(
    "compile",
    "MANIFEST [OPTION …]",
    "print the SQL of a manifest's tables, for the DuckDB shell",
    "Print the SQL of tables in order, with all values filled in. The last statements make the labelled table, the "
    "view labelled, which COPY can write to a file. Files are read; nothing is written.",
    "compile manifest.json --table konvid | duckdb",
    _compile_arguments,
    _compile,
)
