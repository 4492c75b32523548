"""Folders ``name=value`` above the parts of a table: what of them a rule needs, and by which its rate is to hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moslabels.base.text import counted, shown
from moslabels.spec.options import Options
from moslabels.suggestions.measurements import Measurements
from moslabels.suggestions.model import Inputs, Measured, share

_MOST_VALUES = 50
_SHOWN = 3
_LEAST = Options.min_match_rate


@dataclass(frozen=True)
class ByFolders:
    """The options that a rule needs for the names of folders, and what is to be confirmed of them."""

    options: Mapping[str, Any]
    confirm: tuple[str, ...] = ()


def partitions_of_rule(inputs: Inputs, measured: Measured, measurements: Measurements) -> ByFolders:
    """Return the folders whose values are in the key, and the first by which each value reaches the usual rate."""
    columns = [(place, column) for place, column in enumerate(inputs.features.columns) if column.partition]
    in_key = {part.feature.place for part in measured.rule.parts}
    wanted = {column.name for place, column in columns if place in in_key}
    confirm: list[str] = []
    by = None
    for place, column in columns:
        rates = measurements.rates_by(measured.rule, place)
        repeated = sum(row["keys"] for row in rates) - measured.counts["feature_keys"]
        if repeated and place not in in_key:
            confirm.append(
                f"keys stand in several folders {column.name}=… ({repeated} repeats): is each key one clip? If not, "
                f"{shown(column.name)} must be a part of the key"
            )
        if not 2 <= len(rates) <= _MOST_VALUES:
            continue
        low = [row for row in rates if not _passes(row)]
        if not low:
            by = by or column.name
        elif min(measured.match_rate, measured.key_rate) >= _LEAST:
            told = [f"{shown(row['value'])} {row['matched_keys']} of {row['keys']}" for row in low[:_SHOWN]]
            more = f" and {len(low) - _SHOWN} more" if len(low) > _SHOWN else ""
            confirm.append(
                f"for {counted(len(low), 'value', 'values')} of the folders {column.name}=… too few keys have a label, "
                f"or too few rows a key: {', '.join(told)}{more} have a label; is that right?"
            )
    names = [column.name for _, column in columns if column.name in {*wanted, by}]
    options = {**({"partitions": names} if names else {}), **({"match_rate_by": by} if by is not None else {})}
    return ByFolders(options, tuple(confirm))


def _passes(row: Mapping[str, Any]) -> bool:
    return min(share(row["matched_keys"], row["keys"]), share(row["rows_with_key"], row["rows"])) >= _LEAST
