"""The join of features of which each row has another value: they are not read again, and each row gets its label."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from helpers.tables import Rows, read_table, write_table
from helpers.wrong_results import VALUE_LABELS, Change, change_result
from moslabels import Progress, TableError, join, materialize

AGAIN, ONCE = "match/40_row_labels", VALUE_LABELS
COUNTED = "match/checks/41_rows_of_labels"
LABELS = [{"key": key, "take": "1", "mos": mos} for key, mos in [("c", 1.5), ("a", 2.5), ("d", 3.5), ("b", 4.5)]]
BOTH = {"feature_key_column": ["key", "take"], "label_key_column": ["key", "take"]}
CASES: dict[str, tuple[list[str | None], dict[str, Any], str, list[float | None]]] = {
    # the key of each feature row, options, the statement that joins, the score of each row
    "other keys": (["d", "x", "a", "c", "b"], {}, ONCE, [3.5, None, 2.5, 1.5, 4.5]),
    "no label": (["y", "x"], {}, ONCE, [None, None]),
    "one row": (["b"], {}, ONCE, [4.5]),
    "a key twice": (["d", "x", "a", "d"], {}, AGAIN, [3.5, None, 2.5, 3.5]),
    "all rows one key": (["a", "a", "a"], {}, AGAIN, [2.5, 2.5, 2.5]),
    "one row without a key": (["d", None, "a"], {}, ONCE, [3.5, None, 2.5]),
    "two rows without a key": (["d", None, "a", None], {}, AGAIN, [3.5, None, 2.5, None]),
    "several values of a key": (
        ["D", " a", "d", "x", "a", "X"], {"key_case": "fold"}, ONCE, [3.5, 2.5, 3.5, None, 2.5, None]),
    "several values of a key, one twice": (["D", "a", "d", "d"], {"key_case": "fold"}, AGAIN, [3.5, 2.5, 3.5, 3.5]),
    "what a pattern makes of them": (
        ["2/d", "1/a", "1/d", "-"], {"feature_key_regex": "/(.)"}, ONCE, [3.5, 2.5, 3.5, None]),
    "by groups": (["d", "x", "a"], {"match_rate_by": "key"}, ONCE, [3.5, None, 2.5]),
    "of two columns": (["d", "x", "a"], BOTH, ONCE, [3.5, None, 2.5]),
    "of two columns, a key twice": (["d", "x", "d"], BOTH, AGAIN, [3.5, None, 3.5]),
}  # fmt: skip


def rows_of(keys: list[str | None]) -> Rows:
    return [{"key": key, "take": "1", "row": number} for number, key in enumerate(keys)]


class Heard(Progress):
    def __init__(self) -> None:
        self.statements: list[str] = []

    def ended(self, statement: str, seconds: float) -> None:
        assert seconds >= 0
        self.statements.append(statement)


@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl"])
@pytest.mark.parametrize("case", CASES)
def test_each_row_gets_its_label(tmp_path: Path, case: str, suffix: str) -> None:
    keys, options, statement, wanted = CASES[case]
    heard = Heard()
    features = write_table(tmp_path / f"f.{suffix}", rows_of(keys))
    labels = write_table(tmp_path / "l.jsonl", LABELS)
    options = {"feature_key_column": "key", "min_match_rate": 0, **options}
    audit = materialize(features, [labels], tmp_path / "o.jsonl", progress=heard, **options)
    assert [row["mos"] for row in read_table(tmp_path / "o.jsonl")] == wanted
    assert [name for name in heard.statements if name in (AGAIN, ONCE)] == [statement]
    scores = [mos for mos in wanted if mos is not None]
    assert (audit["input_rows"], audit["matched_rows"]) == (len(keys), len(scores))
    by_key = set(scores)
    assert audit["matched_feature_keys"] == len(by_key)
    assert audit["mos_stats"]["mean"] == pytest.approx(sum(scores) / len(scores) if scores else None)
    assert audit["mos_stats_by_key"]["mean"] == pytest.approx(sum(by_key) / len(by_key) if by_key else None)
    firsts = sorted({mos: wanted.index(mos) + 1 for mos in by_key}.values())[:3]
    assert [row["row"] for row in audit["joined_sample"]] == firsts
    # In memory, Arrow finds the rows of each value.
    table = pa.Table.from_pylist(rows_of(keys), pa.schema({"key": pa.string(), "take": pa.string(), "row": pa.int64()}))
    assert join(table, pa.Table.from_pylist(LABELS), **options).table["mos"].to_pylist() == wanted


def test_the_rows_of_parts_are_numbered_through_all_of_them(tmp_path: Path) -> None:
    for number, keys in enumerate((["d", "x"], [], ["a"], ["c", "b"])):
        table = pa.Table.from_pylist(rows_of([*keys]), pa.schema({"key": pa.string(), "take": pa.string()}))
        write_table(tmp_path / "parts" / f"{number}.parquet", table)
    heard = Heard()
    joined = join(tmp_path / "parts", pa.Table.from_pylist(LABELS), min_match_rate=0, progress=heard)
    assert joined.table["mos"].to_pylist() == [3.5, None, 2.5, 1.5, 4.5]
    assert [name for name in heard.statements if name in (AGAIN, ONCE)] == [ONCE]


WRONG: dict[str, tuple[str, Change, str]] = {
    # the statement, what becomes of its result, the error
    "in another order": (ONCE, lambda found: found.take([1, 0, 2, 3]), "numbered otherwise"),
    "without the first row": (ONCE, lambda found: found.slice(1), "numbered otherwise"),
    "without the last row": (ONCE, lambda found: found.slice(0, 3), "numbered otherwise"),
    "with a row twice": (ONCE, lambda found: found.take([0, 1, 1, 3]), "numbered otherwise"),
    "with a row too many": (ONCE, lambda found: found.take([0, 1, 2, 3, 3]), "numbered otherwise"),
    "with the label of another row": (
        ONCE, lambda found: found.set_column(0, "label_id", found["label_id"].take([0, 1, 0, 3])), "labels in use"),
    "with one label more": (
        ONCE, lambda found: found.set_column(0, "label_id", found["label_id"].take([0, 0, 2, 3])), "rows with a label"),
    "a label counted twice": (
        COUNTED, lambda found: found.take([0, 0, 1, 2, 3]), "labels in use"),
    "a label not counted": (COUNTED, lambda found: found.take([0, 2, 3]), "labels in use"),
    "another label counted": (
        COUNTED,
        lambda found: found.set_column(0, "position", pa.chunked_array([pa.array([0, 1, 3, 4], pa.int32())])),
        "counted otherwise than they were labelled"),
}  # fmt: skip


@pytest.mark.parametrize("are_few", [True, False])
@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_join_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str, are_few: bool) -> None:
    name, change, says = WRONG[case]
    features = write_table(tmp_path / "f.parquet", rows_of(["d", "x", "a", "c"]))
    labels = write_table(tmp_path / "l.jsonl", LABELS)
    materialize(features, [labels], tmp_path / "o.parquet", min_match_rate=0)
    before = (tmp_path / "o.parquet").read_bytes()
    change_result(monkeypatch, name, change, are_few=are_few)
    with pytest.raises(TableError, match=says) as caught:
        materialize(features, [labels], tmp_path / "o.parquet", min_match_rate=0)
    assert caught.value.code == "miscount"
    assert (tmp_path / "o.parquet").read_bytes() == before
