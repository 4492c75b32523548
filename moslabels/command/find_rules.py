"""The commands that help to find a join rule: init, suggest and explain. They write no table."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from moslabels.base.errors import UsageError
from moslabels.base.text import visible, visible_text
from moslabels.command.arguments import (
    add_dialects,
    add_options,
    add_settings,
    features,
    given_options,
    given_settings,
    label,
    table_of,
)
from moslabels.command.parser import Command, Parser
from moslabels.command.streams import say, visible_lines, write_out

if TYPE_CHECKING:
    from moslabels.spec.table import TableSpec


def _init_arguments(parser: Parser) -> None:
    parser.add_argument(
        "--features",
        metavar="F",
        required=True,
        action="append",
        type=features,
        help="feature table or folder of parts; repeat for more tables",
    )
    parser.add_argument("--labels", metavar="L", required=True, action="append", help="label table; repeat for more")
    parser.add_argument("--out", metavar="M", default="manifest.json", help="manifest to write; default: manifest.json")
    parser.add_argument("--add", action="store_true", help="add the tables to the manifest, which exists")
    add_dialects(parser)
    add_settings(parser)


def _init(parsed: argparse.Namespace, _argv: list[str]) -> int:
    from moslabels.command.progress_line import line_of_progress
    from moslabels.runs.init import start_manifest, try_command

    with line_of_progress() as progress:
        started = start_manifest(
            parsed.features,
            parsed.labels,
            parsed.out,
            settings=given_settings(parsed),
            feature_csv=parsed.feature_csv,
            label_csv=parsed.label_csv,
            is_to_add=parsed.add,
            progress=progress.wanted(),
        )
    for proposal in started.proposals:
        say(f"{visible(proposal.id)}: {proposal.lines[0]}")
        for note in proposal.confirm:
            say(f"{visible(proposal.id)}: confirm: {note}")
    if started.is_schema_other:
        say(
            f"moslabels: warning: {started.schema_path} is the schema of another version, and was kept; "
            "moslabels schema prints the schema of this version"
        )
    for path in started.unused:
        say(f"moslabels: warning: {path}: no rule joins it with a table, and no table has it")
    found = sum(proposal.is_rule for proposal in started.proposals)
    say(
        f"{parsed.out}: a rule for {found} of {len(started.proposals)} tables; it tells what each rests on; to try: "
        f"{try_command(parsed.out)}"
    )
    return 0 if found == len(started.proposals) else 1


def _suggest_arguments(parser: Parser) -> None:
    parser.add_argument(
        "--features", metavar="F", required=True, type=features, help="feature table or folder of parts"
    )
    parser.add_argument(
        "--labels", metavar="L", required=True, action="append", help="label table; repeat for more, joined by one rule"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    add_dialects(parser)
    add_settings(parser)


def _suggest(parsed: argparse.Namespace, _argv: list[str]) -> int:
    from moslabels.command.progress_line import line_of_progress
    from moslabels.evidence.audit import json_text
    from moslabels.suggestions.search import suggest
    from moslabels.suggestions.text import suggestion_text

    with line_of_progress() as progress:
        document = suggest(
            parsed.features,
            parsed.labels,
            settings=given_settings(parsed),
            feature_csv=parsed.feature_csv,
            label_csv=parsed.label_csv,
            progress=progress.wanted(),
        )
    write_out(json_text(document) if parsed.json else visible_text(suggestion_text(document)))
    return 0 if document["suggestions"] else 1


def _explain_arguments(parser: Parser) -> None:
    parser.add_argument(
        "values", metavar="VALUE", nargs="+", help='a value; for several key columns a JSON list ["a", "b"]'
    )
    parser.add_argument("--manifest", metavar="M", help="the rules are those of a table of this manifest")
    parser.add_argument("--table", metavar="ID", help="the table's id")
    parser.add_argument("--base-dir", metavar="D", help="folder of relative paths; default: that of the manifest")
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    parser.add_brief("--features", "feature table", metavar="F", type=features)
    parser.add_brief("--labels", "label table", metavar="L", action="append", type=label)
    add_options(parser)


def _explain(parsed: argparse.Namespace, _argv: list[str]) -> int:
    from moslabels.evidence.audit import json_text
    from moslabels.runs.explain import explain, explanation_text

    explained = explain(_explained_table(parsed), parsed.values, given_settings(parsed))
    if parsed.json:
        write_out(json_text({"values": explained}))
    else:
        write_out("\n\n".join(visible_lines(explanation_text(value)) for value in explained) + "\n")
    return 0


def _explained_table(parsed: argparse.Namespace) -> TableSpec:
    """Return the table that has the rules, from a manifest or from the flags. Raise UsageError."""
    from moslabels.spec.entry import input_spec
    from moslabels.spec.manifest import load_manifest

    options = given_options(parsed)
    if parsed.manifest is None:
        if parsed.features is None or not parsed.labels:
            raise UsageError("explain needs --features and --labels, or --manifest and --table")
        return input_spec(parsed.features, parsed.labels, options)
    if parsed.features is not None or parsed.labels or options:
        raise UsageError("the rules come from --manifest and --table, or from flags, not from both")
    return table_of(load_manifest(parsed.manifest, parsed.base_dir), parsed.table)


INIT = Command(
    "init",
    "--features F --labels L [OPTION …]",
    "write a first manifest, with the rules that suggest finds",
    "Write a manifest of feature tables, each with all of the label tables, and its schema for editors. Its "
    "comments say what the rules rest on. No file is overwritten. Exit status: 1 if a table has no rule.",
    "init --features f.parquet --labels l.csv",
    _init_arguments,
    _init,
)
SUGGEST = Command(
    "suggest",
    "--features F --labels L [OPTION …]",
    "find rules that join two tables; applies none",
    "Find the columns and patterns that join tables, with what speaks for and against each. Nothing is "
    "written: the rules go to standard output.",
    "suggest --features f.parquet --labels mos.csv",
    _suggest_arguments,
    _suggest,
)
EXPLAIN = Command(
    "explain",
    "VALUE … --manifest M --table ID\n       moslabels explain VALUE … --features F --labels L [OPTION …]",
    "show how a value becomes a key, and which label it meets",
    "",  # The help has no line left for it.
    "explain clips/A001.mp4 --manifest manifest.json --table vqc",
    _explain_arguments,
    _explain,
)
