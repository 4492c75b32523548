"""What a file of timings tells of tables and their steps."""

from __future__ import annotations

from typing import TypedDict

from moslabels.evidence.run import DoneParts

SCHEMA = "moslabels-timings-v1"


class StepTiming(TypedDict):
    """How long a step took: the sum if it came several times."""

    step: str
    seconds: float


class TableTimings(TypedDict):
    """How long a table took. What is not known is None: if it was not labelled, how much was read a second.

    ``rows`` are those of the features, and ``bytes`` the size of their files. ``parts`` tells what became of the parts
    of a table that has many.
    """

    seconds: float
    steps: list[StepTiming]
    rows: int | None
    bytes: int | None
    rows_per_second: float | None
    bytes_per_second: float | None
    parts: DoneParts | None
