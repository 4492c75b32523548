"""Compressed CSV and JSON: read as what is in them, written if the suffix says so; faults name the user's path."""

from __future__ import annotations

import errno
import gc
import gzip
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from helpers.command import moslabels
from helpers.tables import write_table
from moslabels import TableError, UsageError, materialize, run_batch
from moslabels.files.abilities import Abilities
from moslabels.files.platform import System, use

SUFFIXES = [".gz", ".zst"]
FORMS = [".csv", ".tsv", ".jsonl", ".ndjson", ".json"]
FEATURES = [{"key": "b", "x": "1.50"}, {"key": "c", "x": "2.0"}, {"key": "a", "x": "-3"}]
LABELS = [{"key": "a", "mos": 3}, {"key": "b", "mos": 4.5}]


def packed(data: bytes, suffix: str) -> bytes:
    return gzip.compress(data, mtime=7) if suffix == ".gz" else pa.compress(data, codec="zstd", asbytes=True)


def unpacked(path: Path) -> bytes:
    with pa.input_stream(str(path), compression={".gz": "gzip", ".zst": "zstd"}[path.suffix]) as stream:
        return stream.read()


def pack(path: Path, suffix: str) -> None:
    """Replace a file by what it is when it is compressed."""
    Path(f"{path}{suffix}").write_bytes(packed(path.read_bytes(), suffix))
    path.unlink()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.sampled
@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("form", FORMS)
def test_it_is_read_and_written_as_what_is_in_it(folder: Path, form: str, suffix: str) -> None:
    features, labels = write_table(folder / f"f{form}", FEATURES), write_table(folder / f"l{form}", LABELS)
    plain = materialize(f"f{form}", [f"l{form}"], f"o{form}", unmatched=f"u{form}", min_match_rate=0.6)
    pack(features, suffix)
    pack(labels, suffix)
    audit = materialize(
        f"f{form}{suffix}", [f"l{form}{suffix}"], f"O{form}{suffix}", unmatched=f"U{form}{suffix}", min_match_rate=0.6
    )
    assert audit["matched_rows"] == plain["matched_rows"] == 2
    written = unpacked(folder / f"O{form}{suffix}").replace(f"l{form}{suffix}".encode(), f"l{form}".encode())
    assert written == (folder / f"o{form}").read_bytes()
    unmatched = unpacked(folder / f"U{form}{suffix}").replace(f"f{form}{suffix}".encode(), f"f{form}".encode())
    assert unmatched == (folder / f"u{form}").read_bytes()
    assert audit["output_sha256"] == hashlib.sha256((folder / f"O{form}{suffix}").read_bytes()).hexdigest()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_text_becomes_the_same_bytes(folder: Path, suffix: str) -> None:
    write_table(folder / "f.csv", FEATURES)
    write_table(folder / "l.csv", LABELS)
    outs = [Path(f"{name}.csv{suffix}") for name in ("one", "another")]
    for out in outs:
        materialize("f.csv", ["l.csv"], out, min_match_rate=0.6)
    one, another = (out.read_bytes() for out in outs)
    assert one == another
    # Of gzip, byte 3 says that no name follows, and bytes 4 to 7 are the time: none.
    assert suffix != ".gz" or one[3:8] == bytes(5)


