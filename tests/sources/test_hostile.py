"""Hostile names, values, files and patterns: right labels, or one short error that names the file."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.job import Job
from helpers.made import copied, working_in
from helpers.tables import read_table, write_table
from moslabels import MosLabelsError, cli, materialize, run_batch
from moslabels.base.text import visible

LABELS = "key,mos\na,3\n"
FORMATS = [".parquet", ".jsonl", ".json", ".csv"]
TEXTS = [
    *"'\"`;*?\\",
    *"-- /**/ a\0b a\nb a\rb a\r\nb a\tb {{7*7}} {%raw%} [a] {a,b} ../x -x --labels $path <script> &amp; ~~x~~".split(
        " "
    ),
    *[
        "x" * 10_000,
        "😀",
        "\u202eabc",
        "\x1b[31mred",
        "\x9b31m",
        "| a | b |",
        "[x](http://a.b)",
        "a, b",
        "'; DROP TABLE labels; --",
    ],
    *["\u2028w", "\ufeffz", "\x7f", "\b", "e\u0301", "é", "\uffff", "\U0010ffff", "%s%n", "NULL", "00042", "true"],
]
# A name for each kind of danger; several in one.
NAMES = [
    "'\"`;-- /* */",
    "{{ 7*7 }}{% raw %}$path",
    "*?[a]{a,b}../-x",
    "a\nb\tc",
    "\x1b[31m\x9b\u202e😀<script>| a |[x](y)",
    "x" * 10_000,
    "a\0b",
]
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def long(*case: Any) -> Any:
    return pytest.param(*case, marks=pytest.mark.long)


# Every format is read and written once; the other pairs are for long runs.
SHORT = {(".parquet", ".csv"), (".jsonl", ".parquet"), (".json", ".jsonl"), (".csv", ".csv")}
PAIRS = [
    (source, target) if (source, target) in SHORT else long(source, target)
    for source in FORMATS
    for target in (".parquet", ".jsonl", ".csv")
]


def content(suffix: str, rows: list[dict[str, Any]]) -> Any:
    """Rows for ``write_table``; CSV with all cells quoted, as csv leaves a bare CR as it is."""
    if suffix != ".csv":
        return rows
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def rows_of(path: Path) -> list[dict[str, Any]]:
    """As ``read_table``, but only a line feed ends a line."""
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_bytes().decode().split("\n") if line]
    return read_table(path)


def refused(job: Job, labels: Any, name: str, features: Any = '{"key": "a"}\n', **options: Any) -> MosLabelsError:
    """The error of a job that must fail: short, on one line, without control characters, naming a file."""
    features_name = options.pop("features_name", "f.jsonl")
    with pytest.raises(MosLabelsError) as caught:
        job.run(features, labels, labels_name=name, features_name=features_name, min_match_rate=0, **options)
    message = str(caught.value)
    assert name in message or features_name in message
    assert len(message.replace(str(job.folder), "")) < 2000
    assert not CONTROL.search(message)
    assert not job.out.exists()
    return caught.value


# 1. Names and values


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_values(job: Job, source: str, target: str) -> None:
    features = [{"key": f"k{text}k", "x": text} for text in TEXTS]
    labels = [{"key": f"k{text}k", "mos": 1 + index % 9 / 2, "split": text} for index, text in enumerate(TEXTS)]
    write_table(job.folder / f"f{source}", content(source, features))
    suffix = FORMATS[(FORMATS.index(source) + len(target)) % 4]
    write_table(job.folder / f"l{suffix}", content(suffix, labels))
    out = job.folder / f"o{target}"
    materialize(job.folder / f"f{source}", job.folder / f"l{suffix}", out)
    for index, (text, row) in enumerate(zip(TEXTS, rows_of(out), strict=True)):
        assert (row["key"], row["x"], row["split"]) == (f"k{text}k", text, text)
        assert float(row["mos"]) == 1 + index % 9 / 2


@pytest.mark.sampled
@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_names_of_columns_that_stay(job: Job, source: str, target: str) -> None:
    row = {"key": "a", **{text: f"v{text}" for text in TEXTS}}
    if source in (".jsonl", ".json") and target != ".jsonl":
        write_table(job.folder / f"f{source}", content(source, [row]))
        write_table(job.folder / f"l{source}", content(source, [{**row, "mos": 3}]))
        with pytest.raises(MosLabelsError, match=r'the member "a\\u0000b" has a NUL in its name'):
            materialize(job.folder / f"f{source}", job.folder / f"l{source}", job.folder / f"o{target}")
        del row["a\0b"]
    write_table(job.folder / f"f{source}", content(source, [row]))
    write_table(job.folder / f"l{source}", content(source, [{**row, "mos": 3}]))
    materialize(job.folder / f"f{source}", job.folder / f"l{source}", job.folder / f"o{target}")
    (found,) = rows_of(job.folder / f"o{target}")
    assert list(found)[: len(row)] == list(row)
    assert {name: found[name] for name in row} == row


ROLES = [
    (suffix, name) if (place + number) % 3 == 0 else long(suffix, name)
    for place, suffix in enumerate((".parquet", ".jsonl", ".csv"))
    for number, name in enumerate(NAMES)
    if "\0" not in name or suffix != ".parquet"
]


@pytest.mark.parametrize("option", ["feature_key_column", "label_key_column", "label_mos_column", "extras"])
def test_a_name_that_sql_cannot_spell(job: Job, option: str) -> None:
    table = pa.table({"a\0b": ["a"], "key": ["a"], "mos": [3]})
    name = ["a\0b"] if option == "extras" else "a\0b"
    with pytest.raises(MosLabelsError, match=r'parquet: the column "a\\u0000b" has a name that SQL cannot spell'):
        job.run(table.drop("mos"), table, features_name="f.parquet", labels_name="l.parquet", **{option: name})


@pytest.mark.sampled
@pytest.mark.parametrize(("suffix", "name"), ROLES, ids=lambda value: repr(value)[:20])
def test_names_of_key_score_extra_and_status(job: Job, suffix: str, name: str) -> None:
    features = content(suffix, [{name: "a", "v": "1"}])
    labels = content(suffix, [{f"{name}1": "a", f"{name}2": "3.5", f"{name}3": "q"}])
    rows = job.run(
        features,
        labels,
        features_name=f"f{suffix}",
        labels_name=f"l{suffix}",
        out_name=f"o{suffix}",
        feature_key_column=name,
        label_key_column=f"{name}1",
        label_mos_column=f"{name}2",
        extras=[f"{name}3"],
        status_column=f"{name}4",
        key_normalize="raw",
    )
    assert list(rows[0]) == [name, "v", "mos", "mos_raw_0_100", f"{name}4", "mos_label_source", f"{name}3"]
    assert (float(rows[0]["mos"]), rows[0][f"{name}3"]) == (3.5, "q")


def repeated(*names: str) -> pa.Table:
    return pa.table([pa.array(["a", "b", "3"][index : index + 1]) for index in range(len(names))], names=list(names))


REPEATED = [
    ("l.parquet", repeated("key", "KEY", "mos"), '2 columns are named "key"'),
    ("l.parquet", repeated("key", "split", "split").append_column("mos", pa.array([3])), '2 columns are named "split"'),
    ("l.csv", "key,MOS,mos\na,2,3\n", '2 columns are named "mos"'),
    ("l.csv", "key,key,mos\na,b,3\n", '2 columns are named "key"'),
    ("l.csv", "key,split,split,mos\na,b,c,3\n", '2 columns are named "split"'),
    ("l.jsonl", '{"key": "a", "KEY": "b", "mos": 3}\n', '2 columns are named "key"'),
]


@pytest.mark.parametrize(("name", "labels", "found"), REPEATED)
def test_columns_of_one_name(job: Job, name: str, labels: Any, found: str) -> None:
    assert found in str(refused(job, labels, name))


def test_other_columns_of_one_name_stay(job: Job) -> None:
    job.run("key,x,x\na,1,2\n", {"l.csv": "key,y,y,mos\na,1,2,3\n"}, features_name="f.csv", out_name="o.csv")
    assert job.out.read_text().startswith("key,x,x,mos,")


# A header cell with U+001F, which moslabels puts in the place of the delimiter while it reads the header.
@pytest.mark.parametrize("name", ["x\x1fy", "x\x1ey"])
def test_separators_in_a_header(job: Job, name: str) -> None:
    job.run(f'key,"{name}"\na,1\n', {"l.csv": LABELS}, features_name="f.csv")
    assert name in rows_of(job.out)[0]


# A header cell with a line break of another kind than the records' (Excel writes LF in cells and CRLF after records).
HEADERS = [
    ('"x\ny",key,mos\n1,a,3\n', 1),
    ('"x\r\ny",key,mos\r\n1,a,3\r\n', 1),
    ('"x\ny",key,mos\r\n1,a,3\r\n', 1),
    ('"x\r\ny",key,mos\n1,a,3\n', 1),
    ('"x\ry",key,mos\n1,a,3\n', 1),
    ('"x\ny",key,mos\r1,a,3\r', 1),
]


@pytest.mark.parametrize(("text", "rows"), HEADERS)
@pytest.mark.parametrize("side", [long("features"), "labels"])
def test_line_breaks_in_a_header(job: Job, text: str, rows: int, side: str) -> None:
    if side == "features":
        job.run(text, {"l.csv": LABELS}, features_name="f.csv", overwrite=True, min_match_rate=0)
        assert job.audit["input_rows"] == rows
    else:
        job.run('{"key": "a"}\n', {"other.csv": "key,mos\nb,1\n", "l.csv": text}, min_match_rate=0)
        assert (job.audit["label_files"][1]["rows"], job.audit["matched_rows"]) == (rows, 1)


def make_folder(path: Path) -> None:
    path.mkdir()


def make_loop(path: Path) -> None:
    path.symlink_to(path.name)


def make_dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def make_zeros(path: Path) -> None:
    path.symlink_to("/dev/zero")


def make_null(path: Path) -> None:
    path.symlink_to("/dev/null")


def make_empty(path: Path) -> None:
    path.write_bytes(b"")


def make_text(path: Path) -> None:
    path.write_text("this is a text\n" * 9)


def make_parquet(path: Path) -> None:
    write_table(path.with_name("table.parquet"), pa.table({"key": ["a"], "mos": [3]})).rename(path)


def make_unreadable(path: Path) -> None:
    if os.getuid() == 0:
        pytest.skip("root may read everything")
    path.write_text(LABELS)
    path.chmod(0)


MAKERS = [
    make_folder,
    os.mkfifo,
    make_loop,
    make_dangling,
    make_zeros,
    make_null,
    make_empty,
    make_text,
    make_unreadable,
]

NO_TABLE = (
    "no such file|cannot be read|is a folder|not a regular file|empty|not a Parquet|not a readable Parquet|not JSON|"
    "not utf-8|no key|begins as a Parquet"
)


@pytest.mark.parametrize("make", [*MAKERS, make_parquet])
@pytest.mark.parametrize("suffix", [".parquet", ".csv", long(".jsonl"), long(".json")])
def test_what_is_no_table(tmp_path: Path, make: Callable[[Path], None], suffix: str) -> None:
    if make is make_parquet and suffix == ".parquet":
        pytest.skip("a table")
    path = tmp_path / f"x{suffix}"
    make(path)
    write_table(tmp_path / "l.csv", LABELS)
    write_table(tmp_path / "f.jsonl", '{"key": "a"}\n')
    as_features, as_labels = (path, tmp_path / "l.csv"), (tmp_path / "f.jsonl", path)
    for features, labels in [as_features, as_labels] if suffix == ".csv" else [as_labels]:
        with pytest.raises(MosLabelsError, match=NO_TABLE):
            materialize(features, labels, tmp_path / "o.jsonl", min_match_rate=0)


def test_a_folder_is_named_once(tmp_path: Path) -> None:
    (tmp_path / "x.csv").mkdir()
    with pytest.raises(MosLabelsError) as caught:
        materialize(tmp_path / "x.csv", "l.csv", "o.csv")
    assert str(caught.value).count("x.csv") == 1


LOCATIONS = [
    "-",
    "~",
    "~/x.csv",
    "s3://x/y.parquet",
    "http://x/y.csv",
    "file:///etc/passwd",
    "/dev/zero",
    "x.csv\0",
    "",
]


@pytest.mark.parametrize(
    "path", [*LOCATIONS, "\udcff.csv", "x" * 5000 + ".csv", "good.csv/"], ids=lambda path: repr(path)[:20]
)
def test_paths_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.chdir(tmp_path)
    write_table(Path("f.jsonl"), '{"key": "a"}\n')
    for features, labels, out in [(path, "l.csv", "o.csv"), ("f.jsonl", path, "o.csv"), ("f.jsonl", "l.csv", path)]:
        with pytest.raises(MosLabelsError):
            materialize(features, labels, out)
    assert os.listdir() == ["f.jsonl"]


@pytest.mark.parametrize(
    "name", [*NAMES[:5:2], "a\rb", "s3:", *map(long, (NAMES[1], NAMES[3], "-x", "\\", "%20", "~", "x" * 200))]
)
def test_odd_file_names(tmp_path: Path, name: str) -> None:
    name = name.replace("/", "_")
    features = write_table(tmp_path / f"{name}.jsonl", '{"key": "a"}\n')
    labels = write_table(tmp_path / f"{name}.csv", LABELS)
    audit = materialize(features, labels, tmp_path / f"{name}.parquet", audit_json=tmp_path / f"{name}.audit")
    assert audit["matched_rows"] == 1
    assert len(os.listdir(tmp_path)) == 4


@pytest.mark.parametrize("length", [236, 238, 255])
def test_long_file_names(tmp_path: Path, length: int) -> None:
    features = write_table(tmp_path / ("f" * (length - 4) + ".csv"), "key\na\n")
    labels = write_table(tmp_path / ("l" * (length - 4) + ".csv"), LABELS)
    assert materialize(features, labels, tmp_path / ("o" * (length - 4) + ".csv"))["matched_rows"] == 1


# 2. Nothing that a file holds becomes SQL, HTML, Markdown or a terminal sequence

SPECIAL = "|<b>`[x](y)![i](j) _x_ **b** <!-- --> &amp; \n\n# h"
IN_REPORTS = [
    (SPECIAL, re.compile(r"(?<!\\)[|<`\[]")),
    ("\x1b[31m\x07\r", CONTROL),
    ("\x9b31m", CONTROL),
    ("\u202ex", CONTROL),
    ("~~x~~", re.compile(r"(?<!\\)~~")),
    ("http://a.b", re.compile(r"(?<!\\)http://")),
]


@pytest.mark.parametrize(("text", "forbidden"), IN_REPORTS)
@pytest.mark.parametrize("part", ["score", long("key")])
def test_markdown_report(tmp_path: Path, text: str, forbidden: re.Pattern[str], part: str) -> None:
    write_table(tmp_path / "f.jsonl", '{"key": "a"}\n')
    rows = [{"key": "a", "mos": text}] if part == "score" else [{"key": f"k{text}k", "mos": mos} for mos in (1, 2)]
    write_table(tmp_path / "l.jsonl", rows)
    table = {"id": "t", "features": "f.jsonl", "labels": ["l.jsonl"], "out": "o.jsonl"}
    write_table(tmp_path / "m.json", json.dumps({"tables": [table]}))
    run_batch(tmp_path / "m.json", report_md=tmp_path / "r.md")
    *_, heading, blank, error = (tmp_path / "r.md").read_text().splitlines()
    assert (heading, blank) == ("## Errors", "")
    assert error.startswith("- t: ")
    assert not forbidden.search(error)


STRUCT = pa.array([{"f\x1b[31m": 1}])
ON_STDERR = [
    ("l.jsonl", [{"key": "a", "mos": "\x1b[31m\r\n\0"}]),
    ("l.jsonl", [{"key": "\x1b[31m", "mos": mos} for mos in (1, 2)]),
    ("l.jsonl", [{"\x1b[31m": 1}]),
    ("l.parquet", pa.table({"key": ["a"], "mos": [3], "split": STRUCT})),
    ("l.parquet", pa.table({"key": STRUCT, "mos": [3]})),
    ("l.jsonl", [{"key": "a", "mos": "\x9b31m"}]),
    ("l.jsonl", [{"key": "a", "mos": "\u202ex\x7f"}]),
    ("l.jsonl", [{"key": "a", "mos": mos} for mos in (1, "\r\n2\x1c\x85")]),
]


@pytest.mark.parametrize(("name", "labels"), ON_STDERR)
def test_control_characters_stay_off_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, labels: Any
) -> None:
    features = write_table(tmp_path / "f.jsonl", '{"key": "a"}\n')
    path = write_table(tmp_path / name, labels)
    status = cli.main(["materialize", "--features", str(features), "--labels", str(path), "--out", f"{tmp_path}/o.csv"])
    said = capsys.readouterr().err
    assert status == 1
    assert said.count("\n") == 1
    assert not CONTROL.search(said)


FLOODS = [
    ("l.csv", "key,mos\n" + "".join(f"k{row},{'x' * 3000}\n" for row in range(100))),
    ("l.jsonl", [{f"{name}" * 1000: 1 for name in range(100)}]),  # about 1,700 characters
    ("l.csv", f"key,mos\na,1\na,2.{'0' * 3000}\n"),
    ("l.parquet", pa.table({"key": [{f"f{n}": 1 for n in range(900)}], "mos": [3]})),
]


@pytest.mark.parametrize(("name", "labels"), FLOODS)
def test_messages_are_short(job: Job, name: str, labels: Any) -> None:
    refused(job, labels, name)


def command(*arguments: Any, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[1])}
    run = [sys.executable, "-m", "moslabels", *arguments]
    return subprocess.run(run, cwd=cwd, env=environment, capture_output=True, text=True, timeout=60, check=False)


COMMANDS = [
    long(
        ["materialize", "--features", "f.jsonl", "--labels", "l.csv", "--out", "o.csv", "--feature-key-regex", "("], 2
    ),
    (["materialize", "--features", "f.jsonl", "--labels", "--x.csv", "--out", "o.csv"], 2),
    (["batch", "m.json", "--report-md", "r.md", "--report-json", "r.json"], 0),
    (["batch", "m.json", "--report-json", b"\xff.json"], 2),
    (["batch", "m.json", "--base-dir", b"\xff"], 2),
    (["batch", "m.json", "--report-md", "f.jsonl/r.md"], 2),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("arguments", "status"), COMMANDS)
def test_command(tmp_path: Path, arguments: list[Any], status: int) -> None:
    table = {"id": "t", "features": "f.jsonl", "labels": ["l.csv"], "out": "o.csv"}
    for name, text in [("f.jsonl", '{"key": "a"}\n'), ("l.csv", LABELS), ("m.json", json.dumps({"tables": [table]}))]:
        write_table(tmp_path / name, text)
    done = command(*arguments, cwd=tmp_path)
    assert "Traceback" not in done.stderr
    assert done.returncode == status
    assert (tmp_path / "o.csv").exists() == (status == 0)


@pytest.mark.parametrize("report", ["\0", "\udcff.json", "x" * 300, "f.jsonl/r.json"])
def test_reports_that_cannot_be_written(tmp_path: Path, report: str) -> None:
    write_table(tmp_path / "f.jsonl", '{"key": "a"}\n')
    write_table(tmp_path / "l.csv", LABELS)
    table = {"id": "t", "features": "f.jsonl", "labels": ["l.csv"], "out": "o.csv"}
    write_table(tmp_path / "m.json", json.dumps({"tables": [table]}))
    try:
        run_batch(tmp_path / "m.json", report_json=f"{tmp_path}/{report}")
    except MosLabelsError:
        return
    except (ValueError, OSError) as error:
        pytest.fail(repr(error))


# 3. Label files

GOOD = b'{"key": "a", "mos": 3}\n'
NESTED = b"[" * 100_000 + b"]" * 100_000
WIDE = ",".join(f"c{number}" for number in range(10_000))
TAKEN: list[Any] = [
    ("BOM", "l.csv", b"\xef\xbb\xbf" + LABELS.encode()),
    ("BOM", "l.jsonl", b"\xef\xbb\xbf" + GOOD),
    long("BOM", "l.json", b"\xef\xbb\xbf[" + GOOD + b"]"),
    ("CR only", "l.csv", LABELS.replace("\n", "\r").encode()),
    long("CR only", "l.jsonl", GOOD.replace(b"\n", b"\r")),
    ("mixed line ends", "l.jsonl", GOOD + GOOD.replace(b"\n", b"\r\n") + b"\n" + GOOD),
    ("NUL in a key", "l.csv", b"key,mos\na\0,2\na,3\n"),
    ("NUL in a key", "l.jsonl", b'{"key": "a\\u0000", "mos": 2}\n' + GOOD),
    long("a column without a name", "l.csv", b"key,,mos\na,1,3\n"),
    long("trailing commas, header too", "l.csv", b"key,mos,\na,3,\n"),
    long("10,000 columns", "l.csv", f"key,mos,{WIDE}\na,3,{WIDE}\n".encode()),
    ("numbers and text", "l.jsonl", b'{"key": "b", "mos": "2"}\n{"key": 5, "mos": 2}\n' + GOOD),
    ("a number beyond DOUBLE elsewhere", "l.jsonl", b'{"key": "a", "mos": 3, "x": 1e999}\n'),
    long("zeros before", "l.csv", b"key,mos\na," + b"0" * 4000 + b"3\n"),
    long("400 digits as a key", "l.jsonl", b'{"key": ' + b"9" * 400 + b', "mos": 2}\n' + GOOD),
    ("deep lists", "l.jsonl", b'{"key": "a", "mos": 3, "x": ' + NESTED + b"}\n"),
    long("deep objects", "l.jsonl", b'{"key": "a", "mos": 3, "x": ' + b'{"a":' * 1000 + b"1" + b"}" * 1000 + b"}\n"),
    ("BOM in the middle: part of that key", "l.csv", b"key,mos\n\xef\xbb\xbfa,2\na,3\n"),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("what", "name", "labels"), TAKEN, ids=lambda value: value if isinstance(value, str) else "")
def test_label_files_that_are_read(job: Job, what: str, name: str, labels: bytes) -> None:
    assert job.run('{"key": "a"}\n', labels, labels_name=name)[0]["mos"] == 3


REFUSED: list[Any] = [
    ("truncated", "l.jsonl", GOOD + b'{"key": "b", "mo', "row 2: it is not JSON"),
    ("truncated", "l.json", b"[" + GOOD + b',{"key": "b", "mo', "line 2: it is not JSON"),
    ("UTF-16", "l.csv", LABELS.encode("utf-16"), "not utf-8; set label_csv"),
    long("UTF-16", "l.jsonl", GOOD.decode().encode("utf-16"), "row 1: its bytes are not utf-8"),
    long("UTF-16", "l.json", f"[{GOOD.decode()}]".encode("utf-16"), "not utf-8"),
    ("UTF-16 without BOM", "l.csv", LABELS.encode("utf-16-le"), "utf-16?"),
    long("latin-1", "l.csv", "key,mos\né,3\n".encode("latin-1"), "not utf-8; set label_csv"),
    ("latin-1", "l.jsonl", '{"key": "é"}\n'.encode("latin-1"), "row 1: its bytes are not utf-8"),
    ("Windows-1252", "l.csv", "key,mos\n“a”,3\n".encode("cp1252"), "not utf-8; set label_csv"),
    long("BOM twice", "l.csv", b"\xef\xbb\xbf" * 2 + LABELS.encode(), "no key column"),
    ("BOM in the middle", "l.jsonl", GOOD + b"\xef\xbb\xbf" + GOOD, "row 2: it is not JSON"),
    ("short row", "l.csv", b"key,mos\nb,1\na\n", "row 2: it has 1 cells"),
    long("long row", "l.csv", b"key,mos\nb,1\na,3,4\n", "row 2: it has 3 cells"),
    ("trailing comma", "l.csv", b"key,mos\na,3,\n", "row 1: it ends in a delimiter too many"),
    long("stray quote", "l.csv", b'key,mos\nb,2\n"a"b,3\n', "row 2: a quoted cell"),
    ("open quote", "l.csv", b'key,mos\nb,2\na,"3\n', "row 2: a quoted cell"),
    ("mixed line ends", "l.csv", b"key,mos\r\na,3\nb,4\r\n", "line ends are mixed"),
    ("which row", "l.csv", b"key,mos\na,3\nb,4\r\n", "row 2"),
    ("short row after 200 KB", "l.csv", b"key,mos\n" + b"x" * 200_000 + b",3\na\n", "row 2"),
    ("open header", "l.csv", b'key,mos,"x\na,3,1\n', "does a quoted cell of it not end?"),
    ("only a header", "l.csv", b"key,mos\n", "of 0 rows"),
    ("blank lines", "l.csv", b"\n\r\n\n", "is empty"),
    long("blank lines", "l.jsonl", b"\n\n", "no columns"),
    ("tabs", "l.csv", b"key\tmos\na\t3\n", r"key\tmos"),
    long("comment", "l.csv", b"# c\nkey,mos\na,3\n", '"# c"'),
    ("comment", "l.jsonl", b"// c\n" + GOOD, "row 1: it is not JSON"),
    long("comment", "l.json", b"[" + GOOD + b"/* c */]", "line 2: it is not JSON"),
    long("list", "l.jsonl", GOOD + b'["a", 3]\n', "row 2: it is not a JSON object"),
    long("scalar", "l.jsonl", b"3\n" + GOOD, "row 1: it is not a JSON object"),
    ("null", "l.jsonl", GOOD + b"null\n", "row 2: it is not a JSON object"),
    long("null", "l.json", b"[null]", "row 1: it is not a JSON object"),
    ("NaN", "l.jsonl", b'{"key": "a", "mos": NaN}\n', "row 1: it is not JSON"),
    long("NaN", "l.json", b'[{"key": "a", "mos": NaN}]', "row 1: it is not JSON"),
    ("trailing comma", "l.jsonl", GOOD + b'{"key": "a", "mos": 3,}\n', "row 2: it is not JSON"),
    ("member twice", "l.jsonl", b'{"key": "a", "mos": 3, "m\\u006fs": 4}\n', "row 1: an object has one member twice"),
    ("member twice, deep", "l.jsonl", b'{"key": "a", "mos": 3, "x": [{"a": 1, "a": 2}]}\n', "row 1: an object has one"),
    ("NUL", "l.jsonl", GOOD[:-1] + b"\0\n", "row 1: it is not JSON"),
    long("NUL in a score", "l.csv", b"key,mos\na,3\0\n", r'"3\u0000"'),
    ("lone surrogate", "l.jsonl", b'{"key": "\\ud800", "mos": 3}\n', "row 1: it is not JSON"),
    ("object as key", "l.jsonl", b'{"key": {"a": 1}, "mos": 3}\n', 'row 1: column "key"'),
    ("list as score", "l.jsonl", GOOD + b'{"key": "b", "mos": [3]}\n', 'row 2: column "mos"'),
    long("true as score", "l.jsonl", GOOD + b'{"key": "b", "mos": true}\n', 'row 2: column "mos"'),
    long("1e999", "l.csv", b"key,mos\na,1e999\n", 'row 1: column "mos"'),
    ("-1e999", "l.jsonl", b'{"key": "a", "mos": -1e999}\n', 'row 1: column "mos"'),
    ("1e999 as key", "l.jsonl", b'{"key": 1e999, "mos": 3}\n', 'row 1: column "key"'),
    ("1e-999", "l.csv", b"key,mos\na,1e-999\n", "row 1: 1 score is outside"),
    ("400 digits", "l.jsonl", b'{"key": "a", "mos": ' + b"9" * 400 + b"}\n", 'row 1: column "mos"'),
    ("deep key", "l.jsonl", b'{"mos": 3, "key": ' + NESTED + b"}\n", 'row 1: column "key"'),
    ("open brackets", "l.jsonl", GOOD + b"[" * 100_000 + b"\n", "row 2: it is not JSON"),
    ("deep", "l.json", b'[{"key": "a", "mos": 3, "x": ' + NESTED + b"}]", "nest too deep"),
    ("5,000 digits", "l.json", b'[{"key": "a", "mos": ' + b"9" * 5000 + b"}]", "row 1"),
    ("object as extra", "l.jsonl", b'{"key": "a", "mos": 3, "split": {}}\n', "l.jsonl"),
]


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("what", "name", "labels", "found"), REFUSED, ids=lambda value: value if isinstance(value, str) else ""
)
def test_label_files_that_are_refused(job: Job, what: str, name: str, labels: bytes, found: str) -> None:
    error = refused(job, labels, name)
    assert found in str(error)
    assert error.file == str(job.folder / name)
    if row := re.match("row ([0-9]+)", found):
        assert error.row == int(row[1])


DEEP = [("o.parquet", b"[" * 100 + b"]" * 100), ("o.csv", NESTED)]


@pytest.mark.parametrize(("out", "value"), DEEP)
def test_values_that_nest_too_deep_for_another_format(job: Job, out: str, value: bytes) -> None:
    error = refused(job, LABELS, "l.csv", b'{"key": "a", "x": ' + value + b"}\n", out_name=out)
    assert "nest too deep for another format" in str(error)


def test_a_pattern_of_bytes(job: Job) -> None:
    with pytest.raises(MosLabelsError, match=r"feature_key_regex: must match characters, not bytes \(\\C\)"):
        job.run([{"key": "é"}], LABELS, labels_name="l.csv", feature_key_regex=r"a\\\C")
    job.run([{"key": r"a\C"}], LABELS, labels_name="l.csv", feature_key_regex=r"a", min_match_rate=0)
    job.run([{"key": r"a\C"}], LABELS, labels_name="l.csv", feature_key_regex=r"a\\C", min_match_rate=0)


def test_a_scale_of_huge_numbers(job: Job) -> None:
    (row,) = job.run([{"key": "a"}], LABELS, labels_name="l.csv", mos_scale={"worst": 0, "best": 10**50})
    assert row["mos"] == 1 + 4 * 3 / 1e50


# 4. Patterns

LONG_KEY = "a" * 50_000 + "!"
QUICK = ["(a+)+$", "(a|aa)+$", "(?:a?){1000}a{1000}", "x" * 10_000, "a\0b", "()", r"\xff"]
PATTERNS = [
    "(.*){1000}",
    "(a*)*b",
    "(x+x+)+y",
    "(.{0,1000})b",
    "(|b)",
    r"\x{d800}",
    "'; DROP TABLE labels; --",
    "{{ 7*7 }}",
]


@pytest.mark.parametrize("pattern", [*QUICK, *map(long, PATTERNS)], ids=lambda pattern: repr(pattern)[:20])
def test_patterns_end_quickly(job: Job, pattern: str) -> None:
    start = time.process_time()
    rows = job.run([{"key": LONG_KEY}], LABELS, labels_name="l.csv", feature_key_regex=pattern, min_match_rate=0)
    assert rows[0]["mos"] is None
    assert time.process_time() - start < 5


WRONG = [
    "a{100000}",
    "((a{100}){100}){100}",
    r"(\pL\pN){500}",
    "(?=a)",
    "(?<!a)b",
    r"(a)\1",
    r"\x{110000}",
    '(?P<a"b>x)',
    "(\x1b[31m",
]


@pytest.mark.parametrize("pattern", [*WRONG, "(" * 10_000])
def test_patterns_that_are_refused(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(MosLabelsError, match="feature_key_regex: is not an RE2 pattern: ") as caught:
        materialize("f.csv", "l.csv", tmp_path / "o.csv", feature_key_regex=pattern)
    assert visible(pattern)[:100] in str(caught.value)
    assert len(str(caught.value)) < 500
    assert not CONTROL.search(str(caught.value))


# 5. Properties

TABLES = {
    "l.csv": b'key,mos,split\na,3,"x ""y"" z"\nb,4.5,\n',
    "l.jsonl": GOOD + b'{"key": "b", "mos": 4.5, "x": [1, {"y": null}]}\n',
    "l.json": b'{"rows": [{"key": "a", "mos": 3}, {"key": "b", "mos": 4.5, "x": "\\u00e9"}]}',
    "l.parquet": b"",
}
PLACES = st.lists(st.tuples(st.integers(0, 2000), st.binary(max_size=3), st.integers(0, 4)), min_size=1, max_size=4)
SETTINGS = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    write_table(folder / "f.jsonl", '{"key": "a"}\n')
    write_table(folder / "l.parquet", pa.table({"key": ["a", "b"], "mos": [3, 4.5]}))
    TABLES["l.parquet"] = (folder / "l.parquet").read_bytes()
    return folder


def read_labels(folder: Path, name: str, data: bytes) -> None:
    (folder / name).write_bytes(data)
    try:
        materialize(folder / "f.jsonl", folder / name, folder / "o.jsonl", min_match_rate=0)
    except MosLabelsError as error:
        if name not in str(error):
            raise


@pytest.mark.sampled
@pytest.mark.parametrize("name", list(TABLES))
@settings(SETTINGS, max_examples=6)
@given(edits=PLACES)
def test_mutated_labels(folder: Path, name: str, edits: list[tuple[int, bytes, int]]) -> None:
    data = bytearray(TABLES[name])
    for place, new, cut in edits:
        place %= len(data) + 1
        data[place : place + cut] = new
    read_labels(folder, name, bytes(data))


@pytest.mark.parametrize("name", list(TABLES))
@settings(SETTINGS, max_examples=4)
@given(data=st.binary(max_size=60))
def test_arbitrary_labels(folder: Path, name: str, data: bytes) -> None:
    read_labels(folder, name, data)


SPACES = "".join(chr(code) for code in range(0x3001) if chr(code).isspace())
CELLS = st.text(st.characters(exclude_categories=("Cs",)) | st.sampled_from("ab" + SPACES), max_size=4)


@settings(SETTINGS, max_examples=5)
@given(st.lists(CELLS, max_size=40), st.lists(CELLS, max_size=40))
@pytest.mark.parametrize("suffix", [".parquet", long(".csv")])
def test_keys_match_as_stripped_text(folder: Path, suffix: str, ours: list[str], theirs: list[str]) -> None:
    keys = ["one", *ours, *theirs[::2]]
    stripped = {key.strip() for key in theirs} - {""}
    scores = {key: 1 + number % 5 for number, key in enumerate(sorted(stripped | {"one"}))}
    labels = [{"key": key, "mos": scores[key.strip()]} for key in ["one", *theirs] if key.strip()]
    write_table(folder / f"f{suffix}", content(suffix, [{"key": key} for key in keys if key]))
    write_table(folder / "keys.jsonl", labels)
    materialize(folder / f"f{suffix}", folder / "keys.jsonl", folder / "o.jsonl", min_match_rate=0)
    found = [row["mos"] for row in rows_of(folder / "o.jsonl")]
    assert found == [scores.get(key.strip()) for key in keys if key]


# 6. Long: python -m pytest -m long tests/sources/test_hostile.py

ROWS, BAD = 1_000_000, 700_001
MILLION = [
    ("l.csv", b"x\n", True),
    ("l.csv", b"x,3,4\n", True),
    ("l.csv", b"x,3,\n", True),
    ("l.csv", b"x,bad\n", True),
    ("l.csv", b'"x"y,3\n', True),
    ("l.csv", b"x\xff,3\n", True),
    ("l.csv", b'x,"3\n', True),
    ("l.csv", b"x,3\r\n", True),
    ("l.jsonl", b'{"key": "x", "mo\n', True),
    ("l.jsonl", b'{"key": "x", "mos": "bad"}\n', True),
    ("l.jsonl", b'{"key": "x\xff", "mos": 3}\n', True),
    ("l.jsonl", b'{"key": "x", "mos": 3, "mos": 3}\n', True),
    ("l.json", b'{"key": "x", "mos": "bad"}\n', True),
    ("l.json", b'{"key": "x", "mos": }\n', False),
]


def measured(folder: Path, name: str) -> tuple[str, float, int]:
    """What the command says of a label file, how long it took, and its peak memory in MiB."""
    code = "import sys; from moslabels.cli import main; sys.exit(main(sys.argv[1:]))"
    write_table(folder / "f.jsonl", '{"key": "a"}\n')
    arguments = ["materialize", "--features", "f.jsonl", "--labels", name, "--out", "o.jsonl", "--min-match-rate", "0"]
    environment = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[1])}
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    process.stderr.close()
    assert isinstance(usage, resource.struct_rusage)
    assert "Traceback" not in said
    print(f"{time.perf_counter() - start:.1f} s, {usage.ru_maxrss // 1024} MiB: {said[:200]}")
    return said, time.perf_counter() - start, usage.ru_maxrss // 1024


@pytest.mark.long
@pytest.mark.parametrize(("name", "bad", "by_row"), MILLION)
def test_one_bad_line_in_a_million(tmp_path: Path, name: str, bad: bytes, by_row: bool) -> None:
    with (tmp_path / name).open("wb") as stream:
        stream.write({"l.csv": b"key,mos\n", "l.jsonl": b"", "l.json": b"["}[name])
        for row in range(1, ROWS + 1):
            line = b"k%d,3.5\n" if name == "l.csv" else b'{"key": "k%d", "mos": 3.5}\n'
            stream.write((b"," if name == "l.json" and row > 1 else b"") + (bad if row == BAD else line % row))
        stream.write(b"]" if name == "l.json" else b"")
    said, seconds, _ = measured(tmp_path, name)
    assert f"{name}: {'row' if by_row else 'line'} {BAD}: " in said
    assert seconds < 60


BIG = 200 * 1024 * 1024
HUGE = [
    ("l.jsonl", GOOD + b'{"key": "b", "x": "', b"x", b'"}\n', "a line is longer than 64 MiB"),
    ("l.csv", b"key,mos,x\na,3,", b"x", b"\n", "a line is longer than 64 MiB"),
    ("l.csv", b'key,mos,x\na,3,"', b"x", b'"\n', "a line is longer than 64 MiB"),
    ("l.csv", b"key,mos,", b"x", b"\na,3,1\n", "l.csv: "),
    ("l.csv", b"", b"x", b"", "l.csv: "),
    ("l.jsonl", b"", b"[", b"", "a line is longer than 64 MiB"),
    ("l.jsonl", GOOD, b"\n", b"", "match rate 1.000"),
    ("l.csv", LABELS.encode(), b"\n", b"", "match rate 1.000"),
    ("l.json", b'[{"key": "a", "mos": 3, "x": "', b"x", b'"}]', "a line is longer than 64 MiB"),
    ("l.json", b'[{"key": "a", "mos": 3}', b" ", b"]", "match rate 1.000"),
]


@pytest.mark.long
@pytest.mark.parametrize(("name", "before", "fill", "after", "found"), HUGE)
def test_huge_lines(tmp_path: Path, name: str, before: bytes, fill: bytes, after: bytes, found: str) -> None:
    with (tmp_path / name).open("wb") as stream:
        stream.write(before)
        for _ in range(BIG // (1 << 20)):
            stream.write(fill * (1 << 20))
        stream.write(after)
    said, seconds, mebibytes = measured(tmp_path, name)
    assert found in said
    assert len(said) < 1000
    assert seconds < 60
    assert mebibytes < 4096


@pytest.mark.long
@pytest.mark.parametrize(
    "line",
    [
        '{"key": "a", "mos": 3, "x": ' + '{"a":' * 100_000 + "1" + "}" * 100_000 + "}\n",
        # A backslash makes the names of members be looked at.
        json.dumps({"key": "a", "mos": 3, "x": {f"é{n}": n for n in range(20_000)}}) + "\n",
    ],
    ids=["deep", "wide"],
)
def test_one_hostile_line_of_json(tmp_path: Path, line: str) -> None:
    write_table(tmp_path / "l.jsonl", line)
    _, seconds, mebibytes = measured(tmp_path, "l.jsonl")
    assert seconds < 5
    assert mebibytes < 2048


UNSEEN = "\x1b[2J\x07\x7f\x9b1m\u202e\u2066\u200f\u2028"
SEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u2028\u202a-\u202e\u2066-\u2069]")


@pytest.fixture(scope="module")
def made_unseen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables, a manifest, an audit and a report whose names and values hold what a terminal obeys."""
    tmp_path = tmp_path_factory.mktemp("unseen")
    key = f"key{UNSEEN}"
    write_table(tmp_path / "f.jsonl", [{key: f"{name}{UNSEEN}", "clip": name} for name in "abcde"])
    write_table(tmp_path / "l.jsonl", [{"key": f"{name}{UNSEEN}", "mos": 3, f"e{UNSEEN}": UNSEEN} for name in "abcd"])
    table = {
        "id": f"t{UNSEEN}", "features": "f.jsonl", "labels": ["l.jsonl"], "out": f"o{UNSEEN[:6]}.jsonl",
        "audit_json": "a.json", "feature_key_column": key, "extras": [f"e{UNSEEN}"], "min_match_rate": 0.5,
    }  # fmt: skip
    (tmp_path / "m.json").write_text(json.dumps({"tables": [table, {**table, "id": f"u{UNSEEN}", "out": "o.csv",
                                                                     "audit_json": "b.json"}]}))  # fmt: skip
    with working_in(tmp_path):
        assert cli.main(["batch", "m.json", "--report-json", "r.json"]) == 0
    return tmp_path


