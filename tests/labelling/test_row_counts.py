"""Rows by the position of their label, as two ways to label are compared."""

from __future__ import annotations

import pyarrow as pa
import pytest

from helpers.wrong_results import VALUE_LABELS, change_result
from moslabels import TableError, join
from moslabels.labelling.row_labels import rows_of_positions

FAR = 600_000  # Positions that far apart are counted by themselves.
CASES: list[tuple[list[int], list[int]]] = [
    ([], []),
    ([3], [5]),
    ([2, 0, 2], [3, 1, 4]),
    ([FAR, 1, FAR, 0, 1], [2, 1, 1, 3, 6]),
    ([2 * FAR, FAR], [1, 2]),
]


@pytest.mark.parametrize(("positions", "rows"), CASES)
def test_values_with_their_rows_are_counted_as_those_rows(positions: list[int], rows: list[int]) -> None:
    of_values = rows_of_positions(_column(positions, pa.int32()), _column(rows, pa.int64()))
    each = [position for position, count in zip(positions, rows, strict=True) for _ in range(count)]
    assert of_values.equals(rows_of_positions(_column(each, pa.int32())))
    told = zip(*(of_values[name].to_pylist() for name in ("position", "rows")), strict=True)
    assert dict(told) == {position: each.count(position) for position in sorted(set(each))}


@pytest.mark.parametrize("are_few", [True, False])
@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0], [0, 2, 1, 3]])
def test_values_in_another_order_than_their_rows_are_refused(
    order: list[int], are_few: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    features = pa.table({"key": ["a", "b", "b", "c", "c", "c", "x"]})
    labels = pa.table({"key": ["a", "b", "c"], "mos": [1.5, 2.5, 3.5]})
    change_result(monkeypatch, VALUE_LABELS, lambda found: found.take(pa.array(order)), are_few=are_few)
    if order == sorted(order):
        assert join(features, labels, min_match_rate=0.5).table["mos"].to_pylist() == [
            1.5,
            2.5,
            2.5,
            3.5,
            3.5,
            3.5,
            None,
        ]
        return
    with pytest.raises(TableError, match="the rows of each label were counted otherwise") as caught:
        join(features, labels, min_match_rate=0.5)
    assert caught.value.code == "miscount"


def _column(values: list[int], kind: pa.DataType) -> pa.ChunkedArray:
    return pa.chunked_array([values[:2], values[2:]], kind)
