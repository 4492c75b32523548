"""Contract 2 and 3: CSV as people export it; nothing is sniffed."""

from __future__ import annotations

from typing import Any

import pyarrow.csv
import pytest

from helpers.job import Job
from helpers.tables import read_table, write_table
from moslabels import MosLabelsError, materialize

LABELS = [{"key": "a", "mos": 3}, {"key": "ü", "mos": 4}]
PLAIN = "key,mos\na,3\nü,4\n"

READ: list[tuple[str, bytes, dict[str, Any]]] = [
    ("plain", PLAIN.encode(), {}),
    ("no line end at the end", PLAIN.rstrip().encode(), {}),
    ("CRLF", PLAIN.replace("\n", "\r\n").encode(), {}),
    ("BOM", PLAIN.encode("utf-8-sig"), {}),
    ("BOM and CRLF", PLAIN.replace("\n", "\r\n").encode("utf-8-sig"), {}),
    ("all quoted", b'"key","mos"\n"a","3"\n"\xc3\xbc","4"\n', {}),
    ("quoted header behind a BOM", '"key","mos"\na,3\nü,4\n'.encode("utf-8-sig"), {}),
    ("blank lines", b"\n\nkey,mos\n\na,3\n\n\n\xc3\xbc,4\n\n", {}),
    ("latin-1", PLAIN.encode("latin-1"), {"encoding": "latin-1"}),
    ("utf-16", PLAIN.encode("utf-16"), {"encoding": "utf-16"}),
    ("utf-16 big-endian", b"\xfe\xff" + PLAIN.encode("utf-16-be"), {"encoding": "utf-16"}),
    ("header-less", b"a,3\n\xc3\xbc,4\n", {"header": False}),
    ("semicolons", PLAIN.replace(",", ";").encode(), {"delimiter": ";"}),
    ("comma and space", PLAIN.replace(",", ", ").encode(), {"delimiter": ", "}),
    ("two bars", PLAIN.replace(",", "||").encode(), {"delimiter": "||"}),
    ("quoted header with the delimiter", b'"key","mos","x, y"\na,3,"p, q"\n\xc3\xbc,4,\n', {}),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("name", "content", "dialect"), READ, ids=[case[0] for case in READ])
@pytest.mark.parametrize("side", ["labels", "features"])
def test_dialects(job: Job, name: str, content: bytes, dialect: dict[str, Any], side: str) -> None:
    names = {"label_key_column": "column0", "label_mos_column": "column1"} if dialect.get("header") is False else {}
    if side == "labels":
        rows = job.run([{"key": "ü"}, {"key": "a"}], content, labels_name="l.csv", label_csv=dialect, **names)
        assert [row["mos"] for row in rows] == [4, 3]
        return
    names = {"feature_key_column": "column0"} if names else {"overwrite": True}
    rows = job.run(content, LABELS, features_name="f.csv", feature_csv=dialect, **names)
    assert [row["mos"] for row in rows] == [3, 4]
    assert job.audit["input_rows"] == 2


WRITTEN = [
    (b"key,x\na,1\n", {}, b"key,x,mos,mos_raw_0_100,mos_label_status,mos_label_source\na,1,3.0,50.0,ok,"),
    (
        b"key;x\r\na;1\r\n",
        {"delimiter": ";"},
        b"key;x;mos;mos_raw_0_100;mos_label_status;mos_label_source\r\na;1;3.0;50.0;ok;",
    ),
    (
        b"a,1\n",
        {"header": False},
        b"column0,column1,mos,mos_raw_0_100,mos_label_status,mos_label_source\na,1,3.0,50.0,ok,",
    ),
    ("key,x\na,1\n".encode("utf-8-sig"), {}, "\ufeffkey,x,mos,mos_raw_0_100".encode()),
    (
        "key,ü\na,é\n".encode("latin-1"),
        {"encoding": "latin-1"},
        "key,ü,mos,mos_raw_0_100,mos_label_status,mos_label_source\na,é,3.0,".encode("latin-1"),
    ),
    (
        "key,ü\na,é\n".encode("utf-16"),
        {"encoding": "utf-16"},
        "key,ü,mos,mos_raw_0_100,mos_label_status,mos_label_source\na,é,3.0,".encode("utf-16"),
    ),
    (
        b"key||x\na||1\nb||p|\n",
        {"delimiter": "||"},
        b"key||x||mos||mos_raw_0_100||mos_label_status||mos_label_source\na||1||3.0||50.0||ok||",
    ),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("content", "dialect", "start"), WRITTEN)
