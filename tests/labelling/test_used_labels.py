"""Each row gets its own label where features use few of the labels, whatever lies between these."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from moslabels import Progress, join, labeller, materialize

KEYS = ["e", "a", "none", "k9", "e", "zz", "d"]
LABELS = {
    "one file": ["key,mos\na,1\nb,2\nc,3\nd,4\ne,5\nk9,1.5\n"],
    "rows that are no labels": ["key,mos\n,1\na,1\nb,\n,2\nc,3\nd,4\n,1\ne,5\nk9,1.5\n,9\n"],
    "keys given twice": ["key,mos\na,1\na,1\nb,2\nd,4\nd,4\nd,4\ne,5\nk9,1.5\na,1\n"],
    "several files": ["key,mos\nb,2\nd,4\n", "key,mos\nx,2\ny,2\n", "key,mos\nb,2\ne,5\na,1\nk9,1.5\n"],
    "a text beside": ["key,mos,note\na,1,A\nb,2,B\nc,3,C\nd,4,D\ne,5,E\nk9,1.5,A\n"],
    "a number beside": ["key,mos,votes\na,1,1\nb,2,2\nc,3,3\nd,4,4\ne,5,5\nk9,1.5,9\n"],
}
MOS = [5.0, 1.0, None, 1.5, 5.0, None, 4.0]
BESIDE = {"a text beside": ["E", "A", None, "A", "E", None, "D"], "a number beside": [5, 1, None, 9, 5, None, 4]}


@pytest.mark.parametrize("name", LABELS)
def test_a_row_has_its_own_label_where_few_are_used(tmp_path: Path, name: str) -> None:
    labels = [tmp_path / f"{number}.csv" for number in range(len(LABELS[name]))]
    for path, text in zip(labels, LABELS[name], strict=True):
        path.write_text(text)
    extras = [column for column in ("note", "votes") if column in LABELS[name][0]]
    options = {"min_match_rate": 0, "missing_mos": "skip", "extras": extras}
    features, parts = tmp_path / "f.parquet", tmp_path / "parts"
    pq.write_table(pa.table({"key": KEYS}), features, row_group_size=2)
    parts.mkdir()
    for number in range(0, len(KEYS), 3):
        pq.write_table(pa.table({"key": KEYS[number : number + 3]}), parts / f"{number}.parquet")
    found = [join(features, labels, **options).table]
    with labeller(labels, **options) as prepared:
        found.append(prepared.join(features).table)
    for source, out in ((features, "o.parquet"), (features, "o.csv"), (parts, "o")):
        materialize(source, labels, tmp_path / out, **options)
        if not out.endswith(".csv"):
            found.append(pq.read_table(tmp_path / out))
    rows = (tmp_path / "o.csv").read_text().splitlines()[1:]
    assert [row.split(",")[1] for row in rows] == ["" if mos is None else str(mos) for mos in MOS]
    for table in found:
        assert table["mos"].to_pylist() == MOS
        assert table["mos_label_status"].to_pylist() == ["missing-label" if mos is None else "ok" for mos in MOS]
        for extra in extras:
            assert table[extra].to_pylist() == BESIDE[name]
        sources = table["mos_label_source"].to_pylist()
        assert [Path(source).name for source, mos in zip(sources, MOS, strict=True) if mos == 4] == ["0.csv"]
        assert [Path(source).name for source, mos in zip(sources, MOS, strict=True) if mos == 1] == [labels[-1].name]


def test_a_table_of_which_no_row_has_a_label(tmp_path: Path) -> None:
    pq.write_table(pa.table({"key": ["x", "y"]}), tmp_path / "f.parquet")
    (tmp_path / "l.csv").write_text("key,mos\na,1\nb,2\n")
    materialize(tmp_path / "f.parquet", tmp_path / "l.csv", tmp_path / "o.parquet", min_match_rate=0)
    assert pq.read_table(tmp_path / "o.parquet")["mos"].to_pylist() == [None, None]


@pytest.mark.parametrize("used", [1, 3])
def test_labels_of_several_batches_keep_their_numbers_and_gaps(tmp_path: Path, used: int) -> None:
    numbers = range(300_000)
    votes = [None if number % 7 == 0 else number for number in numbers]
    labels = pa.table({"key": [str(number) for number in numbers], "mos": [1 + n % 5 for n in numbers], "votes": votes})
    pq.write_table(labels, tmp_path / "l.parquet")
    pq.write_table(pa.table({"key": [str(number) for number in numbers[used - 1 :: used]]}), tmp_path / "f.parquet")
    materialize(tmp_path / "f.parquet", tmp_path / "l.parquet", tmp_path / "o.parquet", extras=["votes"])
    table = pq.read_table(tmp_path / "o.parquet")
    assert table["mos"].to_pylist() == [1 + number % 5 for number in numbers[used - 1 :: used]]
    assert table["votes"].to_pylist() == votes[used - 1 :: used]


def test_the_rows_are_joined_before_label_columns_take_memory(tmp_path: Path) -> None:
    ended = []

    class Heard(Progress):
        def ended(self, statement: str, seconds: float) -> None:
            assert seconds >= 0
            ended.append(statement)

    pq.write_table(pa.table({"key": ["a", "x", "x"]}), tmp_path / "f.parquet")
    (tmp_path / "l.csv").write_text("key,mos\na,1\nb,2\n")
    materialize(tmp_path / "f.parquet", tmp_path / "l.csv", tmp_path / "o.parquet", min_match_rate=0, progress=Heard())
    assert ended.index("match/40_row_labels") < ended.index("labels/60_label_columns")
