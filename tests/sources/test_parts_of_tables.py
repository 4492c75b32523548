"""A table is a list of parts: counts are those of all, and what reads but one part refuses several."""

from __future__ import annotations

import pyarrow as pa
import pytest

from moslabels.sources.arrow_table import ArrowTable
from moslabels.sources.part import Part
from moslabels.sources.source import Source


def source(*rows: int | None) -> Source:
    parts = [Part("t", "t", table=None if count is None else pa.table({"x": range(count)})) for count in rows]
    return Source("t", "feature", ArrowTable(), tuple(parts))


@pytest.mark.parametrize(("rows", "found"), [((3,), 3), ((3, 0, 4), 7), ((3, None), None), ((None,), None)])
def test_rows_are_those_of_all_parts_or_unknown(rows: tuple[int | None, ...], found: int | None) -> None:
    assert source(*rows).rows == found


def test_the_only_part() -> None:
    assert source(3).part.rows == 3
    with pytest.raises(ValueError, match="too many values"):
        source(3, 4).part  # noqa: B018