TEXT = b"key,mos\n" + b"".join(b"k%d,3.%d\n" % (n, n) for n in range(1000)) + b"a,3\nb,4\n"


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda data: data[:-3], "is damaged, or cut off:"),
        (lambda data: data[: len(data) // 2], "is damaged, or cut off:"),
        (lambda data: data[:6], "is damaged, or cut off:"),
        (lambda data: data + b"garbage", "is damaged, or cut off:"),
        (lambda _: b"", "is empty: even an empty text that "),
        (lambda _: TEXT, ", as its name says: leave that part of its name out, or fetch it again"),
        (lambda data: b"PAR1" + data, ", as its name says: leave that part of its name out, or fetch it again"),
        (lambda data: b"BZh91AY&SY" + data, "is compressed by bzip2: unpack it first"),
        (lambda _: b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer"),
    ],
    ids=["end", "half", "begin", "trailing", "empty", "text", "parquet", "bzip2", "pointer"],
)
def test_what_is_damaged_or_something_else(folder: Path, suffix: str, damage: Any, says: str) -> None:
    write_table(folder / "f.csv", [{"key": "a"}])
    (folder / f"l.csv{suffix}").write_bytes(damage(packed(TEXT, suffix)))
    with pytest.raises(TableError) as raised:
        materialize("f.csv", [f"l.csv{suffix}"], "o.csv")
    assert str(raised.value).startswith(f"l.csv{suffix}: ")
    assert says in str(raised.value)
    assert raised.value.file == f"l.csv{suffix}"
    assert not (folder / "o.csv").exists()


def test_a_sum_that_is_wrong_is_seen(folder: Path) -> None:
    write_table(folder / "f.csv", [{"key": "a"}])
    data = bytearray(packed(TEXT, ".gz"))
    data[-8] ^= 1  # the check sum
    (folder / "l.csv.gz").write_bytes(data)
    with pytest.raises(TableError, match=r"^l\.csv\.gz: is damaged, or cut off: gzip cannot unpack it after "):
        materialize("f.csv", ["l.csv.gz"], "o.csv")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_several_members_are_one_text(folder: Path, suffix: str) -> None:
    write_table(folder / "f.csv", [{"key": "a"}, {"key": "b"}])
    members = [packed(part, suffix) for part in (b"key,mos\na,", b"3\nb", b"", b",4\n")]
    (folder / f"l.csv{suffix}").write_bytes(b"".join(members))
    assert materialize("f.csv", [f"l.csv{suffix}"], "o.csv")["matched_rows"] == 2


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("l.csv", b"", "is empty: a CSV table has a header at least"),
        ("l.csv", b"key,mos\na,3\n\nb,4,\n", "row 2: it ends in a delimiter too many (line 4)"),
        ("l.csv", b"key,mos\na,3\nb,4,5\n", "row 2: "),
        ("l.csv", b"key,mos\n\xe9,3\n", "its bytes are not utf-8; set label_csv"),
        ("l.csv", packed(b"key,mos\n", ".gz"), "is compressed by gzip"),
        ("l.jsonl", b'{"key": "a", "mos": 3}\n\n[1]\n', "row 2: "),
        ("l.json", b'[{"key": "a",\n"mos": }]', "line 2: it is not JSON"),
        ("l.csv", b"key,mos\na,x\n", 'row 1: column "mos": 1 score is not'),
    ],
)
def test_a_fault_in_it_names_the_file_that_the_user_has(
    folder: Path, suffix: str, name: str, content: bytes, says: str
) -> None:
    write_table(folder / "f.csv", [{"key": "a"}])
    (folder / f"{name}{suffix}").write_bytes(packed(content, suffix))
    with pytest.raises(TableError) as raised:
        materialize("f.csv", [f"{name}{suffix}"], "o.csv")
    assert str(raised.value).startswith(f"{name}{suffix}: {says}")
    assert "moslabels-" not in str(raised.value)
    assert tempfile.gettempdir() + "/moslabels" not in str(raised.value)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_text_in_another_encoding_and_dialect(folder: Path, suffix: str) -> None:
    content = "\ufeffkey;x\r\né;1\r\n".encode("utf-16-le")
    (folder / f"f.csv{suffix}").write_bytes(packed(content, suffix))
    write_table(folder / "l.csv", [{"key": "é", "mos": 3}])
    dialect = {"encoding": "utf-16", "delimiter": ";"}
    out = folder / f"o.csv{suffix}"
    materialize(f"f.csv{suffix}", ["l.csv"], out, feature_csv=dialect)
    assert unpacked(out).decode("utf-16") == (
        "key;x;mos;mos_raw_0_100;mos_label_status;mos_label_source\r\né;1;3.0;50.0;ok;l.csv\r\n"
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_text_that_whitespace_splits(folder: Path, suffix: str) -> None:
    write_table(folder / "f.csv", [{"key": "a"}])
    (folder / f"l.txt{suffix}").write_bytes(packed(b"  3.5   a\n  4.25  b\n", suffix))
    options = {"label_csv": {"delimiter": "whitespace", "column_names": ["mos", "key"]}}
    audit = materialize("f.csv", [f"l.txt{suffix}"], "o.csv", **options)
    assert (audit["matched_rows"], audit["mos_stats"]["mean"]) == (1, 3.5)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("f.parquet.gz", 'has the suffix ".parquet.gz", and .parquet is compressed inside: leave out .gz'),
        ("f.gz", "; name what is in it too, such as .csv.gz or .jsonl.gz"),
        ("f.zst", "; name what is in it too, such as .csv.zst or .jsonl.zst"),
        ("f.csv.bz2", "; unpack it first, and name what was in it"),
        ("f.txt.gz", 'has the suffix ".txt", which is none of .parquet'),
    ],
)
def test_a_suffix_that_is_not_one_of_a_table(folder: Path, name: str, says: str) -> None:
    with pytest.raises(UsageError) as raised:
        materialize(name, ["l.csv"], "o.csv")
    (problem,) = raised.value.problems
    assert problem.startswith(f"features: {json.dumps(name)} has the suffix")
    assert says in problem


