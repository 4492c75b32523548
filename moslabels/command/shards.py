"""The commands that label tables of many parts in shards, without an engine: plan, part and commit."""

from __future__ import annotations

import argparse
import os
from functools import partial

from moslabels.base.errors import MosLabelsError, UsageError
from moslabels.base.text import counted, visible
from moslabels.command.arguments import WORKERS, add_settings, add_verbosity, given_settings, whole_number
from moslabels.command.label_tables import add_reports, told_batch
from moslabels.command.parser import Command, Parser
from moslabels.command.streams import say


def _settings(parser: Parser) -> None:
    add_settings(parser, WORKERS)
    add_verbosity(parser)


def _plan_arguments(parser: Parser) -> None:
    parser.add_argument("manifest", metavar="MANIFEST", help="JSON file that lists the tables")
    parser.add_argument("--shards", metavar="N", required=True, type=whole_number, help="how many shards")
    parser.add_argument("--plan", metavar="DIR", required=True, help="folder for the plan, of yours alone")
    parser.add_argument("--base-dir", metavar="D", help="folder of relative paths; default: that of the manifest")
    _settings(parser)


def _plan(parsed: argparse.Namespace, _argv: list[str]) -> int:
    from moslabels.command.progress_line import line_of_progress
    from moslabels.runs.plan_folder import plan_folder
    from moslabels.runs.shards import plan
    from moslabels.spec.manifest import load_manifest

    if parsed.shards < 1:
        raise UsageError(f"--shards must be a whole number from 1 on, not {parsed.shards}")
    manifest, settings = load_manifest(parsed.manifest, parsed.base_dir), given_settings(parsed)
    failed: list[MosLabelsError] = []

    def on_error(error: MosLabelsError) -> None:
        failed.append(error)
        progress.clear()
        say(f"{visible(error.table or manifest.path)}: error: {error}")

    with (
        plan_folder(parsed.plan, is_new=True) as folder,
        line_of_progress(is_quiet=parsed.quiet, is_verbose=parsed.verbose) as progress,
    ):
        made = plan(folder, manifest, parsed.base_dir, parsed.shards, settings, progress.wanted(), on_error)
    if not parsed.quiet:
        parts = sum(len(table.digests) for table in made.tables)
        tables = counted(len(made.tables), "table", "tables")
        say(
            f"{counted(parts, 'part', 'parts')} of {tables} planned: run moslabels part {parsed.plan} --shard N for N "
            f"from 0 to {made.shards - 1}, then moslabels commit {parsed.plan}"
        )
    return 1 if failed else 0


def _part_arguments(parser: Parser) -> None:
    parser.add_argument("plan", metavar="DIR", help="folder of the plan")
    parser.add_argument("--shard", metavar="N", required=True, type=whole_number, help="which shard, from 0 on")
    _settings(parser)


def _part(parsed: argparse.Namespace, _argv: list[str]) -> int:
    from moslabels.command.progress_line import line_of_progress
    from moslabels.runs.plan_folder import plan_folder
    from moslabels.runs.shards import part

    settings = given_settings(parsed)
    with (
        plan_folder(parsed.plan) as folder,
        line_of_progress(is_quiet=parsed.quiet, is_verbose=parsed.verbose) as progress,
    ):
        parts, done = part(folder, parsed.shard, settings, progress.wanted())
        is_committed = folder.is_committed
    if not parsed.quiet:
        before = f", {parts - done} were before" if done < parts else ""
        says = f"{done} of {counted(parts, 'part is', 'parts are')} labelled now{before}" if parts else "nothing to do"
        say(f"shard {parsed.shard}: {'the plan was committed already' if is_committed else says}")
    return 0


def _commit_arguments(parser: Parser) -> None:
    parser.add_argument("plan", metavar="DIR", help="folder of the plan")
    add_reports(parser)
    _settings(parser)


def _commit(parsed: argparse.Namespace, argv: list[str]) -> int:
    from moslabels.runs.batch import run_batch
    from moslabels.runs.plan_folder import plan_folder
    from moslabels.runs.shards import ShardsOfPlan, check_done

    with plan_folder(parsed.plan) as folder:
        made = folder.read()
        if os.getcwd() != made.base and not os.path.isabs(made.base_dir or made.manifest):
            raise UsageError(f"{parsed.plan}: its paths open from {made.base}, in which plan ran; run commit there")
        check_done(folder, made)
        shards = ShardsOfPlan(folder, made)
        status = told_batch(parsed, partial(run_batch, made.manifest, base_dir=made.base_dir, engine=shards, argv=argv))
        if status == 0:
            folder.mark_committed()
        return status


PLAN = Command(
    "plan",
    "MANIFEST --shards N --plan DIR",
    "split tables of many parts into shards, for job arrays",
    "Read, match and judge the tables of many parts, and write the work that is left into DIR, by shards. Any machine "
    "that sees the same storage may then do a shard with part; commit ends the run.",
    "plan manifest.json --shards 64 --plan plan",
    _plan_arguments,
    _plan,
)
PART = Command(
    "part",
    "DIR --shard N",
    "label the parts of one shard of a plan",
    "Label the parts of shard N, from 0 on. What is done already stays, so it may be run again.",
    "part plan --shard $SLURM_ARRAY_TASK_ID",
    _part_arguments,
    _part,
)
COMMIT = Command(
    "commit",
    "DIR",
    "check and publish what the shards of a plan labelled",
    "Run the manifest of the plan with the parts that its shards labelled: check, write audits and reports, put the "
    "parts in their places. Exit status 3 says that shards are not done.",
    "commit plan --report-json report.json",
    _commit_arguments,
    _commit,
)
