"""What is wrong with options that are each right, but not together."""

from __future__ import annotations

from moslabels.base.text import shown
from moslabels.spec.key_rules import Clash, example_clashes, key_clashes, label_key_clashes
from moslabels.spec.names import LABEL_COLUMNS, SOURCE_COLUMN
from moslabels.spec.options import Options


def clashes(options: Options) -> list[Clash]:
    """Return problems between valid options of one table, as (option, problem) pairs."""
    problems = [*key_clashes(options, "feature"), *example_clashes(options)]
    extras = [extra.output for extra in options.wanted_extras()]
    taken = {name.lower() for name in (*LABEL_COLUMNS, SOURCE_COLUMN, *extras)}
    if options.status_column.lower() in taken:
        problem = f"must not be the name of another label column, {shown(options.status_column)}"
        problems.append(("status_column", problem))
    warn, least = options.warn_match_rate, options.min_match_rate
    if warn is not None and warn <= least:
        problem = f"{warn} must be greater than min_match_rate, {least}: at or below it, it would never warn"
        problems.append(("warn_match_rate", problem))
    return problems


def label_clashes(options: Options) -> list[Clash]:
    """Return problems between valid options of one label file and its table, as (option, problem) pairs."""
    return _scale_clashes(options) + label_key_clashes(options)


def _scale_clashes(options: Options) -> list[Clash]:
    if options.mos_scale_column is None or options.mos_scale == "auto":
        return []
    problem = (
        f'must not stand beside mos_scale {shown(options.mos_scale)}: set one of the two, or mos_scale "auto" here'
    )
    return [("mos_scale_column", problem)]