def test_small_and_large_letters_and_labels_of_txt(folder: Path) -> None:
    (folder / "F.CSV.GZ").write_bytes(packed(b"key,x\na,1\n", ".gz"))
    (folder / "l.TXT.Zst").write_bytes(packed(b"key,mos\na,3\n", ".zst"))
    assert materialize("F.CSV.GZ", ["l.TXT.Zst"], "o.tsv.Gz")["matched_rows"] == 1
    assert unpacked((folder / "o.tsv.Gz").rename("o.gz")).startswith(b"key\tx\tmos\t")


@pytest.fixture
def batch(folder: Path) -> Path:
    write_table(folder / "f.csv", FEATURES)
    write_table(folder / "l.jsonl", LABELS)
    pack(folder / "f.csv", ".gz")
    pack(folder / "l.jsonl", ".zst")
    table = {
        "id": "t", "features": "f.csv.gz", "labels": ["l.jsonl.zst"], "out": "o.csv.gz", "audit_json": "a.json",
        "min_match_rate": 0.6,
    }  # fmt: skip
    write_table(folder / "m.json", json.dumps({"tables": [table]}))
    return folder


def test_what_is_written_is_verified_and_compared(batch: Path) -> None:
    report = run_batch("m.json", report_json="r.json")
    assert report["status"] == "ok"
    assert run_batch("m.json", skip_unchanged=True)["tables"][0]["status"] == "unchanged"
    assert moslabels("verify", "r.json", cwd=batch).returncode == 0
    before = (batch / "o.csv.gz").read_bytes()
    (batch / "l.jsonl.zst").write_bytes(packed(b'{"key": "a", "mos": 2}\n{"key": "b", "mos": 4.5}\n', ".zst"))
    assert run_batch("m.json", skip_unchanged=True)["tables"][0]["status"] == "ok"
    (batch / "old.csv.gz").write_bytes(before)
    explained = moslabels("explain", "a", "--manifest", "m.json", "--table", "t", cwd=batch)
    assert explained.returncode == 0
    assert "l.jsonl.zst" in explained.stdout
    (batch / "o.csv.gz").write_bytes(before)
    assert moslabels("verify", "a.json", cwd=batch).returncode == 1


def test_compiled_sql_reads_the_compressed_files(batch: Path) -> None:
    run_batch("m.json")
    done = moslabels("compile", "m.json", cwd=batch)
    assert (done.returncode, done.stderr) == (0, "")
    assert "f.csv.gz'" in done.stdout
    assert "l.jsonl.zst'" in done.stdout
    assert "moslabels-" not in done.stdout
    assert "SQL alone cannot read" not in done.stdout
    with duckdb.connect(":memory:") as connection:
        results = [connection.execute(one).fetchall() for one in connection.extract_statements(done.stdout)]
    columns, places = results[-4:-2]
    assert [columns[place][0] for (place,) in places] == [4.5, None, 3.0]


def test_suggest_and_init_know_them(folder: Path) -> None:
    keys = [f"clip_{number:03}" for number in range(20)]
    (folder / "f.csv.gz").write_bytes(packed("".join(["key;x\n", *(f"{key};1\n" for key in keys)]).encode(), ".gz"))
    scores = [{"key": key, "mos": 1 + number / 5} for number, key in enumerate(keys)]
    write_table(folder / "l.csv", scores)
    pack(folder / "l.csv", ".zst")
    done = moslabels("suggest", "--features", "f.csv.gz", "--labels", "l.csv.zst", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    entry = json.loads(done.stdout)["suggestions"][0]["manifest"]
    assert (entry["id"], entry["out"], entry["audit_json"]) == ("f", "f_mos.csv.gz", "f_mos.audit.json")
    assert entry["feature_csv"] == {"delimiter": ";"}
    assert moslabels("init", "--features", "f.csv.gz", "--labels", "l.csv.zst", cwd=folder).returncode == 0
    assert run_batch("manifest.json")["status"] == "ok"
    assert (folder / "f_mos.csv.gz").exists()


class Full(System):
    """A disk that is full once compressed bytes come."""

    def write_at(self, handle: int, data: Any, place: int) -> int:
        if bytes(data[:2]) in (b"\x1f\x8b", b"\x28\xb5"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write_at(handle, data, place)


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_disk_that_is_full(folder: Path, suffix: str) -> None:
    write_table(folder / "f.csv", FEATURES)
    write_table(folder / "l.csv", LABELS)
    with use(Full(Abilities.found())), pytest.raises(TableError) as raised:
        materialize("f.csv", ["l.csv"], f"o.csv{suffix}", min_match_rate=0.6)
    assert str(raised.value) == f"o.csv{suffix}: No space left on device"
    gc.collect()
    assert sorted(path.name for path in folder.iterdir()) == ["f.csv", "l.csv"]