def test_csv_keeps_its_dialect(job: Job, content: bytes, dialect: dict[str, Any], start: bytes) -> None:
    (job.folder / "f.csv").write_bytes(content)
    (job.folder / "l.csv").write_bytes(b"key,mos\na,3\n")
    names = {"feature_key_column": "column0"} if dialect.get("header") is False else {}
    materialize(
        job.folder / "f.csv", job.folder / "l.csv", job.folder / "o.csv", feature_csv=dialect, min_match_rate=0, **names
    )
    assert (job.folder / "o.csv").read_bytes().startswith(start)
    # The output is read again in the same dialect, all cells equal.
    again = {**dialect, "header": True}
    materialize(
        job.folder / "o.csv",
        job.folder / "l.csv",
        job.folder / "o2.csv",
        feature_csv=again,
        min_match_rate=0,
        overwrite=True,
        **names,
    )
    assert (job.folder / "o2.csv").read_bytes() == (job.folder / "o.csv").read_bytes()


def test_a_tab_makes_a_tsv(job: Job) -> None:
    job.run("key,x\na,1\n", LABELS, features_name="f.csv", out_name="o.tsv")
    assert job.out.read_text().startswith("key\tx\tmos\t")
    job.run("key\tx\na\t1\n", LABELS, features_name="f.tsv", out_name="o.csv")
    assert job.out.read_text().startswith("key,x,mos,")


@pytest.mark.sampled
@pytest.mark.parametrize("columns", [1, 9, 11, 1500])
def test_header_less_columns_are_counted_from_zero(job: Job, columns: int) -> None:
    text = ",".join(["a", *["1"] * (columns - 1)]) + "\n"
    rows = job.run(text, LABELS, features_name="f.csv", feature_csv={"header": False}, feature_key_column="column0")
    assert list(rows[0])[:columns] == [f"column{index}" for index in range(columns)]


def test_one_column(job: Job) -> None:
    rows = job.run("key\n\na\n\nü\n", LABELS, features_name="f.csv", out_name="o.csv")
    assert [row["key"] for row in rows] == ["a", "ü"]


def test_quotes_inside_a_bare_cell_and_line_breaks_inside_a_quoted_one(job: Job) -> None:
    text = 'key,x\na,5" disk\nü,"two\r\nlines"\n'
    job.run(text, LABELS, features_name="f.csv", out_name="o.csv")
    assert [row["x"] for row in read_table(job.out)] == ['5" disk', "two\r\nlines"]


OPEN = "a quoted cell does not end, or goes on after its closing quote"
HEADERS: list[tuple[str, str, list[str]]] = [
    # the first record, the delimiter, the names of its columns
    ('"key", "mos"', ",", ["key", "mos"]),
    ('"key" ,"mos" ', ",", ["key", "mos"]),
    (' "key","mos"  ', ",", ["key", "mos"]),
    ('key,  "mos"', ",", ["key", '  "mos"']),
    ("key, mos", ",", ["key", " mos"]),
    ('key,\t"mos"', ",", ["key", '\t"mos"']),
    ('key,5" mos', ",", ["key", '5" mos']),
    ('"key", "a, ""b""", "mos"', ",", ["key", 'a, "b"', "mos"]),
    ('"key", "a\nb", mos', ",", ["key", "a\nb", " mos"]),
    ('"key" || "a||b" ||"mos"', "||", ["key", "a||b", "mos"]),
    ('"key"|||mos', "||", ["key", "|mos"]),
    ('"key";, "x";,mos', ";,", ["key", "x", "mos"]),
    ('"key"\t "mos"', "\t", ["key", "mos"]),
    ("key,,mos,", ",", ["key", "", "mos", ""]),
    ('"key", "","mos",', ",", ["key", "", "mos", ""]),
    ('"key", "key ","mos"', ",", ["key", "key ", "mos"]),
    ('\ufeff"key", "mos"', ",", ["key", "mos"]),
    ('\ufeff\n\n"key", "mos"', ",", ["key", "mos"]),
    ('key,"' + "x" * 200_000 + '",mos', ",", ["key", "x" * 200_000, "mos"]),
    ("key," + "x" * 200_000 + ",mos", ",", ["key", "x" * 200_000, "mos"]),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("record", "delimiter", "names"), HEADERS, ids=[case[0][:30] for case in HEADERS])