@pytest.fixture
def unseen(made_unseen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return copied(made_unseen, tmp_path, monkeypatch)


ROW = f"SELECT '{UNSEEN}' AS \"n{UNSEEN}\", ['{UNSEEN}'] AS l, json_array('{UNSEEN}') AS j"
PRINTING = [
    *[["sql", "a.json", "-c", ROW, "--format", style] for style in ("table", "json", "jsonl", "markdown")],
    ["sql", "a.json", "-c", f"SELECT {UNSEEN}"],
    ["batch", "m.json"],
    ["batch", "m.json", "--verbose", "--dry-run"],
    ["batch", UNSEEN],
    ["batch", f"--{UNSEEN}", UNSEEN],
    ["materialize", "--features", "f.jsonl", "--labels", "l.jsonl", "--out", f"{UNSEEN}.csv", "--min-match-rate", "0"],
    ["compile", "m.json"],
    ["compile", "m.json", "--table", UNSEEN],
    ["explain", f"a{UNSEEN}", f"z{UNSEEN}", "--manifest", "m.json", "--table", f"t{UNSEEN}"],
    ["explain", f"a{UNSEEN}", f"z{UNSEEN}", "--manifest", "m.json", "--table", f"t{UNSEEN}", "--json"],
    ["suggest", "--features", "f.jsonl", "--labels", "l.jsonl"],
    ["suggest", "--features", "f.jsonl", "--labels", "l.jsonl", "--json"],
    ["init", "--features", "f.jsonl", "--labels", "l.jsonl", "--out", f"{UNSEEN}.json"],
    ["verify", "r.json", "a.json", f"{UNSEEN}.json"],
    ["verify", "r.json", "a.json", f"{UNSEEN}.json", "--json"],
    ["diff", "a.json", "b.json"],
    ["diff", "a.json", "b.json", "--json"],
    ["options", UNSEEN],
    ["schema", UNSEEN],
    ["completion", UNSEEN],
]


@pytest.mark.sampled
@pytest.mark.parametrize("arguments", PRINTING, ids=lambda arguments: " ".join(arguments)[:30].split(UNSEEN[0])[0])
def test_no_command_prints_what_a_terminal_obeys(
    unseen: Path, capfdbinary: pytest.CaptureFixture[bytes], arguments: list[str]
) -> None:
    capfdbinary.readouterr()
    cli.main(arguments)
    out, err = (text.decode() for text in capfdbinary.readouterr())
    assert "Traceback" not in err
    assert "internal error" not in err
    assert out + err
    for text in (out, err):
        assert not SEEN.search(text), repr(SEEN.search(text))
    if "--json" in arguments and out:
        assert json.loads(out)
    if arguments[-1] == "json":
        assert json.loads(out) == [{f"n{UNSEEN}": UNSEEN, "l": [UNSEEN], "j": [UNSEEN]}]


def test_what_is_written_holds_nothing_that_a_terminal_obeys(unseen: Path) -> None:
    for name in ("a.json", "b.json", "r.json"):
        assert not SEEN.search((unseen / name).read_text())
    assert json.loads((unseen / "r.json").read_text())["tables"][0]["id"] == f"t{UNSEEN}"


def test_csv_is_data_in_a_pipe_and_visible_on_a_terminal(
    unseen: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    arguments = ["sql", "a.json", "-c", ROW, "--format", "csv"]
    capfdbinary.readouterr()
    assert cli.main(arguments) == 0
    in_a_pipe = capfdbinary.readouterr().out.decode()
    assert list(csv.reader(io.StringIO(in_a_pipe, newline="")))[1][0] == UNSEEN
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert cli.main(arguments) == 0
    on_a_terminal = capfdbinary.readouterr().out.decode()
    assert not SEEN.search(on_a_terminal)
    assert "\\u001b[2J" in on_a_terminal
