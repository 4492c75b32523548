"""Contract 6: the label columns, their order, and what overwrite removes."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers.job import Job
from moslabels import MosLabelsError

LABELS = [{"key": "a", "mos": 3, "split": "test"}]
SUFFIXES = [".parquet", ".jsonl", ".csv"]


def test_types_of_the_label_columns(job: Job) -> None:
    job.run(pa.table({"key": ["a"]}), LABELS, features_name="f.parquet", out_name="o.parquet", status_column="state")
    schema = pq.read_schema(job.out)
    assert schema.names == ["key", "mos", "mos_raw_0_100", "state", "mos_label_source", "split"]
    assert [schema.field(name).type for name in schema.names[1:]] == [
        pa.float64(),
        pa.float64(),
        pa.string(),
        pa.string(),
        pa.string(),
    ]


def test_a_row_without_a_label(job: Job) -> None:
    rows = job.run([{"key": "x"}, {"key": None}], LABELS, min_match_rate=0)
    for row in rows:
        assert [row[name] for name in list(row)[1:]] == [None, None, "missing-label", "", None]


def test_the_source_is_the_path_as_given(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    from moslabels import materialize

    job.run([{"key": "a"}], LABELS)
    monkeypatch.chdir(job.folder)
    materialize("features.jsonl", ["./labels.jsonl"], "o.csv")
    assert (job.folder / "o.csv").read_text().splitlines()[1] == "a,3.0,50.0,ok,./labels.jsonl,test"


@pytest.mark.sampled
@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", ["mos", "MOS", "Mos_Raw_0_100", "mos_label_status", "mos_label_source", "Split"])
def test_existing_label_columns_are_refused(job: Job, suffix: str, name: str) -> None:
    with pytest.raises(MosLabelsError, match=f"refusing to overwrite existing MOS columns: {name}, "):
        job.run([{"key": "a", name: "old"}], LABELS, features_name=f"f{suffix}", out_name=f"o{suffix}")
    assert not job.out.exists()


@pytest.mark.sampled
@pytest.mark.parametrize("source", SUFFIXES)
@pytest.mark.parametrize("target", SUFFIXES)
def test_overwrite_removes_the_old_label_columns(job: Job, source: str, target: str) -> None:
    old = {
        "MOS": 1,
        "x": "x,y",
        "mos_std_dev": 0.5,
        "mos_n_ratings": 9,
        "mos_label_status": "ok",
        "split": "old",
        "corpus": "kept",
    }
    rows = job.run([{"key": "a", **old}], LABELS, features_name=f"f{source}", out_name=f"o{target}", overwrite=True)
    assert list(rows[0]) == [
        "key",
        "x",
        "corpus",
        "mos",
        "mos_raw_0_100",
        "mos_label_status",
        "mos_label_source",
        "split",
    ]
    assert (rows[0]["x"], rows[0]["corpus"], rows[0]["split"], float(rows[0]["mos"])) == ("x,y", "kept", "test", 3.0)


DROPPED = [
    ('{"mos":1,"key":"a","x":1.10}', '{"key":"a","x":1.10'),
    ('{"key":"a","x":1.10,"mos":[1,{"mos":2}]}', '{"key":"a","x":1.10'),
    ('{ "key" : "a" , "x":{"mos":1, "y":[1,2]} , "mos":"},{,\\""}', '{ "key" : "a" , "x":{"mos":1, "y":[1,2]} '),
    ('{"key":"a","m\\u006fs":1,"s":"mos,{}"}', '{"key":"a","s":"mos,{}"'),
    ('{"mos":null,"key":"a"}', '{"key":"a"'),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("line", "start"), DROPPED)
def test_members_are_cut_out_of_json_lines_and_the_rest_stays(job: Job, line: str, start: str) -> None:
    job.run(line + "\n" + '{"key": "b", "z": 1.50}\n{}\n', LABELS, overwrite=True, min_match_rate=0)
    lines = job.out.read_text().splitlines()
    assert lines[0].startswith(start + ', "mos": 3.0,')
    assert lines[1].startswith('{"key": "b", "z": 1.50, "mos": null,')
    assert lines[2].startswith('{"mos": null,')


def test_members_are_cut_out_of_nested_json_or_not_at_all(job: Job) -> None:
    deep = '{"key": "a", "x": ' + "[" * 10 + "]" * 10 + ', "mos": 1}'
    job.run(deep + "\n", LABELS, overwrite=True)
    assert job.out.read_text().startswith(deep[: -len(', "mos": 1}')] + ', "mos": 3.0')
    deeper = deep.replace("[]", "[[]]")
    with pytest.raises(MosLabelsError, match="more than 10 deep"):
        job.run(deeper + "\n", LABELS, overwrite=True)
    job.run(deeper.replace("mos", "som") + "\n", LABELS, overwrite=True)


def test_overwrite_twice_gives_the_same_bytes(job: Job) -> None:
    job.run([{"key": "a", "x": 1}], LABELS, out_name="o.jsonl")
    first = job.out.read_bytes()
    job.run(first, LABELS, out_name="o2.jsonl", overwrite=True)
    assert job.out.read_bytes() == first


@pytest.mark.parametrize("overwrite", [False, True])
def test_the_key_column_is_never_removed(job: Job, overwrite: bool) -> None:
    with pytest.raises(
        MosLabelsError, match='the key column "mos_n_ratings" has the name|the key column "split" has the name'
    ):
        job.run([{"split": "a"}], LABELS, feature_key_column="split", overwrite=overwrite)
    if overwrite:
        with pytest.raises(MosLabelsError, match='the key column "mos_n_ratings" has the name'):
            job.run([{"mos_n_ratings": "a"}], LABELS, feature_key_column="mos_n_ratings", overwrite=True)


def test_feature_columns_that_no_label_column_replaces_stay(job: Job) -> None:
    rows = job.run([{"key": "a", "mos_std_dev": 1, "corpus": "c"}], LABELS)
    assert (rows[0]["mos_std_dev"], rows[0]["corpus"]) == (1, "c")


@pytest.mark.parametrize("status", ["mos", "MOS_label_source", "split", "mos_std_dev"])
def test_the_status_column_is_no_other_label_column(job: Job, status: str) -> None:
    with pytest.raises(MosLabelsError, match="status_column: must not be the name of another label column"):
        job.run([{"key": "a"}], LABELS, status_column=status)