def test_a_header_is_split_as_a_row_is(job: Job, record: str, delimiter: str, names: list[str]) -> None:
    def first_written(text: str, header: bool) -> list[str]:
        dialect = {"header": header, "delimiter": delimiter}
        key = "key" if header else "column0"
        features = write_table(job.folder / "f.csv", text)
        labels = write_table(job.folder / "l.jsonl", LABELS)
        out = job.folder / "o.tsv"
        materialize(features, labels, out, feature_csv=dialect, feature_key_column=key, min_match_rate=0)
        options = pyarrow.csv.ReadOptions(autogenerate_column_names=True, skip_rows=0 if header else 1)
        parsing = pyarrow.csv.ParseOptions(delimiter="\t", newlines_in_values=True)
        written = pyarrow.csv.read_csv(out, options, parsing)
        return [column[0].as_py() or "" for column in written.columns]

    row = delimiter.join(["a", *["3"] * (len(names) - 1)])
    renamed = [name.replace("mos", "x") for name in names]
    assert first_written(f"{record.replace('mos', 'x')}\n{row}\n", True)[: len(names)] == renamed
    assert first_written(f"{record}\n", False)[: len(names)] == names
    labels = f"{record}\n{row}\n"
    options = {"label_key_column": "key", "label_mos_column": next(name for name in names if "mos" in name)}
    rows = job.run([{"key": "a"}], labels, labels_name="l.csv", label_csv={"delimiter": delimiter}, **options)
    assert rows[0]["mos"] == 3


@pytest.mark.sampled
@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("size", [1, 200_000])
@pytest.mark.parametrize(
    ("record", "said"),
    [('"keyX,mos', "does a quoted cell of it not end"), ('"keyX"a,mos', OPEN), ('key,"mosX" "', "quoted cell")],
)
def test_a_first_record_that_cannot_be_split(job: Job, record: str, said: str, size: int, header: bool) -> None:
    with pytest.raises(MosLabelsError, match="l.csv: its first record cannot be read: .*" + said) as caught:
        job.run(
            [{"key": "a"}],
            record.replace("X", "x" * size) + "\na,3\n",
            labels_name="l.csv",
            label_csv={"header": header},
        )
    assert caught.value.code == "unreadable"


def test_a_mark_inside_of_the_first_name(job: Job) -> None:
    with pytest.raises(MosLabelsError, match=r'remove the byte order mark \(U\+FEFF\) inside of the name "\\ufeffkey"'):
        job.run([{"key": "a"}], '"\ufeffkey",mos\na,3\n', labels_name="l.csv")


FAULTS: list[tuple[str, dict[str, Any], str]] = [
    ('a,1\nb,"d"e\n', {}, f"row 2: {OPEN} (line 3)"),
    ('a,b"c\na,"d"e\n', {}, f"row 2: {OPEN} (line 3)"),
    ('a,b"c\na,"d"e"\nb,1\n', {}, f"row 2: {OPEN} (line 3)"),
    ('a,b"c\na,1\n"b,3\nb,4\n', {}, f"row 3: {OPEN} (line 4)"),
    ('a,"b""\n\nc"\n\na,"d""e\nb,1\n', {}, f"row 2: {OPEN} (line 6)"),
    ('a, "b\nc" \nb"a,5" \na,"d"e\n', {}, f"row 3: {OPEN} (line 5)"),
    ('a,1\nb,"1,2"\n5",1\nb,1,2\n', {}, "row 4: it has 3 cells where the table has 2 columns (line 5)"),
    ('a,5"\n"b\nc",2\n\n\nb,1,2\n', {}, "row 3: it has 3 cells where the table has 2 columns (line 7)"),
    ('a||5"\na||"|""|"\nb||"d"e\n', {"delimiter": "||"}, "row 3: a quoted cell does not end, or goes on after"),
    ('a,5"\r\na,"d"e\r\n', {}, f"row 2: {OPEN} (line 3)"),
    ('a,  "b\nc,"d\nb,1', {}, f"row 2: {OPEN} (line 3)"),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("rows", "dialect", "said"), FAULTS)
