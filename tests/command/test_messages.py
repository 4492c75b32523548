"""What is said where something is wrong: what was found, where, and what to do; all of it, once, under one name."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import pickle
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from moslabels import TableError, UsageError, join, load_manifest, materialize, run_batch
from moslabels.cli import main
from moslabels.spec.entry import table_spec

TABLE = {"id": "a", "features": "f.csv", "labels": ["l.csv"], "out": "o.csv"}
FILES: dict[str, Any] = {
    "f.csv": "clip_id,frame\nA001.mp4,1\nA002.mp4,2\n",
    "l.csv": "clip_id,mos\nA001.mp4,3\nA002.mp4,4\n",
    "word.csv": "clip_id,mos\nA001.mp4,3\nA002.mp4,good\n",
    "words.csv": "clip_id,mos\nA001.mp4,bad\nA002.mp4,good\n",
    "none.csv": "clip_id,mos\nA001.mp4,3\nA002.mp4,\n",
    "seven.csv": "clip_id,mos\nA001.mp4,7\nA002.mp4,3\n",
    "semicolon.csv": "clip_id;mos\nA001.mp4;3\n",
    "tab.csv": "clip_id\tmos\nA001.mp4\t3\n",
    "comma.csv": 'clip_id,mos\nA001.mp4,3\nA002.mp4,"3,5"\n',
    "both.csv": "clip_id;mos\nA001.mp4;3,5\nA002.mp4;4,5\n",
    "dmos.csv": "clip_id,dmos\nA001.mp4,30\nA002.mp4,40\n",
    "low.csv": "clip_id,mos\nA001.mp4,3\nA002.mp4,4\n",
    "ten.csv": "clip_id,mos\nA001.mp4,8.25\nA002.mp4,9.5\n",
    "parquet.csv": "PAR1 and so on",
    "slip.json": '{"tables": [1,]}',
    "escape.json": '{"tables": "\\d"}',
    "comment.json": '{"tables": [] // none\n}',
    "single.json": "{'tables': []}",
    "plain.csv": "clip\nA001.mp4\n",
    "bare.csv": "A001.mp4,3\nA002.mp4,4\n",
    "words_alone.csv": "A001.mp4,good\nA002.mp4,bad\n",
    "two.json": {"tables": [TABLE, {**TABLE, "id": "beta", "out": "o2.csv"}]},
    "wrong.json": {
        "default": {},
        "defaults": {"label_csv": {"sep": ";"}, "missing_values": [3]},
        "tables": [{**TABLE, "labels": "l.csv", "feature_key_columm": "clip_id"}],
    },
    "document.json": {"tables": 3},
}
ONE = "materialize --features f.csv --out o.csv --labels"
KEYS = (
    "key, clip_key, clip_id, video_id, chug_video_id, content_id, clip_name, file_name, filename, basename, name, src, "
    "source, src_path, distorted_path, dis_path, path"
)

SAID: list[tuple[str, int, str]] = [
    # One label, and several; the file is named once.
    (
        f"{ONE} word.csv",
        1,
        'word.csv: row 2: column "mos": 1 score is not a finite number: "good" in row 2; correct them, or list texts '
        'that mean no score in missing_values and set missing_mos "skip"',
    ),
    (
        f"{ONE} words.csv --labels word.csv",
        1,
        'words.csv: row 1: column "mos": 3 scores are not finite numbers: "bad" in row 1, "good" in row 2, "good" in '
        'word.csv row 2; correct them, or list texts that mean no score in missing_values and set missing_mos "skip"',
    ),
    (
        f"{ONE} none.csv",
        1,
        'none.csv: row 2: column "mos": 1 label has no score: null in row 2; correct them, or set missing_mos "skip" '
        "to leave them out",
    ),
    (
        f"{ONE} seven.csv --mos-scale 1-5",
        1,
        'seven.csv: row 1: 1 score is outside of its scale (1 worst, 5 best): "7" in row 1; these are 0.500 of the '
        "labels, more than may be clipped (max_clipped is 0.050); least 3, quartiles 4, 5, 6, greatest 7; correct "
        "them, set mos_scale to the bounds that the scores are on",
    ),
    (
        f"{ONE} seven.csv --mos-scale 1-5 --max-clipped 0.5",
        1,
        'seven.csv: row 1: 1 score is outside of its scale (1 worst, 5 best): "7" in row 1; least 3, quartiles 4, 5, '
        '6, greatest 7; correct them, set mos_scale, or set out_of_range "clip"',
    ),
    # A comma for a decimal point.
    (
        f"{ONE} comma.csv",
        1,
        'comma.csv: row 2: column "mos": 1 score is not a finite number: "3,5" in row 2; set label_csv '
        '{"decimal": ","}, or write them with a decimal point',
    ),
    # Other languages than JSON.
    (
        "batch slip.json",
        2,
        'slip.json: the manifest is not JSON: ",]}" is out of place at line 1, column 14; a comma is one too many, as '
        "after the last entry",
    ),
    (
        "batch escape.json",
        2,
        'escape.json: the manifest is not JSON: "\\\\d\\"}" is out of place at line 1, column 13; in JSON a backslash '
        'is written twice, such as "\\\\d+"',
    ),
    (
        "batch comment.json",
        2,
        'comment.json: the manifest is not JSON: "// none" is out of place at line 1, column 15; JSON has no comments: '
        'a name that begins with _ is one, such as "_why": "…"',
    ),
    (
        "batch single.json",
        2,
        "single.json: the manifest is not JSON: \"'tables': []}\" is out of place at line 1, column 2; "
        'JSON quotes texts with "',
    ),
    # What is no table.
    (f"{ONE} parquet.csv", 1, "parquet.csv: begins as a Parquet file does: name it .parquet"),
    (
        f"{ONE} *.csv",
        1,
        "*.csv: there is no such file; a path is one file, and not a pattern: name each",
    ),
    (
        f"{ONE} folder",
        2,
        'the arguments are wrong:\n  labels[0]: "folder" has no suffix, and a table is one file: .parquet .pq .jsonl '
        ".ndjson .json .csv .tsv .txt .arrow .feather .xlsx .mat",
    ),
    # A delimiter that is another.
    (
        f"{ONE} semicolon.csv",
        1,
        f'semicolon.csv: no key column found: none of {KEYS} is among "clip_id;mos"; is it split by ";"? Then set '
        'label_csv {"delimiter": ";"}',
    ),
    (
        "materialize --features tab.csv --labels l.csv --out o.csv --feature-key-column clip_id",
        1,
        'tab.csv: feature_key_column "clip_id" is not a column of it; did you mean "clip_id\\tmos"?; it has '
        '"clip_id\\tmos"; is it split by "\\t"? Then set feature_csv {"delimiter": "\\t"}',
    ),
    (
        "materialize --features plain.csv --labels l.csv --out o.csv",
        1,
        f'plain.csv: no key column found: none of {KEYS} is among "clip"; name it with feature_key_column',
    ),
    # No header.
    (
        f"{ONE} bare.csv",
        1,
        f'bare.csv: no key column found: none of {KEYS} is among "A001.mp4", "3"; name it with label_key_column; if it '
        'has no header, set label_csv {"header": false}',
    ),
    (
        f"{ONE} bare.csv --label-key-column column0 --label-mos-column column1",
        1,
        'bare.csv: label_key_column "column0" is not a column of it; it has "A001.mp4", "3"; if it has no header, set '
        'label_csv {"header": false}',
    ),
    (
        f"{ONE} words_alone.csv --label-key-column column0",
        1,
        'words_alone.csv: label_key_column "column0" is not a column of it; it has "A001.mp4", "good"; if it has no '
        'header, set label_csv {"header": false}',
    ),
    (
        f"{ONE} words_alone.csv --label-key-column clip",
        1,
        'words_alone.csv: label_key_column "clip" is not a column of it; it has "A001.mp4", "good"',
    ),
    (
        "materialize --features bare.csv --labels l.csv --out o.csv --feature-key-column clip",
        1,
        'bare.csv: feature_key_column "clip" is not a column of it; it has "A001.mp4", "3"; if it has no header, set '
        'feature_csv {"header": false}',
    ),
    (
        'materialize --features bare.csv --labels l.csv --out o.csv --feature-csv {"header":false} '
        "--feature-key-column column2",
        1,
        'bare.csv: feature_key_column "column2" is not a column of it; did you mean "column1"?; it has "column0", '
        '"column1"',
    ),
    # All problems at once.
    (
        f"{ONE} l.csv --min-match-rate 95 --threads 0 --temp-dir nowhere --label-csv {{}} --missing-values [3]",
        2,
        "the arguments are wrong:\n"
        "  threads: must be a whole number from 1 on, not 0\n"
        '  temp_dir: "nowhere" is not a folder; make it, or name another\n'
        "  min_match_rate: must be a number from 0 to 1, not 95.0\n"
        '  missing_values: must be a list of texts, or one text such as "NA", not [3]',
    ),
    (
        "batch wrong.json",
        2,
        "wrong.json: the manifest is wrong:\n"
        '  default: is unknown; did you mean "defaults"?; a comment begins with _\n'
        '  defaults.label_csv: has no member "sep"; there are header, column_names, delimiter, merge_delimiters, '
        "decimal, encoding, sheet\n"
        '  defaults.missing_values: must be a list of texts, or one text such as "NA", not [3]\n'
        '  tables[0].feature_key_columm: is unknown; did you mean "feature_key_column"?\n'
        '  tables[0].labels: must be a list of paths, such as ["l.csv"], not "l.csv"',
    ),
    (
        f'{ONE} {{"paht":"l.csv"}}',
        2,
        "the arguments are wrong:\n"
        '  labels[0].paht: is unknown; did you mean "path"?\n'
        '  labels[0]: must be a path, or an object with a "path", not {"paht": "l.csv"}',
    ),
    (
        f"{ONE} l.csv --feature-key-column clip_id --feature-key-column frame",
        2,
        "the arguments are wrong:\n"
        "  label_key_column: names 1 column and feature_key_column 2; a key has the same parts on both sides",
    ),
    # A file that cannot be written is the one that was named.
    ("materialize --features f.csv --labels l.csv --out f.csv/o.csv", 1, "f.csv/o.csv: Not a directory"),
    ("init --features f.csv --labels l.csv --out f.csv/m.json", 1, "f.csv/m.json: Not a directory"),
    # CSV options that are no objects.
    (
        "suggest --features f.csv --labels l.csv --label-csv comma",
        2,
        'the arguments are wrong:\n  label_csv: must be a text of 1 to 4 bytes, or whitespace, not "comma"',
    ),
    (
        "init --features f.csv --labels l.csv --feature-csv [1]",
        2,
        'the arguments are wrong:\n  feature_csv: must be an object, or a delimiter such as ";", not [1]',
    ),
    # Which table.
    ("explain A --manifest two.json", 2, '--table is missing; it is one of "a", "beta"'),
    (
        "compile two.json --table bta",
        2,
        'two.json: the choice of tables is wrong:\n  there is no table "bta"; did you mean "beta"?',
    ),
    # What cannot be compared or verified.
    ("diff old.txt new.txt", 2, "the two cannot be compared: old.txt: there is no such file"),
    (
        "diff f.csv l.csv",
        2,
        "the two cannot be compared: f.csv: nothing says which column its key is: f.csv does not; name an audit of it, "
        "or give the table an audit_json",
    ),
    ("verify document.json --root nowhere", 2, '--root: "nowhere" is not a folder'),
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, content in FILES.items():
        (tmp_path / name).write_text(content if isinstance(content, str) else json.dumps(content))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.sampled
@pytest.mark.parametrize(("command", "status", "said"), SAID, ids=lambda value: str(value)[:60])
def test_what_is_said(folder: Path, capfd: pytest.CaptureFixture[str], command: str, status: int, said: str) -> None:
    assert main(command.split(" ")) == status
    assert capfd.readouterr() == ("", f"moslabels: {said}\n")
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)


DOUBTED = [
    ("dmos.csv --label-mos-column dmos", 'dmos.csv: column "dmos" is named like differential scores (DMOS), of which'),
    ("low.csv --mos-scale 0-100", 'low.csv: no score of column "mos" is above 5, and all are taken to be on 0-100'),
    (
        "ten.csv",
        'ten.csv: no score of column "mos" is above 10, and all are taken to be on 0-100; where they are on 0-10',
    ),
]


@pytest.mark.parametrize(("labels", "said"), DOUBTED)
def test_a_scale_that_is_doubtful_is_a_warning(
    folder: Path, capfd: pytest.CaptureFixture[str], labels: str, said: str
) -> None:
    assert main(f"{ONE} {labels}".split()) == 0
    out, err = capfd.readouterr()
    (warning,) = json.loads(out)["warnings"]
    assert warning.startswith(said)
    assert f"warning: {warning}\n" in err


@pytest.mark.parametrize("scale", ["0-100", '{"worst": 100, "best": 0}'])
def test_the_scale_that_was_named_is_believed(folder: Path, capfd: pytest.CaptureFixture[str], scale: str) -> None:
    assert main([*f"{ONE} dmos.csv --label-mos-column dmos --mos-scale".split(), scale]) == 0
    assert json.loads(capfd.readouterr().out)["warnings"] == []


def test_a_feature_that_an_extra_would_replace_is_named(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (folder / "l.csv").write_text("clip_id,mos,deviation\nA001.mp4,3,1\nA002.mp4,4,1\n")
    assert main([*f"{ONE} l.csv --extras".split(), '{"deviation": "frame"}']) == 1
    assert capfd.readouterr().err == (
        "moslabels: refusing to overwrite existing MOS columns: frame, in f.csv; set overwrite to replace them, or "
        'give "frame" of the labels another name (status_column, extras)\n'
    )


def test_the_rule_that_gave_no_key(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (folder / "f.csv").write_text("path\nruns/A001.mp4\nruns/A002.mp4\n")
    assert main([*f"{ONE} l.csv --feature-key-regex runs/(A.*)".split()]) == 1
    assert 'the keys are those of f.csv, column "path" (basename, by "runs/(A.*)")\n' in capfd.readouterr().err


def test_a_table_in_memory_is_no_path() -> None:
    features: Any = pa.table({"key": ["a"]})
    with pytest.raises(UsageError) as raised:
        materialize(features, [features], "o.parquet")
    kind = "a pyarrow Table; join() takes tables in memory"
    assert list(raised.value.problems) == [
        f"features: must be a path, not {kind}",
        f'labels[0]: must be a path, or an object with a "path", not {kind}',
    ]


VERIFIED = [
    ("l.csv", "is a table without evidence in it: name its audit"),
    ("none.json", "there is no such file"),
]


@pytest.mark.parametrize(("path", "said"), VERIFIED)
def test_what_cannot_be_verified(folder: Path, capfd: pytest.CaptureFixture[str], path: str, said: str) -> None:
    assert main(["verify", path]) == 2
    assert capfd.readouterr().out.startswith(f"{path} (unknown): cannot be told\n  not told: {said}")


URLS = [
    "s3://bucket/o.csv",
    "S3://bucket/o.csv",
    "gs://bucket/o.csv",
    "https://user@host:80/o.csv?a=b",
    "hf://datasets/x/o.csv",
    "git+ssh://host/o.csv",
    "simplecache::s3://bucket/o.csv",
    " s3://bucket/o.csv",
    "s3:/bucket/o.csv",  # What pathlib makes of it.
    "x://o.csv",
    "file:///tmp/o.csv",
]
SUMMARY = "materialize --features f.csv --labels l.csv --out o.csv"
URL_ARGUMENTS = [
    "materialize --features {} --labels l.csv --out o.csv",
    f"{ONE} {{}}",
    f'{ONE} {{{{"path":"{{}}"}}}}',
    "materialize --features f.csv --labels l.csv --out {}",
    f"{SUMMARY} --audit-json {{}}",
    f"{SUMMARY} --unmatched {{}}",
    f"{SUMMARY} --temp-dir {{}}",
    "batch {}",
    "batch good.json --base-dir {}",
    "batch good.json --report-json {}",
    "batch good.json --report-md {}",
    "batch good.json --report-html {}",
    "init --features {} --labels l.csv",
    "init --features f.csv --labels {}",
    "init --features f.csv --labels l.csv --out {}",
    "suggest --features {} --labels l.csv",
    "suggest --features f.csv --labels {}",
    "explain A --features {} --labels l.csv",
    "explain A --manifest {} --table a",
    "compile {}",
    "sql {}",
    "sql {} --db x.duckdb",
    "sql audit.json --db {}",
    "sql audit.json -f {}",
    "verify {}",
    "verify audit.json --root {}",
    "diff {} l.csv",
    "diff f.csv {}",
    "diff f.csv l.csv --old-root {}",
]


@pytest.fixture
def remote(folder: Path) -> Path:
    (folder / "good.json").write_text(json.dumps({"tables": [TABLE]}))
    (folder / "audit.json").write_text('{"schema": "mos-label-materializer-audit-v1"}')
    return folder


def said_of_url(remote: Path, capfd: pytest.CaptureFixture[str], arguments: list[str], url: str) -> str:
    before = sorted(remote.rglob("*"))
    assert main(arguments) == 2
    out, err = capfd.readouterr()
    assert (out, sorted(remote.rglob("*"))) == ("", before)
    assert json.dumps(url)[:-1] in err
    return err


@pytest.mark.sampled
@pytest.mark.parametrize("command", URL_ARGUMENTS)
def test_a_url_is_no_path(remote: Path, capfd: pytest.CaptureFixture[str], command: str) -> None:
    url = "s3://bucket/o.csv"
    err = said_of_url(remote, capfd, [part.format(url) for part in command.split(" ")], url)
    assert "is a URL (s3:), and only files of this machine are opened: download it or mount it first" in err


@pytest.mark.parametrize("url", URLS)
def test_what_a_url_is(remote: Path, capfd: pytest.CaptureFixture[str], url: str) -> None:
    err = said_of_url(remote, capfd, [*SUMMARY.split(" ")[:-1], url], url)
    assert "is a URL" in err
    assert ('write "/tmp/o.csv"' in err) == url.startswith("file:")


@pytest.mark.parametrize("key", ["features", "labels", "out", "audit_json", "unmatched"])
def test_a_url_in_a_manifest(remote: Path, key: str) -> None:
    value: Any = ["s3://b/x.csv"] if key == "labels" else "s3://b/x.csv"
    (remote / "good.json").write_text(json.dumps({"tables": [{**TABLE, key: value}]}))
    with pytest.raises(UsageError, match=rf'tables\[0\].{key}.*: "s3://b/x.csv" is a URL'):
        run_batch("good.json")


@pytest.mark.parametrize("url", ["s3://b/x.csv", Path("s3://b/x.csv")])
def test_a_url_in_a_call(remote: Path, url: Any) -> None:
    for call in (
        lambda: materialize("f.csv", ["l.csv"], url),
        lambda: materialize("f.csv", ["l.csv"], "o.csv", temp_dir=url),
        lambda: join(url, ["l.csv"]),
        lambda: join("f.csv", url),
        lambda: run_batch(url),
    ):
        with pytest.raises(UsageError, match="is a URL"):
            call()


def test_a_folder_that_is_named_like_a_url(remote: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (remote / "s3:").mkdir()
    for name in ("f.csv", "l.csv"):
        (remote / name).rename(remote / "s3:" / name)
    entry = {"id": "a", "features": "./s3:/f.csv", "labels": ["./s3:/l.csv"], "audit_json": "./s3://a.json"}
    (remote / "good.json").write_text(json.dumps({"tables": [{**entry, "out": "./s3://o.csv"}]}))
    assert main(["batch", "good.json"]) == 0
    (table,) = load_manifest("good.json").tables
    assert table_spec(table.features, [table.labels[0].path], table.out, table.audit_json, None, {}).out == table.out
    assert sorted(path.name for path in (remote / "s3:").iterdir()) == ["a.json", "f.csv", "l.csv", "o.csv"]


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"
ANNEX = b"/annex/objects/SHA256E-s1234--0123456789abcdef.csv\n"
DVC = b"outs:\n- md5: 0123456789abcdef\n  size: 1234\n  hash: md5\n  path: l.csv\n"
ZIP = b"PK\x03\x04" + bytes(26)
OTHER = {
    "Git LFS pointer": (POINTER, "run git lfs pull"),
    "pointer of git-annex": (ANNEX, "run git annex get on it, or datalad get"),
    "file of DVC": (DVC, "run dvc pull, and name the file that it is about"),
    "gzip": (gzip.compress(b"clip_id,mos\n"), "unpack it first, and name what was in it (gzip -dc); CSV and JSON"),
    "bzip2": (bz2.compress(b"clip_id,mos\n"), "(bzip2 -dc)"),
    "xz": (lzma.compress(b"clip_id,mos\n"), "(xz -dc)"),
    "zstd": (pa.compress(b"clip_id,mos\n", codec="zstd", asbytes=True), "(zstd -dc)"),
    "lz4": (pa.compress(b"clip_id,mos\n", codec="lz4", asbytes=True), "(lz4 -dc)"),
    "Excel workbook": (ZIP + b"[Content_Types].xml", "save the sheet as CSV"),
    "old Excel workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(9), "save the sheet as CSV"),
    "OpenDocument file": (ZIP + b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet", "save the sheet as CSV"),
    "NumPy arrays": (ZIP + b"mos.npy\x93NUMPY", "write its table as CSV or Parquet first"),
    "ZIP archive": (ZIP + b"l.csvclip_id,mos", "unpack it first, and name what was in it (unzip)"),
    "tar archive": (b"l.csv".ljust(257, b"\0") + b"ustar\x0000", "(tar -xf)"),
    "HDF5 file": (b"\x89HDF\r\n\x1a\n" + bytes(9), "write its table as CSV or Parquet first"),
    "HDF5 file, as a newer .mat": (b"MATLAB 7.3 MAT-file".ljust(512) + b"\x89HDF\r\n\x1a\n", "write its table"),
    "MATLAB file": (b"MATLAB 5.0 MAT-file, Platform: GLNXA64".ljust(128), "write its table"),
    "NumPy array": (b"\x93NUMPY\x01\0v\0{'descr': '<f8'}\n", "write its table"),
    "pickle": (pickle.dumps({"a": 3}), "write its table"),
    "SQLite database": (b"SQLite format 3\0\x10\0", "write its table"),
    "DuckDB database": (bytes(8) + b"DUCK\x43\0", "write its table"),
    "Arrow file": (b"ARROW1\0\0\xff\xff\xff\xff", "write its table"),
    "ORC file": (b"ORC\n\x06\x08", "write its table"),
    "Avro file": (b"Obj\x01\x04\x14avro.codec", "write its table"),
    "SPSS file": (b"$FL2@(#) SPSS DATA FILE", "write its table"),
    "PDF document": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "name a file that holds the table itself"),
    "HTML": (b"\n<!DOCTYPE html>\n<html><title>Sign in</title>", "was a page downloaded in the place of the file"),
    "XML document": (b'\xef\xbb\xbf<?xml version="1.0"?><Error>', "was a page downloaded in the place of the file"),
}


@pytest.mark.sampled
@pytest.mark.parametrize("kind", OTHER)
@pytest.mark.parametrize("command", ["batch x.json", "verify x.json", "sql x.json", "diff x.json x.json"])
def test_what_a_file_is_instead(remote: Path, capfd: pytest.CaptureFixture[str], command: str, kind: str) -> None:
    content, advice = OTHER[kind]
    (remote / "x.json").write_bytes(content)
    assert main(command.split(" ")) == 2
    said = "".join(capfd.readouterr())
    assert kind in said
    assert advice in said
    assert "codec" not in said


@pytest.mark.sampled
@pytest.mark.parametrize("suffix", ["csv", "json", "jsonl", "parquet", "tsv"])
@pytest.mark.parametrize("kind", ["Git LFS pointer", "pointer of git-annex", "file of DVC", "gzip", "Excel", "HTML"])
def test_a_table_that_is_another_file(folder: Path, suffix: str, kind: str) -> None:
    content, advice = next(value for name, value in OTHER.items() if kind in name)
    (folder / f"x.{suffix}").write_bytes(content)
    for call in (
        lambda: join(f"x.{suffix}", "l.csv", feature_csv={"encoding": "latin-1"}),
        lambda: join("f.csv", f"x.{suffix}"),
    ):
        with pytest.raises(TableError) as raised:
            call()
        assert (raised.value.code, raised.value.file) == ("unreadable", f"x.{suffix}")
        assert str(raised.value).startswith(f"x.{suffix}: is ")
        assert kind in str(raised.value)
        assert advice in str(raised.value)
        assert "encoding" not in str(raised.value)


BYTES = [
    ("x.csv", bytes(range(256)), "is not text, but a file of another format: write its table as CSV or Parquet first"),
    ("x.csv", "clip_id,mos\nä,1\n".encode("latin-1"), 'label_csv {"encoding": …} to one of utf-8, utf-16, latin-1'),
    ("x.csv", "clip_id,mos\nä,1\n".encode("utf-16-le"), "utf-16?"),
    ("x.json", b"PAR1", "begins as a Parquet file does: name it .parquet"),
    ("x.parquet", b"clip_id,mos\n", "is not a Parquet file, but text: if it is CSV or JSON, name it .csv"),
    ("x.parquet", b"PAR1\0\0", "is not a readable Parquet file: it has 6 bytes"),
    ("annex.csv", ".git/annex/objects/f/g/SHA256E-s1--0/SHA256E-s1--0.csv", "run git annex get on it"),
    ("cached.csv", ".dvc/cache/files/md5/01/23", "is not there: run dvc pull"),
    ("dangling.csv", "elsewhere/l.csv", "it is a link to elsewhere/l.csv, which is not there: find that file"),
    ("tracked.csv", None, "there is no such file; tracked.csv.dvc is there: run dvc pull"),
]


@pytest.mark.parametrize(("name", "content", "said"), BYTES)
def test_what_a_label_file_is(folder: Path, name: str, content: bytes | str | None, said: str) -> None:
    if isinstance(content, bytes):
        (folder / name).write_bytes(content)
    elif content is None:
        (folder / f"{name}.dvc").write_bytes(DVC)
    else:
        (folder / name).symlink_to(content)
    with pytest.raises(TableError) as raised:
        join("f.csv", name)
    assert str(raised.value).startswith(f"{name}: ")
    assert said in str(raised.value)


def test_a_manifest_or_audit_that_is_not_there_yet(remote: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (remote / "x.json").symlink_to(".git/annex/objects/x.json")
    for command in ("batch x.json", "verify x.json", "sql x.json"):
        assert main(command.split(" ")) == 2
        assert "run git annex get on it" in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("l.gz", "; name what is in it too, such as .csv.gz or .jsonl.gz"),
        ("l.csv.bz2", "; unpack it first, and name what was in it"),
        ("l.ods", "; save the sheet as CSV"),
        ("l.h5", "; write its table as CSV or Parquet first"),
        ("l.csv.dvc", "; run dvc pull, and name the file that it is about"),
    ],
)
def test_a_suffix_that_is_known_elsewhere(name: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        materialize(name, [name], name)
    told = {problem.partition(":")[0] for problem in raised.value.problems if problem.endswith(said)}
    assert told == {"features", "labels[0]"}, "an output cannot be that, whatever is done with it"


@pytest.mark.parametrize("side", ["feature", "label"])
def test_a_key_of_bytes_is_to_be_converted(folder: Path, side: str) -> None:
    bytes_of = pa.table({"clip_id": pa.array([b"A001.mp4", b"A002.mp4"]), "mos": [3.0, 4.0]})
    tables: list[Any] = [bytes_of.drop_columns("mos"), "l.csv"] if side == "feature" else ["f.csv", bytes_of]
    with pytest.raises(TableError) as raised:
        join(*tables)
    advice = 'convert the column to text first, such as by SELECT * REPLACE (decode("clip_id") AS "clip_id") in DuckDB'
    assert advice in str(raised.value)
    assert str(raised.value).endswith(f"or name another {side}_key_column")