def test_the_row_of_a_fault(job: Job, rows: str, dialect: dict[str, Any], said: str) -> None:
    end = "\r\n" if "\r" in rows else "\n"
    with pytest.raises(MosLabelsError) as caught:
        job.run(f"key{dialect.get('delimiter', ',')}x{end}{rows}", LABELS, features_name="f.csv", feature_csv=dialect)
    assert f"f.csv: {said}" in str(caught.value)
    assert f"row {caught.value.row}:" in said


def test_a_header_that_is_data_says_so(job: Job) -> None:
    with pytest.raises(
        MosLabelsError, match='no key column found: .* is among "A001", "3.5"; name it with label_key_column'
    ):
        job.run([{"key": "a"}], "A001,3.5\na,3\n", labels_name="l.csv")


def test_a_path_that_latin_1_cannot_spell(job: Job) -> None:
    with pytest.raises(MosLabelsError, match="cannot be written in latin-1"):
        job.run(
            b"key\na\n",
            {"漢.jsonl": LABELS},
            features_name="f.csv",
            out_name="o.csv",
            feature_csv={"encoding": "latin-1"},
        )
    assert not job.out.exists()


NAMED = {"column_names": ["key", "mos"]}


@pytest.mark.parametrize(
    "content", [b"a,3\nb,4\n", b"\xef\xbb\xbfa,3\r\nb,4\r\n", b'\n"a",3\n\n"b","4"\n'], ids=["plain", "BOM", "quotes"]
)
def test_names_of_a_file_without_a_header_lose_no_row(job: Job, content: bytes) -> None:
    features = [{"key": "a"}, {"key": "b"}]
    assert [row["mos"] for row in job.run(features, content, labels_name="l.csv", label_csv=NAMED)] == [3, 4]
    rows = job.run(
        content.replace(b"b", b"\xc3\xbc"),
        LABELS,
        features_name="f.csv",
        out_name="o.csv",
        feature_csv={"column_names": ["key", "x y"]},
    )
    assert [[name.lstrip("\ufeff") for name in row][:3] for row in rows] == [["key", "x y", "mos"]] * 2
    assert [row["mos"] for row in rows] == ["3.0", "4.0"]


WRONG_NAMES = [
    (b"key,mos\na,3\n", "its first record is the names in label_csv: it has a header"),
    (b'" KEY","Mos"\na,3\n', "its first record is the names in label_csv: it has a header"),
    (b"a,3,x\nb,4,y\n", 'row 1: it has 3 cells, and "column_names" of label_csv has 2 names'),
    (b"a\nb\n", 'row 1: it has 1 cell, and "column_names" of label_csv has 2 names'),
    (b"a;3\nb;4\n", 'row 1: it has 1 cell, and "column_names" of label_csv has 2 names'),
    (b"a,3\nb,4\nc\n", "row 3: it has 1 cells where the table has 2 columns (line 3)"),
    (b"a,3\n\nb,4,\n", "row 2: it ends in a delimiter too many (line 3)"),
]


@pytest.mark.parametrize(("content", "said"), WRONG_NAMES)
def test_names_that_are_not_those_of_the_file(job: Job, content: bytes, said: str) -> None:
    with pytest.raises(MosLabelsError) as caught:
        job.run([{"key": "a"}], content, labels_name="l.csv", label_csv=NAMED)
    assert f"l.csv: {said}" in str(caught.value)
